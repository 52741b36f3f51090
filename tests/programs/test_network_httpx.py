"""httpx, as it is installed, against a server of asyncio's streams on a network in memory."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

HOSTS = {"api.example": ["10.0.0.7", "fd00::7"]}
#: A busy machine takes longer for a body, byte by byte, than the 5 seconds after which httpx
#: gives up a read or closes an idle connection.
UNHURRIED = {
    "trust_env": False,
    "timeout": None,
    "limits": httpx.Limits(keepalive_expiry=None),
}
#: asyncio's TLS transports up to 3.10 complain when collected if it was the peer that closed.
OLD_TLS_COMPLAINS = "ignore:unclosed transport <asyncio.sslproto:ResourceWarning"


async def serve(reader, writer):
    """Answer each request of a connection with its path, or with its body if it has one."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = [s[15:] for s in head.lower().splitlines() if s.startswith("content-length")]
            body = await reader.readexactly(int(size[0])) if size else head.split()[1].encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


@pytest.fixture(scope="module")
def untrusting():
    """A TLS context that is quickly made; the default one reads every authority there is."""
    return tls_contexts("nobody.example")[1]


@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_requests_on_one_connection(chunks, untrusting):
    """A GET and a POST are answered on one kept connection, however the bytes are cut."""
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks) as net:
        server = await asyncio.start_server(serve, "api.example", 80)
        async with httpx.AsyncClient(verify=untrusting, **UNHURRIED) as client:
            assert "/items" == (await client.get("http://api.example/items")).text
            posted = await client.post("http://api.example/", content=b"x" * 2_000)
            assert b"x" * 2_000 == posted.content
            assert 1 == len(net.connections)
        server.close()


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.usefixtures("collect_garbage")
async def test_over_tls():
    """`https://` verifies the certificate of a server in memory."""
    server_context, client_context = tls_contexts("api.example")
    async with MemoryNetwork(hosts=HOSTS):
        server = await asyncio.start_server(serve, "api.example", 443, ssl=server_context)
        async with httpx.AsyncClient(verify=client_context, **UNHURRIED) as client:
            assert "/secret" == (await client.get("https://api.example/secret")).text
        server.close()


async def test_nobody_there_is_a_connect_error(untrusting):
    """A refused connection and an unknown name are the errors that httpx has for them."""
    async with MemoryNetwork(hosts=HOSTS):
        async with httpx.AsyncClient(verify=untrusting, **UNHURRIED) as client:
            for url in ("http://api.example:81/", "http://nowhere.example/"):
                with pytest.raises(httpx.ConnectError):
                    await client.get(url)
