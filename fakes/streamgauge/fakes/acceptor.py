"""`Acceptor`: who takes the connections of one server, and stands in for its loop and its sockets.

asyncio's `Server` asks its loop to watch a socket and to stop watching it, and asks a transport to
report itself. In a memory network it asks an acceptor, which also owns the server's addresses. So
when to serve, what closing does and who waits for whom stay the running asyncio's; see `server`.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import quirks
from .connections import Connection
from .names import family_at
from .sockets import Address, MemorySocket
from .transport import MemoryTransport
from .wire import WireEnd

__all__ = ["HANDLED_BY", "Acceptor"]

#: Set in all that runs on behalf of a server's connections, so that tasks can be traced to it.
HANDLED_BY: contextvars.ContextVar[Any] = contextvars.ContextVar("handled_by", default=None)


class Acceptor:
    """The network's side of a server: a `listeners.Owner`.

    Args:
        loop: the loop.
        factory: makes the protocol of each connection.
        tls_options: the options of `tls.protocol_for`; None for a server without TLS.
        release: called with the acceptor and each of its sockets when the server is closed.

    Attributes:
        server: the `MemoryServer`, once it is made.
        sockets: the sockets that are bound; none once the server is closed.
        attach: called with each connection's transport, once it is made.
        detach: called with each connection's transport when it has ended.
    """

    attach: Callable[[MemoryTransport], None]
    detach: Callable[[MemoryTransport], None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        factory: Callable[[], asyncio.BaseProtocol],
        tls_options: Optional[Dict[str, Any]],
        release: Callable[[Acceptor, MemorySocket], object],
    ) -> None:
        self.loop = loop
        self.server: Any = None
        self.sockets: List[MemorySocket] = []
        self._factory = factory
        self._tls_options = tls_options
        self._release = release
        self._of_family: Dict[int, MemorySocket] = {}
        self._serving = False
        self._context = contextvars.copy_context()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.server!r}>"

    def serve(self, server: Any) -> None:
        """Take connections for a `MemoryServer`, and report transports as it counts them."""
        self.server = server
        if quirks.SERVER_IS_TOLD_WHICH:
            self.attach, self.detach = server._attach, server._detach
        else:
            self.attach, self.detach = lambda _: server._attach(), lambda _: server._detach()

    def bound(self, sockets: Sequence[MemorySocket]) -> None:
        """Take the sockets that were bound for this server."""
        self.sockets = [*sockets]
        self._of_family = {int(sock.family): sock for sock in reversed(sockets)}  # the first one

    # What asyncio's `Server` asks of its loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loop, name)  # `create_future`, and whatever a later release asks

    def _start_serving(self, *args: Any, context: Any = None, **kwargs: Any) -> None:
        if not self._serving:
            self._serving = True
            self._context = contextvars.copy_context() if context is None else context.copy()
            self._context.run(HANDLED_BY.set, self.server)

    def _stop_serving(self, sock: MemorySocket) -> None:
        self._serving = False
        self.sockets.remove(sock)
        self._release(self, sock)

    # What the network asks

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return self._serving

    def accept(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        """Take a connection: as on a socket, two turns of the loop later; see `listeners.Owner`."""
        self.loop.call_soon(self._connected, connection, end, names, connected)

    def _connected(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        context = self._context.copy()
        self.loop.call_soon(self._begin, connection, end, names, context=context)
        if not connected.done():
            connected.set_result(None)

    def _begin(self, connection: Connection, end: WireEnd, names: Tuple[Address, Address]) -> None:
        if not self._serving:  # closed meanwhile: the kernel resets what was not accepted
            end.linger_zero = True
            end.close()
            return
        protocol: Optional[asyncio.BaseProtocol]
        try:
            protocol = self._factory()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._complain(exc)
            protocol = None
        if protocol is None or not self._serving:  # the factory may have closed the server
            end.close()
            connection.closed()
            return
        waiter: Optional[asyncio.Future[None]] = None
        if self._tls_options is not None:
            waiter = self.loop.create_future()
            waiter.add_done_callback(self._handshake_done)
        self._of_family[family_at(names[0])].hand_down(end)
        connection.acceptor = self
        connection.transport_on(end, protocol, self._tls_options, waiter)

    def _handshake_done(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.cancelled() and waiter.exception() is not None:
            self._complain(waiter.exception())

    def _complain(self, exc: Optional[BaseException]) -> None:
        if self.loop.get_debug():
            message = "Error on transport creation for incoming connection"
            self.loop.call_exception_handler({"message": message, "exception": exc})
