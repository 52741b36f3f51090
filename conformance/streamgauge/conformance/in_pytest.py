"""The trials as tests of somebody else's pytest suite, by one line in a test file.

They run in that suite's own process, on loops of their own: the in-loop clock ends a wait that
has no end; a loop that is held is for that suite's own time limit, or for `streamgauge run`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator, Optional, Sequence, Union

import pytest

from streamgauge.conformance import catalogue, clocks, deviation_files, heap
from streamgauge.conformance.deviations import classify
from streamgauge.conformance.machine import is_missing
from streamgauge.conformance.plan import STOCK_LOOP, RunPlan
from streamgauge.conformance.runner import TrialSpec, run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Verdict

__all__ = ["conformance_tests"]

FROZEN = heap.frozen_count()  # Python 3.12 itself keeps some objects so


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
    selection = Selection(plan)
    listed = deviation_files.gather(plan.subjects, tuple(map(Path, deviations)), catalogue.load())

    @pytest.mark.parametrize("spec", selection.trials, ids=lambda spec: spec.id)
    def test_conformance(spec: TrialSpec) -> None:
        deadlines = clocks.Deadlines(clocks.unit() * timeout_factor)
        subject, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
        with _heap_set_aside():
            results = run_trial(spec, subject, loop, deadlines, selection.sweep)
        if results[0].verdict is Verdict.INAPPLICABLE:
            pytest.skip(results[0].detail)
        if results[0].verdict is Verdict.PRECONDITION and is_missing(results[0].detail):
            pytest.skip(results[0].detail)
        found = classify(results, listed, complete=False)
        wrong = [*found.harness, *found.new, *found.untried]
        if wrong:
            lines = [f"{r.clause} {r.verdict}: {r.detail}" for r in dict.fromkeys(wrong)]
            pytest.fail("\n".join(lines), pytrace=False)

    return test_conformance


@contextlib.contextmanager
def _heap_set_aside() -> Iterator[None]:
    """Let a trial's collection see nothing older than the trial.

    It collects each time, which takes long in a process with thousands of tests; and what other
    tests left open would be found then, and be put down to the subject.
    """
    frozen = heap.frozen_count() > FROZEN  # by somebody else, who wants it to stay so
    if not frozen:
        heap.freeze()
    try:
        yield
    finally:
        if not frozen:
            heap.unfreeze()
