"""Checks of `StreamReader.readline`."""

from __future__ import annotations

import asyncio

from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

TURNS = range(5)  # of the loop: from before bytes arrive until after a waiting read has ended


@check("reader.readline.returns-one-line")
async def gives_one_line_with_its_newline_and_leaves_the_next(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\ntwo\nth")
    t.equal([await reader.readline(), await reader.readline()], [b"one\n", b"two\n"])
    t.equal(await reader.read(100), b"th", "what follows the lines")


@check("reader.readline.only-newline-ends-line")
async def other_line_ends_are_part_of_the_line(t: Trial) -> None:
    line = b"cr\rcrlf\r\n"
    other = b"\0\v\f\x1c\x1d\x1e\x85\xe2\x80\xa8\n"  # what str.splitlines takes for line ends
    reader = await t.reader()
    await t.deliver(line + other)
    t.equal([await reader.readline(), await reader.readline()], [line, other])


@check(
    "reader.readline.only-newline-ends-line",
    links=FEED,
    spares={"*": "it matters which byte is the last that has come"},
)
async def no_other_byte_ends_a_line(t: Trial) -> None:
    others = bytes(byte for byte in range(256) if byte != ord("\n"))
    reader = await t.reader()
    for byte in others:
        t.deliver_now(b"x%c" % byte)
        reading = t.start(reader.readline())
        await t.still_waits(reading, f"readline() behind byte {byte:#04x}")
        t.deliver_now(b"y%c" % byte)
        await t.still_waits(reading, f"readline() behind byte {byte:#04x}")
        t.deliver_now(b"\n")
        t.equal(await t.is_done(reading, "readline()"), b"x%cy%c\n" % (byte, byte))


@check("reader.readline.waits-for-newline")
async def waits_for_the_newline_piece_by_piece(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.readline())
    for piece in (b"a", b"l", b"ine\r", b" and more"):
        await t.deliver(piece)
        await t.still_waits(reading, "readline()")
    await t.deliver(b"\nx")
    t.equal(await reading, b"aline\r and more\n")


@check("reader.readline.waits-for-newline")
async def waits_for_the_newline_behind_a_long_line(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"x" * 2000 + b"\nhalf")
    t.equal(await reader.readline(), b"x" * 2000 + b"\n", "the long line")
    reading = t.start(reader.readline())
    await t.still_waits(reading, "readline()")
    await t.deliver(b" a line\n")
    t.equal(await t.is_done(reading, "readline()"), b"half a line\n")


@check("reader.readline.partial-at-eof")
async def gives_an_unfinished_line_at_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\nlast")
    await t.deliver_eof()
    t.equal([await reader.readline(), await reader.readline()], [b"one\n", b"last"])


@check("reader.readline.partial-at-eof")
async def a_readline_that_waits_gives_what_there_is_when_eof_comes(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"last")
    reading = t.start(reader.readline())
    await t.still_waits(reading, "readline()")
    await t.deliver_eof()
    t.equal(await reading, b"last")


@check("reader.readline.empty-at-eof")
async def an_empty_line_differs_from_the_end(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"\n")
    await t.deliver_eof()
    t.equal([await reader.readline() for _ in range(3)], [b"\n", b"", b""])


@check("reader.readline.limit-length-fits", needs=("limit",))
async def a_line_as_long_as_the_limit_is_returned(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678\nabcdefgh\n")
    t.equal([await reader.readline(), await reader.readline()], [b"12345678\n", b"abcdefgh\n"])


@check("reader.readline.limit-length-fits", needs=("limit",))
async def a_line_as_long_as_the_limit_may_come_before_its_newline(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678")
    reading = t.start(reader.readline())
    await t.still_waits(reading, "readline() with as many bytes as the limit")
    await t.deliver(b"\n")
    t.equal(await reading, b"12345678\n")


@check("reader.readline.cancel-keeps-data")
async def a_cancelled_readline_leaves_the_line_to_the_next(t: Trial) -> None:
    reader = await t.reader()
    for turns in TURNS:
        await t.deliver(b"half")
        reading = t.start(reader.readline())
        await t.still_waits(reading, "readline()")
        t.deliver_now(b" a line\n")
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await t.idle()
        received = await (reader.readline() if reading.cancelled() else reading)
        t.equal(received, b"half a line\n", f"cancelled {turns} turns after its end was sent")


@check("reader.readline.overrun-raises-value-error", needs=("limit",))
async def a_complete_line_beyond_the_limit_raises_value_error(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"123456789\n")
    with t.raises(ValueError):
        await reader.readline()


@check("reader.readline.overrun-raises-value-error", needs=("limit",))
async def an_unfinished_line_beyond_the_limit_raises_value_error(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678")
    reading = t.start(reader.readline())
    await t.still_waits(reading, "readline() with as many bytes as the limit")
    await t.deliver(b"9")
    with t.raises(ValueError):
        await t.is_done(reading, "readline() with more bytes than the limit")


@check(
    "reader.readline.overrun-drops-line",
    needs=("limit",),
    spares={"pieces": "in pieces it overruns before the line is complete"},
)
async def goes_on_behind_a_complete_line_that_was_too_long(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"far too long a line\nnext\nrest")
    with t.raises(ValueError):
        await reader.readline()
    t.equal([await reader.readline(), await reader.read(4)], [b"next\n", b"rest"])


@check(
    "reader.readline.overrun-drops-buffer",
    needs=("limit",),
    spares={"pieces+late": "in pieces it overruns sooner, and drops less"},
)
async def drops_what_has_come_of_a_line_that_was_too_long(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"far too long")
    with t.raises(ValueError):
        await t.is_done(t.start(reader.readline()), "readline() with more bytes than the limit")
    await t.deliver(b" a line\nnext\n")
    line = await reader.readline()
    if line == b" a line\n":  # the tail, which may be taken for a line
        line = await reader.readline()
    t.equal(line, b"next\n")
