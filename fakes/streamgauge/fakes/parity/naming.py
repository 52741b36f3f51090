"""Cases about names: addresses, the socket, extra information (line 10)."""

from __future__ import annotations

import ipaddress
import socket
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
