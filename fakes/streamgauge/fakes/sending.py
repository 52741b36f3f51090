"""Sending a file over a memory transport, as a loop's `sendfile` does it over a socket's.

There is no kernel to hand a file to, so a file with a descriptor is read in blocks, and written as
the transport has room. All else, TLS and files without a descriptor, is sent by the running
asyncio's own fallback. Which transports come here is decided in `network`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Optional

from . import quirks
from .transport import MemoryTransport

__all__ = ["knows_sendfile", "sendfile"]

BLOCK_BYTES = 64 * 1024


def knows_sendfile(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop has a `sendfile` of its own; uvloop has none, and programs find that out."""
    return type(loop).sendfile is not asyncio.AbstractEventLoop.sendfile


async def sendfile(
    loop: asyncio.AbstractEventLoop,
    transport: Any,
    file: Any,
    offset: int = 0,
    count: Optional[int] = None,
    *,
    fallback: bool = True,
) -> int:
    """Send a file over a memory transport, or over TLS on one.

    Args:
        loop: the running loop.
        transport: the transport; nothing is read from it meanwhile.
        file: a file that was opened in binary mode. Its position is behind the last byte that was
            sent in the end, whatever happens; if none was, as this Python leaves it.
        offset: where in the file to begin, in bytes.
        count: how many bytes to send; up to the end of the file if None.
        fallback: whether the file may be read and written by hand, which TLS cannot do without.

    Returns:
        How many bytes were sent.

    Raises:
        RuntimeError: the transport is closing, or TLS without ``fallback``.
        ConnectionError: the connection ended before the file did.
        ValueError: the file is opened as text; ``offset`` is negative, ``count`` not positive.
        TypeError: either is no whole number.

    A cancellation stops it between two blocks; what was written before is sent.
    """
    if isinstance(transport, MemoryTransport) and not transport.is_closing():
        check: Any = asyncio.BaseEventLoop._check_sendfile_params  # type: ignore[attr-defined, unused-ignore]
        check(loop, transport.get_extra_info("socket"), file, offset, count)
        if _has_descriptor(file):
            return await _send_blocks(transport, file, offset, count)
    send: Any = asyncio.BaseEventLoop.sendfile
    sent: int = await send(_Here(loop), transport, file, offset, count, fallback=fallback)
    return sent


def _has_descriptor(file: Any) -> bool:
    try:
        file.fileno()
    except (AttributeError, OSError):  # io.UnsupportedOperation is one
        return False
    return True


class _Here:
    """Stands in for the loop under asyncio's own `sendfile`: files are read in this thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        own: Any = asyncio.BaseEventLoop._sendfile_fallback  # type: ignore[attr-defined, unused-ignore]
        self._sendfile_fallback = own.__get__(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def run_in_executor(self, executor: Any, call: Callable[..., Any], *args: Any) -> Any:
        return call(*args)


async def _send_blocks(transport: Any, file: Any, offset: int, count: Optional[int]) -> int:
    before = file.tell()
    file.seek(offset)
    sender = _Sender(transport)
    sent = 0
    try:
        await sender.room()
        while count is None or sent < count:
            block = file.read(BLOCK_BYTES if count is None else min(BLOCK_BYTES, count - sent))
            if not block:
                break
            transport.write(block)
            sent += len(block)
            await sender.room()
    finally:
        moved = sent or quirks.SENDFILE_OF_NOTHING_MOVES
        file.seek(offset + sent if moved else before)
        sender.leave()
    return sent


class _Sender(asyncio.Protocol):
    """Stands in for a transport's protocol, to be told of room, and tells the protocol all of it.

    Args:
        transport: the transport, of which reading is paused until `leave`.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._protocol = transport.get_protocol()
        self._full = bool(transport._protocol_paused)
        self._waiter: Optional[asyncio.Future[None]] = None
        self._why: Optional[Exception] = None
        self._ended = False
        self._reads = transport.is_reading()
        transport.pause_reading()
        transport.set_protocol(self)

    async def room(self) -> None:
        """Wait until the transport wants more."""
        if self._transport.is_closing():
            await asyncio.sleep(0)  # a connection that failed says why in the next turn
            raise self._why or ConnectionError("Connection closed by peer")
        if self._full:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def leave(self) -> None:
        """Give the transport back to its protocol, unless the connection has ended."""
        if self._ended:
            return
        self._transport.set_protocol(self._protocol)
        if self._reads:
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """The transport is full."""
        self._full = True
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """The transport has room again."""
        self._full = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self._protocol.resume_writing()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        """The connection has ended, in the midst of the file."""
        self._ended, self._why = True, exc
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("Connection closed by peer"))
        self._protocol.connection_lost(exc)
