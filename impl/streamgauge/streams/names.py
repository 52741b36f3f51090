"""asyncio's private names that programs use on a reader, on this package's state.

Public programs read, set and call them, so here each does what it does in asyncio. What they
stand on is ``intake``'s; nothing in this package uses them but for a program's sake.
"""

from __future__ import annotations

from typing import Any

from .intake import Intake
from .lending import LentBuffer, lend, reclaim, release, withhold


class Names(Intake):
    """The part of a stream reader that asyncio does not document."""

    __slots__ = ()

    _lent = False  # a program has, or may have, the bytearray of the buffer

    @property
    def _buffer(self) -> bytearray:
        """The buffer: from the first look on, a bytearray that the program may change."""
        self._settle()
        self._needed = 0  # who looks may change what a read waits for
        self._lent = True
        return lend(self._incoming)

    @_buffer.setter
    def _buffer(self, value: Any) -> None:
        self._settle()
        self._needed = 0
        self._lent = True
        if not (isinstance(self._incoming, LentBuffer) and self._incoming.tail is value):
            lend(self._incoming, value if isinstance(value, bytearray) else bytearray(value))

    @property
    def _limit(self) -> float:
        """The limit, in bytes; some programs set it after the fact."""
        return self._limit_bytes

    @_limit.setter
    def _limit(self, limit: float) -> None:
        self._set_limit(limit)
        self._wake()  # what a read waits for may have come, by this limit

    @property
    def _exception(self) -> Any:
        """What reads raise; set, it comes before what is buffered."""
        return self._failure

    @_exception.setter
    def _exception(self, exc: Any) -> None:
        self._fail(exc)
        self._withhold(exc is not None)

    def _withhold(self, withheld: bool) -> None:
        """Let no read be served from the buffer, or let them again."""
        incoming = self._incoming
        if withheld:
            self._settle()
            withhold(incoming)
        elif incoming.withheld:
            release(incoming)
            self._stop_lending()

    def _stop_lending(self) -> None:
        """Go back to the quick kind of buffer if nobody else has the bytearray."""
        if not (self._lent or self._incoming.withheld):
            reclaim(self._incoming)

    def _wakeup_waiter(self) -> None:
        """Wake the read that waits, whatever it waits for."""
        self._wake()

    def _maybe_resume_transport(self) -> None:
        """Resume a paused transport if no more than the limit is buffered."""
        if self._paused:
            self._resume_if_low()

    async def _wait_for_data(self, func_name: str) -> None:
        """Wait until anything has come: data, EOF or an exception.

        Raises:
            RuntimeError: Another read waits.
            AssertionError: EOF has come before.
            BaseException: What was set by ``set_exception``, unless data has come with it.
        """
        if self._eof and self._waiter is None:
            raise AssertionError("_wait_for_data after EOF: there will be no more data")
        before = self._incoming.received
        if self._failure is None:
            await Intake._wait(self, func_name, 0)  # what a subclass puts there ends here
        if self._failure is not None and self._incoming.received == before:
            raise self._kept_failure()
