"""Joining: how a check comes by its streams, its servers and their peers.

Each way has two forms: `reader`, `pair` and `serve` are set-up, and what goes wrong in them is a
failed precondition; `connect`, `open` and `start_server` are what a clause is about, and what
goes wrong in them is the subject's failure.
"""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Iterator, List, Mapping, Optional, Tuple

from streamgauge.conformance.adapting import Adapter
from streamgauge.conformance.calls import called
from streamgauge.conformance.expectations import (
    AdapterError,
    CheckFailedError,
    PreconditionError,
    shown,
)
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.link_types import make_link
from streamgauge.conformance.links import AnyListener, AnyPeer, Link
from streamgauge.conformance.machine import MissingError
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.speech import PLAIN, Speech
from streamgauge.conformance.subjects import Subject

__all__ = ["CONNECT_CLAUSE", "Arrivals", "Joining"]

# Which clause covers the making of a connection or server on each link: where it fails in a
# check of some other clause, that other clause is not to blame.
CONNECT_CLAUSE: Mapping[str, str] = {
    "feed": "open_connection.connect.reader-instance",
    "socketpair": "open_connection.sock.adopted",
    "tcp": "open_connection.connect.establishes-connection",
    "tcp6": "open_connection.connect.establishes-connection",
    "unix": "open_unix_connection.connect.establishes-connection",
    "tls": "open_connection.ssl.context-encrypts",
    "own": "open_connection.connect.establishes-connection",
}
SERVE_CLAUSE: Mapping[str, str] = {
    "tcp": "start_server.serve.accepts-connections",
    "tcp6": "start_server.serve.accepts-connections",
    "unix": "start_unix_server.serve.accepts-connections",
    "tls": "start_server.ssl.context-encrypts",
}


class Arrivals:
    """A server's callback, plain, that keeps what it is given.

    Args:
        writers: those that the trial closes at its end; each new one is added.
        handed: what the check gets for a stream.
    """

    def __init__(self, writers: List[Any], handed: Callable[[Any], Any]) -> None:
        self._writers = writers
        self._handed = handed
        self._pairs: asyncio.Queue[Tuple[Any, Any]] = asyncio.Queue()
        self.count = 0

    def __call__(self, reader: Any, writer: Any) -> None:
        """Keep a client's streams."""
        self.count += 1
        self._writers.append(writer)
        self._pairs.put_nowait((self._handed(reader), self._handed(writer)))

    async def get(self) -> Tuple[Any, Any]:
        """Await the next client's reader and writer."""
        return await self._pairs.get()


class Joining:
    """The part of a trial that makes connections.

    Args:
        subject: what is judged; its documented names are attributes.
        link: name of the link.
        bench: where the peers stand.
        like: the kernel's link that `memory` is to be like; the link itself for any other.

    Attributes:
        setup_clause: the clause that covers the step under way, empty outside of set-up.
        writers: to be closed when the trial ends.
        servers: to be closed when the trial ends.
    """

    def __init__(self, subject: Subject, link: str, bench: Bench, like: str) -> None:
        self.subject = subject
        self.link = link
        self.like = like
        self.bench = bench
        self.setup_clause = ""
        self.writers: List[Any] = []
        self.servers: List[Any] = []
        self._joint: Link = make_link(link, like, subject, bench)
        self._peer: List[AnyPeer] = []
        self._fed: List[Any] = []

    def refusal(self, loop: asyncio.AbstractEventLoop) -> str:
        """Say why the link does not do on a loop; empty if it does."""
        return self._joint.refusal(loop)

    async def enter(self) -> None:
        """Set up what connections need, before the check begins."""
        await self._joint.enter()

    async def leave(self) -> None:
        """Take down what `enter` has set up, after everything was closed."""
        await self._joint.leave()

    @property
    def adapter(self) -> Adapter:
        """The subject's own two methods."""
        return self._joint.adapter

    @property
    def peer(self) -> AnyPeer:
        """The other end of the last connection."""
        return self._peer[-1]

    @property
    def half_close(self) -> bool:
        """Whether the link lets one side end its sending and go on receiving (TLS does not)."""
        return self._joint.half_close

    async def reader(self, **arguments: Any) -> Any:
        """Make a reader joined to the link; a failure here is a failed precondition.

        Args:
            arguments: `limit` in bytes, and whatever else the link's function takes.
        """
        if self.link == "feed":
            with self.setup(CONNECT_CLAUSE["feed"]):
                self._fed.append(called(lambda: self.subject.StreamReader(**arguments)))
            return self.handed(self._fed[-1])
        reader, _ = await self.pair(**arguments)
        return reader

    async def pair(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make a reader and a writer joined to `peer`; failing is a failed precondition."""
        with self.setup(CONNECT_CLAUSE[self.like]):
            return _reader_and_writer(*await self.connect(**arguments))

    async def connect(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make a pair by the subject's connecting function; what that raises is the subject's."""
        streams, peer = await self._joint.connect(**arguments)
        self._peer.append(peer)
        return self._noted(streams)

    def listen(self) -> AnyListener:
        """Make a peer that listens, for checks that connect by themselves."""
        return self._joint.listen()

    async def open(self, listener: AnyListener, **arguments: Any) -> Tuple[Any, Any]:
        """Connect to `listener` by the subject's function, and accept nothing meanwhile."""
        return self._noted(await self._joint.open(listener, **arguments))

    def _noted(self, streams: Any) -> Tuple[Any, Any]:
        """Keep the writer, to be closed in the end; what is no pair is the subject's fault."""
        try:
            reader, writer = called(lambda: tuple(streams))
        except (TypeError, ValueError):
            raise CheckFailedError(f"expected a pair of streams, got {shown(streams)}") from None
        self.writers.append(writer)
        return self.handed(reader), self.handed(writer)

    def handed(self, stream: Any) -> Any:
        """Give what the check gets for a stream of the subject's."""
        return stream

    async def serve(self, callback: Callable[..., Any], at: Any = None, **arguments: Any) -> Any:
        """Start a server, at an address that is given or any; failing is a failed precondition."""
        with self.setup(SERVE_CLAUSE[self.like]):
            return await self.start_server(callback, at, **arguments)

    async def start_server(
        self, callback: Callable[..., Any], at: Any = None, **arguments: Any
    ) -> Any:
        """Start a server by the subject's serving function; what that raises is the subject's."""
        server = await self._joint.serve(callback, at, **arguments)
        self.servers.append(server)
        return server

    def path(self) -> str:
        """Give a path for a unix socket that does not exist yet; only where it is like `unix`."""
        return self._joint.path()

    def spare_address(self, host: str = "", port: int = 0) -> Any:
        """Give an address where nobody listens, and nobody else will before the trial ends.

        Args:
            host: an address of this machine, on a TCP link; the link's own unless told.
            port: the port wanted; any if it is 0.

        Returns:
            A socket's address, host and port first; a path on a unix link.

        Raises:
            OSError: somebody has got the port.
        """
        return self._joint.spare_address(host, port)

    async def dial(self, address: Any = None, speech: Optional[Speech] = None) -> AnyPeer:
        """Connect a new peer, and expect to be taken in.

        Args:
            address: where to; the last server's first address if none is given.
            speech: what the peer speaks, `PLAIN` for instance; as the link does unless told.
        """
        try:
            target = address
            if address is None:
                target = called(lambda: self.servers[-1].sockets[0].getsockname())
            peer = await self._joint.dial(target, speech)
        except MissingError:
            raise
        except Exception as error:
            raise CheckFailedError(f"expected to reach the server, got {shown(error)}") from error
        self._peer.append(peer)
        return peer

    async def knock(self, address: Any) -> bool:
        """Connect to an address, say nothing and leave; tells whether anybody listened there.

        That nobody does can be told of a `spare_address` only: any other port, once given back,
        may be listened at by another trial.
        """
        try:
            peer = await self._joint.dial(address, PLAIN)
        except OSError:
            return False
        await peer.close()
        return True

    def arrivals(self) -> Arrivals:
        """Make a plain callback that keeps the streams it is given, to be taken one by one."""
        return Arrivals(self.writers, self.handed)

    async def accept_pair(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make the pair that a server's callback receives, joined to `peer`."""
        arrivals = self.arrivals()
        with self.setup(SERVE_CLAUSE[self.like]):
            await self.start_server(arrivals, **arguments)
            await self.dial()
            return _reader_and_writer(*await arrivals.get())

    @contextlib.contextmanager
    def setup(self, clause: str) -> Iterator[None]:
        """Do a step that `clause` covers: an error in it is a failed precondition."""
        outer, self.setup_clause = self.setup_clause, clause
        try:
            yield
        except (AdapterError, MissingError):
            raise
        except Exception as error:
            raise PreconditionError(clause, error) from error
        self.setup_clause = outer  # left as it is on cancellation: the deadline reads it


def _reader_and_writer(reader: Any, writer: Any) -> Tuple[Any, Any]:
    # Else the first step that writes would fail, in a module of the suite, which would be blamed.
    if not called(lambda: hasattr(writer, "write")):
        raise TypeError(f"expected a reader and a writer, got {shown(reader)} and {shown(writer)}")
    return reader, writer
