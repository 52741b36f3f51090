"""Where the work is done: pairs and networks, each on its loop.

A place that needs a package which is not installed is left out of a run. What is done there is in
`workloads`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, AsyncIterator, Callable, Mapping, Optional, Tuple

from benchmarks.fakes.floor import floor_network, floor_pair

from streamgauge.conformance.bench.scene import FLOOR
from streamgauge.fakes import MemoryNetwork, memory_stream_pair, socketpair_stream_pair

__all__ = ["KERNEL", "MEMORY", "PLACES", "SOLIPSISM", "Place"]

KERNEL, MEMORY, SOLIPSISM, SIMLOOP = "kernel", "memory", "async-solipsism", "simloop"

Where = Tuple[str, int]  # where a server listens; port 0 is any


@asynccontextmanager
async def _tcp() -> AsyncIterator[Where]:
    yield "127.0.0.1", 0


@asynccontextmanager
async def _memory_network() -> AsyncIterator[Where]:
    async with MemoryNetwork():
        yield "127.0.0.1", 0


@asynccontextmanager
async def _solipsism_network() -> AsyncIterator[Where]:
    yield "server", 0


@asynccontextmanager
async def _solipsism_pair() -> AsyncIterator[Any]:
    yield await importlib.import_module("async_solipsism").stream_pairs()


@asynccontextmanager
async def _simloop_network() -> AsyncIterator[Where]:
    yield "driver", 8000  # its network has no loopback


@asynccontextmanager
async def _simloop_pair() -> AsyncIterator[Any]:
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *end: accepted.set_result(end), "driver", 8000)
    client = await asyncio.open_connection("driver", 8000)
    yield client, await accepted
    server.close()


@dataclass(frozen=True)
class Place:
    """One place.

    Args:
        pair: gives a pair; None if it has none for these workloads.
        net: gives where a server listens; None if it has none.
        loop: ``module:class`` of a loop of its own; None for the one that was asked for.
    """

    pair: Optional[Callable[[], Any]]
    net: Optional[Callable[[], Any]]
    loop: Optional[str] = None

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        package = self.loop.partition(":")[0] if self.loop else "asyncio"
        return importlib.util.find_spec(package) is not None


PLACES: Mapping[str, Place] = {
    KERNEL: Place(socketpair_stream_pair, _tcp),
    MEMORY: Place(memory_stream_pair, _memory_network),
    SOLIPSISM: Place(_solipsism_pair, _solipsism_network, "async_solipsism:EventLoop"),
    SIMLOOP: Place(_simloop_pair, _simloop_network, "simloop:SimLoop"),
    FLOOR: Place(floor_pair, floor_network),
}
