"""websockets, server and client, as they are installed, on a network in memory.

The host is one that no machine of ours has: the kernel could neither bind nor reach it.
"""

from __future__ import annotations

import sys

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

client = pytest.importorskip("websockets.asyncio.client", reason="websockets is not installed")
server = pytest.importorskip("websockets.asyncio.server", reason="websockets is not installed")

HOSTS = {"chat.example": "10.0.0.7"}
#: No proxy, whatever the environment says; the websockets for 3.8 knows none.
DIRECT = {} if sys.version_info < (3, 9) else {"proxy": None}
#: asyncio's TLS transports up to 3.10 complain when collected if it was the peer that closed.
OLD_TLS_COMPLAINS = "ignore:unclosed transport <asyncio.sslproto:ResourceWarning"


async def shout(connection):
    """Answer each message in capitals."""
    async for message in connection:
        await connection.send(message.upper())


@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_messages_come_back(chunks):
    """The handshake and messages, text and binary, pass however the bytes are cut."""
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks):
        async with server.serve(shout, "chat.example", 80):
            async with client.connect("ws://chat.example", **DIRECT) as connection:
                await connection.send("hello")
                assert "HELLO" == await connection.recv()
                await connection.send(b"a" * 1_000)
                assert b"A" * 1_000 == await connection.recv()


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.usefixtures("collect_garbage")
async def test_over_tls():
    """`wss://` verifies the certificate of a server in memory."""
    server_context, client_context = tls_contexts("chat.example")
    async with MemoryNetwork(hosts=HOSTS):
        async with server.serve(shout, "chat.example", 443, ssl=server_context):
            async with client.connect(
                "wss://chat.example", ssl=client_context, **DIRECT
            ) as connection:
                await connection.send("secret")
                assert "SECRET" == await connection.recv()


async def test_the_closing_handshake():
    """Closing by the server reaches the client with its code and reason."""

    async def leave(connection):
        await connection.close(4_000, "enough")

    async with MemoryNetwork(hosts=HOSTS):
        async with server.serve(leave, "chat.example", 80):
            async with client.connect("ws://chat.example", **DIRECT) as connection:
                await connection.wait_closed()
                ended = connection.protocol
                assert (4_000, "enough") == (ended.close_code, ended.close_reason)
