"""Checks of `StreamReader.readexactly`."""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError

from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial

BLOCK = bytes(range(256)) * 256  # 64 KiB, which any kernel takes without a reader
TURNS = range(5)  # of the loop: from before bytes arrive until after a waiting read has ended


class Number(int):
    """An int that is not of the type int itself, as members of an IntEnum are."""


@check("reader.readexactly.returns-n")
async def gives_exactly_n_bytes_and_leaves_the_rest(t: Trial) -> None:
    reader = await t.reader()
    for piece in (b"abc", b"def", b"ghij"):
        await t.deliver(piece)
    t.equal([await reader.readexactly(4), await reader.readexactly(3)], [b"abcd", b"efg"])
    t.equal(await reader.read(100), b"hij", "what follows")


@check("reader.readexactly.returns-n")
async def gives_the_last_n_bytes_before_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcdef")
    await t.deliver_eof()
    t.equal([await reader.readexactly(2), await reader.readexactly(4)], [b"ab", b"cdef"])


@check("reader.readexactly.waits-for-n")
async def waits_for_a_number_of_a_class_of_its_own(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.readexactly(Number(6)))
    await t.still_waits(reading, "readexactly(6)")
    await t.deliver(b"def")
    t.equal(await t.is_done(reading, "readexactly(6)"), b"abcdef")


@check("reader.readexactly.waits-for-n")
async def waits_for_the_last_of_n_bytes(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"a")
    reading = t.start(reader.readexactly(6))
    for piece in (b"b", b"cd", b"e"):
        await t.deliver(piece)
        await t.still_waits(reading, "readexactly(6)")
    await t.deliver(b"fg")
    t.equal(await reading, b"abcdef")


@check("reader.readexactly.beyond-limit", needs=("limit",))
async def reads_many_times_the_limit(t: Trial) -> None:
    reader = await t.reader(limit=1024)
    await t.deliver(BLOCK)  # the buffer is over its bound before anybody reads
    reading = t.start(reader.readexactly(2 * len(BLOCK)))
    await t.deliver(BLOCK)
    t.equal(await reading, BLOCK + BLOCK)


@check("reader.readexactly.short-raises")
async def eof_before_n_bytes_raises(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcde")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reader.readexactly(6)


@check("reader.readexactly.short-raises")
async def eof_raises_in_a_readexactly_that_waits(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcde")
    reading = t.start(reader.readexactly(6))
    await t.still_waits(reading, "readexactly(6)")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reading


@check("reader.readexactly.partial-has-data")
async def the_error_holds_what_came_before_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.readexactly(6))
    await t.deliver(b"de")
    await t.deliver_eof()
    with t.raises(IncompleteReadError) as short:
        await reading
    t.equal(short.value.partial, b"abcde", "partial")


@check("reader.readexactly.partial-has-data")
async def the_error_holds_nothing_if_nothing_came(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver_eof()
    with t.raises(IncompleteReadError) as short:
        await reader.readexactly(6)
    t.equal(short.value.partial, b"", "partial")


@check("reader.readexactly.expected-is-n")
async def the_error_names_the_length_that_was_asked_for(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.readexactly(6))
    await t.deliver(b"de")
    await t.deliver_eof()
    with t.raises(IncompleteReadError) as short:
        await reading
    t.equal(short.value.expected, 6, "expected")


@check("reader.readexactly.zero-returns-empty")
async def nought_bytes_come_at_once_and_cost_none(t: Trial) -> None:
    reader = await t.reader()
    t.equal(await t.is_done(t.start(reader.readexactly(0)), "readexactly(0)"), b"")
    await t.deliver(b"abc")
    t.equal([await reader.readexactly(0), await reader.readexactly(3)], [b"", b"abc"])


@check("reader.readexactly.zero-returns-empty")
async def nought_bytes_come_at_eof_too(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver_eof()
    t.equal(await reader.readexactly(0), b"")


@check("reader.readexactly.negative-rejected")
async def refuses_a_negative_length_and_keeps_the_data(t: Trial) -> None:
    reader = await t.reader()
    with t.raises(ValueError):
        await t.is_done(t.start(reader.readexactly(-1)), "readexactly(-1) on an empty buffer")
    await t.deliver(b"abc")
    with t.raises(ValueError):
        await t.is_done(t.start(reader.readexactly(-1)), "readexactly(-1)")
    t.equal(await reader.readexactly(3), b"abc")


@check("reader.readexactly.cancel-keeps-data")
async def a_cancelled_readexactly_leaves_its_bytes_to_the_next(t: Trial) -> None:
    reader = await t.reader()
    for turns in TURNS:
        await t.deliver(b"abc")
        reading = t.start(reader.readexactly(6))
        await t.still_waits(reading, "readexactly(6)")
        t.deliver_now(b"def")
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await t.idle()
        received = await (reader.readexactly(6) if reading.cancelled() else reading)
        t.equal(received, b"abcdef", f"cancelled {turns} turns after the last byte was sent")


@check("reader.readexactly.short-empties-buffer")
async def nothing_is_left_behind_the_error(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reader.readexactly(6)
    t.equal(await reader.read(), b"")
