"""Each departure of a run: what was promised, what came, and the command that shows it again."""

from __future__ import annotations

import shlex
from itertools import groupby
from typing import Callable, List, Mapping, Sequence, Tuple

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from streamgauge.conformance import registry
from streamgauge.conformance.deviations import SHOWN_BY_ANY
from streamgauge.conformance.plan import STOCK_LOOP
from streamgauge.conformance.report.account import Account, Entry, Judged, Status
from streamgauge.conformance.report.notes import note_of
from streamgauge.conformance.report.scripts import script_of
from streamgauge.conformance.vocabulary import NoScriptError

__all__ = ["command_for", "print_departures"]

# status -> (label in front, its style, the words for the heading's count)
LABELS: Mapping[str, Tuple[str, str, str]] = {
    Status.NEW: ("NEW", "bad", "new"),
    Status.STALE: ("STALE", "bad", "stale"),
    Status.HARNESS: ("SUITE", "bad", "the suite's own fault"),
    Status.UNTRIED: ("UNTRIED", "listed", "not tried"),
    Status.UNSEEN: ("unseen", "listed", "not known on this release"),
    Status.BETTER: ("better", "listed", "better than listed"),
    Status.LISTED: ("listed", "listed", "listed"),
}
INDENT = 2 + max(len(label) for label, _, _ in LABELS.values())

_Lines = Callable[[Console, Account, Sequence[Entry]], None]


def print_departures(console: Console, account: Account, statuses: Sequence[str]) -> None:
    """Print the departures of every subject.

    Args:
        console: where to.
        account: of the run.
        statuses: those of `Status.ORDER` that are wanted.
    """
    for judged in account.judged:
        entries = [e for e in account.entries(judged) if e.status in statuses]
        if entries:
            console.print()
            console.print(_heading(judged, entries))
        for status, of_status in groupby(entries, key=lambda entry: entry.status):
            console.print()
            blocks = [list(group) for _, group in groupby(of_status, key=_topic)]
            for number, block in enumerate(blocks):
                if number and status != Status.LISTED:  # those are short and stand together
                    console.print()
                PRINTERS[status](console, account, block)


def _topic(entry: Entry) -> Tuple[str, ...]:
    """Return what one block is about: a clause, or the reason that several have in common."""
    if entry.status == Status.LISTED and entry.deviation:
        return (entry.deviation.reason, entry.deviation.issue)
    return (entry.reason or entry.clause,)


def _heading(judged: Judged, entries: Sequence[Entry]) -> Text:
    clauses = {status: {e.clause for e in entries if e.status == status} for status in LABELS}
    counts = [f"{len(clauses[s])} {words}" for s, (_, _, words) in LABELS.items() if clauses[s]]
    return Text.assemble((judged.label, "name"), (f": {', '.join(counts)}", ""))


def _title(console: Console, account: Account, entry: Entry, rest: str) -> None:
    label, style, _ = LABELS[entry.status]
    title = Text.assemble((label.ljust(INDENT), style), (entry.clause, "name"), rest)
    title.no_wrap = True
    console.print(title, soft_wrap=True)


def _body(console: Console, text: str, style: str = "", by: int = 0) -> None:
    console.print(Padding(Text(text, style=style, overflow="fold"), (0, 0, 0, INDENT + by)))


def _print_full(console: Console, account: Account, group: Sequence[Entry]) -> None:
    """Print the departures of one clause: the promise, each detail with its links, the command."""
    first = group[0]
    clause = account.clauses.get(first.clause)
    _title(console, account, first, f"  {clause.level}" if clause else "")
    if clause:
        _body(console, clause.text, style="quiet")
    for entry in group:
        figures = " (in other figures elsewhere)" if entry.varies else ""
        _body(console, f"{entry.verdict} on {', '.join(entry.links)}{figures}", style="bad")
        _body(console, entry.detail.strip() or "(nothing more is known)", by=2)
    if note_of(account, first):
        _body(console, note_of(account, first))
    _command(console, command_for(account, first))
    if first.status in (Status.NEW, Status.UNSEEN):
        _script(console, first)


def _print_stale(console: Console, account: Account, group: Sequence[Entry]) -> None:
    """Print a listed departure that did not come, and what to do about its entry."""
    for entry in group:
        where = entry.deviation.where if entry.deviation else "?"
        links = f" on {', '.join(entry.links)}" if entry.links else ""
        _title(console, account, entry, "")
        _body(console, f"listed as {entry.verdict}{links}, and no trial of it ended so")
        _body(console, f"{where}: delete the entry, or narrow its `when`")
        _command(console, command_for(account, entry))


def _print_better(console: Console, account: Account, group: Sequence[Entry]) -> None:
    """Print a shipped entry that did not come true here: it is nobody's to mend on the spot."""
    for entry in group:
        _title(console, account, entry, "")
        _body(console, note_of(account, entry), style="quiet")


def _print_listed(console: Console, account: Account, group: Sequence[Entry]) -> None:
    """Print listed departures with one reason: a line each, then the reason once."""
    for entry in group:
        _title(console, account, entry, f"  {entry.verdict} on {', '.join(entry.links)}")
    listed = group[0].deviation
    if listed:
        _body(console, f"{listed.reason} ({listed.issue})", style="quiet")


def _print_untried(console: Console, account: Account, group: Sequence[Entry]) -> None:
    """Print clauses that could not be tried for one reason: more than one of them in one line."""
    clauses = {entry.clause for entry in group}
    if len(clauses) == 1:
        _print_full(console, account, group)
        return
    label, style, _ = LABELS[Status.UNTRIED]
    console.print(
        Text.assemble((label.ljust(INDENT), style), f"{len(clauses)} clauses: {group[0].detail}"),
        soft_wrap=True,
    )


PRINTERS: Mapping[str, _Lines] = {
    Status.NEW: _print_full,
    Status.STALE: _print_stale,
    Status.HARNESS: _print_full,
    Status.UNTRIED: _print_untried,
    Status.UNSEEN: _print_full,
    Status.BETTER: _print_better,
    Status.LISTED: _print_listed,
}


def _script(console: Console, entry: Entry) -> None:
    """Print the fault in plain asyncio, or why there is no such script."""
    try:
        text = script_of(entry)
    except NoScriptError as error:
        _body(console, f"no short script without the suite: {error}", style="quiet")
        return
    for line in text.splitlines():
        console.print(" " * (INDENT + 2) + line, soft_wrap=True)


def _command(console: Console, command: str) -> None:
    # One line however narrow the terminal is, so that it can be copied.
    console.print(" " * INDENT + "$ " + command, style="command", soft_wrap=True)


def _check(entry: Entry) -> List[str]:
    """Return the words that name the departing check, where its clause has several."""
    names = [check.name for check in registry.checks_for(entry.tried or entry.clause)]
    return ["--check", entry.check] if len(names) > 1 and entry.check in names else []


def command_for(account: Account, entry: Entry) -> str:
    """Give the command that runs just that trial, on the first of the links concerned."""
    words: List[str] = ["streamgauge", "repro", entry.judged.subject, entry.tried or entry.clause]
    if entry.status in (Status.STALE, Status.BETTER):
        clause = [] if entry.clause in SHOWN_BY_ANY else ["--clause", entry.clause]
        words = ["streamgauge", "run", entry.judged.subject, *clause]
    else:
        words += _check(entry)
    if entry.plan:
        words += ["--plan", entry.plan]
    if entry.links and entry.links[0] != "-":
        words += ["--link", entry.links[0]]
    if entry.judged.loop != STOCK_LOOP:
        words += ["--loop", entry.judged.loop]
    if account.plan.edition is not None:
        words += ["--edition", account.plan.edition]
    return " ".join(map(shlex.quote, words))
