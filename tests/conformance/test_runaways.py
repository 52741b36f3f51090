"""Runaways: whatever goes for its process costs its own trials, and the run ends."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Mapping, Tuple

import pytest

from streamgauge.conformance import engine
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.oldest_and_newest

HERE = str(Path(__file__).parent)
CLAUSE = "reader.readexactly.returns-n"
NEIGHBOURS = "reader.readline.*"  # no trial of theirs calls readexactly
FACTOR = 0.25
CRASHES = {
    "exits_with_success": "with exit code 0",
    "exits_as_the_suite_does": "with exit code 70",
    "aborts": "by SIGABRT",
    "kills_itself": "by SIGKILL",
    "terminates_itself": "by SIGTERM",
    "kills_its_group": "by SIGKILL",
    "terminates_its_group": "by SIGTERM",
    "hangs_its_group_up": "by SIGHUP",
    "kills_its_parent": "by SIGKILL",
    "reads_nowhere": "by SIGSEGV",
    "uses_up_its_time": "by SIG(XCPU|KILL)",
    "leaves_to_a_copy": "with exit code 0",
    "dies_in_colour": r"\\x1b\[31mred \\xff\\u202e; it ended with exit code 9",
    "dies_at_length": "planted planted.*with exit code 9",
    "babbles": "no answer: got",
    "announces_gigabytes": "no answer: got",
    "announces_with_a_sign": "no answer: got",
    "sends_another_kind_of_frame": "no answer: got",
    "sends_half_a_frame": "no answer: got|ended",
    "answers_by_itself": "no answer: got 'answer' with other fields",
    "ends_its_lines": "line|with exit code 70",
    "closes_its_lines": "line|with exit code",
    "puts_nothing_in_their_place": "line|with exit code",
}
STALLS = {
    "holds": "in _hold",
    "holds_after_a_time_out": "in _hold",
    "holds_without_an_alarm": "in _hold",
    "holds_and_ignores_alarms": "in _hold",
    "holds_and_handles_alarms": "in _hold",
    "holds_and_blocks_everything": "its stack:",
    "holds_and_ignores_aborts": "its stack:",
    "holds_and_handles_aborts": "its stack:",
    "holds_without_a_fault_handler": "its stack:",
    "holds_in_its_parents_group": "its stack:",
    "holds_without_output": "its stack:",
    "holds_in_c": "its stack:",
    "stops_itself": "was stopped (SIGSTOP)",
    "stops_its_group": "was stopped (SIGSTOP)",
    "waits_for_a_process": "its stack:",
    "waits_for_a_thread": "its stack:",
}
HARMLESS = (
    *("unblocks_its_lines", "exits_at_the_end", "sleeps_at_the_end", "closes_its_output"),
    *("patches_json", "patches_writing", "patches_select", "removes_all_folders"),
    *("stops_its_parent", "is_told_to_go_on", "allows_no_process", "allows_no_files"),
    *("allows_no_core", "forks_and_lets_both_go_on", "leaves_a_daemon", "leaves_a_shell"),
    *("complains_in_half_a_character", "complains_in_bytes", "complains_in_colour"),
    "complains_of_an_address",
)
EVERY: Tuple[str, ...] = (*CRASHES, *STALLS, *HARMLESS)


class Collected(Listener):
    """Keeps the results."""

    def __init__(self) -> None:
        self.total = 0
        self.results: List[Result] = []

    def started(self, total: int) -> None:
        """Note how many there are."""
        self.total = total

    def result(self, result: Result) -> None:
        """Keep one."""
        self.results.append(result)


@lru_cache(maxsize=None)
def all_at_once() -> Collected:
    """Run every one of them beside all others, and beside one without a fault."""
    heard = Collected()
    plan = RunPlan(
        subjects=("stdlib", *(f"runaways:{name}" for name in EVERY)),
        links=("feed",),
        clauses=(CLAUSE, NEIGHBOURS),
        workers=2,
        search_path=(HERE,),
        edition="3.8",
        timeout_factor=FACTOR,
        plans=("whole",),
    )
    assert engine.run(plan, heard)
    return heard


def of(name: str) -> List[Result]:
    """Return the results of one subject."""
    return [r for r in all_at_once().results if r.subject == name]


def faulty(name: str) -> List[Result]:
    """Return the results of the trials that meet the fault."""
    return [r for r in of(f"runaways:{name}") if r.clause == CLAUSE]


def neighbours(name: str) -> Mapping[Tuple[str, str], Verdict]:
    """Return the verdicts of those that do not."""
    results = (r for r in of(name) if CLAUSE not in (r.clause, r.tried) and not r.aside)
    found: Dict[Tuple[str, str], Verdict] = {(r.clause, r.check): r.verdict for r in results}
    return found


ANSWERED_FIRST = ("kills_its_parent",)  # its verdict is a pass or a crash, by chance


@pytest.mark.parametrize("name", CRASHES)
def test_what_ends_its_process_is_a_crash(name: str) -> None:
    """Each of its trials says how; a line that is broken is as good as a death."""
    if name in ANSWERED_FIRST:
        pytest.xfail("a good answer may leave before the death of the keeper is seen")
    results = faulty(name)
    assert results
    assert {Verdict.CRASH} == {r.verdict for r in results}
    assert all(re.search(CRASHES[name], r.detail, re.DOTALL) for r in results)


@pytest.mark.parametrize("name", STALLS)
def test_what_holds_its_process_is_a_stall(name: str) -> None:
    """Whatever it does to signals and timers, the supervisor ends it."""
    results = faulty(name)
    assert results
    assert {Verdict.STALL} == {r.verdict for r in results}
    assert all(STALLS[name] in r.detail for r in results)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_harms_nobody_keeps_its_verdict(name: str) -> None:
    """The trial passes; what it leaves or complains of is told under hygiene."""
    results = faulty(name)
    assert results
    assert {Verdict.PASS} == {r.verdict for r in results}


@pytest.mark.parametrize("name", EVERY)
def test_its_neighbours_are_as_without_it(name: str) -> None:
    """No other trial of the subject comes to anything else."""
    assert neighbours("stdlib") == neighbours(f"runaways:{name}")


def test_every_trial_is_told_once() -> None:
    """As many as were announced, none twice."""
    trials = [r for r in all_at_once().results if not r.aside]
    assert (
        all_at_once().total == len(trials) == len({(r.subject, r.clause, r.check) for r in trials})
    )


def test_nothing_raw_is_told() -> None:
    """No control character, half a character, mark of direction or address is in any text."""
    raw = re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\ud800-\udfff]|0x[0-9a-f]{8}"
    )
    assert [] == [r.detail for r in all_at_once().results if raw.search(r.detail)]
