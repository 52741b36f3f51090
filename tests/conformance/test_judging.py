"""Judging: what stands between the engine and the account; here the forecast of slow runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.judging import Forecast
from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import Verdict

QUICK = Result("mine", "asyncio", "tcp", "reader.a", "check", "must", Verdict.PASS, seconds=0.01)
STALLED = replace(QUICK, verdict=Verdict.STALL, seconds=0.0)
HUNG = replace(QUICK, verdict=Verdict.HANG, seconds=0.5)


def told(results, total, workers=2):
    """Give the lines that a run of these results is told."""
    lines = []
    forecast = Forecast(lines.append, workers, Deadlines(1.0))
    forecast.started(total)
    for result in results:
        forecast.result(result)
    return lines


@pytest.mark.parametrize(
    ("results", "total", "starts"),
    [
        ([STALLED] * 5, 2330, "5 trials took a deadline to end; the 2,325 to come, if all are "
         "like that, take at most 232 min"),
        ([STALLED] * 5, 105, "5 trials took a deadline to end; the 100 to come, if all are "
         "like that, take at most 10 min"),
        ([HUNG] * 5, 105, "5 trials took a deadline to end; the 100 to come, if all are "
         "like that, take at most 25 s"),
        ([STALLED] * 5, 6, "5 trials took a deadline to end; the 1 to come, if all are "
         "like that, take at most 12 s"),
    ],
)  # fmt: skip
def test_the_worst_case_is_told(results, total, starts):
    """Deadline times trials to come, divided by the workers."""
    (line,) = told(results, total)
    assert line.startswith(starts.replace("232 min", "3 h 53 min"))


@pytest.mark.parametrize(
    ("results", "lines"),
    [
        ([QUICK] * 100, 0),
        ([STALLED] * 4, 0),
        ([STALLED, QUICK] * 5, 1),
        ([STALLED] * 19, 1),
        ([STALLED] * 20, 2),
        ([STALLED] * 80, 3),
    ],
)
def test_it_is_told_seldom(results, lines):
    """The first line after five slow trials, each further one after four times as many."""
    assert lines == len(told(results, total=1000))


def test_nothing_is_told_of_a_run_that_is_over():
    """Whoever has waited need not be told how long."""
    assert [] == told([STALLED] * 5, total=5)
