"""Parity cases that the published scores do not count yet: spellings, abstract names, wide views.

They are played as those of `streamgauge.fakes.parity` are, on the fake and on the kernel.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import Any, List

from streamgauge.fakes.parity import Case, Pair
from streamgauge.fakes.parity.cases import NETWORK, PLAIN
from streamgauge.fakes.parity.connecting import HOST, attempt, dial, tapped, turns
from streamgauge.fakes.parity.resolving import _resolved
from streamgauge.fakes.parity.seen import Tap, tried


async def writelines_of_wide_items(pair: Pair) -> Any:
    """What comes of `writelines` with a memoryview of items wider than a byte, in this Python."""
    tap, own, transport = pair.server.tap(), pair.client.tap(), pair.client.transport
    wide = memoryview(b"abcdefgh").cast("I")
    said = [tried(transport.writelines, [b"x", wide, b"y"])]
    await pair.settle()
    said.append(tried(transport.write, b"z"))
    await pair.settle()
    return said, transport.is_closing(), tap.log, own.log


async def writelines_of_a_view_in_parts(pair: Pair) -> Any:
    """What comes of `writelines` with a memoryview that skips items, in this Python."""
    tap, own, transport = pair.server.tap(), pair.client.tap(), pair.client.transport
    said = [tried(transport.writelines, [memoryview(b"abcdef")[::2]])]
    await pair.settle()
    return said, transport.is_closing(), tap.log, own.log


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


ON_PAIRS = [
    Case("uncounted.wide_items", 4, PLAIN, writelines_of_wide_items),
    Case("uncounted.a_view_in_parts", 4, PLAIN, writelines_of_a_view_in_parts),
]
ON_NETWORKS = [
    Case("uncounted.spellings", 12, NETWORK, addresses_in_other_spellings, True),
    Case("uncounted.a_server", 11, NETWORK, a_server_at_another_spelling, True),
    Case("uncounted.abstract", 11, NETWORK, an_abstract_name),
]
