"""The stage: what dies there costs one trial and no worker, and is told with how it ended."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Iterator, List

import pytest

from streamgauge.conformance import stage
from streamgauge.conformance.memory import _held
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.stage import ForkedStage, Stage, player, threads_now
from streamgauge.conformance.verdicts import Verdict

CLAUSE = "reader.readexactly.returns-n"
FACTOR = 0.1  # of the deadlines: what is planted here holds its loop, or dies, at once


def selected(subject: str, monkeypatch: pytest.MonkeyPatch) -> Selection:
    """Resolve a plan of one clause's trials on a planted subject."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return Selection(
        RunPlan(subjects=(f"planted:{subject}",), links=("feed",), clauses=(CLAUSE,), edition="3.8")
    )


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Played]:
    """Give what plays planted subjects on a forked stage, which is closed afterwards."""
    found = Played(monkeypatch, tmp_path)
    yield found
    for forked in found.stages:
        forked.close()


class Played:
    """Plays planted subjects, each on a forked stage of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder
        self.stages: List[ForkedStage] = []

    def __call__(self, subject: str, times: int = 1) -> List[Result]:
        """Play the first trial of the clause so many times; give its own results."""
        selection = selected(subject, self._monkeypatch)
        self.stages.append(ForkedStage(selection, self._folder / f"{subject}.log", FACTOR))
        spec = selection.trials[0]
        runs = [self.stages[-1].run(spec) for _ in range(times)]
        return [results[0] for results in runs]


def test_what_holds_its_loop_is_told_each_time(played: Played) -> None:
    """One stage plays on after a stall, in another child, and tells of each where it was held."""
    results = played("busy_loops", times=3)
    assert [Verdict.STALL] * 3 == [r.verdict for r in results]
    assert all("_busy_loop" in r.detail for r in results)


@pytest.mark.parametrize(
    ("subject", "ending"),
    [("exits_at_once", "it ended with exit code 3"), ("dies_by_signal", "it ended by SIGSEGV")],
)
def test_a_death_is_told_with_its_ending(played: Played, subject: str, ending: str) -> None:
    """A crash says whether it was an exit, and with which code, or which signal it was."""
    (result,) = played(subject)
    assert Verdict.CRASH is result.verdict
    assert result.detail.endswith(ending)


def test_a_death_is_seen_though_a_process_keeps_the_line(
    played: Played, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a subject leaves running holds every descriptor of its child; the run goes on."""
    left = tmp_path / "pid"
    monkeypatch.setenv("PLANTED_PID", str(left))
    try:
        (result,) = played("leaves_a_process")
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)
    assert Verdict.CRASH is result.verdict
    assert result.detail.endswith("it ended with exit code 4")


class AwayAtFirst:
    """A clock by which the first looks come late, each by a minute; on time from then on."""

    def __init__(self, looks: int) -> None:
        self._times = iter([time for n in range(looks) for time in (100.0 * n, 100.0 * n + 60)])

    def perf_counter(self) -> float:
        """Give the time in seconds."""
        return next(self._times, 1000.0)


@pytest.mark.parametrize(
    ("subject", "away", "plays", "verdict"),
    [
        ("exits_at_once", 0, 1, Verdict.CRASH),
        ("exits_at_once", 1, 2, Verdict.CRASH),
        ("exits_at_once", 2, 3, Verdict.CRASH),
        ("exits_at_once", 9, 3, Verdict.CRASH),
        ("returns_too_little", 1, 2, Verdict.FAIL),
        ("always_passes", 1, 1, Verdict.PASS),
    ],
)
def test_what_departs_while_the_machine_is_away_is_played_again(
    played: Played,
    monkeypatch: pytest.MonkeyPatch,
    subject: str,
    away: int,
    plays: int,
    verdict: Verdict,
) -> None:
    """A look that comes late tells of a pause, in which clocks went on and the trial did not."""
    once: Callable[[ForkedStage, TrialSpec], List[Result]] = ForkedStage._once
    noted: List[TrialSpec] = []

    def noting(self: ForkedStage, spec: TrialSpec) -> List[Result]:
        noted.append(spec)
        return once(self, spec)

    monkeypatch.setattr(ForkedStage, "_once", noting)
    monkeypatch.setattr(stage, "time", AwayAtFirst(away))
    assert [verdict] == [r.verdict for r in played(subject)]
    assert plays == len(noted)


def test_a_child_plays_more_than_one_trial(played: Played) -> None:
    """As long as nothing dies, one child plays all: what a trial leaves there is still there."""
    assert [Verdict.PASS] * 2 == [r.verdict for r in played("always_passes", times=2)]
    child = played.stages[-1]._child
    assert child is not None
    assert child.is_alive()
    assert child.pid != os.getpid()


def test_what_trials_keep_little_by_little_is_no_trials_fault(played: Played) -> None:
    """Once it is much in all, the next trial has another child; what a trial keeps it may keep."""
    if not _held():
        pytest.skip("this platform does not tell what a process holds")
    played("keeps_a_little")
    forked, children = played.stages[-1], set()
    spec = next(iter(forked._trials.values()))
    for _ in range(7):
        assert [Verdict.PASS] == [r.verdict for r in forked.run(spec)]
        if forked._child is not None:
            children.add(forked._child.pid)
    assert len(children) > 1


def test_closed_it_leaves_no_process(played: Played) -> None:
    """A stage that is closed ends its child, orderly."""
    played("always_passes")
    child = played.stages[-1]._child
    assert child is not None
    played.stages[-1].close()
    assert 0 == child.exitcode


ENDS_AT_ONCE = """
import sys
from pathlib import Path
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.stage import player, threads_now

selection = Selection(RunPlan(("streams",), links=("feed",), clauses=("reader.readexactly.*",)))
plays = player(selection, Path(sys.argv[1]), 1.0, threads_now())
(result,) = plays.run(selection.trials[0])
print(result.verdict)
sys.exit(7)
"""


def test_a_worker_that_ends_of_itself_waits_for_nobody(tmp_path: Path) -> None:
    """A worker whose run was broken off closes nothing; neither it nor its child is left."""
    command = [sys.executable, "-c", ENDS_AT_ONCE, str(tmp_path / "log")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120)
    assert (7, "pass\n") == (done.returncode, done.stdout)


def test_a_fault_of_the_suite_is_raised_here(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What our own code raises in the child is no crash of the subject's: it comes out of `run`."""

    def broken(*_: object) -> List[Result]:
        raise LookupError("planted in the suite")

    monkeypatch.setattr(stage, "run_trial", broken)
    with pytest.raises(RuntimeError, match="LookupError: planted in the suite"):
        played("always_passes")


def test_a_child_ends_whose_fork_was_told_as_an_error(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning that is an error is raised in the parent, when the child is there already."""
    real, children = os.fork, []

    def fork() -> int:
        child = real()
        if child:
            children.append(child)
            raise DeprecationWarning("planted: threads")
        return child

    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", fork)
        with pytest.raises(DeprecationWarning, match="planted"):
            played("always_passes")
    assert (children[0], 0) == os.waitpid(children[0], 0)


def test_a_machine_that_has_room_again_is_played_on(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork that failed leaves nothing half made: the next trial has its child."""

    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, "planted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", refused)
        with pytest.raises(BlockingIOError, match="planted"):
            played("always_passes")
    forked = played.stages[-1]
    spec = next(iter(forked._trials.values()))
    assert [Verdict.PASS] == [r.verdict for r in forked.run(spec)]


def test_where_importing_left_a_thread_nothing_is_forked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A subject whose module started a thread is played beside it, any other in a child."""
    selection = selected("always_passes", monkeypatch)
    over = threading.Event()
    before = threads_now()
    thread = threading.Thread(target=over.wait)
    assert isinstance(player(selection, tmp_path / "log", FACTOR, before), ForkedStage)
    thread.start()
    try:
        # A real one would bound this process's memory for good.
        monkeypatch.setattr(stage.Stage, "__init__", lambda _self, _all, log, _factor: log.close())
        assert isinstance(player(selection, tmp_path / "log", FACTOR, before), Stage)
    finally:
        over.set()
        thread.join()
