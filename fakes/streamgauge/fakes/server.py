"""`MemoryServer`: the running asyncio's own `Server`, on a memory network instead of sockets.

Serving, closing, waiting and sending clients away are the base class's, as the running Python has
them. Connections are taken by an `acceptor`. Addresses are in `listeners`; the arguments of
`create_server` are read in `serving`.
"""

from __future__ import annotations

import asyncio
from asyncio import base_events
from typing import Any, Callable, Tuple

from .acceptor import Acceptor
from .sockets import MemorySocket

__all__ = ["MemoryServer"]


class MemoryServer(base_events.Server):
    """A server of a memory network.

    Args:
        acceptor: who takes the connections; its sockets are bound.
        factory: makes the protocol of each connection.
        backlog: connections that may wait, for asyncio; none of them waits here.
    """

    def __init__(
        self, acceptor: Acceptor, factory: Callable[[], asyncio.BaseProtocol], backlog: int
    ) -> None:
        self._acceptor = acceptor
        loop: Any = acceptor
        sockets: Any = [*acceptor.sockets]
        super().__init__(loop, sockets, factory, None, backlog, None)
        acceptor.serve(self)

    def __repr__(self) -> str:
        names = [sock.getsockname() for sock in self.sockets]
        return f"<{type(self).__name__} sockets={names} serving={self.is_serving()}>"

    @property
    def sockets(self) -> Tuple[MemorySocket, ...]:  # type: ignore[override]  # of no kernel
        """The sockets that it listens on; none once it is closed."""
        return tuple(self._acceptor.sockets)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop."""
        return self._acceptor.loop
