"""The receiving side below the reads: feeding, EOF, the stored exception, waiting, flow control.

Here live the one waiter and the rule by which a transport is paused and resumed. What a read
returns is ``reader``'s business, how bytes are kept is ``buffer``'s, and what a transport or a
peer is, is ``protocol``'s.

Theory of operation. There is one waiter, and it belongs to the read that made it until that read
has run again: being woken does not free it. Waiting consumes nothing. A waiter is woken once the
number of bytes is there that its read needs, or a byte with which what it looks for may end, and
until then the transport is not paused; nor for bytes that the woken read takes before the
transport can deliver more.
"""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from typing import Any

from .arguments import DEFAULT_LIMIT, BytesLike, checked_data, checked_limit
from .buffer import ReceiveBuffer
from .bufferview import BufferView
from .landing import Landing, land
from .transports import delivers_once_a_turn, is_closing

_SMALL_BYTES = 1024  # a chunk no larger than that may be held while a read waits, read or not

# A read that waits for more than a transport hands on at once has it received in one place, but
# not on a mere promise: the peer has to have sent that part of as much.
LARGE_BYTES = 2**18
_EARNED = 8
_UNKNOWN = float("inf")  # what a read to EOF needs


class Intake:
    """What a stream reader is fed with, and how its reads wait for it.

    Args:
        limit: In bytes; the transport is paused when more than twice as much is buffered and
            resumed when no more than it is left.
        loop: The transport's. Without a transport, a read waits on whichever loop runs.

    Raises:
        TypeError: ``limit`` is not a number.
        ValueError: ``limit`` is not positive.
    """

    __slots__ = (
        "__dict__",  # made when a program hangs something of its own on its reader
        "__weakref__",
        "_eof",
        "_exception",
        "_high_bytes",
        "_incoming",
        "_limit_bytes",
        "_longest_line",
        "_loop",
        "_needed",
        "_paused",
        "_sought",
        "_stream",
        "_transport",
        "_waiter",
    )

    # On the class stands how that begins which few connections change.
    _source_traceback = None  # asyncio's protocol, which a program may join us to, looks for it
    _landing: Landing | None = None  # where a large message is received that a read waits for

    def __init__(
        self,
        limit: float | None = DEFAULT_LIMIT,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if limit.__class__ is not int or limit <= 0:
            limit = checked_limit(limit)
        self._limit_bytes = limit
        self._high_bytes, self._longest_line = _bounds(limit)
        self._loop = loop if loop is not None else asyncio._get_running_loop()
        self._incoming = incoming = ReceiveBuffer()
        self._stream = incoming.stream
        self._eof = False
        self._exception: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._needed: float = 0  # what the read wants that waits, see `_wait`
        self._sought: bytes | None = None
        self._transport: Any = None
        self._paused = False

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
        if data.__class__ is not bytes:  # type(data), without a call
            data = checked_data(data)
        if not data:
            return
        incoming = self._incoming
        stream = self._stream
        place = stream.tell()
        if incoming.tail_size or place != len(incoming.head):
            bound = incoming.append(data)
        else:  # what it would do: everything was read. One call less is a tenth of feeding
            incoming.before += place
            incoming.head = data
            stream.__init__(data)  # type: ignore[misc]  # begins anew
            place = 0
            bound = len(data)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            needed = self._needed
            if needed > 0 and bound - place < needed:
                sought = self._sought
                if not sought or sought not in data:
                    # Its read wants more: let it come, past the usual bound if need be.
                    if needed >= LARGE_BYTES and not sought and self._transport is not None:
                        self._land()
                    return
            waiter.set_result(None)
            if bound > self._high_bytes:
                # What will be read before this transport can deliver more does not count.
                known = not self._sought and delivers_once_a_turn(self._transport)
                if incoming.size > self._high_bytes + (abs(needed) if known else 0):
                    self._pause()
        elif bound > self._high_bytes and incoming.size > self._high_bytes:
            self._pause()

    def feed_eof(self) -> None:
        """Acknowledge the end of the stream: reads are served from the buffer, then end."""
        self._eof = True
        if self._waiter is not None:
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
    def _limit(self) -> float:
        """The limit, in bytes; some programs set it after the fact."""
        return self._limit_bytes

    @_limit.setter
    def _limit(self, limit: float) -> None:
        self._limit_bytes = limit
        self._high_bytes, self._longest_line = _bounds(limit)
        self._wake()  # what a read waits for may have come, by this limit

    @property
    def _buffer(self) -> BufferView:
        """The buffer as asyncio's programs know it."""
        self._settle()
        self._needed = 0  # who looks may change what a read waits for
        return BufferView(self._incoming)

    @_buffer.setter
    def _buffer(self, value: Any) -> None:
        # `reader._buffer += data` ends here with the view it began with, already changed.
        if not (isinstance(value, BufferView) and value._target is self._incoming):
            self._incoming.replace(bytes(value))

    # Waiting.

    async def _wait(self, method: str, needed: float, sought: bytes | None = None) -> None:
        """Wait until data has come and ``needed`` bytes are buffered, or for EOF or an exception.

        Args:
            method: The read's name, for the error.
            needed: Bytes that have to be there, all of which the read will take. Less than 0: it
                will take as many, less the sign, if they are there, and any are enough. 0: any
                are enough, and how many it will take is not known.
            sought: A byte that is enough when it comes, however few there are. How many the read
                will take is not known then.

        Raises:
            RuntimeError: Another read waits, or was woken and has not run yet: its waiter is
                still its own.
        """
        if self._waiter is not None:
            if self._landing is not None:
                self._settle()
                return  # to look again: what had come is in the buffer only now
            raise RuntimeError(
                f"{method}() would have to wait for data while another read of the same reader "
                "waits; let one coroutine at a time read"
            )
        waiter = self._expect(needed, sought)
        try:
            await waiter
        except BaseException:
            self._give_up()
            raise
        self._waiter = None

    def _expect(self, needed: float, sought: bytes | None = None) -> asyncio.Future[None]:
        """Return what `_wait` waits for, where no read waits; see there for what follows it.

        A read for which nothing has come does the same without a coroutine of its own for it.
        """
        loop = self._loop
        if loop is None or self._transport is None:  # fed by hand, from any loop
            loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        self._needed = needed
        self._sought = sought
        if len(self._incoming.head) > _SMALL_BYTES:
            self._incoming.release()  # what was read of it
        if needed >= LARGE_BYTES and sought is None:
            self._land()
        # The waiter stands before the transport is let go: it may deliver at once.
        if self._paused:
            self._resume()
        return waiter

    def _give_up(self) -> None:
        """Take back what a read expected that ends without it."""
        self._settle()
        # The bound that was lifted for this read holds again.
        if self._incoming.size > self._high_bytes:
            self._pause()
        self._waiter = None

    def _wake(self) -> None:
        if self._landing is not None:
            self._settle()
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # Receiving a large message in one place. Meanwhile the buffer is empty and nothing is enough
    # for the read, so that what somebody feeds by another way is noticed.

    def _land(self) -> None:
        if self._landing is not None:  # fed by hand, or by TLS that has come between
            fed = self._incoming.take_all()
            self._settle()
            self.feed_data(fed)
            return
        size = self._needed
        if size == _UNKNOWN or self._incoming.received * _EARNED < size:
            return
        if getattr(self.feed_data, "__func__", None) is not _FEED_DATA:
            return  # somebody looks at what comes
        self._landing = land(self, self._transport, int(size))
        if self._landing is not None:
            self._needed = _UNKNOWN

    def _landed(self, landing: Landing) -> None:
        """Feed the message that has come."""
        if landing is self._landing:
            self.feed_data(self._take_off())

    def _settle(self) -> None:
        """Put what has come of a message that is being received in one place into the buffer."""
        if self._landing is not None:
            self._incoming.append(self._take_off())

    def _take_off(self) -> bytes:
        landing: Any = self._landing
        self._landing = None
        self._needed = landing.size
        return landing.end()  # type: ignore[no-any-return]  # Any, as it may be None

    # Flow control.

    def _consume(self, n: int) -> bytes:
        data = self._incoming.take(n)
        if self._paused:
            self._resume_if_low()
        return data

    def _resume_if_low(self) -> None:
        if self._incoming.size <= self._limit_bytes:
            self._resume()

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
        self._settle()
        if self._paused:
            # The new one rests on the old one, which nobody would resume any more.
            self._resume()
        self._transport = transport
        if self._incoming.size > self._high_bytes:
            self._pause()


_FEED_DATA = Intake.feed_data


@lru_cache(maxsize=64)
def _bounds(limit: float) -> tuple[float, int]:
    """Return above how many bytes a transport is paused, and how long a line may be at most.

    Remembered, so that connections share these numbers. A line is what may stand before a
    newline, and the newline.
    """
    return 2 * limit, int(limit if limit < sys.maxsize else sys.maxsize - 1) + 1
