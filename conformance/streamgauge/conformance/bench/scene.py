"""What a workload is handed: the subject, where the peer is, how much to do, and a stopwatch.

No workload lives here and nothing is judged.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Awaitable, Callable, Mapping, Optional, Protocol, Tuple, Type

from streamgauge.conformance.bench.peer import Peer

__all__ = ["FLOOR", "Scene", "Stopwatch", "Titled", "Workload"]

FLOOR = "floor"  # the name of the bare protocol among the subjects


class Stopwatch:
    """Measures the body of a `with`: elapsed seconds, and this thread's CPU seconds.

    Attributes:
        wall_s: elapsed time.
        cpu_s: what the thread of the loop spent, kernel included; the peer's is not in it.
    """

    def __init__(self) -> None:
        self.wall_s = 0.0
        self.cpu_s = 0.0

    def __enter__(self) -> None:
        self._cpu = time.thread_time()
        self._wall = time.perf_counter()

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.wall_s += time.perf_counter() - self._wall
        self.cpu_s += time.thread_time() - self._cpu


@dataclass
class Scene:
    """One run of one workload.

    Args:
        subject: what offers asyncio's names; None for the floor.
        peer: what to connect to.
        count: operations to do.
        payload: bytes of one operation.
    """

    subject: Any
    peer: Peer
    count: int
    payload: int
    timed: Stopwatch = field(default_factory=Stopwatch)

    @property
    def total(self) -> int:
        """Bytes of all operations."""
        return self.count * self.payload

    async def connect(
        self, order: str, *, limit: int = 2**16, tls: bool = False
    ) -> Tuple[Any, Any]:
        """Open a connection of the subject's and tell the peer what to do with it."""
        where, options = self._where(tls)
        reader, writer = await self.subject.open_connection(*where, limit=limit, **options)
        writer.write(order.encode() + b"\n")
        return reader, writer

    async def join(self, protocol: Any, order: str, *, tls: bool = False) -> Any:
        """Open a connection with a bare protocol and tell the peer; gives the transport."""
        where, options = self._where(tls)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: protocol, *where, **options)
        transport.write(order.encode() + b"\n")
        return transport

    def _where(self, tls: bool) -> Tuple[Tuple[str, int], Mapping[str, Any]]:
        return (self.peer.tls_address, self.peer.client_tls) if tls else (self.peer.address, {})


Work = Callable[[Scene], Awaitable[None]]


class Titled(Protocol):
    """What tables and pictures need to know of a workload."""

    @property
    def name(self) -> str:
        """As figures name it."""

    @property
    def title(self) -> str:
        """For people."""


@dataclass(frozen=True)
class Workload:
    """One kind of work, for streams and for a bare protocol.

    Args:
        name: as it is selected and stored.
        title: for people.
        unit: what is counted.
        count: operations of one round.
        payload: bytes of one operation.
        work: does `count` operations with the subject's streams, timing itself.
        floor: does the same with a bare `asyncio.Protocol`.
        batch: operations that are always done together, as those of a full buffer.
        tls: it connects over TLS.
    """

    name: str
    title: str
    unit: str
    count: int
    payload: int
    work: Work
    floor: Work
    batch: int = 1
    tls: bool = False
