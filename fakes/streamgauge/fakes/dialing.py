"""Connecting in a memory network: the loop's methods of a client.

`create_connection`, `create_unix_connection` and `sock_connect` as the loop has them, without a
socket. What may be reached, and what it takes to get there, is decided here; the serving side is
in `serving`, the network's own verbs in `network`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Sequence, Tuple

from .arguments import check_keywords, client_tls, unix_path
from .attempts import Attempts
from .connections import Connection
from .listeners import Owner
from .names import PORT_MAX, address, family_of
from .outside import STREAMS_ONLY, ForbiddenConnectError
from .sockets import AF_UNIX, Address
from .wire import TCP, UNIX, Kind, Wire, WireEnd

if TYPE_CHECKING:
    from .network import MemoryNetwork

__all__ = ["Dialing"]

#: A name with several addresses is tried at all of them; only this one's first must be there.
SOURCES: Dict[int, str] = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


class Dialing:
    """The loop's methods for clients.

    Args:
        network: the network that they belong to.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        self._net = network
        self._parking = network.parking

    def methods(self) -> Dict[str, Callable[..., Any]]:
        """Give what is put in place of the loop's methods."""
        return {
            "create_connection": self.create_connection,
            "create_unix_connection": self.create_unix_connection,
            "sock_connect": self.sock_connect,
        }

    async def create_connection(
        self,
        protocol_factory: Callable[[], Any],
        host: Optional[str] = None,
        port: Any = None,
        **kwargs: Any,
    ) -> Tuple[Any, Any]:
        """Connect as the loop's method of this name does."""
        net = self._net
        if kwargs or host is None or net.outside.allowed:
            return await self._create_connection(protocol_factory, host, port, kwargs)
        where = net.names.stream_addresses(host, port, kwargs)
        if len(where) == 1:
            end, connection = await self.connect(None, where[0])
            return await self.finish(protocol_factory, end, connection, None)
        return await Attempts(self, net.loop).connect(protocol_factory, host, port)

    async def _create_connection(
        self, protocol_factory: Callable[[], Any], host: Any, port: Any, kwargs: Dict[str, Any]
    ) -> Tuple[Any, Any]:
        net = self._net
        below = net.below("create_connection")
        check_keywords(below, kwargs)
        sock = kwargs.get("sock")
        if sock is not None and not self._parking.holds(sock):
            return await below(protocol_factory, host, port, **kwargs)  # type: ignore[no-any-return]
        real = None if sock is not None else self._real(host, port, kwargs)
        if real is not None:
            return await below(protocol_factory, *real, **kwargs)  # type: ignore[no-any-return]
        return await Attempts(self, net.loop).connect(protocol_factory, host, port, **kwargs)

    def _real(self, host: Any, port: Any, kwargs: Dict[str, Any]) -> Optional[Tuple[Any, Any]]:
        """Return where to connect for real; None for a place of the network."""
        if (host is None and port is None) or self._net.passes(host, port):
            return host, port
        if self._net.outside.allowed:
            for to in self.addresses(host, port, kwargs):
                if self._net.passes(*to[:2]):
                    return to[:2]  # type: ignore[no-any-return]
        return None

    def addresses(self, host: Any, port: Any, hints: Dict[str, Any]) -> Sequence[Address]:
        """Return the addresses of a name; see `Names.stream_addresses`."""
        return self._net.names.stream_addresses(host, port, hints)

    async def create_unix_connection(
        self, protocol_factory: Callable[[], Any], path: Any = None, **kwargs: Any
    ) -> Tuple[Any, Any]:
        """Connect as the loop's method of this name does."""
        below = self._net.below("create_unix_connection")
        check_keywords(below, kwargs)
        if (
            path is None
            or kwargs.get("sock") is not None
            or self._net.passes(unix_path(path), None)
        ):
            return await below(protocol_factory, path, **kwargs)  # type: ignore[no-any-return]
        hostname = kwargs.get("server_hostname")
        tls = client_tls(kwargs.get("ssl"), hostname, kwargs)
        end, connection = await self.connect("", unix_path(path), UNIX)
        return await self.finish(protocol_factory, end, connection, tls)

    async def sock_connect(self, sock: Any, where: Any) -> None:
        """Connect as the loop's method of this name does; `create_connection(sock=)` claims it.

        The socket itself stays unconnected, and is closed when it is claimed.
        """
        unix = sock.family == AF_UNIX
        to = unix_path(where) if unix else where
        if self._net.passes(*((to, None) if unix else to[:2])):
            await self._net.below("sock_connect")(sock, where)
            return
        if sock.type != socket.SOCK_STREAM:
            raise ForbiddenConnectError(to, did="a datagram socket at", why=STREAMS_ONLY)
        if not unix:
            ip = self._net.names.resolve(to[0], sock.family)[0]
            to = address(ip, self._net.names.port_at(*to[:2]))
        self._parking.check_free(sock)
        source, kind = ("", UNIX) if unix else (None, TCP)
        end, connection = await self.connect(source, to, kind)
        self._parking.park(sock, end, connection)

    async def connect(
        self, source: Optional[Address], to: Address, kind: Kind = TCP
    ) -> Tuple[WireEnd, Connection]:
        """Connect to one address: the client's end, with the server told of the other.

        Args:
            source: the client's address; None for a free port of loopback.
            to: the address.
            kind: how the connection ends.

        Raises:
            ForbiddenConnectError: the address is not in the network.
            ConnectionRefusedError: nobody listens there.
            ConnectionResetError: the server is closed before it accepts.
            FileNotFoundError: the path is not there.

        A cancellation leaves nothing: the server sees the end of a connection, or none at all.
        """
        net = self._net
        server = self._listener(to)
        if source is None:
            source = address(SOURCES[family_of(to[0])], net.listeners.free_port())
        refused = False
        if net.rules:
            refused = not await net.way(source, to)
            server = self._listener(to)
        if refused or server is None or not server.is_serving():
            raise _failed(errno.ECONNREFUSED, to)
        wire = Wire(net.window, net.chunks, kind)
        connection = net.opened(wire, source, to)
        client, far = wire.ends
        connected: asyncio.Future[None] = net.loop.create_future()
        server.accept(connection, far, (to, source), connected)
        try:
            await connected
        except BaseException:
            client.close()
            raise
        if client.dead:  # the server was closed before it accepted
            client.close()
            connection.closed()
            raise _failed(errno.ECONNRESET, to)
        return client, connection

    def _listener(self, to: Address) -> Optional[Owner]:
        if isinstance(to, tuple) and not self._net.names.is_ours(to[0]):
            raise ForbiddenConnectError(to)
        try:
            return self._net.listeners.find(to)
        except FileNotFoundError:
            if isinstance(to, str) and os.path.exists(to):  # a real one
                raise ForbiddenConnectError(to) from None
            raise

    def source(self, family: int, local: Sequence[Address]) -> Optional[Address]:
        """Return the address that a client of that family connects from; None for a free port.

        Args:
            family: the family of the address that it connects to.
            local: the addresses that the program wants it to come from.

        Raises:
            OSError: none of them is of that family, or the first that is can't be had.
        """
        if not local:
            return None
        fitting = [each for each in local if family_of(each[0]) == family]
        if not fitting:
            raise OSError(f"no matching local address with {family=} found")
        return self._net.listeners.source(*fitting[0][:2])

    def claim(self, sock: Any) -> Tuple[WireEnd, Connection]:
        """Take the connection that waits under a socket, and close the socket."""
        parked = self._parking.claim(sock)
        return parked.end, parked.connection

    async def finish(
        self,
        factory: Callable[[], Any],
        end: WireEnd,
        connection: Connection,
        tls: Optional[Dict[str, Any]],
    ) -> Tuple[Any, Any]:
        """Make protocol and transport on a client's end, and wait until the protocol knows it."""
        try:
            protocol = factory()
        except BaseException:
            end.close()
            raise
        waiter: asyncio.Future[None] = self._net.loop.create_future()
        transport = connection.transport_on(end, protocol, tls, waiter)
        try:
            await waiter
        except BaseException:
            transport.close()
            raise
        return transport, protocol


def _failed(number: int, to: Address) -> Exception:
    if not isinstance(to, tuple):
        return OSError(number, os.strerror(number))
    if not 0 <= to[1] <= PORT_MAX:
        return OverflowError("connect(): port must be 0-65535.")  # the socket module's words
    return OSError(number, f"Connect call failed {to!r}")
