"""The account as Markdown: for a job's summary, a pull request, a README."""

from __future__ import annotations

import platform
import re
import sys
from typing import Iterator, List

from streamgauge.conformance.report.account import Account, Entry, Judged, Status, Tally
from streamgauge.conformance.report.departures import LABELS, command_for
from streamgauge.conformance.report.notes import note_of
from streamgauge.conformance.report.scripts import script_of
from streamgauge.conformance.vocabulary import NoScriptError

__all__ = ["markdown"]


def markdown(account: Account) -> str:
    """Give the report's text."""
    parts = [*_summary(account), "", *_matrix(account), ""]
    for judged in account.judged:
        parts += _departures(account, judged)
    return "\n".join(parts).rstrip("\n") + "\n"


def _summary(account: Account) -> Iterator[str]:
    yield "# Conformance of asyncio streams"
    yield ""
    for judged in account.judged:
        tally = account.tally(judged)
        counts = [f"{tally.held} of {tally.tried} clauses hold"]
        words = {"new": "new", "unseen": "not known on this release", "listed": "listed"}
        for name, word in {**words, "untried": "untried"}.items():
            count = getattr(tally, name)
            counts += [f"{count} {word}"] if count else []
        yield f"- **{_plain(judged.label)}** {account.claim(judged)}: {', '.join(counts)}"
    python = f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}"
    trials = f"{len(account.results)} trials"
    yield ""
    yield f"Edition {account.edition}, catalogue {account.catalogue}, {python}, {trials}" + (
        "." if account.complete else "; the run was cut short."
    )
    for note in account.notes:
        yield ""
        yield f"Note: {_plain(note)}."


def _matrix(account: Account) -> Iterator[str]:
    columns = [_plain(judged.label) for judged in account.judged]
    yield f"| clauses that hold | {' | '.join(columns)} |"
    yield "|---|" + "---:|" * len(columns)
    for row in [*account.objects, None]:
        cells = [_cell(account.tally(judged, row)) for judged in account.judged]
        yield f"| {_plain(row or 'all')} | {' | '.join(cells)} |"


def _cell(tally: Tally) -> str:
    if not tally.tried:
        return "-"
    counts = {"✗": tally.new, "!": tally.unseen, "~": tally.listed, "?": tally.untried}
    marks = [f"{sign}{count}" for sign, count in counts.items() if count]
    return " ".join([f"{tally.held}/{tally.tried}", *marks])


def _departures(account: Account, judged: Judged) -> List[str]:
    entries = account.entries(judged)
    if not entries:
        return []
    lines = [f"## {_plain(judged.label)}", ""]
    for entry in entries:
        lines += _entry(account, entry)
    return [*lines, ""]


def _entry(account: Account, entry: Entry) -> Iterator[str]:
    label = LABELS[entry.status][0].strip()
    links = f" on {', '.join(entry.links)}" if entry.links else ""
    if entry.status == Status.LISTED and entry.deviation:
        reason = f"{entry.deviation.reason} ({entry.deviation.issue})"
        yield f"- {label}: `{entry.clause}` {entry.verdict}{links}. {_plain(reason)}"
        return
    if entry.status == Status.BETTER:
        yield f"- {label}: `{entry.clause}`. {_plain(note_of(account, entry))}"
        return
    yield f"### {label}: `{entry.clause}`"
    yield ""
    if entry.clause in account.clauses:
        yield f"{_plain(account.clauses[entry.clause].text)}"
        yield ""
    if entry.deviation:
        where = f"{entry.deviation.where}: delete the entry, or narrow its `when`"
        yield f"Listed as {entry.verdict}{links}, and no trial of it ended so. {where}."
    else:
        yield f"**{entry.verdict}**{links}:"
        yield ""
        yield from _fenced(entry.detail.strip() or "(nothing more is known)", "")
    if note_of(account, entry):
        yield ""
        yield f"Note: {_plain(note_of(account, entry))}."
    yield ""
    yield from _fenced(command_for(account, entry), "sh")
    if entry.status in (Status.NEW, Status.UNSEEN):
        yield ""
        yield from _script(entry)
    yield ""


def _script(entry: Entry) -> Iterator[str]:
    try:
        text = script_of(entry)
    except NoScriptError as error:
        yield f"No short script without the suite: {error}."
    else:
        yield from _fenced(text.rstrip("\n"), "python")


def _fenced(text: str, language: str) -> Iterator[str]:
    longest = max([2, *map(len, re.findall(r"`+", text))])
    fence = "`" * (longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence


def _plain(text: str) -> str:
    """Give a text without what Markdown would take for its own."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))
