"""About streamgauge/fakes/ends.py: one side of a pair, as it is shown and looked at."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import MemoryStreamEnd, StreamEnd, memory_stream_pair, tcp_stream_pair

MAKERS = pytest.mark.parametrize(
    "maker", [memory_stream_pair, tcp_stream_pair], ids=lambda maker: maker.__name__
)


@MAKERS
async def test_an_end_is_a_reader_and_a_writer(maker):
    """It unpacks into the two, has the writer's transport, and is shown with its role."""
    async with maker(ignore_leaks="all") as ends:
        for name, end in zip(("client", "server"), ends):
            reader, writer = end
            assert (end.reader, end.writer) == (reader, writer)
            assert end.transport is writer.transport
            assert isinstance(end, StreamEnd)
            assert f"<{type(end).__name__} {name} <" in repr(end)


async def test_a_memory_ends_report_has_the_wires_state_and_last_bytes(turns):
    """For a failure: state, bytes sent, in flight and unread, and the last delivery."""
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        assert isinstance(client, MemoryStreamEnd)
        client.writer.write(b"hello")
        await turns()
        client.wire.stall()
        client.writer.write(b"more")
        client.writer.write_eof()
        assert (
            "FIN_WAIT2, sent 9 bytes, 4 in flight, last b'hello', not taken b'more'"
            in client.report()
        )
        assert "5 bytes unread, ESTABLISHED, sent 0 bytes" in server.report()


async def test_a_report_has_the_end_of_what_nobody_has_taken(turns):
    """Arrived or held, whole or in part: its last 64 bytes are shown, and nothing if it is none."""
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        server.transport.pause_reading()
        await turns()
        client.writer.write(b"arrived ")
        assert b"arr" == server.wire.recv(3)
        client.wire.stall()
        client.writer.write(b"held")
        assert "9 in flight, last b'arr', not taken b'ived held'" in client.report()
        client.writer.write(b"x" * 62 + b"!?")
        assert f"last b'arr', not taken b'{'x' * 62}!?'" in client.report()
        client.wire.resume()
        server.wire.recv()
        assert client.report().endswith("x!?'")
        assert "not taken" not in client.report()


@MAKERS
async def test_bytes_that_were_never_delivered_count_as_unread(maker, turns):
    """A paused transport leaves bytes in the kernel, or on the wire: they are unread too."""
    async with maker(ignore_leaks="all") as (client, server):
        server.transport.pause_reading()
        await turns()
        client.writer.write(b"12345")
        await client.writer.drain()
        leaks = {leak.name: leak.detail for leak in server.leaks()}
        assert "5 bytes that the server never read" == leaks["unread-bytes"]


@MAKERS
async def test_an_end_in_order_has_no_leaks(maker):
    """A writer that was closed, and a reader that saw EOF, leave nothing to tell."""
    async with maker() as (client, server):
        client.writer.close()
        assert b"" == await server.reader.read()
        assert ["unclosed-writer"] == [leak.name for leak in server.leaks()]
        server.writer.close()
        assert [] == client.leaks() + server.leaks()


@MAKERS
async def test_ending_is_harmless_however_often(maker):
    """An end can be aborted and ended again, also after it was closed or reset."""
    async with maker(ignore_leaks="all") as (client, server):
        client.transport.abort()
        for end in (client, server, client, server):
            end.abort()
            await end.end()
        assert (True, True) == (client.transport.is_closing(), server.transport.is_closing())


@MAKERS
async def test_a_connection_in_other_hands_can_be_left(maker):
    """A writer whose transport has another protocol is never told of its end: nobody waits."""
    async with maker(ignore_leaks="all") as (client, _):
        client.transport.set_protocol(asyncio.Protocol())


async def test_ends_are_of_the_running_loop():
    """Reader and writer belong to the loop that made the pair."""
    async with memory_stream_pair(ignore_leaks="all") as (client, _):
        assert asyncio.get_running_loop() is client.writer._loop
