"""About streamgauge/fakes/network.py: unmodified stream code on a network without sockets."""

# ruff: noqa: D103  # helpers
from __future__ import annotations

import asyncio
import errno
import os
import socket

import pytest

from streamgauge.fakes import Chunks, ForbiddenConnectError, LeakError, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts


async def shout(reader, writer):
    async for line in reader:
        writer.write(line.upper())
    writer.close()


async def ask(*address, **options):
    reader, writer = await asyncio.open_connection(*address, **options)
    writer.write(b"hello\n")
    answer = await reader.readline()
    writer.close()
    return answer


def sockets():
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the listing's own
            continue
    return sum(link.startswith("socket:") for link in links)


async def test_a_server_and_its_client():
    """The functions of asyncio, unmodified, talk over the network and use no socket."""
    before = sockets()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 8888)
        assert b"HELLO\n" == await ask("127.0.0.1", 8888)
        assert before == sockets()
        server.close()
        await server.wait_closed()


async def test_the_loop_is_itself_again():
    """Leaving, also by an error, takes every method back, and a real connection works."""
    loop = asyncio.get_running_loop()
    before = dict(vars(loop)) if hasattr(loop, "__dict__") else {}
    with pytest.raises(KeyError):  # noqa: PT012  # what is tested is leaving
        async with MemoryNetwork():
            await asyncio.start_server(shout, "127.0.0.1", 8888)
            raise KeyError
    assert set(before) == set(vars(loop))
    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    assert server.sockets[0].fileno() > 0
    server.close()
    await server.wait_closed()


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
async def test_names_and_wildcards(bound, reached):
    """A server is reached by every name and address of what it is bound to."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}):
        server = await asyncio.start_server(shout, bound, 80)
        assert b"HELLO\n" == await ask(reached, 80)
        server.close()


async def test_ports_are_given_out_and_shown():
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
        ("127.0.0.1", "192.0.2.1", errno.EADDRNOTAVAIL),
    ],
)
async def test_an_address_can_be_taken_once(taken, wanted, number):
    """A second bind of an address, or of a wildcard over it, fails with its errno, as it does."""
    async with MemoryNetwork(ignore_leaks="server-not-closed"):
        first = await asyncio.start_server(shout, taken, 80)
        if number is None:
            await asyncio.start_server(shout, wanted, 80)
            return
        with pytest.raises(OSError, match="bind on address") as caught:
            await asyncio.start_server(shout, wanted, 80)
        assert number == caught.value.errno
        first.close()
        if number == errno.EADDRINUSE:
            await asyncio.start_server(shout, wanted, 80)


async def test_errors_of_connecting():
    """Nobody there is refused with its errno; an unknown name is a gaierror; the rest forbidden."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}):
        for host in ("127.0.0.1", "localhost", "db", "::1"):
            with pytest.raises(ConnectionRefusedError) as caught:
                await asyncio.open_connection(host, 81)
            assert errno.ECONNREFUSED == caught.value.errno
        with pytest.raises(socket.gaierror, match=r"nowhere\.example"):
            await asyncio.open_connection("nowhere.example", 80)
        with pytest.raises(ForbiddenConnectError, match=r"192\.0\.2\.1:80 is forbidden"):
            await asyncio.open_connection("192.0.2.1", 80)
        with pytest.raises(ForbiddenConnectError, match=r"\[2001:db8::1\]:80"):
            await asyncio.open_connection("2001:db8::1", 80)


async def test_a_server_that_does_not_serve_yet_refuses():
    """`start_serving=False` has the address and refuses; then it accepts."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80, start_serving=False)
        with pytest.raises(ConnectionRefusedError):
            await ask("127.0.0.1", 80)
        await server.start_serving()
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        server.close()
        assert ((), False) == (server.sockets, server.is_serving())


async def test_closing_a_server_keeps_its_connections():
    """After close() the open connection goes on, and new ones are refused."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        writer.write(b"a\n")
        assert b"A\n" == await reader.readline()
        server.close()
        writer.write(b"b\n")
        assert b"B\n" == await reader.readline()
        with pytest.raises(ConnectionRefusedError):
            await ask("127.0.0.1", 80)
        writer.close()
        await server.wait_closed()


async def test_serve_forever_ends_by_cancellation():
    """Cancelling serve_forever closes the server."""
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        forever = asyncio.ensure_future(server.serve_forever())
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        forever.cancel()
        with pytest.raises(asyncio.CancelledError):
            await forever
        assert not server.is_serving()


async def test_tls_on_both_sides():
    """`ssl=` on server and client is TLS, with the certificate verified."""
    server_context, client_context = tls_contexts()
    async with MemoryNetwork(ignore_leaks="unclosed-writer"):
        server = await asyncio.start_server(shout, "localhost", 443, ssl=server_context)
        assert b"HELLO\n" == await ask("localhost", 443, ssl=client_context)
        server.close()


async def test_a_wrong_name_is_refused_by_tls():
    """A certificate for another name ends the connect in a verification error."""
    server_context, client_context = tls_contexts()
    async with MemoryNetwork(ignore_leaks="unclosed-writer"):
        server = await asyncio.start_server(shout, "127.0.0.1", 443, ssl=server_context)
        with pytest.raises(OSError, match="certificate verify failed"):
            await ask("127.0.0.1", 443, ssl=client_context, server_hostname="other")
        server.close()


@pytest.mark.parametrize("path", ["/no/such/folder/socket", "\0abstract"])
async def test_unix_paths(path):
    """A unix server is reached by its path, makes no file, and has a unix socket's shape."""
    async with MemoryNetwork():
        with pytest.raises(FileNotFoundError):
            await asyncio.open_unix_connection(path)
        server = await asyncio.start_unix_server(shout, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"hello\n")
        assert b"HELLO\n" == await reader.readline()
        assert path == writer.get_extra_info("peername")
        assert socket.AF_UNIX == writer.get_extra_info("socket").family
        assert not os.path.exists(path)
        writer.close()
        server.close()


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


async def test_the_sock_connect_route():
    """A real socket given to `sock_connect`, then to `create_connection`, is a connection here."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", 80))
        assert b"HELLO\n" == await ask(sock=sock)
        with socket.socket() as other:
            other.setblocking(False)
            with pytest.raises(ForbiddenConnectError):
                await loop.sock_connect(other, ("192.0.2.1", 80))
        server.close()


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


async def test_resolving():
    """`getaddrinfo` and `getnameinfo` of the loop know the network's names, and no others."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork(hosts={"db": ["10.0.0.7", "fd00::7"]}):
        infos = await loop.getaddrinfo("db", "http", type=socket.SOCK_STREAM)
        assert [("10.0.0.7", 80), ("fd00::7", 80, 0, 0)] == [info[4] for info in infos]
        assert ("db", "80") == await loop.getnameinfo(("10.0.0.7", 80))
        with pytest.raises(socket.gaierror):
            await loop.getaddrinfo("elsewhere.example", 80)


async def test_refusing():
    """`refuse` refuses later connects and resets open connections; `heal` takes it back."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}) as net:
        server = await asyncio.start_server(shout, "db", 80)
        reader, writer = await asyncio.open_connection("db", 80)
        net.refuse("db:80")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises(ConnectionRefusedError):
            await ask("db", 80)
        net.heal()
        assert b"HELLO\n" == await ask("db", 80)
        writer.close()
        server.close()


@pytest.mark.parametrize("how", ["blackhole", "partition"])
async def test_losing_everything(how, turns):
    """Connects hang and open connections stall; `heal` brings what was sent, and the connect."""
    async with MemoryNetwork(hosts={"db": "10.0.0.7"}) as net:
        server = await asyncio.start_server(shout, "db", 80)
        reader, writer = await asyncio.open_connection("db", 80)
        net.blackhole("db:80") if how == "blackhole" else net.partition("localhost", "db")
        writer.write(b"late\n")
        later = asyncio.ensure_future(ask("db", 80))
        line = asyncio.ensure_future(reader.readline())
        await turns(20)
        assert (False, False) == (later.done(), line.done())
        net.heal()
        assert (b"LATE\n", b"HELLO\n") == (await line, await later)
        writer.close()
        server.close()


async def test_a_connect_that_hangs_can_be_cancelled(turns):
    """Cancelling it leaves nothing: no connection, and the network can be left."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        net.blackhole("127.0.0.1:80")
        hanging = asyncio.ensure_future(ask("127.0.0.1", 80))
        await turns()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        net.heal()
        await turns()
        assert () == net.connections
        server.close()


@pytest.mark.parametrize("after", range(6))
async def test_a_connect_can_be_cancelled_at_any_turn(after, turns):
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


async def test_latency():
    """A round trip takes two delays, connecting another two, and order is kept."""
    loop = asyncio.get_running_loop()
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        net.latency("127.0.0.1:80", 0.01)
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        connected = loop.time()
        for line in (b"a\n", b"b\n", b"c\n"):
            writer.write(line)
        assert [b"A\n", b"B\n", b"C\n"] == [await reader.readline() for _ in range(3)]
        assert connected - began >= 0.019
        assert loop.time() - connected >= 0.019
        writer.close()
        net.heal()
        server.close()


async def test_a_change_of_latency_loses_nothing_on_its_way():
    """What is under way when the delay changes arrives with the new one."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        net.latency("127.0.0.1:80", 3600)
        writer.write(b"a\n")
        net.heal()
        net.latency("127.0.0.1:80", 0.001)
        writer.write(b"b\n")
        net.latency("127.0.0.1:80", 0.002)
        assert [b"A\n", b"B\n"] == [await reader.readline() for _ in range(2)]
        writer.close()
        net.heal()
        server.close()


async def test_netstat_shows_states_and_bytes():
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
        writer.close()
        server.close()


async def test_an_error_carries_the_state_of_the_network():
    """An exception that leaves the network has the report as a note."""
    with pytest.raises(KeyError) as caught:  # noqa: PT012  # what is tested is leaving
        async with MemoryNetwork():
            await asyncio.start_server(shout, "127.0.0.1", 80)
            raise KeyError
    assert "LISTEN" in caught.value.__notes__[0]


async def test_networks_nest():
    """The inner network answers, its passthrough leads to the outer, which is back afterwards."""
    async with MemoryNetwork():
        outer = await asyncio.start_server(shout, "127.0.0.1", 80)
        async with MemoryNetwork() as inner:
            with pytest.raises(ConnectionRefusedError):
                await ask("127.0.0.1", 80)
            inner.passthrough("127.0.0.1:80")
            assert b"HELLO\n" == await ask("127.0.0.1", 80)
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        outer.close()


async def test_chunks_and_window_are_those_of_every_connection():
    """What is asked of the network is done on each connection: here, byte by byte."""
    async with MemoryNetwork(chunks=Chunks.ONE_BYTE, window=3):
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        writer.write(b"hello\n")
        assert [b"H", b"E"] == [await reader.read(100), await reader.read(100)]
        await reader.readline()
        writer.close()
        server.close()


async def test_each_leak_is_found_and_can_be_ignored():
    """A server, a handler's task, a client's writer and unread bytes that are left are named."""

    async def stuck(reader, writer):
        writer.write(b"nobody reads this")
        await asyncio.get_running_loop().create_future()

    names = ["server-not-closed", "handler-task-alive", "unclosed-writer", "unread-bytes"]
    for ignore in ([], names[:1], names[1:], names):
        expected = set(names) - set(ignore)
        found = set()
        kept = []
        try:
            async with MemoryNetwork(ignore_leaks=ignore):
                kept.append(await asyncio.start_server(stuck, "127.0.0.1", 80))
                kept.append(await asyncio.open_connection("127.0.0.1", 80))
                await asyncio.sleep(0)
        except LeakError as exc:
            found = {leak.name for leak in exc.leaks}
        assert expected == found
        current = asyncio.current_task()
        assert [] == [t for t in asyncio.all_tasks() if t is not current and not t.done()]


async def test_a_network_is_entered_once():
    """Entering one that is entered is an error, not a mix of two."""
    async with MemoryNetwork() as net:
        with pytest.raises(RuntimeError, match="entered already"):
            async with net:
                pass


async def test_unknown_keywords_are_refused():
    """What the loop's own methods do not take is a TypeError here as well."""
    async with MemoryNetwork():
        with pytest.raises(TypeError):
            await asyncio.open_connection("127.0.0.1", 80, bogus=1)
        with pytest.raises(ValueError, match="server_hostname is only meaningful with ssl"):
            await asyncio.open_connection("127.0.0.1", 80, server_hostname="x")
