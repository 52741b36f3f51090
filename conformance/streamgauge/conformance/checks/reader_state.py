"""Checks of the reader's state: at_eof, EOF and errors by hand, iteration.

Its bounds stand in `reader_limit`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, Iterator, List

from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

SLOW = "took %.3f seconds"  # in debug mode, of a callback on a machine that is busy


class HandmadeError(Exception):
    """An error that no implementation raises by itself."""


@contextlib.contextmanager
def logged() -> Iterator[List[str]]:
    """Gather what asyncio, or who speaks by its logger, warns of in the block.

    That a callback took long is no word of the streams': a loop in debug mode says so.
    """
    texts: List[str] = []

    def emit(record: logging.LogRecord) -> None:
        if SLOW not in str(record.msg):
            texts.append(record.getMessage())

    handler = logging.Handler(logging.WARNING)
    handler.emit = emit  # type: ignore[method-assign]
    log = logging.getLogger("asyncio")
    log.addHandler(handler)
    try:
        yield texts
    finally:
        log.removeHandler(handler)


@check("reader.at_eof.false-before-eof")
async def is_not_at_eof_while_more_may_come(t: Trial) -> None:
    reader = await t.reader()
    t.equal(reader.at_eof(), False, "at_eof() before anything came")
    await t.deliver(b"abc")
    t.equal(reader.at_eof(), False, "at_eof() with bytes buffered")
    t.equal(await reader.read(3), b"abc")
    t.equal(reader.at_eof(), False, "at_eof() with all bytes read")


@check("reader.at_eof.false-before-eof")
async def is_not_at_eof_while_a_read_waits(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(3))
    await t.still_waits(reading, "read(3)")
    t.equal(reader.at_eof(), False, "at_eof() while a read waits")


@check("reader.at_eof.false-with-data", needs=("readexactly",))
async def is_not_at_eof_until_the_last_byte_is_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    await t.deliver_eof()
    t.equal(reader.at_eof(), False, "at_eof() with 3 bytes buffered")
    t.equal(await reader.readexactly(2), b"ab")
    t.equal(reader.at_eof(), False, "at_eof() with 1 byte buffered")


@check("reader.at_eof.true-once-empty", needs=("readexactly",))
async def is_at_eof_once_the_last_byte_is_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    await t.deliver_eof()
    t.equal(await reader.readexactly(3), b"abc")
    t.equal(reader.at_eof(), True, "at_eof() with all bytes read")


@check("reader.at_eof.true-once-empty")
async def is_at_eof_when_nothing_ever_came(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver_eof()
    t.equal(reader.at_eof(), True, "at_eof() of an empty stream")
    t.equal(await reader.read(3), b"")
    t.equal(reader.at_eof(), True, "at_eof() after a read at EOF")


@check("reader.at_eof.not-warned-of-under-tls", links=("tls",))
async def the_peers_end_under_tls_leaves_no_word_in_the_log(t: Trial) -> None:
    reader = await t.reader()
    with logged() as texts:
        await t.deliver(b"the last")
        await t.deliver_eof()
        t.equal(await reader.read(), b"the last", "what comes before the peer's end")
    t.equal(texts, [], "what was logged")


@check("reader.at_eof.not-warned-of-under-tls", links=("tls",), kernel="an end below TLS")
async def an_end_below_tls_leaves_no_word_in_the_log(t: Trial) -> None:
    reader = await t.reader()
    sock: Any = t.peer.sock
    with logged() as texts:
        await t.deliver(b"the last")
        t.equal(await reader.read(8), b"the last")
        await t.bench.run(sock.shutdown, socket.SHUT_WR)
        with contextlib.suppress(OSError):  # whether it is an error is left open
            await reader.read()
    t.equal(texts, [], "what was logged")


@check("reader.feed_eof.wakes-waiting-read", links=FEED)
async def feed_eof_ends_a_wait_with_what_there_is(t: Trial) -> None:
    for method in ("read", "readline"):
        reader = await t.reader()
        reader.feed_data(b"abc")
        reading = t.start(getattr(reader, method)())
        await t.still_waits(reading, f"{method}()")
        reader.feed_eof()
        t.equal(await t.is_done(reading, f"{method}() after feed_eof()"), b"abc", method)


@check("reader.feed_eof.wakes-waiting-read", links=FEED)
async def feed_eof_ends_a_wait_that_wanted_more_with_an_error(t: Trial) -> None:
    for method, wanted in (("readexactly", 4), ("readuntil", b"d")):
        reader = await t.reader()
        reader.feed_data(b"abc")
        reading = t.start(getattr(reader, method)(wanted))
        await t.still_waits(reading, f"{method}()")
        reader.feed_eof()
        with t.raises(asyncio.IncompleteReadError):
            await t.is_done(reading, f"{method}() after feed_eof()")


@check("reader.feed_eof.wakes-waiting-read", links=FEED)
async def feed_eof_ends_a_wait_on_an_empty_buffer(t: Trial) -> None:
    reader = await t.reader()
    reading = t.start(reader.read(10))
    await t.still_waits(reading, "read(10)")
    reader.feed_eof()
    t.equal(await t.is_done(reading, "read(10) after feed_eof()"), b"")


@check("reader.feed_eof.rejects-later-data", links=FEED)
async def feeding_after_the_end_is_an_assertion_error(t: Trial) -> None:
    reader = await t.reader()
    reader.feed_eof()
    with t.raises(AssertionError):
        reader.feed_data(b"late")


@check("reader.iteration.async-for")
async def async_for_hands_out_all_that_arrives_and_ends(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\ntwo\nlast")
    await t.deliver_eof()
    received = []
    async for each in reader:
        received.append(each)
        if len(received) > 13:  # more pieces than there are bytes
            break
    t.equal(b"".join(received), b"one\ntwo\nlast")


@check("reader.iteration.yields-lines")
async def iterating_gives_the_lines_until_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\n\r\n")
    await t.deliver(b"\nlast")
    await t.deliver_eof()
    lines = []
    async for line in reader:
        lines.append(line)
        if len(lines) > 4:
            break
    t.equal(lines, [b"one\n", b"\r\n", b"\n", b"last"])


@check("reader.iteration.yields-lines")
async def iterating_waits_for_each_line(t: Trial) -> None:
    reader = await t.reader()
    lines = reader.__aiter__()
    for half, rest in ((b"o", b"ne\n"), (b"tw", b"o\n")):
        reading = t.start(lines.__anext__())
        await t.deliver(half)
        await t.still_waits(reading, "the next line")
        await t.deliver(rest)
        t.equal(await reading, half + rest)


@check("reader.iteration.cancel-keeps-data")
async def a_cancelled_step_leaves_its_line_to_the_next(t: Trial) -> None:
    reader = await t.reader()
    lines = reader.__aiter__()
    await t.deliver(b"half")
    stepping = t.start(lines.__anext__())
    await t.still_waits(stepping, "the next line")
    await t.cancel(stepping, "the next line")
    await t.deliver(b" a line\n")
    t.equal(await lines.__anext__(), b"half a line\n")


@check("reader.set_exception.raised-by-reads", links=FEED)
async def an_error_set_by_hand_ends_a_wait_and_every_later_read(t: Trial) -> None:
    calls = (("read", ()), ("read", (3,)), ("readline", ()), ("readexactly", (3,)))
    for method, arguments in (*calls, ("readuntil", (b"d",))):
        reader = await t.reader()
        read = getattr(reader, method)
        reading = t.start(read(*arguments))
        await t.still_waits(reading, f"{method}()")
        reader.set_exception(HandmadeError())
        with t.raises(HandmadeError):
            await t.is_done(reading, f"{method}() after set_exception()")
        with t.raises(HandmadeError):
            await t.is_done(t.start(read(*arguments)), f"a later {method}()")
