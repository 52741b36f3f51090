"""Cases about TLS: `start_tls` on a connection in use, and TLS from the beginning (line 9)."""

from __future__ import annotations

import asyncio
from typing import Any

from ..certificates import tls_contexts
from .cases import NETWORK, TCP, case
from .connecting import HOST, attempt, tapped, turns
from .seen import Pair, Tap, raised


@case(9, TCP, needs_threads=True, needs_certificates=True)
async def tls_on_a_connection_in_use(pair: Pair) -> Any:
    """`start_tls` on both sides of a connection that has carried plain bytes."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = (side.tap() for side in pair.sides)
    a.transport.write(b"plain")
    await pair.settle()
    made: Any = await asyncio.gather(
        loop.start_tls(a.transport, a, client_context, server_hostname="localhost"),
        loop.start_tls(b.transport, b, server_context, server_side=True),
    )
    made[0].write(b"secret")
    made[1].write(b"answer")
    await pair.settle()
    versions = [each.get_extra_info("ssl_object").version() for each in made]
    for each in made:
        each.close()
    await pair.settle()
    return versions, a.log, b.log


@case(9, TCP, needs_threads=True, needs_certificates=True)
async def tls_with_a_name_that_is_wrong(pair: Pair) -> Any:
    """`start_tls` fails on the client if the certificate is another's."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = (side.tap() for side in pair.sides)
    made: Any = await asyncio.gather(
        loop.start_tls(a.transport, a, client_context, server_hostname="elsewhere"),
        loop.start_tls(b.transport, b, server_context, server_side=True),
        return_exceptions=True,
    )
    client = made[0]  # what the server sees of it is a matter of timing
    return raised(client).type if isinstance(client, BaseException) else "made"


@case(9, TCP, needs_threads=True, needs_certificates=True)
async def tls_started_by_the_server_first(pair: Pair) -> Any:
    """It doesn't matter which side starts TLS first, nor that turns go by between."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = (side.tap() for side in pair.sides)
    server = asyncio.ensure_future(loop.start_tls(b.transport, b, server_context, server_side=True))
    await pair.settle()
    client = loop.start_tls(a.transport, a, client_context, server_hostname="localhost")
    made: Any = await asyncio.gather(client, server)
    b.reactions["data"] = lambda tap: made[1].write(b"answer")
    made[0].write(b"secret")
    await pair.settle()
    names = [each.get_extra_info("peername") for each in made]
    own = [side.socket.getsockname() for side in pair.sides]
    return a.log, b.log, names == own[::-1], made[0].get_protocol() is a


@case(9, TCP, needs_threads=True, needs_certificates=True)
async def tls_on_a_hello_that_was_read(pair: Pair) -> Any:
    """Whether `start_tls` takes a ClientHello that the server's reader holds, in this Python."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    tap, plain = pair.client.tap(), pair.server.transport
    client = asyncio.ensure_future(
        loop.start_tls(tap.transport, tap, client_context, server_hostname="localhost")
    )
    await pair.settle()
    server = asyncio.ensure_future(
        loop.start_tls(plain, plain.get_protocol(), server_context, server_side=True)
    )
    await pair.settle()
    ended = [task.done() for task in (client, server)]
    for task in (client, server):
        task.cancel()
    await pair.settle()
    return ended, [task.cancelled() for task in (client, server)]


@case(9, NETWORK, needs_threads=True, needs_certificates=True)
async def tls_by_the_stream_writers(patience: int) -> Any:
    """`StreamWriter.start_tls` on both sides of a connection."""
    if not hasattr(asyncio.StreamWriter, "start_tls"):
        return "not yet"
    server_context, client_context = tls_contexts("localhost")
    plain, secure = [], []

    async def handle(reader: Any, writer: Any) -> None:
        plain.append(await reader.readline())
        writer.write(b"ready\n")
        await writer.start_tls(server_context)
        secure.append(await reader.readline())
        writer.write(b"answer\n")
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    reader, writer = await asyncio.open_connection(HOST, server.sockets[0].getsockname()[1])
    writer.write(b"STARTTLS\n")
    ready = await reader.readline()
    await writer.start_tls(client_context, server_hostname="localhost")
    writer.write(b"secret\n")
    answer, version = await reader.read(), writer.get_extra_info("ssl_object").version()
    writer.close()
    server.close()
    await turns(patience)
    return plain, ready, secure, answer, version


@case(9, TCP, needs_threads=True, needs_certificates=True)
async def tls_with_a_peer_that_leaves(pair: Pair) -> Any:
    """`start_tls` fails if the peer closes in the middle of the handshake."""
    _, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = pair.client.tap(), pair.server.tap(keep_open=False)
    start = loop.start_tls(a.transport, a, client_context, server_hostname="localhost")
    task = asyncio.ensure_future(start)
    await pair.settle()
    greeted = len(b.data) > 100  # a ClientHello
    b.transport.close()
    return greeted, await pair.peek(task), a.transport.is_closing()


@case(9, TCP)
async def start_tls_without_a_context(pair: Pair) -> Any:
    """`start_tls` takes an SSLContext and nothing else, and leaves the connection alone."""
    loop: Any = asyncio.get_running_loop()
    tap, other = pair.client.tap(), pair.server.tap()
    seen = [await attempt(loop.start_tls(tap.transport, tap, bad)) for bad in (None, True)]
    tap.transport.write(b"plain")
    await pair.settle()
    return seen, other.log


async def _secured(patience: int, client_context: Any, **kwargs: Any) -> Any:
    server_context, _ = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: None)  # the server's, of a failed handshake
    async with tapped(ssl=server_context) as (_, port, taps):
        tap = Tap(None, keep_open=False)
        made = await attempt(
            loop.create_connection(lambda: tap, HOST, port, ssl=client_context, **kwargs)
        )
        if not isinstance(made, tuple):
            await turns(patience, 100)
            return made, tap.log, [each.log for each in taps]
        transport = made[0]
        transport.write(b"secret")
        await turns(patience, 100)
        seen = taps[0].log, transport.get_extra_info("peername") == (HOST, port)
        info = [transport.get_extra_info(key) is not None for key in TLS_KEYS]
        transport.close()
        await turns(patience, 100)
        return seen, info, tap.log, taps[0].log


TLS_KEYS = ("ssl_object", "sslcontext", "cipher", "peercert")


@case(9, NETWORK, needs_threads=True, needs_certificates=True)
async def tls_from_the_beginning(patience: int) -> Any:
    """A server and a client with ``ssl=``: data, names, what is known of TLS, the end."""
    _, client_context = tls_contexts("localhost")
    return await _secured(patience, client_context, server_hostname="localhost")


@case(9, NETWORK, needs_threads=True, needs_certificates=True)
async def tls_to_another_name(patience: int) -> Any:
    """A certificate of another name fails the connecting."""
    _, client_context = tls_contexts("localhost")
    seen = await _secured(patience, client_context, server_hostname="elsewhere")
    return seen[0]


@case(9, NETWORK, needs_threads=True, needs_certificates=True)
async def tls_that_trusts_nobody(patience: int) -> Any:
    """A certificate of an authority that isn't trusted fails the connecting."""
    import ssl  # noqa: PLC0415  # cases are imported where there is no TLS, too

    context = ssl.create_default_context()
    seen = await _secured(patience, context, server_hostname="localhost")
    return seen[0]


@case(9, NETWORK, needs_certificates=True)
async def tls_arguments_that_are_wrong(patience: int) -> Any:
    """A name to verify without TLS, TLS without a name, a server's ``ssl=True``: refused."""
    loop = asyncio.get_running_loop()
    _, context = tls_contexts("localhost")
    async with tapped() as (_, port, _taps):
        wrong = [
            loop.create_connection(lambda: Tap(None), HOST, port, server_hostname="x"),
            loop.create_connection(lambda: Tap(None), "", port, ssl=context),
            loop.create_connection(lambda: Tap(None), HOST, port, ssl_handshake_timeout=1.0),
            loop.create_server(lambda: Tap(None), HOST, 0, ssl=True),
        ]
        return [await attempt(each) for each in wrong]
