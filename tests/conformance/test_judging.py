"""Judging: what stands between the engine and the account; here the forecast of slow runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.conformance.judging import Forecast
from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import Verdict

QUICK = Result("mine", "asyncio", "tcp", "reader.a", "check", "must", Verdict.PASS, seconds=0.01)
STALLED = replace(QUICK, verdict=Verdict.STALL, seconds=0.0)
HUNG = replace(QUICK, verdict=Verdict.HANG, seconds=0.5)


def told(results, total, each_s=6.0, repeat=1):
    """Give the lines that a run of these results is told, one of which ends every 6 s."""
    lines, clock = [], [0.0]
    forecast = Forecast(lines.append, 0.5, repeat, lambda: clock[0])
    clock[0] += 100.0  # collecting: nobody's trial
    forecast.started(total)
    for result in results:
        clock[0] += each_s
        forecast.result(result)
    return lines


@pytest.mark.parametrize(
    ("results", "total", "each_s", "to_come", "takes"),
    [
        ([STALLED] * 5, 2330, 6.0, "2,325", "3 h 52 min"),
        ([STALLED] * 5, 105, 6.0, "100", "10 min"),
        ([HUNG] * 5, 105, 0.25, "100", "25 s"),
        ([STALLED, QUICK] * 5, 109, 6.0, "100", "18 min"),
        ([STALLED] * 5, 6, 6.0, "1", "6 s"),
    ],
)
def test_what_may_come_is_told(results, total, each_s, to_come, takes):
    """What a slow trial was seen to take, times the trials to come."""
    (line,) = told(results, total, each_s)
    assert line.startswith(
        f"5 trials took a deadline to end; if all of the {to_come} to come do, they take {takes}; "
    )


@pytest.mark.parametrize(
    ("results", "lines"),
    [
        ([QUICK] * 100, 0),
        ([STALLED] * 4, 0),
        ([STALLED, QUICK] * 5, 1),
        ([STALLED] * 19, 1),
        ([STALLED] * 20, 2),
        ([STALLED] * 80, 3),
        ([*[QUICK] * 46, *[STALLED] * 5], 0),  # fewer than one in ten
        ([*[QUICK] * 45, *[STALLED] * 5], 1),
        ([replace(HUNG, verdict=Verdict.PASS)] * 50, 0),  # slow as its Python, and ended by itself
        ([replace(STALLED, tried="reader.b")] * 50, 0),  # what trials showed of another clause
    ],
)
def test_it_is_told_seldom(results, lines):
    """The first line after five slow trials, each further one after four times as many."""
    assert lines == len(told(results, total=1000))


@pytest.mark.parametrize(("seconds", "lines"), [(1.4, 0), (1.5, 1)])
def test_repeats_of_a_trial_may_take_as_many_deadlines(seconds, lines):
    """What three runs took together says nothing of a deadline before it is three of them."""
    assert lines == len(told([replace(HUNG, seconds=seconds)] * 5, total=1000, repeat=3))


def test_nothing_is_told_of_a_run_that_is_over():
    """Whoever has waited need not be told how long."""
    assert [] == told([STALLED] * 5, total=5)
