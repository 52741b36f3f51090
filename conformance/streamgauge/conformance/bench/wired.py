"""Workloads over TCP and TLS that read: the peer process sends, the subject takes it in.

The clock starts when the connection stands and the peer has its order.
"""

from __future__ import annotations

import asyncio
from typing import Any, Callable, List, Optional

from streamgauge.conformance.bench.fed import LineProtocol
from streamgauge.conformance.bench.scene import Scene, Workload

__all__ = ["WORKLOADS", "Counting"]

READ_BYTES = 2**20  # as much as there is: no transport hands on more at once


async def read_lines(scene: Scene) -> None:
    limit = max(2**16, 4 * scene.payload)
    reader, writer = await scene.connect(f"send line {scene.payload} {scene.count}", limit=limit)
    with scene.timed:
        for _ in range(scene.count):
            await reader.readline()
    await _leave(writer)


async def read_exactly(scene: Scene) -> None:
    reader, writer = await scene.connect(f"send bulk {scene.payload} {scene.count}")
    with scene.timed:
        for _ in range(scene.count):
            await reader.readexactly(scene.payload)
    await _leave(writer)


async def read_bulk(scene: Scene) -> None:
    await _read_all(scene, tls=False)


async def read_bulk_tls(scene: Scene) -> None:
    await _read_all(scene, tls=True)


async def _read_all(scene: Scene, *, tls: bool) -> None:
    reader, writer = await scene.connect(f"send bulk {scene.payload} {scene.count}", tls=tls)
    left = scene.total
    with scene.timed:
        while left:
            left -= len(await reader.read(READ_BYTES))
    await _leave(writer)


async def read_to_eof(scene: Scene) -> None:
    reader, writer = await scene.connect(f"send bulk {scene.payload} {scene.count}")
    with scene.timed:
        await reader.read(-1)
    await _leave(writer)


async def read_from_many(scene: Scene) -> None:
    """Have `count` connections open at once; each brings a line."""
    order = f"send line {scene.payload} 1"
    with scene.timed:
        both = await asyncio.gather(*(scene.connect(order) for _ in range(scene.count)))
        await asyncio.gather(*(reader.readline() for reader, _ in both))
        for _, writer in both:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in both))


async def _leave(writer: Any) -> None:
    writer.close()
    await writer.wait_closed()


class Counting(asyncio.Protocol):
    """Counts bytes up to a total, and hands each chunk to somebody who cuts it up.

    Args:
        total: bytes after which `done` is done; None to wait for EOF.
        cut: called with each chunk.
    """

    def __init__(self, total: Optional[int], cut: Optional[Callable[[bytes], None]] = None) -> None:
        self._left = total
        self._cut = cut
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def data_received(self, data: bytes) -> None:
        """Count."""
        if self._cut is not None:
            self._cut(data)
        if self._left is not None:
            self._left -= len(data)
            if not self._left:
                self.done.set_result(None)

    def eof_received(self) -> None:
        """Note the end, and let the transport close."""
        if not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        """Note that the connection is gone."""
        self.lost.set_result(None)


async def floor_lines(scene: Scene) -> None:
    await _count(scene, "line", LineProtocol().data_received)


async def floor_exactly(scene: Scene) -> None:
    await _gather(scene)


async def floor_bulk(scene: Scene) -> None:
    await _count(scene, "bulk")


async def floor_bulk_tls(scene: Scene) -> None:
    await _count(scene, "bulk", tls=True)


class Handing(asyncio.Protocol):
    """Hands each chunk to a task that waits for it, as every interface of awaited reads has to."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.waiting: asyncio.Future[bytes] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, which delivers while the task waits."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.once_a_turn = type(transport).__module__ == "asyncio.selector_events"

    def data_received(self, data: bytes) -> None:
        """Wake the task; a transport that would deliver more before it runs is paused for it."""
        if not self.once_a_turn:
            self.transport.pause_reading()
        self.waiting.set_result(data)

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        """Note that the connection is gone."""
        self.lost.set_result(None)


async def floor_bulk_awaited(scene: Scene) -> None:
    protocol = Handing()
    transport = await scene.join(protocol, f"send bulk {scene.payload} {scene.count}")
    loop = asyncio.get_running_loop()
    left = scene.total
    with scene.timed:
        while left:
            left -= len(await protocol.waiting)
            protocol.waiting = loop.create_future()
            if not protocol.once_a_turn:
                transport.resume_reading()
    transport.close()
    await protocol.lost


async def floor_to_eof(scene: Scene) -> None:
    chunks: List[bytes] = []
    protocol = Counting(None, chunks.append)
    transport = await scene.join(protocol, f"send bulk {scene.payload} {scene.count}")
    with scene.timed:
        await protocol.done
        b"".join(chunks)
    transport.close()
    await protocol.lost


async def _count(
    scene: Scene, kind: str, cut: Optional[Callable[[bytes], None]] = None, *, tls: bool = False
) -> None:
    protocol = Counting(scene.total, cut)
    order = f"send {kind} {scene.payload} {scene.count}"
    transport = await scene.join(protocol, order, tls=tls)
    with scene.timed:
        await protocol.done
    transport.close()
    await protocol.lost


async def _gather(scene: Scene) -> None:
    """Make one bytes object of each `payload` bytes, as `readexactly` returns them."""
    chunks: List[bytes] = []
    missing = scene.payload

    def cut(data: bytes) -> None:
        nonlocal missing
        while len(data) >= missing:
            b"".join([*chunks, data[:missing]])
            data = data[missing:]
            chunks.clear()
            missing = scene.payload
        if data:
            chunks.append(data)
            missing -= len(data)

    await _count(scene, "bulk", cut)


async def floor_from_many(scene: Scene) -> None:
    protocols = [Counting(scene.payload) for _ in range(scene.count)]
    order = f"send line {scene.payload} 1"
    with scene.timed:
        transports = await asyncio.gather(*(scene.join(each, order) for each in protocols))
        await asyncio.gather(*(each.done for each in protocols))
        for transport in transports:
            transport.close()
        await asyncio.gather(*(each.lost for each in protocols))


WORKLOADS = (
    Workload("lines-tcp", "lines over TCP", "lines", 60_000, 32, read_lines, floor_lines),
    Workload("lines-64k", "lines of 64 KiB", "lines", 500, 2**16, read_lines, floor_lines),
    Workload("exactly-1m", "readexactly 1 MiB", "reads", 64, 2**20, read_exactly, floor_exactly),
    Workload("exactly-64m", "readexactly 64 MiB", "reads", 1, 2**26, read_exactly, floor_exactly),
    Workload("bulk", "bulk read", "MiB", 128, 2**20, read_bulk, floor_bulk),
    Workload(
        "bulk-awaited",
        "bulk read, beside a wake-up",
        "MiB",
        128,
        2**20,
        read_bulk,
        floor_bulk_awaited,
    ),
    Workload("to-eof", "read(-1) of 256 MiB", "MiB", 256, 2**20, read_to_eof, floor_to_eof),
    Workload("tls-bulk", "TLS bulk", "MiB", 48, 2**20, read_bulk_tls, floor_bulk_tls, tls=True),
    Workload(
        "many",
        "1,000 connections, a line each",
        "connections",
        1000,
        32,
        read_from_many,
        floor_from_many,
    ),
)
