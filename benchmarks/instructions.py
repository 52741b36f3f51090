"""Counts instructions where time tells little: what the loop and the kernel do most of.

python -m benchmarks.instructions                  # our streams beside asyncio's, as a table
python -m benchmarks.instructions --loop uvloop    # on another loop that the suite knows by name

It takes valgrind, and counts in user space: what the kernel does is not in it, nor is the other
end, which is in another process. A count hardly moves from run to run, whatever else the machine
does; what an instruction costs is another matter, and the subject of `streamgauge bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Tuple

import streamgauge.streams
from streamgauge.conformance.bench.measuring import WORKLOADS, run_once
from streamgauge.conformance.bench.peer import Peer
from streamgauge.conformance.bench.scene import Scene, Stopwatch
from streamgauge.conformance.loops import resolve_loop

# How many operations are counted of each of the bench's workloads.
OPERATIONS = {
    "echo": 300,
    "echo-lines": 300,
    "connect": 100,
    "many": 100,
    "writes": 1000,
    "writelines": 300,
}
COUNTED = [workload for workload in WORKLOADS if workload.name in OPERATIONS]
WARMING = 10  # operations that are not counted: caches fill, methods are looked up
MARK = "getsid"  # a call of the C library that nobody else makes; the counts are split there
SUBJECTS = {"stdlib": asyncio, "streams": streamgauge.streams}


class Marks(Stopwatch):
    """Marks where the work begins and ends, in the place of a stopwatch."""

    def __enter__(self) -> None:
        os.getsid(0)

    def __exit__(self, *error: object) -> None:
        os.getsid(0)


def play(loop_name: str, address: Tuple[str, int], share: float = 1.0) -> None:
    """Do all the work, with a mark before and behind each part; this is what is counted."""
    peer: Any = SimpleNamespace(address=address)  # whose process is another's child
    new_loop = resolve_loop(loop_name)
    for workload in COUNTED:
        for subject in SUBJECTS.values():
            scene = Scene(subject, peer, WARMING, workload.payload)
            run_once(workload.work, scene, new_loop)
            count = max(1, int(OPERATIONS[workload.name] * share))
            run_once(workload.work, replace(scene, count=count, timed=Marks()), new_loop)


def counted(loop_name: str) -> Iterator[Tuple[str, Dict[str, float]]]:
    """Count; gives each workload's title, and instructions of one operation by subject."""
    with Peer() as peer, tempfile.TemporaryDirectory() as folder:
        host, port = peer.address
        command = ["valgrind", "--tool=callgrind", f"--dump-before={MARK}"]
        command += [f"--callgrind-out-file={folder}/counts", sys.executable, "-m", __spec__.name]
        command += ["--loop", loop_name, "--play", f"{host}:{port}"]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
        totals = _totals(Path(folder))
    for workload in COUNTED:
        count = OPERATIONS[workload.name]
        yield workload.title, {name: totals.pop(0) / count for name in SUBJECTS}


def _totals(folder: Path) -> List[int]:
    """Read what was counted between each two marks; there are two around each part."""
    files = sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    between = [path.read_text(encoding="utf-8") for path in files[1::2]]
    found = [re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE) for text in between]
    return [int(match[1]) for match in found if match]


def main() -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loop", default="asyncio", help="a name that the suite knows")
    parser.add_argument("--play", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        host, _, port = options.play.rpartition(":")
        play(options.loop, (host, int(port)))
        return 0
    if not shutil.which("valgrind"):
        print("valgrind counts the instructions, and is not installed", file=sys.stderr)  # noqa: T201
        return 2
    print("| instructions of | stdlib | streams | of stdlib's |\n| --- | ---: | ---: | ---: |")  # noqa: T201
    for name, counts in counted(options.loop):
        share = counts["streams"] / counts["stdlib"]
        cells = (name, *(f"{counts[subject]:,.0f}" for subject in SUBJECTS), f"{share:.3f}")
        print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
