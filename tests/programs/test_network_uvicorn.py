"""uvicorn, as it is installed, on a network in memory, with httpx and websockets as its clients.

It runs as a program runs it, by `Server.serve()`: with its signal handlers, its lifespan and its
ticking main loop, whose tenth of a second is all that these tests ever wait for.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

httpx = pytest.importorskip("httpx", reason="httpx is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
websockets = pytest.importorskip("websockets.asyncio.client", reason="websockets is not installed")

HOSTS = {"api.example": ["10.0.0.7", "fd00::7"]}
LONG_S = 3600
#: A busy machine takes longer for a body, byte by byte, than the 5 seconds after which either side
#: gives up a read or closes a connection that it holds for idle.
UNHURRIED = {
    "trust_env": False,
    "timeout": None,
    "limits": httpx.Limits(keepalive_expiry=None),
}
#: asyncio's TLS transports up to 3.10 complain when collected if it was the peer that closed.
OLD_TLS_COMPLAINS = "ignore:unclosed transport <asyncio.sslproto:ResourceWarning"


class App:
    """An ASGI application that gives bodies back, and counts what it was told of its lifespan."""

    def __init__(self):
        self.told = []

    async def __call__(self, scope, receive, send):
        """Serve one connection, request or lifespan."""
        await getattr(self, scope["type"])(receive, send)

    async def lifespan(self, receive, send):
        """Note beginning and end."""
        while self.told[-1:] != ["lifespan.shutdown"]:
            self.told.append((await receive())["type"])
            await send({"type": f"{self.told[-1]}.complete"})

    async def http(self, receive, send):
        """Answer with the request's body, once it is there, in the pieces in which it came."""
        events = [await receive()]
        while events[-1].get("more_body"):
            events.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for event in events:
            await send({**event, "type": "http.response.body"})

    async def websocket(self, receive, send):
        """Answer each message in capitals."""
        await receive()
        await send({"type": "websocket.accept"})
        event = await receive()
        while event["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"].upper()})
            event = await receive()


@contextlib.asynccontextmanager
async def running(app, port=80, tls=None, ws="none"):
    """Run a server until the block ends, then let it shut down as a signal would."""
    config = uvicorn.Config(
        app, host="api.example", port=port, log_config=None, ws=ws, timeout_keep_alive=LONG_S
    )
    config.load()
    config.ssl = tls  # else it takes files only
    server = uvicorn.Server(config)
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        assert not serving.done(), f"it ended at start-up: {serving!r}"
        await asyncio.sleep(0)
    try:
        yield server
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(scope="module")
def untrusting():
    """A TLS context that is quickly made; the default one reads every authority there is."""
    return tls_contexts("nobody.example")[1]


@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_requests_on_one_connection(chunks, untrusting):
    """Bodies come back on one kept connection, however the bytes are cut; the lifespan is whole."""
    app = App()
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks) as net:
        async with running(app):
            async with httpx.AsyncClient(verify=untrusting, **UNHURRIED) as client:
                for body in (b"", b"x" * 2_000):
                    response = await client.post("http://api.example/", content=body)
                    assert (200, body) == (response.status_code, response.content)
                assert 1 == len(net.connections)
    assert ["lifespan.startup", "lifespan.shutdown"] == app.told


async def test_bodies_that_outgrow_the_window(untrusting):
    """A body of many windows passes both ways: both sides' flow control pauses and goes on."""
    body = bytes(range(256)) * 4_000
    async with MemoryNetwork(hosts=HOSTS, window=4_096):
        async with running(App()):
            async with httpx.AsyncClient(verify=untrusting, **UNHURRIED) as client:
                response = await client.post("http://api.example/", content=body)
                assert body == response.content


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.usefixtures("collect_garbage")
async def test_over_tls():
    """`https://` verifies the certificate of a uvicorn in memory."""
    server_context, client_context = tls_contexts("api.example")
    async with MemoryNetwork(hosts=HOSTS):
        async with running(App(), 443, server_context):
            async with httpx.AsyncClient(verify=client_context, **UNHURRIED) as client:
                response = await client.post("https://api.example/", content=b"secret")
                assert b"secret" == response.content


@pytest.mark.skipif(
    sys.version_info < (3, 10),
    reason="the uvicorn for 3.9 uses an interface that its websockets warns of",
)
async def test_a_websocket():
    """A websocket of uvicorn's, with the websockets package as its client."""
    async with MemoryNetwork(hosts=HOSTS):
        async with running(App(), ws="websockets-sansio"):
            async with websockets.connect("ws://api.example/", proxy=None) as connection:
                await connection.send("hello")
                assert "HELLO" == await connection.recv()


async def test_the_port_is_taken(caplog):
    """A port that another has ends a second uvicorn at its start-up, with the kernel's words."""
    async with MemoryNetwork(hosts=HOSTS):
        other = await asyncio.start_server(print, "api.example", 80)
        config = uvicorn.Config(App(), host="api.example", port=80, log_config=None, ws="none")
        server = uvicorn.Server(config)
        with pytest.raises(SystemExit):
            await server.serve()
        assert "address already in use" in caplog.text
        other.close()
