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

    Attributes:
        size: Bytes held at the moment.
        received: Bytes ever put in. ``received - size`` have left, so a value of ``received``
            names a place in the stream that stays right while reads take bytes away.
    """

    # The first chunk stands outside the queue: nearly every read concerns it alone. It has
    # unread bytes whenever `size` is not 0.
    __slots__ = ("_head", "_offset", "_tail", "_tiny_run", "received", "size")

    def __init__(self) -> None:
        self._head = b""
        self._offset = 0  # bytes of the head that were read already
        self._tail: Deque[bytes] = deque()
        self._tiny_run = 0
        self.received = 0
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def __bytes__(self) -> bytes:
        return b"".join((self._head[self._offset :], *self._tail))

    def append(self, data: bytes) -> None:
        """Put ``data`` behind what is there; it is kept, not copied."""
        length = len(data)
        if not length:
            return
        if self.size:
            self._tail.append(data)
            self._tiny_run = self._tiny_run + 1 if length < _TINY_BYTES else 0
            if self._tiny_run == _TINY_RUN:
                self._join_tiny_run()
        else:
            self._head = data
            self._offset = 0
        self.size += length
        self.received += length

    def take(self, n: int) -> bytes:
        """Remove and return the first ``n`` bytes, or all there are if they are fewer."""
        if n > self.size:
            n = self.size
        head = self._head
        start = self._offset
        end = start + n
        if end > len(head):
            return self._take_over_chunks(n)
        self.size -= n
        if end < len(head):
            self._offset = end
        else:
            self._head = self._tail.popleft() if self._tail else b""
            self._offset = 0
        return head[start:end]

    def take_through(self, separator: bytes, limit: float) -> bytes | None:
        """Take all up to and including ``separator``, if the first chunk settles the matter.

        This is the fast path of reads that look for one separator. It answers None, and takes
        nothing, when the first chunk does not hold the separator or holds it more than
        ``limit`` bytes away: then :meth:`search` has the answer.
        """
        head = self._head
        start = self._offset
        found = head.find(separator, start)
        if found < 0 or found - start > limit:
            return None
        end = found + len(separator)
        self.size -= end - start
        if end < len(head):
            self._offset = end
        else:
            self._head = self._tail.popleft() if self._tail else b""
            self._offset = 0
        return head[start:end]

    def take_all(self) -> bytes:
        """Remove and return everything."""
        return self.take(self.size)

    def replace(self, data: bytes) -> None:
        """Forget everything and hold ``data`` in its place, as if it had just been received."""
        self._head = b""
        self._offset = 0
        self._tail.clear()
        self._tiny_run = 0
        self.size = 0
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
        base = -self._offset
        if start < base + len(self._head):
            yield base, self._head
            base += len(self._head)
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

    def _take_over_chunks(self, n: int) -> bytes:
        """Take ``n`` bytes that reach beyond the first chunk; joins only these."""
        parts = [self._head[self._offset :]]
        missing = n - len(parts[0])
        tail = self._tail
        while missing and len(tail[0]) <= missing:
            parts.append(tail.popleft())
            missing -= len(parts[-1])
        self._head = tail.popleft() if tail else b""
        self._offset = missing
        if missing:
            parts.append(self._head[:missing])
        self.size -= n
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
