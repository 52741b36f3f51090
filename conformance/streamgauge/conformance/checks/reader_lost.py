"""Checks of a reader whose connection is reset or closed, and of one that two tasks share."""

from __future__ import annotations

import asyncio
import contextlib

from streamgauge.conformance.registry import PAIRS, check
from streamgauge.conformance.trial import Trial

PLAIN = ("socketpair", "tcp", "tcp6", "unix")
# Links whose end may wait for the peer's word on it (TLS: close_notify).
POLITE = ("tls", "own")
WAITS = (("read", ()), ("read", (9,)), ("readline", ()), ("readexactly", (9,)), ("readuntil", ()))
TURNS = range(5)  # of the loop: from before bytes arrive until after a waiting read has ended


@check("reader.lost.wakes-waiting-read", links=PAIRS)
async def a_reset_ends_a_read_that_waits(t: Trial) -> None:
    for method, arguments in WAITS:
        reader = await t.reader()
        reading = t.start(getattr(reader, method)(*arguments))
        await t.still_waits(reading, f"{method}()")
        await t.deliver_reset()
        with t.raises(ConnectionError):
            await reading


@check("reader.lost.later-read-ends", links=PAIRS)
async def no_read_that_begins_after_a_reset_waits(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver_reset()
    for method, arguments in WAITS:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await t.is_done(t.start(getattr(reader, method)(*arguments)), f"{method}()")


@check("reader.lost.buffered-data-readable", links=PAIRS)
async def bytes_that_came_before_a_reset_can_be_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"an answer")
    await t.deliver_reset()
    t.equal(await reader.read(100), b"an answer")


@check(
    "reader.lost.buffered-data-readable",
    links=PAIRS,
    needs=("readline", "readexactly", "readuntil"),
)
async def records_that_came_before_a_reset_can_be_read(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"line\nrecord;exactly")
    await t.deliver_reset()
    t.equal(await reader.readline(), b"line\n")
    t.equal(await reader.readuntil(b";"), b"record;")
    t.equal(await reader.readexactly(7), b"exactly")


@check("reader.lost.read-raises-once-empty", links=PAIRS)
async def reads_after_a_reset_raise_its_error(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver_reset()
    for method, arguments in WAITS:
        with t.raises(ConnectionError):
            await getattr(reader, method)(*arguments)


@check("reader.closed.waiting-read-ends", links=PLAIN)
async def closing_ends_a_read_that_waits(t: Trial) -> None:
    reader, writer = await t.pair()
    reading = t.start(reader.read(100))
    await t.still_waits(reading, "read(100)")
    writer.close()
    t.equal(await t.is_done(reading, "read(100) after writer.close()"), b"")


@check("reader.closed.waiting-read-ends", links=POLITE)
async def closing_ends_a_read_that_waits_once_the_peer_agrees(t: Trial) -> None:
    reader, writer = await t.pair()
    reading = t.start(reader.read(100))
    await t.still_waits(reading, "read(100)")
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    t.equal(await reading, b"")


@check("reader.closed.buffered-data-readable", links=PLAIN)
async def bytes_that_came_before_closing_can_be_read(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(b"an answer")
    writer.close()
    await t.idle()
    t.equal([await reader.read(100), await reader.read(100)], [b"an answer", b""])


@check("reader.closed.buffered-data-readable", links=POLITE)
async def bytes_that_came_before_closing_can_be_read_once_the_peer_agrees(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(b"an answer")
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    t.equal([await reader.read(100), await reader.read(100)], [b"an answer", b""])


@check(
    "reader.closed.paused-data-readable",
    links=PAIRS,
    needs=("limit", "transport"),
    spares={"pieces": "reading is paused before the last piece has come"},
)
async def bytes_buffered_behind_a_pause_can_be_read_after_abort(t: Trial) -> None:
    for count in (10, 1000):  # below the bound, and above it: reading has been paused
        reader, writer = await t.pair(limit=100)
        await t.deliver(b"x" * count)
        writer.transport.abort()
        await t.idle()
        t.equal(await reader.read(count), b"x" * count)


@check("reader.shared.no-lost-wakeup", needs=("readexactly",))
async def a_read_begun_while_another_wakes_up_gets_its_bytes(t: Trial) -> None:
    reader = await t.reader()

    async def read_after(turns: int) -> bytes:
        for _ in range(turns):
            await asyncio.sleep(0)
        received: bytes = await reader.readexactly(4)
        return received

    for turns in TURNS:
        first = t.start(reader.readexactly(1))
        await t.still_waits(first, "readexactly(1)")
        second = t.start(read_after(turns))
        t.deliver_now(b"a")
        await t.idle()
        refused = second.done()
        await t.deliver(b"bcde")
        if refused:
            with t.raises(RuntimeError):
                await second
            second = t.start(reader.readexactly(4))
        received = await t.is_done(second, "readexactly(4), its bytes being there,")
        got = b"".join((await first, received))
        t.true(got in (b"abcde", b"eabcd"), "every byte once, in order")


@check(
    "reader.shared.second-waiting-read-rejected",
    spares={"pieces": "the first read ends with the first piece"},
)
async def a_second_read_that_would_wait_is_refused(t: Trial) -> None:
    reader = await t.reader()
    first = t.start(reader.read(100))
    await t.still_waits(first, "the first read")
    for method, arguments in WAITS:
        second = t.start(getattr(reader, method)(*arguments))
        with t.raises(RuntimeError):
            await t.is_done(second, f"a second read, {method}(),")
    await t.deliver(b"abc")
    t.equal(await first, b"abc", "the first read")
