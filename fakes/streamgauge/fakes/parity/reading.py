"""Cases about reading: pausing and resuming, and the size of deliveries (lines 1, 2 and 8)."""

from __future__ import annotations

from typing import Any

from .cases import PLAIN, case
from .seen import Pair, tried

MIB = 1024 * 1024


@case(1)
async def resume_never_delivers_before_it_returns(pair: Pair) -> Any:
    """Data that waits is delivered in a later turn, not inside `resume_reading`."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"waiting")
    await pair.settle()
    held = tap.events
    pair.server.transport.resume_reading()
    inside = tap.events
    await pair.settle()
    return held, inside, tap.log


@case(1)
async def pausing_twice_is_once(pair: Pair) -> Any:
    """A second pause or resume does nothing, and `is_reading` tells the state."""
    transport = pair.server.transport
    states = []
    for step in ("pause", "pause", "resume", "resume"):
        getattr(transport, f"{step}_reading")()
        states.append(transport.is_reading())
    return states


@case(1)
async def pause_holds_back_eof(pair: Pair) -> Any:
    """EOF isn't told to a protocol that has paused reading."""
    tap = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.close()
    await pair.settle()
    held = tap.events
    pair.server.transport.resume_reading()
    await pair.settle()
    return held, tap.log


@case(1)
async def pause_inside_a_delivery_stops_the_next(pair: Pair) -> Any:
    """A protocol that pauses in `data_received` gets no more until it resumes."""
    tap = pair.server.tap(data=lambda tap: tap.transport.pause_reading())
    pair.client.transport.write(b"x" * MIB)
    await pair.settle()
    some = 0 < len(tap.data) < MIB
    before = -1
    while before < len(tap.data) < MIB:
        before = len(tap.data)
        pair.server.transport.resume_reading()
        await pair.settle()
    return some, len(tap.data)


@case(1)
async def resume_inside_a_delivery(pair: Pair) -> Any:
    """Pausing and resuming within a delivery loses nothing and delivers nothing inside it."""
    depth = []

    def both(tap: Any) -> None:
        tap.transport.pause_reading()
        before = tap.deliveries
        tap.transport.resume_reading()
        depth.append(tap.deliveries - before)

    tap = pair.server.tap(data=both)
    pair.client.transport.write(b"x" * MIB)
    await pair.settle()
    return set(depth), len(tap.data)


@case(2)
async def pausing_after_close(pair: Pair) -> Any:
    """A transport that is closing isn't reading, and pausing it is no error."""
    transport = pair.client.transport
    transport.close()
    transport.pause_reading()
    transport.resume_reading()
    return transport.is_reading(), transport.is_closing()


@case(2)
async def nothing_is_delivered_after_close(pair: Pair) -> Any:
    """What has arrived when a protocol closes isn't delivered any more."""
    tap = pair.server.tap(data=lambda tap: tap.transport.close())
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * 10)
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    pair.client.transport.write(b"more")
    await pair.settle()
    return tap.log


@case(2)
async def a_protocol_that_raises_loses_its_connection(pair: Pair) -> Any:
    """An exception in `data_received` goes to the exception handler and ends the connection."""

    def fail(tap: Any) -> None:
        raise ZeroDivisionError

    tap = pair.server.tap(data=fail)
    pair.client.transport.write(b"x")
    await pair.settle()
    return tap.log, pair.handled


@case(8)
async def deliveries_are_of_256_kib_at_most(pair: Pair) -> Any:
    """However much has arrived, no delivery is above 256 KiB."""
    tap = pair.server.tap()
    pair.client.transport.write(b"x" * (3 * MIB))
    await pair.settle()
    return len(tap.data), tap.largest <= 256 * 1024, tap.deliveries > 1


@case(8, PLAIN)
async def one_delivery_a_turn(pair: Pair) -> Any:
    """Two deliveries to a protocol never come in the same turn of the loop."""
    tap = pair.server.tap()
    pair.client.transport.write(b"x" * (3 * MIB))
    await pair.settle()
    return tap.most_in_a_turn


@case(8)
async def small_writes_arrive_in_order(pair: Pair) -> Any:
    """Many small writes are one run of bytes, in order."""
    tap = pair.server.tap()
    for number in range(200):
        pair.client.transport.write(b"%d," % number)
    await pair.settle()
    return tap.log


@case(1)
async def resume_never_tells_of_eof_before_it_returns(pair: Pair) -> Any:
    """EOF that waits is told in a later turn, not inside `resume_reading`."""
    tap = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.close()
    await pair.settle()
    pair.server.transport.resume_reading()
    inside = tap.events
    await pair.settle()
    return inside, tap.log


@case(1)
async def resume_never_fills_a_buffer_before_it_returns(pair: Pair) -> Any:
    """A buffered protocol is asked for its buffer in a later turn, not inside `resume_reading`."""
    tap = pair.server.buffered_tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"waiting")
    await pair.settle()
    pair.server.transport.resume_reading()
    inside = tap.events
    await pair.settle()
    return inside, tap.log


@case(1)
async def a_pause_in_the_turn_of_the_resume(pair: Pair) -> Any:
    """Resuming and pausing again before the loop goes round delivers nothing."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"waiting")
    await pair.settle()
    pair.server.transport.resume_reading()
    pair.server.transport.pause_reading()
    await pair.settle()
    held = tap.events
    pair.server.transport.resume_reading()
    await pair.settle()
    return held, tap.log


@case(2)
async def nothing_is_delivered_after_abort(pair: Pair) -> Any:
    """What arrives in the turn of an `abort` isn't delivered, nor is anything after the end."""
    tap = pair.server.tap()
    pair.client.transport.write(b"too late")
    pair.server.transport.abort()
    await pair.settle()
    pair.client.transport.write(b"more")
    pair.client.transport.close()
    await pair.settle()
    return tap.log


@case(2)
async def nothing_is_told_after_the_end(pair: Pair) -> Any:
    """After `connection_lost` no method of the transport tells the protocol anything."""
    tap = pair.client.tap()
    transport = pair.client.transport
    transport.abort()
    await pair.settle()
    ended = tap.log
    calls = (transport.pause_reading, transport.resume_reading, transport.close, transport.abort)
    said = [tried(call) for call in calls]
    await pair.settle()
    return said, tap.log == ended, transport.is_closing()


@case(2, PLAIN)
async def a_connection_lost_that_raises(pair: Pair) -> Any:
    """An exception in `connection_lost` goes to the exception handler; the peer sees the end."""

    def fail(tap: Any) -> None:
        raise ZeroDivisionError

    tap, other = pair.client.tap(lost=fail), pair.server.tap(keep_open=False)
    pair.client.transport.close()
    await pair.settle()
    return tap.log, pair.handled, other.log


@case(8, PLAIN)
async def a_buffered_protocol_has_one_delivery_a_turn(pair: Pair) -> Any:
    """However small its buffer, it is filled once, then the loop goes round."""
    tap = pair.server.buffered_tap(64 * 1024)
    pair.client.transport.write(b"x" * MIB)
    await pair.settle()
    return len(tap.data), tap.largest <= 64 * 1024, tap.most_in_a_turn


@case(8, PLAIN)
async def what_has_arrived_comes_in_one_delivery(pair: Pair) -> Any:
    """Writes that have all arrived are delivered as one: one write isn't one delivery."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    for number in range(20):
        pair.client.transport.write(b"%d," % number)
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, tap.deliveries
