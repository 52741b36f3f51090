"""Engine: every verdict by a planted subject, and no trial harmed by its neighbour's death."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

import pytest

from streamgauge.conformance import engine
from streamgauge.conformance.errors import NothingToRunError, UsageError
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.verdicts import Verdict

HERE = str(Path(__file__).parent)
CLAUSE = "reader.readexactly.returns-n"


class Collected(Listener):
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.total = 0
        self.results: List[Result] = []

    def started(self, total: int) -> None:
        """Note the total."""
        self.total = total

    def result(self, result: Result) -> None:
        """Note the result."""
        self.results.append(result)


def run(subject: str, *clauses: str, link: str = "feed") -> Collected:
    """Run clauses on one planted subject, in two workers."""
    heard = Collected()
    plan = RunPlan(
        subjects=(f"planted:{subject}",),
        links=(link,),
        clauses=clauses or (CLAUSE,),
        workers=2,
        search_path=(HERE,),
        edition="3.8",
        timeout_factor=float(os.environ.get("STREAMGAUGE_TEST_FACTOR", "0.25")),
    )
    assert engine.run(plan, heard)
    return heard


@pytest.mark.parametrize(
    ("subject", "verdict", "says"),
    [
        ("always_passes", Verdict.PASS, ""),
        ("returns_too_little", Verdict.FAIL, "expected"),
        ("always_hangs", Verdict.HANG, "readexactly("),
        ("swallows_cancellation", Verdict.HANG, "readexactly("),
        ("busy_loops", Verdict.STALL, "_busy_loop"),
        ("holds_the_gil", Verdict.STALL, "_hold_the_gil"),
        ("dies_by_signal", Verdict.CRASH, "_die_by_signal"),
        ("exits_at_once", Verdict.CRASH, "os._exit"),
        ("raises_system_exit", Verdict.FAIL, "SystemExit"),
        ("raises_keyboard_interrupt", Verdict.FAIL, "KeyboardInterrupt"),
        ("raises_base_exception", Verdict.FAIL, "of no kind"),
        ("leaks_a_task", Verdict.NOISE, "hygiene.no-task-left"),
        ("forgets_an_error", Verdict.NOISE, "hygiene.nothing-never-retrieved"),
        ("leaves_a_transport", Verdict.NOISE, "hygiene.no-transport-left"),
        ("fails_in_a_callback", Verdict.NOISE, "hygiene.exception-handler-silent"),
        ("raises_in_constructor", Verdict.PRECONDITION, "no reader today"),
    ],
)
def test_each_planted_fault_gets_its_verdict(subject: str, verdict: Verdict, says: str) -> None:
    """Each way to go wrong ends the trial with exactly its verdict, and the detail names it."""
    results = run(subject).results
    assert {verdict} == {r.verdict for r in results}
    assert all(says in r.detail for r in results)


@pytest.mark.parametrize(
    ("subject", "says"),
    [("knows_no_limit", "unexpected keyword"), ("offers_no_function", "'open_connection'")],
)
def test_a_shape_that_is_not_asyncios_is_the_subjects_fault(subject: str, says: str) -> None:
    """A missing name or argument, not declared in `lacks`, fails clauses; the run stays valid."""
    results = run(subject, "open_connection.limit.none-is-default", link="tcp").results
    assert {Verdict.FAIL} == {r.verdict for r in results}
    assert all(says in r.detail for r in results)


def test_a_declared_lack_is_inapplicable() -> None:
    """What a subject declares in `lacks` is out of the count, with its reason."""
    results = run("LacksReadexactly", link="own").results
    assert {Verdict.INAPPLICABLE} == {r.verdict for r in results}
    assert all("declares that it lacks readexactly" in r.detail for r in results)


def test_own_pair_is_judged() -> None:
    """A subject with nothing but `pair()` is tried on the link `own`."""
    results = run("LacksReadexactly", "reader.readuntil.*", link="own").results
    assert {Verdict.PASS} == {r.verdict for r in results if r.scored}


@pytest.mark.parametrize("subject", ["busy_loops", "exits_at_once"])
def test_a_killed_worker_costs_one_trial(subject: str) -> None:
    """Where one trial blocks its loop or kills its worker, every other keeps its verdict."""
    clauses = ("reader.read.*", CLAUSE, "reader.readline.*")
    healthy = {r.clause: r.verdict for r in run("always_passes", *clauses).results}
    heard = run(subject, *clauses)
    verdicts = {r.clause: r.verdict for r in heard.results}
    assert verdicts.pop(CLAUSE) in (Verdict.STALL, Verdict.CRASH)
    assert heard.total == len(heard.results)
    assert {c: v for c, v in healthy.items() if c != CLAUSE} == verdicts


def test_cut_short_when_the_listener_wants_it() -> None:
    """A listener that wants to stop ends the run, and the run says that it was cut short."""
    heard = Collected()
    heard.wants_stop = True
    assert not engine.run(RunPlan(subjects=("stdlib",), clauses=("reader.*",), workers=1), heard)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"subjects": ("no.such.module",)}, "cannot import 'no.such.module'"),
        ({"subjects": ("json",)}, "asyncio's names"),
        ({"subjects": ("planted:nobody",), "search_path": (HERE,)}, "has no 'nobody'"),
        ({"loops": ("uvloop",)}, "MODULE:FACTORY"),
        ({"loops": ("asyncio:no_factory",)}, "has no 'no_factory'"),
        ({"links": ("smoke",)}, "expected one of feed"),
        ({"clauses": ("reader.nothing",)}, "no clause matches 'reader.nothing'"),
        ({"edition": "2.7"}, "expected one of 3.8"),
    ],
)
def test_what_does_not_exist_is_a_usage_error(change: dict, says: str) -> None:  # type: ignore[type-arg]
    """A name that leads nowhere is one line that says what was got and what was expected."""
    with pytest.raises(UsageError) as caught:
        engine.check_plan(RunPlan(**change))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_valid_names_that_select_nothing() -> None:
    """A clause that no check can observe on the link asked for is `nothing to run`."""
    with pytest.raises(NothingToRunError, match="nothing to run"):
        engine.check_plan(RunPlan(links=("feed",), clauses=("writer.close.*",)))
