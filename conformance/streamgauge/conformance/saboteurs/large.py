"""Saboteurs of a `readexactly` of more than a transport hands on at once.

Ours receives such a message past the buffer, in its place (`landing`), where a transport can do
that: of the suite's links that is first `socketpair`.
"""

from __future__ import annotations

from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur

LINKS = ("socketpair",)


@saboteur("reader.readexactly.waits-for-n", "it still waits", links=LINKS)
def a_large_message_is_told_to_nobody(s: Any) -> None:
    """A large message comes whole, and the readexactly that waits for it sleeps on."""

    @instead(s.StreamReader)
    def _landed(self: Any, landing: Any) -> None:
        """Do nothing."""


@saboteur("reader.readexactly.waits-for-n", "(327,680 bytes), got", links=LINKS)
def a_large_message_is_shifted(s: Any) -> None:
    """What had come of a large message before its readexactly is overwritten."""
    real = s.landing.Landing.__init__

    @instead(s.landing.Landing)
    def __init__(self: Any, *args: Any) -> None:
        real(self, *args)
        self._view[: self.filled] = bytes(self.filled)


@saboteur("reader.readexactly.partial-has-data", "partial: expected b'0000000", links=LINKS)
def the_partial_of_a_large_message_is_what_is_buffered(s: Any) -> None:
    """At EOF, what was received of a large message past the buffer is forgotten."""

    @instead(s.StreamReader)
    def _settle(self: Any) -> None:
        if self._landing is not None:
            self._take_off()


@saboteur("reader.readexactly.cancel-keeps-data", "never ended", links=LINKS)
def a_cancelled_large_message_is_dropped(s: Any) -> None:
    """What was received of a large message past the buffer goes with a readexactly cancelled."""
    real = s.StreamReader._give_up

    @instead(s.StreamReader)
    def _give_up(self: Any, waiter: Any) -> None:
        landing = self._landing
        if landing is not None and landing.filled < landing.size:
            self._take_off()
        real(self, waiter)


@saboteur("reader.readexactly.cancel-keeps-data", "never ended", links=LINKS)
def a_large_message_cancelled_at_its_end_is_lost(s: Any) -> None:
    """A large message that is complete when its readexactly is cancelled is dropped."""
    real = s.StreamReader._give_up

    @instead(s.StreamReader)
    def _give_up(self: Any, waiter: Any) -> None:
        landing = self._landing
        if landing is not None and landing.filled == landing.size:
            self._take_off()
        real(self, waiter)


@saboteur("writer.write.after-peer-eof", "expected b'an answer'", links=LINKS)
def eof_in_a_large_message_closes_the_writer(s: Any) -> None:
    """EOF while a large message is received closes the connection."""
    real = s.landing.Landing.eof_received

    @instead(s.landing.Landing)
    def eof_received(self: Any) -> None:
        real(self)


@saboteur("reader.lost.buffered-data-readable", "it still waits", links=LINKS)
def a_reset_ends_no_large_message(s: Any) -> None:
    """A readexactly of a large message sleeps on when the connection is lost."""

    @instead(s.landing.Landing)
    def connection_lost(self: Any, exc: Any) -> None:
        """Do nothing."""


@saboteur("reader.feed_eof.wakes-waiting-read", "partial: expected b'0000000", links=LINKS)
def feed_eof_forgets_a_large_message(s: Any) -> None:
    """feed_eof ends a readexactly of a large message with an empty partial."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        if self._landing is not None:
            self._take_off()
        real(self)


@saboteur("reader.set_exception.raised-by-reads", "it still waits", links=LINKS)
def an_error_by_hand_ends_no_large_message(s: Any) -> None:
    """set_exception leaves a readexactly of a large message asleep."""
    real = s.StreamReader.set_exception

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        if self._landing is None:
            real(self, exc)


@saboteur("reader.shared.second-waiting-read-rejected", "it still waits", links=LINKS)
def a_second_read_takes_a_large_message_over(s: Any) -> None:
    """A second read, while one of a large message waits, waits in its place."""
    real = s.StreamReader._wait

    @instead(s.StreamReader)
    async def _wait(self: Any, *args: Any) -> None:
        if self._landing is not None:
            self._settle()
            self._waiter = None
        await real(self, *args)


@saboteur("writer.drain.blocks-above-high-water", "expected drain() to wait", links=LINKS)
def a_large_message_keeps_the_writer_from_pausing(s: Any) -> None:
    """While a large message is received, no drain waits."""

    @instead(s.landing.Landing)
    def pause_writing(self: Any) -> None:
        """Do nothing."""


@saboteur("writer.drain.wakes-at-low-water", "drain() to have ended", links=LINKS)
def a_large_message_keeps_the_writer_from_resuming(s: Any) -> None:
    """While a large message is received, no drain that waits returns."""

    @instead(s.landing.Landing)
    def resume_writing(self: Any) -> None:
        """Do nothing."""
