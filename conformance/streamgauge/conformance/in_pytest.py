"""The trials as tests of somebody else's pytest suite, by one line in a test file.

A supervisor of their own plays them, as `streamgauge run` has it: nothing of a trial happens in
that suite's process, and neither its subject nor anything that the subject does comes there.
xdist spreads them as it spreads any tests, and each of its workers has a supervisor.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import Any, Callable, Optional, Sequence, Union

import pytest

from streamgauge.conformance import catalogue, deviation_files
from streamgauge.conformance.deviations import classify
from streamgauge.conformance.engine import Run
from streamgauge.conformance.machine import is_missing
from streamgauge.conformance.observed import observed
from streamgauge.conformance.plan import STOCK_LOOP, RunPlan
from streamgauge.conformance.verdicts import Verdict

__all__ = ["conformance_tests"]


def conformance_tests(
    *subjects: str,
    loops: Sequence[str] = (STOCK_LOOP,),
    links: Sequence[str] = (),
    clauses: Sequence[str] = (),
    edition: Optional[str] = None,
    deviations: Sequence[Union[str, Path]] = (),
    timeout_factor: float = 1.0,
) -> Callable[..., Any]:
    """Make a test function, parametrised over every trial; assign it to a `test_…` name.

    Args:
        subjects: names, as on the command line.
        loops: `asyncio`, or `module:factory`.
        links: link names; empty for all.
        clauses: patterns over clause ids; empty for all.
        edition: of the documentation; None for the running Python's.
        deviations: files of known departures: what fails as listed there passes here. Entries
            that have become stale are found by `streamgauge run`, which sees all links at once.
        timeout_factor: multiplies every deadline.

    Raises:
        UsageError: at import, for anything that does not exist.
    """
    plan = RunPlan(
        tuple(subjects), tuple(loops), tuple(links), tuple(clauses), edition,
        timeout_factor=timeout_factor,
    )  # fmt: skip
    run = Run(plan)
    atexit.register(run.close)
    run.resolve()
    table = observed()
    listed = deviation_files.gather(plan.subjects, tuple(map(Path, deviations)), catalogue.load())

    @pytest.mark.parametrize("trial", run.trials)
    def test_conformance(trial: str) -> None:
        results = run.play([trial])
        if results[0].verdict is Verdict.INAPPLICABLE:
            pytest.skip(results[0].detail)
        if results[0].verdict is Verdict.PRECONDITION and is_missing(results[0].detail):
            pytest.skip(results[0].detail)
        found = classify(results, listed, complete=False, observed=table)
        wrong = [*found.harness, *found.new, *found.untried]
        if wrong:
            lines = [f"{r.clause} {r.verdict}: {r.detail}" for r in dict.fromkeys(wrong)]
            pytest.fail("\n".join(lines), pytrace=False)

    return test_conformance
