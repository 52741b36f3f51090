"""Workloads on a reader that is fed by hand: what reading alone costs, without loop and kernel.

Bytes are fed as a transport would hand them on, and the buffer is full again whenever it has run
empty. The floor does the same in a protocol's `data_received`.
"""

from __future__ import annotations

import asyncio
from typing import List

from streamgauge.conformance.bench.scene import Scene, Work, Workload

__all__ = ["WORKLOADS"]

FULL_BYTES = 2**17  # a full buffer: twice the default limit, where transports are paused
SEPARATOR = b"\r\n\r\n"


async def read_lines(scene: Scene) -> None:
    reader = scene.subject.StreamReader(limit=2**16)
    full = (b"x" * (scene.payload - 1) + b"\n") * (FULL_BYTES // scene.payload)
    lines = len(full) // scene.payload
    with scene.timed:
        for _ in range(scene.count // lines):
            reader.feed_data(full)
            for _ in range(lines):
                await reader.readline()


class LineProtocol(asyncio.Protocol):
    """Splits what it receives into lines, and counts them."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []  # of a line that is not complete
        self.lines = 0

    def data_received(self, data: bytes) -> None:
        """Count the lines that are complete."""
        lines = data.splitlines(True)
        if self._parts:
            lines[0] = self._joined(lines[0])
        if not lines[-1].endswith(b"\n"):
            self._parts.append(lines.pop())
        for _line in lines:
            self.lines += 1

    def _joined(self, last: bytes) -> bytes:
        line = b"".join((*self._parts, last))
        self._parts.clear()
        return line


async def floor_lines(scene: Scene) -> None:
    protocol = LineProtocol()
    full = (b"x" * (scene.payload - 1) + b"\n") * (FULL_BYTES // scene.payload)
    with scene.timed:
        for _ in range(scene.count // (FULL_BYTES // scene.payload)):
            protocol.data_received(full)


async def read_records(scene: Scene) -> None:
    reader = scene.subject.StreamReader(limit=2**16)
    full, size = bytes(FULL_BYTES), scene.payload
    records = FULL_BYTES // size
    with scene.timed:
        for _ in range(scene.count // records):
            reader.feed_data(full)
            for _ in range(records):
                await reader.readexactly(size)


class RecordProtocol(asyncio.Protocol):
    """Cuts what it receives into records of one size."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = b""
        self.records = 0

    def data_received(self, data: bytes) -> None:
        """Cut off the records that are complete."""
        data = self._rest + data
        size = self._size
        end = len(data) - len(data) % size
        for start in range(0, end, size):
            _record = data[start : start + size]
            self.records += 1
        self._rest = data[end:]


async def floor_records(scene: Scene) -> None:
    protocol = RecordProtocol(scene.payload)
    full = bytes(FULL_BYTES)
    with scene.timed:
        for _ in range(scene.count // (FULL_BYTES // scene.payload)):
            protocol.data_received(full)


def _cut_messages(size: int) -> List[bytes]:
    """Give a full buffer of messages, in chunks that each end in the middle of a separator."""
    message = b"x" * (size - len(SEPARATOR)) + SEPARATOR
    stream = message * (FULL_BYTES // size)
    first = size - 2
    return [stream[:first], *(stream[i : i + size] for i in range(first, len(stream), size))]


async def read_messages(scene: Scene) -> None:
    reader = scene.subject.StreamReader(limit=2**16)
    chunks = _cut_messages(scene.payload)
    messages = FULL_BYTES // scene.payload
    with scene.timed:
        for _ in range(scene.count // messages):
            for chunk in chunks:
                reader.feed_data(chunk)
            for _ in range(messages):
                await reader.readuntil(SEPARATOR)


class MessageProtocol(asyncio.Protocol):
    """Splits what it receives at a separator."""

    def __init__(self) -> None:
        self._rest = b""
        self.messages = 0

    def data_received(self, data: bytes) -> None:
        """Count the messages that are complete."""
        data, start = self._rest + data, 0
        while True:
            end = data.find(SEPARATOR[0], start)  # several bytes are found many times as slowly
            if not data.startswith(SEPARATOR, end):
                break
            _message = data[start : end + len(SEPARATOR)]
            start = end + len(SEPARATOR)
            self.messages += 1
        self._rest = data[start:]


async def floor_messages(scene: Scene) -> None:
    protocol = MessageProtocol()
    chunks = _cut_messages(scene.payload)
    with scene.timed:
        for _ in range(scene.count // (FULL_BYTES // scene.payload)):
            for chunk in chunks:
                protocol.data_received(chunk)


def _workload(
    name: str, title: str, unit: str, count: int, payload: int, work: Work, floor: Work
) -> Workload:
    return Workload(name, title, unit, count, payload, work, floor, batch=FULL_BYTES // payload)


WORKLOADS = (
    _workload(
        "lines-full", "small lines, full buffer", "lines", 20 * 4096, 32, read_lines, floor_lines
    ),
    _workload("exactly-4", "readexactly 4 B", "reads", 3 * 32768, 4, read_records, floor_records),
    _workload(
        "exactly-16", "readexactly 16 B", "reads", 10 * 8192, 16, read_records, floor_records
    ),
    _workload(
        "exactly-1k", "readexactly 1 KiB", "reads", 500 * 128, 1024, read_records, floor_records
    ),
    _workload(
        "until-split",
        "readuntil, split separator",
        "messages",
        100 * 128,
        1024,
        read_messages,
        floor_messages,
    ),
)
