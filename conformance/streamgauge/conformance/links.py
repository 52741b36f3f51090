"""Links: how the subject's end is joined to the peer, one small class for each.

A link makes connections and servers through the subject's documented functions and gives the
peer's end as a blocking wire. It judges nothing; what the subject raises passes through.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
from functools import lru_cache
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from streamgauge.conformance import certificates
from streamgauge.conformance.peer import Bench, Listener, Peer
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.wires import PlainWire, TlsWire, Wire, abandon

__all__ = ["LINK_TYPES", "Link", "available_links", "make_link"]

Streams = Tuple[Any, Any]  # a reader and a writer of the subject's


class Link:
    """Base of the links: what a link can't do says so, and is a fault of the suite.

    Args:
        subject: what is judged.
        bench: the trial's.
    """

    half_close = True  # whether either side can end its sending and go on receiving

    def __init__(self, subject: Subject, bench: Bench) -> None:
        self.subject = subject
        self.bench = bench

    async def connect(self, **arguments: Any) -> Tuple[Streams, Peer]:
        """Join the subject, as a client, to a new peer."""
        listener = self.listen()
        accepted = asyncio.ensure_future(listener.accept())
        try:
            streams = await self.open(listener, **arguments)
        except BaseException:
            accepted.cancel()
            raise
        return streams, await accepted

    def listen(self) -> Listener:
        """Make a peer that listens, for the subject to connect to."""
        raise NotImplementedError(type(self).__name__)

    async def open(self, listener: Listener, **arguments: Any) -> Streams:
        """Call the subject's connecting function with what leads to `listener`."""
        raise NotImplementedError(type(self).__name__)

    async def serve(self, callback: Any, **arguments: Any) -> Any:
        """Call the subject's serving function on this link; gives the server."""
        raise NotImplementedError(type(self).__name__)

    def path(self) -> str:
        """Give a path for a unix socket that does not exist yet."""
        raise NotImplementedError(type(self).__name__)

    async def dial(
        self, address: Any, wire: Optional[Callable[[socket.socket], Wire]] = None
    ) -> Peer:
        """Connect a new peer to an address; `wire` speaks on it, the link's own unless told."""
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.bench.on_exit(lambda: abandon(sock))  # a handshake may wait for a subject for ever
        return Peer(
            await self.bench.run(_dial, sock, address, wire or self.client_wire), self.bench
        )

    def client_wire(self, sock: socket.socket) -> Wire:
        """Make a wire of a socket that the peer connected."""
        return PlainWire(sock)

    def server_wire(self, sock: socket.socket) -> Wire:
        """Make a wire of a socket that the peer accepted."""
        return PlainWire(sock)


def family_of(address: Any) -> socket.AddressFamily:
    """Tell an address's family by its shape: a path, or a tuple of two or of four."""
    if isinstance(address, (str, bytes)):
        return socket.AF_UNIX
    return socket.AF_INET if len(address) == 2 else socket.AF_INET6


def _dial(sock: socket.socket, address: Any, wire: Callable[[socket.socket], Wire]) -> Wire:
    sock.connect(address)
    return wire(sock)


class SocketpairLink(Link):
    """A connected pair of unix sockets, handed over by `sock=`."""

    async def connect(self, **arguments: Any) -> Tuple[Streams, Peer]:
        """Register one end with the subject; the other is the peer's."""
        ours, theirs = socket.socketpair()
        peer = Peer(PlainWire(ours), self.bench)
        self.bench.on_exit(theirs.close)
        theirs.setblocking(False)
        return await self.subject.open_connection(sock=theirs, **arguments), peer


class TcpLink(Link):
    """TCP over the loopback interface, IPv4."""

    family = socket.AF_INET
    host = "127.0.0.1"

    def listen(self) -> Listener:
        """Listen on a port that the kernel chooses."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.bind((self.host, 0))
        sock.listen()
        return Listener(sock, self.bench, self.server_wire)

    async def open(self, listener: Listener, **arguments: Any) -> Streams:
        """Call `open_connection` with host and port."""
        port = listener.sock.getsockname()[1]
        opened: Streams = await self.subject.open_connection(
            self.host, port, **{**self.client_arguments(), **arguments}
        )
        return opened

    async def serve(self, callback: Any, **arguments: Any) -> Any:
        """Call `start_server` on a port that the kernel chooses."""
        return await self.subject.start_server(
            callback, self.host, 0, **{**self.server_arguments(), **arguments}
        )

    def client_arguments(self) -> Dict[str, Any]:
        """What a client needs besides host and port."""
        return {}

    def server_arguments(self) -> Dict[str, Any]:
        """What a server needs besides host and port."""
        return {}


class Tcp6Link(TcpLink):
    """TCP over the loopback interface, IPv6."""

    family = socket.AF_INET6
    host = "::1"


class TlsLink(TcpLink):
    """TLS over TCP, certificates verified on the client's side."""

    half_close = False

    def client_arguments(self) -> Dict[str, Any]:
        """Trust the trial's authority and check the certificate's name."""
        return {
            "ssl": certificates.client_context(),
            "server_hostname": certificates.HOSTNAME,
        }

    def server_arguments(self) -> Dict[str, Any]:
        """Show the trial's certificate."""
        return {"ssl": certificates.server_context()}

    def client_wire(self, sock: socket.socket) -> Wire:
        """Shake hands as the client."""
        return TlsWire(sock, certificates.client_context(), certificates.HOSTNAME)

    def server_wire(self, sock: socket.socket) -> Wire:
        """Shake hands as the server."""
        return TlsWire(sock, certificates.server_context())


class UnixLink(Link):
    """A unix socket in a folder of the trial's own."""

    def path(self) -> str:
        """Give a path that does not exist yet, short enough for a socket address."""
        folder = tempfile.mkdtemp(prefix="gauge-")
        self.bench.on_exit(lambda: shutil.rmtree(folder, ignore_errors=True))
        return os.path.join(folder, "s")

    def listen(self) -> Listener:
        """Listen on a new path."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(self.path())
        sock.listen()
        return Listener(sock, self.bench, self.server_wire)

    async def open(self, listener: Listener, **arguments: Any) -> Streams:
        """Call `open_unix_connection` with the path."""
        path = listener.sock.getsockname()
        opened: Streams = await self.subject.open_unix_connection(path, **arguments)
        return opened

    async def serve(self, callback: Any, **arguments: Any) -> Any:
        """Call `start_unix_server` on a new path."""
        return await self.subject.start_unix_server(callback, self.path(), **arguments)


class OwnLink(Link):
    """Whatever the subject's own `pair()` joins by."""

    DEFAULT_LIMIT = 64 * 1024  # bytes: the page's default

    async def connect(self, **arguments: Any) -> Tuple[Streams, Peer]:
        """Ask the subject for reader, writer and the peer's socket."""
        limit = arguments.pop("limit", self.DEFAULT_LIMIT)
        reader, writer, sock = await self.subject.pair(limit)
        return (reader, writer), Peer(PlainWire(sock), self.bench)


class FeedLink(Link):
    """No connection at all: a reader that is built and fed directly."""


LINK_TYPES: Mapping[str, type] = {
    "feed": FeedLink,
    "socketpair": SocketpairLink,
    "tcp": TcpLink,
    "tcp6": Tcp6Link,
    "unix": UnixLink,
    "tls": TlsLink,
    "own": OwnLink,
}


def make_link(name: str, subject: Subject, bench: Bench) -> Link:
    """Make the link of that name for one trial."""
    link: Link = LINK_TYPES[name](subject, bench)
    return link


@lru_cache(maxsize=None)
def available_links() -> Dict[str, str]:
    """Say which links this machine has not got: name -> reason; empty for those it has."""
    missing = dict.fromkeys(LINK_TYPES, "")
    if not hasattr(socket, "AF_UNIX"):
        missing["unix"] = missing["socketpair"] = "this platform has no unix sockets"
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        missing["tcp6"] = f"no IPv6 on the loopback interface ({error})"
    return missing
