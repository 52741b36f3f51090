"""The figures on a terminal: one table for each loop, with bars, and one for what has changed.

Nothing is computed here but widths.
"""

from __future__ import annotations

import importlib.metadata
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.bench.growth import Growth
from streamgauge.conformance.bench.scene import FLOOR, Titled

__all__ = ["print_changes", "print_figures", "print_growth", "version_of"]

BAR_CELLS = 12
BAR_RATIO = 4.0  # a full bar
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
NOISE = 0.1  # a ratio that moved by less has not moved


def version_of(distribution: str) -> Optional[str]:
    """Give an installed distribution's version; None if it has none, as the standard library."""
    try:
        return importlib.metadata.version(distribution.partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return None


def print_figures(console: Console, taken: Sequence[Figure], workloads: Sequence[Titled]) -> None:
    """Print a table for each loop."""
    titles = {each.name: each.title for each in workloads}
    for loop, figures in _by_loop(taken).items():
        first = figures[0].subject
        table = Table(
            title=f"loop {loop}: times as fast as {first}", title_justify="left", box=None
        )
        columns = COLUMNS if any(f.peak_bytes is not None for f in figures) else COLUMNS[:-2]
        for name, right in columns:
            table.add_column(name, justify="right" if right else "left", no_wrap=True)
        for figure in figures:
            row = list(_row(figure, titles, figure.subject == first))
            table.add_row(*row[: len(columns)])
        console.print(table)
        console.print()
    console.print(LEGEND, style="quiet")


COLUMNS = (
    ("workload", False),
    ("subject", False),
    ("each", True),
    ("ratio", True),
    ("spread", True),
    ("", False),
    ("elapsed", True),
    ("floor", True),
    ("peak", True),
    ("copied", True),
)

LEGEND = (
    "each: CPU time of one operation, median; ratio: by these medians, with the quartiles of the "
    "rounds; elapsed: the same ratio by elapsed time; floor: speed as a part of a bare protocol's; "
    "peak: memory; copied: bytes copied for each byte of payload, in pieces of 1 KiB and more"
)


def _row(figure: Figure, titles: Dict[str, str], first: bool) -> Iterator[Text]:
    yield Text(titles[figure.workload] if first else "", style="name")
    yield Text(figure.subject)
    yield Text(_scaled(figure.operation_s, UNITS))
    yield Text(f"{figure.ratio:.2f}")
    yield Text("" if first else f"{figure.low:.2f}-{figure.high:.2f}", style="quiet")
    yield _bar(figure)
    yield Text(f"{figure.elapsed_ratio:.2f}", style="quiet")
    yield Text("" if figure.of_floor is None else f"{figure.of_floor:.2f}")
    yield Text("" if figure.peak_bytes is None else _scaled(figure.peak_bytes, SIZES))
    yield Text("" if figure.copied is None else f"{figure.copied:.1f}")


def _bar(figure: Figure) -> Text:
    cells = max(1, min(BAR_CELLS, round(figure.ratio / BAR_RATIO * BAR_CELLS)))
    more = ">" if figure.ratio > BAR_RATIO else ""
    style = "good" if figure.ratio >= 1 - NOISE else "bad"
    return Text("#" * cells + more, style="quiet" if figure.subject == FLOOR else style)


def _scaled(value: float, units: Sequence[Tuple[float, str]]) -> str:
    factor, unit = next(((f, u) for f, u in units if value >= f), units[-1])
    return (
        f"{value / factor:.3g} {unit}" if value / factor < 1000 else f"{value / factor:.0f} {unit}"
    )


def _by_loop(taken: Sequence[Figure]) -> Dict[str, List[Figure]]:
    loops: Dict[str, List[Figure]] = {}
    for figure in taken:
        loops.setdefault(figure.loop, []).append(figure)
    return loops


def print_growth(console: Console, title: str, grown: Sequence[Growth]) -> None:
    """Print what each doubling of the work multiplied the cost by: 2 is linear, 4 quadratic."""
    shown = Table(title=title, title_justify="left", box=None)
    for column in ("work", "size", "CPU time", "each doubling"):
        shown.add_column(column, no_wrap=True)
    for each in grown:
        (least, quick), (most, slow) = each.taken[0], each.taken[-1]
        size = f"{least} to {most} {each.unit}"
        spent = f"{_scaled(quick, UNITS)} to {_scaled(slow, UNITS)}"
        factors = ", ".join(f"x{factor:.1f}" for factor in each.factors)
        shown.add_row(each.title, size, spent, factors)
    console.print(shown)


def print_changes(console: Console, pairs: Sequence[Tuple[Figure, Figure]], name: str) -> None:
    """Print whose ratio has changed against an earlier run, beyond what noise does."""
    table = Table(title=f"ratios against {name}", title_justify="left", box=None)
    for column in ("workload", "loop", "subject", "before", "now", "change"):
        table.add_column(column, no_wrap=True)
    for before, now in pairs:
        change = now.ratio / before.ratio - 1
        if abs(change) >= NOISE:
            style = "good" if change > 0 else "bad"
            row = (now.workload, now.loop, now.subject, f"{before.ratio:.2f}", f"{now.ratio:.2f}")
            table.add_row(*row, Text(f"{change:+.0%}", style=style))
    console.print(
        table if table.row_count else Text(f"no ratio changed by {NOISE:.0%} against {name}")
    )
