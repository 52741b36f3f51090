"""About streamgauge/streams/functions.py: connections and servers over real sockets."""

from __future__ import annotations

import asyncio
import errno
import inspect
import os
import pathlib
import socket
import stat
import sys

import pytest

from streamgauge import streams
from streamgauge.fakes import MemoryNetwork

FUNCTIONS = ["open_connection", "start_server", "open_unix_connection", "start_unix_server"]


def call(name, *args, **kwds):
    """Call one of the four functions, a server with a callback."""
    function = getattr(streams, name)
    return function(*([None] if name.startswith("start") else []), *args, **kwds)


async def shout(reader, writer):
    """Answer one line in capitals and close."""
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("name", FUNCTIONS)
class TestArguments:
    """What all four have in common."""

    @pytest.mark.parametrize(
        ("limit", "error"),
        [(0, ValueError), (-5, ValueError), (float("nan"), ValueError), ("1", TypeError)],
    )
    async def test_a_bad_limit_is_refused_at_once(self, name, limit, error):
        """Before anything is connected or bound, and the message names it."""
        with pytest.raises(error, match=str(limit)):
            await call(name, limit=limit)

    async def test_an_unknown_keyword(self, name):
        """TypeError from the loop's method, at once."""
        with pytest.raises(TypeError, match="bogus"):
            await call(name, bogus=1)

    async def test_no_address(self, name):
        """ValueError from the loop's method."""
        with pytest.raises(ValueError, match="specified"):
            await call(name)

    async def test_the_loop_argument_is_deprecated(self, name):
        """It warns on every Python, and is used."""
        with pytest.warns(DeprecationWarning, match=rf"loop argument of {name}\(\)"), pytest.raises(
            ValueError, match="specified"
        ):
            await call(name, loop=asyncio.get_running_loop())

    def test_the_signature(self, name):
        """Parameters and the printed default of limit are asyncio's, with loop."""
        parameters = inspect.signature(getattr(streams, name)).parameters
        first = ["client_connected_cb"] if name.startswith("start") else []
        address = ["path"] if "unix" in name else ["host", "port"]
        assert list(parameters) == [*first, *address, "loop", "limit", "kwds"]
        assert parameters["limit"].default == 65536
        assert inspect.iscoroutinefunction(getattr(streams, name))


class TestTcp:
    """open_connection and start_server."""

    async def test_both_ends(self, kit):
        """A client and a server of ours talk; the sockets are as asked for."""
        async with kit.server(shout) as address:
            reader, writer = await streams.open_connection(*address, limit=100)
            assert reader._limit == 100
            writer.write(b"hello\n")
            assert await reader.read() == b"HELLO\n"
            writer.close()
            await writer.wait_closed()

    async def test_no_limit_is_the_default(self, kit):
        """limit=None, as the page prints it, is 64 KiB on both sides."""
        limits = []

        def callback(reader, writer):
            limits.append(reader._limit)
            writer.close()

        async with kit.server(callback, limit=None) as address:
            reader, writer = await streams.open_connection(*address, limit=None)
            assert await reader.read() == b""
            assert [*limits, reader._limit] == [65536] * 2
            writer.close()
            await writer.wait_closed()

    async def test_nobody_listens(self):
        """ConnectionRefusedError."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await streams.open_connection(*bound.getsockname())

    async def test_an_open_socket(self, kit):
        """sock= is used as it is."""
        async with kit.pair() as (reader, _writer, peer):
            peer.send(b"abc")
            assert await reader.readexactly(3) == b"abc"

    async def test_a_bad_callback_is_refused_at_once(self):
        """TypeError, instead of a server that drops every connection."""
        with pytest.raises(TypeError, match="client_connected_cb"):
            await streams.start_server(5, "127.0.0.1", 0)

    async def test_a_server_that_does_not_serve_yet(self, kit):
        """start_serving=False and other keywords reach the loop."""
        server = await streams.start_server(shout, "127.0.0.1", 0, start_serving=False, backlog=5)
        assert not server.is_serving()
        server.close()
        await server.wait_closed()

    async def test_tls(self, kit, contexts):
        """ssl= on both sides gives verified streams."""
        server_context, client_context = contexts
        async with kit.server(shout, ssl=server_context) as address:
            reader, writer = await streams.open_connection(
                *address, ssl=client_context, server_hostname="localhost"
            )
            writer.write(b"hello\n")
            assert await reader.read() == b"HELLO\n"
            assert not writer.can_write_eof()
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize("kind", [str, pathlib.Path, os.fsencode])
async def test_unix_both_ends(kit, tmp_path, kind):
    """Over a Unix socket; the path may be a str, path-like or bytes."""
    kit.listen()
    path = kind(str(tmp_path / "s"))
    server = await streams.start_unix_server(shout, path)
    reader, writer = await streams.open_unix_connection(path)
    writer.write(b"hello\n")
    assert await reader.read() == b"HELLO\n"
    writer.close()
    await writer.wait_closed()
    server.close()


async def test_a_living_servers_path_is_not_taken(kit, tmp_path):
    """EADDRINUSE names the path, and the first server goes on serving."""
    kit.listen()
    path = tmp_path / "s"
    first = await streams.start_unix_server(shout, path)
    with pytest.raises(OSError, match=str(path)) as raised:
        await streams.start_unix_server(shout, path)
    assert raised.value.errno == errno.EADDRINUSE
    reader, writer = await streams.open_unix_connection(path)
    writer.write(b"hello\n")
    assert await reader.read() == b"HELLO\n"
    writer.close()
    await writer.wait_closed()
    first.close()


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
async def test_an_abstract_name_is_not_taken_either(kit):
    """The kernel itself refuses a second server, and the first one sees no connection."""
    kit.listen()
    seen = []
    path = f"\0streamgauge-{os.getpid()}"
    first = await streams.start_unix_server(lambda *pair: seen.append(pair), path)
    with pytest.raises(OSError, match="in use"):
        await streams.start_unix_server(shout, path)
    await kit.turns()
    assert [] == seen
    first.close()


async def test_a_network_in_memory_is_asked_as_the_kernel_is(tmp_path):
    """Whether a path is somebody's is asked where the server will listen, and nowhere else."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as real:
        real.bind(path)
        real.listen()
        real.setblocking(False)
        async with MemoryNetwork():
            first = await streams.start_unix_server(shout, path)
            with pytest.raises(OSError, match="somebody listens") as raised:
                await streams.start_unix_server(shout, path)
            assert errno.EADDRINUSE == raised.value.errno
            first.close()
        with pytest.raises(BlockingIOError):  # nobody has connected
            real.accept()


async def test_a_dead_servers_path_is_taken(kit, tmp_path):
    """A socket file nobody listens on is replaced; one that is no socket is not."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(path)
    server = await streams.start_unix_server(shout, path)
    assert stat.S_ISSOCK(os.stat(path).st_mode)
    server.close()
    plain = tmp_path / "file"
    plain.write_text("kept")
    with pytest.raises(OSError, match="in use"):
        await streams.start_unix_server(shout, plain)
    assert plain.read_text() == "kept"
