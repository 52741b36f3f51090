"""The script that shows a departure without the suite, for every report."""

from __future__ import annotations

from streamgauge.conformance import registry
from streamgauge.conformance.deliveries import named
from streamgauge.conformance.plainly import script_for
from streamgauge.conformance.report.account import Entry
from streamgauge.conformance.verdicts import Verdict
from streamgauge.conformance.vocabulary import LINKS, NoScriptError

__all__ = ["script_of"]

# What a script cannot show, and why.
UNSHOWN = {
    Verdict.NOISE: "what was left behind is seen by the suite alone",
    Verdict.PARTIAL: "it departs under some plans only",
    Verdict.FLAKY: "it departs now and then",
    Verdict.PRECONDITION: "an earlier step fails",
    Verdict.UNVERIFIED: "it was not tried",
    Verdict.HARNESS: "the suite or the adapter is at fault",
}


def script_of(entry: Entry) -> str:
    """Give the script for a departure, on the first of its links on which it can be told.

    Raises:
        NoScriptError: there is none; the message says why.
    """
    if entry.plan and not _is_of_the_check(entry.plan):
        raise NoScriptError(f"it shows under the plan {entry.plan} only")
    if entry.verdict in UNSHOWN:
        raise NoScriptError(UNSHOWN[entry.verdict])
    checks = [c for c in registry.checks_for(entry.clause) if c.name == entry.check]
    links = [link for link in LINKS if link in entry.links] or list(entry.links[:1])
    reason = NoScriptError("its check is not known here")
    for check, link in ((check, link) for check in checks for link in links):
        try:
            return script_for(check, link, subject=entry.judged.subject, loop=entry.judged.loop)
        except NoScriptError as error:
            reason = error
    raise reason


def _is_of_the_check(plan: str) -> bool:
    """Whether a plan is about a call that checks hand over: then their scripts tell of it too."""
    interruption = named(plan).interruption
    return interruption is not None and not interruption.watches
