"""Saboteurs of the reader's state: at_eof, EOF and errors, the limit, and who may wait."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("reader.at_eof.false-before-eof", "at_eof() before anything came")
def at_eof_means_that_nothing_is_buffered(s: Any) -> None:
    """at_eof() is true whenever the buffer is empty."""

    @instead(s.StreamReader)
    def at_eof(self: Any) -> bool:
        return not self._incoming.size


@saboteur("reader.at_eof.false-before-eof", "at_eof() while a read waits")
def at_eof_means_that_a_read_waits(s: Any) -> None:
    """at_eof() is true while a read waits."""
    real = s.StreamReader.at_eof

    @instead(s.StreamReader)
    def at_eof(self: Any) -> bool:
        return real(self) or self._waiter is not None


@saboteur("reader.at_eof.false-with-data", "at_eof()")
def at_eof_minds_no_data(s: Any) -> None:
    """at_eof() is true from EOF on, whatever is buffered."""

    @instead(s.StreamReader)
    def at_eof(self: Any) -> bool:
        return bool(self._eof)


@saboteur("reader.at_eof.true-once-empty", "at_eof()")
def at_eof_is_never_true(s: Any) -> None:
    """at_eof() is always false."""

    @instead(s.StreamReader)
    def at_eof(self: Any) -> bool:
        return False


@saboteur("reader.at_eof.true-once-empty", "at_eof()")
def at_eof_needs_data_to_have_come(s: Any) -> None:
    """at_eof() is false on a stream that ended before anything came."""
    real = s.StreamReader.at_eof

    @instead(s.StreamReader)
    def at_eof(self: Any) -> bool:
        return bool(real(self) and self._incoming.received)


@saboteur("reader.feed_eof.wakes-waiting-read", "after feed_eof() to have ended, it still waits")
def feed_eof_wakes_nobody(s: Any) -> None:
    """feed_eof leaves a read that waits asleep."""

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        self._eof = True


@saboteur("reader.feed_eof.wakes-waiting-read", "cancelled from within the subject")
def feed_eof_cancels_the_read(s: Any) -> None:
    """feed_eof cancels the read that waits."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        if self._waiter is not None:
            self._waiter.cancel()
        real(self)


@saboteur("reader.feed_eof.rejects-later-data", "expected AssertionError, nothing was raised")
def data_may_follow_eof(s: Any) -> None:
    """feed_data takes data after feed_eof."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        eof, self._eof = self._eof, False
        real(self, data)
        self._eof = eof


# --- the limit ---------------------------------------------------------------------------------


@saboteur("reader.limit.bounds-buffer", "held back before it had sent 25,165,824 bytes")
def the_reader_takes_in_everything(s: Any) -> None:
    """The transport is never paused: a peer that sends without end fills the memory."""

    @instead(s.StreamReader)
    def _pause(self: Any) -> None:
        """Do nothing."""


@saboteur("reader.limit.bounds-buffer", "held back before it had sent 25,165,824 more")
def the_reader_pauses_once(s: Any) -> None:
    """The transport is paused once; when it has been resumed, nothing holds it any more."""
    real = s.StreamReader._pause

    @instead(s.StreamReader)
    def _pause(self: Any) -> None:
        if not getattr(self, "paused_once", False):
            self.paused_once = True
            real(self)


@saboteur("reader.limit.bounds-buffer", "10 times the limit of 131,072 bytes")
def the_reader_takes_in_a_hundred_times_its_limit(s: Any) -> None:
    """The transport is paused above a hundred times the limit."""
    real = s.StreamReader.__init__

    @instead(s.StreamReader)
    def __init__(self: Any, *args: Any, **kwds: Any) -> None:
        real(self, *args, **kwds)
        self._high_bytes = 100 * self._limit_bytes


@saboteur("reader.limit.reading-resumes", "never ended")
def the_reader_never_resumes(s: Any) -> None:
    """A transport that was paused is never resumed."""

    @instead(s.StreamReader)
    def _resume(self: Any) -> None:
        """Do nothing."""


@saboteur("reader.limit.reading-resumes", "never ended")
def readexactly_resumes_nothing(s: Any) -> None:
    """A readexactly that the buffer serves leaves the transport paused, and so does its wait."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        paused, self._paused = self._paused, False
        try:
            return await real(self, n)
        finally:
            self._paused = self._paused or paused


@saboteur("reader.limit.reading-resumes", "never ended")
def an_overrun_leaves_the_reader_deaf(s: Any) -> None:
    """After LimitOverrunError the transport stays paused."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.LimitOverrunError:
            self._resume = lambda: None
            raise


@saboteur("reader.limit.not-positive-rejected", "expected ValueError, nothing was raised")
def a_reader_takes_any_limit(s: Any) -> None:
    """StreamReader takes a limit of zero or below."""
    real = s.StreamReader.__init__

    @instead(s.StreamReader)
    def __init__(self: Any, limit: Any = 65536, loop: Any = None) -> None:
        real(self, max(limit, 1) if limit is not None else None, loop)


@saboteur("reader.limit.pauses-above-twice-the-limit", "with twice the limit buffered")
def the_reader_pauses_at_its_limit(s: Any) -> None:
    """The transport is paused as soon as more than the limit is buffered."""
    real = s.StreamReader.__init__

    @instead(s.StreamReader)
    def __init__(self: Any, *args: Any, **kwds: Any) -> None:
        real(self, *args, **kwds)
        self._high_bytes = self._limit_bytes


@saboteur("reader.limit.pauses-above-twice-the-limit", "with one byte more")
def the_reader_pauses_one_byte_late(s: Any) -> None:
    """The transport is paused one byte later than at twice the limit."""
    real = s.StreamReader.__init__

    @instead(s.StreamReader)
    def __init__(self: Any, *args: Any, **kwds: Any) -> None:
        real(self, *args, **kwds)
        self._high_bytes += 1


# --- a connection that is lost or closed -------------------------------------------------------


@saboteur("reader.lost.wakes-waiting-read", "never ended")
def a_reset_wakes_no_read(s: Any) -> None:
    """A reset is kept for later reads and leaves the one that waits asleep."""

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        self._exception = exc


@saboteur("reader.lost.wakes-waiting-read", "expected ConnectionError, nothing was raised")
def a_reset_passes_for_eof(s: Any) -> None:
    """A reset is taken for an orderly end."""

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        self.feed_eof()


@saboteur("reader.lost.later-read-ends", "still waits")
def a_read_after_a_reset_waits(s: Any) -> None:
    """A reset ends the read that waits, and is then forgotten: later reads wait for ever."""

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc)


@saboteur("reader.lost.buffered-data-readable", "ConnectionResetError")
def a_reset_hides_what_came_before(s: Any) -> None:
    """Each read raises the reset at once, whatever is buffered (gh-75044)."""
    for name in ("read", "readline", "readexactly", "readuntil"):
        setattr(s.StreamReader, name, _raising_first(getattr(s.StreamReader, name)))


@saboteur("reader.lost.buffered-data-readable", "ConnectionResetError")
def a_reset_hides_records_that_came_before(s: Any) -> None:
    """Readexactly raises the reset at once, whatever is buffered; read does not."""
    s.StreamReader.readexactly = _raising_first(s.StreamReader.readexactly)


def _raising_first(real: Any) -> Any:
    async def read(self: Any, *args: Any) -> Any:
        if self._exception is not None:
            raise self._exception
        return await real(self, *args)

    return read


@saboteur("reader.lost.read-raises-once-empty", "expected ConnectionError")
def a_reset_is_told_once(s: Any) -> None:
    """The first read after a reset raises it; the next ones find EOF."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        try:
            return await real(self, n)
        except ConnectionError:
            self._exception = None
            self._eof = True
            raise


@saboteur("reader.closed.waiting-read-ends", "still waits")
def closing_wakes_no_read(s: Any) -> None:
    """Closing the writer leaves a read that waits asleep."""
    real = s.StreamReaderProtocol.connection_lost

    @instead(s.StreamReaderProtocol)
    def connection_lost(self: Any, exc: Any) -> None:
        reader = self._stream_reader
        if exc is None and reader is not None and not reader._eof:
            self._stream_reader = None
        real(self, exc)


@saboteur("reader.closed.buffered-data-readable", "expected [b'an answer', b'']")
def closing_drops_what_can_be_read(s: Any) -> None:
    """Closing the writer drops what the reader has buffered."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        self._reader._incoming.take_all()
        real(self)


@saboteur("reader.closed.paused-data-readable", "resume_reading")
def a_read_resumes_a_transport_that_is_gone(s: Any) -> None:
    """A read of what was buffered behind a pause fails when the connection is gone."""

    @instead(s.StreamReader)
    def _resume(self: Any) -> None:
        transport: Any = None if self._eof else self._transport
        transport.resume_reading()
        self._paused = False


@saboteur("reader.set_exception.raised-by-reads", "still waits")
def an_error_set_by_hand_wakes_nobody(s: Any) -> None:
    """set_exception keeps the error and leaves the read that waits asleep."""

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        self._exception = exc


@saboteur("reader.set_exception.raised-by-reads", "a later read")
def an_error_set_by_hand_is_raised_once(s: Any) -> None:
    """The error that was set is raised in the read that waits and forgotten then."""

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc)


# --- a reader that two tasks share -------------------------------------------------------------


@saboteur("reader.shared.no-lost-wakeup", "to have ended, it still waits")
def a_finished_read_takes_anothers_place_away(s: Any) -> None:
    """A read clears the waiter when it goes on, which may be another read's by then."""
    real = s.StreamReader._wait

    @instead(s.StreamReader)
    async def _wait(self: Any, *args: Any) -> None:
        if self._waiter is not None and self._waiter.done():
            self._waiter = None
        await real(self, *args)


@saboteur("reader.shared.second-waiting-read-rejected", "to have ended, it still waits")
def a_second_read_takes_the_place_of_the_first(s: Any) -> None:
    """A second read that has to wait is let in, and the first is forgotten."""
    real = s.StreamReader._wait

    @instead(s.StreamReader)
    async def _wait(self: Any, *args: Any) -> None:
        self._waiter = None
        await real(self, *args)


@saboteur("reader.limit.resumes-at-the-limit", "left the limit; the transport")
def only_a_read_that_waits_resumes(s: Any) -> None:
    """A read that is served at once never resumes the transport."""

    @instead(s.StreamReader)
    def _resume_if_low(self: Any) -> None:
        pass


@saboteur("reader.limit.resumes-at-the-limit", "with more than twice the limit again")
def a_transport_is_paused_once(s: Any) -> None:
    """A transport that was resumed is never paused again."""
    real = s.StreamReader._pause

    @instead(s.StreamReader)
    def _pause(self: Any) -> None:
        if not getattr(self, "_was_paused", False):
            self._was_paused = True
            real(self)


@saboteur("reader.at_eof.not-warned-of-under-tls", "what was logged")
def a_tls_connection_is_to_stay_half_open(s: Any) -> None:
    """The protocol answers the end of a TLS connection as that of a plain one."""
    real = s.StreamReaderProtocol.eof_received

    @instead(s.StreamReaderProtocol)
    def eof_received(self: Any) -> bool:
        real(self)
        return True


@saboteur("reader.limit.pauses-above-twice-the-limit", "the last that was told")
def what_a_long_wait_leaves_is_not_counted(s: Any) -> None:
    """Whatever comes with the last bytes that a read waited for is let in uncounted."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        waited = self._waiter is not None
        real(self, data)
        if waited and self._paused:
            self._resume()
