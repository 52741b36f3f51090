"""About streamgauge/fakes/connections.py: what is open, and how it is shown."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import LeakError, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

ANSWER = b"an answer that nobody reads\n"
#: asyncio's TLS transports up to 3.10 complain when collected if it was the peer that closed.
OLD_TLS_COMPLAINS = "ignore:unclosed transport <asyncio.sslproto:ResourceWarning"


async def test_netstat_shows_states_and_bytes(shout):
    """Listeners, both ends of each connection, their states, and bytes both ways."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        writer.write(b"hello\n")
        await reader.readline()
        own = "{}:{}".format(*writer.get_extra_info("sockname"))
        rows = [line.split() for line in net.netstat().splitlines()]
        assert ["tcp", "0", "0", "127.0.0.1:80", "*", "LISTEN"] == rows[1]
        assert ["tcp", "0", "0", own, "127.0.0.1:80", "ESTABLISHED", "6", "6"] == rows[2]
        assert ["tcp", "0", "0", "127.0.0.1:80", own, "ESTABLISHED", "6", "6"] == rows[3]
        assert "6 bytes, last b'HELLO\\n'" in net.report()
        net.connections[0].wire.stall()
        writer.write(b"held")
        assert "10 bytes, last b'hello\\n', not taken b'held'" in net.report()
        net.connections[0].wire.resume()
        writer.write(b"\n")
        await reader.readline()
        writer.close()
        server.close()


async def test_a_connection_is_gone_once_both_ends_are_closed(shout, turns):
    """It is listed while an end is open, and netstat has a line for each end that is."""
    async with MemoryNetwork(ignore_leaks="all") as net:
        closing = asyncio.get_running_loop().create_future()

        async def wait(reader, writer):
            await closing
            writer.close()

        server = await asyncio.start_server(wait, "127.0.0.1", 80)
        _, writer = await asyncio.open_connection("127.0.0.1", 80)
        await turns()
        assert (1, 4) == (len(net.connections), len(net.netstat().splitlines()))
        writer.close()
        await turns()
        assert (1, 3) == (len(net.connections), len(net.netstat().splitlines()))
        assert "CLOSE_WAIT" in net.netstat()
        closing.set_result(None)
        await turns()
        assert (0, 2) == (len(net.connections), len(net.netstat().splitlines()))
        server.close()


async def test_a_unix_connection_is_shown_with_its_path(shout):
    """Listener and connection are `unix`, and their address is the path."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_unix_server(shout, "/run/shout")
        _, writer = await asyncio.open_unix_connection("/run/shout")
        rows = [line.split() for line in net.netstat().splitlines()[1:]]
        assert ["unix", "0", "0", "/run/shout", "*", "LISTEN"] == rows[0]
        assert ["unix", "/run/shout", "ESTABLISHED"] == [rows[1][0], *rows[1][-4:-2]]
        writer.close()
        server.close()


async def test_what_waits_is_counted_on_both_sides(shout, turns):
    """Send-Q counts what is held and what is unsent, Recv-Q what has arrived and waits."""
    async with MemoryNetwork(window=10, ignore_leaks="all") as net:
        await asyncio.start_server(shout, "127.0.0.1", 80)
        _, writer = await asyncio.open_connection("127.0.0.1", 80)
        await turns()
        (connection,) = net.connections
        (server_side,) = [t for t in connection.transports if t is not writer.transport]
        server_side.pause_reading()
        writer.write(bytes(4))
        connection.wire.ends[0].stall()
        writer.write(bytes(9))
        rows = [line.split() for line in net.netstat().splitlines()[2:]]
        assert [("0", "9"), ("4", "0")] == [(row[1], row[2]) for row in rows]
        writer.transport.abort()


async def leave_with(ending, *, secure=False, at_server=False):
    """Be answered and end the client by `ending(reader, writer)`; gives the network's leaks."""

    async def answer(reader, writer):
        if at_server:
            await has_come(reader)
        else:
            writer.write(ANSWER)
            await reader.read()
        writer.close()

    contexts = tls_contexts("localhost") if secure else (None, None)
    try:
        async with MemoryNetwork():
            server = await asyncio.start_server(answer, "localhost", 80, ssl=contexts[0])
            reader, writer = await asyncio.open_connection("localhost", 80, ssl=contexts[1])
            await ending(reader, writer)
            server.close()
    except LeakError as exc:
        return [str(leak).partition("\n")[0] for leak in exc.leaks]
    return []


async def has_come(reader):
    """Wait until `ANSWER` is in the reader's buffer, and not yet read."""
    while len(reader._buffer) < len(ANSWER):
        await asyncio.sleep(0)


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_what_a_closed_client_did_not_read_is_a_leak(secure):
    """Bytes that had come are unread once the client is closed, with TLS as without."""

    async def close(reader, writer):
        await has_come(reader)
        writer.close()

    (leak,) = await leave_with(close, secure=secure)
    assert f"{len(ANSWER)} bytes that 127.0.0.1:" in leak


@pytest.mark.filterwarnings(OLD_TLS_COMPLAINS)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_what_is_read_after_the_close_is_no_leak(secure):
    """A closed reader can still be read, and an abort says that the rest is not wanted."""

    async def close_and_read(reader, writer):
        await has_come(reader)
        writer.close()
        assert ANSWER == await reader.readline()

    async def abort(reader, writer):
        await has_come(reader)
        writer.transport.abort()

    assert [] == await leave_with(close_and_read, secure=secure)
    assert [] == await leave_with(abort, secure=secure)


async def test_what_was_not_even_delivered_is_unread(turns):
    """What waits on the wire of a paused transport counts when it is closed, once."""

    async def pause(reader, writer):
        writer.transport.pause_reading()
        await turns(10)
        writer.close()

    (leak,) = await leave_with(pause)
    assert f"{len(ANSWER)} bytes that 127.0.0.1:" in leak


async def test_what_a_server_did_not_read_is_a_leak():
    """The server's end is looked at as the client's is, and is told by its address."""

    async def send(reader, writer):
        writer.write(ANSWER)
        assert b"" == await reader.read()
        writer.close()

    leaks = await leave_with(send, at_server=True)
    assert [f"unread-bytes: {len(ANSWER)} bytes that 127.0.0.1:80 never read"] == leaks
