"""The receive buffer: bytes that have arrived and have not been read yet.

Here live the queue of chunks, taking bytes from it, and the search for separators. Nothing in
this module knows of asyncio, of limits as a policy, of EOF, or of who is waiting: that is
``reader``. Chunks are kept as they came; a read copies only what it returns, and every
operation is linear in the bytes it touches, however the bytes were cut up on their way.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Iterator, Sequence

# A `bytes` object of one byte costs some 40 bytes. A run of this many trailing chunks, each
# smaller than _TINY_BYTES, is therefore joined: memory stays proportional to what was received,
# and as each byte is joined at most once, time does too.
_TINY_RUN = 64
_TINY_BYTES = 64


class ReceiveBuffer:
    """A queue of received bytes, read from the left and appended to on the right.

    The first chunk stands outside the queue: nearly every read concerns it alone. A read that
    leaves at least one byte of it may serve itself: take from ``head`` at ``offset`` and move
    ``offset`` on. Everything else is for the methods.

    Attributes:
        head: The first chunk. It has unread bytes whenever there are any.
        offset: How many bytes of ``head`` were read already.
        received: Bytes ever put in. ``received - size`` have left, so a value of ``received``
            names a place in the stream that stays right while reads take bytes away.
    """

    __slots__ = ("_tail", "_tail_size", "_tiny_run", "head", "offset", "received")

    def __init__(self) -> None:
        self.head = b""
        self.offset = 0
        self.received = 0
        self._tail: Deque[bytes] = deque()
        self._tail_size = 0
        self._tiny_run = 0

    @property
    def size(self) -> int:
        """Bytes held at the moment."""
        return len(self.head) - self.offset + self._tail_size

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return b"".join((self.head[self.offset :], *self._tail))

    def append(self, data: bytes) -> None:
        """Put ``data`` behind what is there; it is kept, not copied."""
        length = len(data)
        if not length:
            return
        self.received += length
        if not self.head:
            self.head = data
            return
        self._tail.append(data)
        self._tail_size += length
        self._tiny_run = self._tiny_run + 1 if length < _TINY_BYTES else 0
        if self._tiny_run == _TINY_RUN:
            self._join_tiny_run()

    def take(self, n: int) -> bytes:
        """Remove and return the first ``n`` bytes, or all there are if they are fewer."""
        head = self.head
        start = self.offset
        end = start + n
        if end < len(head):
            self.offset = end
        elif end == len(head) or not self._tail:
            self._next_head()
        else:
            return self._take_over_chunks(n)
        return head[start:end]

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(self.size)

    def replace(self, data: bytes) -> None:
        """Forget everything and hold ``data`` in its place, as if it had just been received."""
        self._tail.clear()
        self._tail_size = 0
        self._tiny_run = 0
        self._next_head()
        self.append(data)

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
        searched = max(0, since - (self.received - self.size))
        stop = self.size
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
            found = chunk.find(separator, max(0, start - base), stop - base)
            if found >= 0:
                return base + found
            if overlap:
                before = (before + chunk[max(0, start - base, len(chunk) - overlap) :])[-overlap:]
        return -1

    def _chunks_from(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield the chunks from the one that holds offset ``start`` on, each with its offset.

        A search that goes on where the last one stopped has its start near the right end, so
        unless the start is in the first chunk, it is looked for from there.
        """
        base = -self.offset
        if start < base + len(self.head):
            yield base, self.head
            base += len(self.head)
            for chunk in self._tail:
                yield base, chunk
                base += len(chunk)
            return
        base = self.size
        chunks = []
        for chunk in reversed(self._tail):
            base -= len(chunk)
            chunks.append((base, chunk))
            if base <= start:
                break
        yield from reversed(chunks)

    def _next_head(self) -> None:
        """Go on to the next chunk: the head was read to its end."""
        self.offset = 0
        if self._tail:
            self.head = self._tail.popleft()
            self._tail_size -= len(self.head)
        else:
            self.head = b""

    def _take_over_chunks(self, n: int) -> bytes:
        """Take up to ``n`` bytes, reaching beyond the first chunk; joins only these."""
        parts = []
        while n and self.head:
            part = self.head[self.offset : self.offset + n]
            parts.append(part)
            n -= len(part)
            self.offset += len(part)
            if self.offset == len(self.head):
                self._next_head()
        return b"".join(parts)

    def _join_tiny_run(self) -> None:
        """Make one chunk of the last tiny ones, as far as reads have left them."""
        tail = self._tail
        if len(tail) < _TINY_RUN:
            self._tiny_run = len(tail)
            return
        run = [tail.pop() for _ in range(_TINY_RUN)]
        tail.append(b"".join(reversed(run)))
        self._tiny_run = 0
