"""The reader: bytes fed in on one side, awaited on the other.

Here live the reads, the one waiter, EOF and the stored exception, and the flow control of the
receiving side. What a transport or a peer is, is ``protocol``'s business; how bytes are kept is
``buffer``'s.

Theory of operation. A read looks into the buffer first and, if that serves it, returns in one
step: a coroutine function that awaits nothing. Otherwise it goes to a slow path, which judges in
a fixed order: data that serves the read, then an overrun, then a stored exception, then EOF; and
if none of these decides, it waits and judges again. So bytes that came before a connection broke
can always be read. There is one waiter, and it belongs to the read that made it until that read
has run again: being woken does not free it. Waiting consumes nothing, so cancelling a read in
any of its waits loses nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .arguments import (
    DEFAULT_LIMIT,
    BytesLike,
    Separators,
    checked_count,
    checked_data,
    checked_limit,
    checked_separators,
)
from .buffer import ReceiveBuffer
from .bufferview import BufferView
from .transports import is_closing

_NEWLINE = (b"\n",)

# What a waiting read can need, besides a number of bytes in the buffer.
_ANY = 0  # to look again whenever something comes
_ALL = float("inf")  # nothing less than EOF


class StreamReader:
    """A stream of received bytes, to be read by one coroutine at a time.

    Async iteration yields lines, as :meth:`readline` returns them, until EOF.

    Args:
        limit: How much may be waiting for a separator, in bytes, 64 KiB unless told. The
            transport is paused when more than twice as much is buffered and resumed when no more
            than it is left.
        loop: Kept as ``_loop`` for programs that look there; a read waits on the running loop.

    Raises:
        TypeError: ``limit`` is not a number.
        ValueError: ``limit`` is not positive.

    Every read raises RuntimeError if it would have to wait while another read waits, and the
    exception given to :meth:`set_exception`, or the one that ended the connection, once what is
    buffered does not serve it. Cancelling a read loses no byte and leaves the reader usable.

    Source: edition 3.8, StreamReader.
    """

    def __init__(
        self,
        limit: float | None = DEFAULT_LIMIT,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limit = checked_limit(limit)
        self._loop = loop if loop is not None else asyncio._get_running_loop()
        self._incoming = ReceiveBuffer()
        self._eof = False
        self._exception: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._needed: float = 0  # bytes that have to be buffered before the waiter is woken
        self._transport: Any = None
        self._paused = False

    def __repr__(self) -> str:
        shown = (
            (self._incoming.size, f"{self._incoming.size} bytes"),
            (self._eof, "eof"),
            (self._limit != DEFAULT_LIMIT, f"limit={self._limit}"),
            (self._waiter, f"waiter={self._waiter!r}"),
            (self._exception, f"exception={self._exception!r}"),
            (self._transport, f"transport={self._transport!r}"),
            (self._paused, "paused"),
        )
        return f"<{' '.join(['StreamReader', *(text for there, text in shown if there)])}>"

    # Reads. Each begins with its ready path, which repeats itself on purpose: one call less is a
    # tenth of what such a read takes. It serves itself from the first chunk (see ReceiveBuffer)
    # where that has more than the read needs and the transport flows, else it calls _consume.

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
        if type(n) is int and n > 0:
            incoming = self._incoming
            head = incoming.head
            if head:
                start = incoming.offset
                end = start + n
                if end < len(head) and not self._paused:
                    incoming.offset = end
                    return head[start:end]
                return self._consume(n)
        return await self._read_waiting(checked_count("read", n))

    async def readline(self) -> bytes:
        r"""Read one line, up to and including ``\n``.

        Returns:
            The line; at EOF what is left without a newline, then ``b""``.

        Raises:
            ValueError: The line is longer than the limit. It is dropped, through its newline if
                that has come, otherwise as far as it has come.
            RuntimeError: Another read waits.

        Cancelling loses nothing.

        Source: edition 3.8, StreamReader.readline.
        """
        incoming = self._incoming
        head = incoming.head
        start = incoming.offset
        end = head.find(b"\n", start) + 1
        if 0 < end <= start + self._limit + 1:
            if end < len(head) and not self._paused:
                incoming.offset = end
                return head[start:end]
            return self._consume(end - start)
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
        if type(n) is int and n > 0:
            incoming = self._incoming
            start = incoming.offset
            end = start + n
            head = incoming.head
            if end < len(head) and not self._paused:
                incoming.offset = end
                return head[start:end]
            if n <= incoming.size:
                return self._consume(n)
        return await self._readexactly_waiting(checked_count("readexactly", n))

    async def readuntil(self, separator: Separators = b"\n") -> bytes:
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
            head = incoming.head
            start = incoming.offset
            found = head.find(separator, start)
            if 0 <= found <= start + self._limit:
                end = found + len(separator)
                if end < len(head) and not self._paused:
                    incoming.offset = end
                    return head[start:end]
                return self._consume(end - start)
        return await self._readuntil_waiting(checked_separators(separator), "readuntil")

    def __aiter__(self) -> StreamReader:
        return self

    async def __anext__(self) -> bytes:
        line = await self.readline()
        if line == b"":
            raise StopAsyncIteration
        return line

    # The feeding side.

    def at_eof(self) -> bool:
        """Return whether the buffer is empty and :meth:`feed_eof` was called."""
        return self._eof and not self._incoming.size

    def feed_data(self, data: BytesLike) -> None:
        """Put received bytes behind the others and wake the read that they serve.

        Raises:
            AssertionError: EOF was fed before.
            TypeError: ``data`` is not bytes-like.
        """
        if self._eof:
            raise AssertionError(
                f"feed_data() after feed_eof(): got {len(data)} bytes behind the end of the stream"
            )
        if type(data) is not bytes:
            data = checked_data(data)
        if not data:
            return
        incoming = self._incoming
        incoming.append(data)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            if incoming.size < self._needed:
                return  # its read wants more: let it come, past the usual bound if need be
            waiter.set_result(None)
        if incoming.size > 2 * self._limit:
            self._pause()

    def feed_eof(self) -> None:
        """Acknowledge the end of the stream: reads are served from the buffer, then end."""
        self._eof = True
        self._wake()

    def exception(self) -> Any:
        """Return the exception given to :meth:`set_exception`, or None."""
        return self._exception

    def set_exception(self, exc: Any) -> None:
        """Make every read that the buffer does not serve raise ``exc``.

        Args:
            exc: An exception or an exception class; None takes it back.
        """
        self._exception = exc
        self._wake()

    def set_transport(self, transport: Any) -> None:
        """Name the transport that is paused and resumed.

        Raises:
            AssertionError: There is another one already.
        """
        if self._transport is not None and self._transport is not transport:
            raise AssertionError(
                f"this reader has a transport already, {self._transport!r}; got {transport!r}"
            )
        self._transport = transport

    @property
    def _buffer(self) -> BufferView:
        """The buffer as asyncio's programs know it."""
        return BufferView(self._incoming)

    @_buffer.setter
    def _buffer(self, value: Any) -> None:
        # `reader._buffer += data` ends here with the view it began with, already changed.
        if not (isinstance(value, BufferView) and value._target is self._incoming):
            self._incoming.replace(bytes(value))

    # Slow paths: judge, wait, judge again.

    async def _read_waiting(self, n: int) -> bytes:
        if n < 0:
            return await self._read_to_eof()
        incoming = self._incoming
        while not incoming.size:
            if self._exception is not None:
                raise self._exception
            if self._eof or n == 0:
                return b""
            await self._wait("read", _ANY)
        return self._consume(n)

    async def _read_to_eof(self) -> bytes:
        while True:
            if self._exception is not None:
                raise self._exception
            if self._eof:
                return self._incoming.take_all()
            await self._wait("read", _ALL)

    async def _readexactly_waiting(self, n: int) -> bytes:
        if n < 0:
            raise ValueError(f"readexactly() needs a number of bytes that is not negative, got {n}")
        incoming = self._incoming
        while incoming.size < n or not incoming.size:
            if self._exception is not None:
                raise self._exception
            if n == 0:
                return b""
            if self._eof:
                raise asyncio.IncompleteReadError(incoming.take_all(), n)
            await self._wait("readexactly", n)
        return self._consume(n)

    async def _readline_waiting(self) -> bytes:
        try:
            return await self._readuntil_waiting(_NEWLINE, "readline")
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            found = self._incoming.search(_NEWLINE)
            self._consume(found[1] if found else self._incoming.size)
            raise ValueError(error.args[0])  # noqa: B904  # its context is the overrun, as asyncio's

    async def _readuntil_waiting(self, separators: tuple[bytes, ...], method: str) -> bytes:
        incoming = self._incoming
        searched = 0
        while True:
            found = incoming.search(separators, searched)
            if found is not None and found[0] <= self._limit:
                return self._consume(found[1])
            self._check_overrun(found, len(separators[-1]))
            if self._exception is not None:
                raise self._exception
            if self._eof:
                raise asyncio.IncompleteReadError(incoming.take_all(), None)
            searched = incoming.received
            await self._wait(method, _ANY)

    def _check_overrun(self, found: tuple[int, int] | None, longest: int) -> None:
        """Raise LimitOverrunError if the data without a separator is longer than the limit."""
        # What may be the beginning of a separator does not count against the limit.
        without = found[0] if found else self._incoming.size + 1 - longest
        if without > self._limit:
            reason = "before the separator" if found else "and no separator yet"
            raise asyncio.LimitOverrunError(
                f"{without} bytes {reason}, expected no more than the limit of {self._limit} bytes",
                without,
            )

    # The one waiter.

    async def _wait(self, method: str, needed: float) -> None:
        """Wait until data has come and ``needed`` bytes are buffered, or for EOF or an exception.

        Raises:
            RuntimeError: Another read waits, or was woken and has not run yet: its waiter is
                still its own.
        """
        if self._waiter is not None:
            raise RuntimeError(
                f"{method}() would have to wait for data while another read of the same reader "
                "waits; let one coroutine at a time read"
            )
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        self._needed = needed
        try:
            # The waiter stands before the transport is let go: it may deliver at once.
            if self._paused:
                self._resume()
            await waiter
        except BaseException:
            # The bound that was lifted for this read holds again.
            if self._incoming.size > 2 * self._limit:
                self._pause()
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # Flow control.

    def _consume(self, n: int) -> bytes:
        data = self._incoming.take(n)
        if self._paused and self._incoming.size <= self._limit:
            self._resume()
        return data

    def _pause(self) -> None:
        if self._paused or self._transport is None or self._ended():
            return
        try:
            self._transport.pause_reading()
        except NotImplementedError:
            self._transport = None  # it can't be paused: nothing to control
        else:
            self._paused = True

    def _resume(self) -> None:
        self._paused = False
        # A transport that is closing, or that has said all it had to say, delivers nothing more;
        # asyncio's TLS transport up to 3.10 even breaks when it is resumed then.
        if self._transport is not None and not self._ended() and not is_closing(self._transport):
            self._transport.resume_reading()

    def _ended(self) -> bool:
        return self._eof or self._exception is not None

    def _replace_transport(self, transport: Any) -> None:
        """Go on with another transport: the connection was upgraded to TLS."""
        if self._paused:
            # The new one rests on the old one, which nobody would resume any more.
            self._resume()
        self._transport = transport
        if self._incoming.size > 2 * self._limit:
            self._pause()
