"""Checks of records and messages that lie across pieces of unlike sizes.

An implementation that keeps pieces as they came has to search and to count across them; one that
joins them has to know what it has joined. Where a plan can cut a piece, stands with each read.
"""

from __future__ import annotations

from streamgauge.conformance.checks.reader_large import MESSAGE, PART, PLAIN, READING, SIZE
from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

LONG = b"x" * 100
DOT = b"\r\n.\r\n"  # what ends a mail
RECORD = b"0123456789" * 100  # bytes of one piece
LIMIT = 1024 * 1024  # bytes
LINE_PART = b"x" * 16 * 1024


@check("reader.readuntil.split-separator", links=(*FEED, *PLAIN))
async def a_separator_lies_across_a_short_piece_between_long_ones(t: Trial) -> None:
    reader = await t.reader()
    for piece in (LONG + DOT[:1], DOT[1:3], DOT[3:] + LONG):
        await t.deliver(piece)
    t.equal(await reader.readuntil(DOT), LONG + DOT)
    t.equal(await reader.read(1000), LONG, "what follows")


@check("reader.readuntil.consumes-record", links=FEED, needs=("limit", "feed"))
async def a_record_of_many_pieces_leaves_nothing(t: Trial) -> None:
    for first, more in ((RECORD, 400), (RECORD * 64, 5)):  # some KiB each, and one that is larger
        reader = await t.reader(limit=LIMIT)
        for piece in (first, *[RECORD] * more, DOT):
            reader.feed_data(piece)
        record = await t.is_done(t.start(reader.readuntil(DOT)), "readuntil()")
        t.equal(record, first + RECORD * more + DOT)
        reader.feed_eof()
        t.equal(await t.is_done(t.start(reader.read()), "read() at EOF"), b"")
        t.equal(reader.at_eof(), True, "at_eof() with everything read")


@check("reader.readuntil.waits-for-separator", links=(*FEED, *PLAIN), needs=("readexactly",))
async def what_is_left_of_a_large_piece_begins_a_record(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(RECORD * 2 + b"half of ")
    t.equal(await reader.readexactly(len(RECORD * 2)), RECORD * 2)
    reading = t.start(reader.readuntil(DOT))
    await t.still_waits(reading, "readuntil()")
    await t.deliver(b"it" + DOT)
    t.equal(await t.is_done(reading, "readuntil()"), b"half of it" + DOT)


@check("reader.readline.waits-for-newline", links=PLAIN)
async def a_long_line_of_several_parts_ends_with_its_newline(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.readline())
    for _ in range(3):
        await t.deliver(LINE_PART)
        await t.still_waits(reading, "readline()")
    await t.deliver(b"end\nnext")
    t.equal(await t.is_done(reading, "readline()"), LINE_PART * 3 + b"end\n")
    t.equal(await reader.read(100), b"next", "what follows")


@check("reader.readexactly.returns-n", links=PLAIN, needs=("limit",))
async def a_large_message_whose_beginning_was_searched_comes_whole(t: Trial) -> None:
    reader = await t.reader(limit=LIMIT)
    for at in range(0, PART, PART // 32):
        await t.deliver(MESSAGE[at : at + PART // 32])
    searching = t.start(reader.readuntil(DOT))
    await t.still_waits(searching, "readuntil()")
    await t.cancel(searching, "readuntil()")
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    for at in (PART, 2 * PART):
        await t.deliver(MESSAGE[at : at + PART])
    await t.deliver(MESSAGE[3 * PART :])
    t.equal(await t.is_done(reading, READING), MESSAGE)
