"""The host: reports of workers become one result for each trial, and none is lost."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest

from streamgauge.conformance.host import Reporter
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.plugin import PROPERTY, item_names
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Ended, Observation

TRIALS = Selection(
    RunPlan(subjects=("streams",), links=("feed",), clauses=("reader.readexactly.returns-n",))
).trials


def report(spec, number, ended):
    """Make a worker's report of one run of a trial."""
    name = item_names(spec, 2)[number - 1]
    result = spec.result(Observation(ended), "seen" if ended is not Ended.RETURNED else "")
    return SimpleNamespace(
        nodeid=f"reader.toml::{name}", user_properties=[(PROPERTY, result.to_dict())]
    )


@pytest.fixture
def told():
    """Give a reporter of trials that are run twice, and what it has told so far."""
    events = io.StringIO()
    reporter = Reporter(TRIALS, 2, events)
    return reporter, lambda: [json.loads(li)["result"] for li in events.getvalue().splitlines()]


def test_a_trial_is_told_when_its_last_run_has_come(told):
    """Two runs are one result; the first alone is none yet, and a second report of it neither."""
    reporter, results = told
    reporter.pytest_runtest_logreport(report(TRIALS[0], 2, Ended.RETURNED))
    reporter.pytest_runtest_logreport(report(TRIALS[0], 2, Ended.RETURNED))
    assert [] == results()
    reporter.pytest_runtest_logreport(report(TRIALS[0], 1, Ended.ASSERTION))
    assert ["flaky"] == [r["verdict"] for r in results()]
    assert "1 of 2 runs: fail (seen); 1 of 2 runs: pass" == results()[0]["detail"]


def test_what_never_came_is_unverified(told):
    """A trial of which a run is missing when all is over was not tried, and says so."""
    reporter, results = told
    reporter.pytest_runtest_logreport(report(TRIALS[0], 1, Ended.RETURNED))
    reporter.tell_unreached()
    assert [(t.check.name, "unverified") for t in TRIALS] == [
        (r["check"], r["verdict"]) for r in results()
    ]
    reporter.tell_unreached()
    assert len(TRIALS) == len(results())
