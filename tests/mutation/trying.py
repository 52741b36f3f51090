"""Tries the conformance suite on mechanical mutants: which it kills, and which survive.

python -m tests.mutation.trying reader buffer      # modules of the streams; all unless told
python -m tests.mutation.trying --check            # exit 1 for survivors that are not explained
python -m tests.mutation.trying --stdlib           # the running Python's asyncio/streams.py

Survivors are explained in `survivors.txt`; they are tried with --explained only. Trials
are made on the two quickest links of each check: fed by hand, and in memory, as a rule.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import warnings
from typing import List

from . import judging
from .explaining import Tally, explanations
from .mutants import Mutant, mutants_of
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
    parser.add_argument("--links", type=int, default=2, help="of each check, the quickest N")
    parser.add_argument("--killers", action="store_true", help="show what killed each")
    parser.add_argument("--explained", action="store_true", help="try those explained as well")
    parser.add_argument("--list", action="store_true", help="list mutants, and try none")
    parser.add_argument("--only", default="", metavar="FILE", help="only mutants that it names")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    target: Target = Stdlib() if options.stdlib else Ours()
    mutants = _chosen(target, options.modules, options.only)
    if options.list:
        print("\n".join(mutant.name for mutant in mutants))  # noqa: T201 - a script
        return 0
    gc.freeze()
    known = judging.sound(target, options.links)
    tally = Tally(explanations(target.name))
    due = [m for m in mutants if options.explained or not tally.explained.kind(m.name)]
    for mutant in (m for m in mutants if m not in due):
        tally.add(mutant, "")
    for mutant, killer in judging.judged(target, due, known, options.jobs):
        kind = tally.add(mutant, killer)
        if options.killers or not kind:
            print(f"{killer or kind or 'survives'}  {mutant.name}", flush=True)  # noqa: T201
    print(tally.told())  # noqa: T201 - a script
    return 1 if options.check and tally.unexplained else 0


def _chosen(target: Target, modules: List[str], only: str) -> List[Mutant]:
    """Give the mutants to try."""
    paths = {path.stem: path for path in target.paths()}
    unknown = [name for name in modules if name not in paths]
    if unknown:
        raise SystemExit(f"no module is called {unknown[0]!r}; expected of {', '.join(paths)}")
    mutants = [m for name in modules or paths for m in mutants_of(paths[name])]
    if only:
        with open(only, encoding="utf-8") as lines:
            names = {line.rstrip("\n").partition("  ")[2] or line.rstrip("\n") for line in lines}
        mutants = [mutant for mutant in mutants if mutant.name in names]
    return mutants


if __name__ == "__main__":
    sys.exit(main())
