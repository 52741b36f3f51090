"""Cases about connecting on a network: who is there, who is not, cancellation (lines 2, 12, 13)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, AsyncIterator, Iterator, List, Tuple

from .cases import NETWORK, case
from .seen import MOST_TURNS, Tap, raised

HOST = "127.0.0.1"


async def turns(patience: int, n: int = 40) -> None:
    """Let the loop go round."""
    for _ in range(min(n * patience, MOST_TURNS)):
        await asyncio.sleep(0)


async def attempt(awaitable: Any) -> Any:
    """Wait for something and give its value, or a `Raised`."""
    try:
        return await awaitable
    except Exception as exc:
        return raised(exc)


@contextlib.contextmanager
def silent_port(host: str = HOST) -> Iterator[int]:
    """Hold a port on which nobody listens, nor can."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        yield sock.getsockname()[1]


@contextlib.asynccontextmanager
async def tapped(
    host: Any = HOST, made: Any = None, **kwargs: Any
) -> AsyncIterator[Tuple[Any, int, List[Tap]]]:
    """Serve with taps; on leaving, all that were accepted are aborted."""
    taps: List[Tap] = []
    reactions = {} if made is None else {"made": made}

    def factory() -> Tap:
        taps.append(Tap(None, keep_open=False, **reactions))
        return taps[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, host, 0, **kwargs)
    try:
        yield server, server.sockets[0].getsockname()[1], taps
    finally:
        server.close()
        for tap in taps:
            if tap.transport is not None and "lost" not in tap.events:
                tap.transport.abort()
        await turns(1)


async def dial(port: int, host: str = HOST, **reactions: Any) -> Tap:
    """Connect with a tap."""
    loop = asyncio.get_running_loop()
    tap = Tap(None, keep_open=False, **reactions)
    await loop.create_connection(lambda: tap, host, port)
    return tap


@case(2, NETWORK)
async def connection_made_comes_first(patience: int) -> Any:
    """`connection_made`, data, EOF, `connection_lost`, in this order on both sides."""
    async with tapped() as (_, port, taps):
        client = await dial(port, made=lambda tap: tap.transport.write(b"hello"))
        begun = client.events
        await turns(patience)
        taps[0].transport.write(b"and bye")
        taps[0].transport.close()
        await turns(patience)
        return begun, client.log, taps[0].log


@case(10, NETWORK)
async def names_of_a_connection(patience: int) -> Any:
    """Names match crosswise; the server's is the one that was dialed."""
    async with tapped() as (_, port, taps):
        client = await dial(port)
        await turns(patience)
        ours, theirs = client.transport, taps[0].transport
        seen = (
            ours.get_extra_info("peername") == theirs.get_extra_info("sockname") == (HOST, port),
            ours.get_extra_info("sockname") == theirs.get_extra_info("peername"),
            ours.get_extra_info("sockname")[0],
        )
        ours.abort()
        return seen


@case(12, NETWORK)
async def nobody_listens(patience: int) -> Any:
    """Connecting where nobody listens is a ConnectionRefusedError with its errno."""
    with silent_port() as port:
        return await attempt(dial(port))


@case(12, NETWORK, needs_threads=True)
async def an_unknown_host(patience: int) -> Any:
    """A name that nobody knows is a gaierror."""
    try:
        await dial(80, "no-such-host.invalid")
    except socket.gaierror as exc:
        return type(exc).__name__, exc.errno == socket.EAI_NONAME
    return "connected"


@case(12, NETWORK)
async def no_such_path(patience: int) -> Any:
    """A unix path that isn't there is a FileNotFoundError."""
    loop = asyncio.get_running_loop()
    return await attempt(
        loop.create_unix_connection(lambda: Tap(None), "/no-such-folder/streamgauge.sock")
    )


@case(12, NETWORK)
async def a_socket_of_ones_own_passes_through(patience: int) -> Any:
    """`sock=` is used as it is."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    taps = Tap(None, keep_open=False), Tap(None, keep_open=False)
    for sock, tap in zip((ours, theirs), taps):
        sock.setblocking(False)
        await loop.create_connection(lambda tap=tap: tap, sock=sock)  # type: ignore[misc]
    taps[0].transport.write(b"through")
    await turns(patience)
    for tap in taps:
        tap.transport.close()
    await turns(patience)
    return taps[1].log


@case(13, NETWORK)
async def a_cancelled_connect_leaves_nothing(patience: int) -> Any:
    """The server of a connect that was cancelled is left with no open connection."""
    async with tapped() as (_, port, taps):
        task = asyncio.ensure_future(dial(port))
        await asyncio.sleep(0)
        task.cancel()
        await turns(patience)
        return task.cancelled(), [tap.log[-1:] for tap in taps if tap.log[-1][0] != "lost"]


@case(13, NETWORK)
async def a_cancelled_handler_ends_no_other(patience: int) -> Any:
    """Cancelling what one connection runs leaves the server and the others alone."""
    handlers: List[Any] = []

    async def handle(reader: Any, writer: Any) -> None:
        handlers.append(asyncio.current_task())
        with contextlib.suppress(asyncio.CancelledError):  # asyncio's callback trips over it
            writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    first, second = [await asyncio.open_connection(HOST, port) for _ in range(2)]
    await turns(patience)
    handlers[0].cancel()
    second[1].write(b"still here\n")
    seen = await second[0].read(), await first[0].read(), server.is_serving()
    for _, writer in (first, second):
        writer.close()
    server.close()
    await turns(patience)
    return seen


@case(2, NETWORK)
async def a_server_that_speaks_first(patience: int) -> Any:
    """What a server writes in `connection_made` is delivered after the client's own."""
    async with tapped(made=lambda tap: tap.transport.write(b"welcome")) as (_, port, taps):
        client = await dial(port)
        await turns(patience)
        client.transport.close()
        await turns(patience)
        return client.log, taps[0].log


@case(2, NETWORK)
async def a_close_inside_connection_made(patience: int) -> Any:
    """A protocol that closes as it is told of the connection gets no data, and its end."""
    async with tapped(made=lambda tap: tap.transport.close()) as (_, port, taps):
        client = await dial(port, made=lambda tap: tap.transport.write(b"hello"))
        await turns(patience)
        return client.events[0], client.events[-1], taps[0].log


@case(1, NETWORK)
async def a_pause_inside_connection_made(patience: int) -> Any:
    """Whether a pause in `connection_made` holds what comes, in this version of Python."""
    async with tapped(made=lambda tap: tap.transport.pause_reading()) as (_, port, taps):
        client = await dial(port)
        client.transport.write(b"hello")
        await turns(patience)
        held = taps[0].log
        taps[0].transport.resume_reading()
        await turns(patience)
        client.transport.abort()
        return held, taps[0].log


@case(12, NETWORK)
async def nobody_listens_at_either_address(patience: int) -> Any:
    """Refused by IPv6 as by IPv4, by streams as by protocols, with the errno."""
    with silent_port("::1") as port6, silent_port() as port:
        refused = [await attempt(dial(port6, "::1"))]
        refused.append(await attempt(asyncio.open_connection(HOST, port)))
        try:
            await dial(port)
        except OSError as exc:
            return refused, str(exc).replace(str(port), "port")
    return refused, "connected"


@case(12, NETWORK)
async def where_nobody_said_to_connect(patience: int) -> Any:
    """Neither host nor socket, and both at once, are each a ValueError."""
    loop: Any = asyncio.get_running_loop()
    with socket.socket() as sock:
        return [
            await attempt(loop.create_connection(lambda: Tap(None))),
            await attempt(loop.create_connection(lambda: Tap(None), HOST, 80, sock=sock)),
            await attempt(loop.create_server(lambda: Tap(None))),
            await attempt(loop.create_server(lambda: Tap(None), HOST, 80, sock=sock)),
        ]


@case(12, NETWORK)
async def a_server_socket_of_ones_own_passes_through(patience: int) -> Any:
    """``create_server(sock=)`` listens on the socket that it is given, which the kernel knows."""
    taps: List[Tap] = []
    loop = asyncio.get_running_loop()
    listener = socket.socket()
    listener.bind((HOST, 0))

    def factory() -> Tap:
        taps.append(Tap(None, keep_open=False))
        return taps[-1]

    server = await loop.create_server(factory, sock=listener)
    where = server.sockets[0].getsockname() == listener.getsockname()
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"through")
    await turns(patience)
    server.close()
    return where, [tap.log for tap in taps]


@case(12, NETWORK)
async def a_factory_of_a_client_that_raises(patience: int) -> Any:
    """A client's protocol factory that raises fails the connecting and leaves no connection."""

    def fail() -> Any:
        raise ZeroDivisionError

    async with tapped() as (_, port, taps):
        loop = asyncio.get_running_loop()
        seen = await attempt(loop.create_connection(fail, HOST, port))
        await turns(patience)
        return seen, [tap.events[-1] for tap in taps]


@case(13, NETWORK)
async def a_connect_cancelled_at_any_turn(patience: int) -> Any:
    """However far a connect has come when it is cancelled, no open connection is left."""
    left = []
    for turn in range(8):
        async with tapped() as (_, port, taps):
            task = asyncio.ensure_future(dial(port))
            for _ in range(turn):
                await asyncio.sleep(0)
            if not task.done():
                task.cancel()
                await turns(patience)
                left += [tap.events for tap in taps if tap.events[-1] != "lost"]
            else:
                task.result().transport.abort()
    return left


@case(13, NETWORK)
async def a_server_closed_before_it_accepts(patience: int) -> Any:
    """A client whose server closes before accepting it meets the end of the connection."""
    async with tapped() as (server, port, taps):
        task = asyncio.ensure_future(dial(port))
        await asyncio.sleep(0)
        server.close()
        await turns(patience)
        seen = await attempt(task)
        if isinstance(seen, Tap):
            return seen.log, len(taps)
        return seen, len(taps)


@case(13, NETWORK)
async def a_wait_for_a_line_that_never_comes(patience: int) -> Any:
    """A read in a handler that is cancelled leaves the connection and its bytes."""
    lines: List[Any] = []

    async def handle(reader: Any, writer: Any) -> None:
        task = asyncio.ensure_future(reader.readline())
        await turns(patience)
        task.cancel()
        await asyncio.wait([task])
        writer.write(b"go on\n")
        lines.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
    writer.write(b"half a ")
    said = await reader.readline()
    writer.write(b"line\n")
    rest = await reader.read()
    writer.close()
    server.close()
    await turns(patience)
    return said, lines, rest


@case(12, NETWORK, needs_threads=True)
async def hints_of_the_look_up(_patience: int) -> Any:
    """`family`, `proto` and `flags` reach the look-up, on both sides."""
    loop: Any = asyncio.get_running_loop()
    numeric = {"flags": socket.AI_NUMERICHOST}
    async with tapped() as (_, port, _taps):
        hints: List[Any] = [{"proto": socket.IPPROTO_TCP}, {"proto": socket.IPPROTO_ICMP}, numeric]
        said = []
        for host in (HOST, "localhost"):
            for more in hints:
                connecting = loop.create_connection(lambda: Tap(None), host, port, **more)
                said.append(await outcome(connecting))
        serving = loop.create_server(lambda: Tap(None), "localhost", 0, **numeric)
        return said, await outcome(serving)


@case(12, NETWORK)
async def a_local_address_that_is_taken(_patience: int) -> Any:
    """`local_addr` where somebody listens is refused with EADDRINUSE."""
    loop: Any = asyncio.get_running_loop()
    async with tapped() as (_, port, _taps):
        taken = {"local_addr": (HOST, port)}
        return await outcome(loop.create_connection(lambda: Tap(None), HOST, port, **taken))


@case(11, NETWORK)
async def reuse_address_is_an_option(_patience: int) -> Any:
    """SO_REUSEADDR of a listening socket is what `reuse_address` says, and on by default."""
    seen = []
    asked: List[Any] = [{}, {"reuse_address": True}, {"reuse_address": False}]
    for more in asked:
        async with tapped(**more) as (server, _, _taps):
            option = server.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
            seen.append(bool(option))
    return seen


@case(11, NETWORK)
async def options_of_the_listening_socket(patience: int) -> Any:
    """A connection has SO_KEEPALIVE from the socket that it came in by; a client has its own."""
    async with tapped(start_serving=False) as (server, port, taps):
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await server.start_serving()
        client = await dial(port)
        await turns(patience)
        socks = [tap.transport.get_extra_info("socket") for tap in (*taps, client)]
        client.transport.abort()
        return [bool(s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) for s in socks]


async def outcome(opening: Any) -> Any:
    """Open something and close it again: True, or a `Raised`."""
    opened = await attempt(opening)
    if isinstance(opened, tuple):
        opened[0].abort()
        return True
    return opened
