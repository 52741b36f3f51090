"""The bugs that asyncio's streams have had, numbered as in the project's history of them.

Each test is named after its number and tries what a streams layer can prevent, on every Python
and loop. Those that other files of this folder try in passing are tried here once more, in the
setting in which they were reported.
"""

from __future__ import annotations

import array
import asyncio
import asyncio.streams
import gc
import os
import socket
import ssl
import sys
import warnings

import pytest

from streamgauge import streams
from streamgauge.streams import StreamReader, StreamReaderProtocol, StreamWriter, flow

BULK = bytes(8_000_000)


async def write_and_drain(writer, times=2000):
    """Do nothing else, as often as would do to notice anything."""
    for _ in range(times):
        writer.write(b"x" * 1000)
        await writer.drain()


async def blocked(coroutine, kit):
    """Start a coroutine as a task and see that it waits, however idle the loop is."""
    task = asyncio.ensure_future(coroutine)
    await kit.turns(20)
    assert not task.done()
    return task


async def test_1_concurrent_drains(kit):
    """Three tasks drain one paused transport, and all go on (gh-74116)."""
    async with kit.pair() as (_, writer, peer):
        writer.write(BULK)
        drains = [await blocked(writer.drain(), kit) for _ in range(3)]
        await peer.receive(len(BULK))
        assert await asyncio.gather(*drains) == [None] * 3


async def test_8_a_handler_that_returns_without_closing(kit):
    """Its writer is collected: the client sees EOF, and one warning is given (gh-114914)."""

    async def forgetful(reader, writer):
        pass

    with pytest.warns(ResourceWarning, match="^unclosed <StreamWriter") as warned:
        async with kit.server(forgetful) as address:
            assert await kit.connect(address).receive_all() == b""
    assert len(warned) == 1


def test_7_a_writer_that_outlives_its_loop(unraisable):
    """Dropped after the loop is closed, it warns and raises nothing (gh-109538)."""
    loop = asyncio.new_event_loop()
    ours, theirs = socket.socketpair()
    reader, writer = loop.run_until_complete(streams.open_connection(sock=ours))
    loop.close()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del reader, writer
        gc.collect()
    assert [str(each.message) for each in caught if "loop is" in str(each.message)] == [
        "loop is closed"
    ]
    assert unraisable == []
    theirs.close()


async def test_10_a_pipelined_client_hello(kit, contexts):
    """What a client sent of TLS before the server began it is part of the handshake (gh-142352)."""
    server_context, client_context = contexts

    async def handler(reader, writer):
        assert await reader.readline() == b"PROXY TCP4\r\n"
        await kit.until(lambda: len(reader._buffer) > 100)  # the ClientHello
        await writer.start_tls(server_context)
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async with kit.server(handler) as address:
        reader, writer = await streams.open_connection(*address)
        writer.write(b"PROXY TCP4\r\n")
        await writer.start_tls(client_context, server_hostname="localhost")
        writer.write(b"hello\n")
        assert await reader.read() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()


async def test_12_a_client_that_checks_names_needs_one(kit):
    """ValueError before the handshake, not an unchecked upgrade (gh-156793)."""
    async with kit.pair() as (_, writer, peer):
        with pytest.raises(ValueError, match="server_hostname"):
            await writer.start_tls(ssl.create_default_context())
        writer.write(b"plain")
        assert await peer.receive(5) == b"plain"


async def test_15_streams_are_dropped_in_silence(kit, caplog):
    """Neither the exception handler nor the log hears of streams that are dropped (bpo-38529)."""
    async with kit.pair() as (reader, writer, _peer):
        pass
    del reader, writer
    gc.collect()
    assert caplog.records == []


async def test_16_a_read_when_this_side_closes(kit):
    """A waiting read ends, with what came before (bpo-35065)."""
    async with kit.pair() as (reader, writer, peer):
        task = await blocked(reader.read(), kit)
        peer.send(b"data")
        await kit.until(lambda: len(reader._buffer) == 4)
        writer.close()
        assert await task == b"data"
        assert await reader.read() == b""


async def test_17_a_reader_only_the_protocol_knows(kit):
    """It is kept, and its data too (bpo-34638)."""
    ours, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        lambda: StreamReaderProtocol(StreamReader()), sock=ours
    )
    gc.collect()
    theirs.sendall(b"data")
    assert await protocol._stream_reader.readexactly(4) == b"data"
    transport.abort()
    theirs.close()
    await kit.turns()


async def test_18_write_and_close_return_nothing(kit):
    """They are not awaitables, as they were for a while (bpo-38242)."""
    async with kit.pair() as (_, writer, _peer):
        assert writer.write(b"x") is None
        assert writer.close() is None


async def test_21_writing_to_a_peer_that_reset(kit):
    """A loop of nothing but write and drain ends with an error (bpo-25441)."""
    async with kit.tcp() as (_, writer, peer):
        peer.reset()
        with pytest.raises(ConnectionError):
            await write_and_drain(writer)


async def test_22_writing_to_a_tls_peer_that_went_away(kit, contexts):
    """The same loop over TLS (gh-80982)."""
    server_context, client_context = contexts
    kit.listen()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_tls():
            return server_context.wrap_socket(listener.accept()[0], server_side=True)

        accepting = asyncio.get_running_loop().run_in_executor(None, accept_tls)
        _, writer = await streams.open_connection(
            *listener.getsockname(), ssl=client_context, server_hostname="localhost"
        )
        kit.Peer(await accepting).reset()
        with pytest.raises(OSError):  # noqa: PT011  # which one is the TLS layer's choice
            await write_and_drain(writer)
        await kit.end(writer)


async def test_23_more_than_the_limit(kit):
    """Readexactly and read(-1) of far more than the limit end (asyncio#99, #168)."""
    async with kit.pair(limit=10) as (reader, _writer, peer):
        sending = asyncio.ensure_future(peer.do(peer.send, BULK))
        assert len(await reader.readexactly(500_000)) == 500_000
        rest = asyncio.ensure_future(reader.read())
        await sending
        peer.sock.close()
        assert len(await rest) == len(BULK) - 500_000


async def test_28_a_pause_in_the_callback(kit):
    """A callback that pauses gets no data until it resumes (gh-76002)."""
    pairs = []

    def callback(reader, writer):
        writer.transport.pause_reading()
        pairs.append((reader, writer))

    async with kit.server(callback) as address:
        peer = kit.connect(address)
        await kit.until(lambda: pairs)
        reader, writer = pairs[0]
        peer.send(b"data")
        await kit.turns(20)
        assert len(reader._buffer) == 0
        writer.transport.resume_reading()
        assert await reader.readexactly(4) == b"data"
        writer.close()
        await writer.wait_closed()


async def test_30_writelines_is_flow_controlled(kit):
    """drain() after a large writelines waits (gh-127655)."""
    async with kit.pair() as (_, writer, peer):
        writer.writelines([bytes(100_000)] * 50)
        task = await blocked(writer.drain(), kit)
        assert len(await peer.receive(5_000_000)) == 5_000_000
        await task


async def test_33_writelines_of_many(kit):
    """All of more pieces than one system call takes arrive (gh-103462)."""
    async with kit.pair() as (_, writer, peer):
        writer.writelines([bytes(400)] * 6500 + [b"end"])
        assert (await peer.receive(400 * 6500 + 3))[-3:] == b"end"


async def test_34_a_buffer_changed_after_write(kit):
    """What was queued is what was written (gh-91166)."""
    async with kit.pair() as (_, writer, peer):
        writer.write(BULK)
        data = bytearray(b"GOOD" * 10)
        writer.write(data)
        data[:] = b"EVIL" * 10
        assert (await peer.receive(len(BULK) + 40))[-40:] == b"GOOD" * 10


async def test_35_a_memoryview_of_wide_items(kit):
    """Its bytes are sent, all of them (gh-135862)."""
    numbers = array.array("I", range(1_000_000))
    async with kit.pair() as (_, writer, peer):
        writer.write(memoryview(numbers))
        assert await peer.receive(4_000_000) == numbers.tobytes()


async def test_40_a_tls_peer_that_never_answers_the_shutdown(kit, contexts, monkeypatch):
    """wait_closed() ends with TimeoutError on every Python (gh-83939)."""
    server_context, client_context = contexts
    kit.listen()
    monkeypatch.setattr(flow, "TLS_SHUTDOWN_TIMEOUT_S", 0.05)
    bounded = sys.version_info >= (3, 11) or kit.on_uvloop()  # by the loop
    options = {"ssl_shutdown_timeout": 0.05} if bounded else {}
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_tls():
            return server_context.wrap_socket(listener.accept()[0], server_side=True)

        accepting = asyncio.get_running_loop().run_in_executor(None, accept_tls)
        _, writer = await streams.open_connection(
            *listener.getsockname(), ssl=client_context, server_hostname="localhost", **options
        )
        silent = await accepting
        writer.close()
        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            await writer.wait_closed()
        silent.close()


async def test_41_a_paused_tls_reader_whose_connection_is_gone(kit, contexts):
    """What it had buffered is read, without an AttributeError up to 3.10 (httpx#1213)."""
    server_context, client_context = contexts
    kit.listen()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept_tls():
            return server_context.wrap_socket(listener.accept()[0], server_side=True)

        accepting = asyncio.get_running_loop().run_in_executor(None, accept_tls)
        reader, writer = await streams.open_connection(
            *listener.getsockname(), ssl=client_context, server_hostname="localhost", limit=1024
        )
        peer = kit.Peer(await accepting)
        peer.send(bytes(200_000))
        await kit.until(lambda: reader._paused)
        writer.transport.abort()
        for _ in range(4):  # in the turns in which the layers learn of it, one by one
            assert await reader.read(500) == bytes(500)
            await kit.turns(1)
        assert len(await reader.read(1_000_000)) > 0
        peer.sock.close()
        await kit.turns()


async def test_42_write_eof_after_close(kit):
    """It does nothing, at once and later (bpo-31647)."""
    async with kit.pair() as (_, writer, _peer):
        writer.close()
        writer.write_eof()
        await writer.wait_closed()
        writer.write_eof()


async def test_43_a_server_with_a_bad_limit():
    """It is refused, instead of dropping every connection (gh-155934)."""
    with pytest.raises(ValueError, match="Limit"):
        await streams.start_server(lambda reader, writer: None, "127.0.0.1", 0, limit=0)


async def test_44_a_read_between_the_wake_up_and_its_reader():
    """A second read in that window is an error or gets its data, but does not hang."""
    reader = StreamReader()
    first = asyncio.ensure_future(reader.readexactly(1))
    await asyncio.sleep(0)
    reader.feed_data(b"1")  # the first is woken and has not run
    with pytest.raises(RuntimeError, match="readexactly"):
        await reader.readexactly(4)
    assert await first == b"1"
    reader.feed_data(b"2345")
    assert await reader.readexactly(4) == b"2345"


async def test_47_what_came_before_a_reset(kit):
    """A complete line that was received can be read after the reset (gh-75044)."""
    async with kit.tcp() as (reader, _writer, peer):
        peer.send(b"line\nrest")
        await kit.until(lambda: len(reader._buffer) == 9)
        peer.reset()
        await kit.until(reader.exception)
        assert await reader.readline() == b"line\n"
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        assert await reader.read(100) == b"rest"


async def test_54_the_documented_default(kit):
    """limit=None, as the page prints it, is accepted and means 64 KiB."""
    async with kit.pair(limit=None) as (reader, _writer, _peer):
        assert reader._limit == 65536


async def test_55_the_pipe_recipe(kit):
    """wait_closed() of a writer over FlowControlMixin waits for the end of the pipe."""
    read_end, write_end = os.pipe()
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(write_end, "wb", 0)
    )
    writer = StreamWriter(transport, protocol, None, loop)
    writer.write(BULK)
    drain = await blocked(writer.drain(), kit)
    writer.close()
    closed = await blocked(writer.wait_closed(), kit)

    def read_all():
        total = 0
        while True:
            part = os.read(read_end, 1 << 16)
            if not part:
                return total
            total += len(part)

    assert await loop.run_in_executor(None, read_all) == len(BULK)
    assert await asyncio.gather(drain, closed) == [None, None]
    os.close(read_end)
