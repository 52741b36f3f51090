"""Tries the conformance suite on mechanical mutants: which it kills, and which survive.

python -m tests.mutation.trying reader buffer      # modules of the streams; all unless told
python -m tests.mutation.trying --check            # exit 1 for what is not explained, or stale
python -m tests.mutation.trying --stdlib           # the running Python's asyncio/streams.py
python -m tests.mutation.trying loops eyeballs --loop uvloop    # what other loops need

Survivors are explained in `survivors*.txt`; they are tried with --explained only. Trials
are made on the two quickest links of each check, fed by hand and in memory as a rule, and
what survives is tried on every link.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import warnings
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

from streamgauge.conformance.plan import LINKS, STOCK_LOOP

from . import judging
from .explaining import Tally, explanations
from .mutants import Mutant
from .targets import Ours, Stdlib, Target

__all__ = ["main"]


def main() -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", help="of the streams; all of them unless told")
    parser.add_argument("--stdlib", action="store_true", help="mutate asyncio/streams.py instead")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--check", action="store_true", help="fail for what is not explained")
    parser.add_argument("--loop", default=STOCK_LOOP, help="on which they are tried")
    parser.add_argument("--links", type=int, default=2, help="of each check, the quickest N first")
    parser.add_argument("--killers", action="store_true", help="show what killed each")
    parser.add_argument("--explained", action="store_true", help="try those explained as well")
    parser.add_argument("--list", action="store_true", help="list mutants, and try none")
    parser.add_argument("--record", type=Path, metavar="FILE", help="put the counts into FILE")
    parser.add_argument("--only", default="", metavar="FILE", help="only mutants that it names")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    target: Target = Stdlib() if options.stdlib else Ours()
    paths = _chosen(target, options.modules)
    if options.list:
        print(*(m.told for path in paths for m in target.mutants(path)), sep="\n")  # noqa: T201
        return 0
    sound = lru_cache(maxsize=None)(partial(judging.sound, target, loop=options.loop))
    tally = Tally(explanations(target.explained))
    for path in paths:
        mutants = [m for m in target.mutants(path) if _is_named(m, options.only)]
        due = [m for m in mutants if options.explained or not tally.explained.kind(m.name)]
        for mutant in (m for m in mutants if m not in due):
            tally.add(mutant, "")
        for mutant, killer in _judged(target, due, sound, options):
            kind = tally.add(mutant, killer)
            if options.killers or not kind:
                print(f"{killer or kind or 'survives'}  {mutant.told}", flush=True)  # noqa: T201
    stale = tally.stale() if target.has_one_text and not options.only else []
    print(*(f"stale     {name}" for name in stale), tally.told(), sep="\n")  # noqa: T201
    if options.record and not options.only:
        tally.record(options.record, target.name)
    return 1 if options.check and (tally.unexplained or stale) else 0


def _judged(
    target: Target,
    mutants: List[Mutant],
    sound: Callable[[int], judging.Sound],
    options: argparse.Namespace,
) -> Iterator[Tuple[Mutant, str]]:
    """Judge mutants on the quickest links, and those that survive on every link."""
    for links in dict.fromkeys((options.links, len(LINKS))):
        survivors = []
        known = sound(links) if mutants else judging.Sound()
        gc.freeze()
        for mutant, killer in judging.judged(target, mutants, known, options.jobs):
            if killer:
                yield mutant, killer
            else:
                survivors.append(mutant)
        mutants = survivors
    yield from ((mutant, "") for mutant in mutants)


def _chosen(target: Target, modules: List[str]) -> List[Path]:
    """Give the files to mutate."""
    paths = {path.stem: path for path in target.paths()}
    unknown = [name for name in modules if name not in paths]
    if unknown:
        raise SystemExit(f"no module is called {unknown[0]!r}; expected of {', '.join(paths)}")
    return [paths[name] for name in modules or paths]


def _is_named(mutant: Mutant, only: str) -> bool:
    """Whether a mutant is in a file of names, which may be what an earlier run printed."""
    if not only:
        return True
    lines = Path(only).read_text(encoding="utf-8").splitlines()
    return any(line.endswith(mutant.told) for line in lines)


if __name__ == "__main__":
    sys.exit(main())
