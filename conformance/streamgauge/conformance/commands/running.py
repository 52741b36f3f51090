"""`streamgauge run`: options become a `RunPlan`, the engine runs it, the reports print it."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from pathlib import Path
from typing import IO, Any, Iterator, List, Optional, Tuple

import click

from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance import deviation_files, engine, results
from streamgauge.conformance.catalogue import EDITIONS, Catalogue
from streamgauge.conformance.commands.words import EPILOG
from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.judging import judged
from streamgauge.conformance.plan import LINKS, STOCK_LOOP, RunPlan
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar
from streamgauge.conformance.report.terminal import print_report

__all__ = ["run"]

DASH = "-"  # as a file name: standard output


def _finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse a deadline that never comes: no trial could end by it."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of times; give one such as 2.5")
    return value


@click.command(epilog=EPILOG)
@click.argument("names", metavar="[SUBJECT]...", nargs=-1)
@click.option(
    "--loop",
    "loops",
    multiple=True,
    metavar="LOOP",
    help="Event loop: asyncio (the default) or MODULE:FACTORY. Repeatable.",
)
@click.option(
    "--link",
    "links",
    multiple=True,
    type=click.Choice(LINKS),
    metavar="LINK",
    help=f"Only this link: {', '.join(LINKS)}. Repeatable.",
)
@click.option(
    "--clause",
    "clauses",
    multiple=True,
    metavar="PATTERN",
    help="Only clauses whose id matches, as in reader.read*. Repeatable.",
)
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    metavar="EDITION",
    help="Judge by this edition of the page, 3.8 to 3.14; default: the running Python's.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    metavar="N",
    help="Worker processes; default: the cores.",
)
@click.option("--fail-fast", is_flag=True, help="Stop after the first departure.")
@click.option(
    "--jsonl",
    metavar="FILE",
    help="Write results as JSON lines; - for stdout, the report then goes to stderr.",
)
@click.option(
    "--deviations",
    "files",
    multiple=True,
    metavar="FILE",
    type=Path,
    help="A list of known departures, on top of those that ship. Repeatable.",
)
@click.option(
    "--timeout-factor",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    default=1.0,
    metavar="X",
    help="Multiply every deadline, for slow machines.",
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Run each trial N times; one whose runs differ is flaky.",
)
@click.option("--quiet", "-q", is_flag=True, help="Only what was not expected, and the summary.")
def run(
    names: Tuple[str, ...],
    loops: Tuple[str, ...],
    files: Tuple[Path, ...],
    jsonl: Optional[str],
    quiet: bool,
    **options: Any,
) -> int:
    """Judge each SUBJECT (default: stdlib streams) over real links.

    A subject is a built-in name, an importable module shaped like asyncio, or MODULE:OBJECT;
    `streamgauge subjects` says more. Modules are looked for in the current folder too.
    """
    plan = RunPlan(
        subjects=tuple(dict.fromkeys(names)) or RunPlan.subjects,
        loops=tuple(dict.fromkeys(loops)) or (STOCK_LOOP,),
        search_path=(os.getcwd(),),
        **options,
    )
    clauses = catalogues.load()
    listed = deviation_files.gather(plan.subjects, files, clauses)
    engine.check_plan(plan)
    with _opened(jsonl) as file:
        account = _judge(plan, clauses, listed, file, quiet)
    with contextlib.suppress(BrokenPipeError):  # `| head`: what the run came to stands all the same
        to = sys.stderr if jsonl == DASH else sys.stdout
        print_report(make_console(to), account, quiet=quiet)
    return account.exit_code


def _judge(
    plan: RunPlan, clauses: Catalogue, listed: List[Deviation], file: Optional[IO[str]], quiet: bool
) -> Account:
    bar = ProgressBar(make_console(sys.stderr), shown=sys.stderr.isatty() and not quiet)
    writer = results.ResultsWriter(file) if file else None
    with bar:
        return judged(plan, clauses, listed, progress=bar, writer=writer)


@contextlib.contextmanager
def _opened(name: Optional[str]) -> Iterator[Optional[IO[str]]]:
    """Open the results file before anything runs, so that a bad name costs no run."""
    if name is None or name == DASH:
        yield sys.stdout if name else None
        return
    try:
        file = open(name, "w", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError(f"--jsonl {name}: {error.strerror or error}; name a file") from error
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # a full disk was told of when the line was written
            file.close()
