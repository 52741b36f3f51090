"""Checks of how `open_connection` goes about a host with several addresses (RFC 8305).

The host is made up: for the trial, the loop's own look-up answers with addresses of the loopback
interface, of which one is dead. Dead is not refused: its queue is full, so the kernel drops what
comes and an attempt stays under way, as with a machine that is off.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import select
import socket
import ssl
import sys
from typing import Any, Iterator, List, Tuple
from unittest import mock

from streamgauge.conformance.registry import SOCK, check
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import family_of

LINUX = sys.platform == "linux"  # where all of 127/8 is there, and a full queue drops
SEVERAL = "a host with several addresses, each of which is tried"
HOST = "several.invalid"
DELAY_S = 0.01
LONG_S = 60.0  # an attempt that is refused does not wait for it
PORTS_TRIED = 20  # a port is wanted that is free at two addresses at once


@contextlib.contextmanager
def host_with(*addresses: str) -> Iterator[None]:
    """Have the running loop resolve `HOST`, and that alone, to the addresses, in this order."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def looked_up(host: Any, port: Any, **options: Any) -> Any:
        if host not in (HOST, HOST.encode()):
            return await real(host, port, **options)
        return [_info(address, port) for address in addresses]

    with mock.patch.object(loop, "getaddrinfo", looked_up):
        yield


def _info(address: str, port: int) -> Tuple[Any, ...]:
    place = (address, port, 0, 0) if ":" in address else (address, port)
    return (family_of(place), socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)


def listening(t: Trial, *addresses: str) -> List[socket.socket]:
    """Listen at each address on one port; where one is closed, nobody else listens after it."""
    return [_listener(t, place) for place in _places(t, *addresses)]


def _places(t: Trial, first: str, *others: str) -> List[Any]:
    """Hold one port at several addresses; one that is taken at some of them is tried no more."""
    for _ in range(PORTS_TRIED):
        place = t.spare_address(first)
        try:
            return [place, *(t.spare_address(other, place[1]) for other in others)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise AssertionError(f"no port was free at {' and '.join((first, *others))}")


def _listener(t: Trial, place: Any) -> socket.socket:
    """Listen, with room for one, at an address that is held."""
    sock = socket.socket(family_of(place), socket.SOCK_STREAM)
    t.bench.on_exit(sock.close)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(place)
    sock.listen(0)
    return sock


def deafen(t: Trial, sock: socket.socket) -> None:
    """Fill a listening socket's queue: what connects from now on is neither taken nor refused."""
    knocking = socket.socket(sock.family, socket.SOCK_STREAM)
    t.bench.on_exit(knocking.close)
    knocking.connect(sock.getsockname())
    if sys.platform != "linux":  # see LINUX
        raise NotImplementedError
    queue = select.poll()
    queue.register(sock, select.POLLIN)
    queue.poll()  # it is in the queue, which has room for this one: Linux adds one to the 0


@check(
    "open_connection.happy_eyeballs_delay.tries-next-address",
    links=("tcp",) if LINUX else (),
    kernel=SEVERAL,
)
async def a_dead_address_holds_up_the_next_no_longer_than_the_delay(t: Trial) -> None:
    dead, live = listening(t, "127.0.0.2", "127.0.0.1")
    deafen(t, dead)
    port = live.getsockname()[1]
    with host_with("127.0.0.2", "127.0.0.1"):
        reader, writer = await t.subject.open_connection(HOST, port, happy_eyeballs_delay=DELAY_S)
    t.writers.append(writer)
    t.equal(writer.get_extra_info("peername"), live.getsockname(), "whom it is connected to")
    peer, _ = live.accept()
    t.bench.on_exit(peer.close)
    peer.send(b"hello")
    t.equal(await reader.readexactly(5), b"hello")


@check(
    "open_connection.happy_eyeballs_delay.tries-next-address",
    links=("tcp",) if LINUX else (),
    kernel=SEVERAL,
)
async def the_next_address_is_tried_from_the_local_address_asked_for(t: Trial) -> None:
    dead, live = listening(t, "127.0.0.2", "127.0.0.1")
    deafen(t, dead)
    port, local = live.getsockname()[1], ("127.0.0.3", 0)
    with host_with("127.0.0.2", "127.0.0.1"):
        _reader, writer = await t.subject.open_connection(
            HOST, port, happy_eyeballs_delay=DELAY_S, local_addr=local
        )
    t.writers.append(writer)
    peer, address = live.accept()
    t.bench.on_exit(peer.close)
    t.equal(address[0], local[0], "where the connection comes from")
    with host_with("127.0.0.1"), t.raises(OSError) as refused:
        await t.subject.open_connection(
            HOST, port, happy_eyeballs_delay=DELAY_S, local_addr=live.getsockname()
        )
    t.equal(refused.value.errno, errno.EADDRINUSE, "errno with a local address that is taken")


@check(
    "open_connection.happy_eyeballs_delay.tries-next-address",
    links=("tcp",) if LINUX else (),
    kernel=SEVERAL,
)
async def with_no_address_left_to_try_it_is_refused(t: Trial) -> None:
    first, second = listening(t, "127.0.0.2", "127.0.0.1")
    port = first.getsockname()[1]
    first.close()
    second.close()
    with host_with("127.0.0.1"), t.raises(ConnectionRefusedError):
        await t.subject.open_connection(HOST, port, happy_eyeballs_delay=DELAY_S)
    for addresses in (("127.0.0.2", "127.0.0.1"), ()):
        with host_with(*addresses), t.raises(OSError):
            await t.subject.open_connection(HOST, port, happy_eyeballs_delay=DELAY_S)


@contextlib.contextmanager
def all_at_once(count: int) -> Iterator[None]:
    """Have the running loop end attempts to connect in one turn, once so many have succeeded."""
    loop = asyncio.get_running_loop()
    real = loop.sock_connect
    waiting: List[asyncio.Future[None]] = []

    async def connected(sock: socket.socket, address: Any) -> None:
        await real(sock, address)
        waiting.append(loop.create_future())
        if len(waiting) == count:
            for one in waiting:
                one.set_result(None)
        await waiting[-1]

    with mock.patch.object(loop, "sock_connect", connected):
        yield


@check(
    "open_connection.happy_eyeballs_delay.tries-next-address",
    links=("tcp",) if LINUX else (),
    kernel=SEVERAL,
)
async def of_two_that_answer_in_one_turn_one_is_kept(t: Trial) -> None:
    listeners = listening(t, "127.0.0.2", "127.0.0.1")
    port = listeners[0].getsockname()[1]
    with host_with("127.0.0.2", "127.0.0.1"), all_at_once(2):
        reader, writer = await t.subject.open_connection(HOST, port, happy_eyeballs_delay=DELAY_S)
    t.writers.append(writer)
    peers = {one.getsockname(): one.accept()[0] for one in listeners}
    for peer in peers.values():
        t.bench.on_exit(peer.close)
    kept = peers.pop(writer.get_extra_info("peername"))
    (other,) = peers.values()
    t.equal(await t.bench.run(other.recv, 1), b"", "what comes to the other")
    kept.send(b"hello")
    t.equal(await reader.readexactly(5), b"hello")


@check("open_connection.happy_eyeballs_delay.tries-next-address", links=("tcp6",), kernel=SEVERAL)
async def an_address_cannot_be_tried_from_one_of_another_family(t: Trial) -> None:
    (live,) = listening(t, "::1")
    with host_with("::1"), t.raises(OSError):
        await t.subject.open_connection(
            HOST, live.getsockname()[1], happy_eyeballs_delay=DELAY_S, local_addr=("127.0.0.1", 0)
        )


@check("open_connection.happy_eyeballs_delay.tries-next-address", links=("tls",))
async def whoever_answers_has_to_bear_the_hosts_name(t: Trial) -> None:
    t.need_localhost()
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    names = ((t.tls.HOSTNAME, None), (host, t.tls.HOSTNAME))
    for name, server_hostname in names:
        accepting = t.start(listener.accept())
        _reader, writer = await t.subject.open_connection(
            name,
            port,
            ssl=t.tls.client_context(),
            server_hostname=server_hostname,
            happy_eyeballs_delay=LONG_S,
        )
        t.writers.append(writer)
        await accepting
    t.start(listener.accept())
    with t.raises(ssl.SSLCertVerificationError):  # it bears the host, and not the name given
        await t.subject.open_connection(
            host,
            port,
            ssl=t.tls.client_context(),
            server_hostname="another.invalid",
            happy_eyeballs_delay=LONG_S,
        )


@check(
    "open_connection.happy_eyeballs_delay.tries-next-address", links=("socketpair",), kernel=SOCK
)
async def where_there_is_no_host_a_socket_has_to_be_given(t: Trial) -> None:
    with t.raises(ValueError):
        await t.subject.open_connection(happy_eyeballs_delay=LONG_S)
    reader, _writer = await t.connect(happy_eyeballs_delay=LONG_S)
    await t.peer.send(b"hello")
    t.equal(await reader.readexactly(5), b"hello")


@check("open_connection.interleave.orders-families", links=("tcp6",), kernel=SEVERAL)
async def interleave_is_the_number_of_the_first_family_before_the_other(t: Trial) -> None:
    first, second, third, _other = listening(t, "127.0.0.2", "127.0.0.3", "127.0.0.1", "::1")
    port = first.getsockname()[1]
    with host_with("127.0.0.2", "127.0.0.3", "127.0.0.1", "::1"):
        for interleave, closed, expected in ((2, (), first), (3, (first, second), third)):
            for sock in closed:
                sock.close()
            _reader, writer = await t.subject.open_connection(HOST, port, interleave=interleave)
            t.writers.append(writer)
            t.equal(
                writer.get_extra_info("peername"),
                expected.getsockname(),
                f"whom it is connected to with interleave={interleave}",
            )


@check("open_connection.interleave.orders-families", links=("tcp6",), kernel=SEVERAL)
async def interleaved_the_other_family_comes_second_else_as_looked_up(t: Trial) -> None:
    refusing, second, other = listening(t, "127.0.0.2", "127.0.0.1", "::1")
    refusing.close()
    port = second.getsockname()[1]
    with host_with("127.0.0.2", "127.0.0.1", "::1"):
        for name, value, expected in (
            ("interleave", 1, other),
            ("interleave", 0, second),
            ("happy_eyeballs_delay", LONG_S, other),  # then 1 is the default
            ("happy_eyeballs_delay", None, second),
        ):
            _reader, writer = await t.subject.open_connection(HOST, port, **{name: value})
            t.writers.append(writer)
            t.equal(
                writer.get_extra_info("peername"),
                expected.getsockname(),
                f"whom it is connected to with {name}={value}",
            )
            t.bench.on_exit(expected.accept()[0].close)  # there is room for one in its queue
