"""What the page documents and the running loop may not know: done here, on what every loop has.

A loop that knows a parameter is given it as it is, and nothing here happens. No stream objects
and no state live here.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
from typing import Any, Awaitable, Callable

from .eyeballs import connected_socket

EYEBALLS = frozenset(("happy_eyeballs_delay", "interleave"))
LOOKED_UP = ("family", "proto", "flags", "local_addr")  # spent on making the socket


def set_loop() -> Any:
    """Return the loop that ``asyncio.set_event_loop`` has set in this thread; None without one.

    asyncio's ``get_event_loop`` made one, up to 3.13, where none was set: what nobody has asked for
    would have to be closed by somebody. So a policy that keeps its loop is looked at.
    """
    events = asyncio.events
    policy = getattr(events, "_get_event_loop_policy", None) or events.get_event_loop_policy
    return getattr(getattr(policy(), "_local", None), "_loop", None)


def create_connection(
    loop: Any, factory: Callable[[], Any], host: Any, port: Any, **kwds: Any
) -> Awaitable[tuple[Any, Any]]:
    """Do what ``loop.create_connection`` does, and try addresses in a race where it can't.

    Source: edition 3.10, open_connection: happy_eyeballs_delay, interleave.
    """
    if kwds and not EYEBALLS.isdisjoint(kwds):
        asked = [name for name in EYEBALLS if name in kwds]
        if not all(_knows(loop.create_connection, name) for name in asked):
            return _race(loop, factory, host, port, kwds)
    return loop.create_connection(factory, host, port, **kwds)  # type: ignore[no-any-return]


async def _race(
    loop: Any, factory: Callable[[], Any], host: Any, port: Any, kwds: dict[str, Any]
) -> tuple[Any, Any]:
    delay_s, interleave = kwds.pop("happy_eyeballs_delay", None), kwds.pop("interleave", None)
    if host is None or kwds.get("sock") is not None:
        return await loop.create_connection(factory, host, port, **kwds)  # type: ignore[no-any-return]
    sock = await connected_socket(
        loop,
        host,
        port,
        delay_s=delay_s,
        interleave=_first_family_count(delay_s, interleave),
        **{name: kwds.pop(name) for name in LOOKED_UP if name in kwds},
    )
    return await _over(loop, sock, factory, host, kwds)


def _first_family_count(delay_s: float | None, interleave: int | None) -> int:
    """Give ``interleave`` or its documented default: families take turns if there is a delay."""
    if interleave is None:
        return 0 if delay_s is None else 1
    return interleave


async def _over(
    loop: Any, sock: socket.socket, factory: Callable[[], Any], host: Any, kwds: dict[str, Any]
) -> tuple[Any, Any]:
    """Make the connection on a socket; TLS still checks the certificate for the host's name."""
    if kwds.get("ssl") and kwds.get("server_hostname") is None:
        kwds = {**kwds, "server_hostname": host}
    try:
        made = await loop.create_connection(factory, sock=sock, **kwds)
    except BaseException:
        sock.close()
        raise
    return made  # type: ignore[no-any-return]  # the loop is Any


async def create_server(
    loop: Any, factory: Callable[[], Any], host: Any, port: Any, **kwds: Any
) -> Any:
    """Do what ``loop.create_server`` does; cancelled, leave nobody listening.

    SO_KEEPALIVE is set here where the loop can't. Connections have the option from the socket that
    they came in by. So it is set before the server listens.

    Source: edition 3.13, start_server: keep_alive.
    """
    keep_alive = False
    if "keep_alive" in kwds and not _knows(loop.create_server, "keep_alive"):
        keep_alive = kwds.pop("keep_alive")
    start_serving = kwds.pop("start_serving", True)
    server = await loop.create_server(factory, host, port, start_serving=False, **kwds)
    if keep_alive:
        for sock in server.sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return await _serving(server) if start_serving else server


async def create_unix_server(loop: Any, factory: Callable[[], Any], path: Any, **kwds: Any) -> Any:
    """Do what ``loop.create_unix_server`` does; cancelled, leave nobody listening."""
    start_serving = kwds.pop("start_serving", True)
    server = await loop.create_unix_server(factory, path, start_serving=False, **kwds)
    return await _serving(server) if start_serving else server


async def _serving(server: Any) -> Any:
    """Have a server serve, and close it where that does not come to its end.

    asyncio's own functions listen, give the loop a turn, and only then return the server: if they
    are cancelled in that turn, nobody has it, and it listens for ever.
    """
    try:
        await server.start_serving()
    except BaseException:
        server.close()
        raise
    return server


def _knows(method: Any, keyword: str) -> bool:
    """Return whether a loop's method has a keyword; one that doesn't tell is taken to have it."""
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return True
    return keyword in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
