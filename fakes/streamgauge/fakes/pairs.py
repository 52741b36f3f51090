"""Stream pairs of one shape: over a memory wire, a socketpair, TCP, a unix socket, TLS.

Each function is an async context manager that gives ``(client, server)``, two `StreamEnd`s, and
on leaving ends both and says what was left behind. So a test is written once and run over the
fake and over the kernel. Networks, with names and ports, are in `network`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import socket
import tempfile
from contextlib import asynccontextmanager
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    FrozenSet,
    Iterable,
    List,
    Optional,
    Tuple,
    Union,
)

from .arguments import unix_family
from .certificates import tls_contexts
from .chunks import ChunksLike
from .ends import DEFAULT_LIMIT_BYTES, MemoryStreamEnd, StreamEnd, join
from .leaks import add_note, check, ignored
from .names import address
from .sockets import AF_UNIX
from .tls import layer_for, takes_memory
from .transport import MemoryTransport
from .wire import TCP, UNIX, Kind, Wire, WireEnd

if TYPE_CHECKING:
    import ssl

__all__ = [
    "memory_stream_pair",
    "socketpair_stream_pair",
    "tcp_stream_pair",
    "tls_stream_pair",
    "unix_stream_pair",
]

Ignore = Union[str, Iterable[str]]
Sockets = Tuple[socket.socket, socket.socket]
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

_ports = itertools.cycle(range(49152, 65536))  # the ports that nobody is given for good


@asynccontextmanager
async def memory_stream_pair(
    *,
    limit: int = DEFAULT_LIMIT_BYTES,
    window: Optional[int] = None,
    chunks: Optional[ChunksLike] = None,
    kind: Kind = TCP,
    family: int = socket.AF_INET,
    streams: Any = asyncio,
    ignore_leaks: Ignore = (),
) -> AsyncIterator[Tuple[MemoryStreamEnd, MemoryStreamEnd]]:
    """Join two stream ends by a wire in memory: no socket, no port, no descriptor.

    Args:
        limit: the readers' limit, in bytes.
        window: bytes in flight, each way, before the sender is held; by default what Linux takes:
            2 MiB on loopback, 208 KiB on a unix socket.
        chunks: how what arrives is cut into deliveries, see `Chunks`; as loopback does by default.
        kind: `TCP`, or `UNIX` for a wire that ends as a unix socket does.
        family: `socket.AF_INET` or `socket.AF_INET6`: the names of a `TCP` pair.
        streams: the module whose StreamReader, StreamReaderProtocol and StreamWriter are used.
        ignore_leaks: names of leaks that are no error, or ``"all"``; see `LEAKS`.

    Yields:
        The client's end and the server's, each with `reader`, `writer`, `transport` and `wire`.

    Raises:
        LeakError: on leaving, if a writer is open or bytes are unread.
        ValueError: a window below one byte, an unknown leak, a family without loopback.
        TypeError: an argument is of another type.

    If the body raises, or is cancelled, both ends are aborted all the same and nothing is said of
    leaks.
    """
    ignore = ignored(ignore_leaks)
    loop = asyncio.get_running_loop()
    wire = Wire(window=window, chunks=chunks, kind=kind)
    names: List[Any] = [_memory_name(kind, family) for _ in wire.ends]
    layer = None if takes_memory(loop) else layer_for(loop)
    if layer is not None:
        layer.put()
    try:
        ends = []
        for role, end, own, other in zip(_ROLES, wire.ends, names, reversed(names)):
            connect = _memory_connector(loop, end, own, other)
            ends.append(MemoryStreamEnd(role, *await join(streams, limit, connect), wire=end))
        async with _ending("the memory pair", ends, ignore):
            yield ends[0], ends[1]
    finally:
        if layer is not None:
            layer.take_back()


@asynccontextmanager
async def socketpair_stream_pair(
    *, limit: int = DEFAULT_LIMIT_BYTES, streams: Any = asyncio, ignore_leaks: Ignore = ()
) -> AsyncIterator[Tuple[StreamEnd, StreamEnd]]:
    """Join two stream ends by `socket.socketpair`; see `memory_stream_pair`."""
    async with _over_sockets("socketpair", socket.socketpair, limit, streams, ignore_leaks) as ends:
        yield ends


@asynccontextmanager
async def tcp_stream_pair(
    *,
    limit: int = DEFAULT_LIMIT_BYTES,
    streams: Any = asyncio,
    ignore_leaks: Ignore = (),
    family: int = socket.AF_INET,
) -> AsyncIterator[Tuple[StreamEnd, StreamEnd]]:
    """Join two stream ends by TCP on the loopback interface; see `memory_stream_pair`.

    Args:
        limit: the readers' limit, in bytes.
        streams: the module of the stream classes.
        ignore_leaks: names of leaks that are no error.
        family: `socket.AF_INET` or `socket.AF_INET6`.
    """

    def sockets() -> Sockets:
        return _through_a_listener(family, (_loopback(family), 0))

    async with _over_sockets("TCP", sockets, limit, streams, ignore_leaks) as ends:
        yield ends


@asynccontextmanager
async def unix_stream_pair(
    *, limit: int = DEFAULT_LIMIT_BYTES, streams: Any = asyncio, ignore_leaks: Ignore = ()
) -> AsyncIterator[Tuple[StreamEnd, StreamEnd]]:
    """Join two stream ends by a unix socket with a path; see `memory_stream_pair`.

    Raises:
        NotImplementedError: this platform has no unix sockets.
    """
    family = unix_family()
    folder = tempfile.mkdtemp()

    def sockets() -> Sockets:
        return _through_a_listener(family, os.path.join(folder, "s"))

    try:
        async with _over_sockets("unix", sockets, limit, streams, ignore_leaks) as ends:
            yield ends
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def tls_stream_pair(
    *,
    limit: int = DEFAULT_LIMIT_BYTES,
    streams: Any = asyncio,
    ignore_leaks: Ignore = (),
    server_context: Optional[ssl.SSLContext] = None,
    client_context: Optional[ssl.SSLContext] = None,
    server_hostname: str = "localhost",
) -> AsyncIterator[Tuple[StreamEnd, StreamEnd]]:
    """Join two stream ends by TLS over TCP on the loopback interface; see `memory_stream_pair`.

    Args:
        limit: the readers' limit, in bytes.
        streams: the module of the stream classes.
        ignore_leaks: names of leaks that are no error.
        server_context: the server's TLS context, with its certificate.
        client_context: the client's, which verifies it. Without the two, trustme makes both.
        server_hostname: the name that is verified.

    Raises:
        ImportError: no contexts were given and trustme is not installed.
        ValueError: only one context was given.
    """
    if (server_context is None) != (client_context is None):
        raise ValueError("tls_stream_pair got one context, expected both or neither")
    if server_context is None or client_context is None:
        server_context, client_context = tls_contexts(server_hostname)

    def sockets() -> Sockets:
        return _through_a_listener(socket.AF_INET, (LOOPBACK[socket.AF_INET], 0))

    options = {"ssl": client_context, "server_hostname": server_hostname}, {"ssl": server_context}
    async with _over_sockets("TLS", sockets, limit, streams, ignore_leaks, options) as ends:
        yield ends


_ROLES = ("client", "server")


def _memory_name(kind: Kind, family: int) -> Any:
    if kind is UNIX:
        return ""  # as a socketpair's
    return address(_loopback(family), next(_ports))


def _loopback(family: int) -> str:
    if family not in LOOPBACK:
        raise ValueError(f"family got {family!r}, expected AF_INET or AF_INET6; kind=UNIX has none")
    return LOOPBACK[socket.AddressFamily(family)]


def _memory_connector(
    loop: asyncio.AbstractEventLoop, end: WireEnd, own: Any, other: Any
) -> Callable[[Callable[[], Any]], Any]:
    async def connect(factory: Callable[[], Any]) -> MemoryTransport:
        extra = {"sockname": own, "peername": other}
        waiter = loop.create_future()
        transport = MemoryTransport(loop, end, factory(), waiter=waiter, extra=extra)
        try:
            await waiter
        except BaseException:
            transport.abort()
            raise
        return transport

    return connect


def _through_a_listener(family: int, address: Any) -> Sockets:
    """Connect two sockets; loopback needs no accept for that, so nothing blocks."""
    # with its protocol named, as getaddrinfo does: else asyncio doesn't set TCP_NODELAY
    proto = 0 if family == AF_UNIX else socket.IPPROTO_TCP
    with socket.socket(family, socket.SOCK_STREAM, proto) as listener:
        listener.bind(address)
        listener.listen(1)
        client = socket.socket(family, socket.SOCK_STREAM, proto)
        try:
            client.connect(listener.getsockname())
            server, _ = listener.accept()
        except BaseException:
            client.close()
            raise
    return client, server


@asynccontextmanager
async def _over_sockets(
    name: str,
    sockets: Callable[[], Sockets],
    limit: int,
    streams: Any,
    ignore_leaks: Ignore,
    options: Tuple[Any, Any] = ({}, {}),
) -> AsyncIterator[Tuple[StreamEnd, StreamEnd]]:
    ignore = ignored(ignore_leaks)
    loop = asyncio.get_running_loop()
    pair = sockets()
    for sock in pair:
        sock.setblocking(False)

    async def dial(factory: Callable[[], Any]) -> Any:
        return (await loop.create_connection(factory, sock=pair[0], **options[0]))[0]

    async def accept(factory: Callable[[], Any]) -> Any:
        return (await loop.connect_accepted_socket(factory, pair[1], **options[1]))[0]

    sides = [asyncio.ensure_future(join(streams, limit, connect)) for connect in (dial, accept)]
    try:
        made = await asyncio.gather(*sides)
    except BaseException:
        await _give_up(sides, pair)
        raise
    ends = [StreamEnd(role, *side) for role, side in zip(_ROLES, made)]
    async with _ending(f"the {name} pair", ends, ignore):
        yield ends[0], ends[1]


async def _give_up(sides: Iterable[asyncio.Future[Any]], pair: Sockets) -> None:
    for side in sides:
        side.cancel()
    for made in await asyncio.gather(*sides, return_exceptions=True):
        if isinstance(made, tuple):
            made[1].transport.abort()
    for sock in pair:
        sock.close()


@asynccontextmanager
async def _ending(where: str, ends: List[Any], ignore: FrozenSet[str]) -> AsyncIterator[None]:
    """End both ends, whatever the body did, and check for leaks if it went well."""
    leaks = []
    try:
        yield
        leaks = [leak for end in ends for leak in end.leaks()]
    except BaseException as exc:  # a cancellation too: most tests that hang end so
        add_note(exc, "\n".join(end.report() for end in ends))
        raise
    finally:
        for end in ends:
            end.abort()
        for end in ends:
            await end.end()
    check(where, leaks, ignore)
