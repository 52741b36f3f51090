"""A run, from its plan to its account: who listens, what is written, when it is cut short.

The engine runs the trials and the reports print the account; this is what stands between them,
for every front (the command line is one). Nothing is printed here.
"""

from __future__ import annotations

import time
from typing import List, Optional, Sequence

from streamgauge.conformance import engine, registry
from streamgauge.conformance.catalogue import Catalogue
from streamgauge.conformance.deviations import Deviation, classify
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.results import ResultsWriter, footer_of, header_of
from streamgauge.conformance.selection import edition_of

__all__ = ["Everyone", "FailFast", "judged"]


class Everyone(Listener):
    """Passes on to several listeners what the engine tells, and keeps the results.

    Args:
        listeners: any of them may want to stop the run.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = listeners
        self.results: List[Result] = []

    def started(self, total: int) -> None:
        """Pass it on."""
        for listener in self.listeners:
            listener.started(total)

    def result(self, result: Result) -> None:
        """Keep it and pass it on."""
        self.results.append(result)
        for listener in self.listeners:
            listener.result(result)
        self.wants_stop = any(listener.wants_stop for listener in self.listeners)

    def warning(self, text: str) -> None:
        """Pass it on."""
        for listener in self.listeners:
            listener.warning(text)


class FailFast(Listener):
    """Wants to stop at the first departure that is not listed, or fault of the suite.

    Args:
        listed: the deviations of all subjects.
    """

    def __init__(self, listed: Sequence[Deviation]) -> None:
        self.listed = listed

    def result(self, result: Result) -> None:
        """Look at one result by itself."""
        found = classify([result], self.listed, complete=False)
        self.wants_stop = self.wants_stop or bool(found.new or found.harness)


def judged(
    plan: RunPlan,
    clauses: Catalogue,
    listed: Sequence[Deviation],
    *,
    progress: Optional[Listener] = None,
    writer: Optional[ResultsWriter] = None,
) -> Account:
    """Run a plan.

    Args:
        plan: what to run.
        clauses: the whole catalogue.
        listed: the deviations of all subjects.
        progress: told of everything as it comes.
        writer: writes header, results and footer; without a footer if the run breaks.

    Returns:
        The account of the run, also of one that was cut short.

    Raises:
        StreamgaugeError: what the engine or the writer raises.
    """
    edition = edition_of(plan)
    if writer:
        writer.write(header_of(plan, catalogue=clauses.version, edition=edition))
    stop = FailFast(listed) if plan.fail_fast else None
    everyone = Everyone([one for one in (progress, writer, stop) if one is not None])
    begin = time.perf_counter()
    complete = engine.run(plan, everyone)
    seconds = time.perf_counter() - begin
    promised = clauses.for_edition(edition)
    account = Account(
        plan=plan,
        clauses=promised,
        edition=edition,
        catalogue=clauses.version,
        results=everyone.results,
        sorted=classify(everyone.results, listed, complete=complete),
        complete=complete,
        due=frozenset(c.clause for c in registry.all_checks()).intersection(promised),
        seconds=seconds,
    )
    if writer:
        writer.write(footer_of(everyone.results, claims=account.claims, complete=complete))
    return account
