"""Checks of a StreamReader that a program builds, feeds or puts a transport under by hand.

No page has these names. Libraries that bring bytes of their own to a reader use them all the same.
"""

from __future__ import annotations

import asyncio
from typing import Any, List

from streamgauge.conformance.checks.reader_large import MESSAGE, PART, PLAIN, READING, SIZE
from streamgauge.conformance.checks.reader_limit import Gate
from streamgauge.conformance.checks.reader_state import HandmadeError
from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

LIMIT = 10  # bytes


class _Unpausable(Gate):
    """A transport that cannot be paused, as some of pipes cannot."""

    def pause_reading(self) -> None:
        super().pause_reading()
        raise NotImplementedError


# --- what it tells of itself -------------------------------------------------------------------


@check("reader.repr.tells-its-state", links=FEED)
async def its_repr_has_size_limit_transport_error_and_end(t: Trial) -> None:
    reader, gate = await t.reader(), Gate()
    told = ("bytes", "eof", "limit", "waiter", "exception", "transport", "paused")
    t.equal([word for word in told if word in repr(reader)], [], "words of a new reader's repr")
    reader = await t.reader(limit=LIMIT)
    reading = t.start(reader.readexactly(LIMIT))
    await t.still_waits(reading, "readexactly()")
    t.true("waiter" in repr(reader), f"a waiter in {reader!r}")
    await t.cancel(reading, "readexactly()")
    reader.set_transport(gate)
    reader.feed_data(b"abc")
    t.false("paused" in repr(reader), f"nothing paused in {reader!r}")
    for part in ("3 bytes", f"limit={LIMIT}", f"transport={gate!r}"):
        t.true(part in repr(reader), f"{part} in {reader!r}")
    reader.feed_data(bytes(2 * LIMIT))
    t.true("paused" in repr(reader), f"a reader that is full to be paused in {reader!r}")
    reader.feed_eof()
    reader.set_exception(HandmadeError("by hand"))
    for part in ("eof", f"exception={HandmadeError('by hand')!r}"):
        t.true(part in repr(reader), f"{part} in {reader!r}")


@check("reader.set_exception.told-by-exception", links=FEED)
async def exception_gives_what_was_set(t: Trial) -> None:
    reader = await t.reader()
    error = HandmadeError()
    t.equal(reader.exception(), None, "exception() of a new reader")
    reader.set_exception(error)
    t.true(reader.exception() is error, "the error that was set")


@check("reader.set_exception.later-feed-accepted", links=FEED)
async def more_may_come_in_the_turn_in_which_an_error_is_set(t: Trial) -> None:
    reader, error = await t.reader(), HandmadeError()
    reading = t.start(reader.readexactly(10))
    await t.still_waits(reading, "readexactly(10)")
    reader.set_exception(error)
    reader.feed_data(b"abc")
    reader.feed_eof()
    with t.raises(HandmadeError):
        await t.is_done(reading, "readexactly(10)")


@check("reader.feed_data.empty-ignored", links=FEED)
async def no_bytes_are_no_end(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(10))
    await t.still_waits(reading, "read(10)")
    reader.feed_data(b"")
    await t.still_waits(reading, "read(10) after no bytes were fed")
    reader.feed_data(b"abc")
    t.equal(await t.is_done(reading, "read(10)"), b"abc")


@check("reader.readline.overrun-same-words", links=FEED, needs=("limit", "readline"))
async def readline_says_what_readuntil_says(t: Trial) -> None:
    errors: List[Any] = []
    for method, arguments in (("readuntil", (b"\n",)), ("readline", ())):
        reader = await t.reader(limit=LIMIT)
        reader.feed_data(b"more than ten bytes\n")
        with t.raises((asyncio.LimitOverrunError, ValueError)) as overrun:
            await getattr(reader, method)(*arguments)
        errors.append(str(overrun.value))
    t.equal(errors[1], errors[0], "the text of readline's ValueError")


@check("reader.repr.tells-its-state", links=PLAIN)
async def its_repr_counts_what_has_come_of_a_large_message(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    t.true(f" {2 * PART} bytes" in repr(reader), f"{2 * PART} bytes in {reader!r}")
    await t.deliver(MESSAGE[2 * PART :])
    t.equal(await t.is_done(reading, READING), MESSAGE)


# --- its transport -----------------------------------------------------------------------------


@check("reader.set_transport.second-rejected", links=FEED)
async def a_reader_has_one_transport(t: Trial) -> None:
    reader, gate = await t.reader(limit=LIMIT), Gate()
    reader.set_transport(gate)
    with t.raises(AssertionError):
        reader.set_transport(Gate())
    reader.feed_data(bytes(2 * LIMIT + 1))
    t.equal(gate.told, ["pause"], "what the transport was told that came first")


@check("reader.limit.unpausable-accepted", links=FEED)
async def what_cannot_be_paused_is_asked_once(t: Trial) -> None:
    reader, gate = await t.reader(limit=LIMIT), _Unpausable()
    reader.set_transport(gate)
    for _ in range(3):
        reader.feed_data(bytes(2 * LIMIT + 1))
    t.equal(gate.told, ["pause"], "what the transport was told")
    t.equal(await reader.readexactly(6 * LIMIT + 3), bytes(6 * LIMIT + 3), "bytes read")


@check("reader.limit.holds-after-cancel", links=FEED)
async def a_read_that_is_given_up_lets_nothing_in_any_more(t: Trial) -> None:
    for size, told in ((2 * LIMIT, "resume"), (2 * LIMIT + 1, "pause")):
        reader, gate = await t.reader(limit=LIMIT), Gate()
        reader.set_transport(gate)
        gate.told.append("resume")  # as it begins
        reading = t.start(reader.readexactly(10 * LIMIT))
        await t.still_waits(reading, "readexactly()")
        reader.feed_data(bytes(size))
        await t.cancel(reading, "readexactly()")
        t.equal(gate.told[-1], told, f"what the transport was told last, with {size} bytes there")


# --- what comes to it, by several ways ---------------------------------------------------------


@check("reader.shared.second-ready-read-served", links=(*FEED, *PLAIN))
async def what_has_come_of_a_message_serves_a_shorter_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    first = t.start(reader.readexactly(10))
    t.equal(await t.is_done(first, "a shorter read"), MESSAGE[:10])
    await t.deliver(MESSAGE[2 * PART :] + b"ten more: ")
    t.equal(await t.is_done(reading, READING), MESSAGE[10:] + b"ten more: ")


@check("reader.feed_data.in-order-with-transport", links=PLAIN)
async def what_is_fed_by_hand_stands_where_it_came(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    for piece in (b"by ", b"hand"):
        reader.feed_data(piece)
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[2 * PART :])
    whole = MESSAGE[: 2 * PART] + b"by hand" + MESSAGE[2 * PART :]
    t.equal(await t.is_done(reading, READING), whole[:SIZE])
    t.equal(await reader.readexactly(7), whole[SIZE:], "what follows")
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(b"a beginning")
    reader.feed_data(MESSAGE)  # which would do by itself
    t.equal(await t.is_done(reading, READING), (b"a beginning" + MESSAGE)[:SIZE])


@check("reader.feed_data.replaced-sees-all", links=PLAIN)
async def a_feed_data_of_the_programs_own_is_called_for_all(t: Trial) -> None:
    reader = await t.reader()
    feed_data, seen = reader.feed_data, bytearray()

    def see(data: bytes) -> None:
        seen.extend(data)
        feed_data(data)

    reader.feed_data = see
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART:])
    t.equal(await t.is_done(reading, READING), MESSAGE)
    t.equal(bytes(seen), MESSAGE, "what was seen")
    del reader.feed_data


@check("writer.transport.protocol-put-back", links=PLAIN)
async def reading_goes_on_when_a_protocol_is_taken_off_and_put_back(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    protocol = writer.transport.get_protocol()
    writer.transport.set_protocol(asyncio.Protocol())
    await t.cancel(reading, READING)
    writer.transport.set_protocol(protocol)
    for piece in (b"more ", b"and more"):
        await t.deliver(piece)
    received = await reader.readexactly(2 * PART + 13)
    t.equal(received, MESSAGE[: 2 * PART] + b"more and more")
