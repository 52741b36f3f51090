"""Links: how the subject's end is joined to the peer by the kernel, one small class for each.

A link makes connections and servers through the subject's documented functions and gives the
peer's end. It judges nothing; what the subject raises passes through. What a network in memory
does in the kernel's place is in `memory_link`.
"""

from __future__ import annotations

import shutil
import tempfile
from typing import Any, Dict, Optional, Protocol, Tuple, Union

from streamgauge.conformance import certificates
from streamgauge.conformance.adapting import Adapter
from streamgauge.conformance.calls import awaited
from streamgauge.conformance.idleness import Watch
from streamgauge.conformance.kept import asyncio, os, socket
from streamgauge.conformance.machine import need_short_path, short_folder
from streamgauge.conformance.memory_peer import MemoryPeer
from streamgauge.conformance.peer import Bench, Listener, Peer
from streamgauge.conformance.speech import PLAIN, Speech
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.wires import AF_UNIX, PlainWire, Wire, abandon, family_of, wire_of

__all__ = [
    "AnyListener",
    "AnyPeer",
    "FeedLink",
    "Link",
    "OwnLink",
    "SocketpairLink",
    "Tcp6Link",
    "TcpLink",
    "TlsLink",
    "UnixLink",
]

ROOM_BYTES = 24  # behind a folder: another folder, a socket in it, and some that checks add

Streams = Tuple[Any, Any]  # a reader and a writer of the subject's
AnyPeer = Union[Peer, MemoryPeer]


class AnyListener(Protocol):
    """A peer that listens: `peer.Listener`, or `memory_peer.MemoryListener`."""

    @property
    def sock(self) -> Any:
        """The listening socket, for its names."""

    async def accept(self, speech: Optional[Speech] = None) -> AnyPeer:
        """Await the next connection and give its peer."""


class Link:
    """Base of the links: what a link can't do says so, and is a fault of the suite.

    Args:
        subject: what is judged.
        bench: the trial's.
    """

    half_close = True  # whether either side can end its sending and go on receiving

    def __init__(self, subject: Subject, bench: Bench) -> None:
        self.subject = subject
        self.adapter = Adapter(subject)
        self.bench = bench

    def refusal(self, _loop: asyncio.AbstractEventLoop) -> str:
        """Say why the link does not do on a loop; empty if it does."""
        return ""

    async def enter(self) -> None:
        """Set up what connections need, in the loop, before the check begins."""

    async def leave(self) -> None:
        """Take down what `enter` has set up, when the check has been cleared up after."""

    async def connect(self, **arguments: Any) -> Tuple[Streams, AnyPeer]:
        """Join the subject, as a client, to a new peer."""
        listener = self.listen()
        accepted = asyncio.ensure_future(listener.accept())
        try:
            streams = await self.open(listener, **arguments)
        except BaseException:
            accepted.cancel()
            raise
        return streams, await accepted

    def listen(self) -> AnyListener:
        """Make a peer that listens, for the subject to connect to."""
        raise NotImplementedError(type(self).__name__)

    async def open(self, listener: AnyListener, **arguments: Any) -> Streams:
        """Call the subject's connecting function with what leads to `listener`."""
        raise NotImplementedError(type(self).__name__)

    async def serve(self, callback: Any, at: Any = None, **arguments: Any) -> Any:
        """Call the subject's serving function on this link; gives the server.

        Args:
            callback: what serves a client.
            at: an address from `spare_address`; without one a new one is made up.
            arguments: what else the function gets.
        """
        raise NotImplementedError(type(self).__name__)

    def path(self) -> str:
        """Give a path for a unix socket that does not exist yet."""
        raise NotImplementedError(type(self).__name__)

    def spare_address(self, host: str = "", port: int = 0) -> Any:
        """Give an address where nobody listens, and that nobody else is given.

        Args:
            host: an address of this machine, where there are hosts; the link's own unless told.
            port: the port wanted; any if it is 0.

        Raises:
            OSError: somebody has got the port.
        """
        raise NotImplementedError(type(self).__name__)

    async def dial(self, address: Any, speech: Optional[Speech] = None) -> AnyPeer:
        """Connect a new peer to an address; it speaks as the link does unless told."""
        sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.bench.on_exit(lambda: abandon(sock))  # a handshake may wait for a subject for ever
        wire = await self.bench.run(_dial, sock, address, speech or self.client_speech)
        return Peer(wire, self.bench)

    @property
    def client_speech(self) -> Speech:
        """What a peer speaks that connected."""
        return PLAIN

    @property
    def server_speech(self) -> Speech:
        """What a peer speaks that was connected to."""
        return PLAIN


def _dial(sock: socket.socket, address: Any, speech: Speech) -> Wire:
    sock.connect(address)
    return wire_of(sock, speech)


class SocketpairLink(Link):
    """A connected pair of unix sockets, handed over by `sock=`."""

    async def connect(self, **arguments: Any) -> Tuple[Streams, AnyPeer]:
        """Register one end with the subject; the other is the peer's."""
        ours, theirs = socket.socketpair()
        peer = Peer(PlainWire(ours), self.bench)
        self.bench.on_exit(theirs.close)
        theirs.setblocking(False)
        connect = lambda: self.subject.open_connection(sock=theirs, **arguments)  # noqa: E731
        return await awaited(connect), peer


class TcpLink(Link):
    """TCP over the loopback interface, IPv4."""

    family = socket.AF_INET
    host = "127.0.0.1"

    def listen(self) -> AnyListener:
        """Listen on a port that the kernel chooses."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.bind((self.host, 0))
        sock.listen()
        return Listener(sock, self.bench, self.server_speech)

    def spare_address(self, host: str = "", port: int = 0) -> Any:
        """Hold a port until the trial ends, and do not listen on it; a server may."""
        host = host or self.host
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.bench.on_exit(sock.close)
        sock.bind((host, port))
        # Only now: it is to be ours alone when we ask for it, and a server's then.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return sock.getsockname()

    async def open(self, listener: AnyListener, **arguments: Any) -> Streams:
        """Call `open_connection` with host and port."""
        port = listener.sock.getsockname()[1]
        given = {**self.client_arguments(), **arguments}
        opened: Streams = await awaited(
            lambda: self.subject.open_connection(self.host, port, **given)
        )
        return opened

    async def serve(self, callback: Any, at: Any = None, **arguments: Any) -> Any:
        """Call `start_server` on a port that the kernel chooses, or has chosen."""
        host, port = (self.host, 0) if at is None else at[:2]
        given = {**self.server_arguments(), **arguments}
        return await awaited(lambda: self.subject.start_server(callback, host, port, **given))

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

    @property
    def client_speech(self) -> Speech:
        """TLS, as the client."""
        return certificates.as_client()

    @property
    def server_speech(self) -> Speech:
        """TLS, as the server."""
        return certificates.as_server()


class UnixLink(Link):
    """A unix socket in a folder of the trial's own."""

    def path(self) -> str:
        """Give a path that does not exist yet, short enough for a socket address."""
        folder = tempfile.mkdtemp(prefix="gauge-", dir=short_folder(ROOM_BYTES))
        self.bench.on_exit(lambda: shutil.rmtree(folder, ignore_errors=True))
        path = os.path.join(folder, "s")
        need_short_path(path)
        return path

    def listen(self) -> AnyListener:
        """Listen on a new path."""
        sock = socket.socket(AF_UNIX, socket.SOCK_STREAM)
        sock.bind(self.path())
        sock.listen()
        return Listener(sock, self.bench, self.server_speech)

    async def open(self, listener: AnyListener, **arguments: Any) -> Streams:
        """Call `open_unix_connection` with the path."""
        path = listener.sock.getsockname()
        opened: Streams = await awaited(
            lambda: self.subject.open_unix_connection(path, **arguments)
        )
        return opened

    def spare_address(self, host: str = "", port: int = 0) -> Any:
        """Give a new path."""
        return self.path()

    async def serve(self, callback: Any, at: Any = None, **arguments: Any) -> Any:
        """Call `start_unix_server` on a new path, or the one given."""
        path = self.path() if at is None else at
        return await awaited(lambda: self.subject.start_unix_server(callback, path, **arguments))


class OwnLink(Link):
    """Whatever the subject's own `pair()` joins by."""

    DEFAULT_LIMIT = 64 * 1024  # bytes: the page's default

    async def connect(self, **arguments: Any) -> Tuple[Streams, AnyPeer]:
        """Ask the subject for reader, writer and the peer's socket."""
        limit = arguments.pop("limit", self.DEFAULT_LIMIT)
        reader, writer, sock = await self.adapter.pair(limit)
        return (reader, writer), Peer(PlainWire(sock), self.bench)


class FeedLink(Link):
    """No connection at all: a reader that is built and fed directly."""

    async def enter(self) -> None:
        """Watch the loop for idleness, where that can be."""
        loop = asyncio.get_running_loop()
        if hasattr(loop, "__dict__"):
            self.bench.watch = Watch(loop)
            self.bench.watch.put()

    async def leave(self) -> None:
        """Watch no more."""
        if self.bench.watch is not None:
            self.bench.watch.take_back()
            self.bench.watch = None
