"""Saboteurs of what lies across several pieces: searched, joined, counted, or received in place."""

from __future__ import annotations

from collections import deque
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur

SOCKET = ("socketpair",)


@saboteur("reader.readuntil.split-separator", "readuntil")
def a_separator_lies_across_two_pieces_at_most(s: Any) -> None:
    """A separator of which a piece is a part in the middle is not found."""

    @instead(s.buffer.ReceiveBuffer)
    def find(self: Any, separator: bytes, start: int, stop: int) -> int:
        before, begins = b"", 0
        for base, chunk in [*self._chunks_from(start)]:
            both = before + bytes(chunk)
            found = both.find(separator, max(0, start - begins))
            if 0 <= found <= stop - begins - len(separator):
                return begins + found
            before, begins = bytes(chunk), base
        return -1


@saboteur("reader.readuntil.consumes-record", "at_eof() with everything read")
def what_was_joined_is_counted_wrong(s: Any) -> None:
    """When many pieces are joined, one byte more is counted than there is."""
    real = s.buffer.ReceiveBuffer.gather

    @instead(s.buffer.ReceiveBuffer)
    def gather(self: Any) -> bool:
        joined = real(self)
        self.before += joined
        self.tail_size += joined
        return bool(joined)


@saboteur("reader.readuntil.waits-for-separator", "it still waits")
def what_is_let_go_of_is_counted_again(s: Any) -> None:
    """A search goes on too far to the right once what was read of a piece has been let go of."""
    real = s.buffer.ReceiveBuffer.release

    @instead(s.buffer.ReceiveBuffer)
    def release(self: Any) -> None:
        was = self.head
        real(self)
        if self.head is not was:
            self.before -= len(self.head)


@saboteur("reader.readline.waits-for-newline", "it still waits", links=SOCKET)
def a_long_line_is_received_as_if_its_length_were_known(s: Any) -> None:
    """A line that may be long is received in one place, until it is as long as a line may be."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        real(self, data)
        if self._waiter is not None and not self._waiter.done() and self._landing is None:
            self._land()

    s.intake._FEED_DATA = feed_data


@saboteur("reader.readexactly.returns-n", "expected b'0000000", links=SOCKET)
def what_was_joined_stays_in_the_queue(s: Any) -> None:
    """What was joined to be searched is found once more by who receives a large message."""
    real = s.buffer.ReceiveBuffer.gather

    @instead(s.buffer.ReceiveBuffer)
    def gather(self: Any) -> bool:
        tail = deque(self.tail)
        joined = real(self)
        if joined and not self.tail:
            self.tail = tail
        return bool(joined)
