"""The receive buffer: bytes that have arrived and have not been read yet.

Here live the queue of chunks, taking bytes from it, and the search for separators. Nothing in
this module knows of asyncio, of limits as a policy, of EOF, or of who is waiting: that is
``reader``. Chunks are kept as they came; a read copies only what it returns, and every
operation is linear in the bytes it touches, however the bytes were cut up on their way.
"""

from __future__ import annotations

import sys
from collections import deque
from io import BytesIO
from typing import Deque, Iterator, Sequence

# A `bytes` object of one byte costs some 40 bytes. So chunks smaller than TINY_BYTES that come
# one behind the other are collected in a bytearray of some PILE_BYTES: memory stays proportional
# to what was received, and as each byte is moved there at most once, time does too.
TINY_BYTES = 64
PILE_BYTES = 4096

# Chunks that are at least this many, and on average no longer than that, are joined before they
# are searched: one search of the whole is cheaper then than one for each junction.
_MANY_CHUNKS = 4
_SMALL_BYTES = 4096
_GATHER_BYTES = 2**18


# What stands for the queue until there is one: most connections never need it. Never changed.
NO_QUEUE: Deque[bytes | bytearray] = deque()


class ReceiveBuffer:
    """A queue of received bytes, read from the left and appended to on the right.

    The chunk that is being read stands outside the queue, under a `BytesIO`, which shares its
    memory, keeps the place and cuts off what is read in one call into C. Nearly every read
    concerns this chunk alone and may serve itself by the stream's own ``read`` and ``readline``.
    If they return too little, the rest is in the queue, for the methods; what was taken for
    nothing goes back by :meth:`unread`.

    Attributes:
        head: The chunk that is being read.
        stream: Reads from what is left of ``head``; to be read from and asked for its place only.
        tail: The queue: what came behind ``head``, untouched; tiny chunks in bytearrays.
        tail_size: How many bytes are in the queue behind ``head``.
        withheld: No read may be served from here (see ``lending``).
        skipped: Here is the rest of a line that was too long (see ``lending``).
    """

    withheld = False
    skipped = False

    __slots__ = ("before", "head", "stream", "tail", "tail_size")

    def __init__(self) -> None:
        self.stream = BytesIO()
        self.head = b""
        self.tail_size = 0
        self.tail = NO_QUEUE
        self.before = 0  # bytes that were received before those of head

    def __del__(self) -> None:
        """Stay usable when the garbage collector has found it in a cycle.

        The collector finalises an IO object, which closes it, before it clears the cycle; and
        somebody else's ``__del__`` may still ask the reader. It goes by age, and this is older
        than its stream. (A stream that can't be closed would make each read dearer.)
        """
        try:
            place = self.stream.tell()
        except (AttributeError, ValueError):
            return
        self.stream = BytesIO(self.head)
        self.stream.seek(place)

    @property
    def size(self) -> int:
        """Bytes held at the moment."""
        return len(self.head) - self.stream.tell() + self.tail_size

    @property
    def received(self) -> int:
        """Bytes ever put in.

        ``received - size`` have left, so this names a place in the stream that stays right while
        reads take bytes away.
        """
        return self.before + len(self.head) + self.tail_size

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return b"".join((self.head[self.stream.tell() :], *self.tail))

    def append(self, data: bytes) -> int:
        """Put ``data`` behind what is there; it is kept, not copied.

        Returns:
            A bound of ``size`` that costs nothing to know: what was read of ``head`` is in it.
        """
        length = len(data)
        if not self.tail_size:
            end = len(self.head)
            if self.stream.tell() == end:  # as `_load` would do it; one call less
                self.before += end
                self.head = data
                self.stream.__init__(data)  # type: ignore[misc]  # begins anew
                return length
            self.tail = deque((data,) if length else ())
        elif length >= TINY_BYTES:
            self.tail.append(data)
        else:
            last = self.tail[-1]
            if last.__class__ is bytearray and len(last) < PILE_BYTES:
                last += data
            elif len(last) < TINY_BYTES:
                self.tail[-1] = bytearray(last) + data
            elif length:
                self.tail.append(data)
        self.tail_size = size = self.tail_size + length
        return size + len(self.head)

    def unread(self, n: int) -> None:
        """Put the last ``n`` bytes back that were read from ``head``."""
        self.stream.seek(-n, 1)

    def take(self, n: int) -> bytes:
        """Remove and return the first ``n`` bytes, or all there are if they are fewer."""
        return self.take_on(self.stream.read(n), n)

    def take_on(self, data: bytes, n: int) -> bytes:
        """Go on where reading ``n`` bytes from ``head`` returned ``data``, and return it all."""
        missing = n - len(data)
        tail = self.tail
        if not (missing and tail):
            return data
        if self.head:
            self._load(b"")
        parts: list[bytes | bytearray] = [data] if data else []
        if self.tail_size <= missing:  # nothing stays
            parts += tail
            self.before += self.tail_size
            self.tail = NO_QUEUE
            self.tail_size = 0
        else:
            self._take_from_queue(missing, parts)
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)

    def _take_from_queue(self, missing: int, parts: list[bytes | bytearray]) -> None:
        """Move ``missing`` bytes from the queue, where there are more, behind ``parts``."""
        tail = self.tail
        while missing:
            chunk = tail.popleft()
            length = len(chunk)
            self.tail_size -= length
            if length > missing:
                self._load(bytes(chunk))  # no copy, unless it is a pile
                chunk = self.stream.read(missing)
                length = missing
            else:
                self.before += length
            missing -= length
            parts.append(chunk)

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(self.size)

    def pour(self, place: memoryview) -> int:
        """Move everything to the beginning of ``place``; return how many bytes that were."""
        filled = 0
        for part in (self.stream.read(), *self.tail):
            place[filled : filled + len(part)] = part
            filled += len(part)
        self.replace(b"")
        return filled

    def replace(self, data: bytes) -> None:
        """Forget everything and hold ``data`` in its place, as if it had just been received."""
        self.before += self.tail_size
        self.tail = NO_QUEUE
        self.tail_size = 0
        self._load(data)

    def release(self) -> None:
        """Let go of what was read of the first chunk, if that is more than what is left of it.

        So there is never more copied for this than was read.
        """
        start = self.stream.tell()
        rest = len(self.head) - start
        if start > rest:
            self._load(self.head[start:])
            self.before -= rest

    def gather(self) -> bool:
        """Join small chunks at the beginning to one, some 256 KiB at a time; return if it did.

        No more of ``head`` is joined than of the queue, from which everything is joined once at
        most: so all the joining there ever is stays linear in what was received.
        """
        tail = self.tail
        count = len(tail)
        if count < _MANY_CHUNKS or self.tail_size > count * _SMALL_BYTES:
            return False
        start = self.stream.tell()
        rest = len(self.head) - start
        if rest > min(self.tail_size, _GATHER_BYTES):
            return False
        parts: list[bytes | bytearray] = [self.head[start:]] if rest else []
        if self.tail_size <= _GATHER_BYTES:
            parts += tail
            self.tail = NO_QUEUE
            self.tail_size = 0
        else:
            several = count * _GATHER_BYTES // self.tail_size  # at least 64
            parts += [tail.popleft() for _ in range(several)]
            self.tail_size += rest - sum(map(len, parts))
        self._load(b"".join(parts))
        self.before -= rest
        return True

    def search(self, separators: Sequence[bytes], since: int = 0) -> tuple[int, int] | None:
        """Find the shortest beginning of the buffer that ends with one of ``separators``.

        Args:
            separators: Not empty, shortest first: where two end at the same byte, the first wins.
            since: A former value of ``received`` when a search found nothing; only matches that
                end beyond that place are looked for.

        Returns:
            Where the separator starts and where it ends, in bytes from the start of the buffer;
            None if there is none.
        """
        stop = size = self.size
        searched = max(0, since - (self.received - size))
        best = None
        for separator in separators:
            start = self.find(separator, max(0, searched - len(separator) + 1), stop)
            if start >= 0:
                best = (start, start + len(separator))
                stop = best[1] - 1  # another one has to end earlier to be better
        return best

    def find(self, separator: bytes, start: int, stop: int) -> int:
        """Return the offset of ``separator`` within ``[start, stop)``, or -1.

        Each chunk is searched where it lies. Only a junction of chunks is copied: at most
        ``len(separator) - 1`` bytes from either side.
        """
        overlap = len(separator) - 1
        before = b""  # the last bytes ahead of the chunk, where a match may begin
        for base, chunk in self._chunks_from(start):
            if base >= stop:
                break
            if before:
                found = (before + chunk[:overlap]).find(separator)
                if found >= 0:
                    found += base - len(before)
                    return found if found + len(separator) <= stop else -1
            found = find_in(chunk, separator, max(0, start - base), stop - base)
            if found >= 0:
                return base + found
            if overlap:
                before = (before + chunk[max(0, start - base, len(chunk) - overlap) :])[-overlap:]
        return -1

    def _chunks_from(self, start: int) -> Iterator[tuple[int, bytes | bytearray]]:
        """Yield the chunks from the one that holds offset ``start`` on, each with its offset.

        A search that goes on where the last one stopped has its start near the right end, so
        unless the start is in the first chunk, it is looked for from there.
        """
        base = -self.stream.tell()
        if start < base + len(self.head):
            yield base, self.head
            base += len(self.head)
            for chunk in self.tail:
                yield base, chunk
                base += len(chunk)
            return
        base = self.size
        chunks = []
        for chunk in reversed(self.tail):
            base -= len(chunk)
            chunks.append((base, chunk))
            if base <= start:
                break
        yield from reversed(chunks)

    def _load(self, chunk: bytes) -> None:
        """Read from ``chunk``, which was received next, from now on; forget the former one."""
        self.before += len(self.head)
        self.head = chunk
        self.stream.__init__(chunk)  # type: ignore[misc]  # begins anew, as often as wanted


def find_in(data: bytes | bytearray, separator: bytes, start: int, stop: int = sys.maxsize) -> int:
    """Do what ``data.find(separator, start, stop)`` does, sooner.

    Python looks for one byte many times as fast as for several in a row. So the first byte is
    looked for, and where that was no separator, the rest of the way is left to Python.
    """
    found = data.find(separator[0], start, stop)
    if found < 0 or data.startswith(separator, found, stop):
        return found
    return data.find(separator, found, stop)
