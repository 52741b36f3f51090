"""About streamgauge/fakes/server.py: what a server of the network does once it is bound."""

from __future__ import annotations

import asyncio
import contextvars
from asyncio import base_events

import pytest

from streamgauge.fakes import MemoryNetwork
from streamgauge.fakes.server import MemoryServer


async def test_a_server_that_does_not_serve_yet_refuses(shout, ask):
    """`start_serving=False` has the address and refuses; then it accepts."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80, start_serving=False)
        with pytest.raises(ConnectionRefusedError):
            await ask("127.0.0.1", 80)
        await server.start_serving()
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        server.close()
        assert ((), False) == (server.sockets, server.is_serving())


async def test_closing_a_server_keeps_its_connections(shout, ask):
    """After close() the open connection goes on, and new ones are refused."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        writer.write(b"a\n")
        assert b"A\n" == await reader.readline()
        server.close()
        writer.write(b"b\n")
        assert b"B\n" == await reader.readline()
        with pytest.raises(ConnectionRefusedError):
            await ask("127.0.0.1", 80)
        writer.close()
        await server.wait_closed()


async def test_serve_forever_ends_by_cancellation(shout, ask):
    """Cancelling serve_forever closes the server."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        forever = asyncio.ensure_future(server.serve_forever())
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert not server.is_serving()


@pytest.fixture
async def serving(shout):
    """A server of a network, bound and serving."""
    async with MemoryNetwork(ignore_leaks="all"):
        yield await asyncio.start_server(shout, "127.0.0.1", 80)


async def test_it_tells_its_loop_and_its_sockets(serving):
    """A server knows its loop, is shown with its addresses, and after the close has none."""
    assert asyncio.get_running_loop() is serving.get_loop()
    assert "<MemoryServer sockets=[('127.0.0.1', 80)] serving=True>" == repr(serving)
    serving.close()
    serving.close()
    assert "<MemoryServer sockets=[] serving=False>" == repr(serving)


async def test_serve_forever_is_called_once(serving, turns):
    """A second `serve_forever` at a time is refused, and so is one after the close."""
    forever = asyncio.ensure_future(serving.serve_forever())
    await turns()
    with pytest.raises(RuntimeError, match="already being awaited"):
        await serving.serve_forever()
    serving.close()
    with pytest.raises(asyncio.CancelledError):
        await forever
    with pytest.raises(RuntimeError, match="is closed"):
        await serving.serve_forever()


@pytest.mark.skipif(
    not hasattr(base_events.Server, "close_clients"), reason="this asyncio has no close_clients"
)
@pytest.mark.parametrize("how", ["close_clients", "abort_clients"])
async def test_clients_can_be_sent_away(serving, how):
    """All connections end, the server goes on, and `wait_closed` has nobody to wait for."""
    clients = [await asyncio.open_connection("127.0.0.1", 80) for _ in range(3)]
    await asyncio.sleep(0)
    getattr(serving, how)()
    assert [b""] * 3 == [await reader.read() for reader, _ in clients]
    assert serving.is_serving()
    serving.close()
    await serving.wait_closed()
    for _, writer in clients:
        writer.close()


async def test_a_factory_that_raises_ends_that_connection_alone():
    """The client sees the connection end, and the server takes the next one."""
    loop = asyncio.get_running_loop()
    answers = iter([KeyError("no protocol"), None])

    def factory():
        answer = next(answers)
        if answer is not None:
            raise answer
        return asyncio.Protocol()

    async with MemoryNetwork(ignore_leaks="all") as net:
        await loop.create_server(factory, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        assert b"" == await reader.read()
        writer.close()
        _, second = await asyncio.open_connection("127.0.0.1", 80)
        await asyncio.sleep(0)
        assert 1 == len(net.connections)
        second.close()


async def test_it_is_asyncios_own_server(serving):
    """A server of a network is an instance of the class that the running asyncio serves with."""
    assert isinstance(serving, base_events.Server)
    assert MemoryServer.serve_forever is base_events.Server.serve_forever
    assert MemoryServer.wait_closed is base_events.Server.wait_closed


async def test_a_factory_that_closes_its_server_ends_the_connection():
    """The client of a server that is closed as it accepts meets the end, and nothing is left."""
    servers = []

    def factory():
        servers[0].close()
        return asyncio.Protocol()

    async with MemoryNetwork() as net:
        loop = asyncio.get_running_loop()
        servers.append(await loop.create_server(factory, "127.0.0.1", 80))
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        assert b"" == await reader.read()
        writer.close()
        await writer.wait_closed()
        await servers[0].wait_closed()
        assert () == net.connections


async def test_each_connection_has_a_context_of_its_own():
    """A context variable that one connection's factory sets is not seen by the next one's."""
    seen = []
    number = contextvars.ContextVar("number", default=0)

    def factory():
        seen.append(number.get())
        number.set(number.get() + 1)
        return asyncio.Protocol()

    async with MemoryNetwork(ignore_leaks="all"):
        await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 80)
        writers = [(await asyncio.open_connection("127.0.0.1", 80))[1] for _ in range(3)]
        await asyncio.sleep(0)
        for writer in writers:
            writer.close()
    assert [0, 0, 0] == seen
