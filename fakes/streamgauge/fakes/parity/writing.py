"""Cases about writing: what is taken, what is refused, and the watermarks (lines 4 and 7)."""

from __future__ import annotations

import array
from typing import Any

from .cases import PLAIN, case
from .seen import Pair, tried

MIB = 1024 * 1024
FLOOD = b"x" * (8 * MIB)  # more than any link takes from a sender whose peer doesn't read


@case(4)
async def write_after_close_is_ignored(pair: Pair) -> Any:
    """After `close` writes are dropped, and warned of from the sixth on."""
    tap = pair.server.tap()
    transport = pair.client.transport
    transport.close()
    for _ in range(10):
        transport.write(b"too late")
    await pair.settle()
    return tap.data, pair.logged


@case(4)
async def write_after_abort_is_ignored(pair: Pair) -> Any:
    """After `abort` writes are dropped, and warned of."""
    tap = pair.server.tap()
    pair.client.transport.abort()
    await pair.settle()
    said = [tried(pair.client.transport.write, b"too late") for _ in range(10)]
    return said, tap.data, pair.logged


@case(4, PLAIN)
async def write_after_write_eof_is_an_error(pair: Pair) -> Any:
    """After `write_eof` a write raises, also an empty one, and the connection lives."""
    transport = pair.client.transport
    transport.write_eof()
    said = [tried(transport.write, data) for data in (b"x", b"")]
    return [*said, tried(transport.writelines, [b"x"])], transport.is_closing()


@case(4, PLAIN)
async def write_eof_after_close(pair: Pair) -> Any:
    """`write_eof` on a closed transport is no error."""
    tap = pair.server.tap()
    pair.client.transport.close()
    said = tried(pair.client.transport.write_eof)
    await pair.settle()
    return said, tap.log


@case(4)
async def what_can_be_written(pair: Pair) -> Any:
    """Bytes-like objects are taken, all else is refused with a TypeError."""
    tap = pair.server.tap()
    tried_out = (b"a", bytearray(b"b"), memoryview(b"cd")[1:], b"", "text", None, 5, [1])
    said = [tried(pair.client.transport.write, data) for data in tried_out]
    await pair.settle()
    return said, tap.data


@case(4, PLAIN)
async def a_view_of_larger_items(pair: Pair) -> Any:
    """A memoryview of numbers is written as the bytes that it holds."""
    tap = pair.server.tap()
    said = tried(pair.client.transport.write, memoryview(array.array("i", [1, 2, 3])))
    await pair.settle()
    return said, len(tap.data)


@case(4)
async def data_may_be_changed_once_it_is_sent(pair: Pair) -> Any:
    """A bytearray that was sent at once can be changed without harm."""
    tap = pair.server.tap()
    data = bytearray(b"before")
    pair.client.transport.write(data)
    data[:] = b"after!"
    await pair.settle()
    return tap.data


def _limits(transport: Any) -> Any:
    return tried(lambda: transport.get_write_buffer_limits())  # noqa: PLW0108  # TLS lacks it on 3.8


@case(7)
async def watermarks(pair: Pair) -> Any:
    """The limits by default and as they are set, and which are refused."""
    transport = pair.client.transport
    seen = [_limits(transport)]
    for limits in ({"high": 1000}, {"low": 50}, {"high": 0}, {"high": 7, "low": 7}, {}):
        transport.set_write_buffer_limits(**limits)
        seen.append(_limits(transport))
    refused = [
        tried(transport.set_write_buffer_limits, high, low) for high, low in ((1, 2), (-1, None))
    ]
    return seen, refused


@case(7)
async def a_small_write_leaves_no_backlog(pair: Pair) -> Any:
    """What the kernel takes at once is not in the write buffer."""
    pair.client.transport.write(b"x" * 1000)
    return pair.client.transport.get_write_buffer_size()


@case(7)
async def pause_and_resume_alternate(pair: Pair) -> Any:
    """`pause_writing` once while the backlog is high, `resume_writing` once when it is low."""
    tap = pair.client.tap()
    other = pair.server.tap()
    pair.server.transport.pause_reading()
    for _ in range(3):
        pair.client.transport.write(FLOOD)
    inside = tap.events
    await pair.settle()
    full = pair.client.transport.get_write_buffer_size() > 64 * 1024
    pair.server.transport.resume_reading()
    await pair.settle()
    return inside, full, tap.log, pair.client.transport.get_write_buffer_size(), len(other.data)


@case(7)
async def pausing_goes_by_the_bytes_in_user_space(pair: Pair) -> Any:
    """With a high-water mark of 0 a write that the kernel takes at once doesn't pause."""
    tap = pair.client.tap()
    pair.client.transport.set_write_buffer_limits(high=0)
    pair.client.transport.write(b"x" * 100)
    await pair.settle()
    return tap.log


@case(7, PLAIN)
async def a_lower_mark_pauses_at_once(pair: Pair) -> Any:
    """Setting the mark below the backlog pauses the protocol there and then."""
    tap = pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.set_write_buffer_limits(high=64 * MIB)
    pair.client.transport.write(FLOOD)
    await pair.settle()
    before = tap.events
    pair.client.transport.set_write_buffer_limits(high=10)
    return before, tap.log


@case(7)
async def a_pause_writing_that_raises(pair: Pair) -> Any:
    """An exception in `pause_writing` goes to the exception handler; the connection lives."""

    def fail(tap: Any) -> None:
        raise ZeroDivisionError

    tap = pair.client.tap(pause=fail)
    other = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, pair.handled, len(other.data)


@case(7, PLAIN)
async def a_close_while_paused(pair: Pair) -> Any:
    """The order of what a paused writer is told when it closes and the peer reads on."""
    tap = pair.client.tap()
    other = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.client.transport.close()
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, other.told


@case(4)
async def write_after_close_with_a_backlog(pair: Pair) -> Any:
    """What becomes of a write after a `close` that is still flushing."""
    tap = pair.server.tap(keep_open=False)
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.client.transport.close()
    said = [tried(pair.client.transport.write, b"y") for _ in range(3)]
    await pair.settle()
    pair.server.transport.resume_reading()
    await pair.settle()
    return said, len(tap.data), pair.logged


@case(4, PLAIN)
async def write_after_write_eof_with_a_backlog(pair: Pair) -> Any:
    """A write after `write_eof` raises also while there is still something to be sent."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.client.transport.write_eof()
    said = tried(pair.client.transport.write, b"y")
    pair.server.transport.resume_reading()
    await pair.settle()
    return said, tap.told


@case(4, PLAIN)
async def write_after_write_eof_and_close(pair: Pair) -> Any:
    """A write after `write_eof` and `close` is still an error."""
    pair.client.transport.write_eof()
    pair.client.transport.close()
    seen = tried(pair.client.transport.write, b"y")
    await pair.settle()
    return seen, tried(pair.client.transport.write, b"y"), pair.logged


@case(7)
async def pause_and_resume_alternate_again_and_again(pair: Pair) -> Any:
    """Each pause is followed by one resume, however often the peer stops and goes on."""
    tap, other = pair.client.tap(), pair.server.tap()
    for _ in range(3):
        pair.server.transport.pause_reading()
        pair.client.transport.write(FLOOD)
        await pair.settle()
        pair.server.transport.resume_reading()
        await pair.settle()
    return tap.log, len(other.data)


@case(7, PLAIN)
async def the_marks_are_exact(pair: Pair) -> Any:
    """A backlog of just the high-water mark doesn't pause, one byte more does."""
    tap = pair.client.tap()
    transport = pair.client.transport
    pair.server.transport.pause_reading()
    transport.set_write_buffer_limits(high=64 * MIB)
    transport.write(FLOOD)
    await pair.settle()
    size = transport.get_write_buffer_size()
    transport.set_write_buffer_limits(high=size)
    at_the_mark = tap.events
    transport.write(b"y")
    grown = transport.get_write_buffer_size() - size
    return at_the_mark, grown, tap.events


@case(7, PLAIN)
async def what_is_seen_inside_pause_and_resume(pair: Pair) -> Any:
    """The backlog is past the high mark in `pause_writing`, at the low one in `resume_writing`."""
    sizes = []

    def look(tap: Any) -> None:
        size, (low, high) = tap.transport.get_write_buffer_size(), _limits(tap.transport)
        sizes.append((size > high, size <= low))

    tap = pair.client.tap(pause=look, resume=look)
    pair.server.tap()
    pair.client.transport.set_write_buffer_limits(high=100_000, low=50_000)
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, sizes


@case(7, PLAIN)
async def a_write_inside_resume_writing(pair: Pair) -> Any:
    """A protocol that floods again as it is resumed is paused again, and nothing is lost."""
    left = [FLOOD, FLOOD]

    def again(tap: Any) -> None:
        if left:
            tap.transport.write(left.pop())

    tap, other = pair.client.tap(resume=again), pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, len(other.data)


@case(7)
async def a_mark_of_zero_resumes_when_all_is_sent(pair: Pair) -> Any:
    """With a high-water mark of 0 the protocol goes on when the backlog is empty."""
    tap, other = pair.client.tap(), pair.server.tap()
    pair.client.transport.set_write_buffer_limits(high=0)
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    await pair.settle()
    before = tap.events
    pair.server.transport.resume_reading()
    await pair.settle()
    return before, tap.log, pair.client.transport.get_write_buffer_size(), len(other.data)


@case(7)
async def a_paused_protocol_that_is_aborted(pair: Pair) -> Any:
    """An `abort` doesn't resume a paused protocol, and the backlog is gone at once."""
    tap = pair.client.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.client.transport.abort()
    size = pair.client.transport.get_write_buffer_size()
    await pair.settle()
    return size, tap.log


@case(4, PLAIN)
async def a_view_of_larger_items_that_does_not_fit(pair: Pair) -> Any:
    """Of a memoryview of numbers of which a part has to wait, as many bytes arrive."""
    tap = pair.server.tap()
    said = tried(pair.client.transport.write, memoryview(array.array("i", [7] * (2 * MIB))))
    pair.client.transport.close()
    await pair.settle()
    return said, len(tap.data) == 8 * MIB


@case(7, PLAIN)
async def an_abort_inside_resume_writing(pair: Pair) -> Any:
    """A protocol that aborts as it is resumed: how often it ends, in this Python."""
    return await _abort_when_resumed(pair)


@case(7, PLAIN)
async def an_abort_inside_resume_writing_while_closing(pair: Pair) -> Any:
    """A protocol that aborts as it is resumed by a close that flushes: how often it ends."""
    return await _abort_when_resumed(pair, "close")


@case(7, PLAIN)
async def an_abort_inside_resume_writing_after_eof(pair: Pair) -> Any:
    """A protocol that aborts as it is resumed, with EOF still to be sent: how often it ends."""
    return await _abort_when_resumed(pair, "write_eof")


async def _abort_when_resumed(pair: Pair, *calls: str) -> Any:
    tap = pair.client.tap(resume=lambda tap: tap.transport.abort())
    other = pair.server.tap(keep_open=False)
    other.transport.pause_reading()
    tap.transport.write(FLOOD)
    for call in calls:
        getattr(tap.transport, call)()
    await pair.settle()
    other.transport.resume_reading()
    await pair.settle()
    return tap.events, len(other.data), other.events[-1:], pair.handled
