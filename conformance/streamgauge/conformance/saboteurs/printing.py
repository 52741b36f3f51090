"""What `streamgauge saboteurs` prints: who was found, who was not, which checks are idle."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Dict, Iterable, List

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.conformance.saboteurs.making import Saboteur
from streamgauge.conformance.saboteurs.matrix import Matrix

__all__ = ["print_list", "print_matrix"]


def print_list(console: Console, saboteurs: Iterable[Saboteur]) -> None:
    """Print each saboteur with its fault and the clause that it breaks."""
    theme = ""
    for one in saboteurs:
        if one.theme != theme:
            theme = one.theme
            console.print(f"\n{theme}", style="name")
        console.print(Text.assemble("  ", (one.name, "command"), "  ", (one.clause, "quiet")))
        console.print(f"    {one.fault}", markup=False, highlight=False)


def print_matrix(console: Console, matrix: Matrix, *, quiet: bool, whole: bool) -> None:
    """Print the matrix.

    Args:
        console: where to.
        matrix: what came of it.
        quiet: leave out what is as it should be, but for the summary.
        whole: whether enough was tried to say which checks find nobody.
    """
    if not quiet:
        console.print(_table(matrix))
    for name, reason in matrix.survivors().items():
        _departure(console, "NOT FOUND", name, f"{matrix.saboteurs[name].fault}\n{reason}")
    for alarm in matrix.false_alarms():
        _departure(console, "FALSE ALARM", f"{alarm.clause} on {alarm.link}", alarm.detail)
    for fault in matrix.faults():
        _departure(console, "FAULT", f"{fault.subject} in {fault.check}", fault.detail)
    if whole:
        for clause, check in matrix.idle():
            _departure(console, "IDLE", f"{clause} ({check})", "this check finds no saboteur")
    _summary(console, matrix, whole)


def _table(matrix: Matrix) -> Table:
    """Sum up each theme: how many there are, how they were found."""
    table = Table(box=None, pad_edge=False, header_style="quiet")
    table.add_column("theme")
    for heading in ("saboteurs", "found", "fail", "hang", "other", "by one check alone"):
        table.add_column(heading, justify="right")
    missed, sole, kills = matrix.survivors(), matrix.sole_killers(), matrix.kills()
    themes: Dict[str, List[str]] = defaultdict(list)
    for name, one in matrix.saboteurs.items():
        themes[one.theme].append(name)
    for theme, names in themes.items():
        verdicts = Counter(str(r.verdict) for name in names for r in kills[name])
        fails, hangs = verdicts.pop("fail", 0), verdicts.pop("hang", 0)
        found = sum(name not in missed for name in names)
        alone = sum(name in sole for name in names)
        row = (len(names), found, fails, hangs, sum(verdicts.values()), alone)
        table.add_row(theme, *map(str, row))
    return table


def _departure(console: Console, what: str, name: str, text: str) -> None:
    console.print()
    console.print(Text.assemble((what, "bad"), "  ", (name, "name")))
    for line in text.splitlines():
        console.print(f"  {line}", markup=False, highlight=False)


def _summary(console: Console, matrix: Matrix, whole: bool) -> None:
    tried = len(matrix.saboteurs) - len(matrix.untestable())
    found = tried - len(matrix.survivors())
    console.print(
        f"\n{found} of {tried} saboteurs found, "
        f"{len(matrix.sole_killers())} of them by one check alone",
        style="good" if found == tried else "bad",
    )
    if matrix.untestable():
        names = ", ".join(matrix.untestable())
        console.print(f"not tried, as this Python's loop lacks what they spoil: {names}")
    if whole:
        busy = len(matrix.due) - len(matrix.idle())
        console.print(
            f"{busy} of {len(matrix.due)} checks find at least one",
            style="good" if busy == len(matrix.due) else "bad",
        )
    sound = "nothing" if not matrix.false_alarms() else "something"
    console.print(f"{sound} found in the sound implementation; {len(matrix.results)} trials")
