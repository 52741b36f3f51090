"""`streamgauge bench`: options become a `BenchPlan`; the measuring is in `bench/`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Tuple

import click

from streamgauge.conformance.plan import STOCK_LOOP, RunPlan
from streamgauge.conformance.report.console import make_console

__all__ = ["bench"]


@click.command()
@click.argument("names", metavar="[SUBJECT]...", nargs=-1)
@click.option(
    "--loop",
    "loops",
    multiple=True,
    metavar="LOOP",
    help="Event loop: asyncio (the default), uvloop, aiofastnet, aiofastnet+LOOP or "
    "MODULE:FACTORY. Repeatable.",
)
@click.option(
    "--workload",
    "workloads",
    multiple=True,
    metavar="PATTERN",
    help="Only workloads whose name matches, as in exactly-*. Repeatable.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=7,
    metavar="N",
    help="Rounds that count, of each workload; default: 7.",
)
@click.option("--quick", is_flag=True, help="An eighth of the work, without memory: a first look.")
@click.option("--json", type=Path, metavar="FILE", help="Write the figures to FILE.")
@click.option("--compare", type=Path, metavar="OLD", help="Show what changed since OLD, a --json.")
@click.option("--growth", is_flag=True, help="Show how cost grows with the work, instead.")
@click.option(
    "--doublings",
    type=click.IntRange(min=1),
    default=3,
    metavar="N",
    help="How often --growth doubles the work; default: 3.",
)
@click.option(
    "--large", is_flag=True, help="With --growth: up to a 10 MiB line and the like; minutes."
)
@click.option("--plots", type=Path, metavar="FOLDER", help="Write an SVG picture for each loop.")
def bench(names: Tuple[str, ...], loops: Tuple[str, ...], **options: Any) -> None:
    """Measure how fast each SUBJECT is (default: stdlib streams), against the first of them."""
    # What measures is needed by this command alone.
    from streamgauge.conformance.bench.command import BenchPlan  # noqa: PLC0415
    from streamgauge.conformance.bench.command import bench as run_bench  # noqa: PLC0415

    plan = BenchPlan(
        subjects=tuple(dict.fromkeys(names)) or RunPlan.subjects,
        loops=tuple(dict.fromkeys(loops)) or (STOCK_LOOP,),
        **options,
    )
    sys.path.append(os.getcwd())  # as for `run`: a subject may lie in the current folder
    try:
        run_bench(plan, make_console(sys.stdout), make_console(sys.stderr))
    finally:
        sys.path.remove(os.getcwd())
