"""A writer on a connection that holds a known number of bytes: what may come of each event.

Pure: no asyncio, no subject. The connection takes up to a window of bytes that its peer has not
taken; what is beyond it waits in the transport's buffer, whose water marks decide on `drain`.
"""

from __future__ import annotations

__all__ = ["WriterModel"]


class WriterModel:
    """What is known of a connection, after the events so far.

    Args:
        window: bytes under way before a sender is held.
        high: the high-water mark, in bytes.
        low: the low-water mark, in bytes.

    Attributes:
        written: bytes that were written.
        taken: bytes that the peer has taken.
        paused: whether `drain` waits.
        ended: whether sending was ended.
        lost: whether the connection was reset.
    """

    def __init__(self, window: int, high: int, low: int) -> None:
        self._window, self._high, self._low = window, high, low
        self.written = self.taken = 0
        self.paused = self.ended = self.lost = False

    @property
    def under_way(self) -> int:
        """Bytes that were written and not taken."""
        return self.written - self.taken

    @property
    def buffered(self) -> int:
        """Bytes that wait in the transport's buffer."""
        return max(0, self.under_way - self._window)

    def write(self, size: int) -> None:
        """Bytes are written."""
        self.written += size
        self.paused = self.paused or self.buffered > self._high

    def take(self, size: int) -> None:
        """The peer takes bytes."""
        self.taken += size
        self.paused = self.paused and self.buffered > self._low

    def drain(self) -> str:
        """Say how a `drain` stands once the loop is idle: it `waits`, `returned` or `raised`."""
        if self.lost:
            return "raised"
        return "waits" if self.paused else "returned"
