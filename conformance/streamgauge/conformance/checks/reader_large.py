"""Checks of a `readexactly` of more than a transport hands on at once.

An implementation may receive such a message in a way of its own, past its buffer: what is promised
of any other is tried on it once more, on links whose transports differ in how they deliver.
"""

from __future__ import annotations

import asyncio

from streamgauge.conformance.checks.reader_state import HandmadeError
from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

MESSAGE = b"".join(b"%07d\n" % number for number in range(40 * 1024))  # 320 KiB, no two lines alike
SIZE = len(MESSAGE)
PART = 64 * 1024  # bytes, which any kernel takes without a reader
LAST = 3  # bytes, which can be sent without leaving a turn of the loop
READING = f"readexactly({SIZE})"
TURNS = range(5)  # of the loop: from before the last bytes arrive until after the read has ended
PLAIN = ("socketpair", "tcp")
SOCKETS = (*PLAIN, "tls")
LINKS = (*FEED, *SOCKETS)


@check("reader.readexactly.waits-for-n", links=LINKS)
async def a_large_message_comes_whole_and_what_follows_stays(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    # It has begun when it is asked for, and has not.
    for rest, behind in ((MESSAGE[PART:], b""), (MESSAGE, b"behind")):
        reading = t.start(reader.readexactly(SIZE))
        await t.still_waits(reading, READING)
        await t.deliver(rest + behind)
        t.equal(await t.is_done(reading, READING), MESSAGE)
        t.equal(await reader.readexactly(len(behind)), behind, "what follows")


@check("reader.readexactly.partial-has-data", links=LINKS)
async def the_error_holds_what_came_of_a_large_message(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    await t.deliver_eof()
    with t.raises(asyncio.IncompleteReadError) as short:
        await t.is_done(reading, f"{READING} at EOF")
    t.equal(short.value.partial, MESSAGE[: 2 * PART], "partial")


@check("reader.readexactly.cancel-keeps-data", links=LINKS)
async def a_cancelled_readexactly_leaves_a_large_message_as_far_as_it_came(t: Trial) -> None:
    reader = await t.reader()
    for more in (b"", MESSAGE[PART : 2 * PART]):  # that comes while it waits
        await t.deliver(MESSAGE[:PART])
        reading = t.start(reader.readexactly(SIZE))
        await t.still_waits(reading, READING)
        if more:
            await t.deliver(more)
        await t.cancel(reading, READING)
        came = MESSAGE[:PART] + more
        t.equal(await t.is_done(t.start(reader.readexactly(len(came))), "the next read"), came)


@check(
    "reader.readexactly.cancel-keeps-data",
    links=LINKS,
    spares={"*": "it counts the turns since the last byte itself"},
)
async def a_readexactly_cancelled_at_the_end_leaves_all_of_a_large_message(t: Trial) -> None:
    reader = await t.reader()
    for turns in TURNS:
        await t.deliver(MESSAGE[:PART])
        reading = t.start(reader.readexactly(SIZE))
        await t.still_waits(reading, READING)
        await t.deliver(MESSAGE[PART:-LAST])
        t.deliver_now(MESSAGE[-LAST:])
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await t.idle()
        received = await (reader.readexactly(SIZE) if reading.cancelled() else reading)
        t.equal(received, MESSAGE, f"cancelled {turns} turns after the last byte was sent")


@check("writer.write.after-peer-eof", links=PLAIN, needs=("readexactly",))
async def eof_in_a_large_message_leaves_the_writer_open(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver_eof()
    with t.raises(asyncio.IncompleteReadError):
        await t.is_done(reading, f"{READING} at EOF")
    writer.write(b"an answer")
    t.equal(await t.peer.recv_exactly(9), b"an answer")


@check("reader.lost.buffered-data-readable", links=SOCKETS, needs=("readexactly",))
async def what_came_of_a_large_message_before_a_reset_can_be_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    await t.deliver_reset()
    with t.raises(ConnectionError):
        await t.is_done(reading, f"{READING} of a connection that was reset")
    t.equal(await reader.readexactly(2 * PART), MESSAGE[: 2 * PART])


@check("reader.feed_eof.wakes-waiting-read", links=PLAIN, needs=("readexactly",))
async def feed_eof_ends_a_wait_for_a_large_message(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    reader.feed_eof()
    with t.raises(asyncio.IncompleteReadError) as short:
        await t.is_done(reading, f"{READING} after feed_eof()")
    t.equal(short.value.partial, MESSAGE[: 2 * PART], "partial")


@check("reader.set_exception.raised-by-reads", links=PLAIN, needs=("readexactly",))
async def an_error_set_by_hand_ends_a_wait_for_a_large_message(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    reader.set_exception(HandmadeError())
    with t.raises(HandmadeError):
        await t.is_done(reading, f"{READING} after set_exception()")


@check("reader.shared.second-waiting-read-rejected", links=SOCKETS, needs=("readexactly",))
async def a_second_read_beside_one_of_a_large_message_is_refused(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    first = t.start(reader.readexactly(SIZE))
    await t.still_waits(first, READING)
    with t.raises(RuntimeError):
        await t.is_done(t.start(reader.readexactly(SIZE)), "a second read")
    await t.deliver(MESSAGE[PART:])
    t.equal(await t.is_done(first, READING), MESSAGE, "the first read")


@check("writer.drain.blocks-above-high-water", links=SOCKETS, needs=("readexactly",))
async def drain_blocks_beside_a_read_of_a_large_message(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    blocked, _ = await t.try_to_fill(writer)
    await t.still_waits(blocked, "drain()")


@check("writer.drain.wakes-at-low-water", links=SOCKETS, needs=("readexactly",))
async def a_blocked_drain_returns_beside_a_read_of_a_large_message(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(MESSAGE[:PART])
    blocked, written = await t.fill_until_drain_blocks(writer)
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.peer.recv_exactly(written)
    await t.is_done(blocked, "drain()")
    await t.deliver(MESSAGE[PART:])
    t.equal(await t.is_done(reading, READING), MESSAGE)
