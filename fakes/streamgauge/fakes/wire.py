"""One connection as the kernel keeps it: two directions, windows, FIN and RST, and no time.

A `Wire` has two ends, each with the calls of a non-blocking socket (`send`, `recv`, `shutdown`,
`close`) and with `hands` that make the connection misbehave. Bytes arrive the moment they are
sent, unless the direction is held; nothing here asks an event loop for anything: whoever waits
sets a hook and is called. What is done in a direction is in `direction`; asyncio's side of it all
is in `transport`.

Theory of operation, after Linux:

* What an end closes with bytes unread, or with SO_LINGER 0, ends in RST; any other close is FIN.
* Bytes that arrive at an end that is gone are answered with RST. So on TCP the first write to a
  dead peer succeeds and the next one fails; a unix socket fails at once.
* RST leaves what had arrived before it readable. It is seen as ECONNRESET, and as EPIPE (by a
  writer; a reader has its EOF) if FIN had come first.
"""

from __future__ import annotations

import asyncio
import errno
import os
from typing import Callable, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple, Union

from .chunks import ChunksLike
from .direction import RST, Direction
from .hands import Hands, check_count

__all__ = ["MAX_DELIVERY_BYTES", "NO_OPTIONS", "TCP", "UNIX", "Kind", "Options", "Wire", "WireEnd"]

#: How much asyncio's transports ask of a socket at once.
MAX_DELIVERY_BYTES = 256 * 1024

BytesLike = Union[bytes, bytearray, memoryview]
#: What was set on a socket, (level, option) to value. Never changed: ends and listeners share it.
Options = Mapping[Tuple[int, int], Union[int, bytes]]
NO_OPTIONS: Options = {}


class Kind(NamedTuple):
    """What a family of sockets does at the end of a connection."""

    name: str
    #: A write to a peer that is gone succeeds, and only the answer to it tells.
    answers_late: bool
    #: After FIN a reader sees EOF, whatever came behind it.
    eof_hides_reset: bool
    #: What Linux takes before a sender is held, with its default buffers.
    window_bytes: int


#: Loopback takes some 2 to 4 MiB, a unix socket net.core.wmem_default: less than one delivery.
TCP = Kind("tcp", answers_late=True, eof_hides_reset=True, window_bytes=2 * 1024 * 1024)
UNIX = Kind("unix", answers_late=False, eof_hides_reset=False, window_bytes=208 * 1024)

#: The state of an end, as netstat(8) names it: (we sent FIN, FIN has reached us) to state.
STATES: Dict[Tuple[bool, bool], str] = {
    (False, False): "ESTABLISHED",
    (False, True): "CLOSE_WAIT",
    (True, False): "FIN_WAIT2",
    (True, True): "TIME_WAIT",
}


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class WireEnd(Hands):
    """One end of a wire: a non-blocking socket's calls, and `Hands` on what this end sends.

    Attributes:
        wire: the wire that this is an end of.
        peer: the other end.
        on_readable: called whenever bytes, FIN or RST arrive; None calls nobody.
        on_writable: called once when there is room again after `send` took less than all, or when
            the next `send` would raise.
        linger_zero: a `close` sends RST and drops what is held, as SO_LINGER with 0 seconds.
        closed: `close` was called.
        dead: RST came.
        loop: the loop of the transport on this end, see `Hands`.
        options: what its socket has from the listener that it came in by.
    """

    __slots__ = (
        "_error",
        "_fin_sent",
        "closed",
        "dead",
        "into",
        "linger_zero",
        "loop",
        "on_readable",
        "on_writable",
        "options",
        "out",
        "peer",
        "wire",
    )

    peer: WireEnd
    into: Direction
    out: Direction

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.on_readable: Optional[Callable[[], object]] = None
        self.on_writable: Optional[Callable[[], object]] = None
        self.linger_zero = False
        self.loop: Optional[asyncio.AbstractEventLoop] = None
        self.closed = False
        self.dead = False
        self._fin_sent = False
        self._error = 0
        self.options = NO_OPTIONS

    # The socket's calls

    def send(self, data: BytesLike) -> int:
        """Hand bytes to the kernel.

        Args:
            data: bytes, or a bytes-like object of single bytes, which is copied.

        Returns:
            How many bytes were taken, 0 if the window is full; `on_writable` tells when to go on.

        Raises:
            ConnectionResetError: the connection was reset.
            BrokenPipeError: this end has sent FIN, or the peer is gone.
        """
        out = self.out
        size = len(data)
        if out.open and size <= out.room:  # the usual case, with nothing in the way
            out.room -= size
            out.sent += size
            if size:
                out.queue.append(data if type(data) is bytes else bytes(data))
                if self.peer.on_readable is not None:
                    self.peer.on_readable()
            return size
        self._check_sendable()
        return out.send(data)

    def sendmsg(self, pieces: Iterable[BytesLike]) -> int:
        """Hand several pieces to the kernel in one call; see `send`."""
        self._check_sendable()
        taken = 0
        for piece in pieces:
            n = self.out.send(piece)
            taken += n
            if n < len(piece):
                break
        return taken

    def recv(self, limit_bytes: int = MAX_DELIVERY_BYTES) -> Optional[bytes]:
        """Take bytes that have arrived, as many as the policy gives.

        Args:
            limit_bytes: the most to take.

        Returns:
            The bytes; ``b""`` for EOF; None if there is nothing to be had now.

        Raises:
            ConnectionResetError: the connection was reset and nothing is left to read.
            ValueError: a callable for a policy gave something else than a number of 1 or more.
        """
        into = self.into
        if into.queue:
            return into.take(limit_bytes)
        if into.fin and (not self._error or self.wire.kind.eof_hides_reset):
            return b""
        self._raise_error()
        return b"" if self.dead else None

    def shutdown(self) -> None:
        """Send FIN behind what was sent: this end writes no more, and can still read.

        Raises:
            OSError: ENOTCONN, if nothing is left of the connection (TCP).
        """
        over = self.dead or (self._fin_sent and self.into.fin)
        if over and self.wire.kind.answers_late:
            raise _error(errno.ENOTCONN)
        self._send_fin()

    def close(self) -> None:
        """Give this end up: FIN, or RST if bytes are unread or `linger_zero` is set."""
        if self.closed:
            return
        unread = bool(self.into.queue)
        self.closed = True
        self.out.open = self.into.open = False
        if unread:
            self.into.drop_arrived()
        self.on_readable = self.on_writable = None
        tcp = self.wire.kind.answers_late
        if self.dead or (tcp and self._fin_sent and self.into.fin):
            return
        if unread or (self.linger_zero and tcp):
            self._send_reset()
        else:
            if not tcp and self.peer.on_writable is not None:
                self.peer.on_writable()  # its next write fails, and writers look more often
            self._send_fin()

    @property
    def readable(self) -> bool:
        """Whether `recv` has something to say, EOF and errors included."""
        into = self.into
        return into.fin or self.dead or bool(into.queue)

    @property
    def writable(self) -> bool:
        """Whether `send` would take a byte or raise."""
        return self.out.room > 0 or self.dead

    @property
    def finished(self) -> bool:
        """Whether this end has sent FIN."""
        return self._fin_sent

    @property
    def state(self) -> str:
        """The state of this end as netstat(8) names it."""
        if (self.closed and self.into.fin) or self.dead:
            return "CLOSED"
        return STATES[self._fin_sent, self.into.fin]

    # What the directions call

    def take_fin(self) -> None:
        """FIN has arrived."""
        self.into.fin = True
        if self.on_readable is not None:
            self.on_readable()

    def take_reset(self) -> None:
        """RST has arrived: the connection is over, and what had arrived can still be read."""
        if self.closed or self.dead:
            return
        self.dead = True
        if self.into.unread > self.into.window // 2:
            self.into.fin = False  # it was behind bytes that had no room here: it never came
        self._error = self._reset_number()
        self.out.drop_flight()
        self.out.open = self.into.open = False
        for hook in (self.on_readable, self.on_writable):
            if hook is not None:
                hook()

    def _reset_number(self) -> int:
        if not self.wire.kind.eof_hides_reset or not self.into.fin:
            return errno.ECONNRESET
        return 0 if self._fin_sent else errno.EPIPE

    def _send_fin(self) -> None:
        if not self._fin_sent:
            self._fin_sent = True
            self.out.finish()

    def _send_reset(self) -> None:
        if self.wire.kind.answers_late:
            self.out.drop_flight()  # a reset throws away what was on its way
        self.out.put(RST)

    def _check_sendable(self) -> None:
        late = self.wire.kind.answers_late
        if late:
            self._raise_error()
        if self.dead or self._fin_sent or (self.peer.closed and not late):
            raise _error(errno.EPIPE)

    def _raise_error(self) -> None:
        number, self._error = self._error, 0
        if number:
            raise _error(number)


class Wire:
    """One connection in the kernel, from both ends.

    Args:
        window: bytes that one end may have sent and the other not yet taken; what the kernel's
            default is for the kind, if None.
        chunks: how arrived bytes are cut into deliveries, see `Chunks`.
        kind: `TCP` or `UNIX`: how connections of this kind end.

    Attributes:
        ends: the two ends.

    Raises:
        ValueError: a window below one byte.
        TypeError: the window is no whole number, ``chunks`` neither a policy nor callable, ``kind``
            no kind.
    """

    __slots__ = ("__weakref__", "ends", "kind")

    def __init__(
        self,
        window: Optional[int] = None,
        chunks: Optional[ChunksLike] = None,
        kind: Kind = TCP,
    ) -> None:
        if not isinstance(kind, Kind):
            raise TypeError(f"kind got {kind!r}, expected TCP or UNIX of streamgauge.fakes")
        if window is None:
            window = kind.window_bytes
        else:
            check_count("window", window, least=1)
        self.kind = kind
        a, b = self.ends = WireEnd(self), WireEnd(self)
        a.peer, b.peer = b, a
        a.out = b.into = Direction(a, b, window, chunks)
        b.out = a.into = Direction(b, a, window, chunks)

    def stall(self) -> None:
        """Hold both directions."""
        for end in self.ends:
            end.stall()

    def resume(self) -> None:
        """Let both directions go."""
        for end in self.ends:
            end.resume()

    def reset(self) -> None:
        """Both ends see RST, at once, even if the wire is stalled."""
        for end in self.ends:
            end.take_reset()
