"""The command line: measure and show, keep the figures, or write the page of what was kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from benchmarks.fakes import __doc__ as about_this
from benchmarks.fakes import page, rounds
from benchmarks.fakes.goals import GOALS, outcome
from benchmarks.fakes.workloads import WORKLOADS, Workload

from streamgauge.conformance.bench import figures, table
from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.report.console import make_console

FILE_WIDTH = 120  # columns, where there is no terminal
RUNS = Path(__file__).parent / "runs"


def main(words: Optional[List[str]] = None) -> int:
    """Do what was asked for; 2 if that cannot be done."""
    parser = _parser()
    options = parser.parse_args(words)
    if options.rounds < 1:
        parser.error(f"--rounds got {options.rounds}, expected 1 or more")
    if not options.scale > 0:
        parser.error(f"--scale got {options.scale}, expected a number above 0")
    try:
        if options.page:
            page.write(options.page, page.load(sorted(RUNS.glob("*.json"))))
        else:
            _measure(options)
    except UsageError as error:
        parser.error(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [each.name for each in WORKLOADS]
    parser = argparse.ArgumentParser(
        "python -m benchmarks.fakes", description=(about_this or "").partition("\n")[0]
    )
    parser.add_argument("--loop", default="asyncio", help="asyncio, uvloop or module:function")
    parser.add_argument("--workload", action="append", choices=names, help="only this one")
    parser.add_argument("--rounds", type=int, default=15, help="that count, of each workload")
    parser.add_argument("--scale", type=float, default=1, help="multiplies a round's operations")
    parser.add_argument("--json", type=Path, help="file to keep the figures in")
    parser.add_argument("--page", type=Path, help="file to write the page of the kept runs to")
    return parser


def _measure(options: argparse.Namespace) -> None:
    chosen = [w for w in WORKLOADS if not options.workload or w.name in options.workload]
    taken: List[Figure] = []
    for each in chosen:
        taken += figures.figures(
            rounds.measure(each, options.loop, rounds=options.rounds, scale=options.scale)
        )
    _show(taken, chosen)
    if options.json:
        about: Dict[str, Any] = {
            "machine": figures.machine(),
            "versions": rounds.versions(options.loop),
        }
        about["turn_s"] = rounds.cost_of_a_turn(options.loop)
        about["growth"] = rounds.growth_of_one_write(options.loop)
        figures.store(options.json, taken, about)


def _show(taken: Sequence[Figure], chosen: Sequence[Workload]) -> None:
    console = make_console(sys.stdout, None if sys.stdout.isatty() else FILE_WIDTH)
    table.print_figures(console, taken, chosen)
    for goal in GOALS:
        found = outcome(goal, taken)
        if found:
            floor = "" if found.floor is None else f", floor {found.floor:.2f}"
            limit = f"at most {goal.at_most:g} of {goal.against}'s time"
            console.print(f"{goal.workload}: {found.part:.2f}{floor}, {limit}: {found.verdict}")


if __name__ == "__main__":
    sys.exit(main())
