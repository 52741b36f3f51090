"""About streamgauge/fakes/parking.py: connections that wait under a socket to be claimed."""

from __future__ import annotations

import asyncio
import errno
import gc
import socket

import pytest

from streamgauge.fakes import ForbiddenConnectError, MemoryNetwork


@pytest.fixture
def sock():
    """A real socket, as a program makes one for `sock_connect`."""
    with socket.socket() as made:
        made.setblocking(False)
        yield made


HERE = ("127.0.0.1", 80)


async def test_a_socket_is_claimed_once(sock, shout, ask):
    """`create_connection(sock=)` gives the connection and closes the socket; it was never used."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, *HERE)
        await loop.sock_connect(sock, HERE)
        with pytest.raises(OSError, match="not connected"):
            sock.getpeername()
        assert b"HELLO\n" == await ask(sock=sock)
        assert -1 == sock.fileno()
        server.close()


async def test_a_unix_socket_too(shout, ask):
    """The same way leads to a path."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        server = await asyncio.start_unix_server(shout, "/run/shout")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, "/run/shout")
            assert b"HELLO\n" == await ask(sock=sock)
        server.close()


async def test_the_end_of_a_unix_socket_has_no_name():
    """A client that bound nothing is called "" on both sides, as by the kernel."""
    loop = asyncio.get_running_loop()
    names = loop.create_future()

    async def tell(reader, writer):
        names.set_result(writer.get_extra_info("peername"))
        writer.close()

    async with MemoryNetwork():
        server = await asyncio.start_unix_server(tell, "/run/tell")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, "/run/tell")
            _, writer = await asyncio.open_connection(sock=sock)
            assert ("", "") == (writer.get_extra_info("sockname"), await names)
        writer.close()
        server.close()


async def test_errors_are_those_of_connecting(sock):
    """Nobody there is refused; a name is resolved; the world outside is forbidden by name."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        for where in (HERE, ("localhost", 80)):
            with pytest.raises(ConnectionRefusedError):
                await loop.sock_connect(sock, where)
        with pytest.raises(ForbiddenConnectError, match=r"192\.0\.2\.1:80 is forbidden"):
            await loop.sock_connect(sock, ("192.0.2.1", 80))


async def test_a_second_connect_is_refused(sock, shout):
    """A socket that is connected says EISCONN, as the kernel does."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, *HERE)
        await loop.sock_connect(sock, HERE)
        with pytest.raises(OSError, match="already connected") as caught:
            await loop.sock_connect(sock, HERE)
        assert errno.EISCONN == caught.value.errno
        sock.close()
        server.close()


@pytest.mark.parametrize("how", ["close", "forget", "leave"])
async def test_what_nobody_claims_is_given_up(how):
    """A socket that is closed, forgotten or left gives the server EOF, and is no leak."""
    got = asyncio.get_running_loop().create_future()

    async def handle(reader, writer):
        got.set_result(await reader.read())
        writer.close()

    async with MemoryNetwork(ignore_leaks="all" if how == "leave" else ()):
        server = await asyncio.start_server(handle, *HERE)
        sock = socket.socket()
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, HERE)
        if how == "close":
            sock.close()
        if how == "forget":
            with pytest.warns(ResourceWarning):  # noqa: PT031  # forgetting is two steps
                del sock
                gc.collect()
            assert b"" == await got  # at once, without a look
        server.close()
    assert b"" == await got
    if how == "leave":
        sock.close()
