"""`streamgauge baseline`: writes what a run came to into a deviation file, or cleans one up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

import click

from streamgauge.conformance import baseline as baselines
from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance import deviation_files, engine
from streamgauge.conformance.catalogue import Catalogue
from streamgauge.conformance.commands.options import plan_of, plan_options
from streamgauge.conformance.commands.watching import watched
from streamgauge.conformance.commands.words import EPILOG
from streamgauge.conformance.deviations import LISTABLE, Deviation
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.filing import write_whole
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome, exit_code

__all__ = ["baseline"]


@click.command(epilog=EPILOG)
@click.argument("name", metavar="SUBJECT")
@plan_options
@click.option(
    "--file",
    "path",
    type=Path,
    default=Path("deviations.toml"),
    metavar="FILE",
    help="The deviation file; default: deviations.toml. What stands in it stays.",
)
@click.option("--prune", is_flag=True, help="Take stale entries out of it as well.")
@click.option("--reason", default=baselines.TODO_REASON, metavar="TEXT", help="For every entry.")
@click.option("--issue", default=baselines.TODO_ISSUE, metavar="TEXT", help="For every entry.")
def baseline(
    name: str,
    loops: Tuple[str, ...],
    path: Path,
    prune: bool,
    reason: str,
    issue: str,
    **options: Any,
) -> int:
    """Write into FILE an entry for each departure of SUBJECT that is not listed yet.

    Entries need a reason and an issue: those that are marked TODO are refused by `run` until
    somebody has filled them in.
    """
    plan = plan_of([name], loops, **options)
    clauses = catalogues.load()
    with engine.opened(plan) as resolved:
        entries = _entries(path, name, clauses)
        shipped = deviation_files.gather(plan.subjects, (), clauses)
        account = watched(resolved, clauses, [*shipped, *entries])
    if account.broken is not None:
        raise account.broken
    if account.sorted.harness:
        click.echo(f"{path}: not written; `streamgauge run {name}` shows what is wrong")
        return EXIT_CODES[Outcome.HARNESS]
    click.echo(_rewritten(path, name, account, entries if prune else [], reason, issue))
    unlisted = [r for r in account.sorted.untried if r.verdict not in LISTABLE]
    return exit_code(harness=False, departed=False, incomplete=bool(unlisted))


def _entries(path: Path, name: str, clauses: Catalogue) -> List[Deviation]:
    """Read what is in the file already, drafts included; the file need not exist."""
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no such folder; give another --file")
    if not path.exists():
        return []
    if deviation_files.is_of_a_loop(path):
        raise UsageError(f"{path}: lists what a loop does, not one subject; give another --file")
    entries = deviation_files.load(path, clauses, name, drafts=True)
    strangers = [d.subject for d in entries if d.subject != name]
    if strangers:
        raise UsageError(f"{path}: lists departures of {strangers[0]!r}; give another --file")
    return entries


def _rewritten(
    path: Path,
    name: str,
    account: Account,
    prunable: List[Deviation],
    reason: str,
    issue: str,
) -> str:
    """Write the file; gives the line that says what has changed."""
    untried = [r for r in account.sorted.untried if r.verdict in LISTABLE]
    departures = [*account.sorted.new, *account.sorted.unseen, *untried]
    stale = [n for n, d in enumerate(prunable, 1) if any(d is s for s in account.sorted.stale)]
    before = path.read_text(encoding="utf-8") if path.exists() else baselines.head(name)
    kept = _pruned(path, before, stale)
    text = baselines.added(
        kept,
        departures,
        account.results,
        every_link=not account.plan.links,
        reason=reason,
        issue=issue,
    )
    if text == before:
        return f"{path}: nothing to change"
    try:
        write_whole(path, text)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; give another --file") from error
    count = text.count("[[deviation]]") - kept.count("[[deviation]]")
    todo = "; fill in what is marked TODO" if baselines.TODO_REASON in text else ""
    return f"{path}: {count} added, {len(stale)} removed{todo}"


def _pruned(path: Path, text: str, stale: List[int]) -> str:
    try:
        return baselines.pruned(text, stale)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
