"""The fingerprint: what differs between two moments of a process, in words and in no time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import timeit
from typing import Any, Iterator

import pytest

from streamgauge.conformance import kept
from streamgauge.conformance.fingerprint import (
    PROCESSES,
    STATE,
    THREADS,
    Change,
    differences,
    exempt_this_thread,
    taken,
)
from streamgauge.conformance.leftovers import Leftovers

pytestmark = pytest.mark.oldest_and_newest


@pytest.fixture
def waiting() -> Iterator[threading.Event]:
    """Give an event for which threads wait until the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_nothing_differs_from_itself() -> None:
    """Twice in a row the process is the same, whatever else runs in it."""
    assert [] == differences(taken(), taken())


def test_it_holds_plain_values() -> None:
    """No object of a subject's is kept alive by it, and none is asked when two are compared."""

    def plain(value: Any) -> bool:
        if type(value) in (dict, tuple, list):
            parts = [*value, *value.values()] if type(value) is dict else value
            return all(map(plain, parts))
        return type(value) in (str, bytes, int, float, bool, type(None))

    assert all(map(plain, taken()))


def test_a_name_that_is_put_back_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another object under a name is told, a new name is not, and one put back is no change."""
    before = taken()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: 1)
        patched.setattr(os, "planted", 1, raising=False)
        changes = differences(before, taken())
    assert [Change(STATE, "os.getpid is another")] == changes
    assert [] == differences(before, taken())


def test_a_name_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody has deleted is missing to all."""
    before = taken()
    monkeypatch.delattr(os, "getppid")
    assert [Change(STATE, "os.getppid is gone")] == differences(before, taken())


def test_secrets_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a variable its name is told, and never its value."""
    before = taken()
    monkeypatch.setenv("PLANTED_TOKEN", "hunter2")
    (change,) = differences(before, taken())
    assert "the environment: PLANTED_TOKEN" == change.text


def test_what_the_suite_kept_is_not_what_a_subject_puts_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A function put into a module is not found in the suite's copy of it."""
    real = os.listdir
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", None)
        assert real is kept.os.listdir
        assert [] == differences(taken(), taken())  # it goes on being taken


def test_threads_are_told_but_for_the_suites_own(waiting: threading.Event) -> None:
    """A thread that stays is told by its name; one of the suite's exempts itself."""
    before, up = taken(), threading.Barrier(3)

    def ours() -> None:
        exempt_this_thread()
        up.wait()
        waiting.wait()

    def theirs() -> None:
        up.wait()
        waiting.wait()

    for target in (ours, theirs):
        threading.Thread(target=target, name=f"planted {target.__name__}", daemon=True).start()
    up.wait()
    assert [Change(THREADS, "left a thread: planted theirs")] == differences(before, taken())


def test_a_child_is_told_until_somebody_has_waited_for_it() -> None:
    """A process that runs or was never waited for is left; one that was waited for is not."""
    before = taken()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        changes = [c for c in differences(before, taken()) if c.kind == PROCESSES]
        assert [Change(PROCESSES, f"left a process: {child.pid}")] == changes
    assert not [c for c in differences(before, taken()) if c.kind == PROCESSES]


def test_a_worker_of_the_whole_process_is_believed_to_be_one(waiting: threading.Event) -> None:
    """What one play starts and a second does not start again is no leak; what each starts is."""
    once = threading.Event()

    def leak() -> None:
        threading.Thread(target=waiting.wait, name="planted", daemon=True).start()

    def serve() -> None:
        if not once.is_set():
            once.set()
            leak()

    for act, leaked in ((serve, []), (leak, [THREADS])):
        left = Leftovers(0.1)
        act()
        changes = left.believed(left.seen(), act)
        assert leaked == [change.kind for change in changes]


def test_a_change_of_state_is_believed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no second play."""
    left = Leftovers(0.1)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    changes = left.seen()
    assert [STATE] == [change.kind for change in changes]
    assert changes == left.believed(changes, pytest.fail)


def test_it_costs_little() -> None:
    """It takes less time than some turns of a loop do, of which a trial has thousands."""
    takes = min(timeit.repeat(taken, number=20, repeat=5)) / 20
    turns = min(timeit.repeat(_turns, number=5, repeat=5)) / 5
    assert takes < 4 * turns


def _turns() -> None:
    async def turns() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    asyncio.run(turns())
