"""`streamgauge saboteurs`: the suite is tried on wrong implementations; the matrix is printed.

Whom there is, what is run and what it comes to are in `saboteurs/`.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Tuple

import click

from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance.commands.options import WORKERS
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.filing import write_whole
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar
from streamgauge.conformance.verdicts import exit_code

if TYPE_CHECKING:
    from streamgauge.conformance.saboteurs.making import Saboteur

__all__ = ["saboteurs"]

SCOPES = ("clause", "object", "all")

EPILOG = (
    "Exit codes: 0 every saboteur is found by its clause, every check finds one; 1 not so; "
    "2 usage, 3 a fault of the suite or of a saboteur's own code."
)


@click.command(epilog=EPILOG)
@click.argument("names", metavar="[PATTERN]...", nargs=-1)
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    default="clause",
    metavar="SCOPE",
    help="What each is tried on: clause, the one that it breaks (the default); object, all clauses "
    "of that object; all.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=WORKERS,
    metavar="N",
    help="Worker processes; default: one for each core.",
)
@click.option("--list", "only_list", is_flag=True, help="List them, and try none.")
@click.option("--page", "to", type=Path, metavar="FILE", help="Write the matrix to FILE, Markdown.")
@click.option("--quiet", "-q", is_flag=True, help="Only what is wrong, and the summary.")
def saboteurs(
    names: Tuple[str, ...],
    scope: str,
    workers: int,
    only_list: bool,
    to: Optional[Path],
    quiet: bool,
) -> int:
    """Try the suite on deliberately wrong implementations, each of which it has to find.

    A PATTERN matches a saboteur's name, its theme or the clause that it breaks. Each is a subject
    as well: streamgauge run streamgauge.conformance.saboteurs:NAME.
    """
    # Hundreds of functions, which this command alone needs.
    from streamgauge.conformance.saboteurs import page, printing  # noqa: PLC0415
    from streamgauge.conformance.saboteurs.matrix import Matrix, plans, tried  # noqa: PLC0415

    chosen = _chosen(names)
    console = make_console(sys.stdout)
    if only_list:
        printing.print_list(console, chosen.values())
        return 0
    bar = ProgressBar(make_console(sys.stderr), shown=sys.stderr.isatty() and not quiet)
    with bar:
        results = [r for plan in plans(chosen.values(), workers, scope) for r in tried(plan, bar)]
    matrix = Matrix.of(chosen, results, catalogues.load())
    printing.print_matrix(console, matrix, quiet=quiet, whole=not names)
    if to is not None:
        _write(to, page.page(matrix, scope))
    departed = bool(matrix.survivors() or matrix.false_alarms())
    if not names:  # a check that finds none of a few may find others
        departed = departed or bool(matrix.idle())
    return exit_code(harness=bool(matrix.faults()), departed=departed, incomplete=False)


def _chosen(patterns: Tuple[str, ...]) -> Dict[str, Saboteur]:
    from streamgauge.conformance.saboteurs import all_saboteurs  # noqa: PLC0415 - as above

    every = all_saboteurs()
    chosen = {
        name: one
        for name, one in every.items()
        if any(
            fnmatchcase(text, pattern)
            for pattern in patterns or ("*",)
            for text in (name, one.theme, one.clause)
        )
    }
    if not chosen:
        raise UsageError(
            f"no saboteur is like {' or '.join(map(repr, patterns))}; "
            "`streamgauge saboteurs --list` shows them all"
        )
    return chosen


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageError(f"--page {path}: {error.strerror or error}; name a file") from error
