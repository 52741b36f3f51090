"""Checks of what a limit does to a reader: when its transport is paused, and when it goes on.

What the bounds are for single records stands in `reader_line` and `reader_until`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import List

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
    t.equal(bytes(received).lstrip(b"\0"), NUMBERED)


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
    t.equal(bytes(received).lstrip(b"\0"), NUMBERED)


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
