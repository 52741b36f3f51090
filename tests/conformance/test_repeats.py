"""Repeats: what several runs of one trial are told as."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.conformance.plan import Result
from streamgauge.conformance.repeats import merged
from streamgauge.conformance.verdicts import Verdict

ONE = Result("mine", "asyncio", "tcp", "reader.a", "check", "must", Verdict.PASS, seconds=0.25)
FAILED = replace(ONE, verdict=Verdict.FAIL, detail="expected 1, got 2")
DIED = replace(ONE, verdict=Verdict.CRASH, detail="the worker process died", seconds=0.0)
SPOILED = replace(ONE, verdict=Verdict.HARNESS, detail="raised KeyError()")


@pytest.mark.parametrize(
    ("runs", "verdict", "detail"),
    [
        ([ONE], "pass", ""),
        ([ONE, ONE], "pass", ""),
        ([FAILED, replace(FAILED, detail="another")], "fail", "expected 1, got 2"),
        (
            [ONE, FAILED, ONE, FAILED, ONE],
            "flaky",
            "2 of 5 runs: fail (expected 1, got 2); 3 of 5 runs: pass",
        ),
        (
            [FAILED, DIED],
            "flaky",
            "1 of 2 runs: crash (the worker process died); 1 of 2 runs: fail (expected 1, got 2)",
        ),
        ([ONE, SPOILED], "harness", "raised KeyError()"),
    ],
)
def test_runs_are_told_as_one(runs, verdict, detail):
    """One verdict where all agree; where they differ it is flaky, and each one is counted."""
    (told,) = merged([[run] for run in runs])
    assert (verdict, detail) == (str(told.verdict), told.detail)
    assert sum(r.seconds for r in runs) == told.seconds
    assert replace(ONE, verdict=told.verdict, detail=detail, seconds=told.seconds) == told


def test_a_clause_that_only_some_runs_broke_is_flaky():
    """What a run says nothing of held there: a task left in one run of three is flaky."""
    left = replace(ONE, clause="hygiene.no-task-left", verdict=Verdict.NOISE, detail="left a task")
    own, hygiene = merged([[ONE], [ONE, left], [ONE]])
    assert Verdict.PASS is own.verdict
    assert ("hygiene.no-task-left", Verdict.FLAKY) == (hygiene.clause, hygiene.verdict)
    assert "1 of 3 runs: noise (left a task); 2 of 3 runs: pass" == hygiene.detail
