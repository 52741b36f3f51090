"""Cases about cancellation on a pair: no byte is lost, nothing is left half done (line 13)."""

from __future__ import annotations

import asyncio
from typing import Any

from ..certificates import tls_contexts
from .cases import TCP, case
from .seen import PENDING, Pair, Raised

FLOOD = b"x" * (8 * 1024 * 1024)


@case(13)
async def a_cancelled_read_loses_nothing(pair: Pair) -> Any:
    """Bytes that come after a read was cancelled are there for the next."""
    task = asyncio.ensure_future(pair.server.reader.readexactly(6))
    pair.client.writer.write(b"abc")
    await pair.settle()
    task.cancel()
    cancelled = await pair.peek(task)
    pair.client.writer.write(b"def")
    return cancelled, await pair.outcome(pair.server.reader.readexactly(6))


@case(13)
async def a_read_cancelled_as_its_bytes_arrive(pair: Pair) -> Any:
    """Bytes that arrive in the turn of the cancellation are there for the next read."""
    task = asyncio.ensure_future(pair.server.reader.read(6))
    await pair.settle()
    pair.client.writer.write(b"abcdef")
    task.cancel()
    return await pair.peek(task), await pair.outcome(pair.server.reader.read(6))


@case(13)
async def a_cancelled_drain_sends_all_the_same(pair: Pair) -> Any:
    """What was written is sent although the drain was cancelled."""
    pair.client.writer.write(FLOOD)
    task = asyncio.ensure_future(pair.client.writer.drain())
    before = await pair.peek(task)
    task.cancel()
    cancelled = await pair.peek(task)
    pair.client.writer.close()
    got = await pair.outcome(pair.server.reader.read())
    return before, cancelled, len(got)


@case(13)
async def a_cancelled_wait_closed_closes_all_the_same(pair: Pair) -> Any:
    """The connection ends although nobody waits for it any more."""
    tap = pair.server.tap(keep_open=False)
    pair.client.writer.close()
    task = asyncio.ensure_future(pair.client.writer.wait_closed())
    task.cancel()
    return await pair.peek(task), tap.log


@case(13)
async def every_kind_of_read_can_be_cancelled(pair: Pair) -> Any:
    """A cancelled read of any kind but `read()` leaves all that had arrived to the next one."""
    reader = pair.server.reader
    pair.client.writer.write(b"part")
    await pair.settle()
    for read in (reader.readexactly(9), reader.readline(), reader.readuntil(b";")):
        task = asyncio.ensure_future(read)
        before = await pair.peek(task)
        task.cancel()
        if (before, await pair.peek(task)) != (PENDING, Raised("CancelledError")):
            return before, await pair.peek(task)
    pair.client.writer.write(b"ial;")
    return await pair.outcome(reader.readuntil(b";"))


@case(13)
async def a_read_beyond_the_limit_that_is_cancelled(pair: Pair) -> Any:
    """A reader that was paused at its limit goes on after a cancelled read; no byte is lost."""
    pair.client.writer.write(FLOOD)
    task = asyncio.ensure_future(pair.server.reader.readexactly(len(FLOOD) + 1))
    await pair.settle()
    task.cancel()
    cancelled = await pair.peek(task)
    return cancelled, await pair.outcome(pair.server.reader.readexactly(len(FLOOD))) == FLOOD


@case(13)
async def a_drain_cancelled_as_the_peer_reads(pair: Pair) -> Any:
    """A drain that is cancelled in the turn in which the peer reads on harms no later drain."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.writer.write(FLOOD)
    task = asyncio.ensure_future(pair.client.writer.drain())
    await pair.settle()
    pair.server.transport.resume_reading()
    task.cancel()
    cancelled = await pair.peek(task)
    return cancelled, await pair.outcome(pair.client.writer.drain()), len(tap.data)


@case(13)
async def a_cancelled_drain_of_a_peer_that_goes(pair: Pair) -> Any:
    """After a cancelled drain the end of the connection is told as ever."""
    pair.client.writer.write(FLOOD)
    task = asyncio.ensure_future(pair.client.writer.drain())
    await pair.settle()
    task.cancel()
    await pair.settle()
    pair.server.transport.abort()
    await pair.settle()
    drained = await pair.outcome(pair.client.writer.drain())
    return drained, pair.client.writer.is_closing(), pair.handled


@case(13, TCP, needs_threads=True, needs_certificates=True)
async def a_cancelled_start_tls_ends_the_connection(pair: Pair) -> Any:
    """A `start_tls` that is cancelled in the handshake closes the connection for both."""
    _, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = pair.client.tap(), pair.server.tap(keep_open=False)
    start = loop.start_tls(a.transport, a, client_context, server_hostname="localhost")
    task = asyncio.ensure_future(start)
    before = await pair.peek(task)
    task.cancel()
    cancelled = await pair.peek(task)
    return before, cancelled, b.events, a.transport.is_closing()
