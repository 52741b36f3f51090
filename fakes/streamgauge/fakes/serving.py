"""Serving in a memory network: the loop's methods of a server, and its resolver.

`create_server`, `create_unix_server`, `getaddrinfo` and `getnameinfo` as the loop has them,
without a socket. What a server then does is in `server`; clients are in `dialing`.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple

from . import quirks
from .acceptor import Acceptor
from .arguments import check_keywords, server_tls, unix_path
from .names import AddrInfo, family_of
from .server import MemoryServer
from .sockets import AF_UNIX, Address, MemorySocket, as_told

if TYPE_CHECKING:
    from .network import MemoryNetwork

__all__ = ["Serving"]


class Serving:
    """The loop's methods for servers, and its resolver.

    Args:
        network: the network that they belong to.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        self._net = network

    def methods(self) -> Dict[str, Callable[..., Any]]:
        """Give what is put in place of the loop's methods."""
        return {
            "create_server": self.create_server,
            "create_unix_server": self.create_unix_server,
            "getaddrinfo": self.getaddrinfo,
            "getnameinfo": self.getnameinfo,
        }

    async def create_server(
        self,
        protocol_factory: Callable[[], Any],
        host: Any = None,
        port: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Listen as the loop's method of this name does."""
        below = self._net.below("create_server")
        check_keywords(below, kwargs)
        nowhere = host is None and port is None
        if nowhere or kwargs.get("sock") is not None or self._net.passes(host, port):
            return await below(protocol_factory, host, port, **kwargs)
        tls = server_tls(kwargs.get("ssl"), kwargs)
        acceptor = Acceptor(self._net.loop, protocol_factory, tls, self._release)
        self._bind(acceptor, host, port, kwargs)
        return await self._start(acceptor, protocol_factory, kwargs)

    async def create_unix_server(
        self, protocol_factory: Callable[[], Any], path: Any = None, **kwargs: Any
    ) -> Any:
        """Listen as the loop's method of this name does; no file is made."""
        below = self._net.below("create_unix_server")
        check_keywords(below, kwargs)
        name = None if path is None else unix_path(path)
        if name is None or kwargs.get("sock") is not None or self._net.passes(name, None):
            return await below(protocol_factory, path, **kwargs)
        tls = server_tls(kwargs.get("ssl"), kwargs)
        cleanup = kwargs.get("cleanup_socket", quirks.UNIX_PATH_IS_REMOVED)

        def release(acceptor: Acceptor, sock: MemorySocket) -> None:
            self._release(acceptor, sock, keep_path=not cleanup)

        acceptor = Acceptor(self._net.loop, protocol_factory, tls, release)
        self._net.listeners.bind_path(name, acceptor)
        acceptor.bound([MemorySocket(AF_UNIX or 0, as_told(name))])
        return await self._start(acceptor, protocol_factory, kwargs)

    async def getaddrinfo(self, host: Any, port: Any, **kwargs: Any) -> List[AddrInfo]:
        """Resolve as the loop's method of this name does, from the network's names."""
        if self._net.outside.knows(host):
            found: List[AddrInfo] = await self._net.below("getaddrinfo")(host, port, **kwargs)
            self._net.outside.resolved(host, found)
            return found
        return self._net.names.getaddrinfo(host, port, **kwargs)

    async def getnameinfo(self, sockaddr: Address, flags: int = 0) -> Tuple[str, str]:
        """Resolve as the loop's method of this name does, from the network's names."""
        if self._net.outside.knows(sockaddr[0]):
            found: Tuple[str, str] = await self._net.below("getnameinfo")(sockaddr, flags)
            return found
        return self._net.names.getnameinfo(sockaddr, flags)

    def _bind(self, acceptor: Acceptor, host: Any, port: Any, kwargs: Dict[str, Any]) -> None:
        hosts: List[Optional[str]]
        hosts = [host or None] if isinstance(host, str) or host is None else list(host)
        sockets: List[MemorySocket] = []
        wanted: Dict[str, int] = {}  # address to port
        for name in hosts:
            number = self._net.names.port_at(name, port)
            passive = kwargs.get("flags", 0) | socket.AI_PASSIVE
            for ip in self._net.names.resolve(name or None, kwargs.get("family", 0), passive):
                wanted.setdefault(ip, number)
        shared = bool(kwargs.get("reuse_port"))
        asked = kwargs.get("reuse_address")
        reused = os.name == "posix" if asked is None else bool(asked)
        try:
            for ip in self._bindable(list(wanted)):
                where = self._net.listeners.bind(ip, wanted[ip], acceptor, shared=shared)
                sock = MemorySocket(family_of(ip), where)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reused))
                if kwargs.get("keep_alive"):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                sockets.append(sock)
        except (OSError, OverflowError):
            for sock in sockets:
                self._net.listeners.release(sock.getsockname(), acceptor)
            raise
        acceptor.bound(sockets)

    def _bindable(self, ips: List[str]) -> List[str]:
        if not quirks.FOREIGN_ADDRESSES_ARE_LEFT_OUT:
            return ips
        ours = [ip for ip in ips if self._net.names.is_ours(ip)]
        if not ours:
            raise OSError(f"could not bind on any address out of {ips!r}")
        return ours

    async def _start(
        self, acceptor: Acceptor, factory: Callable[[], Any], kwargs: Dict[str, Any]
    ) -> MemoryServer:
        server = MemoryServer(acceptor, factory, kwargs.get("backlog", 100))
        self._net.servers.append(server)
        if kwargs.get("start_serving", True):
            await server.start_serving()
        return server

    def _release(self, acceptor: Acceptor, sock: MemorySocket, keep_path: bool = False) -> None:
        self._net.listeners.release(sock.getsockname(), acceptor, keep_path=keep_path)
        if not acceptor.sockets:
            self._net.servers.remove(acceptor.server)
