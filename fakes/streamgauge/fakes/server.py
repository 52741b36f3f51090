"""`MemoryServer`: what `create_server` gives in a memory network, as asyncio's `Server` behaves.

It is told of each connection by `accept`, makes protocol and transport in the context in which
the server was made, and knows the transports that are open. Addresses are in `listeners`; the
arguments of `create_server` are read in `serving`.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from . import quirks
from .connections import Connection
from .names import family_at
from .sockets import Address, MemorySocket
from .transport import MemoryTransport
from .wire import WireEnd

__all__ = ["HANDLED_BY", "MemoryServer"]

#: Set in all that runs on behalf of a server's connections, so that tasks can be traced to it.
HANDLED_BY: contextvars.ContextVar[Any] = contextvars.ContextVar("handled_by", default=None)


class MemoryServer(asyncio.AbstractServer):
    """A server of a memory network.

    Args:
        loop: the loop.
        factory: gives the protocol of each connection.
        tls_options: what `tls.protocol_for` takes; None for a server without TLS.
        release: called with the server when it is closed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Callable[[], asyncio.BaseProtocol],
        tls_options: Optional[Dict[str, Any]],
        release: Callable[[MemoryServer], object],
    ) -> None:
        self._loop = loop
        self._factory = factory
        self._tls_options = tls_options
        self._release = release
        self._sockets: Optional[Tuple[MemorySocket, ...]] = ()
        self._of_family: Dict[int, MemorySocket] = {}
        self._serving = False
        self._forever: Optional[asyncio.Future[None]] = None
        self._waiters: List[asyncio.Future[None]] = []
        self._transports: Set[MemoryTransport] = set()
        self._context = contextvars.copy_context()
        self._context.run(HANDLED_BY.set, self)

    def __repr__(self) -> str:
        names = [sock.getsockname() for sock in self.sockets]
        return f"<{type(self).__name__} sockets={names} serving={self._serving}>"

    def bound(self, sockets: Sequence[MemorySocket]) -> None:
        """Take the sockets that were bound for this server."""
        self._sockets = tuple(sockets)
        self._of_family = {int(sock.family): sock for sock in reversed(sockets)}  # the first one

    @property
    def sockets(self) -> Tuple[MemorySocket, ...]:
        """The sockets that it listens on; none once it is closed."""
        return self._sockets or ()

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Give the loop."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._serving

    async def start_serving(self) -> None:
        """Accept connections from now on; a second call does nothing.

        Raises:
            TypeError: the server is closed; asyncio's own error for it.
        """
        if self._sockets is None:
            raise TypeError(f"server {self!r} is closed")
        self.listen()
        await asyncio.sleep(0)

    def listen(self) -> None:
        """Accept connections from now on."""
        if self._sockets is None:
            raise RuntimeError(f"server {self!r} is closed")
        self._serving = True

    async def serve_forever(self) -> None:
        """Accept connections until cancelled, then close the server and wait for it.

        Raises:
            RuntimeError: it is called twice at a time, or the server is closed.
        """
        if self._forever is not None:
            raise RuntimeError(f"server {self!r} is already being awaited on serve_forever()")
        self.listen()
        self._forever = self._loop.create_future()
        try:
            await self._forever
        except asyncio.CancelledError:
            try:
                self.close()
                await self.wait_closed()
            finally:
                raise
        finally:
            self._forever = None

    def close(self) -> None:
        """Stop accepting; connections that are open stay so."""
        if self._sockets is None:
            return
        self._release(self)
        self._sockets = None
        self._serving = False
        if self._forever is not None and not self._forever.done():
            self._forever.cancel()
        self._wake()

    async def wait_closed(self) -> None:
        """Wait until the server is closed and, from Python 3.12.1 on, has no connection left."""
        at_once = self._sockets is None and not quirks.WAIT_CLOSED_WAITS_FOR_CLIENTS
        if at_once or self._is_over():
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        await waiter

    if sys.version_info >= (3, 13):

        def close_clients(self) -> None:
            """Close the transports of all connections."""
            for transport in [*self._transports]:
                transport.close()

        def abort_clients(self) -> None:
            """Abort the transports of all connections."""
            for transport in [*self._transports]:
                transport.abort()

    # The network's side

    def accept(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        """Take a connection: as on a socket, two turns of the loop later; see `listeners.Owner`."""
        self._loop.call_soon(self._connected, connection, end, names, connected)

    def attach(self, transport: MemoryTransport) -> None:
        """A connection's transport was made."""
        self._transports.add(transport)

    def detach(self, transport: MemoryTransport) -> None:
        """A connection's transport has come to its end."""
        self._transports.discard(transport)
        if self._sockets is None:
            self._wake()

    def _connected(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        self._loop.call_soon(self._begin, connection, end, names, context=self._context)
        if not connected.done():
            connected.set_result(None)

    def _begin(self, connection: Connection, end: WireEnd, names: Tuple[Address, Address]) -> None:
        if self._sockets is None:  # closed meanwhile: the kernel resets what was not accepted
            end.linger_zero = True
            end.close()
            return
        try:
            protocol = self._factory()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._complain(exc)
            end.close()
            connection.closed()
            return
        waiter: Optional[asyncio.Future[None]] = None
        if self._tls_options is not None:
            waiter = self._loop.create_future()
            waiter.add_done_callback(self._handshake_done)
        self._of_family[family_at(names[0])].hand_down(end)
        connection.acceptor = self
        connection.transport_on(end, protocol, self._tls_options, waiter)

    def _handshake_done(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.cancelled() and waiter.exception() is not None:
            self._complain(waiter.exception())

    def _complain(self, exc: Optional[BaseException]) -> None:
        if self._loop.get_debug():
            message = "Error on transport creation for incoming connection"
            self._loop.call_exception_handler({"message": message, "exception": exc})

    def _is_over(self) -> bool:
        return self._sockets is None and not self._transports

    def _wake(self) -> None:
        if self._is_over():
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
