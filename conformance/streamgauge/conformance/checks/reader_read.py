"""Checks of `StreamReader.read`, and of the type of what every read returns.

What a limit, a reset or a second reader does to a read stands in `reader_limit` and
`reader_lost`.
"""

from __future__ import annotations

import asyncio

from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

BLOCK = bytes(range(256)) * 256  # 64 KiB, which any kernel takes without a reader
TURNS = range(5)  # of the loop: from before bytes arrive until after a waiting read has ended


class Number(int):
    """An int that is not of the type int itself, as members of an IntEnum are."""


@check("reader.read.up-to-n")
async def gives_at_most_n_bytes_and_the_rest_in_order(t: Trial) -> None:
    reader = await t.reader()
    for piece in (b"abc", b"defgh", b"i"):
        await t.deliver(piece)
    await t.deliver_eof()
    pieces = [await reader.read(4) for _ in range(9)]
    t.equal([type(piece) for piece in pieces], [bytes] * 9, "types of the results")
    t.equal([piece for piece in pieces if len(piece) > 4], [], "results longer than 4 bytes")
    t.equal(b"".join(pieces), b"abcdefghi")


@check("reader.read.returns-what-is-there")
async def returns_the_one_byte_that_is_there(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"a")
    reading = t.start(reader.read(100))
    t.equal(await t.is_done(reading, "read(100) with 1 byte buffered"), b"a")


@check("reader.read.returns-what-is-there")
async def returns_the_first_byte_that_arrives(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(100))
    await t.deliver(b"a")
    t.equal(await t.is_done(reading, "read(100) once 1 byte had arrived"), b"a")


@check("reader.read.waits-for-data", spares={"pieces": "the read ends with the first piece"})
async def waits_while_nothing_has_arrived(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(100))
    await t.still_waits(reading, "read(100)")
    await t.deliver(b"abc")
    t.equal(await reading, b"abc")


@check("reader.read.waits-for-data", spares={"pieces": "the read ends with the first piece"})
async def waits_for_a_number_of_bytes_of_a_class_of_its_own(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(Number(100)))
    await t.still_waits(reading, "read(100)")
    await t.deliver(b"abc")
    t.equal(await t.is_done(reading, "read(100) once 3 bytes had arrived"), b"abc")


@check("reader.read.omitted-reads-until-eof")
async def without_an_argument_waits_for_eof_and_returns_everything(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.read())
    await t.still_waits(reading, "read()")
    await t.deliver(b"\ndef")
    await t.still_waits(reading, "read()")
    await t.deliver_eof()
    t.equal(await reading, b"abc\ndef")


@check("reader.read.minus-one-reads-until-eof")
async def minus_one_waits_for_eof_and_returns_everything(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.read(-1))
    await t.still_waits(reading, "read(-1)")
    await t.deliver(b"\ndef")
    await t.still_waits(reading, "read(-1)")
    await t.deliver_eof()
    t.equal(await reading, b"abc\ndef")


@check("reader.read.until-eof-beyond-limit", needs=("limit",))
async def until_eof_returns_many_times_the_limit(t: Trial) -> None:
    reader = await t.reader(limit=1024)
    await t.deliver(BLOCK)  # the buffer is over its bound before anybody reads
    reading = t.start(reader.read())
    await t.deliver(BLOCK)
    await t.deliver_eof()
    t.equal(await reading, BLOCK + BLOCK)


@check("reader.read.empty-at-eof")
async def gives_nothing_at_eof_again_and_again(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    await t.deliver_eof()
    t.equal(await reader.read(), b"abc")
    t.equal([await reader.read(10) for _ in range(3)], [b"", b"", b""], "read(10)")
    t.equal([await reader.read() for _ in range(3)], [b"", b"", b""], "read()")


@check("reader.read.empty-at-eof")
async def a_read_that_waits_gives_nothing_when_eof_comes(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(10))
    await t.still_waits(reading, "read(10)")
    await t.deliver_eof()
    t.equal(await reading, b"")


@check("reader.read.data-before-eof")
async def gives_the_last_bytes_before_it_tells_of_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"last words")
    await t.deliver_eof()
    t.equal([await reader.read(100), await reader.read(100)], [b"last words", b""])


@check("reader.read.data-before-eof", needs=("limit",))
async def eof_right_behind_the_data_hides_none_of_it(t: Trial) -> None:
    reader = await t.reader(limit=4)  # the buffer is over its bound when EOF comes
    t.deliver_now(b"last words", eof=True)
    await t.idle()
    pieces = [await reader.read(4) for _ in range(4)]
    t.equal(b"".join(pieces), b"last words")
    t.equal(pieces[-1], b"", "the read after the last byte")


@check("reader.result.is-bytes")
async def every_result_is_bytes(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"line\nrecord;exactly-some-rest")
    results = [
        await reader.readline(),
        await reader.readuntil(b";"),
        await reader.readexactly(7),
        await reader.read(5),
    ]
    await t.deliver_eof()
    results.append(await reader.read())
    t.equal([type(result) for result in results], [bytes] * 5)


@check("reader.result.is-bytes")
async def every_empty_result_is_bytes(t: Trial) -> None:
    reader = await t.reader()
    results = [await reader.read(0), await reader.readexactly(0)]
    await t.deliver_eof()
    results += [await reader.readline(), await reader.read(5), await reader.read()]
    t.equal([type(result) for result in results], [bytes] * 5)


@check("reader.result.is-bytes", links=FEED, needs=("feed",))
async def results_are_bytes_and_stay_when_a_bytearray_was_fed(t: Trial) -> None:
    reader = await t.reader()
    for before in ([], [b"some line ahead of it\n"]):
        for line in before:
            reader.feed_data(line)
        fed = bytearray(b"line\nrest")
        reader.feed_data(fed)
        fed[:] = b"over\nrite"
        results = [await reader.readline() for _ in (*before, b"line")] + [await reader.read(4)]
        t.equal([type(result) for result in results], [bytes] * len(results))
        t.equal(results, [*before, b"line\n", b"rest"])


@check("reader.read.zero-returns-empty")
async def nought_bytes_come_at_once_and_cost_none(t: Trial) -> None:
    reader = await t.reader()
    t.equal(await t.is_done(t.start(reader.read(0)), "read(0) on an empty buffer"), b"")
    await t.deliver(b"abc")
    t.equal([await reader.read(0), await reader.read(3)], [b"", b"abc"])


@check("reader.read.cancel-keeps-data")
async def a_cancelled_read_leaves_its_bytes_to_the_next(t: Trial) -> None:
    reader = await t.reader()
    for turns in TURNS:
        reading = t.start(reader.read(5))
        await t.still_waits(reading, "read(5)")
        t.deliver_now(b"hello")
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await t.idle()
        received = await (reader.read(5) if reading.cancelled() else reading)
        t.equal(received, b"hello", f"cancelled {turns} turns after the bytes were sent")


@check("reader.read.cancel-keeps-data", spares={"pieces": "the read ends with the first piece"})
async def the_read_after_a_cancelled_one_waits_in_its_place(t: Trial) -> None:
    reader = await t.reader()
    cancelled = t.start(reader.read(5))
    await t.still_waits(cancelled, "read(5)")
    await t.cancel(cancelled, "read(5)")
    reading = t.start(reader.read(5))
    await t.still_waits(reading, "read(5) after a cancelled one")
    await t.deliver(b"hello")
    t.equal(await t.is_done(reading, "read(5) once its bytes had arrived"), b"hello")


@check("reader.read.until-eof-cancel-keeps-data")
async def a_cancelled_read_until_eof_gives_back_what_had_arrived(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read())
    await t.deliver(b"abc")
    await t.deliver(b"def")
    await t.cancel(reading, "read()")
    await t.deliver(b"ghi")
    await t.deliver_eof()
    t.equal(await reader.read(), b"abcdefghi")


@check("reader.read.negative-reads-until-eof")
async def minus_five_waits_for_eof_and_returns_everything(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcdefgh")
    reading = t.start(reader.read(-5))
    await t.still_waits(reading, "read(-5)")
    await t.deliver_eof()
    t.equal(await reading, b"abcdefgh")


@check(
    "reader.read.not-capped-by-limit",
    needs=("limit",),
    spares={"pieces": "reading is paused before the last piece has come"},
)
async def returns_more_than_the_limit_when_more_is_buffered(t: Trial) -> None:
    reader = await t.reader(limit=4)
    await t.deliver(b"0123456789")
    t.equal(await reader.read(10), b"0123456789")
