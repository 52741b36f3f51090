"""Cases about cancellation on a pair: no byte is lost, nothing is left half done (line 13)."""

from __future__ import annotations

import asyncio
from typing import Any

from .cases import case
from .seen import Pair

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
