"""The two commonest bugs of stream code: a naive test passes over them on loopback, not on a fake.

*One read is one message*, and *both sides write before they read*. Each program is here twice,
with the bug and without; its test is the same, and naive. On the kernel's loopback the bugs pass
it, because there small writes arrive in one piece and buffers are large. With `ONE_BYTE` and a
window of 4 KiB the same test finds both, in the same way each time.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork

WINDOW = 4_096
LIMIT = 1_024
#: More than the hostile network's window, a reader (two limits) and a write buffer (64 KiB) hold
#: together; less than what loopback's sockets hold.
STATE = b"x" * (64 * 1_024 + WINDOW + 2 * LIMIT + 1_000)
#: Turns of the loop after which the deadlocked pair is quiet: one for each byte that is delivered.
ENOUGH_TURNS = 2 * (WINDOW + 2 * LIMIT)


@contextlib.asynccontextmanager
async def loopback():
    """Leave the kernel's loopback in place."""
    yield


def hostile():
    """Make a network that is as bad as a network may be."""
    return MemoryNetwork(chunks=Chunks.ONE_BYTE, window=WINDOW, ignore_leaks="all")


# One read is one message


async def greet_naively(reader, writer):
    """Take what one read gives for a whole name."""
    while True:
        name = await reader.read(100)
        if not name:
            break
        writer.write(b"hello " + name)
    writer.close()


async def greet(reader, writer):
    """Read lines."""
    async for name in reader:
        writer.write(b"hello " + name)
    writer.close()


async def greeting(handler):
    """Say one's name to a server, and be greeted: a naive test."""
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"alice\n")
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    server.close()
    assert b"hello alice\n" == answer


# Both sides write before they read


async def write_then_read(reader, writer):
    """Send the whole state, then take the other's."""
    writer.write(STATE)
    await writer.drain()
    return await reader.readexactly(len(STATE))


async def write_while_reading(reader, writer):
    """Take the other's state while one's own is on its way."""
    sending = asyncio.ensure_future(_send(writer))
    got = await reader.readexactly(len(STATE))
    await sending
    return got


async def _send(writer):
    writer.write(STATE)
    await writer.drain()


async def exchanging(exchange):
    """Exchange states with a server: a naive test."""
    took = asyncio.get_running_loop().create_future()

    async def handle(reader, writer):
        took.set_result(await exchange(reader, writer))
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=LIMIT)
    where = server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*where, limit=LIMIT)
    try:
        assert (STATE, STATE) == (await exchange(reader, writer), await took)
    finally:
        writer.close()
        server.close()


PROGRAMS = [
    pytest.param(greeting, greet_naively, greet, id="one read is one message"),
    pytest.param(exchanging, write_then_read, write_while_reading, id="both write first"),
]


@pytest.mark.parametrize(("naive_test", "buggy", "sound"), PROGRAMS)
@pytest.mark.parametrize("network", [loopback, MemoryNetwork], ids=lambda n: n.__name__)
async def test_on_loopback_the_bugs_pass(naive_test, buggy, sound, network):
    """Over the kernel's loopback, and a memory network that behaves as well, both pass."""
    async with network():
        await naive_test(buggy)
        await naive_test(sound)


@pytest.mark.parametrize(("naive_test", "buggy", "sound"), PROGRAMS)
async def test_on_a_hostile_network_the_sound_programs_pass(naive_test, buggy, sound):
    """Byte by byte, through a small window, a program that is sound passes the same test."""
    async with hostile():
        await naive_test(sound)


async def test_on_a_hostile_network_a_read_is_not_a_message():
    """The server greets every byte, and the same test fails, each time with the same words."""
    for _ in range(3):
        async with hostile():
            with pytest.raises(AssertionError, match="hello ahel"):
                await greeting(greet_naively)


async def test_on_a_hostile_network_writers_who_do_not_read_wait_for_ever(turns):
    """Once the loop is quiet nobody is done: both windows are full, and nobody reads."""
    async with hostile() as net:
        trial = asyncio.ensure_future(exchanging(write_then_read))
        await turns(ENOUGH_TURNS)
        assert not trial.done()
        quiet = net.netstat()
        await turns(ENOUGH_TURNS)
        assert quiet == net.netstat()
        (connection,) = net.connections
        assert [WINDOW, WINDOW] == [end.in_flight() for end in connection.wire.ends]
        trial.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trial
