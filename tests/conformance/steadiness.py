"""Runs the suite again and again on a busy machine; compares every verdict and each exit code.

    python tests/conformance/steadiness.py --runs 20 --busy 2 [-- streamgauge run's options]
    python tests/conformance/steadiness.py --runs 100 --first run.jsonl    # again: 100 more

A verdict that differs between identical runs is a fault of the suite, of the highest rank; and so
is another exit code, which the detail of a listed failure can bring about by itself.
Prints a line a run and each difference, with what such a run printed; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from streamgauge.conformance import results

Key = Tuple[str, ...]
Seen = Tuple[str, str]  # the verdict and its detail
NOT_RUN = ("not run", "")
EXIT: Key = ("the run",)  # beside the trials: the verdict on it is its exit code
# Keeps a core busy, as long as we are there.
SPIN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


def run(options: List[str], path: Path) -> Dict[Key, Seen]:
    """Run once, into a file; give each trial's verdict and detail, the exit code and the output."""
    command = [sys.executable, "-m", "streamgauge.conformance", "run", "--quiet"]
    path.unlink(missing_ok=True)
    done = subprocess.run(
        [*command, "--jsonl", str(path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if not path.exists():  # nothing was run
        sys.exit(done.stdout)
    return {**verdicts(path), EXIT: (f"exit {done.returncode}", done.stdout)}


def verdicts(path: Path) -> Dict[Key, Seen]:
    """Read what `run` has written."""
    return {
        (r.subject, r.loop, r.link, r.clause, r.check): (str(r.verdict), r.detail)
        for r in results.read(path).results
    }


def compare(first: Dict[Key, Seen], other: Dict[Key, Seen]) -> List[str]:
    """Give a line for each trial that two runs judge differently."""
    keys = sorted(first.keys() | other.keys())
    pairs = ((key, first.get(key, NOT_RUN), other.get(key, NOT_RUN)) for key in keys)
    return [
        f"{' '.join(key)}: {one}, then {two} {said or was}"
        for key, (one, was), (two, said) in pairs
        if one != two
    ]


def repeat(runs: int, options: List[str], kept: Optional[Path], folder: Path) -> List[str]:
    """Run so many times; gives, and prints, what differs from the first of them or the one kept."""
    path = kept or folder / "first.jsonl"
    known = path.exists()
    first = verdicts(path) if known else run(options, path)
    trials = len(first.keys() - {EXIT})
    print(f"{trials} trials, {'kept' if known else 'run 1'}", flush=True)  # noqa: T201
    differences: List[str] = []
    for number in range(1 if known else 2, runs + 1):
        other = run(options, folder / "run.jsonl")
        first.setdefault(EXIT, other[EXIT])  # what is kept has none
        found = compare(first, other)
        differences += found
        print("\n".join([f"run {number}: {len(found)} differ", *found]), flush=True)  # noqa: T201
    return differences


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--busy", type=int, default=2, help="processes that keep a core busy")
    parser.add_argument(
        "--first", type=Path, metavar="FILE", help="what all are compared with; made if missing"
    )
    parser.add_argument("options", nargs="*", help="for `streamgauge run`, behind --")
    given = parser.parse_args()
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(given.busy)]
    try:
        with tempfile.TemporaryDirectory() as folder:
            differences = repeat(given.runs, given.options, given.first, Path(folder))
    finally:
        for process in spinning:
            process.kill()
    print(f"{given.runs} runs: {len(differences)} different verdicts")  # noqa: T201
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
