"""The work, over asyncio's streams alone: each does `count` operations under a stopwatch.

Where it is done is decided in `places`; nothing here knows a fake.
"""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Tuple

from streamgauge.conformance.bench.scene import Stopwatch

__all__ = ["WORKLOADS", "Workload", "send_in_one_write"]

KIB, MIB = 2**10, 2**20
ECHO_BYTES, PIECE_BYTES = KIB, 64 * KIB

Pair = Tuple[Any, Any]  # each end gives reader and writer


async def _echo(pair: Pair, count: int, watch: Stopwatch) -> None:
    (reader, writer), server = pair
    echoing = asyncio.ensure_future(_send_back(*server))
    message = b"m" * ECHO_BYTES
    with watch:
        for _ in range(count):
            writer.write(message)
            await writer.drain()
            await reader.readexactly(ECHO_BYTES)
    writer.close()
    await echoing


async def _send_back(reader: Any, writer: Any) -> None:
    while True:
        data = await reader.read(ECHO_BYTES)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def _bulk(pair: Pair, count: int, watch: Stopwatch) -> None:
    (_, writer), (reader, far_writer) = pair
    piece = b"p" * PIECE_BYTES
    reading = asyncio.ensure_future(_read_to_the_end(reader))
    with watch:
        for _ in range(count):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        got = await reading
    assert got == count * PIECE_BYTES, got
    writer.close()
    far_writer.close()


async def send_in_one_write(pair: Pair, count: int, watch: Stopwatch) -> None:
    """Send ``count`` MiB in one write, and read them to the end."""
    (_, writer), (reader, far_writer) = pair
    data = _mebibytes(count)
    reading = asyncio.ensure_future(_read_to_the_end(reader))
    with watch:
        writer.write(data)
        writer.write_eof()
        await writer.drain()
        got = await reading
    assert got == len(data), got
    writer.close()
    far_writer.close()


@functools.lru_cache(maxsize=1)
def _mebibytes(count: int) -> bytes:
    return b"w" * (count * MIB)  # written to once, else the first to read meets every page fault


async def _read_to_the_end(reader: Any) -> int:
    total = 0
    while True:
        data = await reader.read(PIECE_BYTES)
        if not data:
            return total
        total += len(data)


async def _connect(where: Tuple[str, int], count: int, watch: Stopwatch) -> None:
    handled = 0
    all_handled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def handle(reader: Any, writer: Any) -> None:
        nonlocal handled
        await reader.read()
        writer.close()
        handled += 1
        if handled == count:
            all_handled.set_result(None)

    server = await asyncio.start_server(handle, *where)
    host, port = where
    address = host, port or server.sockets[0].getsockname()[1]
    with watch:
        for _ in range(count):
            _, writer = await asyncio.open_connection(*address)
            writer.close()
            await writer.wait_closed()
    await all_handled
    server.close()


@dataclass(frozen=True)
class Workload:
    """One kind of work.

    Args:
        name: as it is selected and stored.
        title: for people.
        kernel: what the kernel's part in it is.
        count: operations of one round.
        needs: what of a place is handed to it: ``"pair"`` or ``"net"``.
        work: does `count` operations under the stopwatch.
    """

    name: str
    title: str
    kernel: str
    count: int
    needs: str
    work: Callable[[Any, int, Stopwatch], Awaitable[None]]


WORKLOADS = (
    Workload("echo", "echo of 1 KiB", "a socketpair", 500, "pair", _echo),
    Workload("connect", "connect and close", "TCP", 100, "net", _connect),
    Workload("bulk", "a piece of 64 KiB", "a socketpair", 256, "pair", _bulk),
    Workload("write", "a MiB of one write of 32", "a socketpair", 32, "pair", send_in_one_write),
)
