"""Cases about a network's names and paths: resolving, unix servers (lines 10, 11 and 12)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from typing import Any, Iterator, List

from .cases import NETWORK, case
from .connecting import HOST, attempt, dial, tapped, turns
from .seen import Tap


def _ipv6_has_the_name() -> bool:
    """Whether this machine knows localhost as ::1 too: the system's resolver, not the loop's."""
    try:
        return bool(socket.getaddrinfo("localhost", 80, socket.AF_INET6))
    except OSError:
        return False


async def _resolved(*args: Any, **kwargs: Any) -> Any:
    try:
        return await asyncio.get_running_loop().getaddrinfo(*args, **kwargs)
    except socket.gaierror as exc:
        return type(exc).__name__, exc.errno


@case(12, NETWORK, needs_threads=True)
async def addresses_resolve_to_themselves(patience: int) -> Any:
    """`getaddrinfo` of numeric addresses, with and without a port, a family, a type."""
    stream = {"type": socket.SOCK_STREAM}
    return [
        await _resolved(HOST, 80, **stream),
        await _resolved("::1", 80, **stream),
        await _resolved(HOST, "80"),
        await _resolved(HOST, None, family=socket.AF_INET, **stream),
        await _resolved(None, 80, family=socket.AF_INET, **stream),
        await _resolved(None, 80, family=socket.AF_INET, flags=socket.AI_PASSIVE, **stream),
    ]


@case(12, NETWORK, needs_threads=True)
async def addresses_in_other_spellings(patience: int) -> Any:
    """`getaddrinfo` of an IPv4 address in fewer parts, in another base, with a zero in front."""
    stream = {"type": socket.SOCK_STREAM}
    spellings = ("127.1", "0", "2130706433", "0x7f000001", "0177.0x1", "127.0.0.01", b"127.1")
    return [
        [
            await _resolved(host, 80, **stream),
            await _resolved(host, 80, family=socket.AF_INET6, **stream),
            await _resolved(host, 80, flags=socket.AI_NUMERICHOST, **stream),
        ]
        for host in spellings
    ] + [
        await _resolved(host, 80, flags=socket.AI_NUMERICHOST, **stream)
        for host in ("127.1 ", "127.1.", "1.2.3.256", "0x", "abc", "4294967296")
    ]


@case(11, NETWORK, needs_threads=True)
async def a_server_at_another_spelling(patience: int) -> Any:
    """A client that spells an address otherwise reaches the server, and is told the usual name."""
    async with tapped(HOST) as (_, port, _taps):
        seen = []
        for host in ("127.1", "0x7f.1"):
            client = await dial(port, host)
            seen.append(client.transport.get_extra_info("peername") == (HOST, port))
            client.transport.abort()
        await turns(patience)
        return seen


@case(12, NETWORK, needs_threads=True)
async def a_name_resolves(patience: int) -> Any:
    """`getaddrinfo` of localhost, and of a service by its name."""
    stream = {"family": socket.AF_INET, "type": socket.SOCK_STREAM}
    return [
        await _resolved("localhost", 80, **stream),
        await _resolved("localhost", "http", **stream),
        await _resolved(b"localhost", 80, **stream),
    ]


@case(12, NETWORK, needs_threads=True)
async def what_does_not_resolve(patience: int) -> Any:
    """Unknown names and services, and an address of the other family, are each a gaierror."""
    stream = {"type": socket.SOCK_STREAM}
    return [
        await _resolved("no-such-host.invalid", 80, **stream),
        await _resolved(HOST, "no-such-service", **stream),
        await _resolved(HOST, 80, family=socket.AF_INET6, **stream),
    ]


@case(12, NETWORK, needs_threads=True)
async def numbers_back_to_names(patience: int) -> Any:
    """`getnameinfo`, numeric."""
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    return await asyncio.get_running_loop().getnameinfo((HOST, 80), numeric)


@case(11, NETWORK, needs_threads=True)
async def a_server_on_localhost(patience: int) -> Any:
    """A server on localhost is reached by the name and by its number."""
    async with tapped("localhost", family=socket.AF_INET) as (server, port, taps):
        seen = []
        for host in ("localhost", HOST):
            client = await dial(port, host)
            seen.append(client.transport.get_extra_info("peername") == (HOST, port))
            client.transport.abort()
        await turns(patience)
        return len(server.sockets), seen, len(taps)


@case(11, NETWORK, needs_threads=True)
async def localhost_is_ipv6_too(patience: int) -> Any:
    """A server on ::1 alone is reached at localhost, where the name has both addresses."""
    if not _ipv6_has_the_name():
        return "no such name here"
    async with tapped("::1") as (_, port, _taps):
        client = await dial(port, "localhost")
        client.transport.abort()
        return client.transport.get_extra_info("peername")[:2] == ("::1", port)


@case(11, NETWORK)
async def a_wildcard_of_ipv6(patience: int) -> Any:
    """A server on :: is reached at ::1, and asyncio keeps it from IPv4."""
    async with tapped("::") as (server, port, taps):
        client = await dial(port, "::1")
        await turns(patience)
        name = taps[0].transport.get_extra_info("sockname")[0]
        client.transport.abort()
        return server.sockets[0].getsockname()[0], name, await attempt(dial(port))


@case(11, NETWORK)
async def a_server_on_several_hosts(patience: int) -> Any:
    """A list of hosts gives a socket each, and the server is reached at all of them."""
    async with tapped([HOST, "::1"]) as (server, _, taps):
        names = [sock.getsockname() for sock in server.sockets]
        for name in names:
            client = await dial(name[1], name[0])
            client.transport.abort()
        await turns(patience)
        return sorted((name[0], len(name)) for name in names), len(taps)


@case(11, NETWORK)
async def a_wildcard_and_a_port_in_use(patience: int) -> Any:
    """A wildcard and an address of the same port exclude each other; IPv6's is another's."""
    loop = asyncio.get_running_loop()
    async with tapped() as (_, port, _taps), tapped("0.0.0.0") as (_w, wild, _taps2):
        taken = [
            await attempt(loop.create_server(lambda: Tap(None), host, number))
            for host, number in (("0.0.0.0", port), (HOST, wild))
        ]
        other = await loop.create_server(lambda: Tap(None), "::1", port)
        other.close()
        return taken


@case(11, NETWORK)
async def an_address_of_another_machine(patience: int) -> Any:
    """Listening on an address that isn't this machine's is an OSError with EADDRNOTAVAIL."""
    loop = asyncio.get_running_loop()
    return await attempt(loop.create_server(lambda: Tap(None), "192.0.2.1", 0))


@contextlib.contextmanager
def _path() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield os.path.join(folder, "s")


@case(11, NETWORK)
async def a_unix_server(patience: int) -> Any:
    """A unix server's socket and both sides' names, data, and what a newcomer meets afterwards."""
    loop = asyncio.get_running_loop()
    taps = []

    def factory() -> Tap:
        taps.append(Tap(None, keep_open=False))
        return taps[-1]

    with _path() as path:
        server = await loop.create_unix_server(factory, path)
        listening = server.sockets[0].getsockname() == path, int(server.sockets[0].family)
        client = Tap(None, keep_open=False)
        await loop.create_unix_connection(lambda: client, path)
        client.transport.write(b"hello")
        await turns(patience)
        pair = client.transport, taps[0].transport
        keys = ("sockname", "peername")
        names = [[each.get_extra_info(key) for key in keys] for each in pair]
        told = [[{path: "path"}.get(name, name) for name in own] for own in names]
        client.transport.close()
        await turns(patience)
        server.close()
        after = await attempt(loop.create_unix_connection(lambda: Tap(None), path))
        return listening, told, client.log, taps[0].log, after


@case(11, NETWORK)
async def an_abstract_name(patience: int) -> Any:
    """An abstract name is one as text and as bytes; who has it, keeps it; it is shown as bytes."""
    if sys.platform != "linux":
        return "no such names here"
    loop: Any = asyncio.get_running_loop()  # typeshed knows no names in bytes
    seen: List[Any] = []
    for spelled in (str, os.fsencode):
        text = f"\0streamgauge-{os.getpid()}-{id(seen)}"
        own, other = spelled(text), text if spelled is os.fsencode else os.fsencode(text)
        seen.append(await attempt(loop.create_unix_connection(lambda: Tap(None), own)))
        taps: List[Tap] = []

        def factory(taps: List[Tap] = taps) -> Tap:
            taps.append(Tap(None, keep_open=False))
            return taps[-1]

        server = await loop.create_unix_server(factory, own)
        client = Tap(None, keep_open=False)
        await loop.create_unix_connection(lambda client=client: client, other)
        client.transport.write(b"hello")
        await turns(patience)
        names = [server.sockets[0].getsockname()]
        for transport in (client.transport, taps[0].transport):
            names += [transport.get_extra_info(key) for key in ("sockname", "peername")]
        seen += [name == os.fsencode(text) or name for name in names]
        seen.append(await attempt(loop.create_unix_server(lambda: Tap(None), other)))
        client.transport.close()
        server.close()
        await turns(patience)
        seen.append(taps[0].log)
        seen.append(await attempt(loop.create_unix_connection(lambda: Tap(None), own)))
    return seen


@case(11, NETWORK)
async def a_unix_path_is_taken_over(patience: int) -> Any:
    """A second server on a path takes it over in silence."""
    loop = asyncio.get_running_loop()
    with _path() as path:
        servers = [await loop.create_unix_server(lambda: Tap(None), path) for _ in range(2)]
        client = Tap(None, keep_open=False)
        await loop.create_unix_connection(lambda: client, path)
        client.transport.abort()
        for server in servers:
            server.close()
        await turns(patience)
        return client.log
