"""aiohttp, server and client, as they are installed, on a network in memory.

Its client makes a real socket and hands it to `loop.sock_connect`, which leads into the network.
"""

from __future__ import annotations

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
web = pytest.importorskip("aiohttp.web", reason="aiohttp is not installed")

HOSTS = {"shop.example": ["10.0.0.7", "fd00::7"]}
#: asyncio's TLS transports up to 3.10 complain when collected if it was the peer that closed.
OLD_TLS_COMPLAINS = "ignore:unclosed transport <asyncio.sslproto:ResourceWarning"


async def echo(request):
    """Answer with the body, or with the path if there is none."""
    return web.Response(body=await request.read() or request.path.encode())


async def chat(request):
    """Answer each websocket message in capitals."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


async def start(port=80, files=None, **options):
    """Start a site, perhaps with a folder of files; what is given has to be cleaned up."""
    app = web.Application()
    if files:
        app.router.add_static("/files", files)
    app.router.add_get("/chat", chat)
    app.router.add_route("*", "/{rest:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "shop.example", port, **options).start()
    return runner


@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_requests(chunks):
    """A GET and a POST are answered, however the bytes are cut."""
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks):
        runner = await start()
        async with aiohttp.ClientSession() as session:
            async with session.get("http://shop.example/item") as response:
                assert (200, "/item") == (response.status, await response.text())
            async with session.post("http://shop.example/", data=b"x" * 2_000) as response:
                assert b"x" * 2_000 == await response.read()
        await runner.cleanup()


async def test_a_websocket():
    """A connection that is upgraded carries messages both ways."""
    async with MemoryNetwork(hosts=HOSTS):
        runner = await start()
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect("ws://shop.example/chat") as socket:
                await socket.send_str("hello")
                assert "HELLO" == await socket.receive_str()
        await runner.cleanup()


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.usefixtures("collect_garbage")
async def test_over_tls():
    """`https://` verifies the certificate of a server in memory."""
    server_context, client_context = tls_contexts("shop.example")
    async with MemoryNetwork(hosts=HOSTS):
        runner = await start(443, ssl_context=server_context)
        async with aiohttp.ClientSession() as session:
            async with session.get("https://shop.example/s", ssl=client_context) as response:
                assert "/s" == await response.text()
        await runner.cleanup()


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.usefixtures("collect_garbage")
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_a_file(secure, tmp_path):
    """A file that aiohttp hands to the loop's `sendfile` arrives, whole and in part."""
    content = bytes(range(256)) * 2_000
    (tmp_path / "file.bin").write_bytes(content)
    server_context, client_context = tls_contexts("shop.example") if secure else (None, None)
    url = f"{'https' if secure else 'http'}://shop.example:8080/files/file.bin"
    part = {"Range": "bytes=1000-99999"}
    async with MemoryNetwork(hosts=HOSTS):
        runner = await start(8080, files=tmp_path, ssl_context=server_context)
        async with aiohttp.ClientSession() as session:
            async with session.get(url, ssl=client_context or True) as response:
                assert (200, content) == (response.status, await response.read())
            async with session.get(url, headers=part, ssl=client_context or True) as response:
                assert (206, content[1000:100_000]) == (response.status, await response.read())
        await runner.cleanup()


async def test_nobody_there_is_a_connector_error():
    """A refused connection and an unknown name are the errors that aiohttp has for them."""
    async with MemoryNetwork(hosts=HOSTS):
        async with aiohttp.ClientSession() as session:
            for url in ("http://shop.example:81/", "http://nowhere.example/"):
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(url)
