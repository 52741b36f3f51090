"""The in-loop clock: while it can look, the loop is alive; a wait without a step ends."""

from __future__ import annotations

import asyncio
import traceback
import types
from typing import Any, Generator, List

import pytest

from streamgauge.conformance import clocks
from streamgauge.conformance.clocks import QUIET_TICKS, Deadlines, InLoopClock, Steps


async def looks_until_given_up(alive: List[str]) -> None:
    """Let a clock look at a check that never moves until it gives it up."""
    loop = asyncio.get_running_loop()
    given_up = loop.create_future()
    clock = InLoopClock(
        loop,
        Deadlines(),
        lambda: 1,
        lambda: None if given_up.done() else given_up.set_result(None),
        alive=lambda: alive.append("alive"),
    )
    clock.start()
    await given_up
    clock.stop()


def test_each_look_tells_that_the_loop_is_alive() -> None:
    """The outer clock is wound up by it: a wait, however late its looks come, is no held loop."""
    alive: List[str] = []
    asyncio.run(looks_until_given_up(alive))
    assert len(alive) > QUIET_TICKS


def test_looks_without_end_tell_it_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looks end nothing, the outer clock does."""
    monkeypatch.setattr(clocks, "LOOKS_AT_MOST", 3)
    alive: List[str] = []
    asyncio.run(looks_until_given_up(alive))
    assert ["alive"] * 3 == alive


@types.coroutine
def waiting() -> Generator[None, None, None]:
    """Wait as a loop's own future does, but for leaving a frame."""
    yield


async def waits() -> None:
    """Stand for a check that awaits a subject."""
    await waiting()


def test_an_error_that_the_loop_throws_in_is_not_raised_by_us() -> None:
    """Whose fault it is, is read off the innermost frame: that is never the one that counts."""
    steps: Any = Steps(waits()).__await__()
    next(steps)
    with pytest.raises(RuntimeError, match="thrown in") as raised:
        steps.throw(RuntimeError("thrown in"))
    assert traceback.extract_tb(raised.value.__traceback__)[-1].filename == __file__
