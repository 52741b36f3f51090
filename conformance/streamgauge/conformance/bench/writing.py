"""Workloads that write, converse, connect and close.

A round that writes ends when the peer says that it has got everything.
"""

from __future__ import annotations

import asyncio
from typing import Optional

from streamgauge.conformance.bench.scene import Scene, Workload
from streamgauge.conformance.bench.wired import Counting

__all__ = ["WORKLOADS"]

LINES_AT_ONCE = 32


async def write_small(scene: Scene) -> None:
    reader, writer = await scene.connect(f"sink {scene.total}")
    data = bytes(scene.payload)
    with scene.timed:
        for _ in range(scene.count):
            writer.write(data)
            await writer.drain()
        await reader.readexactly(1)
    writer.close()
    await writer.wait_closed()


async def write_lines(scene: Scene) -> None:
    reader, writer = await scene.connect(f"sink {scene.total}")
    lines = [bytes(scene.payload // LINES_AT_ONCE)] * LINES_AT_ONCE
    with scene.timed:
        for _ in range(scene.count):
            writer.writelines(lines)
            await writer.drain()
        await reader.readexactly(1)
    writer.close()
    await writer.wait_closed()


async def echo(scene: Scene) -> None:
    reader, writer = await scene.connect("echo")
    data = bytes(scene.payload)
    with scene.timed:
        for _ in range(scene.count):
            writer.write(data)
            await reader.readexactly(scene.payload)
    writer.close()
    await writer.wait_closed()


async def converse(scene: Scene) -> None:
    """Ask and answer in lines, as most protocols do."""
    reader, writer = await scene.connect("echo")
    line = bytes(scene.payload - 1) + b"\n"
    with scene.timed:
        for _ in range(scene.count):
            writer.write(line)
            await writer.drain()
            await reader.readline()
    writer.close()
    await writer.wait_closed()


async def drain_idle(scene: Scene) -> None:
    _, writer = await scene.connect("hold")
    with scene.timed:
        for _ in range(scene.count):
            await writer.drain()
    writer.close()
    await writer.wait_closed()


async def connect_and_close(scene: Scene) -> None:
    with scene.timed:
        for _ in range(scene.count):
            _, writer = await scene.subject.open_connection(*scene.peer.address)
            writer.close()
            await writer.wait_closed()


class Sending(Counting):
    """Writes whenever the transport takes more, and counts what comes back."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.flowing: Optional[asyncio.Future[None]] = None

    def pause_writing(self) -> None:
        """Make the sender wait."""
        self.flowing = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let the sender go on."""
        if self.flowing is not None:
            self.flowing.set_result(None)
            self.flowing = None


async def floor_write(scene: Scene) -> None:
    protocol = Sending(1)
    transport = await scene.join(protocol, f"sink {scene.total}")
    data = bytes(scene.payload)
    with scene.timed:
        for _ in range(scene.count):
            transport.write(data)
            if protocol.flowing is not None:
                await protocol.flowing
        await protocol.done
    transport.close()
    await protocol.lost


class Echoing(asyncio.Protocol):
    """Sends the next message when the answer to the last has come."""

    def __init__(self, scene: Scene) -> None:
        self._data = bytes(scene.payload)
        self._rounds = scene.count
        self._left = scene.payload
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def ask(self) -> None:
        """Send one message."""
        self.transport.write(self._data)

    def data_received(self, data: bytes) -> None:
        """Send the next message once an answer is complete."""
        self._left -= len(data)
        if not self._left:
            self._left = len(self._data)
            self._rounds -= 1
            if self._rounds:
                self.ask()
            else:
                self.done.set_result(None)

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        """Note that the connection is gone."""
        self.lost.set_result(None)


async def floor_echo(scene: Scene) -> None:
    protocol = Echoing(scene)
    transport = await scene.join(protocol, "echo")
    with scene.timed:
        protocol.ask()
        await protocol.done
    transport.close()
    await protocol.lost


async def floor_drain(scene: Scene) -> None:
    protocol = Sending(1)
    transport = await scene.join(protocol, "hold")
    with scene.timed:
        for _ in range(scene.count):
            if protocol.flowing is not None:
                await protocol.flowing
    transport.close()
    await protocol.lost


def _counting() -> Counting:
    return Counting(None)


async def floor_connect(scene: Scene) -> None:
    loop = asyncio.get_running_loop()
    with scene.timed:
        for _ in range(scene.count):
            transport, protocol = await loop.create_connection(_counting, *scene.peer.address)
            transport.close()
            await protocol.lost


WORKLOADS = (
    Workload("drain-idle", "idle drain", "drains", 200_000, 0, drain_idle, floor_drain),
    Workload("echo", "echo round trip", "round trips", 6000, 64, echo, floor_echo),
    Workload("echo-lines", "echo of lines, drained", "round trips", 6000, 64, converse, floor_echo),
    Workload(
        "connect", "connect and close", "connections", 500, 0, connect_and_close, floor_connect
    ),
    Workload("writes", "many small writes", "writes", 40_000, 64, write_small, floor_write),
    Workload("writelines", "writelines", "calls", 24_000, 32 * 64, write_lines, floor_write),
)
