"""About streamgauge/fakes/tls.py: the running Python's TLS on memory transports."""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamgauge.fakes import MemoryNetwork, memory_stream_pair
from streamgauge.fakes.certificates import tls_contexts
from streamgauge.fakes.tls import over_memory, start_tls


async def upgrade(client, server, name="localhost"):
    """Put TLS on both ends of a pair; gives the two transports."""
    for_server, for_client = tls_contexts()
    loop = asyncio.get_running_loop()
    ours, theirs = client.transport, server.transport
    return await asyncio.gather(
        start_tls(loop, ours, ours.get_protocol(), for_client, server_hostname=name),
        start_tls(loop, theirs, theirs.get_protocol(), for_server, server_side=True),
        return_exceptions=True,
    )


async def test_what_lies_below_is_told_apart():
    """A memory transport, and TLS over one, is over memory; a socket's transport is not."""
    loop = asyncio.get_running_loop()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        upgraded = await upgrade(client, server)
        assert [True] * 3 == [over_memory(t) for t in (client.transport, *upgraded)]
        upgraded[0].abort()
        upgraded[1].abort()
    ours, theirs = socket.socketpair()
    with theirs:
        transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
        assert [False, False] == [over_memory(transport), over_memory(None)]
        transport.abort()
        await asyncio.sleep(0)


async def test_every_loops_start_tls_takes_memory_transports():
    """`loop.start_tls` puts TLS on a pair, on loops that refuse foreign transports too."""
    loop = asyncio.get_running_loop()
    for_server, for_client = tls_contexts()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        ours, theirs = client.transport, server.transport
        upgraded = await asyncio.gather(
            loop.start_tls(ours, ours.get_protocol(), for_client, server_hostname="localhost"),
            loop.start_tls(theirs, theirs.get_protocol(), for_server, server_side=True),
        )
        upgraded[0].write(b"secret")
        assert b"secret" == await server.reader.readexactly(6)
        for transport in upgraded:
            transport.abort()


async def test_what_is_no_context_is_refused():
    """`start_tls` without a context is a TypeError, and the connection is left as it was."""
    loop = asyncio.get_running_loop()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        with pytest.raises(TypeError, match=r"sslcontext .*None"):
            await start_tls(loop, client.transport, client.transport.get_protocol(), None)
        client.writer.write(b"plain")
        assert b"plain" == await server.reader.readexactly(5)


@pytest.mark.filterwarnings("ignore:unclosed transport <asyncio.sslproto:ResourceWarning")
async def test_a_wrong_name_fails_both_sides():
    """The client that verifies another name has the error of it, and the server one of its own."""
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        ours, theirs = await upgrade(client, server, name="elsewhere.example")
        assert "certificate verify failed" in str(ours)
        assert isinstance(theirs, OSError)


async def test_a_cancelled_start_tls_closes_the_transport(turns):
    """A cancellation while the handshake waits for the peer closes the connection."""
    loop = asyncio.get_running_loop()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        transport = client.transport
        shaking = asyncio.ensure_future(
            start_tls(
                loop,
                transport,
                transport.get_protocol(),
                tls_contexts()[1],
                server_hostname="localhost",
            )
        )
        await turns()
        shaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await shaking
        assert transport.is_closing()
        await server.reader.read()


async def test_the_loops_start_tls_takes_sockets_as_ever():
    """In a network a real connection is upgraded by the loop itself."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    for_server, for_client = tls_contexts()
    async with MemoryNetwork():
        ends = [await asyncio.open_connection(sock=sock) for sock in (ours, theirs)]
        (_, client), (reader, server) = ends
        upgraded = await asyncio.gather(
            loop.start_tls(
                client.transport,
                client.transport.get_protocol(),
                for_client,
                server_hostname="localhost",
            ),
            loop.start_tls(
                server.transport, server.transport.get_protocol(), for_server, server_side=True
            ),
        )
        upgraded[0].write(b"secret")
        assert b"secret" == await reader.readexactly(6)
        for transport in upgraded:
            transport.abort()
        await asyncio.sleep(0)
