"""The account clause by clause: for reports that show every clause and not departures alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Tuple

from streamgauge.conformance.report.account import Account, Entry, Judged, Status, in_order
from streamgauge.conformance.report.matrix import answer
from streamgauge.conformance.verdicts import Verdict, over_trials

if TYPE_CHECKING:
    from streamgauge.conformance.catalogue import Clause

__all__ = ["Cell", "Row", "rows_of"]


@dataclass(frozen=True)
class Cell:
    """What one clause came to on one subject and loop.

    Args:
        judged: whose.
        verdict: over all of its trials.
        word: what is shown; the verdict, or the answer to a behaviour clause.
        status: `holds`, `inapplicable`, `behaviour`, or one of `Status.ORDER`.
        links: on which it was tried.
        entries: its departures.
        detail: why it is inapplicable; empty otherwise.
    """

    judged: Judged
    verdict: Verdict
    word: str
    status: str
    links: Tuple[str, ...]
    entries: Tuple[Entry, ...]
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One clause, with a cell for each of `Account.judged` on which it has a trial."""

    clause: Clause
    cells: Tuple[Cell, ...]

    @property
    def statuses(self) -> List[str]:
        """Every status that one of its cells has."""
        return sorted({cell.status for cell in self.cells})


def rows_of(account: Account) -> List[Row]:
    """Give a row for each clause of which there is a trial, in the catalogue's order."""
    entries = {judged: account.entries(judged) for judged in account.judged}
    found: List[Row] = []
    for clause in account.clauses.values():
        cells = tuple(
            cell
            for judged in account.judged
            for cell in [_cell(account, clause, judged, entries[judged])]
            if cell is not None
        )
        if cells:
            found.append(Row(clause, cells))
    return found


def _cell(account: Account, clause: Clause, judged: Judged, entries: List[Entry]) -> Cell | None:
    mine = [r for r in account.results if r.clause == clause.id and judged.owns(r)]
    if not mine:
        return None
    departures = tuple(e for e in entries if e.clause == clause.id)
    verdict = over_trials(r.verdict for r in mine)
    links = in_order([r.link for r in mine if r.verdict is not Verdict.INAPPLICABLE])
    behaviour = clause.level == "behaviour"
    word = (answer(account, judged, clause.id) if behaviour else "") or str(verdict)
    status = _status(verdict, departures, behaviour)
    detail = mine[0].detail if status == "inapplicable" else ""
    return Cell(judged, verdict, word, status, links, departures, detail)


def _status(verdict: Verdict, departures: Tuple[Entry, ...], behaviour: bool) -> str:
    """Say how a cell stands: by the gravest of its departures, in the order of the reports."""
    seen: Dict[str, None] = dict.fromkeys(e.status for e in departures)
    gravest = next((status for status in Status.ORDER if status in seen), "")
    if gravest:
        return gravest
    if verdict is Verdict.INAPPLICABLE:
        return "inapplicable"
    return "behaviour" if behaviour else "holds"
