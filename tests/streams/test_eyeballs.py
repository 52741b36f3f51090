"""About streamgauge/streams/eyeballs.py: a host's addresses, tried in a staggered race.

The look-up answers with addresses of the loopback interface. One that is dead has a full queue:
the kernel drops what comes, so that an attempt stays under way for ever.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import warnings
from unittest import mock

import pytest

from streamgauge.streams import eyeballs

HOST = "several.invalid"
linux = pytest.mark.skipif(sys.platform != "linux", reason="a full queue drops on Linux alone")


def listening(*addresses):
    """Listen at each address on one port."""
    while True:
        socks = []
        try:
            port = 0
            for address in addresses:
                socks.append(socket.create_server((address, port), backlog=0))
                port = socks[0].getsockname()[1]
        except OSError:  # taken at one of them
            for sock in socks:
                sock.close()
        else:
            return socks


def deafen(sock):
    """Fill the queue of a listening socket; gives what has to be kept open for it."""
    knocking = [socket.socket() for _ in range(2)]  # the queue of 0, and one that Linux adds
    for each in knocking:
        each.setblocking(False)
        each.connect_ex(sock.getsockname())
    return knocking


async def connect(*addresses, port, **options):
    """Connect to a host that has these addresses."""
    loop = asyncio.get_running_loop()
    infos = [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in addresses
    ]
    real = loop.getaddrinfo

    async def look_up(host, port, **options):
        ours = host in (HOST, HOST.encode())
        return infos if ours else await real(host, port, **options)

    with mock.patch.object(loop, "getaddrinfo", look_up):
        return await eyeballs.connected_socket(
            loop, HOST, port, **{"delay_s": None, "interleave": 0, **options}
        )


@pytest.fixture
def tidy():
    """Close what a test gives it, and see that nothing else was left open."""
    held = []
    yield held.append
    for each in held:
        each.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        gc.collect()


@linux
async def test_a_dead_address_is_passed_by_after_the_delay(tidy):
    """The second address is tried while the first is still under way, and wins."""
    dead, live = listening("127.0.0.2", "127.0.0.1")
    for each in (dead, live, *deafen(dead)):
        tidy(each)
    sock = await connect("127.0.0.2", "127.0.0.1", port=live.getsockname()[1], delay_s=0.01)
    tidy(sock)
    assert live.getsockname() == sock.getpeername()
    assert sock.gettimeout() == 0


async def test_a_refused_address_is_passed_by_at_once(tidy):
    """Without a delay the next address is tried when the one before has failed."""
    refusing, live = listening("127.0.0.2", "127.0.0.1")
    refusing.close()
    tidy(live)
    sock = await connect("127.0.0.2", "127.0.0.1", port=live.getsockname()[1])
    tidy(sock)
    assert live.getsockname() == sock.getpeername()


@pytest.fixture
def refusing(tidy):
    """Give a port at which connections are refused: it is held, and nobody listens."""
    sock = socket.socket()
    sock.bind(("", 0))
    tidy(sock)
    return sock.getsockname()[1]


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
async def test_a_host_that_refuses_everywhere_is_an_error(refusing, addresses):
    """Where no address takes the connection, an OSError says so."""
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await connect(*addresses, port=refusing)


def test_one_error_is_made_of_several():
    """Errors that all say the same are one of them; else each has its word."""
    refused, again = ConnectionRefusedError("refused"), ConnectionRefusedError("refused")
    assert refused is eyeballs._summary([refused, again])
    told = eyeballs._summary([refused, OSError("no route")])
    assert "none of 2 addresses could be connected to: refused; no route" == str(told)


async def test_a_host_without_an_address_is_an_error():
    """A look-up that finds nothing is told, and not taken for a success."""
    with pytest.raises(OSError, match=r"'several[.]invalid' has no address"):
        await connect(port=9)


@linux
async def test_cancelling_leaves_no_socket(tidy):
    """A race that is cancelled closes every socket that it had opened."""
    dead, dead_too = listening("127.0.0.2", "127.0.0.1")
    for each in (dead, dead_too, *deafen(dead), *deafen(dead_too)):
        tidy(each)
    opened = []
    real = socket.socket

    def noting(*args, **kwargs):
        opened.append(real(*args, **kwargs))
        return opened[-1]

    with mock.patch.object(eyeballs.socket, "socket", side_effect=noting):
        racing = asyncio.ensure_future(
            connect("127.0.0.2", "127.0.0.1", port=dead.getsockname()[1], delay_s=0)
        )
        while len(opened) < 2:
            await asyncio.sleep(0)
        racing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await racing
    assert [-1, -1] == [each.fileno() for each in opened]


async def test_local_addr_is_where_it_comes_from(tidy):
    """The socket is bound to the local address of the family that is tried."""
    (live,) = listening("127.0.0.1")
    tidy(live)
    host, port = live.getsockname()
    sock = await eyeballs.connected_socket(
        asyncio.get_running_loop(),
        host,
        port,
        delay_s=None,
        interleave=0,
        local_addr=("127.0.0.1", 0),
        family=socket.AF_INET,
    )
    tidy(sock)
    assert "127.0.0.1" == sock.getsockname()[0]


async def test_local_addr_that_is_taken_is_an_error():
    """An address that can't be bound is named."""
    (live,) = listening("127.0.0.1")
    with live:
        host, port = live.getsockname()
        with pytest.raises(OSError, match=r"local_addr \('127.0.0.1', \d+\) cannot be had"):
            await eyeballs.connected_socket(
                asyncio.get_running_loop(),
                host,
                port,
                delay_s=None,
                interleave=0,
                local_addr=(host, port),
            )


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, ["a1", "b1", "a2", "b2", "a3"]), (2, ["a1", "a2", "b1", "a3", "b2"]), (9, None)],
)
def test_families_take_turns(count, expected):
    """So many of the first family come first, then one of each, and none is lost."""
    infos = [(name[0], name) for name in ("a1", "a2", "a3", "b1", "b2")]
    ordered = [name for _, name in eyeballs.interleaved(infos, count)]
    assert (expected or ["a1", "a2", "a3", "b1", "b2"]) == ordered


async def test_an_error_keeps_no_attempt_alive():
    """Once it is forgotten, nothing is left for a collection to find (gh-124858)."""
    loop = asyncio.get_running_loop()
    if sys.version_info < (3, 11) and isinstance(loop, asyncio.SelectorEventLoop):
        pytest.skip("asyncio's own sock_connect keeps its error in a circle")
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))
    host, port = nobody.getsockname()
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ConnectionRefusedError):
            await eyeballs.connected_socket(loop, host, port, delay_s=None, interleave=0)
        await asyncio.sleep(0)
        assert [] == [t for t in gc.get_objects() if isinstance(t, ConnectionRefusedError)]
    finally:
        gc.enable()
        nobody.close()
