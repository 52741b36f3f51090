"""About streamgauge/streams/writer.py: over real sockets, or a fake transport that says more."""

from __future__ import annotations

import array
import asyncio
import asyncio.streams
import inspect
import os
import socket
import ssl
import weakref

import pytest

from streamgauge import streams
from streamgauge.streams import StreamReader, StreamReaderProtocol, StreamWriter

BULK = bytes(range(256)) * 40_000  # some 10 MB: more than any kernel buffers


def over(transport, reader=None):
    """A writer over a fake transport, with our protocol."""
    protocol = StreamReaderProtocol(reader)
    writer = StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    transport.kept.append(writer)  # dropped when the transport is closing, so that it stays silent
    return writer, protocol


async def blocked(coroutine, kit):
    """Start a coroutine as a task and see that it waits, however idle the loop is."""
    task = asyncio.ensure_future(coroutine)
    await kit.turns(20)
    assert not task.done()
    return task


async def test_a_program_hangs_its_own_on_a_writer(transport):
    """A writer takes attributes of any name, and weak references."""
    writer, _ = over(transport)
    writer.name = "mine"
    assert (writer, "mine") == (weakref.ref(writer)(), writer.name)
    transport.closing = True


class TestWrite:
    """write and writelines."""

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    async def test_each_kind_of_bytes_arrives(self, kit, kind):
        """bytes, bytearray and memoryview are sent; write returns None."""
        async with kit.pair() as (_, writer, peer):
            assert writer.write(kind(b"data")) is None
            assert await peer.receive(4) == b"data"

    async def test_bytes_are_handed_on_uncopied(self, transport):
        """The transport gets the very object."""
        writer, _ = over(transport)
        writer.write(BULK)
        assert transport.log[0] is BULK

    async def test_what_was_written_can_be_changed(self, kit):
        """Changing a bytearray after write never changes what is sent, queued or not."""
        async with kit.pair() as (_, writer, peer):
            writer.write(BULK)
            data = bytearray(b"GOOD")
            writer.write(data)
            writer.writelines([data])
            data[:] = b"EVIL and longer"
            assert await peer.receive(len(BULK) + 8) == BULK + b"GOODGOOD"

    async def test_a_wide_memoryview_is_sent_whole(self, kit):
        """Every byte of every item, however large the whole."""
        numbers = array.array("I", range(1_000_000))
        async with kit.pair() as (_, writer, peer):
            writer.write(memoryview(numbers))
            assert await peer.receive(4_000_000) == numbers.tobytes()

    @pytest.mark.parametrize("data", ["text", 5, None, [b"a"]])
    async def test_nothing_else_can_be_written(self, transport, data):
        """TypeError at once, and the transport sees nothing."""
        writer, _ = over(transport)
        with pytest.raises(TypeError, match=type(data).__name__):
            writer.write(data)
        assert transport.log == []

    async def test_lines_are_sent_in_order(self, kit):
        """An iterable's items arrive joined, from a generator too."""
        async with kit.pair() as (_, writer, peer):
            assert writer.writelines(line for line in (b"a", bytearray(b"b"), b"c")) is None
            writer.writelines([])
            writer.writelines(iter(()))
            assert await peer.receive(3) == b"abc"

    @pytest.mark.parametrize("lines", [[b"good", "bad"], b"ab", None])
    async def test_bad_lines_send_nothing(self, transport, lines):
        """TypeError, and nothing of what came before the bad item is sent."""
        writer, _ = over(transport)
        with pytest.raises(TypeError):
            writer.writelines(lines)
        assert transport.log == []


class TestDrain:
    """drain()."""

    @pytest.mark.parametrize("send", ["write", "writelines"])
    async def test_a_write_that_broke_the_connection_is_seen_at_once(self, transport, send):
        """A quiet writer's drain after a failed write gives the loop a turn to tell of it."""
        writer, _ = over(transport)
        for _ in range(2):
            await writer.drain()
        transport.closing = True
        getattr(writer, send)([b"x"] if send == "writelines" else b"x")
        drain = writer.drain()
        assert drain.send(None) is None  # a turn
        drain.close()

    async def test_nothing_is_asked_twice(self, transport):
        """With nothing sent since, a drain asks the transport no more."""
        writer, _ = over(transport)
        for _ in range(2):
            writer.write(b"x")
            await writer.drain()
        transport.is_closing = None
        await writer.drain()
        del transport.is_closing

    async def test_nothing_to_wait_for(self, kit):
        """It returns without giving the loop a turn."""
        async with kit.pair() as (_, writer, _peer):
            writer.write(b"x")
            with pytest.raises(StopIteration):
                writer.drain().send(None)

    async def test_it_blocks_until_the_peer_reads(self, kit):
        """Above the high-water mark it waits; at the low-water mark it goes on."""
        async with kit.pair() as (_, writer, peer):
            writer.write(BULK)
            task = await blocked(writer.drain(), kit)
            reading = asyncio.ensure_future(peer.receive(len(BULK)))
            assert await task is None
            low, _ = 16384, 65536
            assert writer.transport.get_write_buffer_size() <= low
            assert await reading == BULK

    async def test_after_the_end(self, kit):
        """ConnectionResetError once the connection is lost."""
        async with kit.pair() as (_, writer, _peer):
            writer.close()
            with pytest.raises(ConnectionResetError, match="Connection lost"):
                await writer.drain()

    async def test_a_local_abort_ends_it(self, kit):
        """A blocked drain returns None when this side aborts."""
        async with kit.pair() as (_, writer, _peer):
            writer.write(BULK)
            task = await blocked(writer.drain(), kit)
            writer.transport.abort()
            assert await task is None

    async def test_a_reset_ends_it(self, kit):
        """A blocked drain raises what the reset is."""
        async with kit.tcp() as (_, writer, peer):
            writer.write(BULK)
            task = await blocked(writer.drain(), kit)
            peer.reset()
            with pytest.raises(ConnectionError):
                await task

    async def test_the_readers_exception(self, kit):
        """It is raised, although writing works."""
        async with kit.pair() as (reader, writer, peer):
            writer.write(b"x")
            reader.set_exception(KeyError("from reader"))
            with pytest.raises(KeyError, match="from reader"):
                await writer.drain()
            assert await peer.receive(1) == b"x"

    async def test_a_foreign_readers_exception(self, transport):
        """Any object with exception() is asked, one that overrides it too."""

        class Odd(StreamReader):
            def exception(self):
                return KeyError("odd")

        class Foreign:
            def exception(self):
                return KeyError("odd")

        for reader in (Odd(), Foreign()):
            writer, _ = over(transport, reader)
            with pytest.raises(KeyError, match="odd"):
                await writer.drain()

    async def test_the_peers_half_close_does_not_matter(self, kit):
        """After the peer's EOF, writing and draining go on."""
        async with kit.pair() as (reader, writer, peer):
            peer.sock.shutdown(socket.SHUT_WR)
            assert await reader.read() == b""
            writer.write(b"still")
            await writer.drain()
            assert not writer.is_closing()
            assert await peer.receive(5) == b"still"


class TestClosing:
    """close, is_closing, wait_closed, write_eof."""

    async def test_what_was_written_is_sent_first(self, kit):
        """close() flushes, wait_closed() waits for that, then the peer sees EOF."""
        async with kit.pair() as (_, writer, peer):
            writer.write(BULK)
            assert not writer.is_closing()
            assert writer.close() is None
            assert writer.is_closing()
            task = await blocked(writer.wait_closed(), kit)
            assert await peer.receive_all() == BULK
            assert await task is None
            assert writer.is_closing()

    async def test_closing_twice(self, kit):
        """Both calls may be repeated, and several tasks may wait."""
        async with kit.pair() as (_, writer, _peer):
            writer.close()
            writer.close()
            assert await asyncio.gather(*(writer.wait_closed() for _ in range(3))) == [None] * 3

    async def test_waiting_without_closing_waits(self, kit):
        """wait_closed() before close() waits until somebody closes."""
        async with kit.pair() as (_, writer, _peer):
            task = await blocked(writer.wait_closed(), kit)
            writer.close()
            assert await task is None

    async def test_cancelling_a_wait_leaves_the_others(self, kit):
        """The cancelled call ends, the others and later ones do their work."""
        async with kit.pair() as (_, writer, _peer):
            first = await blocked(writer.wait_closed(), kit)
            second = await blocked(writer.wait_closed(), kit)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            writer.close()
            assert await second is None
            assert await writer.wait_closed() is None

    async def test_the_connections_error(self, kit):
        """What ended the connection is raised by every wait, as asyncio does."""
        async with kit.tcp() as (reader, writer, peer):
            peer.reset()
            with pytest.raises(ConnectionResetError):
                await reader.read()
            for _ in range(2):
                with pytest.raises(ConnectionResetError):
                    await writer.wait_closed()

    async def test_half_close(self, kit):
        """write_eof() sends EOF after what was written; reading goes on."""
        async with kit.pair() as (reader, writer, peer):
            assert writer.can_write_eof() is True
            writer.write(BULK)
            assert writer.write_eof() is None
            assert await peer.receive_all() == BULK
            peer.send(b"answer")
            assert await reader.readexactly(6) == b"answer"

    @pytest.mark.parametrize("data", [b"x", b""])
    async def test_nothing_is_written_behind_eof(self, kit, data):
        """RuntimeError from write and writelines; a second write_eof is nothing."""
        async with kit.pair() as (_, writer, _peer):
            writer.write_eof()
            writer.write_eof()
            with pytest.raises(RuntimeError):
                writer.write(data)
            with pytest.raises(RuntimeError):
                writer.writelines([data])

    async def test_a_dropped_writer_closes_its_connection(self, kit):
        """The peer sees EOF, and one ResourceWarning names the writer."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        reader = StreamReader()
        protocol = StreamReaderProtocol(reader)
        transport, _ = await loop.create_connection(lambda: protocol, sock=ours)
        writer = StreamWriter(transport, protocol, reader, loop)
        with pytest.warns(ResourceWarning, match="^unclosed <StreamWriter") as warned:
            del writer
        assert len(warned) == 1
        assert await kit.Peer(theirs).receive_all() == b""
        theirs.close()

    def test_half_built_writers_are_silent(self, unraisable):
        """One whose constructor raised, or never ran, is collected without a word."""
        with pytest.raises(AssertionError, match="reader"):
            StreamWriter(None, None, object(), None)
        StreamWriter.__new__(StreamWriter).__del__()
        assert unraisable == []


class TestForeignProtocols:
    """Writers over protocols that are not ours."""

    async def test_over_asyncios_protocol(self, kit):
        """write, drain and wait_closed work over asyncio.StreamReaderProtocol."""
        kit.listen()
        ours, theirs = socket.socketpair()
        peer = kit.Peer(theirs)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.create_connection(lambda: protocol, sock=ours)
        writer = StreamWriter(transport, protocol, reader, loop)
        writer.write(BULK)
        drain = await blocked(writer.drain(), kit)
        writer.close()
        task = await blocked(writer.wait_closed(), kit)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await peer.receive_all() == BULK
        await drain
        assert await writer.wait_closed() is None
        theirs.close()

    async def test_the_pipe_recipe(self, kit):
        """A writer over connect_write_pipe and FlowControlMixin: all of it, wait_closed too."""
        kit.listen()
        read_end, write_end = os.pipe()
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, os.fdopen(write_end, "wb", 0)
        )
        writer = StreamWriter(transport, protocol, None, loop)
        writer.write(b"data")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await writer.wait_closed()
        assert await loop.run_in_executor(None, os.read, read_end, 100) == b"data"
        os.close(read_end)


class TestStartTls:
    """start_tls."""

    async def test_both_sides(self, kit, contexts):
        """A connection that began in the clear goes on under TLS, on both sides."""
        server_context, client_context = contexts

        async def handler(reader, writer):
            assert await reader.readline() == b"STARTTLS\n"
            writer.write(b"go\n")
            await writer.drain()
            await writer.start_tls(server_context)
            writer.write((await reader.readline()).upper())
            writer.close()

        async with kit.server(handler) as address:
            reader, writer = await streams.open_connection(*address)
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go\n"
            plain = writer.transport
            await writer.start_tls(client_context, server_hostname="localhost")
            assert writer.transport is not plain
            assert writer.get_extra_info("peercert")
            assert not writer.can_write_eof()
            writer.write(b"secret\n")
            assert await reader.readline() == b"SECRET\n"
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()

    async def test_a_second_close_and_what_is_written_then(self, kit, contexts):
        """Under TLS, too, closing twice is closing; what comes behind it is dropped."""
        server_context, client_context = contexts

        async def handler(reader, writer):
            assert await reader.read() == b"in time"
            writer.close()

        async with kit.server(handler, ssl=server_context) as address:
            _, writer = await streams.open_connection(
                *address, ssl=client_context, server_hostname="localhost"
            )
            writer.write(b"in time")
            writer.close()
            writer.close()
            writer.write(b"late")
            writer.writelines([b"later"])
            assert writer.get_extra_info("peername") is not None
            await writer.wait_closed()

    async def test_bulk_under_tls(self, kit, contexts):
        """Flow control works on the upgraded connection: all of a large answer arrives."""
        server_context, client_context = contexts

        async def handler(reader, writer):
            await reader.readline()
            await writer.start_tls(server_context)
            writer.write(BULK)
            await writer.drain()
            writer.close()

        async with kit.server(handler) as address:
            reader, writer = await streams.open_connection(*address, limit=1000)
            writer.write(b"\n")
            await writer.start_tls(client_context, server_hostname="localhost")
            await kit.turns(50)
            assert await reader.readexactly(len(BULK)) == BULK
            writer.close()
            await writer.wait_closed()

    async def test_bad_arguments_leave_the_connection_alone(self, kit):
        """A missing host name or a wrong context is an error before any byte is sent."""
        async with kit.pair() as (reader, writer, peer):
            with pytest.raises(ValueError, match="server_hostname"):
                await writer.start_tls(ssl.create_default_context())
            with pytest.raises(TypeError, match="sslcontext"):
                await writer.start_tls(True, server_hostname="localhost")
            writer.write(b"plain")
            assert await peer.receive(5) == b"plain"
            peer.send(b"back")
            assert await reader.readexactly(4) == b"back"

    @pytest.mark.parametrize("how", ["garbage", "eof", "cancelled"])
    async def test_a_failed_handshake_ends_the_connection(self, kit, how):
        """Reads and wait_closed of the lost connection end, and the peer sees EOF."""
        async with kit.pair() as (reader, writer, peer):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            task = await blocked(writer.start_tls(context, server_hostname="x"), kit)
            hello = await peer.receive(1)
            assert hello == b"\x16"
            if how == "garbage":
                peer.send(b"this is no TLS record at all, is it?")
            elif how == "eof":
                peer.sock.close()
            else:
                task.cancel()
            with pytest.raises((OSError, asyncio.CancelledError)):
                await task
            assert writer.is_closing()
            for ended in (reader.read(), writer.wait_closed()):
                try:
                    await asyncio.wait_for(ended, 20)
                except OSError as error:
                    assert not isinstance(error, TimeoutError)  # noqa: PT017  # either end is right
            if how != "eof":
                await peer.receive_all()


class TestObject:
    """Construction, names, repr."""

    async def test_the_names(self, transport):
        """transport, get_extra_info and the private names that programs read."""
        reader = StreamReader()
        writer, protocol = over(transport, reader)
        assert writer.transport is writer._transport is transport
        assert writer._protocol is protocol
        assert writer._reader is reader
        assert writer._loop is asyncio.get_running_loop()
        assert writer.get_extra_info("nothing") is None
        assert writer.get_extra_info("nothing", 42) == 42
        assert repr(writer) == f"<StreamWriter transport={transport!r} reader={reader!r}>"

    def test_the_signature(self):
        """The constructor's parameters are asyncio's."""
        assert list(inspect.signature(StreamWriter).parameters) == [
            "transport",
            "protocol",
            "reader",
            "loop",
        ]

    async def test_extra_info(self, kit):
        """Addresses and the socket are there."""
        async with kit.tcp() as (_, writer, peer):
            assert writer.get_extra_info("peername") == peer.sock.getsockname()
            assert writer.get_extra_info("sockname") == peer.sock.getpeername()
            assert writer.get_extra_info("socket").family == socket.AF_INET
