"""Runs the suite again and again on a busy machine, and compares every verdict.

    python tests/conformance/steadiness.py --runs 20 --busy 2 [-- streamgauge run's options]

A verdict that differs between identical runs is a fault of the suite, of the highest rank.
Prints a line a run and each difference; exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

from streamgauge.conformance import results

Key = Tuple[str, ...]
Seen = Tuple[str, str]  # the verdict and its detail
NOT_RUN = ("not run", "")
SPIN = "while True: pass"  # keeps a core busy


def verdicts(options: List[str]) -> Dict[Key, Seen]:
    """Run once and give each trial's verdict with its detail."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        command = [sys.executable, "-m", "streamgauge.conformance", "run", "--quiet"]
        subprocess.run([*command, "--jsonl", str(path), *options], stdout=subprocess.DEVNULL)
        found = results.read(path).results
    return {
        (r.subject, r.loop, r.link, r.clause, r.check): (str(r.verdict), r.detail) for r in found
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


def main() -> int:
    """Run, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--busy", type=int, default=2, help="processes that keep a core busy")
    parser.add_argument("options", nargs="*", help="for `streamgauge run`, behind --")
    given = parser.parse_args()
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(given.busy)]
    try:
        first = verdicts(given.options)
        print(f"run 1: {len(first)} trials", flush=True)  # noqa: T201
        differences: List[str] = []
        for number in range(2, given.runs + 1):
            found = compare(first, verdicts(given.options))
            differences += found
            print("\n".join([f"run {number}: {len(found)} differ", *found]), flush=True)  # noqa: T201
    finally:
        for process in spinning:
            process.kill()
    print(f"{given.runs} runs of {len(first)} trials: {len(differences)} different verdicts")  # noqa: T201
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
