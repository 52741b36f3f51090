"""About streamgauge/fakes/fences.py: what is not modelled is refused, never done for real."""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamgauge.fakes import ForbiddenConnectError, MemoryNetwork


@pytest.fixture
def udp():
    """A datagram socket, as loops want it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        yield sock


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"remote_addr": ("192.0.2.1", 53)}, r"at 192\.0\.2\.1:53"),
        ({"remote_addr": ("127.0.0.1", 53), "local_addr": ("127.0.0.1", 0)}, r"at 127\.0\.0\.1:53"),
        ({"local_addr": ("127.0.0.1", 0)}, r"at 127\.0\.0\.1:0"),
        ({"family": socket.AF_INET6}, r"at \[::\]:0"),
        ({"family": socket.AF_UNIX, "local_addr": "/run/log"}, "at /run/log"),
    ],
)
async def test_datagram_endpoints_are_refused(options, named):
    """An endpoint that could send anywhere is not made; the error names where it would be."""
    async with MemoryNetwork():
        with pytest.raises(ForbiddenConnectError, match=f"a datagram socket {named} is forbidden"):
            await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, **options
            )


async def test_a_datagram_endpoint_that_is_passed_through_is_real(udp):
    """What is passed through, and a socket of the program's own, goes to the loop."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        async with MemoryNetwork() as net:
            host, port = peer.getsockname()
            net.passthrough(f"{host}:{port}")
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(host, port)
            )
            transport.sendto(b"x")
            assert b"x" == peer.recv(1)
            transport.close()
            udp.bind(("127.0.0.1", 0))
            transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=udp)
            transport.close()
            await asyncio.sleep(0)


async def test_datagrams_by_hand_are_refused(udp):
    """`sock_sendto` and `sock_connect` of a datagram socket reach nobody, not even loopback."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        await_send = getattr(loop, "sock_sendto", None)
        if await_send is not None:  # since Python 3.11
            with pytest.raises(ForbiddenConnectError, match=r"a datagram to 127\.0\.0\.1:9 is"):
                await await_send(udp, b"x", ("127.0.0.1", 9))
        with pytest.raises(ForbiddenConnectError, match=r"datagram socket at 127\.0\.0\.1:9 is"):
            await loop.sock_connect(udp, ("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("sock_recv", (1,)),
        ("sock_recv_into", (bytearray(1),)),
        ("sock_sendall", (b"x",)),
        ("sock_sendfile", (None,)),
    ],
)
async def test_a_connection_in_memory_is_not_read_or_written_by_hand(name, args, shout):
    """Between `sock_connect` and `create_connection` the socket's own calls say what to do."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("127.0.0.1", 80))
            with pytest.raises(NotImplementedError, match=rf"{name}\(\) got a socket whose"):
                await getattr(loop, name)(sock, *args)
        server.close()


async def test_a_socket_of_ones_own_is_read_and_written_as_ever():
    """The loop's calls on sockets that the network has nothing to do with do what they did."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        async with MemoryNetwork():
            await loop.sock_sendall(ours, b"ab")
            assert b"a" == await loop.sock_recv(theirs, 1)
            into = bytearray(1)
            assert (1, b"b") == (await loop.sock_recv_into(theirs, into), bytes(into))
