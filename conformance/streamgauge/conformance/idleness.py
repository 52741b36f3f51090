"""True idleness: a loop on which nothing is left to be called.

Where no kernel and no thread takes part, all that happens on a loop was scheduled by its
`call_soon`, which is watched here on the loop's instance. A turn in which nobody but the watcher
scheduled anything is the last one: nothing more happens until somebody does something. Whoever
asked for a timer, a thread or a socket may still be waiting for it, so that is noted too.
"""

from __future__ import annotations

from typing import Any, Callable

from streamgauge.conformance.calls import into_subject
from streamgauge.conformance.kept import asyncio

__all__ = ["Watch"]

FROM_OUTSIDE = ("call_at", "call_later", "run_in_executor", "add_reader", "add_writer")
MOST_TURNS = 100  # a loop that is busy after as many has something that never rests


class Watch:
    """Watches one loop, from `put` to `take_back`.

    Args:
        loop: of any make, as long as its instances take attributes.

    Attributes:
        calls: how many calls have been scheduled.
        outside: how often something was asked for that comes from outside of the loop's turns.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Any = loop
        self.calls = self.outside = 0

    def put(self) -> None:
        """Begin to watch."""
        call_soon = self._loop.call_soon

        @into_subject
        def counted(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            return call_soon(*arguments, **keywords)

        self._loop.call_soon = counted
        for name in FROM_OUTSIDE:
            setattr(self._loop, name, self._noting(getattr(self._loop, name)))

    def take_back(self) -> None:
        """Give the loop its own methods back."""
        for name in ("call_soon", *FROM_OUTSIDE):
            delattr(self._loop, name)

    async def idle(self) -> None:
        """Turn the loop until nothing is left to be called."""
        for _ in range(MOST_TURNS):
            before = self.calls
            await asyncio.sleep(0)
            if self.calls == before + 1:  # our own turn, and nothing else
                return

    def _noting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @into_subject
        def noted(*arguments: Any, **keywords: Any) -> Any:
            self.outside += 1
            return method(*arguments, **keywords)

        return noted
