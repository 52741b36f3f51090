"""A large message, received where it will be returned from.

``readexactly`` keeps the chunks of what it waits for and joins them: one more copy of all of it,
and for a moment twice the memory. Here lives what stands in for a connection's protocol while a
message comes that is larger than what a transport hands on at once: the transport writes into
memory that becomes, without a copy, the bytes that are returned. When that begins and ends is
``intake``'s business; nothing here waits or judges.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from io import BytesIO
from typing import Any

from .transports import is_closing, receives_in_place

_SCRATCH_BYTES = 2**16  # for one delivery that comes when a landing has ended


class Landing(asyncio.BufferedProtocol):
    """Receives a message in its place; passes on all that is not received bytes.

    Args:
        reader: The reader whose read needs the message. What it has received of it moves here.
            Its ``_landed`` is called when all has come: a little later, when the transport has
            let go of the memory.
        transport: Where the message comes from.
        protocol: What this stands in for.
        size: The message's, in bytes.

    Raises:
        MemoryError: There is no room for it. Nothing has moved.
    """

    def __init__(self, reader: Any, transport: Any, protocol: Any, size: int) -> None:
        self._reader = reader
        self._transport = transport
        self._protocol = protocol
        self._memory = BytesIO(bytes(size))
        self._view: memoryview | None = self._memory.getbuffer()
        self._given = self._view[:0]
        self._scratch = bytearray()
        self.size = size
        self.filled = reader._incoming.pour(self._view)
        transport.set_protocol(self)

    def get_buffer(self, sizehint: int) -> Any:
        """Give the place of what is missing."""
        if self._view is not None:
            self._given = self._view[self.filled :]
            return self._given
        self._scratch = bytearray(_SCRATCH_BYTES)
        return self._scratch

    def buffer_updated(self, nbytes: int) -> None:
        """Note what has come, and that all has."""
        if self._view is None:
            self._stand_back()
            self._protocol.data_received(bytes(self._scratch[:nbytes]))
            return
        self.filled += nbytes
        if self.filled == self.size:
            self._stand_back()
            asyncio.get_running_loop().call_soon(self._reader._landed, self)

    def eof_received(self) -> Any:
        """Pass it on."""
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._protocol.resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Pass it on."""
        self._protocol.connection_lost(exc)

    def end(self) -> bytes:
        """Stand in no more, and return what has come of the message; all of it without a copy."""
        self._stand_back()
        view: Any = self._view
        self._view = None
        begun = bytes(view[: self.filled]) if self.filled < self.size else b""
        view.release()
        with suppress(BufferError):  # uvloop lets go of it when the callback has returned
            self._given.release()  # the traceback of a reset would keep it
        return begun if self.filled < self.size else self._memory.getvalue()

    def _stand_back(self) -> None:
        """Let the protocol receive again, unless somebody has put another one there meanwhile."""
        if self._transport.get_protocol() is self:
            self._transport.set_protocol(self._protocol)


def land(reader: Any, transport: Any, size: int) -> Landing | None:
    """Receive a message, of which the reader's bytes are the beginning, in one place from now on.

    Returns:
        What receives it; None if the transport does not write into memory that it is given, if
        somebody looks at what comes (a subclass or a hook), or if there is no room.
    """
    if not receives_in_place(transport) or is_closing(transport):
        return None
    protocol = transport.get_protocol()
    feeds_only = getattr(protocol, "_feeds_only", None)
    if feeds_only is None or not feeds_only(reader):
        return None
    try:
        return Landing(reader, transport, protocol, size)
    except MemoryError:
        return None  # there has to be room when the message has come, not sooner
