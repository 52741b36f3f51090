"""The account as one HTML page that needs nothing beside it: matrix, clauses, departures."""

from __future__ import annotations

import importlib
import platform
import sys
from pathlib import Path
from typing import Any, Dict, List

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.report.account import Account, Entry, Status
from streamgauge.conformance.report.clausewise import rows_of
from streamgauge.conformance.report.departures import command_for
from streamgauge.conformance.report.notes import note_of
from streamgauge.conformance.report.scripts import script_of
from streamgauge.conformance.vocabulary import NoScriptError

__all__ = ["needs_jinja", "page"]

TEMPLATE = Path(__file__).with_name("page.html.j2")

# status -> (what is shown for it, what it means), in the order of the filter
STATUSES: Dict[str, str] = {
    Status.NEW: "new departure",
    Status.STALE: "stale entry",
    Status.HARNESS: "the suite's own fault",
    Status.UNTRIED: "not tried",
    Status.UNSEEN: "departure not known on this release",
    Status.BETTER: "better than listed",
    Status.LISTED: "listed departure",
    "holds": "holds",
    "behaviour": "behaviour, left open by the page",
    "inapplicable": "inapplicable",
}


def needs_jinja() -> Any:
    """Import what fills the template.

    Raises:
        UsageError: it is not installed.
    """
    try:
        return importlib.import_module("jinja2")
    except ModuleNotFoundError as error:
        raise UsageError("--html needs jinja2; pip install 'streamgauge[conformance]'") from error


def page(account: Account) -> str:
    """Give the page's text."""
    jinja = needs_jinja()
    environment = jinja.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja.StrictUndefined
    )
    rows = rows_of(account)
    used = {status for row in rows for status in row.statuses}
    text: str = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        account=account,
        columns=[_column(account, judged) for judged in account.judged],
        matrix=[(row, [account.tally(j, row) for j in account.judged])
                for row in [*account.objects, None]],
        rows=rows,
        objects=list(dict.fromkeys(row.clause.object for row in rows)),
        statuses={status: words for status, words in STATUSES.items() if status in used},
        words=STATUSES,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=sys.platform,
        command=lambda entry: command_for(account, entry),
        script=_script,
        note=lambda entry: note_of(account, entry),
    )  # fmt: skip
    return text


def _column(account: Account, judged: Any) -> Dict[str, Any]:
    tally = account.tally(judged)
    statuses = [e.status for e in account.entries(judged)]
    stale = statuses.count(Status.STALE)
    counts: List[str] = [
        f"{count} {word}"
        for count, word in (
            (tally.new, "new"),
            (stale, "stale"),
            (tally.unseen, "not known on this release"),
            (statuses.count(Status.BETTER), "better than listed"),
            (tally.listed, "listed"),
            (tally.untried, "not tried"),
        )
        if count
    ]
    claim = account.claim(judged)
    tone = "new" if tally.new or stale else str(claim)
    return {"judged": judged, "claim": claim, "tally": tally, "counts": counts, "tone": tone}


def _script(entry: Entry) -> Dict[str, str]:
    """Give the script of a departure, or the reason why there is none."""
    try:
        return {"text": script_of(entry), "reason": ""}
    except NoScriptError as error:
        return {"text": "", "reason": str(error)}
