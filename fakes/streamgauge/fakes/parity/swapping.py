"""Cases about protocols: buffered ones, and changing them (line 9)."""

from __future__ import annotations

from typing import Any, List

from .cases import PLAIN, case
from .seen import Pair

MIB = 1024 * 1024


@case(9)
async def another_protocol_takes_over(pair: Pair) -> Any:
    """What comes after `set_protocol` goes to the new one, which isn't told it has begun."""
    first = pair.server.tap()
    pair.client.transport.write(b"one")
    await pair.settle()
    second = pair.server.tap()
    same = pair.server.transport.get_protocol() is second
    pair.client.transport.write(b"two")
    await pair.settle()
    pair.server.transport.close()
    await pair.settle()
    return same, first.log, second.log


@case(9)
async def a_buffered_protocol(pair: Pair) -> Any:
    """A buffered protocol is filled through its own buffer, then told of EOF and the end."""
    tap = pair.server.buffered_tap(16, keep_open=False)
    pair.client.transport.write(b"0123456789" * 10)
    pair.client.transport.close()
    await pair.settle()
    return tap.log, tap.largest <= 16


@case(9, PLAIN)
async def a_buffer_without_room(pair: Pair) -> Any:
    """An empty buffer is an error of the protocol's."""
    tap = pair.server.buffered_tap(0)
    pair.client.transport.write(b"x")
    await pair.settle()
    return tap.log, pair.handled


@case(9)
async def from_plain_to_buffered_and_back(pair: Pair) -> Any:
    """The kind of the protocol can change while bytes come."""
    taps = [pair.server.tap()]
    pair.client.transport.write(b"one")
    await pair.settle()
    taps.append(pair.server.buffered_tap())
    pair.client.transport.write(b"two")
    await pair.settle()
    taps.append(pair.server.tap())
    pair.client.transport.write(b"three")
    await pair.settle()
    return [tap.log for tap in taps]


@case(9, PLAIN)
async def another_protocol_in_the_middle_of_a_delivery(pair: Pair) -> Any:
    """A protocol that hands over in `data_received` gets no more; the next one gets the rest."""
    later: List[Any] = []

    def hand_over(tap: Any) -> None:
        later.append(pair.server.tap())

    first = pair.server.tap(data=hand_over)
    pair.client.transport.write(b"x" * MIB)
    await pair.settle()
    return first.deliveries, len(first.data) + len(later[0].data)


@case(9, PLAIN)
async def another_protocol_while_paused(pair: Pair) -> Any:
    """What has arrived while reading was paused goes to the protocol of that time."""
    first = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"one")
    await pair.settle()
    second = pair.server.tap()
    pair.server.transport.resume_reading()
    await pair.settle()
    return first.log, second.log


@case(9, PLAIN)
async def the_new_protocol_is_told_of_writing(pair: Pair) -> Any:
    """A protocol that takes over from a paused one is told when writing goes on."""
    first = pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"x" * (8 * MIB))
    second = pair.client.tap()
    pair.server.transport.resume_reading()
    await pair.settle()
    return first.log, second.log


@case(9, PLAIN)
async def a_buffered_protocol_that_raises(pair: Pair) -> Any:
    """An exception in `get_buffer` or `buffer_updated` ends the connection."""

    def fail(tap: Any) -> None:
        raise ZeroDivisionError

    tap = pair.server.buffered_tap(data=fail)
    other = pair.client.buffered_tap()
    other.get_buffer = lambda sizehint: fail(None)
    pair.client.transport.write(b"x")
    pair.server.transport.write(b"y")
    await pair.settle()
    return tap.log, other.log, pair.handled


@case(9, PLAIN)
async def a_buffered_protocol_that_pauses(pair: Pair) -> Any:
    """A buffered protocol that pauses as it is filled gets no more until it resumes."""
    tap = pair.server.buffered_tap(16, data=lambda tap: tap.transport.pause_reading())
    pair.client.transport.write(b"0123456789" * 10)
    await pair.settle()
    held = tap.data
    pair.server.transport.resume_reading()
    await pair.settle()
    return held, tap.data
