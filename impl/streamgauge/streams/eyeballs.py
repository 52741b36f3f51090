"""Happy Eyeballs (RFC 8305) for loops that do not know it: a host's addresses in a staggered race.

Here lives how a host with several addresses is connected to when the running loop's
``create_connection`` has no ``happy_eyeballs_delay`` and ``interleave`` (uvloop's has not). What
comes out is a connected socket, which any loop takes. Nothing here knows of streams or TLS.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import Any, Iterable, Sequence

AddressInfo = Any  # what getaddrinfo gives: family, type, protocol, canonical name, address


async def connected_socket(
    loop: Any,
    host: Any,
    port: Any,
    *,
    delay_s: float | None,
    interleave: int,
    local_addr: tuple[str, int] | None = None,
    **lookup: Any,
) -> socket.socket:
    """Connect to whichever of a host's addresses answers first.

    Args:
        loop: The running loop.
        host: Name or address.
        port: Number or service name.
        delay_s: Seconds after which the next address is tried although the one before has not
            failed yet; None waits until it has.
        interleave: How many addresses of the first family come before one of another; 0 keeps
            the order of the look-up.
        local_addr: Host and port to connect from.
        lookup: ``family``, ``proto`` and ``flags`` for the look-up.

    Returns:
        A connected, non-blocking socket, the caller's to close.

    Raises:
        OSError: The host has no address, or none could be connected to.

    Cancelling it leaves no socket behind.
    """
    remote = await _look_up(loop, host, port, **lookup)
    local = await _look_up(loop, *local_addr, **lookup) if local_addr else None
    ordered = interleaved(remote, interleave) if interleave else remote
    return await _race(loop, ordered, local, delay_s)


def interleaved(infos: Iterable[AddressInfo], count: int) -> list[AddressInfo]:
    """Put addresses in an order in which their families take turns.

    Args:
        infos: In the order of the look-up, which decides which family is the first.
        count: How many of the first family come before one of another.
    """
    families: dict[int, list[AddressInfo]] = {}
    for info in infos:
        families.setdefault(info[0], []).append(info)
    queues = list(families.values())
    ordered = [queues[0].pop(0) for _ in range(min(count - 1, len(queues[0])))]
    while any(queues):
        ordered += [queue.pop(0) for queue in queues if queue]
    return ordered


async def _look_up(loop: Any, host: Any, port: Any, **lookup: Any) -> Sequence[AddressInfo]:
    infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, **lookup)
    if not infos:
        raise OSError(f"host {host!r} has no address, expected at least one")
    return infos  # type: ignore[no-any-return]  # the loop is Any


async def _race(
    loop: Any, infos: Iterable[AddressInfo], local: Any, delay_s: float | None
) -> socket.socket:
    """Begin one attempt after the other, each when one has failed or its time has come."""
    upcoming = deque(infos)
    attempts: list[asyncio.Task[socket.socket]] = []
    pending: set[asyncio.Task[socket.socket]] = set()
    winner = None
    try:
        while winner is None and (upcoming or pending):
            if upcoming:
                attempts.append(loop.create_task(_connect(loop, upcoming.popleft(), local)))
                pending.add(attempts[-1])
            done, pending = await asyncio.wait(
                pending,
                timeout=delay_s if upcoming else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            winner = next((each for each in done if each.exception() is None), None)
    finally:
        await _withdraw(each for each in attempts if each is not winner)
    try:
        if winner is None:
            raise _summary([each.exception() for each in attempts])
        return winner.result()
    finally:  # an error refers to this frame: what refers to the error goes (gh-124858)
        del attempts, pending, done, winner


async def _withdraw(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    """End attempts that are no longer wanted, those that have succeeded too."""
    unwanted = list(attempts)
    for attempt in unwanted:
        attempt.cancel()
    for outcome in await asyncio.gather(*unwanted, return_exceptions=True):
        if not isinstance(outcome, BaseException):
            outcome.close()


async def _connect(loop: Any, info: AddressInfo, local: Any) -> socket.socket:
    family, kind, proto, _, address = info
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        if local is not None:
            _bind(sock, [own[4] for own in local if own[0] == family])
        await loop.sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, addresses: Sequence[Any]) -> None:
    """Bind to the first of the addresses that can be had."""
    refused = OSError(f"local_addr has no address of {sock.family.name}, which the host has")
    for address in addresses:
        try:
            return sock.bind(address)
        except OSError as error:
            refused = OSError(error.errno, f"local_addr {address!r} cannot be had: {error}")
    raise refused


def _summary(failures: Sequence[BaseException | None]) -> BaseException:
    """Make one error of several: the error itself where there is one, or all say the same."""
    texts = [str(failure) for failure in failures]
    if len(set(texts)) == 1 and failures[0] is not None:
        return failures[0]
    return OSError(f"none of {len(texts)} addresses could be connected to: {'; '.join(texts)}")
