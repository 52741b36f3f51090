"""The trial: what a check holds in its hands, as `t`.

It makes streams and peers over the trial's link, delivers bytes, starts waits and looks on
without waiting. It judges only in the words of `Expectations`, and touches nothing of the
subject that the page does not document.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import warnings
from typing import (
    Any,
    Awaitable,
    Callable,
    Coroutine,
    Dict,
    Iterator,
    List,
    Mapping,
    Optional,
    Tuple,
    TypeVar,
)

from streamgauge.conformance import certificates
from streamgauge.conformance.expectations import (
    CheckFailedError,
    Expectations,
    PreconditionError,
    shown,
)
from streamgauge.conformance.links import Link, make_link
from streamgauge.conformance.loop_methods import keyword_defaults, recorded_calls
from streamgauge.conformance.peer import Bench, Listener, Peer
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.wires import PlainWire, Wire

__all__ = ["Trial"]

T = TypeVar("T")

WRITE_CHUNK = bytes(64 * 1024)  # what fill_until_drain_blocks writes at a time
SEND_BUFFER = 64 * 1024  # bytes; the kernel doubles it. Much less makes it wait for ACKs
WRITE_AT_MOST = 16 * 1024 * 1024  # bytes; loopback with a peer that never reads takes 6 MiB at most

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
    """

    def __init__(self, writers: List[Any]) -> None:
        self._writers = writers
        self._pairs: asyncio.Queue[Tuple[Any, Any]] = asyncio.Queue()
        self.count = 0

    def __call__(self, reader: Any, writer: Any) -> None:
        """Keep a client's streams."""
        self.count += 1
        self._writers.append(writer)
        self._pairs.put_nowait((reader, writer))

    async def get(self) -> Tuple[Any, Any]:
        """Await the next client's reader and writer."""
        return await self._pairs.get()


class Trial(Expectations):
    """One check's world.

    Args:
        subject: what is judged; its documented names are attributes.
        link: name of the link.
        bench: where the peers stand.

    Attributes:
        peer: the other end of the last connection made by `reader` or `pair`.
        loop_errors: contexts that reached the loop's exception handler. A check that looks at
            them has to say so first, by `expect_loop_errors`.
        setup_clause: the clause that covers the step under way, empty outside of set-up.
    """

    tls = certificates
    loop_calls = staticmethod(recorded_calls)
    loop_keywords = staticmethod(keyword_defaults)

    def __init__(self, subject: Subject, link: str, bench: Bench) -> None:
        self.subject = subject
        self.link = link
        self.bench = bench
        self.loop_errors: List[Dict[str, Any]] = []
        self.loop_errors_expected = False
        self.setup_clause = ""
        self.tasks: List[asyncio.Future[Any]] = []
        self.writers: List[Any] = []
        self.servers: List[Any] = []
        self._joint: Link = make_link(link, subject, bench)
        self._peer: List[Peer] = []
        self._fed: List[Any] = []

    # --- making streams --------------------------------------------------------------------

    @property
    def peer(self) -> Peer:
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
            with self._setup(CONNECT_CLAUSE["feed"]):
                self._fed.append(self.subject.StreamReader(**arguments))
            return self._fed[-1]
        reader, _ = await self.pair(**arguments)
        return reader

    async def pair(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make a reader and a writer joined to `peer`; failing is a failed precondition."""
        with self._setup(CONNECT_CLAUSE[self.link]):
            return _reader_and_writer(*await self.connect(**arguments))

    async def connect(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make a pair by the subject's connecting function; what that raises is the subject's."""
        streams, peer = await self._joint.connect(**arguments)
        self._peer.append(peer)
        return self._noted(streams)

    def listen(self) -> Listener:
        """Make a peer that listens, for checks that connect by themselves."""
        return self._joint.listen()

    async def open(self, listener: Listener, **arguments: Any) -> Tuple[Any, Any]:
        """Connect to `listener` by the subject's function, and accept nothing meanwhile."""
        return self._noted(await self._joint.open(listener, **arguments))

    def _noted(self, streams: Any) -> Tuple[Any, Any]:
        """Keep the writer, to be closed in the end; what is no pair is the subject's fault."""
        try:
            reader, writer = streams
        except (TypeError, ValueError):
            raise CheckFailedError(f"expected a pair of streams, got {shown(streams)}") from None
        self.writers.append(writer)
        return reader, writer

    async def serve(self, callback: Callable[..., Any], **arguments: Any) -> Any:
        """Start a server; failing is a failed precondition."""
        with self._setup(SERVE_CLAUSE[self.link]):
            return await self.start_server(callback, **arguments)

    async def start_server(self, callback: Callable[..., Any], **arguments: Any) -> Any:
        """Start a server by the subject's serving function; what that raises is the subject's."""
        server = await self._joint.serve(callback, **arguments)
        self.servers.append(server)
        return server

    def path(self) -> str:
        """Give a path for a unix socket that does not exist yet; only on link `unix`."""
        return self._joint.path()

    async def dial(
        self, address: Any = None, wire: Optional[Callable[[socket.socket], Wire]] = None
    ) -> Peer:
        """Connect a new peer, and expect to be taken in.

        Args:
            address: where to; the last server's first address if none is given.
            wire: speaks on the connection, `PlainWire` for instance; the link's own unless told.
        """
        try:
            target = self.servers[-1].sockets[0].getsockname() if address is None else address
            peer = await self._joint.dial(target, wire)
        except Exception as error:
            raise CheckFailedError(f"expected to reach the server, got {shown(error)}") from error
        self._peer.append(peer)
        return peer

    async def knock(self, address: Any) -> bool:
        """Connect to an address, say nothing and leave; tells whether anybody listened there."""
        try:
            peer = await self._joint.dial(address, PlainWire)
        except OSError:
            return False
        await peer.close()
        return True

    def arrivals(self) -> Arrivals:
        """Make a plain callback that keeps the streams it is given, to be taken one by one."""
        return Arrivals(self.writers)

    async def accept_pair(self, **arguments: Any) -> Tuple[Any, Any]:
        """Make the pair that a server's callback receives, joined to `peer`."""
        arrivals = self.arrivals()
        with self._setup(SERVE_CLAUSE[self.link]):
            await self.start_server(arrivals, **arguments)
            await self.dial()
            return _reader_and_writer(*await arrivals.get())

    # --- delivering ------------------------------------------------------------------------

    async def deliver(self, data: bytes) -> None:
        """Bring bytes to the reader; returns once it had every chance to take them."""
        if self.link == "feed":
            self._fed[-1].feed_data(data)
        else:
            await self.peer.send(data)
        await self.idle()

    def deliver_now(self, data: bytes, *, eof: bool = False) -> None:
        """Bring a few bytes within this turn of the loop, and EOF right behind them if told to.

        Fed bytes are in the reader at once; on a link its transport finds them at the next poll,
        bytes and EOF together.
        """
        if self.link == "feed":
            self._fed[-1].feed_data(data)
            if eof:
                self._fed[-1].feed_eof()
        else:
            self.peer.send_now(data, eof=eof)

    async def deliver_eof(self) -> None:
        """Bring EOF to the reader: `feed_eof`, FIN, or close_notify under TLS."""
        if self.link == "feed":
            self._fed[-1].feed_eof()
        else:
            await self.peer.send_eof()
        await self.idle()

    async def deliver_reset(self) -> None:
        """Reset the connection under the subject's hands; needs a pair.

        A unix socket is reset by closing it with bytes unread, so one is written first.
        """
        if self.link in ("unix", "socketpair", "own"):
            with self._setup(CONNECT_CLAUSE[self.link]):  # what is no writer is not ours to blame
                self.writers[-1].write(b"!")
            await self.bench.run(self.peer.wait_readable)
        await self.peer.reset()
        await self.idle()

    # --- waiting, and looking on -----------------------------------------------------------

    async def idle(self) -> None:
        """Turn the loop until whatever has arrived has been dealt with."""
        await self.bench.idle()

    def start(self, awaitable: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a wait and go on; what is still waiting when the trial ends is cancelled."""
        task = asyncio.get_running_loop().create_task(awaitable)
        self.tasks.append(task)
        return task

    async def still_waits(self, task: asyncio.Future[Any], what: str) -> None:
        """Expect `task` not to be done once the loop is idle; `what` names the call."""
        await self.idle()
        if task.done():
            raise CheckFailedError(f"expected {what} to wait, it ended with {_outcome(task)}")

    async def is_done(self, task: asyncio.Future[Any], what: str) -> Any:
        """Expect `task` to be done once the loop is idle; gives its result."""
        await self.idle()
        if not task.done():
            raise CheckFailedError(f"expected {what} to have ended, it still waits")
        return await task

    async def cancel(self, task: asyncio.Task[Any], what: str) -> None:
        """Cancel a wait and expect CancelledError to come out of it."""
        task.cancel()
        await self.idle()
        if not (task.done() and task.cancelled()):
            state = _outcome(task) if task.done() else "a wait that goes on"
            raise CheckFailedError(f"expected {what} to be cancelled, got {state}")

    async def fill_until_drain_blocks(self, writer: Any) -> Tuple[asyncio.Task[None], int]:
        """Write zeros to a peer that does not read, until `drain()` waits.

        That it never does is a failed precondition.

        Returns:
            The task that waits in `drain()`, and the number of bytes written.
        """
        with self._setup("writer.drain.blocks-above-high-water"):
            return await self.try_to_fill(writer)

    async def try_to_fill(self, writer: Any) -> Tuple[asyncio.Task[None], int]:
        """Do as `fill_until_drain_blocks`, where that it does not block is the clause's failure."""
        self.narrow(writer)
        written = 0
        while written < WRITE_AT_MOST:
            writer.write(WRITE_CHUNK)
            written += len(WRITE_CHUNK)
            task = self.start(writer.drain())
            await self.idle()
            if not task.done():
                await self.bench.settle()  # a kernel that is behind its time may take some more
            if not task.done():
                return task, written
            await task
        raise CheckFailedError(
            f"expected drain() to wait at the high-water mark, it returned after {written:,} "
            "bytes were written to a peer that reads nothing"
        )

    @staticmethod
    def narrow(writer: Any) -> None:
        """Have the kernel hold few bytes for a peer that does not read, to be quick about it.

        Nothing depends on it: without a socket to ask, more bytes are needed.
        """
        with contextlib.suppress(Exception):  # judged by writer.get_extra_info.socket
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def end_sending_unseen(self, writer: Any) -> None:
        """Send FIN behind the writer's back: what is not in the socket by now never gets there.

        To be called where the peer is to tell, by EOF, what had been sent before; it needs a
        connection with a socket.
        """
        with self._setup("writer.get_extra_info.socket"):
            number = os.dup(writer.get_extra_info("socket").fileno())
        with socket.socket(fileno=number) as again:
            again.shutdown(socket.SHUT_WR)

    def expect_loop_errors(self) -> List[Dict[str, Any]]:
        """Say that the loop's exception handler will be called; gives the growing list."""
        self.loop_errors_expected = True
        return self.loop_errors

    @contextlib.contextmanager
    def warnings(self) -> Iterator[List[warnings.WarningMessage]]:
        """Record every warning of the block, none of them shown."""
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            yield seen

    @contextlib.contextmanager
    def _setup(self, clause: str) -> Iterator[None]:
        outer, self.setup_clause = self.setup_clause, clause
        try:
            yield
        except Exception as error:
            raise PreconditionError(clause, error) from error
        self.setup_clause = outer  # left as it is on cancellation: the deadline reads it


def _reader_and_writer(reader: Any, writer: Any) -> Tuple[Any, Any]:
    # Else the first step that writes would fail, in a module of the suite, which would be blamed.
    if not hasattr(writer, "write"):
        raise TypeError(f"expected a reader and a writer, got {reader!r} and {writer!r}")
    return reader, writer


def _outcome(task: Awaitable[Any]) -> str:
    assert isinstance(task, asyncio.Future)
    if task.cancelled():
        return "its cancellation"
    error = task.exception()
    return shown(error) if error is not None else shown(task.result())
