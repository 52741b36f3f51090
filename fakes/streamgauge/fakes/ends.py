"""`StreamEnd`: what a pair gives for each side, how it is made, looked at and ended.

Shared by all pairs, whatever lies between the ends; what does is in `pairs`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Any, Awaitable, Callable, Iterator, List, Optional, Tuple

from .leaks import Leak, unread_bytes
from .wire import WireEnd

__all__ = ["MemoryStreamEnd", "StreamEnd", "join"]

STREAM_CLASSES = ("StreamReader", "StreamReaderProtocol", "StreamWriter")
ENDING_TURNS = 100  # of the loop; an abort takes two or three, with TLS some more
DEFAULT_LIMIT_BYTES = 64 * 1024  # the documented default of open_connection

Connect = Callable[[Callable[[], Any]], Awaitable[Any]]


class StreamEnd:
    """One side of a pair; ``reader, writer = end`` works as well.

    Attributes:
        reader: the stream reader.
        writer: the stream writer.
    """

    def __init__(self, name: str, reader: Any, writer: Any) -> None:
        self.name = name
        self.reader = reader
        self.writer = writer
        tls = writer.get_extra_info("ssl_object") is not None  # a transport forgets it at its end
        self._sock = None if tls else writer.get_extra_info("socket")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.reader!r} {self.writer!r}>"

    def __iter__(self) -> Iterator[Any]:
        return iter((self.reader, self.writer))

    @property
    def transport(self) -> Any:
        """The writer's transport."""
        return self.writer.transport

    def report(self) -> str:
        """Say how this end stands, for a failure."""
        return f"{self.name}: {self.transport!r}, {unread_bytes(self.reader)} bytes unread"

    def leaks(self) -> List[Leak]:
        """Say what was left: a writer that is open, bytes that nobody read."""
        found = []
        if not self.transport.is_closing():
            found.append(Leak("unclosed-writer", f"the {self.name}'s writer, {self.transport!r}"))
        unread = unread_bytes(self.reader) + self._not_delivered()
        if unread:
            found.append(Leak("unread-bytes", f"{unread} bytes that the {self.name} never read"))
        return found

    def abort(self) -> None:
        """Abort the connection, whether it is there yet or not."""
        with contextlib.suppress(AttributeError):  # asyncio's, once a close has flushed (3.8-3.13)
            self.transport.abort()

    async def end(self) -> None:
        """Abort the connection, if it is there yet, and wait until it is gone.

        A writer whose transport has another protocol by now, as in the midst of TLS, is never
        told; so the waiting ends, at the latest, when an abort has long been done.
        """
        self.abort()
        closed = asyncio.ensure_future(self.writer.wait_closed())
        try:
            for _ in range(ENDING_TURNS):
                if closed.done():
                    break
                await asyncio.sleep(0)
        finally:
            closed.cancel()
            await asyncio.wait([closed])
            closed.cancelled() or closed.exception()  # its users and the loop know of it

    def _not_delivered(self) -> int:
        return _kernel_has(self._sock)


class MemoryStreamEnd(StreamEnd):
    """One side of a memory pair.

    Attributes:
        wire: this side's end of the wire; its hands rule what this side sends.
    """

    def __init__(self, name: str, reader: Any, writer: Any, wire: WireEnd) -> None:
        super().__init__(name, reader, writer)
        self.wire = wire

    def report(self) -> str:
        """Say how this end stands, with the last bytes that it sent, taken and not."""
        out = self.wire.out
        sent = f"sent {out.sent} bytes, {self.wire.in_flight()} in flight, {out.report()}"
        return f"{super().report()}, {self.wire.state}, {sent}"

    async def end(self) -> None:
        """Abort the connection, and wait until it is gone."""
        self.abort()
        while not self.wire.closed:  # noqa: ASYNC110  # a turn or two: an abort waits for nobody
            await asyncio.sleep(0)

    def _not_delivered(self) -> int:
        return self.wire.peer.in_flight()


def _kernel_has(sock: Any) -> int:
    """Count the bytes that the kernel has for a socket; 0 where it can't be told."""
    if sys.platform == "win32" or sock is None or sock.fileno() < 0:
        return 0
    try:
        import fcntl  # noqa: PLC0415  # not on every platform
        import struct  # noqa: PLC0415
        import termios  # noqa: PLC0415  # not on every platform
    except ImportError:
        return 0

    count: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0" * 4))[0]
    return count


async def join(
    streams: Any, limit: int, connect: Connect, loop: Optional[asyncio.AbstractEventLoop] = None
) -> Tuple[Any, Any]:
    """Make a reader and a writer of a module's classes on a connection.

    Args:
        streams: `asyncio`, or a module with its StreamReader, StreamReaderProtocol, StreamWriter.
        limit: the reader's limit, in bytes.
        connect: given a protocol factory, connects and returns the transport.
        loop: the running loop.

    Raises:
        TypeError: the module has not all of the classes.
    """
    missing = [name for name in STREAM_CLASSES if not hasattr(streams, name)]
    if missing:
        raise TypeError(f"streams got {streams!r}, expected a module or object with {missing}")
    loop = loop or asyncio.get_running_loop()
    reader = streams.StreamReader(limit=limit, loop=loop)
    protocol = streams.StreamReaderProtocol(reader, loop=loop)
    transport = await connect(lambda: protocol)
    return reader, streams.StreamWriter(transport, protocol, reader, loop)
