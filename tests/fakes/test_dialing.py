"""About streamgauge/fakes/dialing.py: a client's way into the network, and out of it."""

from __future__ import annotations

import asyncio
import errno
import inspect
import socket

import pytest

from streamgauge.fakes import ForbiddenConnectError, MemoryNetwork


async def test_errors_of_connecting():
    """Nobody there is refused with its errno; an unknown name is a gaierror; the rest forbidden."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}):
        for host in ("127.0.0.1", "db", "::1"):
            with pytest.raises(ConnectionRefusedError) as caught:
                await asyncio.open_connection(host, 81)
            assert errno.ECONNREFUSED == caught.value.errno
        with pytest.raises(OSError, match=r"Multiple exceptions: .*127\.0\.0\.1.*::1"):
            await asyncio.open_connection("localhost", 81)
        with pytest.raises(socket.gaierror, match=r"nowhere\.example"):
            await asyncio.open_connection("nowhere.example", 80)
        with pytest.raises(ForbiddenConnectError, match=r"192\.0\.2\.1:80 is forbidden"):
            await asyncio.open_connection("192.0.2.1", 80)
        with pytest.raises(ForbiddenConnectError, match=r"\[2001:db8::1\]:80"):
            await asyncio.open_connection("2001:db8::1", 80)


async def test_a_socket_of_ones_own_passes_through():
    """`sock=` with a connected socket is the real thing, inside the network too."""
    async with MemoryNetwork():
        ours, theirs = socket.socketpair()
        _, writer = await asyncio.open_connection(sock=ours)
        writer.write(b"real")
        assert b"real" == theirs.recv(4)
        writer.close()
        await writer.wait_closed()
        theirs.close()


async def test_what_is_passed_through_is_real():
    """A destination that is passed through reaches the kernel, any other of that host does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        async with MemoryNetwork() as net:
            net.passthrough(f"{host}:{port}")
            _, writer = await asyncio.open_connection(host, port)
            peer, _ = listener.accept()
            writer.write(b"x")
            assert b"x" == peer.recv(1)
            peer.close()
            writer.close()
            await writer.wait_closed()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(host, port + 1 if port < 65535 else 1)


@pytest.mark.parametrize("after", range(6))
async def test_a_connect_can_be_cancelled_at_any_turn(after, turns, shout):
    """Wherever a cancellation hits the connect, no half-open connection is left."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        connecting = asyncio.ensure_future(asyncio.open_connection("127.0.0.1", 80))
        await turns(after)
        connecting.cancel()
        try:
            _, writer = await connecting
        except asyncio.CancelledError:
            await turns(10)
            assert () == net.connections
        else:
            writer.close()
        server.close()


async def test_unknown_keywords_are_refused():
    """What the loop's own methods do not take is a TypeError here as well."""
    async with MemoryNetwork():
        with pytest.raises(TypeError):
            await asyncio.open_connection("127.0.0.1", 80, bogus=1)
        with pytest.raises(ValueError, match="server_hostname is only meaningful with ssl"):
            await asyncio.open_connection("127.0.0.1", 80, server_hostname="x")


async def test_a_name_that_is_passed_through_is_real(real):
    """A passed name is resolved for real, and what it resolves to is reached, whoever asks."""
    loop = asyncio.get_running_loop()
    port = real.getsockname()[1]
    async with MemoryNetwork() as net:
        net.passthrough(f"localhost:{port}")
        _, writer = await asyncio.open_connection("localhost", port, family=socket.AF_INET)
        assert writer.get_extra_info("socket").fileno() > 0
        writer.close()
        await writer.wait_closed()
        infos = await loop.getaddrinfo("localhost", port, family=socket.AF_INET)
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, infos[0][4])  # as aiohttp does
            assert real.getsockname() == sock.getpeername()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port + 1 if port < 65535 else 1)


async def test_what_a_resolver_says_of_a_passed_name_is_passed(monkeypatch, real):
    """The addresses of a name that only the real resolver knows are reached with its ports."""
    loop = asyncio.get_running_loop()
    host, port = real.getsockname()
    asked = []

    async def resolver(host, port, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolver)
    async with MemoryNetwork() as net:
        net.passthrough(f"db.example:{port}")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)
        await loop.getaddrinfo("db.example", port)
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo("other.example", port)
    assert ["db.example"] == asked


async def test_a_unix_path_that_is_passed_through_is_real(tmp_path):
    """A path that exists on disk is forbidden, until it is passed through."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        async with MemoryNetwork() as net:
            with pytest.raises(ForbiddenConnectError, match=f"{path} is forbidden"):
                await asyncio.open_unix_connection(path)
            net.passthrough(path)
            _, writer = await asyncio.open_unix_connection(path)
            assert path == writer.get_extra_info("peername")
            writer.close()
            await writer.wait_closed()


async def test_a_client_has_the_address_that_it_asks_for(shout):
    """`local_addr` is what the server sees; one that no machine here has is EADDRNOTAVAIL."""
    async with MemoryNetwork(hosts={"app": "10.0.0.1"}):
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        _, writer = await asyncio.open_connection("127.0.0.1", 80, local_addr=("app", 5000))
        assert ("10.0.0.1", 5000) == writer.get_extra_info("sockname")
        writer.close()
        with pytest.raises(OSError, match=r"bind on address \('192\.0\.2\.7', 0\)") as caught:
            await asyncio.open_connection("127.0.0.1", 80, local_addr=("192.0.2.7", 0))
        assert errno.EADDRNOTAVAIL == caught.value.errno
        server.close()


def keywords(loop):
    """Return the keywords that a loop's `create_connection` takes."""
    try:
        return inspect.signature(loop.create_connection).parameters
    except ValueError:  # a compiled method may not tell
        return {}


async def test_all_errors():
    """With `all_errors` the error of each address is in a group, as asyncio puts it."""
    loop = asyncio.get_running_loop()
    if "all_errors" not in keywords(loop):
        pytest.skip("this loop has no all_errors=")
    async with MemoryNetwork():
        with pytest.raises(BaseException, match="create_connection failed") as caught:
            await loop.create_connection(asyncio.Protocol, "127.0.0.1", 81, all_errors=True)
    assert [ConnectionRefusedError] == [type(exc) for exc in caught.value.exceptions]


async def test_the_addresses_of_a_name_are_tried_in_order(shout, ask):
    """A name's second address is reached when nobody listens at the first."""
    async with MemoryNetwork(hosts={"db": ["10.0.0.1", "10.0.0.2"]}):
        server = await asyncio.start_server(shout, "10.0.0.2", 80)
        assert b"HELLO\n" == await ask("db", 80)
        server.close()


@pytest.mark.parametrize("delay", [0.001, None])
async def test_a_race_for_the_first_answer(delay, shout, turns):
    """With Happy Eyeballs an address that never answers holds nobody up; without, it does."""
    loop = asyncio.get_running_loop()
    if "happy_eyeballs_delay" not in keywords(loop):
        pytest.skip("this loop has no happy_eyeballs_delay=")
    async with MemoryNetwork(hosts={"db": ["10.0.0.1", "10.0.0.2"]}, ignore_leaks="all") as net:
        net.blackhole("10.0.0.1")
        for host in ("10.0.0.1", "10.0.0.2"):
            await asyncio.start_server(shout, host, 80)
        connecting = asyncio.ensure_future(
            loop.create_connection(asyncio.Protocol, "db", 80, happy_eyeballs_delay=delay)
        )
        if delay is None:
            await turns(100)
            assert not connecting.done()
            connecting.cancel()
        else:
            transport, _ = await connecting
            assert "10.0.0.2" == transport.get_extra_info("peername")[0]
            transport.abort()
        await turns(4)
        assert () == net.connections


async def test_an_address_of_each_family_comes_from_one_of_its_own(shout):
    """`local_addr` of another family than the address is refused, as asyncio's look-up refuses."""
    async with MemoryNetwork(ignore_leaks="all"):
        await asyncio.start_server(shout, "::1", 80)
        with pytest.raises(OSError, match="local address"):
            await asyncio.open_connection("::1", 80, local_addr=("127.0.0.1", 0))
