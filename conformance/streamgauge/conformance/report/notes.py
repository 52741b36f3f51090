"""Notes: remarks of a report that count for nothing.

A Python, or a package, newer than the shipped lists were checked on; an entry of theirs that holds
where it was expected to depart; a departure where nobody had looked. None of it is the user's to
mend, so a note says what it is and asks for a report.
"""

from __future__ import annotations

from typing import Iterator, List, Sequence, Tuple

from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.deviations import Here
from streamgauge.conformance.observed import (
    SHAPED,
    Observed,
    Row,
    base_of,
    branch_of,
    in_version_order,
    is_newer,
)
from streamgauge.conformance.plan import STOCK_LOOP, RunPlan
from streamgauge.conformance.report.account import Account, Entry, Status

__all__ = ["about_releases", "every_note", "note_of"]


def about_releases(plan: RunPlan, here: Here, table: Observed) -> List[str]:
    """Return the notes on what is newer than this version of the suite knows.

    Args:
        plan: of the run.
        here: where it takes place.
        table: where the shipped lists were checked.
    """
    branch = branch_of(here.python)
    found: List[str] = []
    if plan.edition is None and is_newer(branch, EDITIONS[-1]):
        found.append(f"Python {branch} is judged by edition {EDITIONS[-1]}, the newest known here")
    for name, row in _rows(plan, table):
        found += _newer(name, row, here)
    return list(dict.fromkeys(found))


def _rows(plan: RunPlan, table: Observed) -> Iterator[Tuple[str, Row]]:
    """Yield the rows of the table that a run meets, by name."""
    for loop in plan.loops:
        for subject in plan.subjects:
            row = table.row(subject, loop)
            if row is not None:
                yield (loop if subject in SHAPED else subject), row


def _newer(name: str, row: Row, here: Here) -> Iterator[str]:
    """Yield what is newer than all that a row has; of Python, than all of its branch."""
    whose = "" if name == STOCK_LOOP else f" of {name}"
    branch = branch_of(here.python)
    mates = [one for one in row.python if branch_of(one) == branch] or row.python
    last = in_version_order(mates)[-1]
    if is_newer(base_of(here.python), base_of(last)):
        yield (
            f"known departures{whose} were last checked on Python {base_of(last)}; this is "
            f"{here.python}, which may differ"
        )
    version = here.versions.get(name)
    if version and row.versions and is_newer(version, in_version_order(row.versions)[-1]):
        yield (
            f"known departures of {name} were last checked with its version "
            f"{in_version_order(row.versions)[-1]}; this is {version}, which may differ"
        )


def note_of(account: Account, entry: Entry) -> str:
    """Return what there is to say of an entry that is a note; empty for any other."""
    python = account.here.python
    links = f" on {', '.join(entry.links)}" if entry.links else ""
    if entry.status == Status.BETTER and entry.deviation:
        return (
            f"better than listed on Python {python}: listed as {entry.verdict}{links}, and no "
            f"trial of it ended so; please report it ({entry.deviation.where})"
        )
    if entry.status == Status.UNSEEN:
        return (
            f"not known on this release: {entry.judged.label} was never judged on Python {python}"
            f"{_with(account, entry)}; please report it"
        )
    return ""


def _with(account: Account, entry: Entry) -> str:
    versions = account.here.versions
    named = [name for name in (entry.judged.subject, entry.judged.loop) if name in versions]
    return "".join(f" with {name} {versions[name]}" for name in named)


def every_note(account: Account) -> Sequence[str]:
    """Return all notes of a run, for a report that is read by programs."""
    found = list(account.notes)
    for judged in account.judged:
        for entry in account.entries(judged):
            note = note_of(account, entry)
            found += [f"{judged.label}: {entry.clause}: {note}"] if note else []
    return found
