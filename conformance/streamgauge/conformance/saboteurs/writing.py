"""Saboteurs of `StreamWriter.write` and `writelines`: lost, late, reordered, changed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


def _queued(writer: Any) -> bool:
    return bool(writer._transport.get_write_buffer_size())


@saboteur("writer.write.immediate", "expected b'now', got b''")
def write_waits_for_a_turn_of_the_loop(s: Any) -> None:
    """Write hands its bytes to the transport in the loop's next turn."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        asyncio.get_running_loop().call_soon(real, self, bytes(data))


@saboteur("writer.write.queued-when-blocked", "never ended")
def write_keeps_nothing_that_the_socket_does_not_take(s: Any) -> None:
    """What the socket does not take at once is dropped."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        sock = self._transport.get_extra_info("socket")
        real(self, bytes(data)[:65536] if sock is not None else data)


@saboteur("writer.write.queued-when-blocked", "raised BlockingIOError")
def write_raises_when_the_socket_is_full(s: Any) -> None:
    """Write raises BlockingIOError when the socket does not take everything."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        real(self, data)
        if _queued(self):
            raise BlockingIOError


@saboteur("writer.write.order-kept", "expected b'")
def short_writes_overtake_long_ones(s: Any) -> None:
    """A long write waits for the loop's next turn, in which a short one has gone ahead."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if 1000 < len(data) < 8000:
            asyncio.get_running_loop().call_soon(real, self, data)
        else:
            real(self, data)


@saboteur("writer.write.accepts-bytes-like", "TypeError")
def write_takes_bytes_only(s: Any) -> None:
    """Write refuses a bytearray and a memoryview."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if not isinstance(data, bytes):
            raise TypeError("expected bytes")
        real(self, data)


@saboteur("writer.write.accepts-bytes-like", "TypeError")
def write_queues_bytes_only(s: Any) -> None:
    """Write takes a bytearray while the socket does, and refuses it when it has to be queued."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if _queued(self) and not isinstance(data, bytes):
            raise TypeError("expected bytes")
        real(self, data)


@saboteur("writer.write.later-change-not-sent", "expected b'as it was', got b'as it is!'")
def write_sends_what_a_bytearray_holds_later(s: Any) -> None:
    """A bytearray is looked at in the loop's next turn."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if isinstance(data, bytes):
            real(self, data)
        else:
            asyncio.get_running_loop().call_soon(real, self, data)


@saboteur("writer.write.later-change-not-sent", "expected b'as it wasas it'")
def write_queues_a_bytearray_by_reference(s: Any) -> None:
    """A bytearray that has to be queued is kept as it is, and changes are sent (gh-91166)."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if _queued(self) and not isinstance(data, bytes):
            asyncio.get_running_loop().call_soon(real, self, data)
        else:
            real(self, data)


@saboteur("writer.write.wide-memoryview-whole", "expected b'")
def write_counts_the_items_of_a_view(s: Any) -> None:
    """A memoryview of wide items is cut at as many bytes as it has items (gh-135862)."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        real(self, bytes(data)[: len(data)])


@saboteur("writer.write.str-rejected", "expected TypeError, nothing was raised")
def write_encodes_text(s: Any) -> None:
    """A str is encoded and sent."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        real(self, data.encode() if isinstance(data, str) else data)


@saboteur("writer.write.after-peer-eof", "(524,288 bytes), got b")
def the_peers_eof_ends_both_directions(s: Any) -> None:
    """EOF from the peer closes the connection."""
    real = s.StreamReaderProtocol.eof_received

    @instead(s.StreamReaderProtocol)
    def eof_received(self: Any) -> bool:
        real(self)
        return False


@saboteur("writer.write.rejected-after-write-eof", "expected RuntimeError, nothing was raised")
def write_after_write_eof_is_dropped(s: Any) -> None:
    """Write after write_eof drops its bytes without a word."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        try:
            real(self, data)
        except RuntimeError:
            return


@saboteur("writer.write.silent-after-close", "raised RuntimeError")
def write_after_close_raises(s: Any) -> None:
    """Write raises RuntimeError once the connection is closed."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if self.is_closing():
            raise RuntimeError("closed")
        real(self, data)


@saboteur("writer.write.silent-after-close", "raised ConnectionResetError")
def write_after_a_reset_raises(s: Any) -> None:
    """Write raises the error that ended the connection."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        if self._reader is not None and self._reader.exception() is not None:
            raise self._reader.exception()
        real(self, data)


# --- writelines --------------------------------------------------------------------------------


@saboteur("writer.writelines.list", "expected b'onetwothreeend'")
def writelines_sends_the_first_item_only(s: Any) -> None:
    """Writelines sends the first item and drops the others; then end, and end again."""

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        for line in data:
            self.write(bytes(line) + b"-" * 20)
            return


@saboteur("writer.writelines.list", "expected b'onetwothreeend'")
def writelines_puts_newlines_between(s: Any) -> None:
    """Writelines joins its items by newlines."""

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        self.write(b"\n".join(map(bytes, data)))


@saboteur("writer.writelines.list", "expected b'onetwothreeend'")
def writelines_ends_at_an_empty_item(s: Any) -> None:
    """Writelines takes an empty item for the end of the lines."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        lines = list(map(bytes, data))
        cut = lines.index(b"") if b"" in lines else len(lines)
        real(self, [*lines[:cut], b"-" * 9])


@saboteur("writer.writelines.any-iterable", "TypeError")
def writelines_takes_lists_only(s: Any) -> None:
    """Writelines asks for the number of items, which a generator cannot tell."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        if len(data):
            real(self, data)


@saboteur("writer.writelines.any-iterable", "expected b'generator iterator tuple dict', got")
def writelines_goes_over_its_items_twice(s: Any) -> None:
    """Writelines first counts its items, and finds an iterator empty then."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        size = sum(map(len, data))
        real(self, [(b"".join(map(bytes, data)) or bytes(size))])


@saboteur("writer.writelines.empty-iterable", "raised AssertionError")
def writelines_has_to_have_lines(s: Any) -> None:
    """Writelines of nothing raises AssertionError."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        lines = list(data)
        assert lines, "no lines"
        real(self, lines)


@saboteur("writer.writelines.immediate", "expected b'right now', got b''")
def writelines_waits_for_a_turn_of_the_loop(s: Any) -> None:
    """Writelines hands its lines to the transport in the loop's next turn."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        asyncio.get_running_loop().call_soon(real, self, list(data))


@saboteur("writer.writelines.queued-when-blocked", "theend' (510,806 bytes), got")
def writelines_keeps_what_one_call_takes(s: Any) -> None:
    """Writelines loses what is beyond the first 1024 lines, the most of one sendmsg (gh-103462)."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        lines = list(data)
        real(self, [*lines[:1024], bytes(sum(map(len, lines[1024:])))])


@saboteur("writer.writelines.drain-blocks", "drain() to wait after")
def writelines_pauses_nobody(s: Any) -> None:
    """Drain returns at once after writelines, whatever is queued (gh-127655)."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        real(self, data)
        self._flow.resume_writing()


@saboteur("writer.writelines.str-item-rejected", "expected TypeError, nothing was raised")
def writelines_encodes_text(s: Any) -> None:
    """An item of writelines that is a str is encoded and sent."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        real(self, [line.encode() if isinstance(line, str) else line for line in data])


@saboteur("writer.writelines.rejected-after-write-eof", "nothing was raised")
def writelines_after_write_eof_is_dropped(s: Any) -> None:
    """A writelines after write_eof does nothing."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        with contextlib.suppress(RuntimeError):
            real(self, data)
