"""Writes `findings.md` beside it: what the standard library is known to depart in, as tables.

python docs/make_findings.py            # write the page
python docs/make_findings.py --check    # exit 1 if it is not up to date
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterable, List, Sequence

from streamgauge.conformance import catalogue, deviation_files
from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.observed import as_ranges, observed

PAGE = Path(__file__).with_name("findings.md")
SUBJECTS = ("stdlib", "streams")  # what others do is on world.md
LOOPS = {"*": "all", "[!z]*": "all but zloop", "asyncio*": "asyncio", "uvloop*": "uvloop"}
TRACKER = "https://github.com/python/cpython/issues/"
TABLE = """\
| clause | verdict | seen on Python | seen gone on | loop | links | what goes wrong | issue |
|---|---|---|---|---|---|---|---|
"""
HEAD = """\
# What the standard library's streams do otherwise than documented

Made by `python docs/make_findings.py` from the lists that ship with the suite
(`conformance/streamgauge/conformance/known/`); `streamgauge run stdlib` compares every run with
them, and notes a row that is not true any more. Each row was tried on every release named here, on
Linux, and says on which of them it was seen, and on which not. A release with `+debian` is
Debian's build, which may have patches. Of a release that is not named nobody knows.

{observed}

`streamgauge explain CLAUSE` tells what a clause promises, where the page says so, and how it is
tried. Behaviours, which the page leaves open, are not listed here: they are never scored.
"""


def releases(found: Sequence[str], entry: Deviation) -> str:
    """Give releases as ranges over those on which an entry was tried."""
    return ", ".join(as_ranges(found, [*entry.seen, *entry.gone])) or "none"


def where() -> str:
    """Give a line for each loop of the page: the releases, and its own versions."""
    lines = []
    for name in ("asyncio", "uvloop"):
        row = observed().loop[name]
        versions = f" {', '.join(row.versions)}" if row.versions else ""
        lines.append(f"- {name}{versions}: Python {', '.join(row.python)}")
    return "\n".join(lines)


def issue_link(issue: str) -> str:
    """Give an issue's text with CPython's numbers as links."""
    return re.sub(r"\bgh-(\d+)", rf"[\g<0>]({TRACKER}\g<1>)", issue)


def row(entry: Deviation) -> str:
    """Give one entry as a row of the table."""
    when = entry.when
    cells = (
        f"`{entry.clause}`",
        str(entry.verdict),
        releases(entry.seen, entry),
        releases(entry.gone, entry),
        LOOPS[when.loop],
        ", ".join(when.links) or "all",
        entry.reason,
        issue_link(entry.issue),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def tables(names: Iterable[str]) -> str:
    """Give a section for each subject that has departures, in the catalogue's order."""
    clauses = catalogue.load()
    order = list(clauses)
    sections: List[str] = []
    for name in names:
        entries = [e for e in deviation_files.gather((name,), (), clauses) if e.when.loop in LOOPS]
        for wanted in dict.fromkeys(clauses[c].object for c in order):
            mine = [e for e in entries if clauses[e.clause].object == wanted]
            if mine:
                mine.sort(key=lambda e: order.index(e.clause))
                rows = "\n".join(map(row, mine))
                sections.append(f"## {wanted} ({name})\n\n{TABLE}{rows}\n")
    return "\n".join(sections)


def main() -> int:
    """Write the page, or compare it."""
    text = f"{HEAD.format(observed=where())}\n{tables(SUBJECTS)}"
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
