"""How cost grows with the work: each scenario at doubled sizes, where twice the work costs twice.

Scenarios that have made streams quadratic: a reader that looks at everything again whenever
something comes, or that moves all that is left whenever something is taken. CPU seconds of one
thread are taken, the best of a few, so that only what the subject itself does is seen.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, List, Sequence, Tuple

__all__ = ["SCENARIOS", "Growth", "Scenario", "grow"]

BEST_OF = 3
DOUBLINGS = 3


@dataclass(frozen=True)
class Scenario:
    """One kind of work that can be made larger.

    Args:
        title: for people.
        size: of the smallest work, in `unit`.
        unit: what size counts.
        large: of the largest work, if it is to be large: minutes may go by.
        work: does it with the subject's `StreamReader`.
    """

    title: str
    size: int
    unit: str
    large: int
    work: Callable[[Any, int], Awaitable[None]]


@dataclass(frozen=True)
class Growth:
    """What one scenario cost one subject.

    Args:
        title: the scenario's.
        unit: what sizes count.
        loop: its name.
        subject: its name.
        taken: sizes, each twice the one before, and the CPU seconds that each took.
    """

    title: str
    unit: str
    loop: str
    subject: str
    taken: Sequence[Tuple[int, float]]

    @property
    def factors(self) -> List[float]:
        """What each doubling multiplied the cost by: 2 is linear, 4 quadratic."""
        costs = [cost for _, cost in self.taken]
        return [after / before for before, after in zip(costs, costs[1:])]


def grow(
    subject: Any,
    scenario: Scenario,
    new_loop: Callable[[], Any],
    doublings: int = DOUBLINGS,
    *,
    large: bool = False,
) -> List[Tuple[int, float]]:
    """Give sizes, each twice the one before, and the CPU seconds that each took.

    Args:
        subject: whose `StreamReader` does the work.
        scenario: the work.
        new_loop: makes a loop.
        doublings: how many there are.
        large: end with the scenario's large size, and measure once, instead of beginning with
            its small one and taking the best of a few.
    """
    first = scenario.large >> doublings if large else scenario.size
    sizes = [first << step for step in range(doublings + 1)]
    times = 1 if large else BEST_OF
    return [(size, min(_seconds(subject, scenario, size, new_loop, times))) for size in sizes]


def _seconds(
    subject: Any, scenario: Scenario, size: int, new_loop: Callable[[], Any], times: int
) -> Sequence[float]:
    taken = []
    for _ in range(times):
        loop = new_loop()
        begun = time.thread_time()
        try:
            loop.run_until_complete(scenario.work(subject, size))
        finally:
            taken.append(time.thread_time() - begun)
            loop.close()
    return taken


async def _line_byte_by_byte(subject: Any, size: int) -> None:
    reader = subject.StreamReader(limit=2 * size)
    line = asyncio.ensure_future(reader.readline())
    for _ in range(size):
        reader.feed_data(b"x")
        await asyncio.sleep(0)
    reader.feed_data(b"\n")
    await line


async def _separator_never_found(subject: Any, size: int) -> None:
    reader = subject.StreamReader(limit=2**11 * size)
    message = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    chunk = b"x" * 1024
    for _ in range(size):
        reader.feed_data(chunk)
        await asyncio.sleep(0)
    reader.feed_eof()
    try:
        await message
    except asyncio.IncompleteReadError:
        return


async def _tiny_chunks_at_once(subject: Any, size: int) -> None:
    reader = subject.StreamReader(limit=2 * size)
    for _ in range(size):
        reader.feed_data(b"x")
    await reader.readexactly(size)


async def _backlog_byte_by_byte(subject: Any, size: int) -> None:
    reader = subject.StreamReader(limit=2 * size)
    reader.feed_data(bytes(size))
    for _ in range(size):
        await reader.read(1)


MIB = 2**20
SCENARIOS = (
    Scenario("a long line, byte by byte", 2**13, "bytes", 10 * MIB, _line_byte_by_byte),
    Scenario("a separator never found", 2**11, "KiB", 2**17, _separator_never_found),
    Scenario("tiny chunks, then one readexactly", 2**15, "bytes", MIB, _tiny_chunks_at_once),
    Scenario("read(1) over a backlog", 2**15, "bytes", 64 * MIB, _backlog_byte_by_byte),
)
