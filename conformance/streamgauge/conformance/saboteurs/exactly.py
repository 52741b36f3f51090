"""Saboteurs of `StreamReader.readexactly`."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("reader.readexactly.returns-n", "what follows")
def readexactly_drops_what_is_beyond_n(s: Any) -> None:
    """readexactly(n) empties the buffer when it has returned n bytes."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        data = await real(self, n)
        if n == 3:
            self._incoming.take_all()
        return data


@saboteur("reader.readexactly.returns-n", "never ended")
def readexactly_waits_for_one_byte_more(s: Any) -> None:
    """readexactly(n) returns n bytes, and only once n + 1 are there."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        while 0 < n and self._incoming.size < n + 1 and not self._exception:
            await self._wait("readexactly", n + 1)
        return await real(self, n)


@saboteur("reader.readexactly.waits-for-n", "to wait, it ended with b")
def readexactly_returns_what_is_there(s: Any) -> None:
    """readexactly(n) returns up to n bytes, as read does."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if self._waiter is None and 0 < self._incoming.size < n and not self._eof:
            await self._wait("readexactly", 0)
            return self._consume(min(n, self._incoming.size))
        return await real(self, n)


@saboteur("reader.readexactly.beyond-limit", "ValueError")
def readexactly_takes_no_more_than_the_limit(s: Any) -> None:
    """readexactly(n) refuses an n above the limit."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if n > self._limit:
            raise ValueError(f"{n} bytes are more than the limit")
        return await real(self, n)


@saboteur("reader.readexactly.beyond-limit", "never ended", links=("unix",))
def readexactly_deadlocks_beyond_the_limit(s: Any) -> None:
    """readexactly(n) waits for n bytes of a transport that it has paused (asyncio#99)."""

    @instead(s.StreamReader)
    def _resume(self: Any) -> None:
        if self._incoming.size == 0:
            self._paused = False
            self._transport.resume_reading()


@saboteur("reader.readexactly.short-raises", "expected IncompleteReadError, nothing was raised")
def readexactly_returns_too_little_at_eof(s: Any) -> None:
    """readexactly(n) returns what there is when EOF comes too early."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            return error.partial


@saboteur("reader.readexactly.short-raises", "expected IncompleteReadError, got EOFError")
def readexactly_raises_a_plain_eof_error(s: Any) -> None:
    """readexactly(n) raises EOFError when EOF comes too early."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            raise EOFError("too early") from error


@saboteur("reader.readexactly.short-raises", "never ended")
def eof_wakes_no_readexactly(s: Any) -> None:
    """EOF leaves a readexactly that waits asleep."""

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        self._eof = True
        if self._needed <= 0 or self._needed == float("inf"):
            self._wake()


@saboteur("reader.readexactly.partial-has-data", "partial: expected b'abcde'")
def readexactly_loses_the_partial(s: Any) -> None:
    """The IncompleteReadError of readexactly has an empty partial."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            raise asyncio.IncompleteReadError(b"", error.expected) from None


@saboteur("reader.readexactly.partial-has-data", "partial: expected b'', got None")
def readexactly_has_no_partial_where_nothing_came(s: Any) -> None:
    """The IncompleteReadError of readexactly has None as partial if nothing came."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            error.partial = error.partial or None  # type: ignore[assignment]  # the fault
            raise


@saboteur("reader.readexactly.expected-is-n", "expected: expected 6")
def readexactly_expects_what_is_missing(s: Any) -> None:
    """The IncompleteReadError's expected is what is missing, not what was asked for."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            raise asyncio.IncompleteReadError(error.partial, n - len(error.partial)) from None


@saboteur("reader.readexactly.zero-returns-empty", "still waits")
def readexactly_zero_waits_for_data(s: Any) -> None:
    """readexactly(0) waits until something is there."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        while n == 0 and not (self._incoming.size or self._eof):
            await self._wait("readexactly", 0)
        return await real(self, n)


@saboteur("reader.readexactly.zero-returns-empty", "IncompleteReadError")
def readexactly_zero_raises_at_eof(s: Any) -> None:
    """readexactly(0) raises IncompleteReadError at EOF."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if n == 0 and self.at_eof():
            raise asyncio.IncompleteReadError(b"", n)
        return await real(self, n)


@saboteur("reader.readexactly.negative-rejected", "expected ValueError, nothing was raised")
def readexactly_takes_a_negative_number_for_nought(s: Any) -> None:
    """readexactly(-1) returns b""."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        return await real(self, max(n, 0))


@saboteur("reader.readexactly.negative-rejected", "expected b'abc'")
def a_refused_readexactly_drops_the_data(s: Any) -> None:
    """readexactly(-1) raises ValueError and drops what is buffered."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if n < 0:
            self._incoming.take(1)
        elif n == 3 and self._incoming.size == 2:
            n = 2
        return await real(self, n)


@saboteur("reader.readexactly.cancel-keeps-data", "cancelled")
def a_cancelled_readexactly_drops_what_it_had(s: Any) -> None:
    """A readexactly that is cancelled takes with it what had come of its bytes."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        had = 0
        try:
            return await real(self, n)
        except asyncio.CancelledError:
            had = self._incoming.size
            self._incoming.take(had)
            self._incoming.append(b"?" * had)
            raise


@saboteur("reader.readexactly.short-empties-buffer", "expected b'', got b'abc'")
def readexactly_leaves_its_partial_in_the_buffer(s: Any) -> None:
    """After an IncompleteReadError the partial can be read once more."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await real(self, n)
        except asyncio.IncompleteReadError as error:
            self._incoming.append(error.partial)
            raise


@saboteur("reader.readexactly.waits-for-n", "it ended with TypeError")
def readexactly_takes_nothing_but_an_int(s: Any) -> None:
    """A readexactly(n) refuses an n that is of a subclass of int."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> bytes:
        if type(n) is not int:
            raise TypeError("readexactly() needs an int")
        return bytes(await real(self, n))
