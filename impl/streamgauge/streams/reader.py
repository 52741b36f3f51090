"""The reader: the reads of a stream of received bytes.

Feeding, EOF, exceptions, waiting and flow control are in ``intake``; how bytes are kept is
``buffer``'s.

Theory of operation. A read looks into the buffer first and, if that serves it, returns in one
step: a coroutine function that awaits nothing. Otherwise it goes to a slow path, which judges in
a fixed order: data that serves the read, then an overrun, then a stored exception, then EOF; and
if none of these decides, it waits and judges again. So bytes that came before a connection broke
can always be read, and as waiting consumes nothing, cancelling a read in any of its waits loses
nothing.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from .arguments import DEFAULT_LIMIT, Separators, checked_count, checked_separators
from .intake import LARGE_BYTES
from .lending import skip
from .names import Names

_NEWLINE = (b"\n",)
_LF = 10  # a newline, as an item of bytes

# The most that readexactly tries to take before it knows whether as much has come, in bytes:
# what it took for nothing was copied for nothing.
_SMALL_BYTES = 2**14

_MOST_BYTES = sys.maxsize  # no buffer holds more, and none can be asked for more

# The words of asyncio's errors, which programs look for.
FOUND_LATE = "Separator is found, but chunk is longer than limit"
NOT_FOUND = "Separator is not found, and chunk exceed the limit"

# What a waiting read can need, besides a number of bytes in the buffer.
_ANY = 0  # to look again whenever something comes
_ALL = float("inf")  # nothing less than EOF


class StreamReader(Names):
    """A stream of received bytes, to be read by one coroutine at a time.

    Async iteration yields lines, as :meth:`readline` returns them, until EOF.

    Args:
        limit: How much may be waiting for a separator, in bytes, 64 KiB unless told. The
            transport is paused when more than twice as much is buffered and resumed when no more
            than it is left.
        loop: The transport's. Without a transport, a read waits on whichever loop runs.

    Raises:
        TypeError: ``limit`` is not a number.
        ValueError: ``limit`` is not positive.

    Every read raises RuntimeError if it would have to wait while another read waits. It raises
    the exception given to :meth:`set_exception`, and the one that ended the connection once what
    is buffered does not serve it. Cancelling a read loses no byte and leaves the reader usable.

    A subclass is obeyed as asyncio obeys it: its ``readuntil`` serves ``readline``, and so on.

    Source: edition 3.8, StreamReader.
    """

    __slots__ = ()

    _for_subclasses: Any = None  # what they stand on in this class's place, see `obedient`

    def __init_subclass__(cls, **kwds: Any) -> None:
        super().__init_subclass__(**kwds)
        instead = cls._for_subclasses
        if instead is not None:
            cls.__bases__ = tuple(instead if b is StreamReader else b for b in cls.__bases__)

    def __repr__(self) -> str:
        size = self._incoming.size + (self._landing.filled if self._landing else 0)
        shown = (
            (size, f"{size} bytes"),
            (self._eof, "eof"),
            (self._limit != DEFAULT_LIMIT, f"limit={self._limit}"),
            (self._waiter, f"waiter={self._waiter!r}"),
            (self._failure, f"exception={self._failure!r}"),
            (self._transport, f"transport={self._transport!r}"),
            (self._paused, "paused"),
        )
        return f"<{' '.join(['StreamReader', *(text for there, text in shown if there)])}>"

    # Reads. Each begins with its ready path, which repeats itself on purpose: one call less is a
    # tenth of what such a read takes. It takes from the first chunk (see ReceiveBuffer), which
    # serves nearly every read; otherwise what it took goes back, or is what the rest is added to.
    # A read that finds nothing at all waits, and takes the same path when something has come.
    # (``n.__class__`` is ``type(n)`` without a call.)

    async def read(self, n: int = -1) -> bytes:
        """Read up to ``n`` bytes, at least one.

        Args:
            n: The most to return, in bytes; it is not held to the limit. 0 returns ``b""`` at
                once; a negative number, the default, reads everything until EOF.

        Returns:
            What is there as soon as anything is; ``b""`` at EOF with nothing buffered.

        Raises:
            TypeError: ``n`` is not an integer; nothing is consumed.
            RuntimeError: Another read waits.

        Cancelling loses nothing: what ``read(-1)`` had gathered is there for the next read. The
        same goes for an exception that ends it.

        Source: edition 3.8, StreamReader.read.
        """
        if n.__class__ is int and 0 < n <= _MOST_BYTES:
            while True:
                data = self._stream.read(n)
                if len(data) < n and self._incoming.tail_size:
                    data = self._incoming.take_on(data, n)
                if data:
                    if self._paused:
                        self._resume_if_low()
                    return data
                if self._eof or self._failure is not None or self._waiter is not None:
                    break
                waiter = self._expect(-n)
                try:
                    await waiter
                except BaseException:
                    self._give_up(waiter)
                    raise
                self._waiter = None
        return await self._read_waiting(min(checked_count("read", n), _MOST_BYTES))

    async def readline(self) -> bytes:
        r"""Read one line, up to and including ``\n``.

        Returns:
            The line; at EOF what is left without a newline, then ``b""``.

        Raises:
            ValueError: The line is longer than the limit. It is dropped through its newline; if
                that has not come, the rest of the line is dropped by the next call.
            RuntimeError: Another read waits.

        Cancelling loses nothing.

        Source: edition 3.8, StreamReader.readline.
        """
        while True:
            line = self._stream.readline(self._longest_line)
            if line:
                if line[-1] == _LF:
                    if self._paused:
                        self._resume_if_low()
                    return line
                self._incoming.unread(len(line))
                break
            if (
                self._incoming.tail_size
                or self._eof
                or self._failure is not None
                or self._waiter is not None
            ):
                break
            waiter = self._expect(self._longest_line, b"\n")
            try:
                await waiter
            except BaseException:
                self._give_up(waiter)
                raise
            self._waiter = None
        return await self._readline_waiting()

    async def readexactly(self, n: int) -> bytes:
        """Read exactly ``n`` bytes.

        Args:
            n: How many bytes; it is not held to the limit.

        Raises:
            IncompleteReadError: EOF came first; ``partial`` has what there was, and the buffer
                is empty.
            ValueError: ``n`` is negative; nothing is consumed.
            TypeError: ``n`` is not an integer; nothing is consumed.
            RuntimeError: Another read waits.

        Cancelling loses nothing.

        Source: edition 3.8, StreamReader.readexactly.
        """
        if n.__class__ is int and 0 < n <= _SMALL_BYTES:
            while True:
                data = self._stream.read(n)
                if len(data) == n:
                    if self._paused:
                        self._resume_if_low()
                    return data
                if data:
                    self._incoming.unread(len(data))
                    break
                if (
                    self._incoming.tail_size
                    or self._eof
                    or self._failure is not None
                    or self._waiter is not None
                ):
                    break
                waiter = self._expect(n)
                try:
                    await waiter
                except BaseException:
                    self._give_up(waiter)
                    raise
                self._waiter = None
        return await self._readexactly_waiting(checked_count("readexactly", n))

    async def readuntil(  # type: ignore[override]  # asyncio's takes no tuples before 3.13
        self, separator: Separators = b"\n"
    ) -> bytes:
        """Read up to and including ``separator``.

        Args:
            separator: Bytes, bytearray or memoryview, or a tuple of these, on every Python; then
                the result is the shortest that ends with any of them.

        Raises:
            LimitOverrunError: More than the limit lies before the separator, or has come without
                one. All data stays; ``consumed`` bytes of it hold no part of a separator.
            IncompleteReadError: EOF came first; ``partial`` has what there was, which may end
                with a part of a separator, and the buffer is empty.
            ValueError: A separator, or the tuple, is empty.
            TypeError: ``separator`` is of another type.
            RuntimeError: Another read waits.

        Where two separators of a tuple end at the same byte, the shorter one counts for the
        limit. Cancelling loses nothing.

        Source: edition 3.8, StreamReader.readuntil; edition 3.13 for tuples.
        """
        if type(separator) is bytes and separator:
            incoming = self._incoming
            while True:
                start = self._stream.tell()
                # One byte is found many times as fast as several in a row.
                before = incoming.head.find(separator[0], start) - start
                if 0 <= before <= self._limit_bytes:
                    data = self._stream.read(before + len(separator))
                    if data.endswith(separator):
                        if self._paused:
                            self._resume_if_low()
                        return data
                    incoming.unread(len(data))
                    before = incoming.head.find(separator, start + before) - start
                    if 0 <= before <= self._limit_bytes:
                        return self._consume(before + len(separator))
                dry = start == len(incoming.head) and not incoming.tail_size
                if dry and not self._eof and self._failure is None and self._waiter is None:
                    waiter = self._expect(self._overrun(separator), separator[-1:])
                    try:
                        await waiter
                    except BaseException:
                        self._give_up(waiter)
                        raise
                    self._waiter = None
                elif not incoming.gather():
                    break
        return await self._readuntil_waiting(checked_separators(separator), "readuntil")

    def __aiter__(self) -> StreamReader:
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if line == b"":
            raise StopAsyncIteration
        return line

    # Slow paths: judge, wait, judge again.

    async def _read_waiting(self, n: int) -> bytes:
        if n < 0:
            return await self._read_to_eof()
        incoming = self._incoming
        while incoming.withheld or not incoming.size:
            if self._failure is not None:
                raise self._kept_failure()
            if n == 0:
                return b""
            if self._eof:
                return self._consume(0)
            await self._wait("read", -n)
        return self._consume(n)

    async def _readexactly_waiting(self, n: int) -> bytes:
        if n < 0:
            raise ValueError(f"readexactly size can not be less than zero, got {n}")
        incoming = self._incoming
        size = incoming.size
        while size < n or not size or incoming.withheld:
            if self._failure is not None:
                raise self._kept_failure()
            if n == 0:
                return b""
            if self._eof:
                raise asyncio.IncompleteReadError(incoming.take_all(), n)
            await self._wait("readexactly", n)
            size = incoming.size
        data = self._consume(n)
        if n >= LARGE_BYTES:
            incoming.release()  # else a large message would be held until something else has come
        return data

    async def _read_to_eof(self) -> bytes:
        while True:
            if self._failure is not None:
                raise self._kept_failure()
            if self._eof:
                return self._incoming.take_all()
            await self._wait("read", _ALL)

    async def _readline_waiting(self) -> bytes:
        if self._incoming.skipped:
            await self._skip_rest()
        try:
            return await self._readuntil_waiting(_NEWLINE, "readuntil")  # asyncio's words
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            self._skip_line()
            raise ValueError(error.args[0])  # noqa: B904  # its context is the overrun, as asyncio's

    def _skip_line(self) -> None:
        """Drop a line that is too long through its newline, also if that has not come yet."""
        incoming = self._incoming
        found = incoming.search(_NEWLINE)
        self._consume(found[1] if found else incoming.size)
        if not found:
            skip(incoming)

    async def _skip_rest(self) -> None:
        """Drop what is left of such a line."""
        incoming = self._incoming
        while incoming.skipped:
            found = incoming.search(_NEWLINE)
            if incoming.size:
                self._consume(found[1] if found else incoming.size)
            elif self._failure is not None:
                raise self._kept_failure()
            elif self._eof:
                break
            else:
                await self._wait("readuntil", _ANY)
        self._stop_lending()

    async def _readuntil_waiting(self, separators: tuple[bytes, ...], method: str) -> bytes:
        incoming = self._incoming
        searched = 0
        ends = {separator[-1:] for separator in separators}
        sought = ends.pop() if len(ends) == 1 else None
        while True:
            if incoming.withheld:
                raise self._kept_failure()
            incoming.gather()
            found = incoming.search(separators, searched)
            if found is not None and found[0] <= self._limit_bytes:
                return self._consume(found[1])
            self._check_overrun(found, len(separators[-1]))
            if self._failure is not None:
                raise self._kept_failure()
            if self._eof:
                raise asyncio.IncompleteReadError(incoming.take_all(), None)
            searched = incoming.received
            await self._wait(method, self._overrun(separators[-1]) if sought else _ANY, sought)

    def _overrun(self, separator: bytes) -> int:
        """Return how many bytes without ``separator`` are too many, see `_check_overrun`."""
        return self._longest_line + len(separator) - 1

    def _check_overrun(self, found: tuple[int, int] | None, longest: int) -> None:
        """Raise LimitOverrunError if the data without a separator is longer than the limit."""
        # What may be the beginning of a separator does not count against the limit.
        without = found[0] if found else self._incoming.size + 1 - longest
        if without > self._limit_bytes:
            raise asyncio.LimitOverrunError(
                f"{FOUND_LATE if found else NOT_FOUND}: {without} bytes without it, expected no "
                f"more than the limit of {self._limit} bytes",
                without,
            )
