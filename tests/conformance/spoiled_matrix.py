"""Spoils asyncio in every way we know and shows what the suite makes of it.

`python -m tests.conformance.spoiled_matrix [PATTERN ...]`, run in the checkout's folder, prints a
line for each spoil and ends with "N of N found"; it exits with 1 if one was missed. It takes
minutes, so the tests run a sample of it only.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from streamgauge.conformance.catalogue import load

from .spoil import Outcome, Spoil, gauge, spoiled, spoiled_source
from .spoils import PARTS

__all__ = ["main", "missing"]


def missing(one: Spoil, sound: Outcome, outcome: Outcome) -> str:
    """Say what is wrong with the suite's word on a spoil; empty if it found the fault.

    A clause of level `behaviour` is not scored: there it is enough that it was answered otherwise.

    Args:
        one: the spoil.
        sound: an unspoiled run.
        outcome: the run on the spoiled copy.
    """
    scored = load()[one.clause].level != "behaviour"
    if not outcome.departures_from(sound):
        return f"survived, exit {outcome.code}: {outcome.last_line}"
    if scored and sound.code == 0 and outcome.code != 1:
        return f"expected exit code 1, got {outcome.code}: {outcome.last_line}"
    return ""


def _chosen(patterns: Sequence[str]) -> Iterator[Tuple[str, Spoil]]:
    for part, spoils in PARTS.items():
        for one in spoils:
            if any(fnmatchcase(name, p) for p in patterns for name in (one.name, part)):
                yield part, one


def _judged(one: Spoil, words: Sequence[str]) -> Outcome:
    with spoiled(one) as folder:
        return gauge(folder, "--workers", "1", *words)


def _line(part: str, one: Spoil, found: Dict[str, List[str]], wrong: str) -> str:
    clauses = sorted(found, key=lambda c: (c != one.clause, c))
    shown = [f"{c} ({', '.join(sorted(set(found[c])))})" for c in clauses[:3]]
    more = [f"and {len(clauses) - 3} more"] if len(clauses) > 3 else []
    return f"{part:10}{one.name:44}{wrong and f'[{wrong}] '}{', '.join(shown + more)}"


def _show(one: Spoil) -> None:
    sound = spoiled_source(Spoil(one.name, one.clause, one.breaks, cuts=()))
    lines = difflib.unified_diff(sound.splitlines(), spoiled_source(one).splitlines(), n=1)
    sys.stdout.writelines(f"{line}\n" for line in lines)


def main() -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of spoils or parts")
    parser.add_argument("--whole", action="store_true", help="the whole suite, to the first find")
    parser.add_argument("--show", action="store_true", help="show what is changed; judge nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time")
    options = parser.parse_args()
    chosen = list(_chosen(options.patterns))
    if options.show:
        for _, one in chosen:
            _show(one)
        return 0
    return _matrix(chosen, options.whole, options.jobs)


def _matrix(chosen: Sequence[Tuple[str, Spoil]], whole: bool, jobs: int) -> int:
    sound = gauge(Path(os.devnull))
    if sound.code:
        print(f"unspoiled, the run exits with {sound.code}: {sound.last_line}")  # noqa: T201
    tried = [(part, one) for part, one in chosen if not one.skipped]
    for _, one in chosen:
        if one.skipped:
            print(f"skipped   {one.name}: {one.skipped}")  # noqa: T201
    words = [["--fail-fast"] if whole else ["--clause", one.clause] for _, one in tried]
    missed = 0
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(_judged, (one for _, one in tried), words)
        for (part, one), outcome in zip(tried, outcomes):
            wrong = missing(one, sound, outcome)
            missed += bool(wrong)
            print(_line(part, one, outcome.departures_from(sound), wrong), flush=True)  # noqa: T201
    print(f"{len(tried) - missed} of {len(tried)} found")  # noqa: T201
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
