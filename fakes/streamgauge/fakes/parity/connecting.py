"""Cases about connecting on a network: who is there, who is not, cancellation (lines 2, 12, 13)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, AsyncIterator, List, Tuple

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


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


@contextlib.asynccontextmanager
async def tapped(host: str = HOST, **kwargs: Any) -> AsyncIterator[Tuple[Any, int, List[Tap]]]:
    """Serve with taps; on leaving, all that were accepted are aborted."""
    taps: List[Tap] = []

    def factory() -> Tap:
        taps.append(Tap(None, keep_open=False))
        return taps[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(factory, host, 0, **kwargs)
    try:
        yield server, server.sockets[0].getsockname()[1], taps
    finally:
        server.close()
        for tap in taps:
            if tap.transport is not None:
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
    return await attempt(dial(free_port()))


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
