"""The clock inside a trial's loop, and the unit in which deadlines are measured.

It ends a wait that never would end, as long as the loop turns. A loop that is held is ended by the
supervisor, which hears of each look (`engine/seats.py`). No deadline is in plain seconds: each is
a multiple of what this machine took for a known piece of work at start-up, and a moment in which
the machine did not let the loop run at its time is not counted at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Callable, Coroutine, Generator, Generic, Optional, TypeVar

from streamgauge.conformance.blame import without_frame
from streamgauge.conformance.kept import asyncio, time

__all__ = [
    "DEAD_TICKS",
    "QUIET_TICKS",
    "Deadlines",
    "InLoopClock",
    "Steps",
    "unit",
]

T = TypeVar("T")

NOMINAL_UNIT_S = 0.004  # what 200 turns of a stock loop take on an ordinary machine of 2024
UNIT_TURNS = 200
TICK_S = 0.02  # how often the in-loop clock looks, before scaling
QUIET_TICKS = 25  # looks without one step of the check, all of them on time: the wait is dead
DEAD_TICKS = (
    3  # the same on a loop on which nothing is scheduled, and nothing can come from outside
)
TOTAL_TICKS = 500  # looks after which a check that is still busy is ended
LOOKS_AT_MOST = 2000  # the same, those that came late included: a starved machine has many
STALL_S = 12.0  # the supervisor's: longer than TOTAL_TICKS, so that only a held loop meets it
MOST = 1e6  # times a deadline, which is days then; more would overflow the timers of some loops


@lru_cache(maxsize=None)
def unit() -> float:
    """Measure this machine once: how many times slower than the nominal one, 1.0 at least."""

    async def turns() -> None:
        for _ in range(UNIT_TURNS):
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    try:
        begin = time.perf_counter()
        loop.run_until_complete(turns())
        return max(1.0, (time.perf_counter() - begin) / NOMINAL_UNIT_S)
    finally:
        loop.close()


@dataclass(frozen=True)
class Deadlines:
    """A trial's deadlines.

    Args:
        factor: the machine's unit times the user's `--timeout-factor`.
    """

    factor: float = 1.0

    @property
    def tick_s(self) -> float:
        """Seconds between two looks of the in-loop clock."""
        return TICK_S * min(self.factor, MOST)

    @property
    def hang_s(self) -> float:
        """Seconds without a step after which the in-loop clock gives a wait up, at the least."""
        return self.tick_s * QUIET_TICKS

    @property
    def stall_s(self) -> float:
        """Seconds after which a process that holds its loop is ended."""
        return STALL_S * min(self.factor, MOST)


class Steps(Generic[T]):
    """A coroutine that counts its own steps, so that the clock can see whether it moves."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.coroutine = coroutine
        self.count = 0

    def __await__(self) -> Generator[Any, Any, T]:
        """Drive the coroutine, one count a step."""
        step: Callable[[], Any] = lambda: self.coroutine.send(None)  # noqa: E731 - rebound below
        while True:
            self.count += 1
            try:
                awaited = step()
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            try:
                sent = yield awaited
            except BaseException as error:
                # Not by us: this frame would be the innermost where the loop has left none.
                without_frame(error)
                step = _thrower(self.coroutine, error)
            else:
                step = _sender(self.coroutine, sent)


def _sender(coroutine: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: coroutine.send(value)


def _thrower(coroutine: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: coroutine.throw(error)


class InLoopClock:
    """Looks at a check every tick and says once that its wait has no end.

    Args:
        loop: the subject's.
        deadlines: how often to look.
        steps: gives the number of steps the check has taken, or any other that grows while
            something happens.
        expired: called once, in the loop; called a second time if the check takes no notice.
        patience: gives the number of quiet looks after which the wait is dead.
        alive: called at each look, as long as there are not too many: nobody holds the loop.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deadlines: Deadlines,
        steps: Callable[[], int],
        expired: Callable[[], None],
        patience: Callable[[], int] = lambda: QUIET_TICKS,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._call_later = loop.call_later  # its own, even if the loop is watched later
        self._tick_s = deadlines.tick_s
        self._steps = steps
        self._expired = expired
        self._patience = patience
        self._alive = alive
        self._looks = 0
        self._seen = -1
        self._quiet = self._total = 0
        self._due = 0.0
        self._timer: Optional[asyncio.TimerHandle] = None

    def start(self) -> None:
        """Begin to look."""
        self._due = time.perf_counter() + self._tick_s
        self._timer = self._call_later(self._tick_s, self._look)

    def stop(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._looks += 1
        if self._looks <= LOOKS_AT_MOST:
            self._alive()
        on_time = time.perf_counter() - self._due < self._tick_s
        steps = self._steps()
        if steps != self._seen:
            self._seen, self._quiet = steps, 0
        elif on_time:
            self._quiet += 1
        self._total += on_time
        if self._quiet >= self._patience() or self._total >= TOTAL_TICKS:
            self._quiet = self._total = 0
            self._expired()
        self.start()
