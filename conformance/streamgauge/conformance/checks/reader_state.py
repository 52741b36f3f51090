"""Checks of the reader's state and bounds: at_eof, EOF and errors by hand, limit, iteration.

What the bounds are for single records stands in `reader_line` and `reader_until`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any, Iterator, List

from streamgauge.conformance.registry import FEED, PAIRS, check
from streamgauge.conformance.trial import Trial

LIMIT = 128 * 1024  # bytes; below it, one delivery of a transport (256 KiB) would hide the bound
SMALL_MULTIPLE = 10  # twice the limit, the transports' own blocks, and what the kernels hold
WITHOUT_END = 24 * 1024 * 1024  # bytes; kernels hold 3 to 6 MiB of them where they may
NUMBERED = b"".join(b"%07d\n" % number for number in range(24 * 1024))  # 192 KiB
TEN_BYTES = (  # ways to read ten bytes that end in the first newline
    ("read", (10,)),
    ("readline", ()),
    ("readexactly", (10,)),
    ("readuntil", ()),
    ("readuntil", (b"9\n",)),
    ("__anext__", ()),
)
SNDBUF = 128 * 1024  # bytes, doubled by Linux; left alone, it grows to several MiB


class HandmadeError(Exception):
    """An error that no implementation raises by itself."""


class Gate(asyncio.ReadTransport):
    """A transport that only notes what it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: List[str] = []

    def pause_reading(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resume_reading(self) -> None:
        """Note it."""
        self.told.append("resume")

    def is_closing(self) -> bool:
        """Say that it stays."""
        return False


@contextlib.contextmanager
def logged() -> Iterator[List[str]]:
    """Gather what asyncio, or who speaks by its logger, warns of in the block."""
    texts: List[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
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


@check("reader.limit.bounds-buffer", links=PAIRS)
async def a_peer_that_sends_without_end_is_stopped(t: Trial) -> None:
    await t.reader(limit=1024)
    t.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SNDBUF)
    sent = await t.peer.fill(at_most=WITHOUT_END)
    t.true(sent < WITHOUT_END, f"the peer to be held back before it had sent {WITHOUT_END:,} bytes")


@check("reader.limit.bounds-buffer", links=("socketpair", "unix", "own"))  # where filling is quick
async def a_peer_that_was_let_go_on_is_stopped_again(t: Trial) -> None:
    reader = await t.reader(limit=1024)
    t.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SNDBUF)
    await t.peer.fill(at_most=WITHOUT_END)
    t.true(await reader.read(1024 * 1024), "bytes to be buffered")
    sent = await t.peer.fill(at_most=WITHOUT_END)
    t.true(sent < WITHOUT_END, f"the peer to be held back before it had sent {WITHOUT_END:,} more")


@check("reader.limit.bounds-buffer", links=tuple(link for link in PAIRS if link != "own"))
async def what_is_taken_in_is_a_small_multiple_of_the_limit(t: Trial) -> None:
    _, writer = await t.pair(limit=LIMIT)
    t.tighten(writer)
    sent = await t.peer.fill(at_most=SMALL_MULTIPLE * LIMIT)
    bound = f"{SMALL_MULTIPLE} times the limit of {LIMIT:,} bytes"
    t.true(sent < SMALL_MULTIPLE * LIMIT, f"the peer to be held back before it had sent {bound}")


@check("reader.limit.reading-resumes", links=PAIRS)
async def a_peer_that_was_stopped_goes_on_once_a_program_reads(t: Trial) -> None:
    reader = await t.reader(limit=1024)
    t.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SNDBUF)
    sent = len(NUMBERED) + await t.peer.fill(at_most=WITHOUT_END)  # of zeros
    t.start(t.peer.send(NUMBERED, eof=True))
    received = bytearray()
    while len(received) < 2 * sent and (piece := await reader.read(1024 * 1024)):
        received += piece
    t.equal(received.lstrip(b"\0"), NUMBERED)


@check("reader.limit.reading-resumes", links=PAIRS, needs=("readexactly",))
async def a_peer_that_was_stopped_goes_on_record_by_record(t: Trial) -> None:
    reader = await t.reader(limit=2048)
    sending = t.start(t.peer.send(NUMBERED * 3))
    await t.idle()
    records = [await reader.readexactly(1024) for _ in range(3 * len(NUMBERED) // 1024)]
    t.equal(b"".join(records), NUMBERED * 3)
    await sending


@check("reader.limit.reading-resumes", links=PAIRS, needs=("readuntil",))
async def a_peer_that_was_stopped_goes_on_after_an_overrun(t: Trial) -> None:
    reader = await t.reader(limit=1024)
    t.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SNDBUF)
    sent = len(NUMBERED) + await t.peer.fill(at_most=WITHOUT_END)  # of zeros
    t.start(t.peer.send(NUMBERED, eof=True))
    with t.raises(asyncio.LimitOverrunError):
        await reader.readuntil(b"\n")
    received = bytearray()
    while len(received) < 2 * sent and (piece := await reader.read(1024 * 1024)):
        received += piece
    t.equal(received.lstrip(b"\0"), NUMBERED)


@check("reader.limit.not-positive-rejected", links=FEED)
async def a_limit_that_is_not_positive_is_refused(t: Trial) -> None:
    for limit in (0, -1):
        with t.raises(ValueError):
            t.subject.StreamReader(limit=limit)
    t.subject.StreamReader(limit=1)  # which is positive


@check("reader.limit.pauses-above-twice-the-limit", links=FEED)
async def a_transport_set_by_hand_is_paused_above_twice_the_limit(t: Trial) -> None:
    reader, gate = await t.reader(limit=10), Gate()
    reader.set_transport(gate)
    reader.feed_data(b"x" * 20)
    t.equal(gate.told, [], "with twice the limit buffered, the transport was told")
    t.equal(await reader.readexactly(5), b"x" * 5)
    reader.feed_data(b"x" * 5)
    t.equal(gate.told, [], "with twice the limit buffered once more, the transport was told")
    reader.feed_data(b"x")
    t.equal(gate.told, ["pause"], "with one byte more, the transport was told")
    reader.feed_data(b"x" * 30)
    t.equal(gate.told, ["pause"], "with many more, the transport was told")


@check("reader.limit.pauses-above-twice-the-limit", links=FEED)
async def what_a_read_that_waited_long_leaves_is_counted(t: Trial) -> None:
    reader, gate = await t.reader(limit=10), Gate()
    reader.set_transport(gate)
    reading = t.start(reader.readexactly(50))
    await t.still_waits(reading, "readexactly(50)")
    for size in (30, 50):
        reader.feed_data(b"x" * size)
        await t.idle()
    t.equal(await t.is_done(reading, "readexactly(50)"), b"x" * 50)
    t.equal(gate.told[-1:], ["pause"], "with three times the limit left, the last that was told")


@check(
    "reader.limit.pauses-above-twice-the-limit",
    links=("socketpair", "tcp", "tcp6", "unix", "tls"),
    needs=("transport",),
)
async def the_transport_is_paused_above_twice_the_limit(t: Trial) -> None:
    _, writer = await t.pair(limit=10)
    await t.deliver(b"x" * 20)
    t.equal(writer.transport.is_reading(), True, "with twice the limit buffered, is_reading()")
    await t.deliver(b"x")
    t.equal(writer.transport.is_reading(), False, "with one byte more, is_reading()")


@check("reader.limit.resumes-at-the-limit", links=FEED)
async def every_read_that_leaves_no_more_than_the_limit_resumes(t: Trial) -> None:
    for method, arguments in TEN_BYTES:
        for size in (30, 10, 7):  # of the pieces
            reader, gate = await t.reader(limit=10), Gate()
            reader.set_transport(gate)
            for at in range(0, 30, size):
                reader.feed_data((b"123456789\n" * 3)[at : at + size])
            read = getattr(reader, method)
            await read(*arguments)
            t.equal(gate.told, ["pause"], f"{method}() left twice the limit, and the transport")
            await read(*arguments)
            t.equal(gate.told, ["pause", "resume"], f"{method}() left the limit; the transport")


@check("reader.limit.resumes-at-the-limit", links=FEED)
async def a_line_beyond_the_limit_that_is_dropped_resumes(t: Trial) -> None:
    reader, gate = await t.reader(limit=10), Gate()
    reader.set_transport(gate)
    reader.feed_data(b"x" * 30)
    with t.raises(ValueError):
        await reader.readline()
    t.equal(gate.told, ["pause", "resume"], "with the line gone, the transport was told")


@check(
    "reader.limit.resumes-at-the-limit",
    links=FEED,
    spares={
        "cancel-readexactly": "whether a cancelled read leaves the transport paused is left open"
    },
)
async def a_read_that_waits_resumes_and_a_full_buffer_pauses_again(t: Trial) -> None:
    reader, gate = await t.reader(limit=10), Gate()
    reader.set_transport(gate)
    reader.feed_data(b"x" * 21)
    reading = t.start(reader.readexactly(30))
    await t.still_waits(reading, "readexactly(30)")
    t.equal(gate.told, ["pause", "resume"], "with a read that waits, the transport was told")
    reader.feed_data(b"x" * 10)
    t.equal(await t.is_done(reading, "readexactly(30)"), b"x" * 30)
    reader.feed_data(b"x" * 25)
    t.equal(gate.told[-1], "pause", "with more than twice the limit again, the transport was told")


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
