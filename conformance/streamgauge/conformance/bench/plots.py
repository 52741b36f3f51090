"""The figures as SVG: a picture for each loop, bars for each workload. Plain text, no library.

The colours suit light and dark pages; every bar carries its number.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.bench.scene import FLOOR, Titled
from streamgauge.conformance.errors import UsageError

__all__ = ["picture", "write"]

COLOURS = ("#8a93a3", "#2f81c7", "#d0742b", "#3c9d5d", "#9a62c4")
FLOOR_COLOUR = "#c4c9d2"
BAR, GAP, LABEL, WIDTH, TOP = 12, 10, 210, 760, 52  # pixels
LONGEST_RATIO = 5.0  # longer bars are cut, their number stands all the same


def write(folder: Path, taken: Sequence[Figure], workloads: Sequence[Titled]) -> List[Path]:
    """Write a picture for each loop, named after it.

    Raises:
        UsageError: the folder cannot be written to.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for loop in dict.fromkeys(figure.loop for figure in taken):
            path = folder / f"{re.sub(r'[^a-z0-9]+', '-', loop.lower())}.svg"
            own = [figure for figure in taken if figure.loop == loop]
            path.write_text(picture(own, workloads), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise UsageError(f"--plots {folder}: {error.strerror or error}; name a folder") from error
    return written


def picture(figures: Sequence[Figure], workloads: Sequence[Titled]) -> str:
    """Draw the ratios of one loop's figures; a thin line at 1 is the first subject's speed."""
    names = list(dict.fromkeys(figure.subject for figure in figures))
    shown = names[1:] or names
    colours = _colours(shown)
    parts: List[str] = []
    y = TOP
    for workload in workloads:
        own = {f.subject: f for f in figures if f.workload == workload.name}
        if not own:
            continue
        height = len(shown) * BAR
        parts.append(_text(LABEL - 8, y + height / 2 + 4, workload.title, "end"))
        for place, name in enumerate(shown):
            if name in own:
                parts += _bar(own[name], y + place * BAR, colours[name])
        y += height + GAP
    heading = f"{figures[0].loop}: times as fast as {names[0]}"
    return _document(y, heading, parts, [(name, colours[name]) for name in shown])


def _colours(names: Sequence[str]) -> Dict[str, str]:
    named = [name for name in names if name != FLOOR]
    colours = {name: COLOURS[1 + i % (len(COLOURS) - 1)] for i, name in enumerate(named)}
    return {**colours, FLOOR: FLOOR_COLOUR}


def _x(ratio: float) -> float:
    return LABEL + min(ratio, LONGEST_RATIO) / LONGEST_RATIO * (WIDTH - LABEL - 50)


def _bar(figure: Figure, y: float, colour: str) -> List[str]:
    end = _x(figure.ratio)
    bar = (
        f'<rect x="{LABEL}" y="{y}" width="{end - LABEL:.1f}" height="{BAR - 2}" fill="{colour}"/>'
    )
    middle = y + BAR / 2 - 1
    spread = (
        f'<line x1="{_x(figure.low):.1f}" x2="{_x(figure.high):.1f}" y1="{middle}" y2="{middle}" '
        'stroke="#444" stroke-width="1.5"/>'
    )
    return [
        bar,
        spread,
        _text(max(end, _x(figure.high)) + 5, y + BAR - 3, f"{figure.ratio:.2f}", "start", 10),
    ]


def _text(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {where}>{escape(text)}</text>"


def _document(
    height: float, heading: str, parts: Sequence[str], legend: Sequence[Tuple[str, str]]
) -> str:
    one = _x(1)
    keys = []
    for place, (name, colour) in enumerate(legend):
        x = LABEL + place * 150
        keys.append(f'<rect x="{x}" y="30" width="10" height="10" fill="{colour}"/>')
        keys.append(_text(x + 14, 39, name, "start", 11))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
        f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" fill="#222">',
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>',
        _text(12, 20, heading, "start", 14),
        *keys,
        *parts,
        f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{TOP - 6}" y2="{height:.0f}" '
        'stroke="#b03030" stroke-dasharray="3 3"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
