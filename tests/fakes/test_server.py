"""About streamgauge/fakes/server.py: what a server of the network does once it is bound."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import MemoryNetwork


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
