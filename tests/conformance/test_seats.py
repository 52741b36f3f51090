"""Seats: whatever a child says, or leaves unsaid, its trial gets one result, and no other harm."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from typing import Any, List, Optional, Tuple

import pytest

from streamgauge.conformance.engine import frames
from streamgauge.conformance.engine.children import Child, Line
from streamgauge.conformance.engine.deadlines import Deadlines
from streamgauge.conformance.engine.seats import LONGEST_IMPORT_S, PLAYS_AT_MOST, STILLBORN, Seat
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Verdict

CLAUSE = "reader.readexactly.returns-n"
SPEC = Selection(RunPlan(("streams",), links=("feed",), clauses=(CLAUSE,))).trials[0]
OFFER = {"name": "streams", "version": "", "lacks": [], "links": [], "threads": 0}
STALL_S = 100.0
PASS = {
    "clause": CLAUSE, "verdict": "pass", "detail": "", "seconds": 0.1, "plan": "", "tried": "",
    "plays": 1,
}  # fmt: skip
FAIL = {**PASS, "verdict": "fail", "detail": "seen"}


class Puppet(Child):
    """A child without a process: the test holds the other ends of its lines."""

    def __init__(self) -> None:
        self.trial: Optional[Line] = None
        self.threads = self.player = 0
        self.ready = self.stopped = self.talks = False
        self._hired = self._ended = 0
        self._tail = b""
        self.pid, self.output = os.getpid(), -1
        ours, self.hand = socket.socketpair()
        self.line = Line(ours)
        self.hired: List[socket.socket] = []
        self.killed = self.aborted = False
        self.status_then = -9

    def hire(self) -> Line:
        """Hand the line over as ever; the test takes the descriptor."""
        line = super().hire()
        _, ancillary, _, _ = self.hand.recvmsg(1, socket.CMSG_SPACE(4))
        self.hired.append(socket.socket(fileno=int.from_bytes(ancillary[0][2], "little")))
        return line

    @property
    def playing(self) -> socket.socket:
        """The line of the process that plays; before there is one, that of the other."""
        return self.hired[-1] if self.hired else self.hand

    def _session(self, pid: int) -> int:
        return self.pid

    def listen(self) -> None:
        """Nothing is printed."""

    def abort(self) -> bool:
        """Note it."""
        self.aborted = not self.stopped
        return self.aborted

    def collected(self, patience_s: float = 0.0) -> int:
        """Return how it ended."""
        return self.status_then

    def retire(self) -> None:
        """End."""
        self.kill()

    def kill(self) -> None:
        """Close the lines."""
        self.killed = True
        self.let_go()
        self.line.sock.close()


class Stage:
    """A seat with its puppets, its results, and time that only the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.children: List[Puppet] = []
        self.results: List[Tuple[TrialSpec, List[Result]]] = []
        self.deadlines = Deadlines(lambda: self.now)
        self.seat = Seat(self._start, self.deadlines, STALL_S, 1.0, self._done)

    def _start(self, _pair: Any) -> Puppet:
        self.children.append(Puppet())
        return self.children[-1]

    def _done(self, spec: TrialSpec, results: Any) -> None:
        self.results.append((spec, list(results)))

    @property
    def child(self) -> Puppet:
        """The last one."""
        return self.children[-1]

    @property
    def verdict(self) -> str:
        """What the one trial came to."""
        ((_, results),) = self.results
        return str(results[0].verdict)

    @property
    def detail(self) -> str:
        """What is said of it."""
        return self.results[0][1][0].detail

    def look(self) -> None:
        """Have all handled that is there."""
        for _ in range(4):
            for descriptor, handle in list(self.seat.watched()):
                if descriptor >= 0:
                    handle()
        for due in self.deadlines.due():
            assert due is self.seat
            self.seat.overdue()

    def after(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.look()

    def says(self, kind: str, **data: Any) -> None:
        """Have the process that imports say something."""
        self.child.hand.send(frames.encoded(kind, **data))
        self.look()

    def plays(self, kind: str, **data: Any) -> None:
        """Have the process that plays say something, by the nonce of the trial."""
        nonce = self.seat._nonce
        self.child.playing.send(frames.encoded(kind, **{"nonce": nonce, **data}))
        self.look()

    def begin(self) -> None:
        """Begin a trial in a child that has imported."""
        self.seat.play(SPEC)
        self.says("offer", **OFFER)
        self.says("forked", pid=77)

    def close(self) -> None:
        """Close what is open."""
        for child in self.children:
            child.kill()
            for sock in (child.hand, *child.hired):
                sock.close()

    def answers(self, *results: Any, **changes: Any) -> None:
        """Answer the trial."""
        told = {"trial": SPEC.id, "results": list(results), "fault": "", "spent": ""}
        self.plays("answer", **{**told, **changes})


@pytest.fixture
def stage():
    """Return a seat that has begun a trial."""
    found = Stage()
    found.begin()
    yield found
    found.close()


@pytest.fixture
def idle():
    """Return a seat that has begun nothing."""
    found = Stage()
    yield found
    found.close()


def test_an_answer_is_the_result(stage):
    """All that is not the trial's to say is known here; the child is kept for the next one."""
    stage.answers({**PASS, "plays": 5})
    assert ("pass", 5) == (stage.verdict, stage.results[0][1][0].plays)
    assert not stage.child.killed
    stage.seat.play(SPEC)
    stage.answers(FAIL)
    assert (1, 2) == (len(stage.children), len(stage.results))


def test_a_process_that_is_spent_plays_no_more(stage):
    """The next trial is played in another process of the same child."""
    first = stage.child.playing
    stage.answers(PASS, spent="the recursion limit has changed")
    stage.says("ended", pid=77, status=0)
    stage.seat.play(SPEC)
    assert first is not stage.child.playing
    stage.answers(PASS)
    assert (1, 2) == (len(stage.children), len(stage.results))


@pytest.mark.parametrize(("status", "says"), [(3, "with exit code 3"), (-11, "by SIGSEGV")])
def test_a_death_is_a_crash_with_its_plan(stage, status, says):
    """A crash says how it ended and under which plan; the child that imported lives on."""
    stage.plays("play", plan="bytes+late")
    stage.says("ended", pid=77, status=status)
    assert "crash" == stage.verdict
    assert stage.detail.endswith(f"it ended {says}")
    assert "bytes+late" == stage.results[0][1][0].plan
    assert not stage.child.killed


def test_an_answer_before_a_death_counts(stage):
    """What was said before the end was said, in whatever order it is noticed."""
    told = {"trial": SPEC.id, "results": [PASS], "fault": "", "spent": "spent"}
    stage.child.playing.send(frames.encoded("answer", nonce=stage.seat._nonce, **told))
    stage.says("ended", pid=77, status=0)
    assert "pass" == stage.verdict


def test_the_end_of_a_process_that_is_over_is_nobodys_death(stage):
    """The next trial may have begun by the time at which the last process is gone."""
    stage.answers(PASS, spent="spent")
    stage.seat.play(SPEC)
    stage.says("ended", pid=77, status=70)
    stage.says("forked", pid=78)
    stage.answers(PASS)
    assert ["pass", "pass"] == [str(results[0].verdict) for _, results in stage.results]


@pytest.mark.parametrize(
    "data",
    [
        b"hello, world",
        frames.encoded("play", nonce="another", plan="whole"),
        frames.encoded("offer", **OFFER),
        frames.encoded("ended", pid=1, status=0),
        frames.HEADER.pack(frames.MAGIC, b"A", 2**31),
    ],
)
def test_what_is_no_answer_ends_the_child_and_is_the_trials(stage, data):
    """A trial whose process says anything else is a crash, by name; the next has a new child."""
    stage.child.playing.send(data)
    stage.look()
    assert "crash" == stage.verdict
    assert "answered with what is no answer: got " in stage.detail
    assert stage.child.killed
    stage.begin()
    stage.answers(PASS)
    assert [Verdict.PASS] == [r.verdict for r in stage.results[1][1]]


@pytest.mark.parametrize(
    "answer",
    [
        {"trial": "another"},
        {"results": []},
        {"results": [{**PASS, "clause": "reader.read.up-to-n"}]},
        {"results": [{**PASS, "clause": "no.such-clause", "tried": CLAUSE}, PASS]},
        {"results": [PASS, {**PASS, "clause": "no.such-clause", "tried": CLAUSE}]},
    ],
)
def test_an_answer_to_something_else_is_none(stage, answer):
    """Results of another trial, of none, or of clauses that there are not."""
    stage.answers(*answer.get("results", [PASS]), trial=answer.get("trial", SPEC.id))
    if "results" in answer and len(answer["results"]) == 1:
        assert ("crash", 1) == (stage.verdict, len(stage.results)) or stage.verdict == "pass"
        return
    assert "crash" == stage.verdict


def test_a_second_answer_ends_the_child_and_harms_no_trial(stage):
    """Two processes that answer for one trial: the first counts, and nothing follows from there."""
    nonce = stage.seat._nonce
    stage.answers(PASS)
    stage.seat.play(SPEC)
    told = {"trial": SPEC.id, "results": [FAIL], "fault": "", "spent": ""}
    stage.child.playing.send(frames.encoded("answer", nonce=nonce, **told))
    stage.look()
    assert stage.child.killed
    assert "pass" == str(stage.results[0][1][0].verdict)


def test_a_fault_of_the_suite_is_no_crash(stage):
    """What our own code raises is told as such."""
    stage.answers(fault="LookupError: planted in the suite")
    assert ("harness", "LookupError: planted in the suite") == (stage.verdict, stage.detail)


def test_a_process_that_the_machine_refuses_is_no_crash(stage):
    """A fork that fails is the machine's."""
    stage.answers(PASS, spent="spent")
    stage.seat.play(SPEC)
    stage.says("ended", pid=77, status=0)
    stage.says("unforked", text="the machine refused a process: no memory")
    assert "harness" == str(stage.results[1][1][0].verdict)


def test_heartbeats_put_the_deadline_off(stage):
    """As long as plays begin, or the loop turns, nothing is overdue."""
    for _ in range(5):
        stage.after(STALL_S)
        stage.plays("play", plan="whole")
    assert not stage.child.aborted
    assert [] == stage.results


def test_what_is_overdue_is_asked_for_its_stack_and_ended(stage):
    """First it is told to print its stacks; then how it ended makes it a stall."""
    stage.after(STALL_S + 60)
    assert stage.child.aborted
    assert [] == stage.results
    stage.child._tail = b"Thread 0x00007f0000000001: in held\n"
    stage.says("ended", pid=77, status=-6)
    assert ("stall", "the loop was blocked; its stack:\nThread 0x...: in held") == (
        stage.verdict,
        stage.detail,
    )


def test_what_takes_no_notice_of_that_is_killed(stage):
    """It is a stall all the same."""
    stage.after(STALL_S + 60)
    stage.plays("play", plan="whole")
    stage.after(60)
    assert ("stall", True) == (stage.verdict, stage.child.killed)


def test_a_process_that_somebody_stopped_says_so(stage):
    """SIGSTOP is told by name, once nobody has let it go on in time."""
    stage.says("stopped", pid=77)
    stage.after(STALL_S + 60)
    assert "stall" == stage.verdict
    assert "was stopped (SIGSTOP)" in stage.detail


def test_a_line_that_is_closed_is_a_crash(stage):
    """How it ended is waited for; then it is told what was seen."""
    stage.child.playing.close()
    stage.look()
    assert [] == stage.results
    stage.after(60)
    assert ("crash", True) == (stage.verdict, stage.child.killed)
    assert "closed its line" in stage.detail


def test_the_death_of_the_child_is_its_trials_crash(stage):
    """Whoever ends the process that imported has ended all."""
    stage.child.hand.close()
    stage.look()
    assert ("crash", True) == (stage.verdict, stage.child.killed)
    assert stage.detail.endswith("it ended by SIGKILL")


@pytest.mark.parametrize("times", [1, 2, 3, 9])
def test_what_departs_while_a_process_was_stopped_is_played_again(stage, times):
    """It says nothing of the subject; after three plays, it is believed."""
    for _ in range(min(times, PLAYS_AT_MOST)):
        stage.says("stopped", pid=77)
        stage.says("stopped", pid=77)
        stage.answers(FAIL)
    if times < PLAYS_AT_MOST:
        stage.answers(PASS)
    assert ("pass" if times < PLAYS_AT_MOST else "fail") == stage.verdict


def test_what_passes_though_the_supervisor_slept_has_passed(stage):
    """Nothing is played again for that."""
    stage.seat.oversleep()
    stage.answers(PASS)
    assert "pass" == stage.verdict


def test_children_that_never_come_up_are_given_up(idle):
    """So many in a row are no accident: the trial says why, as a fault of nobody's streams."""
    stage = idle
    stage.seat.play(SPEC)
    for _ in range(STILLBORN):
        assert [] == stage.results
        stage.child.status_then = 7
        stage.child.hand.close()
        stage.look()
    assert ("harness", STILLBORN) == (stage.verdict, len(stage.children))
    assert "importing it ended the process (with exit code 7)" in stage.detail
    stage.seat.play(SPEC)
    assert (STILLBORN, 2) == (len(stage.children), len(stage.results))


def test_an_import_without_end_is_given_up(idle):
    """It has its deadline, as everything has."""
    stage = idle
    stage.seat.play(SPEC)
    for _ in range(STILLBORN):
        stage.after(LONGEST_IMPORT_S)
    assert "harness" == stage.verdict
    assert "did not end in 120 seconds" in stage.detail


@pytest.mark.parametrize("seed", range(150))
def test_random_frames_neither_hang_nor_raise(seed, idle):
    """Whatever is said on either line, the trial has one result in the end; the seat is free."""
    chance = random.Random(seed)
    stage = idle
    stage.seat.play(SPEC)
    for _ in range(40):
        if stage.results:
            break
        data = _anything(chance, stage.seat._nonce)
        line = chance.choice([stage.child.hand, stage.child.playing])
        with contextlib.suppress(OSError):  # the seat has closed its end
            line.send(data)
        stage.after(chance.choice([0.0, 0.0, 1.0, 50.0]))
    for _ in range(20):
        stage.after(LONGEST_IMPORT_S + STALL_S)
    assert 1 == len(stage.results)
    assert stage.seat.spec is None


def _anything(chance: random.Random, nonce: str) -> bytes:
    told = {"trial": SPEC.id, "results": [chance.choice([PASS, FAIL])], "fault": "", "spent": ""}
    known = [
        frames.encoded("offer", **{**OFFER, "threads": chance.randrange(2)}),
        frames.encoded("refusal", text="no"),
        frames.encoded("forked", pid=chance.randrange(1 << 40)),
        frames.encoded("unforked", text="no"),
        frames.encoded("stopped", pid=7),
        frames.encoded("ended", pid=7, status=chance.randrange(-70, 70)),
        frames.encoded("play", nonce=chance.choice([nonce, "x"]), plan="late"),
        frames.encoded("answer", nonce=chance.choice([nonce, "x"]), **told),
    ]
    return chance.choice([*known, bytes(chance.randrange(256) for _ in range(30))])
