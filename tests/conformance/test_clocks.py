"""The in-loop clock: while it can look, the loop is alive; a wait without a step ends."""

from __future__ import annotations

import asyncio
from typing import List

import pytest

from streamgauge.conformance import clocks
from streamgauge.conformance.clocks import QUIET_TICKS, Deadlines, InLoopClock


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
