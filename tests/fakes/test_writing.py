"""About streamgauge/fakes/writing.py: the write buffer, its watermarks, and what may be written."""

from __future__ import annotations

import array

import pytest

from streamgauge.fakes import memory_stream_pair

WINDOW = 10


@pytest.fixture
def pair():
    """The maker of a pair with a small window."""

    def make(**options):
        return memory_stream_pair(window=WINDOW, ignore_leaks="all", **options)

    return make


async def test_what_the_window_does_not_take_is_buffered(pair, turns):
    """The buffer counts what is in user space alone, and empties as the peer reads."""
    async with pair() as (client, server):
        server.transport.pause_reading()
        await turns()
        client.transport.write(bytes(WINDOW + 7))
        assert (WINDOW, 7) == (client.wire.in_flight(), client.transport.get_write_buffer_size())
        server.transport.resume_reading()
        await turns()
        assert 0 == client.transport.get_write_buffer_size()


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ({}, (16 * 1024, 64 * 1024)),
        ({"high": 100}, (25, 100)),
        ({"low": 100}, (100, 400)),
        ({"high": 0}, (0, 0)),
        ({"high": 7, "low": 7}, (7, 7)),
    ],
)
async def test_the_watermarks(pair, marks, expected):
    """The one that is not given follows the other, as asyncio has it."""
    async with pair() as (client, _):
        client.transport.set_write_buffer_limits(**marks)
        assert expected == client.transport.get_write_buffer_limits()


@pytest.mark.parametrize("marks", [{"high": 1, "low": 2}, {"high": -1}, {"low": -1}])
async def test_watermarks_in_the_wrong_order_are_refused(pair, marks):
    """Both are named, with what is expected of them."""
    async with pair() as (client, _):
        with pytest.raises(ValueError, match=r"got high=.* and low=.*, expected high >= low >= 0"):
            client.transport.set_write_buffer_limits(**marks)


async def test_pausing_and_going_on_take_turns(pair, recorder, turns):
    """Past the high-water mark the protocol pauses once, at the low one it goes on once."""
    async with pair() as (client, server):
        server.transport.pause_reading()
        await turns()
        protocol = recorder()
        client.transport.set_protocol(protocol)
        client.transport.set_write_buffer_limits(high=8, low=2)
        client.transport.write(bytes(WINDOW + 8))
        assert [] == protocol.log
        for _ in range(3):
            client.transport.write(b"x")
        assert [("pause",)] == protocol.log
        server.transport.resume_reading()
        await turns(10)
        assert [("pause",), ("resume",)] == protocol.log


async def test_a_lower_mark_pauses_what_is_past_it_now(pair, recorder, turns):
    """Setting the marks looks at the buffer as it is."""
    async with pair() as (client, server):
        server.transport.pause_reading()
        await turns()
        protocol = recorder()
        client.transport.set_protocol(protocol)
        client.transport.write(bytes(WINDOW + 8))
        client.transport.set_write_buffer_limits(high=4)
        assert [("pause",)] == protocol.log


@pytest.mark.parametrize("wrong", ["text", 7, None, [b"x"]])
async def test_only_bytes_can_be_written(pair, wrong):
    """Anything else is a TypeError that says what it was and what to do, and nothing is sent."""
    async with pair() as (client, _):
        with pytest.raises(TypeError, match=rf"got '{type(wrong).__name__}', expected a bytes-li"):
            client.transport.write(wrong)
        assert 0 == client.wire.in_flight()


@pytest.mark.parametrize(
    "data",
    [
        bytearray(b"abcd"),
        memoryview(b"abcd"),
        memoryview(b"aXbXcXdX")[::2],
        memoryview(array.array("H", b"abcd")),
        memoryview(b"abcd").cast("B", (2, 2)),
    ],
    ids=["bytearray", "memoryview", "strided", "wide", "square"],
)
async def test_whatever_is_like_bytes_is_sent_whole(pair, data):
    """Views of other shapes and items are sent as the bytes that they are of."""
    async with pair() as (client, server):
        client.transport.write(data)
        assert b"abcd" == await server.reader.readexactly(4)


async def test_a_strided_view_is_sent_in_pieces_too():
    """A view with gaps is sent whole also if the window takes only a part of it at a time."""
    async with memory_stream_pair(window=3, ignore_leaks="all") as (client, server):
        client.transport.write(memoryview(b"aXbXcXdX")[::2])
        assert b"abcd" == await server.reader.readexactly(4)


async def test_eof_comes_behind_what_is_buffered(pair):
    """`write_eof` waits for the buffer, after it a write is refused, and reading goes on."""
    async with pair() as (client, server):
        client.transport.write(bytes(5 * WINDOW))
        client.transport.write_eof()
        assert client.transport.can_write_eof()
        with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
            client.transport.write(b"x")
        assert 5 * WINDOW == len(await server.reader.read())
        server.transport.write(b"answer")
        assert b"answer" == await client.reader.readexactly(6)
