"""The tally: runs become one result for each trial, and none is lost."""

from __future__ import annotations

import pytest

from streamgauge.conformance.engine.tally import Tally
from streamgauge.conformance.plan import Listener, RunPlan
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Ended, Observation

TRIALS = Selection(
    RunPlan(subjects=("streams",), links=("feed",), clauses=("reader.readexactly.returns-n",))
).trials
PAIR = ("streams", "asyncio")


class Told(Listener):
    """Keeps the results."""

    def __init__(self):
        self.results = []

    def result(self, result):
        """Keep one."""
        self.results.append(result)


@pytest.fixture
def told():
    """Return a tally of trials that are run twice, and what it has told so far."""
    listener = Told()
    return Tally(TRIALS, 2, listener), listener.results


def run(spec, ended):
    """Return the results of one run."""
    return [spec.result(Observation(ended), "seen" if ended is not Ended.RETURNED else "")]


def test_a_trial_is_told_when_its_last_run_has_come(told):
    """Two runs are one result; the first alone is none yet."""
    tally, results = told
    tally.take(TRIALS[0], run(TRIALS[0], Ended.RETURNED))
    assert [] == results
    tally.take(TRIALS[0], run(TRIALS[0], Ended.ASSERTION))
    assert ["flaky"] == [str(r.verdict) for r in results]
    assert "1 of 2 runs: fail (seen); 1 of 2 runs: pass" == results[0].detail


def test_what_never_came_is_unverified(told):
    """A trial of which a run is missing when all is over was not tried, and says so."""
    tally, results = told
    tally.take(TRIALS[0], run(TRIALS[0], Ended.RETURNED))
    tally.end({})
    assert [(t.check.name, "unverified") for t in TRIALS] == [
        (r.check, str(r.verdict)) for r in results
    ]
    tally.end({})
    assert len(TRIALS) == len(results)


def test_every_run_is_handed_out_once(told):
    """As many runs as there are trials and repeats, and then nothing more."""
    tally, _ = told
    runs = [tally.next(PAIR, [PAIR]) for _ in range(2 * len(TRIALS) + 1)]
    assert [*(spec for spec in TRIALS for _ in range(2)), None] == runs


def test_whoever_has_imported_a_subject_gets_its_trials():
    """A child plays on with its own subject; a seat without one goes where most is to be done."""
    plan = RunPlan(("streams", "stdlib"), links=("feed",), clauses=("reader.readexactly.*",))
    tally = Tally(Selection(plan).trials, 1, Told())
    assert "stdlib" == tally.next(("stdlib", "asyncio"), []).subject
    assert "streams" == tally.next(None, [("stdlib", "asyncio")]).subject
