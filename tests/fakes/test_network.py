"""About streamgauge/fakes/network.py: unmodified stream code on a network without sockets."""

# ruff: noqa: D103  # helpers
from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

import streamgauge.streams
from streamgauge.fakes import Chunks, LeakError, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts


def sockets():
    links = []
    for name in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:  # the listing's own
            continue
    return sum(link.startswith("socket:") for link in links)


async def test_a_server_and_its_client(shout, ask):
    """The functions of asyncio, unmodified, talk over the network and use no socket."""
    before = sockets()
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 8888)
        assert b"HELLO\n" == await ask("127.0.0.1", 8888)
        assert before == sockets()
        server.close()
        await server.wait_closed()


async def test_the_loop_is_itself_again(shout):
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


async def test_tls_on_both_sides(shout, ask):
    """`ssl=` on server and client is TLS, with the certificate verified."""
    server_context, client_context = tls_contexts()
    async with MemoryNetwork(ignore_leaks="unclosed-writer"):
        server = await asyncio.start_server(shout, "localhost", 443, ssl=server_context)
        assert b"HELLO\n" == await ask("localhost", 443, ssl=client_context)
        server.close()


async def test_a_wrong_name_is_refused_by_tls(shout, ask):
    """A certificate for another name ends the connect in a verification error."""
    server_context, client_context = tls_contexts()
    async with MemoryNetwork(ignore_leaks="unclosed-writer"):
        server = await asyncio.start_server(shout, "127.0.0.1", 443, ssl=server_context)
        with pytest.raises(OSError, match="certificate verify failed"):
            await ask("127.0.0.1", 443, ssl=client_context, server_hostname="other")
        server.close()


async def test_refusing(shout, ask):
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
async def test_losing_everything(how, turns, shout, ask):
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


async def test_a_connect_that_hangs_can_be_cancelled(turns, shout, ask):
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


async def test_latency(shout):
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


async def test_a_change_of_latency_loses_nothing_on_its_way(shout):
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


async def test_an_error_carries_the_state_of_the_network(shout):
    """An exception that leaves the network has the report as a note."""
    with pytest.raises(KeyError) as caught:  # noqa: PT012  # what is tested is leaving
        async with MemoryNetwork():
            await asyncio.start_server(shout, "127.0.0.1", 80)
            raise KeyError
    assert "LISTEN" in caught.value.__notes__[0]


async def test_networks_nest(shout, ask):
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


async def test_chunks_and_window_are_those_of_every_connection(shout):
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
        kept.append(asyncio.get_running_loop().create_future())  # asyncio holds tasks weakly
        await kept[-1]

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


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window": 0}, ValueError, "window got 0 bytes"),
        ({"chunks": 3}, TypeError, "chunks got 3"),
        ({"hosts": ["db"]}, TypeError, r"hosts got \['db'\], expected a mapping"),
        ({"hosts": {"db": "nowhere"}}, ValueError, "expected numeric addresses"),
        ({"ignore_leaks": "bogus"}, ValueError, r"got \['bogus'\], expected some of"),
    ],
)
def test_nonsense_is_refused_at_once(options, error, message):
    """A bad argument is an error where it is given, not at the first connection."""
    with pytest.raises(error, match=message):
        MemoryNetwork(**options)


@pytest.mark.parametrize("seconds", [-1, float("nan"), "1"])
async def test_a_latency_is_a_time(seconds):
    """What is no time is refused by name."""
    async with MemoryNetwork() as net:
        with pytest.raises(ValueError, match=r"latency got .* seconds, expected 0 or more"):
            net.latency("localhost", seconds)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_cancelled_network_gives_the_loop_back(times, shout, turns):
    """However often the leaving task is cancelled, the loop's methods are its own again."""
    loop = asyncio.get_running_loop()
    before = set(vars(loop))

    async def body():
        async with MemoryNetwork():
            await asyncio.start_server(shout, "127.0.0.1", 80)
            kept.append(await asyncio.open_connection("127.0.0.1", 80))
            await loop.create_future()

    kept = []
    task = asyncio.ensure_future(body())
    await turns(10)
    assert before != set(vars(loop))
    for _ in range(times):
        task.cancel()
        await turns(1)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert before == set(vars(loop))
    kept[0][1].close()


async def test_a_handler_that_can_not_be_cancelled_can_be_left(turns):
    """Leaving waits for such a handler, and a cancellation, a timeout's say, ends the waiting."""
    loop = asyncio.get_running_loop()
    enough = loop.create_future()

    async def stubborn(reader, writer):
        while not enough.done():
            try:
                await asyncio.shield(enough)
            except asyncio.CancelledError:
                continue

    async def body():
        async with MemoryNetwork(ignore_leaks="all"):
            await asyncio.start_server(stubborn, "127.0.0.1", 80)
            kept.append(await asyncio.open_connection("127.0.0.1", 80))
            await turns(2)

    kept = []
    leaving = asyncio.ensure_future(body())
    await turns(1000)  # more than it gives handlers to end by themselves
    assert not leaving.done()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    enough.set_result(None)
    kept[0][1].close()
    await turns(2)


async def test_networks_can_be_left_in_any_order(shout, ask):
    """A network that is left before the one inside it leaves that one working."""
    loop = asyncio.get_running_loop()
    before = set(vars(loop))
    outer, inner = MemoryNetwork(), MemoryNetwork()
    await outer.__aenter__()
    await inner.__aenter__()
    await outer.__aexit__(None, None, None)
    server = await asyncio.start_server(shout, "127.0.0.1", 80)
    assert b"HELLO\n" == await ask("127.0.0.1", 80)
    server.close()
    await inner.__aexit__(None, None, None)
    assert before == set(vars(loop))


async def test_a_network_can_be_entered_again(shout, ask):
    """What was left is empty: its ports are free, and it works as when it was new."""
    net = MemoryNetwork()
    for _ in range(2):
        async with net:
            server = await asyncio.start_server(shout, "127.0.0.1", 80)
            assert b"HELLO\n" == await ask("127.0.0.1", 80)
            server.close()


async def test_what_is_said_before_entering_holds_until_leaving(shout, ask):
    """Rules wait for the network to be entered, go with it, and touch nothing outside of it."""
    net = MemoryNetwork(hosts={"db": "10.0.0.1"})
    for _ in range(2):
        net.refuse("db:80")
        net.heal()
        net.blackhole("db:80")
        net.latency("db:80", 5)
        net.partition("127.0.0.1", "db")
        net.heal()
        net.refuse("db:80")
        async with net, await asyncio.start_server(shout, "db", 80):
            with pytest.raises(ConnectionRefusedError):
                await ask("db", 80)
        async with net, await asyncio.start_server(shout, "db", 80):
            assert b"HELLO\n" == await ask("db", 80)


async def test_what_is_passed_through_outlives_the_network(real):
    """A destination that was named stays reachable when the network is entered again."""
    net = MemoryNetwork()
    net.passthrough("127.0.0.1:*")
    for _ in range(2):
        async with net:
            _, writer = await asyncio.open_connection(*real.getsockname())
            writer.close()


async def test_a_bare_wire_needs_a_network_that_is_entered():
    """Connecting by hand outside of the network is an error that says so."""
    net = MemoryNetwork()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"connect\(\) to .*this network is not entered"):
            await net.connect(("127.0.0.1", 80))
        async with net:
            pass


def test_two_loops_in_two_threads(shout, ask):
    """Each loop has its own network, at the same time, with the same names and ports."""

    async def main(n):
        async with MemoryNetwork(hosts={"here": f"10.0.0.{n}"}):
            server = await asyncio.start_server(shout, "here", 80)
            for _ in range(50):
                assert b"HELLO\n" == await ask("here", 80)
                assert [(f"10.0.0.{n}", 80)] == [s.getsockname() for s in server.sockets]
            server.close()
        return n

    with ThreadPoolExecutor(2) as threads:
        assert [1, 2] == [*threads.map(lambda n: asyncio.run(main(n)), (1, 2))]


async def test_debug_mode(shout, ask):
    """In asyncio's debug mode all is as ever, and nothing complains."""
    asyncio.get_running_loop().set_debug(True)
    async with MemoryNetwork():
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        assert b"HELLO\n" == await ask("127.0.0.1", 80)
        server.close()


@pytest.mark.parametrize("streams", [asyncio, streamgauge.streams], ids=["asyncio", "streamgauge"])
async def test_streams_of_other_modules(streams):
    """Functions of a module that stands on the loop's methods run on the network, leaks too."""

    async def talk(reader, writer):
        writer.write(b"12345")
        writer.close()

    with pytest.raises(LeakError) as caught:  # noqa: PT012  # leaving raises it
        async with MemoryNetwork():
            server = await streams.start_server(talk, "127.0.0.1", 80)
            reader, writer = await streams.open_connection("127.0.0.1", 80)
            assert b"12" == await reader.readexactly(2)
            server.close()
    writer.close()
    found = [(leak.name, leak.detail.partition(" that")[0]) for leak in caught.value.leaks]
    assert ("unread-bytes", "3 bytes") in found


HELD = {
    "latency": lambda net: net.latency("127.0.0.1:80", 3600),
    "partition": lambda net: net.partition("127.0.0.1", "127.0.0.1:80"),
    "hands": lambda net: net.connections[0].wire.stall(),
}


@pytest.mark.parametrize("hold", HELD.values(), ids=HELD)
async def test_what_is_held_is_no_leak(hold, shout):
    """A client that closed is in order though its FIN is still held: the handler gets it now."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        _, writer = await asyncio.open_connection("127.0.0.1", 80)
        hold(net)
        writer.write(b"hello\n")
        writer.close()
        await writer.wait_closed()
        server.close()
