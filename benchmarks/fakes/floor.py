"""The floor: transports that do nothing but call each other's protocol.

No window, no watermarks, no addresses, no care for errors or for who is closed; only what streams
have to be called with, in the turns of the loop in which asyncio's selector loop would bring it
from the kernel. So the floor's time is that of the loop and of asyncio's streams, which a
transport that keeps those turns can only add to.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Callable, List, Tuple

__all__ = ["floor_network", "floor_pair"]

ADDRESS = ("floor", 1)


class _Transport(asyncio.Transport):
    """One end; `join` gives it the other."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self.protocol = protocol
        self._call = asyncio.get_running_loop().call_soon
        self._closing = False

    def join(self, peer: _Transport) -> None:
        self._peer = peer

    def write(self, data: Any) -> None:
        self._call(self._peer.protocol.data_received, data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._call(self._finish)

    def _finish(self) -> None:
        self.protocol.connection_lost(None)
        self._call(self._peer.see_eof)

    def see_eof(self) -> None:
        if not self._closing and not self.protocol.eof_received():
            self.close()


def _joined(*protocols: Any) -> List[_Transport]:
    made = [_Transport(protocol) for protocol in protocols]
    for own, other in zip(made, made[::-1]):
        own.join(other)
    return made


@asynccontextmanager
async def floor_pair() -> AsyncIterator[List[Tuple[Any, Any]]]:
    """Give two ends, each a reader and a writer."""
    loop = asyncio.get_running_loop()
    readers = [asyncio.StreamReader(loop=loop) for _ in range(2)]
    protocols = [asyncio.StreamReaderProtocol(reader, loop=loop) for reader in readers]
    ends = []
    for transport, reader in zip(_joined(*protocols), readers):
        transport.protocol.connection_made(transport)
        ends.append((reader, asyncio.StreamWriter(transport, transport.protocol, reader, loop)))
    yield ends


class _Server:
    """Just enough of a server: its factory, and an address that is asked for."""

    def __init__(self, factory: Callable[[], Any]) -> None:
        self.factory = factory
        self.sockets = [self]

    def getsockname(self) -> Tuple[str, int]:
        return ADDRESS

    def close(self) -> None:
        """There is nothing to close."""


@asynccontextmanager
async def floor_network() -> AsyncIterator[Tuple[str, int]]:
    """Put a server and connections of such transports in place of the running loop's."""
    loop: Any = asyncio.get_running_loop()
    servers: List[_Server] = []

    async def create_server(factory: Callable[[], Any], *where: Any, **options: Any) -> _Server:
        servers.append(_Server(factory))
        return servers[-1]

    async def create_connection(factory: Callable[[], Any], *where: Any, **options: Any) -> Any:
        await _resolved(loop)  # in two turns, as a socket that is connecting
        ends = _joined(factory(), servers[-1].factory())
        for end in ends:
            loop.call_soon(end.protocol.connection_made, end)
        await _resolved(loop)  # in two more, as the transport tells of it
        return ends[0], ends[0].protocol

    loop.create_server, loop.create_connection = create_server, create_connection
    try:
        yield ADDRESS
    finally:
        del loop.create_server, loop.create_connection


def _resolved(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    """Give a future that is resolved in the next turn, so that who waits goes on in the second."""
    future: asyncio.Future[None] = loop.create_future()
    loop.call_soon(future.set_result, None)
    return future
