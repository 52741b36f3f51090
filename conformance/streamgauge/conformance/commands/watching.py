"""A run that somebody watches: the bar and the warnings on stderr, the results in a file."""

from __future__ import annotations

import sys
from typing import IO, Optional, Sequence

from streamgauge.conformance import results
from streamgauge.conformance.catalogue import Catalogue
from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.engine import Run
from streamgauge.conformance.judging import judged
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar

__all__ = ["watched"]


def watched(
    run: Run,
    clauses: Catalogue,
    listed: Sequence[Deviation],
    file: Optional[IO[str]] = None,
    *,
    quiet: bool = False,
) -> Account:
    """Have a resolved plan played, with a bar where stderr is a terminal.

    Args:
        run: the plan, as the engine has it.
        clauses: the whole catalogue.
        listed: the deviations of all subjects.
        file: where the results go as JSON lines.
        quiet: no bar; warnings still come.
    """
    bar = ProgressBar(make_console(sys.stderr), shown=sys.stderr.isatty() and not quiet)
    writer = results.ResultsWriter(file) if file else None
    with bar:
        return judged(run, clauses, listed, progress=bar, writer=writer)
