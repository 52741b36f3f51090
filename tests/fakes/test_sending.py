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
        if sent:
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
    """What is passed through is sent by the loop itself."""

    async def send(writer):
        return await asyncio.get_running_loop().sendfile(writer.transport, file)

    async with MemoryNetwork() as net:
        net.passthrough("127.0.0.1")
        async with sending_to_a_server(send) as (reader, outcome):
            assert BODY == await reader.read()
            assert len(BODY) == await outcome


async def test_a_bare_pair_is_sent_by_the_loops_own_fallback():
    """The own `sendfile` of asyncio takes a memory transport, as it takes TLS."""
    async with memory_stream_pair() as (client, server):
        with io.BytesIO(b"in memory") as file:
            loop = asyncio.get_running_loop()
            assert 9 == await loop.sendfile(client.transport, file)
        client.writer.close()
        assert b"in memory" == await server.reader.read()
        server.writer.close()


@pytest.mark.parametrize("arguments", [{}, {"offset": 1_000}, {"offset": len(BODY)}])
@pytest.mark.parametrize("kind", ["a descriptor", "none", "tls"])
async def test_the_position_is_the_kernels(kind, arguments, file):
    """What is sent of a file that was read before, and where it is left, is as on the kernel."""

    async def send(writer):
        source = io.BytesIO(BODY) if kind == "none" else file
        source.seek(7)
        sent = await asyncio.get_running_loop().sendfile(writer.transport, source, **arguments)
        return sent, source.tell()

    tls = dict(zip(("server", "client"), tls_contexts("localhost"))) if kind == "tls" else {}
    seen = []
    for network in NETWORKS.values():
        async with network(), sending_to_a_server(send, **tls) as (reader, outcome):
            seen.append((await reader.read(), await outcome))
    assert seen[0] == seen[1]
