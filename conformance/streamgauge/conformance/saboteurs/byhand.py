"""Saboteurs of readers and protocols that programs build, feed, subclass and show by hand."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur

LARGE = ("socketpair",)  # where ours receives a large message past its buffer


@saboteur("reader.repr.tells-its-state", "limit=10")
def a_reader_shows_no_limit(s: Any) -> None:
    """A reader's repr has no limit."""
    real = s.StreamReader.__repr__

    @instead(s.StreamReader)
    def __repr__(self: Any) -> str:
        return " ".join(part for part in real(self).split(" ") if "limit" not in part)


@saboteur("reader.repr.tells-its-state", "131072 bytes", links=LARGE)
def a_reader_shows_its_buffer_alone(s: Any) -> None:
    """What was received past the buffer does not show."""
    real = s.StreamReader.__repr__

    @instead(s.StreamReader)
    def __repr__(self: Any) -> Any:
        landing, self._landing = self._landing, None
        try:
            return real(self)
        finally:
            self._landing = landing


@saboteur("reader.set_exception.told-by-exception", "the error that was set")
def a_reader_keeps_its_error_to_itself(s: Any) -> None:
    """exception() is always None."""

    @instead(s.StreamReader)
    def exception(self: Any) -> Any:
        return None


@saboteur("reader.readline.overrun-same-words", "the text of readline's ValueError")
def an_over_long_line_has_words_of_its_own(s: Any) -> None:
    """Readline says of every over-long line that it is too long, and nothing more."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await real(self)
        except ValueError:
            raise ValueError("line too long") from None


@saboteur("reader.set_transport.second-rejected", "nothing was raised")
def a_second_transport_takes_the_firsts_place(s: Any) -> None:
    """set_transport exchanges the transport that a reader has."""

    @instead(s.StreamReader)
    def set_transport(self: Any, transport: Any) -> None:
        self._transport = transport


@saboteur("reader.limit.unpausable-accepted", "raised NotImplementedError")
def a_transport_has_to_be_pausable(s: Any) -> None:
    """That a transport cannot be paused goes to whoever feeds the reader."""

    @instead(s.StreamReader)
    def _pause(self: Any) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()


@saboteur("reader.limit.holds-after-cancel", "what the transport was told last")
def a_read_given_up_leaves_the_gate_open(s: Any) -> None:
    """A read that is cancelled leaves the transport as it needed it."""

    @instead(s.StreamReader)
    def _give_up(self: Any, waiter: Any) -> None:
        self._settle()
        self._waiter = None


@saboteur("reader.shared.second-ready-read-served", "raised RuntimeError")
def one_read_at_a_time(s: Any) -> None:
    """While a read waits, any other is refused."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if self._waiter is not None:
            raise RuntimeError("somebody reads")
        return await real(self, n)


@saboteur("reader.feed_data.in-order-with-transport", "expected b'0000000", links=LARGE)
def what_is_fed_into_a_large_message_is_lost(s: Any) -> None:
    """While a large message is received past the buffer, what is fed by hand is dropped."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        if self._landing is None:
            real(self, data)

    s.intake._FEED_DATA = feed_data


@saboteur("reader.feed_data.replaced-sees-all", "what was seen", links=LARGE)
def a_protocol_feeds_by_a_way_of_its_own(s: Any) -> None:
    """The protocol calls the class's feed_data, whatever the reader's own is."""

    @instead(s.StreamReaderProtocol)
    def data_received(self: Any, data: bytes) -> None:
        type(self._stream_reader).feed_data(self._stream_reader, data)


@saboteur("writer.transport.protocol-put-back", "never ended", links=LARGE)
def what_comes_to_a_protocol_put_back_is_lost(s: Any) -> None:
    """What received a large message, and is put back later, drops what it is given then."""
    real = s.landing.Landing.buffer_updated

    @instead(s.landing.Landing)
    def buffer_updated(self: Any, nbytes: int) -> None:
        if self._view is not None:
            real(self, nbytes)


@saboteur("writer.start_tls.earlier-bytes-readable", "it still waits", links=LARGE)
def an_upgrade_forgets_who_waits_for_a_large_message(s: Any) -> None:
    """A read that waits for a large message, some of which has come, is never woken after it."""
    real = s.StreamReader._take_all

    @instead(s.StreamReader)
    def _take_all(self: Any) -> Any:
        if self._landing is not None:
            self._waiter = None
        return real(self)


@saboteur("protocol.subclass.sees-all-data", "what the hook saw")
def a_hook_is_passed_by(s: Any) -> None:
    """A large message is received past the protocol, whoever looks on there."""

    @instead(s.StreamReaderProtocol)
    def _feeds_only(self: Any, reader: Any) -> bool:
        return True


@saboteur("protocol.subclass.abort-noticed", "nothing was raised")
def nobody_but_the_writer_ends_a_connection(s: Any) -> None:
    """A drain that found nothing to wait for takes it that nobody else has the transport."""
    s.StreamReaderProtocol.__init_subclass__ = classmethod(lambda cls: None)


@saboteur("protocol.subclass.keywords-passed-on", "raised TypeError")
def a_protocol_is_a_base_alone(s: Any) -> None:
    """A subclass of the protocol takes no keywords."""
    s.StreamReaderProtocol.__init_subclass__ = classmethod(lambda cls: None)


@saboteur("protocol.built.before-its-loop", "raised RuntimeError")
def a_protocol_needs_a_running_loop(s: Any) -> None:
    """A protocol is built where a loop runs, or is named."""
    real = s.StreamReaderProtocol.__init__

    @instead(s.StreamReaderProtocol)
    def __init__(self: Any, reader: Any, callback: Any = None, loop: Any = None) -> None:
        real(self, reader, callback, loop or asyncio.get_running_loop())


@saboteur("writer.writelines.bytes-rejected", "nothing was raised")
def one_message_is_several_if_it_is_empty(s: Any) -> None:
    """An empty message in place of several is none."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        if not isinstance(data, (bytes, str)) or data:
            real(self, data)


@saboteur("writer.writelines.view-with-gaps", "raised BufferError")
def a_view_has_to_be_of_one_piece(s: Any) -> None:
    """An item that is a memoryview with gaps is refused."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        if any(isinstance(one, memoryview) and not one.contiguous for one in data):
            raise BufferError("gaps")
        real(self, data)


@saboteur("reader.set_exception.later-feed-accepted", "raised InvalidStateError")
def a_waiter_is_woken_twice(s: Any) -> None:
    """What comes behind an error wakes a read that the error has woken."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        if self._exception is not None and self._waiter is not None:
            self._waiter.set_result(None)
        real(self, data)


@saboteur("reader.feed_data.empty-ignored", "ended with b''")
def no_bytes_are_an_end(s: Any) -> None:
    """Feeding no bytes is feeding EOF."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        real(self, data)
        if not data:
            self.feed_eof()
