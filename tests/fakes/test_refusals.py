"""Addresses that the kernel refuses are refused by a memory network as well: each beside the real.

What is compared is the type of the error, its number and, where they are asyncio's or the socket
module's own, its words.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest

from streamgauge.fakes import MemoryNetwork


@pytest.fixture(autouse=True)
async def _asyncios_own_loop():
    """Leave out uvloop, whose words are others; the fakes have asyncio's on every loop."""
    if not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop):
        pytest.skip("the reference is asyncio's loop")


async def outcome(call):
    """Give the error of a call that is tried, or what it listens on."""
    try:
        made = await call()
    except Exception as exc:
        return type(exc), getattr(exc, "errno", None)
    if isinstance(made, tuple):
        made[1].close()
        return "connected"
    names = [sock.getsockname() for sock in made.sockets]
    made.close()
    return names


async def both(call):
    """Try a call on the kernel and in memory."""
    real = await outcome(call)
    async with MemoryNetwork(ignore_leaks="all"):
        return real, await outcome(call)


def serve(reader, writer):
    """Answer nothing."""
    writer.close()


PORTS = [70000, -1, 65536, "70000", "-1", 2**70, 8.5, [], b"x", "x"]


@pytest.mark.parametrize("port", PORTS, ids=repr)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_that_is_none(host, port):
    """A server, a client and a client's own address are refused with the same error."""
    if port != 8.5:  # which asyncio takes for 8, where a test may not listen
        real, fake = await both(lambda: asyncio.start_server(serve, host, port))
        assert real == fake
    real, fake = await both(lambda: asyncio.open_connection(host, port))
    assert real == fake
    assert issubclass(fake[0], (OverflowError, OSError))


async def test_a_clients_own_port_that_is_none():
    """`local_addr` with such a port is refused as well."""

    async def dial(port):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            where = server.sockets[0].getsockname()
            return await asyncio.open_connection(*where, local_addr=("127.0.0.1", port))
        finally:
            server.close()

    for port in (70000, -1):
        assert ((OverflowError, None),) * 2 == await both(lambda port=port: dial(port))


async def test_the_port_of_a_name_wraps_as_the_c_library_wraps_it():
    """With a name for host the port goes to getaddrinfo, which takes it modulo 65536."""

    async def where():
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo("localhost", 70000, family=socket.AF_INET, type=1)
        return [info[-1] for info in infos]

    real = await where()
    async with MemoryNetwork():
        assert real == await where()
        server = await asyncio.start_server(serve, "localhost", 70000, family=socket.AF_INET)
        assert real == [sock.getsockname() for sock in server.sockets]
        server.close()


@pytest.mark.parametrize("host", [5, bytearray(b"localhost"), ["127.0.0.1"]], ids=repr)
async def test_a_host_that_is_none(host):
    """It is a TypeError, as it is for real."""
    real, fake = await both(lambda: asyncio.open_connection(host, 80))
    assert real == fake == (TypeError, None)


@pytest.mark.parametrize("host", [5, [5], b"localhost"], ids=repr)
async def test_a_servers_host_that_is_none(host):
    """It is a TypeError as well, and bytes are no host to listen on."""
    real, fake = await both(lambda: asyncio.start_server(serve, host, 0))
    assert real == fake == (TypeError, None)


async def test_a_host_of_bytes_is_connected_to(ask, shout):
    """A client may name its host in bytes, as a name or as a number."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}):
        server = await asyncio.start_server(shout, "db", 80)
        assert b"HELLO\n" == await ask(b"db", 80)
        assert b"HELLO\n" == await ask(b"10.0.0.7", b"80")
        server.close()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("missing/s", (FileNotFoundError, errno.ENOENT)),
        ("file/s", (NotADirectoryError, errno.ENOTDIR)),
        ("file", (OSError, errno.EADDRINUSE)),
        ("folder", (OSError, errno.EADDRINUSE)),
        ("x" * 200, (OSError, None)),
        ("folder/../s", None),
    ],
)
async def test_a_path_that_can_not_be_bound(path, expected, tmp_path):
    """A path without a folder, of a file, or too long is refused with the same error."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    whole = os.path.join(tmp_path, path)
    if len(whole) > 107 and len(path) < 107:
        pytest.skip("temporary files lie too deep for a socket here")
    real, fake = await both(lambda: asyncio.start_unix_server(serve, whole))
    assert real == fake == (expected or [whole])


async def test_a_path_is_too_long_from_the_108th_byte_on():
    """The bound is the kernel's, for a server and for a client; an abstract name has one more."""
    for path in ("/" + "y" * 107, "/" + "\u00e9" * 54, "\0" + "y" * 108):
        for call in (asyncio.open_unix_connection, lambda p: asyncio.start_unix_server(serve, p)):
            real, fake = await both(lambda call=call, path=path: call(path))
            assert real == fake == (OSError, None)
    longest = "/tmp/" + "y" * 102  # no file is made in memory
    async with MemoryNetwork():
        assert [longest] == await outcome(lambda: asyncio.start_unix_server(serve, longest))
