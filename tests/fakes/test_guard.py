"""About streamgauge/fakes/guard.py: nothing leaves the machine while it is up."""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamgauge.fakes import ForbiddenConnectError, socketpair_stream_pair, tcp_stream_pair
from streamgauge.fakes.guard import Guard


@pytest.fixture
def guard():
    """A guard that is up."""
    made = Guard()
    made.up()
    yield made
    made.down()


@pytest.fixture
def udp():
    """A datagram socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        yield sock


def dial(where):
    """Connect a socket, and close it whatever comes of it."""
    with socket.socket() as sock:
        sock.connect(where)


NOWHERE = ("192.0.2.1", 9)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda udp: udp.connect(NOWHERE), r"connecting to 192\.0\.2\.1:9"),
        (lambda udp: udp.connect_ex(NOWHERE), r"connecting to 192\.0\.2\.1:9"),
        (lambda udp: udp.sendto(b"x", NOWHERE), r"connecting to 192\.0\.2\.1:9"),
        (lambda udp: udp.sendmsg([b"x"], [], 0, NOWHERE), r"connecting to 192\.0\.2\.1:9"),
        (lambda udp: dial(("127.0.0.1", 9)), r"connecting to 127\.0\.0\.1:9"),
        (lambda udp: socket.getaddrinfo("db.example", 80), r"looking up db\.example"),
        (lambda udp: socket.getaddrinfo(b"db.example", 80), r"looking up db\.example"),
        (lambda udp: socket.gethostbyname("db.example"), r"looking up db\.example"),
        (lambda udp: socket.gethostbyname_ex("db.example"), r"looking up db\.example"),
        (lambda udp: socket.gethostbyaddr("db.example"), r"looking up db\.example"),
        (lambda udp: socket.gethostbyaddr("192.0.2.1"), r"looking up 192\.0\.2\.1"),
        (lambda udp: socket.getfqdn("db.example"), r"looking up db\.example"),
        (lambda udp: socket.getnameinfo(NOWHERE, 0), r"looking up 192\.0\.2\.1"),
        (lambda udp: socket.getnameinfo(("2001:db8::1", 9), 0), r"looking up 2001:db8::1"),
    ],
)
def test_each_way_out_is_stopped_by_name(guard, udp, call, named):
    """Connects, datagrams and look-ups are errors that name the address and the fixture."""
    with pytest.raises(ForbiddenConnectError, match=f"{named} is forbidden: .*no_real_network"):
        call(udp)


@pytest.mark.parametrize(
    "call",
    [
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.getaddrinfo(None, 80),
        lambda: socket.getaddrinfo("192.0.2.1", 80),
        lambda: socket.getaddrinfo("::1", 80),
        socket.getfqdn,
        lambda: socket.getfqdn("127.0.0.1"),
        lambda: socket.getnameinfo(("127.0.0.1", 9), 0),
    ],
)
def test_what_stays_on_the_machine_is_left_alone(guard, call):
    """Numbers, and the machine's own names, are no secret that leaves it."""
    assert call()


def test_joined_sockets_are_left_alone(real):
    """What was joined before goes on: a message that names nobody goes to nobody new."""
    guard = Guard()
    with socket.create_connection(real.getsockname()) as ours:
        theirs, _ = real.accept()
        with theirs:
            guard.up()
            try:
                assert 1 == ours.sendmsg([b"x"])
                ours.sendall(b"y")
                assert b"xy" == theirs.recv(2, socket.MSG_WAITALL)
            finally:
                guard.down()


async def test_streams_over_a_socketpair_go_on(guard):
    """So do asyncio's streams on it, which write several pieces by one sendmsg (Python 3.12)."""
    async with socketpair_stream_pair(ignore_leaks="all") as (client, server):
        client.writer.writelines([b"a", b"b"])
        assert b"ab" == await server.reader.readexactly(2)


def test_a_destination_can_be_passed_through(guard, real):
    """What is passed through is reached, by number or by name, and nothing beside it."""
    host, port = real.getsockname()
    guard.passthrough(f"{host}:{port}")
    dial((host, port))
    with pytest.raises(ForbiddenConnectError):
        dial((host, port + 1 if port < 65535 else 1))


def test_a_name_that_is_passed_through_is_looked_up(guard, real, monkeypatch):
    """A name stands for what it resolves to when it is passed through."""
    host, port = real.getsockname()
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 0))]
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", lambda *query: answer)
        guard.passthrough(f"db.example:{port}")
    dial((host, port))


def test_afterwards_all_is_as_before(real):
    """Once it is down, or before it is up, nothing is stopped."""
    guard = Guard()
    dial(real.getsockname())
    guard.up()
    guard.down()
    dial(real.getsockname())


async def test_it_looks_at_other_threads_too(guard):
    """A connect in an executor's thread is stopped as well."""
    loop = asyncio.get_running_loop()
    with pytest.raises(ForbiddenConnectError):
        await loop.run_in_executor(None, dial, ("127.0.0.1", 9))


async def test_a_pair_over_tcp_is_the_real_network(guard):
    """A real TCP pair connects, and so is stopped; it leaks nothing."""
    with pytest.raises(ForbiddenConnectError):
        async with tcp_stream_pair():
            pass
