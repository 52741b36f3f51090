"""Cases about names: addresses, the socket, extra information (line 10)."""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any

from .cases import PLAIN, TCP, TLS, case
from .seen import Pair, tried


@case(10)
async def names_match_crosswise(pair: Pair) -> Any:
    """Each side's peername is the other's sockname."""
    names = [
        (side.writer.get_extra_info("sockname"), side.writer.get_extra_info("peername"))
        for side in pair.sides
    ]
    return names[0] == names[1][::-1], type(names[0][0]).__name__


@case(10, TCP | TLS)
async def names_are_numeric(pair: Pair) -> Any:
    """Names hold IP strings and port numbers, never host names."""
    seen = []
    for side in pair.sides:
        for key in ("sockname", "peername"):
            host, port = side.writer.get_extra_info(key)[:2]
            seen.append((ipaddress.ip_address(host).is_loopback, type(port).__name__, port > 0))
    return seen


@case(10, PLAIN)
async def the_socket_answers(pair: Pair) -> Any:
    """The socket tells its type, names and options."""
    sock = pair.client.socket
    return (
        sock.type == socket.SOCK_STREAM,
        sock.getsockname() == pair.client.writer.get_extra_info("sockname"),
        tried(sock.getpeername) == pair.server.socket.getsockname(),
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM,
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
    )


@case(10, TCP)
async def options_can_be_set(pair: Pair) -> Any:
    """Nagle's algorithm is off; an option that is set can be read."""
    sock = pair.client.socket
    no_delay = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    before = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    after = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return no_delay, before, after, sock.family in (socket.AF_INET, socket.AF_INET6)


@case(10)
async def unknown_information(pair: Pair) -> Any:
    """What isn't known is None, or the default that was given."""
    writer = pair.client.writer
    return writer.get_extra_info("no such thing"), writer.get_extra_info("no such thing", 5)


@case(10)
async def the_family_of_a_connection(pair: Pair) -> Any:
    """The socket's family and protocol, and how many items its names have."""
    sock = pair.client.socket
    name = pair.client.writer.get_extra_info("sockname")
    return int(sock.family), sock.proto, len(name) if isinstance(name, tuple) else type(name)


@case(10)
async def names_after_the_end(pair: Pair) -> Any:
    """The names are still known once the connection is over."""
    before = [pair.client.transport.get_extra_info(key) for key in ("sockname", "peername")]
    for side in pair.sides:
        side.transport.abort()
    await pair.settle()
    after = [pair.client.transport.get_extra_info(key) for key in ("sockname", "peername")]
    return [then == now for then, now in zip(before, after)]


@case(10, PLAIN)
async def the_socket_after_the_end(pair: Pair) -> Any:
    """A socket that the transport has closed answers with EBADF, and its descriptor is -1."""
    sock = pair.client.socket
    pair.client.transport.abort()
    await pair.settle()
    answers = (
        sock.getsockname,
        sock.getpeername,
        lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR),
        lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    )
    return [tried(answer) for answer in answers], sock.fileno()


@case(10, PLAIN)
async def blocking_is_refused(pair: Pair) -> Any:
    """The socket doesn't block, and refuses to be made to."""
    sock = pair.client.socket
    said = [tried(sock.setblocking, flag) for flag in (False, True)]
    said += [tried(sock.settimeout, seconds) for seconds in (0, 5)]
    return said, sock.gettimeout()


@case(10, PLAIN)
async def options_as_bytes(pair: Pair) -> Any:
    """An option is given as bytes if so many are asked for, and taken as bytes."""
    sock = pair.client.socket
    keep = socket.SOL_SOCKET, socket.SO_KEEPALIVE
    sock.setsockopt(*keep, struct.pack("i", 1))
    linger = socket.SOL_SOCKET, socket.SO_LINGER
    before = sock.getsockopt(*linger, 8)
    sock.setsockopt(*linger, struct.pack("ii", 1, 7))
    return (
        sock.getsockopt(*keep) != 0,
        len(sock.getsockopt(*keep, 4)),
        before,
        sock.getsockopt(*linger, 8),
    )
