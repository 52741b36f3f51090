"""The options that say what a run is to do, shared by the commands that run trials."""

from __future__ import annotations

import math
import os
from typing import Any, Callable, Sequence, Tuple, TypeVar

import click

from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.plan import LINKS, STOCK_LOOP, RunPlan

__all__ = ["WORKERS", "plan_of", "plan_options"]

Command = TypeVar("Command", bound=Callable[..., Any])


def _cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


WORKERS = _cores()
FACTOR_AT_MOST = 1e6  # a deadline of months, and all that the kernel's timer can count


def _finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse a deadline that never comes: no trial could end by it."""
    if not math.isfinite(value) or value > FACTOR_AT_MOST:
        raise click.BadParameter(f"{value} is no number of times; give one such as 2.5")
    return value


PLAN_OPTIONS: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--loop",
        "loops",
        multiple=True,
        metavar="LOOP",
        help="Event loop: asyncio (the default), another of `streamgauge subjects`, or "
        "MODULE:FACTORY. Repeatable.",
    ),
    click.option(
        "--link",
        "links",
        multiple=True,
        type=click.Choice(LINKS),
        metavar="LINK",
        help=f"Only this link: {', '.join(LINKS)}. Repeatable.",
    ),
    click.option(
        "--clause",
        "clauses",
        multiple=True,
        metavar="PATTERN",
        help="Only clauses whose id matches, as in reader.read*. Repeatable.",
    ),
    click.option(
        "--edition",
        type=click.Choice(EDITIONS),
        metavar="EDITION",
        help=f"Judge by this edition of the page, {EDITIONS[0]} to {EDITIONS[-1]}; "
        "default: the running Python's.",
    ),
    click.option(
        "--catalogue",
        metavar="VERSION",
        help="Demand what this release of the catalogue did, 1.1 or later; default: the newest.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=WORKERS,
        metavar="N",
        help="Worker processes; default: one for each core.",
    ),
    click.option(
        "--timeout-factor",
        type=click.FloatRange(min=0, min_open=True),
        callback=_finite,
        default=1.0,
        metavar="X",
        help="Multiply every deadline, for slow machines.",
    ),
    click.option(
        "--repeat",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Run each trial N times; one whose runs differ is flaky.",
    ),
    click.option(
        "--thorough",
        is_flag=True,
        help="Every delivery plan and cancellation, on every link: minutes instead of seconds.",
    ),
)


def plan_options(command: Command) -> Command:
    """Give a command every option of `PLAN_OPTIONS`, in that order."""
    for option in reversed(PLAN_OPTIONS):
        command = option(command)
    return command


def plan_of(names: Sequence[str], loops: Tuple[str, ...], **options: Any) -> RunPlan:
    """Make a plan of what was written on the command line.

    Args:
        names: of the subjects; the built-in ones if none is given.
        loops: of the event loops; the stock loop if none is given.
        options: the plan's other fields.
    """
    return RunPlan(
        subjects=tuple(dict.fromkeys(names)) or RunPlan.subjects,
        loops=tuple(dict.fromkeys(loops)) or (STOCK_LOOP,),
        search_path=(os.getcwd(),),
        **options,
    )
