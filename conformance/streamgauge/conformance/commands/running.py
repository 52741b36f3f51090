"""`streamgauge run`: options become a `RunPlan`, the engine runs it, the reports print it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Optional, Tuple, Type

import click

from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance import deviation_files, engine
from streamgauge.conformance.commands.options import plan_of, plan_options
from streamgauge.conformance.commands.watching import watched
from streamgauge.conformance.commands.words import EPILOG
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.report import files as report_files
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.terminal import print_report

__all__ = ["run"]

DASH = "-"  # as a file name: standard output


def _report_options(command: Callable[..., int]) -> Callable[..., int]:
    for option, (_, line) in reversed([*report_files.REPORTS.items()]):
        command = click.option(f"--{option}", metavar="FILE", type=Path, help=line)(command)
    return command


@click.command(epilog=EPILOG)
@click.argument("names", metavar="[SUBJECT]...", nargs=-1)
@plan_options
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
    "--plan",
    "plans",
    multiple=True,
    metavar="PLAN",
    help="Play under this plan only, as in bytes+late, cut-3 or cancel-read-1. Repeatable.",
)
@_report_options
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
    reports = {option: options.pop(option) for option in report_files.REPORTS}
    plan = plan_of(names, loops, **options)
    clauses = catalogues.load()
    with engine.opened(plan) as resolved:
        listed = deviation_files.gather(plan.subjects, files, clauses)
        report_files.check_files(reports, plan)
        with _opened(jsonl) as file:
            account = watched(resolved, clauses, listed, file, quiet=quiet)
    _report(account, sys.stderr if jsonl == DASH else sys.stdout, reports, quiet=quiet)
    return account.exit_code


def _report(account: Account, to: IO[str], reports: report_files.Files, *, quiet: bool) -> None:
    """Print the report and write the files; of a broken run too, before what broke it is told."""
    # `| head`: what the run came to stands all the same. A broken run has worse to tell of.
    silent: Tuple[Type[OSError], ...] = (OSError,) if account.broken else (BrokenPipeError,)
    with contextlib.suppress(*silent):
        print_report(make_console(to), account, quiet=quiet)
    report_files.write_files(reports, account)
    if account.broken is not None:
        raise account.broken


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
