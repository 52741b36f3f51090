"""A run that somebody watches: the bar and the warnings on stderr, the results in a file."""

from __future__ import annotations

import sys
from typing import IO, Optional, Sequence

from streamgauge.conformance import results
from streamgauge.conformance.catalogue import Catalogue
from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.judging import judged
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar

__all__ = ["watched"]


def watched(
    plan: RunPlan,
    clauses: Catalogue,
    listed: Sequence[Deviation],
    file: Optional[IO[str]] = None,
    *,
    quiet: bool = False,
) -> Account:
    """Run a plan that has passed `engine.check_plan`, with a bar where stderr is a terminal.

    Args:
        plan: what to run.
        clauses: the whole catalogue.
        listed: the deviations of all subjects.
        file: where the results go as JSON lines.
        quiet: no bar; warnings still come.
    """
    bar = ProgressBar(make_console(sys.stderr), shown=sys.stderr.isatty() and not quiet)
    writer = results.ResultsWriter(file) if file else None
    with bar:
        return judged(plan, clauses, listed, progress=bar, writer=writer)
