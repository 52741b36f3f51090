"""The commands that run nothing: the list of clauses, one clause explained, the subjects."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.util import find_spec
from itertools import groupby
from typing import TYPE_CHECKING, Dict, List, Mapping, Sequence, Tuple

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from streamgauge.conformance import registry, subjects
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.loops import KNOWN
from streamgauge.conformance.observed import SHAPED, as_ranges
from streamgauge.conformance.plan import LINKS
from streamgauge.conformance.report.account import in_order
from streamgauge.conformance.report.console import sign

if TYPE_CHECKING:
    from streamgauge.conformance.catalogue import Clause
    from streamgauge.conformance.deviations import Deviation

__all__ = ["loops_of", "print_clause", "print_clauses", "print_subjects", "releases_of"]

LEVEL_STYLES: Mapping[str, str] = {"must": "name", "should": "", "behaviour": "quiet"}

OWN_SUBJECT = """\
streamgauge run mypkg.streams              a module with asyncio's names
streamgauge run mypkg.streams:compat       any object with asyncio's names
streamgauge run mypkg.adapter:MySubject    a subclass of streamgauge.conformance.subjects.Subject
streamgauge run --loop mypkg:new_loop      any event loop, under any subject"""


# --- list -------------------------------------------------------------------------------------


def print_clauses(console: Console, clauses: Sequence[Clause]) -> None:
    """Print a line a clause; by object on a terminal, with a column of objects in a pipe."""
    links = _links_by_clause()
    widths = max(len(c.id) for c in clauses), max(len(c.object) for c in clauses)
    for documented, group in groupby(clauses, key=lambda clause: clause.object):
        if console.is_terminal:
            console.print(Text(documented, style="name"))
        for clause in group:
            _print_row(console, clause, widths, links.get(clause.id, ()))
    if console.is_terminal:
        console.print(Text(f"{len(clauses)} clauses", style="quiet"))


def _print_row(
    console: Console, clause: Clause, widths: Tuple[int, int], links: Sequence[str]
) -> None:
    at_terminal = console.is_terminal
    row = Text.assemble(
        "  " if at_terminal else "",
        clause.id.ljust(widths[0]),
        "  ",
        (clause.level.ljust(len("behaviour")), LEVEL_STYLES[clause.level]),
        "  ",
        "" if at_terminal else clause.object.ljust(widths[1]) + "  ",
        (_links_in_short(links), "quiet"),
    )
    console.print(row, soft_wrap=True)


def _links_by_clause() -> Dict[str, Tuple[str, ...]]:
    found: Dict[str, List[str]] = {}
    for check in registry.all_checks():
        found.setdefault(check.clause, []).extend(check.links)
    return {clause: in_order(links) for clause, links in found.items()}


def _links_in_short(links: Sequence[str]) -> str:
    """Name the links, or those that are left out where these are fewer."""
    left_out = [link for link in LINKS if link not in links]
    if not links:
        return "after every trial"  # a clause of hygiene: no check tries it, and all of them do
    if len(left_out) > 2:
        return ",".join(links)
    return f"all but {','.join(left_out)}" if left_out else "all"


# --- explain ----------------------------------------------------------------------------------


def print_clause(console: Console, clause: Clause, listed: Sequence[Deviation]) -> None:
    """Print all that is known of one clause.

    Args:
        console: where to.
        clause: the one to explain.
        listed: what is known to depart from it.
    """
    checks = registry.checks_for(clause.id)
    title = Text.assemble((clause.id, "name"), f"  {clause.level}", (f"  {clause.object}", "quiet"))
    console.print(title, soft_wrap=True)
    console.print()
    console.print(Padding(Text(clause.text), (0, 0, 0, 2)))
    console.print()
    _print_fields(console, clause, in_order([link for c in checks for link in c.links]), listed)
    for check in checks:
        console.print()
        title = Text.assemble((check.name, "name"), (f"  checks/{check.module}.py", "quiet"))
        console.print(title, soft_wrap=True)
        console.print(Padding(_code(console, check.source), (0, 0, 0, 2)))
    console.print()
    console.print(f"$ streamgauge run --clause {clause.id}", style="command", soft_wrap=True)


def _print_fields(
    console: Console, clause: Clause, links: Sequence[str], listed: Sequence[Deviation]
) -> None:
    fields = {
        "source": ", ".join(clause.source),
        "editions": f"since {clause.since}" + (f", until {clause.until}" if clause.until else ""),
        "needs": ", ".join(clause.needs),
        "links": ", ".join(links),
        "means": clause.means,
        "look at": _bullets(console, clause.hints),
        "known": _bullets(console, _known(listed)),
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="quiet", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in fields.items():
        if value:
            table.add_row(name, value)
    console.print(Padding(table, (0, 0, 0, 2)))


def _bullets(console: Console, lines: Sequence[str]) -> str:
    mark = f"{sign(console, 'bullet')} " if len(lines) > 1 else ""
    return "\n".join(mark + line for line in lines)


def _known(listed: Sequence[Deviation]) -> List[str]:
    """Say of each entry whose it is, where it was seen, and what goes wrong."""
    subjects: Dict[str, List[str]] = {}
    for deviation in listed:  # what a loop does is listed under each subject
        subjects.setdefault(_told(deviation), []).append(deviation.subject)
    return [f"{' and '.join(names)}{told}" for told, names in subjects.items()]


def _told(deviation: Deviation) -> str:
    when = deviation.when
    loops = f" on {loops_of(when.loop)}" if deviation.subject in SHAPED else ""
    links = f", by {', '.join(when.links)}" if when.links else ""
    version = f", version {when.version}" if when.version else ""
    return (
        f"{loops}{links}{version}: {deviation.verdict}. "
        f"{deviation.reason} ({deviation.issue}). {releases_of(deviation)}"
    )


def loops_of(pattern: str) -> str:
    """Name the loops that a pattern over their names is about."""
    fitting = [name for name in KNOWN if fnmatchcase(name, pattern)]
    others = [name for name in KNOWN if name not in fitting]
    if not others:
        return "any loop"
    if len(others) <= 2 < len(fitting):
        return f"any loop but {' and '.join(others)}"
    return f"loop {', '.join(fitting) or pattern}"


def releases_of(deviation: Deviation) -> str:
    """Say on which releases of Python an entry was seen, and seen gone; or what it says of them."""
    known = [*deviation.seen, *deviation.gone]
    if not known:
        return f"Python {deviation.when.python or '3.8 and later'}."
    told = [
        f"{word} on Python {', '.join(as_ranges(releases, known))}"
        for word, releases in (("Seen", deviation.seen), ("gone", deviation.gone))
        if releases
    ]
    return f"{', '.join(told)}."


def _code(console: Console, source: str) -> RenderableType:
    if not console.is_terminal:
        return Text(source.rstrip())
    return Syntax(
        source.rstrip(), "python", theme="ansi_light", background_color="default", word_wrap=True
    )


# --- subjects ---------------------------------------------------------------------------------


def print_subjects(console: Console) -> None:
    """Print the built-in subjects and loops, which can be used here, and how to name others."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="name")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, line in subjects.builtin().items():
        table.add_row(name, *_state(_importable(name)), line)
    for name, loop in KNOWN.items():
        table.add_row(f"--loop {name}", *_state(find_spec(loop.module) is not None), loop.line)
    console.print(table)
    console.print()
    console.print(Text("Your own:", style="name"))
    for line in OWN_SUBJECT.splitlines():
        console.print(f"  {line}", soft_wrap=True)


def _state(usable: bool) -> Tuple[Text]:
    return (Text("ready", style="good") if usable else Text("cannot be imported", style="listed"),)


def _importable(name: str) -> bool:
    try:
        subjects.resolve(name)
    except UsageError:
        return False
    return True
