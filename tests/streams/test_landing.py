"""About streamgauge/streams/landing.py: large messages over sockets, and what ends them early.

A message is `SIZE` bytes, of which the first read has let the peer earn a landing. `landing` below
waits until the message is being received in its place, and some of it has come.
"""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamgauge.streams import IncompleteReadError, StreamReader, StreamReaderProtocol
from streamgauge.streams.intake import LARGE_BYTES
from streamgauge.streams.landing import Landing, land

SIZE = 4 * LARGE_BYTES
MESSAGE = bytes(range(256)) * (SIZE // 256)
BEGUN = SIZE // 4


def is_landing(reader):
    """Return whether some of a message has been received in its place."""
    return reader._landing is not None and reader._landing.filled >= BEGUN


async def landing(kit, reader, peer, size=SIZE):
    """Return a readexactly that waits for the rest of a message, of which BEGUN bytes landed."""
    await peer.do(peer.send, MESSAGE[:BEGUN])
    read = asyncio.ensure_future(reader.readexactly(size))
    await kit.until(lambda: is_landing(reader))
    return read


def _subclass(protocol, reader, seen):
    class Own(StreamReaderProtocol):
        def data_received(self, data):
            seen.append(data)
            super().data_received(data)

    protocol.__class__ = Own


def _on_the_protocol(protocol, reader, seen):
    real = protocol.data_received
    protocol.data_received = lambda data: (seen.append(data), real(data))


def _on_the_reader(protocol, reader, seen):
    real = reader.feed_data
    reader.feed_data = lambda data: (seen.append(data), real(data))


HOOKS = {
    "a subclass of the protocol": _subclass,
    "on the protocol": _on_the_protocol,
    "on the reader": _on_the_reader,
}


class TestWhole:
    """A message that comes whole."""

    async def test_it_is_received_in_its_place(self, kit):
        """What is returned is the memory that it was received into, and nobody else holds it."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            place = reader._landing._memory
            await peer.do(peer.send, MESSAGE[BEGUN:])
            message = await read
            assert message == MESSAGE
            assert place.getvalue() is message
            assert (reader._landing, reader._incoming.head) == (None, b"")

    async def test_messages_follow_each_other(self, kit):
        """Each is whole, with small ones in between; what follows is not lost."""
        async with kit.pair() as (reader, _, peer):
            stream = (MESSAGE + b"line\n") * 3 + b"end"
            sending = asyncio.ensure_future(peer.do(peer.send, stream))
            for _ in range(3):
                assert await reader.readexactly(SIZE) == MESSAGE
                assert await reader.readline() == b"line\n"
            assert await reader.readexactly(3) == b"end"
            await sending

    async def test_more_than_the_message_comes_at_once(self, kit):
        """What comes behind a message before its read has run stands behind it."""
        async with kit.pair() as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            reader._landing.get_buffer(-1)[:] = MESSAGE[BEGUN:]
            reader._landing.buffer_updated(SIZE - BEGUN)
            protocol = writer.transport.get_protocol()
            assert type(protocol) is StreamReaderProtocol
            protocol.data_received(b"behind")
            assert await read == MESSAGE
            assert await reader.readexactly(6) == b"behind"

    async def test_the_reader_pauses_behind_it_as_ever(self, kit):
        """A message does not keep the transport paused, and what follows it does, if too much."""
        async with kit.pair(limit=1024) as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            await peer.do(peer.send, MESSAGE[BEGUN:] + bytes(4096))
            assert await read == MESSAGE
            await kit.until(lambda: not writer.transport.is_reading())
            assert await reader.readexactly(4096) == bytes(4096)
            await kit.until(writer.transport.is_reading)


class TestEarly:
    """A message that does not come whole, or whose read goes on otherwise."""

    async def test_eof(self, kit):
        """IncompleteReadError has what came."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            peer.sock.shutdown(socket.SHUT_WR)
            with pytest.raises(IncompleteReadError) as caught:
                await read
            assert caught.value.partial == MESSAGE[:BEGUN]
            assert reader.at_eof()

    async def test_a_reset(self, kit):
        """The error is raised, and what came can be read."""
        async with kit.tcp() as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            peer.reset()
            with pytest.raises(ConnectionResetError):
                await read
            assert await reader.read(SIZE) == MESSAGE[:BEGUN]
            assert writer.is_closing()

    async def test_an_error_set_by_hand(self, kit):
        """It is raised; a second try gets the whole message."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            reader.set_exception(OSError("by hand"))
            with pytest.raises(OSError, match="by hand"):
                await read
            reader.set_exception(None)
            sending = asyncio.ensure_future(peer.do(peer.send, MESSAGE[BEGUN:]))
            assert await reader.readexactly(SIZE) == MESSAGE
            await sending

    async def test_cancelled(self, kit):
        """Nothing is lost, the transport is paused, and the protocol receives again."""
        async with kit.pair() as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            assert type(writer.transport.get_protocol()) is StreamReaderProtocol
            assert not writer.transport.is_reading()
            assert bytes(reader._buffer) == MESSAGE[:BEGUN]

    async def test_cancelled_when_all_has_come(self, kit):
        """A message that is complete when its read is cancelled stays readable."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            reader._landing.get_buffer(-1)[:] = MESSAGE[BEGUN:]
            reader._landing.buffer_updated(SIZE - BEGUN)
            read.cancel()
            with pytest.raises(asyncio.CancelledError):
                await read
            assert await reader.readexactly(SIZE) == MESSAGE

    async def test_another_read_gets_what_has_come(self, kit):
        """A read that what has landed serves is served; one that it does not is refused."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            assert await reader.readexactly(16) == MESSAGE[:16]
            with pytest.raises(RuntimeError, match="another read"):
                await reader.readexactly(SIZE)
            sending = asyncio.ensure_future(peer.do(peer.send, MESSAGE[BEGUN:] + MESSAGE[:16]))
            assert await read == MESSAGE[16:] + MESSAGE[:16]
            await sending

    async def test_fed_by_hand(self, kit):
        """What somebody feeds by hand stands behind what has landed, enough or not."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            reader.feed_data(MESSAGE[BEGUN : 2 * BEGUN])
            reader.feed_data(MESSAGE[2 * BEGUN :])
            assert await read == MESSAGE

    async def test_who_was_not_told_of_the_end_is_served(self, kit):
        """Somebody who kept the landing as the transport's protocol loses nothing by it."""
        async with kit.pair() as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            kept = writer.transport.get_protocol()
            assert type(kept) is Landing
            read.cancel()
            await kit.until(read.done)
            assert await reader.readexactly(BEGUN) == MESSAGE[:BEGUN]
            writer.transport.set_protocol(kept)
            await peer.do(peer.send, b"more")
            assert await reader.readexactly(4) == b"more"
            assert type(writer.transport.get_protocol()) is StreamReaderProtocol
            writer.transport.set_protocol(kept)
            peer.sock.close()
            assert await reader.read() == b""

    async def test_writing_goes_on(self, kit):
        """Pausing and resuming the writer reach the protocol, so a drain ends."""
        async with kit.pair() as (reader, writer, peer):
            read = await landing(kit, reader, peer)
            writer.transport.set_write_buffer_limits(high=0)
            writer.write(MESSAGE)
            drain = asyncio.ensure_future(writer.drain())
            await kit.turns()
            assert not drain.done()
            assert await peer.receive(SIZE) == MESSAGE
            await drain
            assert is_landing(reader)
            read.cancel()

    async def test_the_reader_shows_it(self, kit):
        """repr() counts what has landed."""
        async with kit.pair() as (reader, _, peer):
            read = await landing(kit, reader, peer)
            assert f"{BEGUN} bytes" in repr(reader)
            read.cancel()


class TestRefused:
    """When a message is kept in chunks."""

    async def test_no_memory_for_a_promise(self, kit):
        """Memory is not taken before an eighth of as many bytes has come."""
        async with kit.pair() as (reader, _, peer):
            await peer.do(peer.send, b"x")
            read = asyncio.ensure_future(reader.readexactly(SIZE))
            await kit.until(lambda: reader._incoming.size == 1)
            assert reader._landing is None
            read.cancel()

    async def test_no_room(self, kit, monkeypatch):
        """Where there is no room for the whole yet, the read waits all the same."""

        def no_room(*args):
            raise MemoryError

        monkeypatch.setattr("streamgauge.streams.landing.BytesIO", no_room)
        async with kit.pair() as (reader, _, peer):
            sending = asyncio.ensure_future(peer.do(peer.send, MESSAGE))
            assert await reader.readexactly(SIZE) == MESSAGE
            await sending

    @pytest.mark.parametrize("hooked", HOOKS)
    async def test_a_hook_sees_all_that_comes(self, kit, hooked):
        """A subclass's data_received, or one put on an instance, or feed_data is not passed by."""
        async with kit.pair() as (reader, writer, peer):
            protocol, seen = writer.transport.get_protocol(), []
            HOOKS[hooked](protocol, reader, seen)
            writer.transport.set_protocol(protocol)  # uvloop keeps the method
            sending = asyncio.ensure_future(peer.do(peer.send, MESSAGE))
            assert await reader.readexactly(SIZE) == MESSAGE
            await sending
            assert b"".join(seen) == MESSAGE

    async def test_a_transport_of_another_kind(self, transport):
        """It goes on as it is: whether it knows such protocols is not known."""
        assert land(StreamReader(), transport, SIZE) is None

    async def test_a_protocol_that_does_more_than_feed_this_reader(self, kit):
        """Under TLS, and where another reader is fed, nothing is received past the protocol."""
        async with kit.pair() as (reader, writer, _):
            protocol = writer.transport.get_protocol()
            assert land(StreamReader(), writer.transport, SIZE) is None
            protocol._over_ssl = True
            assert land(reader, writer.transport, SIZE) is None
            protocol._over_ssl = False
            assert land(reader, writer.transport, SIZE).end() == b""


async def test_what_is_fed_by_hand_is_not_asked_about_with_each_chunk(monkeypatch):
    """Without a transport there is no place to receive in."""
    asked = []
    monkeypatch.setattr("streamgauge.streams.intake.land", lambda *about: asked.append(about))
    reader = StreamReader()
    reader.feed_data(MESSAGE[:BEGUN])
    read = asyncio.ensure_future(reader.readexactly(SIZE))
    await asyncio.sleep(0)
    for at in range(BEGUN, SIZE, BEGUN // 4):
        reader.feed_data(MESSAGE[at : at + BEGUN // 4])
    assert await read == MESSAGE
    assert len(asked) <= 1
