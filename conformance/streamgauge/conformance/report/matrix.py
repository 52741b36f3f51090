"""The matrix: documented objects against subjects, and the behaviours in which these differ."""

from __future__ import annotations

from typing import List, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.conformance.plan import STOCK_LOOP
from streamgauge.conformance.report.account import Account, Judged, Tally
from streamgauge.conformance.report.console import sign
from streamgauge.conformance.verdicts import Verdict

__all__ = ["ANSWERS", "answer", "print_behaviours", "print_matrix"]

FEW = 2  # columns; with the longest id they fit into 80 characters
NARROWEST = 10  # characters; "no (hangs)" on one line

# What a verdict says of a yes/no question.
ANSWERS: Mapping[Verdict, str] = {
    Verdict.PASS: "yes",
    Verdict.FAIL: "no",
    Verdict.HANG: "no (hangs)",
    Verdict.STALL: "no (blocks the loop)",
    Verdict.CRASH: "no (crashes)",
    Verdict.NOISE: "yes (with noise)",
    Verdict.PARTIAL: "under some plans",
    Verdict.FLAKY: "now and then",
    Verdict.PRECONDITION: "not tried",
    Verdict.UNVERIFIED: "not tried",
    Verdict.INAPPLICABLE: "",
    Verdict.HARNESS: "not tried (suite)",
}


def print_matrix(console: Console, account: Account) -> None:
    """Print one row a documented object, one column a subject: clauses that hold of those tried."""
    table = _table("clauses that hold", account.judged)
    rows = [*account.objects, None]
    tallies = {(row, j): account.tally(j, row) for row in rows for j in account.judged}
    for row in rows:
        cells = [_cell(console, tallies[row, judged]) for judged in account.judged]
        if row is None:
            table.add_section()
        table.add_row(row or "all", *cells, style="name" if row is None else "")
    console.print(table)
    _print_key(console, [tallies[None, judged] for judged in account.judged])


def _table(title: str, judged: Sequence[Judged]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0), header_style="quiet")
    # Names of clauses stay whole beside few columns; beside many it is they that have to fold.
    few = len(judged) <= FEW
    table.add_column(title, no_wrap=few, overflow="fold")
    for one in judged:
        table.add_column(_heading(one, judged), overflow="fold", min_width=0 if few else NARROWEST)
    return table


def _heading(one: Judged, judged: Sequence[Judged]) -> Text:
    """Name a column; a loop by its module, as long as that tells the loops apart."""
    if one.loop == STOCK_LOOP:
        return Text(one.subject, style="name")
    module = one.loop.partition(":")[0]
    namesakes = {other.loop for other in judged if other.loop.partition(":")[0] == module}
    return Text(f"{one.subject}\n@{module if len(namesakes) == 1 else one.loop}", style="name")


def _cell(console: Console, tally: Tally) -> Text:
    if not tally.tried:
        return Text(sign(console, "none"), style="quiet")
    style = "bad" if tally.new else "good" if tally.held == tally.tried else "listed"
    cell = Text(f"{tally.held}/{tally.tried}", style=style)
    for name in ("new", "unseen", "listed", "untried"):
        count = getattr(tally, name)
        if count:
            cell.append(f" {sign(console, name)}{count}")
    return cell


def _print_key(console: Console, totals: List[Tally]) -> None:
    meanings = {
        "new": "new departure",
        "unseen": "not known on this release",
        "listed": "listed departure",
        "untried": "not tried",
    }
    shown = [name for name in meanings if any(getattr(total, name) for total in totals)]
    if shown:
        key = "   ".join(f"{sign(console, name)} {meanings[name]}" for name in shown)
        console.print(Text(key, style="quiet"))


def print_behaviours(console: Console, account: Account) -> None:
    """Print the facts that the page leaves open, as far as the subjects differ in them."""
    clauses = account.behaviours
    if not clauses:
        return
    answers = {c: [answer(account, judged, c) for judged in account.judged] for c in clauses}
    differing = [c for c in clauses if len(set(answers[c])) > 1]
    console.print()
    if differing:
        table = _table(
            f"behaviours that differ, {len(differing)} of {len(clauses)}", account.judged
        )
        for clause in differing:
            table.add_row(clause, *answers[clause])
        console.print(table)
    console.print(Text(_behaviour_line(account, answers, differing), style="quiet"))


def _behaviour_line(
    account: Account, answers: Mapping[str, List[str]], differing: List[str]
) -> str:
    """Say how many there are; for one subject how many are yes, for several how many differ."""
    if differing:
        return "left open by the page, never scored; see `streamgauge explain CLAUSE`"
    facts = f"{len(answers)} behaviour{'s' * (len(answers) != 1)}, left open by the page"
    if len(account.judged) > 1:
        return f"{facts}: no difference"
    yes = sum(found == ["yes"] for found in answers.values())
    return f"{facts}: {yes} yes, {len(answers) - yes} not; --jsonl tells each"


def answer(account: Account, judged: Judged, clause: str) -> str:
    """Give the answer of most links, then those of the others: `yes (tls: no)`."""
    found = account.behaviour(judged, clause)
    if not found:
        return ""
    first, *others = sorted(found, key=lambda verdict: -len(found[verdict]))
    exceptions = "; ".join(f"{' '.join(found[v])}: {ANSWERS[v]}" for v in others)
    return f"{ANSWERS[first]} ({exceptions})" if exceptions else ANSWERS[first]
