"""Clocks: a check that moves on is alive, one that waits is not."""

from __future__ import annotations

import asyncio
from typing import List

from streamgauge.conformance.clocks import Deadlines, InLoopClock

MOVES = 3


def test_a_check_that_moves_on_is_told_alive_at_each_look() -> None:
    """The outer clock can be wound up by it: a long check on a slow machine is no held loop."""
    told: List[int] = []

    async def until_told() -> None:
        steps = 0

        def count() -> int:
            return steps

        clock = InLoopClock(
            asyncio.get_running_loop(),
            Deadlines(),
            count,
            lambda: None,
            moved=lambda: told.append(steps),
        )
        clock.start()
        while len(told) < MOVES:
            steps += 1
            await asyncio.sleep(0)
        clock.stop()

    asyncio.run(until_told())
    assert MOVES == len(told)
    assert told == sorted(set(told))


def test_a_check_that_waits_is_told_alive_once_and_then_given_up() -> None:
    """Looks without a step wind up nothing, and come to the end of the wait."""
    told: List[str] = []

    async def wait() -> None:
        expired = asyncio.get_running_loop().create_future()
        clock = InLoopClock(
            asyncio.get_running_loop(),
            Deadlines(),
            lambda: 1,
            lambda: None if expired.done() else expired.set_result(None),
            moved=lambda: told.append("moved"),
        )
        clock.start()
        await expired
        clock.stop()

    asyncio.run(wait())
    assert ["moved"] == told
