"""Receive buffers that the reader's ready paths do not look into.

Programs read and change ``reader._buffer``, which is a bytearray in asyncio, keep it, and take
memoryviews of it. So the first time somebody asks, the buffer becomes a :class:`LentBuffer`: from
then on the bytes live in the very bytearray that was handed out, with asyncio's behaviour and at
asyncio's speed. Two more kinds serve the reader itself: one that withholds its bytes from every
read, and one that holds the rest of a line that was too long.

A buffer changes its kind in place, by ``__class__``, because reads that wait refer to it. Its
stream stands behind the end of nothing, so each ready path finds too little there and leaves the
decision to a slow path or to a method.
"""

from __future__ import annotations

import sys
from typing import Any, Sequence

from .buffer import NO_QUEUE, ReceiveBuffer, find_in


class LentBuffer(ReceiveBuffer):
    """A receive buffer whose bytes are in a bytearray that others may have.

    The bytearray is in the place of the queue.
    """

    __slots__ = ()
    tail: Any

    @property
    def tail_size(self) -> int:  # type: ignore[override]  # a slot of the plain kind
        """How many bytes are held: all of them are behind ``head``, which is empty."""
        return len(self.tail)

    @property
    def size(self) -> int:
        """Bytes held at the moment."""
        return len(self.tail)

    @property
    def received(self) -> int:
        """Bytes that reads have taken, and those that are held."""
        return self.before + len(self.tail)

    def __bytes__(self) -> bytes:
        return bytes(self.tail)

    def append(self, data: bytes) -> int:
        """Put ``data`` behind what is there.

        Returns:
            More than any read can need: a program that has the bytearray may have changed what
            the read that waits is waiting for, so that has to look again.
        """
        self.tail += data
        return sys.maxsize

    def take_on(self, data: bytes, n: int) -> bytes:
        """Return the first ``n`` bytes; ``data``, what the stream had of them, is empty."""
        store = self.tail
        with memoryview(store) as view:
            data = bytes(view[:n])
        del store[:n]
        self.before += len(data)
        return data

    def pour(self, place: memoryview) -> int:
        """Move everything to the beginning of ``place``; return how many bytes that were."""
        data = self.take_all()
        place[: len(data)] = data
        return len(data)

    def replace(self, data: bytes) -> None:
        """Forget everything and hold ``data`` in its place."""
        store = self.tail
        self.before += len(store)
        store[:] = data

    def release(self) -> None:
        """Do nothing: what was read is gone already."""

    def gather(self) -> bool:
        """Do nothing: all is in one piece."""
        return False

    def search(self, separators: Sequence[bytes], since: int = 0) -> tuple[int, int] | None:
        """Find as the plain kind does, from the beginning: others may have moved the bytes."""
        return super().search(separators)

    def find(self, separator: bytes, start: int, stop: int) -> int:
        """Return the offset of ``separator`` within ``[start, stop)``, or -1."""
        return find_in(self.tail, separator, start, stop)


class WithheldBuffer(LentBuffer):
    """A buffer that no read is served from: an exception was set that comes first."""

    __slots__ = ()
    withheld = True
    tail_size = 0  # else `read` would go on here


class SkippedBuffer(LentBuffer):
    """A buffer that begins within a line that was too long; its newline ends that."""

    __slots__ = ()
    skipped = True

    def take_on(self, data: bytes, n: int) -> bytes:
        """Return the first ``n`` bytes; note the newline that is among them."""
        data = super().take_on(data, n)
        if b"\n" in data:
            _make(self, LentBuffer)
        return data


def withhold(buffer: ReceiveBuffer) -> None:
    """Let no read be served from a buffer."""
    lend(buffer)
    _make(buffer, WithheldBuffer)


def skip(buffer: ReceiveBuffer) -> None:
    """Note that what comes next is the rest of a line that was too long."""
    lend(buffer)
    _make(buffer, SkippedBuffer)


def release(buffer: ReceiveBuffer) -> None:
    """Let reads be served again from a buffer that was withheld."""
    _make(buffer, LentBuffer)


def _make(buffer: ReceiveBuffer, kind: type[ReceiveBuffer]) -> None:
    buffer.__class__ = kind  # all kinds have the same slots


def lend(buffer: ReceiveBuffer, store: bytearray | None = None) -> bytearray:
    """Make a buffer a lent one and return the bytearray that holds its bytes from now on.

    Args:
        buffer: The buffer, of any kind; a lent one keeps its kind.
        store: What is to hold the bytes from now on, with those that it has already, in the
            place of those that were there.
    """
    if not isinstance(buffer, LentBuffer):
        held = bytearray(bytes(buffer))
        buffer.before = buffer.received - len(held)
        buffer.head = b""
        buffer.stream.__init__(b"")  # type: ignore[misc]  # begins anew
        buffer.stream.seek(1)
        buffer.tail = held  # type: ignore[assignment]  # see LentBuffer
        _make(buffer, LentBuffer)
    if store is not None:
        buffer.before += buffer.size
        buffer.tail = store  # type: ignore[assignment]
    return buffer.tail  # type: ignore[return-value]


def reclaim(buffer: ReceiveBuffer) -> None:
    """Make a lent buffer a plain one again; nobody else may have its bytearray."""
    if isinstance(buffer, LentBuffer):
        data = bytes(buffer)
        _make(buffer, ReceiveBuffer)
        buffer.tail = NO_QUEUE
        buffer.tail_size = 0  # type: ignore[misc]  # it is plain now
        buffer.head = data
        buffer.stream.__init__(data)  # type: ignore[misc]  # begins anew
