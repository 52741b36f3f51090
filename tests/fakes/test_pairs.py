"""About streamgauge/fakes/pairs.py and ends.py: pairs of one shape, over memory and the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl

import pytest

import streamgauge.streams
from streamgauge.fakes import (
    UNIX,
    Chunks,
    LeakError,
    memory_stream_pair,
    pairs,
    socketpair_stream_pair,
    tcp_stream_pair,
    tls_stream_pair,
    unix_stream_pair,
)
from streamgauge.fakes.certificates import tls_contexts

MAKERS = [
    memory_stream_pair,
    socketpair_stream_pair,
    tcp_stream_pair,
    unix_stream_pair,
    tls_stream_pair,
]
every_pair = pytest.mark.parametrize("maker", MAKERS, ids=lambda m: m.__name__)


def descriptors():
    """Count the open sockets; loops open other files when they like."""
    links = []
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            links.append(os.readlink(f"/proc/self/fd/{name}"))
    return sum(link.startswith("socket:") for link in links)


@every_pair
async def test_bytes_go_both_ways_and_end_in_eof(maker):
    """Each end reads what the other writes, and EOF once the other has closed."""
    async with maker() as (client, server):
        client.writer.write(b"question\n")
        assert b"question\n" == await server.reader.readline()
        server.writer.write(b"answer\n")
        assert b"answer\n" == await client.reader.readline()
        client.writer.close()
        assert b"" == await server.reader.read()
        server.writer.close()


@every_pair
async def test_the_shape_is_the_same(maker):
    """An end has reader, writer and transport, can be unpacked, and takes the limit."""
    async with maker(limit=5, ignore_leaks="all") as ends:
        for end in ends:
            reader, writer = end
            assert (reader, writer) == (end.reader, end.writer)
            assert writer.transport is end.transport
        client, server = ends
        server.writer.write(b"longer than that\n")
        with pytest.raises(ValueError, match="limit"):
            await client.reader.readline()


@every_pair
async def test_nothing_is_left(maker):
    """On leaving, even by an error, transports are closed and no descriptor is left."""
    async with maker(ignore_leaks="all"):
        pass
    gc.collect()
    before = descriptors()
    with pytest.raises(KeyError):  # noqa: PT012  # what is tested is leaving
        async with maker() as (client, server):
            client.writer.write(b"unread")
            raise KeyError
    assert [True, True] == [end.transport.is_closing() for end in (client, server)]
    assert before == descriptors()


@every_pair
async def test_a_name_matches_crosswise(maker):
    """One end's peername is the other's sockname."""
    async with maker(ignore_leaks="all") as (client, server):
        ours, theirs = client.writer.get_extra_info, server.writer.get_extra_info
        assert ours("peername") == theirs("sockname")
        assert ours("sockname") == theirs("peername")
        if maker in (memory_stream_pair, tcp_stream_pair):
            assert "127.0.0.1" == ours("peername")[0]


@every_pair
async def test_leaving_bytes_or_writers_is_named(maker):
    """Open writers and unread bytes are a LeakError; what is ignored by name is not in it."""
    with pytest.raises(LeakError) as caught:  # noqa: PT012  # leaving raises it
        async with maker() as (client, server):
            server.writer.write(b"a\nbcd")
            await client.reader.readline()
    found = [(leak.name, leak.detail.split(",")[0]) for leak in caught.value.leaks]
    assert [
        ("unclosed-writer", "the client's writer"),
        ("unread-bytes", "3 bytes that the client never read"),
        ("unclosed-writer", "the server's writer"),
    ] == found
    async with maker(ignore_leaks=["unclosed-writer", "unread-bytes"]) as (client, server):
        client.writer.write(b"x")


async def test_a_stuck_pair_can_be_left():
    """Bytes that nobody reads, and a wire that is stalled, do not keep the pair from ending."""
    async with memory_stream_pair(window=10, ignore_leaks="all") as (client, _):
        client.wire.wire.stall()
        client.writer.write(b"x" * 100_000)
        client.writer.close()


async def test_a_memory_pair_uses_no_descriptor():
    """Making and using a memory pair opens nothing."""
    before = descriptors()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        client.writer.write(b"x")
        await server.reader.read(1)
        assert before == descriptors()


async def test_ports_of_memory_pairs_come_round():
    """However many pairs were made, their names are ports that there are."""
    for _ in range(65536 - 49152):
        next(pairs._ports)
    async with memory_stream_pair(ignore_leaks="all") as ends:
        for _, writer in ends:
            assert 49152 <= writer.get_extra_info("sockname")[1] <= 65535


async def test_memory_in_flight_is_bounded():
    """A writer that drains is held at window and high-water mark, and so is what is allocated."""
    tracemalloc = pytest.importorskip("tracemalloc")  # PyPy has none
    window, high, piece = 256 * 1024, 64 * 1024, 1024
    bound = window + high + piece  # the write that goes past the mark

    async def write(writer):
        for _ in range(8 * bound // piece):
            writer.write(bytes(piece))
            await writer.drain()

    async with memory_stream_pair(window=window, ignore_leaks="all") as (client, server):
        server.transport.pause_reading()
        tracemalloc.start()
        writing = asyncio.ensure_future(write(client.writer))
        for _ in range(100):
            await asyncio.sleep(0)
        allocated, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        held = client.wire.in_flight() + client.transport.get_write_buffer_size()
        assert (bound, False) == (held, writing.done())
        assert bound < allocated < 1.25 * bound
        writing.cancel()


async def test_a_memory_pair_can_be_made_to_misbehave():
    """Chunks, window and the hands of each end's wire rule what that end sends."""
    async with memory_stream_pair(window=4, chunks=Chunks.ONE_BYTE, ignore_leaks="all") as (
        client,
        server,
    ):
        client.writer.write(b"abcdef")
        assert b"a" == await server.reader.read(100)
        server.wire.stall()
        server.writer.write(b"late")
        assert 4 == server.wire.in_flight()
        server.wire.deliver(1)
        assert b"l" == await client.reader.read(100)
        client.wire.reset()
        with pytest.raises(ConnectionResetError):
            await client.reader.readexactly(10)


async def test_a_memory_pair_can_end_as_a_unix_socket_does():
    """With `kind=UNIX` the first write to a peer that is gone fails, on TCP the second."""
    for kind, fails_at in ((UNIX, 1), (None, 2)):
        options = {} if kind is None else {"kind": kind}
        async with memory_stream_pair(ignore_leaks="all", **options) as (client, server):
            server.transport.abort()
            await client.reader.read()
            closing = []
            for _ in range(2):
                client.writer.write(b"x")
                closing.append(client.transport.is_closing())
            assert fails_at == 1 + closing.index(True)


@pytest.mark.parametrize("maker", [memory_stream_pair, tcp_stream_pair])
async def test_other_stream_classes(maker):
    """`streams=` picks the classes of a module of asyncio's shape."""

    class Shape:
        class StreamReader(asyncio.StreamReader):
            pass

        class StreamWriter(asyncio.StreamWriter):
            pass

        StreamReaderProtocol = asyncio.StreamReaderProtocol

    async with maker(streams=Shape, ignore_leaks="all") as ends:
        for end in ends:
            assert (Shape.StreamReader, Shape.StreamWriter) == (type(end.reader), type(end.writer))


@every_pair
async def test_streamgauges_streams(maker):
    """Our own stream classes work on every pair, and what they leave unread is found as well."""
    with pytest.raises(LeakError) as caught:  # noqa: PT012  # leaving raises it
        async with maker(streams=streamgauge.streams) as (client, server):
            assert isinstance(client.reader, streamgauge.streams.StreamReader)
            server.writer.write(b"12345")
            assert b"12" == await client.reader.readexactly(2)
            server.writer.close()
            client.writer.close()
    assert ["3 bytes that the client never read"] == [leak.detail for leak in caught.value.leaks]


@every_pair
async def test_streams_that_are_none_are_refused(maker):
    """A thing without the three classes is a TypeError that names them, and leaks nothing."""
    before = descriptors()
    with pytest.raises(TypeError, match=r"streams got 'asyncio', expected .* 'StreamWriter'\]"):
        async with maker(streams="asyncio"):
            pass
    assert before == descriptors()


async def test_tcp_over_ipv6():
    """`family=` picks IPv6, where the machine has it."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with tcp_stream_pair(family=socket.AF_INET6, ignore_leaks="all") as (client, _):
        assert "::1" == client.writer.get_extra_info("peername")[0]


async def test_tls_is_verified():
    """The client's context verifies the name: another one ends in an error, and leaks nothing."""
    server_context, client_context = tls_contexts()
    before = descriptors()
    with pytest.raises(ssl.SSLCertVerificationError):
        async with tls_stream_pair(
            server_context=server_context,
            client_context=client_context,
            server_hostname="elsewhere.example",
        ):
            pass
    while before != descriptors():  # the deadline ends it
        await asyncio.sleep(0)
    with pytest.raises(ValueError, match="got one context, expected both or neither"):
        async with tls_stream_pair(server_context=server_context):
            pass


async def test_start_tls_on_both_sides_of_a_memory_pair():
    """`loop.start_tls` takes a memory transport, under uvloop too, and bytes go through TLS."""
    loop = asyncio.get_running_loop()
    server_context, client_context = tls_contexts()
    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        upgraded = await asyncio.gather(
            loop.start_tls(
                client.transport,
                client.transport.get_protocol(),
                client_context,
                server_hostname="localhost",
            ),
            loop.start_tls(
                server.transport, server.transport.get_protocol(), server_context, server_side=True
            ),
        )
        upgraded[0].write(b"secret")
        assert b"secret" == await server.reader.readexactly(6)
        assert "localhost" == upgraded[0].get_extra_info("peercert")["subjectAltName"][0][1]
        for transport in upgraded:
            transport.abort()
    assert "start_tls" not in vars(loop)
