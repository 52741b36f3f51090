"""Engine: every verdict by a planted subject, and no trial harmed by its neighbour's death."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

import pytest

from streamgauge.conformance import engine, hygiene
from streamgauge.conformance.errors import NothingToRunError, UsageError
from streamgauge.conformance.plan import EVERY_TRIAL, Listener, Result, RunPlan
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.oldest_and_newest

HERE = str(Path(__file__).parent)
CLAUSE = "reader.readexactly.returns-n"
NEIGHBOURS = ("reader.read.*", "reader.readline.*")  # no trial of theirs calls readexactly
FACTOR = float(os.environ.get("STREAMGAUGE_TEST_FACTOR", "0.25"))


class Collected(Listener):
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.total = 0
        self.results: List[Result] = []

    @classmethod
    def holding(cls, results: Sequence[Result]) -> Collected:
        """Give one that has heard these results."""
        heard = cls()
        heard.results.extend(results)
        return heard

    def started(self, total: int) -> None:
        """Note the total."""
        self.total = total

    def result(self, result: Result) -> None:
        """Note the result."""
        self.results.append(result)


def run(
    subject: Union[str, Sequence[str]], *clauses: str, link: str = "feed", **changes: Any
) -> Collected:
    """Run clauses on one planted subject or on several, in two workers."""
    heard = Collected()
    names = [subject] if isinstance(subject, str) else subject
    plan = RunPlan(
        subjects=tuple(f"planted:{name}" for name in names),
        links=(link,),
        clauses=clauses or (CLAUSE,),
        workers=2,
        search_path=(HERE,),
        edition="3.8",
        **{"timeout_factor": FACTOR, **changes},
    )
    assert engine.run(plan, heard)
    return heard


# subject -> the verdict of every trial that meets its fault, and what the detail says.
PLANTED = (
    ("always_passes", Verdict.PASS, ""),
    ("returns_too_little", Verdict.FAIL, "expected"),
    ("always_hangs", Verdict.HANG, "readexactly("),
    ("swallows_cancellation", Verdict.HANG, "readexactly("),
    ("busy_loops", Verdict.STALL, "_busy_loop"),
    ("holds_the_gil", Verdict.STALL, "_hold_the_gil"),
    ("dies_by_signal", Verdict.CRASH, "_die_by_signal"),
    ("exits_at_once", Verdict.CRASH, "os._exit"),
    ("exits_under_some_plans", Verdict.CRASH, "os._exit"),
    ("busy_under_some_plans", Verdict.STALL, "_busy_if_it_has_to_wait"),
    ("raises_system_exit", Verdict.FAIL, "SystemExit"),
    ("raises_keyboard_interrupt", Verdict.FAIL, "KeyboardInterrupt"),
    ("raises_base_exception", Verdict.FAIL, "of no kind"),
    ("floods_memory", Verdict.FAIL, "MemoryError"),
    ("hoards_memory", Verdict.CRASH, "MiB of memory when the trial was over"),
    ("floods_output", Verdict.PASS, ""),
    ("reader_answers_every_name", Verdict.PASS, ""),
)
# subject -> the clause of hygiene that it breaks while its trials pass, and what the detail says.
NOISY = (
    ("leaks_a_task", "hygiene.no-task-left", "left a task: _leak_a_task.<locals>.forgotten"),
    ("forgets_an_error", "hygiene.nothing-never-retrieved", "ValueError('forgotten')"),
    ("leaves_a_transport", "hygiene.no-transport-left", "unclosed"),
    ("fails_in_a_callback", "hygiene.exception-handler-silent", "'planted'"),
    ("leaks_a_socket", "hygiene.no-transport-left", "unclosed <socket.socket"),
    ("leaks_a_descriptor", "hygiene.no-descriptor-left", "a pipe"),
    ("leaves_a_timer", "hygiene.no-timer-left", "left a timer: print"),
    ("warns_of_resources", "hygiene.no-resource-warning", "planted: never closed"),
    ("keeps_its_readers", "hygiene.streams-collected", "Planted kept alive by "),
    ("complains_at_length", "hygiene.exception-handler-silent", "... (8,"),
)


@lru_cache(maxsize=None)
def all_at_once() -> Collected:
    """Run every planted subject, and its neighbours, in one run: whoever dies dies beside all."""
    return run([name for name, _, _ in (*PLANTED, *NOISY)], CLAUSE, *NEIGHBOURS)


def of(subject: str, heard: Collected) -> List[Result]:
    """Give the results of one planted subject."""
    return [r for r in heard.results if r.subject == f"planted:{subject}"]


def clean() -> Dict[str, Verdict]:
    """Give what the neighbours come to on a subject without a fault, trial by trial."""
    return neighbours(of("always_passes", all_at_once()))


def neighbours(results: Sequence[Result]) -> Dict[str, Verdict]:
    """Give the verdicts of the trials that do not meet a fault."""
    return {trial_of(r): r.verdict for r in results if r.clause != CLAUSE and not r.aside}


def trial_of(result: Result) -> str:
    """Name a trial, whoever the subject is."""
    return f"{result.clause}[{result.check}-{result.link}]"


@pytest.mark.parametrize(("subject", "verdict", "says"), PLANTED)
def test_each_planted_fault_gets_its_verdict(subject: str, verdict: Verdict, says: str) -> None:
    """Each fault ends its trials with exactly its verdict, named, and all others keep theirs."""
    results = of(subject, all_at_once())
    faulty = [r for r in results if r.clause == CLAUSE]
    assert faulty
    assert {verdict} == {r.verdict for r in faulty}
    assert all(says in r.detail for r in faulty)
    assert clean() == neighbours(results)


@pytest.mark.parametrize(
    ("subject", "plan"),
    [
        ("exits_under_some_plans", "bytes+late"),
        ("busy_under_some_plans", "bytes+late"),
        ("exits_at_once", ""),
        ("busy_loops", ""),
    ],
)
def test_what_ends_a_worker_is_told_with_its_plan(subject: str, plan: str) -> None:
    """A crash and a held loop name the plan that was played, so that it can be played again."""
    assert {plan} == {r.plan for r in of(subject, all_at_once()) if r.clause == CLAUSE}


@pytest.mark.parametrize(("subject", "clause", "says"), NOISY)
def test_what_is_left_behind_is_told_under_its_own_clause(
    subject: str, clause: str, says: str
) -> None:
    """A trial that leaves something behind passes, and the clause of hygiene is broken, alone."""
    results = of(subject, all_at_once())
    noise = [r for r in results if r.tried == CLAUSE]
    assert {Verdict.PASS} == {r.verdict for r in results if r.clause == CLAUSE}
    assert {(clause, Verdict.NOISE)} == {(r.clause, r.verdict) for r in noise}
    assert all(says in r.detail for r in noise)
    assert clean() == neighbours(results)


def test_a_generator_that_was_left_is_closed_before_anything_is_called_kept() -> None:
    """Whether the collector found it while the loop ran or after makes no difference."""
    clauses = ("reader.iteration.yields-lines", "hygiene.*")
    results = run("iterates_by_generator", *clauses).results
    found = [r for r in results if r.clause == "hygiene.streams-collected"]
    assert [(EVERY_TRIAL, Verdict.PASS)] == [(r.check, r.verdict) for r in found]


def test_hygiene_that_was_never_broken_is_told_once() -> None:
    """At a run's end each clause of hygiene has a pass, but for those that some trial broke."""
    results = run(("always_passes", "leaks_a_task"), CLAUSE, "hygiene.*").results
    held = {
        name: [r.clause for r in of(name, Collected.holding(results)) if r.check == EVERY_TRIAL]
        for name in ("always_passes", "leaks_a_task")
    }
    every = list(hygiene.NOISE_IDS.values())
    assert every == held["always_passes"]
    assert [c for c in every if c != "hygiene.no-task-left"] == held["leaks_a_task"]


def test_every_trial_is_told_once() -> None:
    """Whatever dies in a run, as many trials are told of as were announced, none twice."""
    trials = [r for r in all_at_once().results if not r.aside]
    told = {(r.subject, trial_of(r)) for r in trials}
    assert all_at_once().total == len(trials) == len(told)


def test_a_reader_that_cannot_be_built_is_a_failed_precondition() -> None:
    """A constructor that raises leaves every clause that needs a reader untried, none failed."""
    results = run("raises_in_constructor", CLAUSE, *NEIGHBOURS).results
    assert {Verdict.PRECONDITION} == {r.verdict for r in results if r.link == "feed"}
    assert all("no reader today" in r.detail for r in results if r.link == "feed")


def test_a_reader_that_cannot_be_fed_is_not_judged_by_feeding() -> None:
    """No page promises `feed_data`: what needs it is inapplicable, and all else is judged."""
    fed = run("cannot_be_fed", "reader.feed_eof.*").results
    assert {Verdict.INAPPLICABLE} == {r.verdict for r in fed}
    assert all("can be joined by memory" in r.detail for r in fed)
    assert {Verdict.PASS} == {r.verdict for r in run("cannot_be_fed", link="tcp").results}


def test_what_fails_now_and_then_is_flaky(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A trial that fails one time in five is flaky when repeated, with both verdicts counted."""
    monkeypatch.setenv("PLANTED_CALLS", str(tmp_path / "calls"))
    one_call = "reader.readexactly.beyond-limit"
    plan = {"repeat": 10, "plans": ("whole",)}
    (flaky,) = run("fails_one_time_in_five", one_call, **plan).results
    assert flaky.verdict is Verdict.FLAKY
    assert re.fullmatch(r"2 of 10 runs: fail \(.*\); 8 of 10 runs: pass", flaky.detail)


def test_repeats_that_agree_are_told_as_one() -> None:
    """A trial that is repeated is still one trial, with the verdict that all its runs had."""
    heard = run("returns_too_little", repeat=3)
    assert heard.total == len(heard.results) == len(run("returns_too_little").results)
    assert {Verdict.FAIL} == {r.verdict for r in heard.results}


def test_a_subject_that_lies_about_its_lacks_spoils_the_run() -> None:
    """What is declared lacking and is offered is the adapter's fault; other clauses stand."""
    results = run("LiesAboutLacks", CLAUSE, "reader.readuntil.*", link="own").results
    lied = [r for r in results if r.verdict is Verdict.HARNESS]
    assert CLAUSE in {r.clause for r in lied}
    assert all("declares that it lacks readexactly, and offers it" in r.detail for r in lied)
    assert {Verdict.PASS, Verdict.INAPPLICABLE} >= {
        r.verdict for r in results if r not in lied and r.scored
    }


# What an adapter's own call may come to; the detail names the call.
ADAPTERS = {
    "RaisesInPair": "pair(65536) raised OSError('planted: no connection today') from `raise",
    "ExitsInPair": "pair(65536) raised SystemExit(0)",
    "NeverPairs": "pair(65536) never ended: `reader = await t.reader()`",
    "PairsTwo": "pair(65536) gave (StreamReader, StreamWriter); expected reader, writer and a",
    "RaisesInFinish": "finish() raised OSError('planted: not cleared up') from `raise",
    "NeverFinishes": "finish() never ended",
}


@lru_cache(maxsize=None)
def all_adapters() -> Collected:
    """Run the subjects whose adapters are at fault, all in one run."""
    return run([*ADAPTERS], CLAUSE, link="own")


@pytest.mark.parametrize("subject", ADAPTERS)
def test_a_fault_of_the_adapter_spoils_the_run(subject: str) -> None:
    """A call into the adapter that fails or never ends is its fault, and of no clause."""
    results = of(subject, all_adapters())
    assert results
    assert {Verdict.HARNESS} == {r.verdict for r in results}
    assert all(r.detail.startswith(f"planted:{subject}: {ADAPTERS[subject]}") for r in results)


def test_a_module_that_lies_about_its_lacks_is_found_too() -> None:
    """A subject shaped like asyncio is asked for the name itself."""
    results = run("lies_about_lacks").results
    assert {Verdict.HARNESS} == {r.verdict for r in results}


def test_a_subject_that_blocks_everywhere_is_tried_in_every_trial() -> None:
    """No trial is skipped because another one stalled, and the run comes to its end."""
    heard = run("blocks_everywhere", CLAUSE, timeout_factor=FACTOR / 5)
    assert heard.total == len(heard.results) > 1
    assert {Verdict.STALL} == {r.verdict for r in heard.results}


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
        ({"subjects": ("planted:answers_every_name",), "search_path": (HERE,)}, "to any name"),
        ({"subjects": ("planted:lacks_no_set",), "search_path": (HERE,)}, "lacks = 5; expected a"),
        ({"subjects": ("planted:ForgetsPair",), "search_path": (HERE,)}, "no `async def pair(self"),
        ({"loops": ("roundabout",)}, "MODULE:FACTORY"),
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
