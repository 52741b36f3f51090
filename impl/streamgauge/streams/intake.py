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
from .errors import as_kept, traceback_of
from .landing import Landing, land
from .lending import LentBuffer
from .loops import set_loop
from .transports import delivers_once_a_turn, is_closing

_SMALL_BYTES = 1024  # a chunk no larger than that may be held while a read waits, read or not

# A read that waits for more than a transport hands on at once has it received in one place, but
# not on a mere promise: the peer has to have sent that part of as much.
LARGE_BYTES = 2**18
_EARNED = 8
_UNKNOWN = float("inf")  # what a read to EOF needs


class Intake(asyncio.StreamReader):
    """What a stream reader is fed with, and how its reads wait for it.

    It is a kind of asyncio's reader for ``isinstance`` and type checkers only: nothing of that is
    used, and its constructor is not called.

    Args:
        limit: In bytes; the transport is paused when more than twice as much is buffered and
            resumed when no more than it is left.
        loop: The transport's. Without a transport, a read waits on whichever loop runs.

    Raises:
        TypeError: ``limit`` is not a number.
        ValueError: ``limit`` is not positive.
    """

    __slots__ = (
        "_eof",
        "_failure",
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

    # Class-level defaults for attributes that few connections ever set.
    _source_traceback: Any = None  # asyncio's protocol looks at it
    _ending = False  # the exception that is being set ended the connection
    _failure_traceback: Any = None
    _needed: float  # what the read wants that waits, see `_wait`; set with `_waiter`
    _sought: bytes | None
    _guessed = False  # the loop was not running and may be another than the transport's
    _landing: Landing | None = None  # where a large message is received that a read waits for

    def __init__(
        self,
        limit: float | None = DEFAULT_LIMIT,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if limit.__class__ is not int:
            limit = checked_limit(limit)
        self._limit_bytes = limit
        self._high_bytes, self._longest_line = _checked_bounds(limit)
        if loop is None:
            loop = asyncio._get_running_loop()
            if loop is None:
                loop = set_loop()
                self._guessed = True
        self._loop: Any = loop
        self._incoming = incoming = ReceiveBuffer()
        self._stream = incoming.stream
        self._eof = False
        self._failure: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._transport: Any = None
        self._paused = False

    def at_eof(self) -> bool:
        """Return whether the buffer is empty and :meth:`feed_eof` was called."""
        return self._eof and not self._incoming.size

    def feed_data(self, data: BytesLike) -> None:  # type: ignore[override]  # no ints, one by one
        """Put received bytes behind the others and wake the read that they serve.

        Raises:
            AssertionError: EOF was fed before.
            TypeError: ``data`` is not bytes-like.
        """
        if self._eof:
            raise AssertionError(
                f"feed_data after feed_eof: got {len(data)} bytes behind the end of the stream"
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
        return self._failure

    def set_exception(self, exc: Any) -> None:
        """Make every read raise ``exc``, whatever is buffered.

        An exception that ended the connection comes through here as well, and is raised once what
        is buffered does not serve a read.

        Args:
            exc: An exception or an exception class; None takes it back.
        """
        self._fail(exc)
        if not self._ending:
            self._withhold(exc is not None)
        self._wake()

    def _end_by(self, exc: Any) -> None:
        """Set the exception that ended the connection: what is buffered can be read before it."""
        self._ending = True
        try:
            self.set_exception(exc)  # which a subclass may look at
        finally:
            self._ending = False

    def _fail(self, exc: Any) -> None:
        self._failure = exc
        self._failure_traceback = traceback_of(exc)

    def _kept_failure(self) -> Any:
        """Return what to raise."""
        return as_kept(self._failure, self._failure_traceback)

    def _withhold(self, withheld: bool) -> None:
        """Let no read be served from the buffer, or let them again."""
        raise NotImplementedError

    def set_transport(self, transport: Any) -> None:
        """Name the transport that is paused and resumed.

        Raises:
            AssertionError: There is another one already.
        """
        if self._transport is not None and self._transport is not transport:
            raise AssertionError(
                f"Transport already set: it is {self._transport!r}; got {transport!r}"
            )
        self._transport = transport
        if self._guessed:
            self._loop = asyncio._get_running_loop() or self._loop

    def _set_limit(self, limit: float) -> None:
        self._limit_bytes = limit
        self._high_bytes, self._longest_line = _bounds(limit)

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
            if not self._waiter.cancelled():  # else its read has only to learn that it is over
                raise RuntimeError(
                    f"{method}() called while another coroutine is already waiting for incoming "
                    "data: another read of the same reader waits; let one at a time read"
                )
        waiter = self._expect(needed, sought)
        try:
            await waiter
        except BaseException:
            self._give_up(waiter)
            raise
        self._waiter = None

    def _expect(self, needed: float, sought: bytes | None = None) -> asyncio.Future[None]:
        """Return what `_wait` waits for, where no read waits; see there for what follows it.

        A read for which nothing has come does the same without a coroutine of its own for it.
        """
        loop = self._loop
        if loop is None or self._transport is None:  # fed by hand, from any loop
            loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiter = waiter
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

    def _give_up(self, waiter: asyncio.Future[None]) -> None:
        """Take back what a read expected that ends without it."""
        if self._waiter is not waiter:
            return  # another read has taken over its place
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
        if isinstance(self._incoming, LentBuffer):
            return  # somebody looks at what has come
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

    def _take_all(self) -> bytes:
        """Take everything that was received."""
        self._settle()
        return self._incoming.take_all()

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
        return self._eof or (self._failure is not None and not self._incoming.withheld)

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


def _bounds(limit: float) -> tuple[float, int]:
    """Return above how many bytes a transport is paused, and how long a line may be at most.

    A line is what may stand before a newline, and the newline.
    """
    return 2 * limit, int(limit if limit < sys.maxsize else sys.maxsize - 1) + 1


@lru_cache(maxsize=64)
def _checked_bounds(limit: Any) -> tuple[float, int]:
    """Return the bounds of a limit that is checked here, once.

    Remembered, so that connections share these numbers.
    """
    return _bounds(checked_limit(limit))
