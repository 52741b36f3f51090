"""Belief: what is played again, what comes of it, and what the network in memory alone shows."""

from __future__ import annotations

from dataclasses import replace
from typing import List

import pytest

from streamgauge.conformance.belief import (
    AT_MOST,
    TIMES,
    Trial,
    confirmed,
    doubtful,
    placed,
    trial_of,
)
from streamgauge.conformance.deviations import Deviation, When
from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

ONE = Result("mine", "asyncio", "tcp", "reader.a", "check", "must", Verdict.PASS)
FAILED = replace(ONE, verdict=Verdict.FAIL, detail="expected 1, got 2")
LISTED = Deviation("mine", "reader.a", Verdict.FAIL, When(), "because", "", "file")
HYGIENE = replace(
    ONE, clause="hygiene.no-task-left", level="should", verdict=Verdict.NOISE, tried="reader.a"
)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_which_verdicts_are_doubtful(verdict: Verdict) -> None:
    """What counts against the subject is, but for what differed already; nothing else."""
    against = {"crash", "stall", "hang", "fail", "partial", "noise"}
    found = doubtful([replace(ONE, verdict=verdict)], [])
    assert ([trial_of(ONE)] if str(verdict) in against else []) == found


def test_what_is_listed_or_not_scored_is_not_doubtful() -> None:
    """A listed departure is known, and a behaviour departs from nothing."""
    assert [] == doubtful([FAILED], [LISTED])
    assert [trial_of(FAILED)] == doubtful([replace(FAILED, verdict=Verdict.HANG)], [LISTED])
    assert [] == doubtful([replace(FAILED, level="behaviour")], [])


def test_a_trial_is_played_again_once_for_all_that_it_showed() -> None:
    """What it showed of hygiene belongs to the trial that was played."""
    assert [Trial("mine", "asyncio", "tcp", "reader.a", "check")] == doubtful([FAILED, HYGIENE], [])
    assert [trial_of(ONE)] == doubtful([ONE, HYGIENE], [])


def test_a_subject_that_departs_everywhere_is_believed() -> None:
    """No more than a dozen trials of each subject are played again, the loneliest ones first."""
    many = [
        replace(FAILED, clause=f"reader.{clause}", link=link)
        for clause in "abcdefghij"
        for link in ("tcp", "tls", "unix")
    ]
    alone = replace(FAILED, clause="writer.z")
    other = replace(FAILED, subject="other")
    found = doubtful([*many, alone, other], [])
    assert AT_MOST + 1 == len(found)
    assert trial_of(alone) == found[0]
    assert trial_of(other) == found[-1]


def runs(*verdicts: str) -> List[List[Result]]:
    """Make runs of one trial."""
    return [[replace(FAILED, verdict=Verdict(verdict))] for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "comes_to"),
    [
        (("fail", "fail", "fail", "fail"), "fail"),
        (("hang", "pass", "pass", "pass"), "flaky"),
        (("fail", "fail", "pass", "fail"), "flaky"),
        (("fail", "hang", "fail", "fail"), "flaky"),
        (("fail", "fail", "harness", "fail"), "harness"),
        (("crash", "crash", "crash", "crash"), "crash"),
    ],
)
def test_what_was_played_again_comes_to(verdicts: List[str], comes_to: str) -> None:
    """All agree, or it is flaky and says how often what came, and that three were alone."""
    (result,) = confirmed(runs(*verdicts))
    assert comes_to == str(result.verdict)
    assert (comes_to == "flaky") is result.detail.startswith(f"the last {TIMES} of them alone: ")


def test_what_only_the_first_run_left_behind_is_flaky() -> None:
    """Hygiene that one run of four broke is flaky, and the check itself holds."""
    own, aside = confirmed([[ONE, HYGIENE], [ONE], [ONE], [ONE]])
    assert (Verdict.PASS, Verdict.FLAKY) == (own.verdict, aside.verdict)
    assert "1 of 4 runs: noise; 3 of 4 runs: pass" in aside.detail


IN_MEMORY = replace(FAILED, link="memory")


@pytest.mark.parametrize(
    ("change", "others", "harness"),
    [
        ({}, [ONE], True),
        ({"verdict": Verdict.HANG}, [ONE], True),
        ({"verdict": Verdict.CRASH}, [ONE, replace(ONE, link="tls")], True),
        ({}, [replace(ONE, verdict=Verdict.NOISE)], True),
        ({}, [], False),  # nobody else has tried it
        ({}, [FAILED], False),
        ({}, [ONE, replace(FAILED, link="tls")], False),
        ({}, [replace(ONE, verdict=Verdict.INAPPLICABLE)], False),
        ({}, [replace(ONE, verdict=Verdict.PRECONDITION)], False),
        ({}, [replace(ONE, link="feed")], False),  # no kernel takes part
        ({}, [replace(ONE, check="another")], False),
        ({}, [replace(ONE, subject="other")], False),
        ({}, [replace(ONE, loop="uvloop")], False),
        ({"plan": "bytes"}, [ONE], False),  # the kernel's link was not played so
        ({"verdict": Verdict.NOISE}, [ONE], False),
        ({"verdict": Verdict.FLAKY}, [ONE], False),
        ({"level": "behaviour"}, [replace(ONE, level="behaviour")], False),
        ({"verdict": Verdict.PRECONDITION}, [ONE], False),
    ],
)
def test_a_departure_in_memory_alone_is_the_suites(
    change: object, others: List[Result], harness: bool
) -> None:
    """Where a kernel's link tries the same check and holds, the network in memory is at fault."""
    departed = replace(IN_MEMORY, **change)  # type: ignore[arg-type]  # a row of the table
    found, *rest = placed([departed, *others])
    assert (Verdict.HARNESS if harness else departed.verdict) is found.verdict
    assert rest == others
    if harness:
        assert "on the network in memory alone, it holds on tcp" in found.detail


def test_a_listed_departure_in_memory_stays_listed() -> None:
    """What its owner knows of is not the suite's."""
    listed = replace(LISTED, when=When(links=("memory",)))
    assert [IN_MEMORY, ONE] == placed([IN_MEMORY, ONE], [listed])


def test_a_departure_on_the_kernel_is_never_the_suites() -> None:
    """The other way round says nothing of memory."""
    results = [replace(ONE, link="memory"), FAILED]
    assert results == placed(results)
