"""About streamgauge/fakes/sending.py: `loop.sendfile` in memory, and beside the kernel's."""

from __future__ import annotations

import asyncio
import contextlib
import io

import pytest

from streamgauge.fakes import MemoryNetwork, memory_stream_pair
from streamgauge.fakes.certificates import tls_contexts

BODY = bytes(range(256)) * 1_200  # several blocks, and more than a write buffer


@contextlib.asynccontextmanager
async def kernel():
    """No network in memory: the same program on real sockets."""
    yield


NETWORKS = {"memory": MemoryNetwork, "kernel": kernel}
EACH_NETWORK = pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))


@pytest.fixture
def file(tmp_path):
    """A file with `BODY` in it, opened for reading."""
    (tmp_path / "file").write_bytes(BODY)
    with (tmp_path / "file").open("rb") as opened:
        yield opened


@pytest.fixture(autouse=True)
async def _a_loop_that_can():
    """Leave out uvloop, which has no `sendfile` at all."""
    if not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        pytest.skip("this loop has no sendfile")


@contextlib.asynccontextmanager
async def sending_to_a_server(send, **tls):
    """Serve `send(writer)` on localhost; gives a connected reader and writer."""

    async def handle(reader, writer):
        try:
            outcome.set_result(await send(writer))
        except Exception as exc:
            outcome.set_result(exc)
        writer.close()

    outcome = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls.get("server"))
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls.get("client"), server_hostname="localhost" if tls else None
    )
    yield reader, outcome
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    server.close()


@EACH_NETWORK
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, BODY),
        ({"offset": 1_000}, BODY[1_000:]),
        ({"offset": 70_000, "count": 70_001}, BODY[70_000:140_001]),
        ({"offset": len(BODY)}, b""),
        ({"count": 10**7}, BODY),
    ],
)
async def test_the_file_arrives(network, secure, arguments, expected, file):
    """What is asked for arrives between what is written; its length is given, its end is told."""

    async def send(writer):
        writer.write(b"<")
        sent = await asyncio.get_running_loop().sendfile(writer.transport, file, **arguments)
        writer.write(b">")
        return sent, file.tell()

    tls = dict(zip(("server", "client"), tls_contexts("localhost"))) if secure else {}
    async with network(), sending_to_a_server(send, **tls) as (reader, outcome):
        assert b"<" + expected + b">" == await reader.read()
        sent, position = await outcome
        assert len(expected) == sent
        if sent:  # else the kernel's leaves it where it was, over TLS it does not
            assert arguments.get("offset", 0) + sent == position


@EACH_NETWORK
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"offset": -1}, ValueError),
        ({"offset": 1.5}, TypeError),
        ({"count": 0}, ValueError),
        ({"count": "1"}, TypeError),
        ({"fallback": False}, int),
    ],
)
async def test_bad_arguments(network, arguments, expected, file):
    """They are refused as the kernel's `sendfile` refuses them, and nothing is sent."""

    async def send(writer):
        return await asyncio.get_running_loop().sendfile(writer.transport, file, **arguments)

    async with network(), sending_to_a_server(send) as (reader, outcome):
        assert (BODY if expected is int else b"") == await reader.read()
        assert expected is type(await outcome)


@EACH_NETWORK
async def test_text_is_refused(network, tmp_path):
    """A file that is opened as text is refused."""
    (tmp_path / "text").write_text("text")

    async def send(writer):
        with (tmp_path / "text").open() as text:
            return await asyncio.get_running_loop().sendfile(writer.transport, text)

    async with network(), sending_to_a_server(send) as (reader, outcome):
        assert b"" == await reader.read()
        assert ValueError is type(await outcome)


@EACH_NETWORK
async def test_tls_needs_the_fallback(network, file):
    """Over TLS the file can't be handed to the kernel, and who forbids the rest is told so."""

    async def send(writer):
        loop = asyncio.get_running_loop()
        return await loop.sendfile(writer.transport, file, fallback=False)

    tls = dict(zip(("server", "client"), tls_contexts("localhost")))
    async with network(), sending_to_a_server(send, **tls) as (reader, outcome):
        assert b"" == await reader.read()
        assert "fallback is disabled" in str(await outcome)


@EACH_NETWORK
async def test_a_transport_that_closes_sends_nothing(network, file):
    """On a transport that is closing it is an error at once."""

    async def send(writer):
        writer.close()
        return await asyncio.get_running_loop().sendfile(writer.transport, file)

    async with network(), sending_to_a_server(send) as (reader, outcome):
        assert b"" == await reader.read()
        assert "Transport is closing" == str(await outcome)


async def start_to_send(file):
    """Begin to send a file to a client; gives the client, the server's end and the task."""
    loop = asyncio.get_running_loop()
    accepted = loop.create_future()
    listener = await asyncio.start_server(
        lambda reader, writer: accepted.set_result((reader, writer)), "127.0.0.1", 80
    )
    client = await asyncio.open_connection("127.0.0.1", 80)
    server = await accepted
    listener.close()
    return client, server, asyncio.ensure_future(loop.sendfile(server[1].transport, file))


async def test_it_waits_for_the_reader(file, turns):
    """No more of the file is taken than fits; what the protocol is told of room, it is told."""
    async with MemoryNetwork(window=4_096):
        client, server, sending = await start_to_send(file)
        await turns(20)
        assert not sending.done()
        assert len(BODY) > server[1].transport.get_write_buffer_size() > 0
        draining = asyncio.ensure_future(server[1].drain())
        await turns()
        assert not draining.done()
        assert BODY == await client[0].readexactly(len(BODY))
        assert (len(BODY), None) == (await sending, await draining)
        client[1].write(b"answer")
        assert b"answer" == await server[0].read(100)  # it is read again
        for _, writer in (client, server):
            writer.close()


async def test_a_connection_that_ends_meanwhile(file, turns):
    """A reset is raised, and the file's position tells how much was sent."""
    async with MemoryNetwork(window=4_096, ignore_leaks="all"):
        client, server, sending = await start_to_send(file)
        await turns(20)
        client[1].transport.abort()
        with pytest.raises(ConnectionError):
            await sending
        assert len(BODY) > file.tell() > 0
        with pytest.raises(ConnectionError):
            await server[0].read()


async def test_a_cancellation_gives_the_transport_back(file, turns):
    """A cancelled one leaves a connection that can be read and written."""
    async with MemoryNetwork(window=4_096):
        client, server, sending = await start_to_send(file)
        await turns(20)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        sent = file.tell()
        server[1].write(b"!")
        assert BODY[:sent] + b"!" == await client[0].readexactly(sent + 1)
        client[1].write(b"?")
        assert b"?" == await server[0].read(100)
        for _, writer in (client, server):
            writer.close()


async def test_what_has_no_descriptor_is_sent(file):
    """Any binary file will do, as it does for the kernel's, by reading."""

    async def send(writer):
        return await asyncio.get_running_loop().sendfile(writer.transport, io.BytesIO(b"in memory"))

    async with MemoryNetwork(), sending_to_a_server(send) as (reader, outcome):
        assert b"in memory" == await reader.read()
        assert 9 == await outcome


async def test_a_real_transport_is_the_loops_business(file):
    """What is passed through is sent by the loop itself, and a bare pair is not known to it."""

    async def send(writer):
        return await asyncio.get_running_loop().sendfile(writer.transport, file)

    async with MemoryNetwork() as net:
        net.passthrough("127.0.0.1")
        async with sending_to_a_server(send) as (reader, outcome):
            assert BODY == await reader.read()
            assert len(BODY) == await outcome
    async with memory_stream_pair(ignore_leaks="all") as (client, _):
        with pytest.raises(RuntimeError, match="sendfile is not supported"):
            await send(client.writer)
