"""The report of a run on a terminal: matrix, behaviours, departures, and the summary."""

from __future__ import annotations

import platform
import sys
from typing import Dict, List, Mapping, Tuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamgauge.conformance.report.account import Account, Judged, Status
from streamgauge.conformance.report.console import sign
from streamgauge.conformance.report.departures import print_departures
from streamgauge.conformance.report.matrix import print_behaviours, print_matrix
from streamgauge.conformance.verdicts import EXIT_CODES, Claim

__all__ = ["print_report"]

CLAIM_STYLES: Mapping[Claim, str] = {
    Claim.CONFORMANT: "good",
    Claim.DEVIATES: "listed",
    Claim.INCOMPLETE: "listed",
    Claim.INVALID: "bad",
}


def print_report(console: Console, account: Account, *, quiet: bool = False) -> None:
    """Print what a run came to.

    Args:
        console: where to.
        account: of the run.
        quiet: leave out the matrix, the behaviours and all that is listed; a run that went as
            expected then comes to its summary alone.
    """
    if not quiet:
        print_matrix(console, account)
        print_behaviours(console, account)
    print_departures(console, account, [s for s in Status.ORDER if s != Status.LISTED or not quiet])
    if not quiet or account.exit_code:
        console.print()
    _print_summary(console, account)


def _print_summary(console: Console, account: Account) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    for judged in account.judged:
        claim = account.claim(judged)
        style = "bad" if account.tally(judged).new else CLAIM_STYLES[claim]
        table.add_row(
            Text(judged.label, style="name"),
            Text(str(claim), style=style),
            _counts(account, judged),
        )
    console.print(table)
    for line in _run_lines(console, account):
        console.print(Text(line, style="quiet"))
    for note in account.notes:
        console.print(Text(f"note: {note}"))
    if account.exit_code:
        console.print(Text(f"exit {account.exit_code}: {_meaning(account)}", style="bad"))


def _counts(account: Account, judged: Judged) -> str:
    tally = account.tally(judged)
    statuses = [e.status for e in account.entries(judged)]
    counts: Tuple[Tuple[int, str], ...] = (
        (tally.new, "new"),
        (statuses.count(Status.STALE), "stale"),
        (tally.unseen, "not known on this release"),
        (statuses.count(Status.BETTER), "better than listed"),
        (tally.listed, "listed"),
        (tally.untried, "not tried"),
    )
    parts = [f"{tally.held} of {tally.tried} clauses hold"]
    parts += [f"{count} {word}" for count, word in counts if count]
    return ", ".join([*parts, *_gaps(account, judged)])


def _gaps(account: Account, judged: Judged) -> List[str]:
    """Say why a claim is not whole."""
    if not account.complete:
        return ["the run was cut short"]
    if account.restricted:
        return ["only a part of the catalogue was selected"]
    missing = len(account.missing(judged))
    return [f"{missing} without a trial"] if missing else []


def _run_lines(console: Console, account: Account) -> Tuple[str, ...]:
    trials, seconds = len(account.results), account.seconds
    rate = f", {trials / seconds:.0f} a second" if seconds else ""
    workers = f"{account.plan.workers} worker{'s' * (account.plan.workers != 1)}"
    judged_by = f"edition {account.edition}, catalogue {account.catalogue}"
    python = f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}"
    return (
        f"{judged_by} {sign(console, 'dot')} {python}",
        f"{trials} trial{'s' * (trials != 1)} in {seconds:.1f} s{rate}, {workers}",
        *_links_left_out(account),
    )


def _links_left_out(account: Account) -> List[str]:
    """Return a line for each reason why this machine has not got some of the links."""
    links: Dict[str, List[str]] = {}
    for link, reason in account.left_out.items():
        links.setdefault(reason, []).append(link)
    return [f"not on {' and '.join(names)}: {reason}" for reason, names in links.items()]


def _meaning(account: Account) -> str:
    return next(o.value for o, code in EXIT_CODES.items() if code == account.exit_code)
