"""Saboteurs of `StreamReader.read`: too much, too little, too early, too late."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur

PLENTY = 65536  # bytes: more than any check of `read` sends at a time


@saboteur("reader.read.up-to-n", "results longer than")
def read_returns_one_byte_too_many(s: Any) -> None:
    """read(n) returns up to n + 1 bytes."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        return await real(self, n + 1 if n > 0 else n)


@saboteur("reader.read.up-to-n", "got b'")
def read_drops_what_is_beyond_n(s: Any) -> None:
    """read(n) takes all that is buffered and returns the first n bytes of it."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        return (await real(self, PLENTY))[:n] if n > 0 else await real(self, n)


@saboteur("reader.read.returns-what-is-there", "to have ended, it still waits")
def read_waits_for_all_n(s: Any) -> None:
    """read(n) waits until n bytes are there, as readexactly does."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        try:
            return await (self.readexactly(n) if n > 0 else real(self, n))
        except asyncio.IncompleteReadError as error:
            return error.partial


@saboteur("reader.read.waits-for-data", "to wait, it ended with b''")
def read_never_waits(s: Any) -> None:
    """read(n) returns b"" when nothing is buffered, as if that were EOF."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        return await real(self, n) if n < 0 or self._incoming.size else b""


@saboteur("reader.read.waits-for-data", "never ended")
def arriving_data_wakes_no_read(s: Any) -> None:
    """feed_data keeps the bytes and leaves the read that waits for them asleep."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        waiter, self._waiter = self._waiter, None
        real(self, data)
        self._waiter = waiter


@saboteur("reader.read.omitted-reads-until-eof", "to wait, it ended with")
def read_without_a_number_returns_what_is_there(s: Any) -> None:
    """read() is read(65536): it does not wait for EOF."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = PLENTY) -> Any:
        return await real(self, n)


@saboteur("reader.read.minus-one-reads-until-eof", "read(-1)")
def read_minus_one_returns_what_is_there(s: Any) -> None:
    """read(-1) returns what is buffered, as a socket's recv might; read() waits for EOF."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: Any = None) -> Any:
        return await real(self, -1 if n is None else PLENTY if n < 0 else n)


@saboteur("reader.read.until-eof-beyond-limit", "bytes), got b'")
def read_until_eof_stops_at_the_limit(s: Any) -> None:
    """read(-1) returns no more than the limit, and drops the rest."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        data = await real(self, n)
        return data[: self._limit] if n < 0 else data


@saboteur("reader.read.until-eof-beyond-limit", "never ended", links=("unix",))
def read_until_eof_deadlocks_beyond_the_limit(s: Any) -> None:
    """read(-1) waits for EOF and never resumes a transport that was paused (asyncio#168)."""
    real = s.StreamReader._wait

    @instead(s.StreamReader)
    async def _wait(self: Any, *args: Any) -> None:
        held, self._transport = self._transport, None
        try:
            await real(self, args[0], 0 if args[1] == float("inf") else args[1])
        finally:
            self._transport = held


@saboteur("reader.read.empty-at-eof", "EOFError")
def read_raises_at_eof(s: Any) -> None:
    """Read raises EOFError at EOF instead of returning b""."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        data = await real(self, n)
        if n and not data:
            raise EOFError
        return data


@saboteur("reader.read.empty-at-eof", "never ended")
def read_tells_of_eof_once(s: Any) -> None:
    """Read returns b"" at EOF the first time; later reads wait for ever."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        data = await real(self, n)
        if n and not data:
            self._eof = False
        return data


@saboteur("reader.read.data-before-eof", "got b''")
def eof_hides_what_came_before(s: Any) -> None:
    """feed_eof drops what is buffered."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        self._incoming.take_all()
        real(self)


@saboteur("reader.result.is-bytes", "bytearray")
def read_returns_a_bytearray(s: Any) -> None:
    """Read returns a bytearray, which is equal to bytes and is no key of a dict."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        return bytearray(await real(self, n))


@saboteur("reader.result.is-bytes", "bytearray")
def empty_results_are_no_bytes(s: Any) -> None:
    """Readline returns an empty bytearray at EOF."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        return await real(self) or bytearray()


@saboteur("reader.result.is-bytes", "bytearray")
def fed_bytearrays_make_bytearrays(s: Any) -> None:
    """Read returns a bytearray once a bytearray was fed."""
    fed, real = s.StreamReader.feed_data, s.StreamReader.read

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        self.kind = type(data)
        fed(self, data)

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        data = await real(self, n)
        return bytearray(data) if getattr(self, "kind", bytes) is bytearray else data


@saboteur("reader.result.is-bytes", "over")
def fed_bytearrays_are_kept_by_reference(s: Any) -> None:
    """A bytearray that was fed is not copied: what it holds when it is read is returned."""
    s.intake.checked_data = lambda data: data


@saboteur("reader.read.zero-returns-empty", "still waits")
def read_zero_waits_for_data(s: Any) -> None:
    """read(0) waits until something is there."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        while n == 0 and not (self._incoming.size or self._eof):
            await self._wait("read", 0)
        return await real(self, n)


@saboteur("reader.read.zero-returns-empty", "expected")
def read_zero_takes_a_byte(s: Any) -> None:
    """read(0) returns b"" and throws a byte away."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        if n == 0:
            self._incoming.take(1)
        return await real(self, n)


@saboteur("reader.read.cancel-keeps-data", "cancelled")
def a_cancelled_read_drops_what_arrives(s: Any) -> None:
    """A read that is cancelled takes with it what had just arrived for it."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        try:
            return await real(self, n)
        except asyncio.CancelledError:
            self._incoming.take_all()
            raise


@saboteur("reader.read.cancel-keeps-data", "another read")
def a_cancelled_read_keeps_its_place(s: Any) -> None:
    """A read that is cancelled stays the one that waits: no other read may wait any more."""
    real = s.StreamReader._give_up

    @instead(s.StreamReader)
    def _give_up(self: Any, waiter: Any) -> None:
        real(self, waiter)
        self._waiter = asyncio.get_running_loop().create_future()


@saboteur("reader.read.until-eof-cancel-keeps-data", "expected b'")
def a_cancelled_read_until_eof_loses_what_it_gathered(s: Any) -> None:
    """read(-1) gathers in a list of its own, which is gone when it is cancelled."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        gathered = [await real(self, n if n >= 0 else PLENTY)]
        while n < 0 and gathered[-1]:
            gathered.append(await real(self, PLENTY))
        return b"".join(gathered)


@saboteur("reader.read.negative-reads-until-eof", "ValueError")
def read_takes_no_negative_number_but_minus_one(s: Any) -> None:
    """read(-5) raises ValueError."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        if n < -1:
            raise ValueError(f"cannot read {n} bytes")
        return await real(self, n)


@saboteur("reader.read.not-capped-by-limit", "expected")
def read_returns_at_most_the_limit(s: Any) -> None:
    """read(n) returns at most as many bytes as the limit, whatever n."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        return await real(self, min(n, self._limit))


@saboteur("reader.read.waits-for-data", "it ended with TypeError")
def read_takes_nothing_but_an_int(s: Any) -> None:
    """A read(n) refuses an n that is of a subclass of int."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> bytes:
        if type(n) is not int:
            raise TypeError("read() needs an int")
        return bytes(await real(self, n))
