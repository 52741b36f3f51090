"""Cases about the end: EOF, close, abort and reset (lines 2, 3 and 5)."""

from __future__ import annotations

import socket
import struct
from typing import Any

from .cases import PLAIN, TCP, TLS, case
from .seen import Pair, tried

MIB = 1024 * 1024
LINGER_ZERO = struct.pack("ii", 1, 0)


@case(2)
async def connection_lost_never_comes_inside_close(pair: Pair) -> Any:
    """`connection_lost` comes once, in a later turn."""
    tap = pair.client.tap()
    pair.client.transport.close()
    inside = tap.events
    pair.client.transport.close()
    await pair.settle()
    pair.client.transport.close()
    await pair.settle()
    return inside, tap.log, pair.client.transport.is_closing()


@case(2)
async def connection_lost_never_comes_inside_abort(pair: Pair) -> Any:
    """`abort` tells the protocol in a later turn, and once."""
    tap = pair.client.tap()
    pair.client.transport.abort()
    inside = tap.events
    pair.client.transport.abort()
    pair.client.transport.close()
    await pair.settle()
    return inside, tap.log


@case(3)
async def eof_comes_once_and_keeps_the_write_side(pair: Pair) -> Any:
    """A true return of `eof_received` keeps the connection open, where the link can."""
    tap, other = pair.server.tap(keep_open=True), pair.client.tap()
    tried(pair.client.transport.write_eof)
    await pair.settle()
    pair.server.transport.write(b"answer")
    await pair.settle()
    return tap.log, other.log, pair.server.transport.is_closing()


@case(3)
async def eof_with_a_false_return_closes(pair: Pair) -> Any:
    """A false return of `eof_received` closes the transport."""
    tap = pair.server.tap(keep_open=False)
    other = pair.client.tap(keep_open=False)
    pair.client.transport.write(b"last words")
    pair.client.transport.close()
    await pair.settle()
    return tap.log, other.log, pair.server.transport.is_closing()


@case(3)
async def whether_eof_can_be_written(pair: Pair) -> Any:
    """`can_write_eof` and `write_eof` agree with the link; a second `write_eof` does nothing."""
    transport = pair.client.transport
    first, second = tried(transport.write_eof), tried(transport.write_eof)
    return transport.can_write_eof(), first, second


@case(3, PLAIN)
async def eof_both_ways_leaves_the_transports_open(pair: Pair) -> Any:
    """After EOF both ways nobody is closed until it is asked to be."""
    taps = [side.tap(keep_open=True) for side in pair.sides]
    for side in pair.sides:
        side.transport.write(b"all of it")
        side.transport.write_eof()
    await pair.settle()
    closing = [side.transport.is_closing() for side in pair.sides]
    pair.client.transport.close()
    await pair.settle()
    return closing, [tap.log for tap in taps]


@case(3, PLAIN)
async def eof_waits_for_what_is_written(pair: Pair) -> Any:
    """`write_eof` with a backlog sends it all before EOF."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * (8 * MIB))
    pair.client.transport.write_eof()
    backlog = pair.client.transport.get_write_buffer_size() > 0
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return backlog, tap.told


@case(3, PLAIN)
async def an_eof_received_that_raises(pair: Pair) -> Any:
    """An exception in `eof_received` goes to the exception handler and ends the connection."""

    def fail(tap: Any) -> None:
        raise ZeroDivisionError

    tap = pair.server.tap(eof=fail)
    pair.client.transport.write_eof()
    await pair.settle()
    return tap.log, pair.handled


@case(5)
async def close_flushes(pair: Pair) -> Any:
    """`close` sends all that was written, then EOF."""
    tap = pair.server.tap(keep_open=False)
    other = pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * (8 * MIB))
    pair.client.transport.close()
    await pair.settle()
    waiting = other.events
    pair.server.transport.resume_reading()
    await pair.settle()
    return waiting, tap.told, other.log


@case(5)
async def abort_drops_the_backlog(pair: Pair) -> Any:
    """`abort` sends nothing that is still in the write buffer."""
    tap = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * (8 * MIB))
    await pair.settle()
    pair.client.transport.abort()
    size = pair.client.transport.get_write_buffer_size()
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return size, 0 < len(tap.data) < 8 * MIB, tap.events


@case(5)
async def abort_with_nothing_unread_is_eof(pair: Pair) -> Any:
    """The peer of an `abort` sees EOF, if there was nothing unread."""
    tap = pair.server.tap(keep_open=False)
    pair.client.transport.write(b"whole")
    pair.client.transport.abort()
    await pair.settle()
    return tap.log


@case(5, PLAIN)
async def close_with_bytes_unread_is_a_reset(pair: Pair) -> Any:
    """The peer of a `close` sees a reset, if bytes were unread."""
    tap = pair.server.tap(keep_open=False)
    pair.client.transport.pause_reading()
    pair.server.transport.write(b"never read")
    await pair.settle()
    pair.client.transport.close()
    await pair.settle()
    return tap.log


@case(5, PLAIN)
async def abort_with_bytes_unread_is_a_reset(pair: Pair) -> Any:
    """The peer of an `abort` sees a reset, if bytes were unread."""
    tap = pair.server.tap(keep_open=False)
    pair.client.transport.pause_reading()
    pair.server.transport.write(b"never read")
    await pair.settle()
    pair.client.transport.abort()
    await pair.settle()
    return tap.log


@case(5, TCP)
async def linger_zero_is_a_reset(pair: Pair) -> Any:
    """SO_LINGER with 0 seconds makes any end a reset."""
    tap = pair.server.tap(keep_open=False)
    pair.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    pair.client.transport.abort()
    await pair.settle()
    return tap.log


@case(5, TCP)
async def what_came_before_a_reset_is_read_first(pair: Pair) -> Any:
    """Bytes that had arrived before a reset are delivered before it."""
    tap = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"before")
    await pair.settle()
    pair.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    pair.client.transport.abort()
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log


@case(3, TLS)
async def eof_under_tls_ends_the_connection(pair: Pair) -> Any:
    """Under TLS a true return of `eof_received` has no effect, and a warning says so."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.close()
    await pair.settle()
    return tap.log, pair.server.transport.is_closing(), pair.logged


@case(3, PLAIN)
async def eof_with_a_false_return_flushes(pair: Pair) -> Any:
    """What is still to be sent is sent when EOF closes the transport."""
    tap, other = pair.server.tap(keep_open=False), pair.client.tap(keep_open=True)
    pair.client.transport.pause_reading()
    pair.server.transport.write(b"x" * (8 * MIB))
    pair.client.transport.write_eof()
    await pair.settle()
    waiting = tap.log, pair.server.transport.is_closing()
    pair.client.transport.resume_reading()
    await pair.settle()
    return waiting, tap.log, other.told


@case(3, PLAIN)
async def data_and_eof_in_one_turn(pair: Pair) -> Any:
    """Bytes come before the EOF that was sent behind them, in a turn of their own."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.write(b"last words")
    pair.client.transport.write_eof()
    await pair.settle()
    reading = pair.server.transport.is_reading()
    pair.client.transport.close()
    await pair.settle()
    return tap.log, reading


@case(5)
async def an_abort_of_a_close_that_flushes(pair: Pair) -> Any:
    """`abort` after `close` drops what `close` was still to send."""
    tap, other = pair.server.tap(keep_open=False), pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * (8 * MIB))
    pair.client.transport.close()
    await pair.settle()
    pair.client.transport.abort()
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return other.log, 0 < len(tap.data) < 8 * MIB, tap.events


@case(5, TCP)
async def linger_zero_makes_a_close_a_reset_behind_the_backlog(pair: Pair) -> Any:
    """With SO_LINGER 0 a `close` still hands all to the kernel, and then resets."""
    tap, other = pair.server.tap(keep_open=False), pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    pair.client.transport.write(b"x" * (8 * MIB))
    pair.client.transport.close()
    await pair.settle()
    waiting = other.events
    pair.server.transport.resume_reading()
    await pair.settle()
    return waiting, other.log, tap.log[-1]


@case(5, TCP)
async def linger_of_some_seconds_is_no_reset(pair: Pair) -> Any:
    """SO_LINGER with seconds, or switched off, leaves the end as it is."""
    tap = pair.server.tap(keep_open=False)
    for option in (struct.pack("ii", 1, 5), struct.pack("ii", 0, 0)):
        pair.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
    pair.client.transport.abort()
    await pair.settle()
    return tap.log


@case(5, PLAIN)
async def a_half_closed_end_that_is_reset(pair: Pair) -> Any:
    """What each side sees if one of them has sent EOF and the other ends with bytes unread."""
    taps = [side.tap(keep_open=True) for side in pair.sides]
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"never read")
    pair.client.transport.write_eof()
    await pair.settle()
    pair.server.transport.abort()
    await pair.settle()
    return [tap.log for tap in taps], pair.client.transport.is_closing()


@case(5, PLAIN)
async def a_reset_while_both_have_a_backlog(pair: Pair) -> Any:
    """A reset ends a peer that has bytes to send, and one that doesn't read."""
    tap = pair.server.tap(keep_open=True)
    for side in pair.sides:
        side.transport.pause_reading()
        side.transport.write(b"x" * (8 * MIB))
    await pair.settle()
    pair.client.transport.abort()
    await pair.settle()
    return tap.log, pair.server.transport.get_write_buffer_size()
