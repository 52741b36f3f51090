"""About streamgauge/fakes/serving.py: binding, names and ports."""

from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest

from streamgauge.fakes import MemoryNetwork, quirks


@pytest.mark.parametrize(
    ("bound", "reached"),
    [
        ("127.0.0.1", "localhost"),
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "db"),
        (None, "::1"),
        ("", "127.0.0.2"),
        ("::", "::1"),
        ("db", "10.0.0.7"),
        ("10.0.0.7", "db"),
        ("DB", b"db".decode()),
    ],
)
async def test_names_and_wildcards(bound, reached, shout, ask):
    """A server is reached by every name and address of what it is bound to."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}):
        server = await asyncio.start_server(shout, bound, 80)
        assert b"HELLO\n" == await ask(reached, 80)
        server.close()


async def test_ports_are_given_out_and_shown(shout):
    """Port 0 gives each server another port, which its sockets and both peers show."""
    async with MemoryNetwork():
        first = await asyncio.start_server(shout, "127.0.0.1", 0)
        second = await asyncio.start_server(shout, "::1", 0)
        ports = [server.sockets[0].getsockname()[1] for server in (first, second)]
        assert len({*ports, 0}) == 3
        _, writer = await asyncio.open_connection("::1", ports[1])
        assert ("::1", ports[1], 0, 0) == writer.get_extra_info("peername")
        assert socket.AF_INET6 == writer.get_extra_info("socket").family
        writer.close()
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("taken", "wanted", "number"),
    [
        ("127.0.0.1", "127.0.0.1", errno.EADDRINUSE),
        ("0.0.0.0", "127.0.0.1", errno.EADDRINUSE),
        ("127.0.0.1", "0.0.0.0", errno.EADDRINUSE),
        ("127.0.0.1", "127.0.0.2", None),
        ("127.0.0.1", "::1", None),
        ("127.0.0.1", "192.0.2.1", errno.EADDRNOTAVAIL),  # no errno where such are left out
    ],
)
async def test_an_address_can_be_taken_once(taken, wanted, number, shout):
    """A second bind of an address, or of a wildcard over it, fails with its errno, as it does."""
    async with MemoryNetwork(ignore_leaks="server-not-closed"):
        first = await asyncio.start_server(shout, taken, 80)
        if number is None:
            await asyncio.start_server(shout, wanted, 80)
            return
        with pytest.raises(OSError, match="bind on a") as caught:
            await asyncio.start_server(shout, wanted, 80)
        left_out = number == errno.EADDRNOTAVAIL and quirks.FOREIGN_ADDRESSES_ARE_LEFT_OUT
        assert (None if left_out else number) == caught.value.errno
        first.close()
        if number == errno.EADDRINUSE:
            await asyncio.start_server(shout, wanted, 80)


@pytest.mark.parametrize(
    ("path", "told", "nobody"),
    [
        ("/no-such-socket", "/no-such-socket", FileNotFoundError),
        ("\0abstract", b"\0abstract", ConnectionRefusedError),
        (b"\0abstract", b"\0abstract", ConnectionRefusedError),
    ],
)
async def test_unix_paths(path, told, nobody, shout):
    """A unix server is reached by its path, makes no file, and has a unix socket's shape."""
    async with MemoryNetwork():
        with pytest.raises(nobody):
            await asyncio.open_unix_connection(path)
        server = await asyncio.start_unix_server(shout, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"hello\n")
        assert b"HELLO\n" == await reader.readline()
        assert told == writer.get_extra_info("peername")
        assert socket.AF_UNIX == writer.get_extra_info("socket").family
        assert not os.path.exists(path)
        writer.close()
        server.close()


async def test_resolving():
    """`getaddrinfo` and `getnameinfo` of the loop know the network's names, and no others."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork(hosts={"db": ["10.0.0.7", "fd00::7"]}):
        infos = await loop.getaddrinfo("db", "http", type=socket.SOCK_STREAM)
        assert [("10.0.0.7", 80), ("fd00::7", 80, 0, 0)] == [info[4] for info in infos]
        assert ("db", "80") == await loop.getnameinfo(("10.0.0.7", 80))
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo("elsewhere.example", 80)


async def test_a_server_on_what_is_passed_through_is_real(shout):
    """An address that is passed through is the real one for a server as well."""
    async with MemoryNetwork() as net:
        net.passthrough("127.0.0.1:*")
        server = await asyncio.start_server(shout, "127.0.0.1", 0)
        assert server.sockets[0].fileno() > 0
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        writer.write_eof()
        assert b"HELLO\n" == await reader.read()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()


async def test_a_unix_server_on_what_is_passed_through_is_real(tmp_path, shout):
    """So is a path."""
    path = str(tmp_path / "s")
    async with MemoryNetwork() as net:
        net.passthrough(path)
        server = await asyncio.start_unix_server(shout, path)
        assert os.path.exists(path)
        server.close()
        await server.wait_closed()


async def test_names_of_addresses_stay_inside():
    """`getnameinfo` asks nobody: an unknown address stays a number, and a required name fails."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        assert ("192.0.2.1", "80") == await loop.getnameinfo(("192.0.2.1", 80))
        with pytest.raises(socket.gaierror):
            await loop.getnameinfo(("192.0.2.1", 80), socket.NI_NAMEREQD)
