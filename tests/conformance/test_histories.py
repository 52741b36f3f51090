"""Generated histories: the models, what is drawn, what is found, and how it is told."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional, Type
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from streamgauge.conformance import clocks
from streamgauge.conformance.expectations import CheckFailedError
from streamgauge.conformance.histories import playing
from streamgauge.conformance.histories.events import (
    History,
    ReaderEvent,
    WriterEvent,
    reader_histories,
    writer_histories,
)
from streamgauge.conformance.histories.playing import play_reader, play_writer
from streamgauge.conformance.histories.reader_model import (
    CANCELLED,
    RAISED,
    WAITS,
    DepartureError,
    Outcome,
    Read,
    ReaderModel,
    State,
)
from streamgauge.conformance.histories.searching import no_history_departs, smaller
from streamgauge.conformance.histories.telling import told
from streamgauge.conformance.histories.writer_model import WriterModel
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.subjects import Subject, resolve
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.verdicts import Verdict

from . import astray

pytestmark = pytest.mark.any_python

HERE = Path(__file__).parent
DEADLINES = clocks.Deadlines(clocks.unit())
COUNT = 200


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    """Have a trial collect its own garbage and not pytest's."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def judged(subject: str, clause: str) -> List[Result]:
    """Run a clause on a subject, in this process."""
    with mock.patch.object(sys, "path", [*sys.path, str(HERE)]):
        plan = Selection(RunPlan(subjects=(subject,), clauses=(clause,), edition="3.13"))
        chosen = plan.subjects[subject]
        return [
            result
            for trial in plan.trials
            for result in run_trial(trial, chosen, asyncio.new_event_loop, DEADLINES)
        ]


def on_a_trial(subject: Subject, link: str, act: Callable[[Trial], Any]) -> Any:
    """Do something in a trial of its own."""

    async def acted() -> Any:
        trial = Trial(
            subject, link, Bench(asyncio.get_running_loop()), {"memory": "tcp"}.get(link, link)
        )
        await trial.enter()
        try:
            return await act(trial)
        finally:
            for writer in trial.writers:
                writer.transport.abort()
            trial.bench.clear()
            for task in trial.tasks:
                task.cancel()
            await trial.idle()
            await trial.leave()

    return asyncio.run(acted())


def departs(subject: str, history: History, play: Any = play_reader) -> Optional[DepartureError]:
    """Play one history on a subject, and give its departure."""

    async def act(trial: Trial) -> Optional[DepartureError]:
        try:
            await play(trial, history)
        except DepartureError as error:
            return error
        return None

    found: Optional[DepartureError]
    found = on_a_trial(resolve(subject), "feed" if play is play_reader else "memory", act)
    return found


# --- the models --------------------------------------------------------------------------------


def reader_after(limit: int, data: bytes, *, eof: bool = False, error: bool = False) -> ReaderModel:
    """Give a model to which this came."""
    model = ReaderModel(limit)
    model.feed(data)
    model.settle(WAITS)
    if eof:
        model.end()
    if error:
        model.fail()
    return model


@pytest.mark.parametrize(
    ("model", "read", "allowed"),
    [
        (reader_after(9, b""), Read("read", 3), {"waits"}),
        (reader_after(9, b""), Read("read", 0), {"returned b''"}),
        (reader_after(9, b"ab"), Read("read", 3), {"returned b'a'", "returned b'ab'"}),
        (reader_after(9, b"ab"), Read("read", -1), {"waits"}),
        (reader_after(9, b"ab", eof=True), Read("read"), {"returned b'ab'"}),
        (reader_after(9, b"ab"), Read("readexactly", 3), {"waits"}),
        (reader_after(9, b"ab"), Read("readexactly", -1), {"ValueError"}),
        (reader_after(9, b"ab", eof=True), Read("readexactly", 3), {"IncompleteReadError b'ab'"}),
        (reader_after(2, b"ab\nc"), Read("readline"), {"returned b'ab\\n'"}),
        (reader_after(1, b"ab\nc"), Read("readline"), {"ValueError"}),
        (reader_after(2, b"ab"), Read("readline"), {"waits"}),
        (reader_after(1, b"ab"), Read("readline"), {"ValueError"}),
        (reader_after(9, b"ab", eof=True), Read("readline"), {"returned b'ab'"}),
        (reader_after(9, b"", eof=True), Read("__anext__"), {"StopAsyncIteration"}),
        (reader_after(9, b"ab", eof=True), Read("readuntil", b"\n"), {"IncompleteReadError b'ab'"}),
        (reader_after(1, b"ab\n"), Read("readuntil", b"\n"), {"LimitOverrunError"}),
        (reader_after(9, b"cabb"), Read("readuntil", (b"abb", b"b")), {"returned b'cab'"}),
        (reader_after(9, b"", error=True), Read("read", 3), {"HistoryError"}),
        (
            reader_after(9, b"a", error=True),
            Read("readexactly", 1),
            {"HistoryError", "returned b'a'"},
        ),
    ],
)
def test_what_may_come_of_a_read(model: ReaderModel, read: Read, allowed: Any) -> None:
    """Each call on each buffer has the outcomes that the page allows, and no others."""
    model.begin(read)
    with pytest.raises(DepartureError) as departure:
        model.settle(Outcome("nonsense"))
    assert set(departure.value.allowed) == allowed


def test_a_cancelled_call_leaves_every_byte() -> None:
    """After a cancellation what had come is still there, though the call wanted more."""
    model = reader_after(9, b"ab")
    model.begin(Read("readexactly", 3))
    model.cancel()
    model.settle(CANCELLED)
    assert model.states == {State(b"ab")}


def test_a_call_cancelled_as_its_bytes_came_has_them_or_leaves_them() -> None:
    """Both ends of the race are allowed, and each has its own buffer."""
    left = {}
    for seen in (CANCELLED, Outcome("returned", b"ab")):
        model = ReaderModel(9)
        model.begin(Read("readexactly", 2))
        model.settle(WAITS)
        model.feed(b"abc")
        model.cancel()
        model.settle(seen)
        left[seen] = {state.buffer for state in model.states}
    assert left == {CANCELLED: {b"abc"}, Outcome("returned", b"ab"): {b"c"}}


def test_what_is_seen_narrows_what_may_come() -> None:
    """After a line that was too long the next read tells which of the ways was taken."""
    model = reader_after(1, b"abc\nd")
    model.begin(Read("readline"))
    model.settle(Outcome("ValueError"))
    assert {state.buffer for state in model.states} == {b"abc\nd", b"d", b""}
    model.begin(Read("read", 1))
    model.settle(Outcome("returned", b"d"))
    assert {state.buffer for state in model.states} == {b""}


def test_the_writer_waits_between_the_marks() -> None:
    """Past the window and the high-water mark drain waits, until the low one is reached."""
    model = WriterModel(window=100, high=10, low=5)
    model.write(110)
    at_the_mark = model.drain()
    model.write(1)
    above = model.drain()
    model.take(5)
    between = model.drain()
    model.take(1)
    assert (at_the_mark, above, between, model.drain()) == (
        "returned",
        "waits",
        "waits",
        "returned",
    )
    model.lost = True
    assert model.drain() == "raised"


# --- what is drawn -----------------------------------------------------------------------------


def test_a_release_demands_the_same_of_all() -> None:
    """The histories are the same on every Python and machine, this one included."""
    drawn = [
        *reader_histories(300),
        *reader_histories(300, "cancel"),
        *reader_histories(300, "error"),
        *reader_histories(300, several=True),
        *writer_histories(200),
    ]
    digest = hashlib.sha256(repr(drawn).encode()).hexdigest()
    assert digest[:16] == "0e97fdc6df8c4418"


def test_each_kind_of_event_is_drawn() -> None:
    """No event and no method is left out by chance."""
    events = [e for h in reader_histories(300, "cancel", "error") for e in h.events]
    methods = {e.value.method for e in events if e.name == "begin"}
    assert {e.name for e in events} == {"feed", "begin", "eof", "at_eof", "cancel", "error"}
    assert methods == {"read", "readline", "readexactly", "readuntil", "__anext__"}
    written = {e.name for h in writer_histories(200) for e in h.events}
    assert written == {"write", "writelines", "take", "drain", "cancel", "write_eof", "reset"}


# --- what is found -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*astray.READERS, *astray.WRITERS])
def test_what_goes_astray_is_found(name: str) -> None:
    """Each wrong implementation departs, and its script ends in an error without the suite."""
    clause = "reader.history.*" if name in astray.READERS else "writer.history.*"
    found = [r for r in judged(f"astray:{name}", clause) if r.verdict is Verdict.FAIL]
    assert found
    assert "after this:" in found[0].detail
    ended = run_script(found[0].detail)
    assert ended.returncode == 1
    assert "AssertionError" in ended.stderr


def run_script(detail: str) -> Any:
    """Run the script in a failure's detail."""
    script = detail.partition("after this:\n")[2]
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class _TooShort(ReaderModel):
    def _readexactly(self, state: State, n: Any) -> Any:
        for outcome, left in super()._readexactly(state, n):
            yield outcome._replace(data=outcome.data[:-1]), left


class _TightLimit(ReaderModel):
    def __init__(self, limit: int) -> None:
        super().__init__(limit - 1)


class _NeverCancelled(ReaderModel):
    def cancel(self) -> None:
        """Forget it."""


class _KeepsTheRest(ReaderModel):
    def _readuntil(self, state: State, separators: Any) -> Any:
        for outcome, left in super()._readuntil(state, separators):
            yield outcome, state.buffer if outcome.how == "IncompleteReadError" else left


class _Forgetful(ReaderModel):
    def _read(self, state: State, n: Any) -> Any:
        return ((outcome, left[1:]) for outcome, left in super()._read(state, n))


class _Impatient(ReaderModel):
    def fail(self) -> None:
        """Forget it."""


@pytest.mark.parametrize(
    "wrong", [_TooShort, _TightLimit, _NeverCancelled, _KeepsTheRest, _Forgetful, _Impatient]
)
def test_a_wrong_model_of_a_reader_is_found(wrong: Type[ReaderModel]) -> None:
    """A model that demands something else cries wolf at a reader that is sound."""
    with mock.patch.object(playing, "ReaderModel", wrong):
        histories = reader_histories(COUNT, "cancel", "error")
        assert any(departs("streams", history) for history in histories)


class _HigherMark(WriterModel):
    def __init__(self, window: int, high: int, low: int) -> None:
        super().__init__(window, 3 * high, low)


class _LowerMark(WriterModel):
    def __init__(self, window: int, high: int, low: int) -> None:
        super().__init__(window, high, 0)


class _WiderWindow(WriterModel):
    def __init__(self, window: int, high: int, low: int) -> None:
        super().__init__(2 * window, high, low)


class _Hopeful(WriterModel):
    def drain(self) -> str:
        """Hope."""
        return "returned" if self.lost else super().drain()


@pytest.mark.parametrize("wrong", [_HigherMark, _LowerMark, _WiderWindow, _Hopeful])
def test_a_wrong_model_of_a_writer_is_found(wrong: Type[WriterModel]) -> None:
    """A model that demands something else cries wolf at a writer that is sound."""
    with mock.patch.object(playing, "WriterModel", wrong):
        histories = writer_histories(COUNT)
        assert any(departs("streams", history, play_writer) for history in histories)


def test_the_standard_library_hangs_on_an_error_behind_bytes() -> None:
    """A finding of the histories, by hand: the error comes in the turn of bytes that do not do."""
    history = History(
        9,
        (
            ReaderEvent("begin", Read("readline")),
            ReaderEvent("feed", b"a", settled=False),
            ReaderEvent("error"),
        ),
    )
    error = departs("stdlib", history)
    assert error is not None
    assert (error.allowed, error.seen, error.at) == ((str(RAISED),), "waits", 3)
    assert departs("streams", history) is None


# --- the smallest, and how it is told ----------------------------------------------------------


def test_a_step_smaller_is_smaller() -> None:
    """Every candidate says less than what it was made of, so that shrinking comes to an end."""
    for history in [*reader_histories(20, "cancel"), *writer_histories(20)]:
        for candidate in smaller(history):
            assert told_by(candidate) < told_by(history)


def told_by(history: History) -> int:
    """Say how much a history tells: its events, what they bring, and what is left unsettled."""
    amount = 0
    for event in history.events:
        value = event.value
        sizes = value if isinstance(value, tuple) and event.name == "writelines" else (value,)
        amount += 1 + (not getattr(event, "settled", True))
        amount += sum(
            v if isinstance(v, int) else len(v) for v in sizes if v and type(v) is not Read
        )
        amount += len(sizes)
    return amount


def test_what_is_shown_is_small() -> None:
    """A fault that takes three events is shown by three, whatever history it was found in."""
    shown: List[str] = []

    async def act(trial: Trial) -> None:
        with pytest.raises(CheckFailedError) as failed:
            await no_history_departs(trial, reader_histories(COUNT, "error"), play_reader)
        shown.append(str(failed.value))

    on_a_trial(resolve("stdlib"), "feed", act)
    body = shown[0].partition("async def main():\n")[2].partition("\nasyncio.run")[0]
    assert len([line for line in body.splitlines() if "idle()" not in line and line.strip()]) == 5


@pytest.mark.parametrize("subject", ["stdlib", "streams"])
def test_a_script_fails_on_who_departs_and_on_no_other(subject: str) -> None:
    """The same history, told for a sound subject, runs to its end."""
    events = (
        ReaderEvent("begin", Read("read", -1)),
        ReaderEvent("feed", b"ab"),
        ReaderEvent("cancel"),
    )
    history = History(9, events)
    error = departs("stdlib", history)
    assert error is not None
    ended = run_script("after this:\n" + told(history, subject, error))
    assert ended.returncode == (1 if subject == "stdlib" else 0)


def test_a_writers_script_runs_to_its_end_on_a_sound_writer() -> None:
    """What a script of a writer does is what was played: it demands nothing that is not so."""
    history = History(
        0,
        (
            WriterEvent("write", 200 * 1024),
            WriterEvent("drain"),
            WriterEvent("take", 1024),
            WriterEvent("writelines", (1, 16 * 1024)),
            WriterEvent("cancel"),
        ),
    )
    error = DepartureError(["all bytes"], "fewer", "rest")
    error.at = 6
    ended = run_script("after this:\n" + told(history, "streams", error))
    assert (ended.returncode, ended.stderr) == (0, "")


# --- beyond what is drawn ----------------------------------------------------------------------


class ReaderMachine(RuleBasedStateMachine):
    """Whatever Hypothesis thinks of, event by event, on our own reader."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.trial = Trial(resolve("streams"), "feed", Bench(self.loop), "feed")
        self.limit = 4
        self.do(self.trial.enter())
        reader = self.do(self.trial.reader(limit=self.limit))
        self.play = playing._ReaderPlay(self.trial, reader, self.limit)

    def do(self, awaitable: Any) -> Any:
        """Run a step on the machine's own loop."""
        return self.loop.run_until_complete(awaitable)

    def happen(self, event: ReaderEvent) -> None:
        """Let an event happen, once what went before is over."""
        if event.name in playing.ASKING:
            self.do(self.play.settle())
        self.do(self.play.play(event))

    @rule(data=st.lists(st.sampled_from(b"ab\n"), min_size=1, max_size=9), settled=st.booleans())
    def feed(self, data: List[int], settled: bool) -> None:
        """Bytes come."""
        self.happen(ReaderEvent("feed", bytes(data), settled))

    @rule(method=st.sampled_from(["read", "readexactly"]), n=st.integers(-1, 9), now=st.booleans())
    def begin_of_bytes(self, method: str, n: int, now: bool) -> None:
        """A call for a number of bytes begins."""
        self.happen(ReaderEvent("begin", Read(method, n), now))

    @rule(separator=st.lists(st.sampled_from(b"ab\n"), min_size=1, max_size=3), now=st.booleans())
    def begin_until(self, separator: List[int], now: bool) -> None:
        """A call for a record begins."""
        self.happen(ReaderEvent("begin", Read("readuntil", bytes(separator)), now))

    @rule(method=st.sampled_from(["readline", "__anext__", "read"]), now=st.booleans())
    def begin_plain(self, method: str, now: bool) -> None:
        """A call without an argument begins."""
        self.happen(ReaderEvent("begin", Read(method), now))

    @rule(name=st.sampled_from(["cancel", "cancel", "cancel", "at_eof", "eof", "error"]))
    def other(self, name: str) -> None:
        """Something else happens."""
        self.happen(ReaderEvent(name))

    def teardown(self) -> None:
        """End the stream, compare what is left, and close the loop."""
        self.do(self.play.finish())
        for task in self.trial.tasks:
            task.cancel()
        self.do(self.trial.idle())
        self.do(self.trial.leave())
        self.loop.close()


ReaderMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, derandomize=True, database=None
)
TestOurReader = ReaderMachine.TestCase
