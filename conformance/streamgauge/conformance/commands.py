"""The commands: what may be written on the command line, and which part does what was asked.

A thin front: options become a `RunPlan`, the engine runs it, the reports print it. No verdict is
reached here, and errors pass through to `cli.main`.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import os
import sys
from pathlib import Path
from typing import IO, Any, Iterator, List, Optional, Sequence, Tuple

import click
from rich.console import Console

from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance import deviation_files, engine, results, subjects
from streamgauge.conformance.catalogue import EDITIONS, LEVELS, Catalogue
from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.judging import judged
from streamgauge.conformance.plan import LINKS, STOCK_LOOP, RunPlan
from streamgauge.conformance.report import pages
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar
from streamgauge.conformance.report.terminal import print_report

__all__ = ["invoke", "streamgauge"]

EPILOG = (
    "Exit codes: 0 as expected, 1 new failures or stale entries, 2 usage, 3 harness or adapter, "
    "4 incomplete or nothing ran."
)
DASH = "-"  # as a file name: standard output


def invoke(words: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        The exit code of a command that came to its end.

    Raises:
        UsageError: the words make no command line; the message is one line.
    """
    try:
        code = streamgauge.main(list(words), prog_name="streamgauge", standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "streamgauge"
        text = error.format_message().rstrip(".")
        raise UsageError(f"{text}; see `{path} --help`") from error
    return code if isinstance(code, int) else 0


@click.group(
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(results.suite_version(), message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show all of an internal error; goes first.")
@click.pass_context
def streamgauge(context: click.Context, debug: bool) -> None:
    """Judge asyncio streams, clause by clause, by what the documentation promises."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _finite(_context: click.Context, _option: click.Parameter, value: float) -> float:
    """Refuse a deadline that never comes: no trial could end by it."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of times; give one such as 2.5")
    return value


@streamgauge.command(epilog=EPILOG)
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


@streamgauge.command("list")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    metavar="LEVEL",
    help=f"Only this level: {', '.join(LEVELS)}.",
)
@click.option(
    "--clause",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Only clauses whose id matches, as in reader.read*. Repeatable.",
)
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    metavar="EDITION",
    help="Only what this edition of the page promises, 3.8 to 3.14.",
)
def list_clauses(level: Optional[str], patterns: Tuple[str, ...], edition: Optional[str]) -> None:
    """List the clauses: id, level, documented object, links on which each is checked."""
    every = catalogues.load()
    within = every.for_edition(edition) if edition else every
    matching = set().union(*(within.matching(p) for p in patterns or ("*",)))
    chosen = [c for c in within.values() if c.id in matching and level in (None, c.level)]
    if not chosen:
        raise UsageError("no clause is like that; `streamgauge list` shows them all")
    pages.print_clauses(_stdout(), chosen)


@streamgauge.command()
@click.argument("clause")
def explain(clause: str) -> None:
    """Explain a CLAUSE: promise, source, what failing means, hints, and its checks' own text."""
    every = catalogues.load()
    if clause not in every:
        raise UsageError(f"no clause {clause!r}; {_nearest(clause, every)}")
    listed = deviation_files.gather(tuple(subjects.builtin()), (), every)
    pages.print_clause(_stdout(), every[clause], [d for d in listed if d.clause == clause])


def _nearest(name: str, every: Catalogue) -> str:
    beginning = [known for known in every if known.startswith(f"{name}.")][:3]
    near = beginning or difflib.get_close_matches(name, list(every), n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "`streamgauge list` shows them all"


@streamgauge.command("subjects")
def list_subjects() -> None:
    """List the built-in subjects and loops, and say how to name your own."""
    pages.print_subjects(_stdout())


@streamgauge.command()
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
        run_bench(plan, _stdout(), make_console(sys.stderr))
    finally:
        sys.path.remove(os.getcwd())


def _stdout() -> Console:
    return make_console(sys.stdout)
