"""Cases about protocols: buffered ones, changing them, and `start_tls` (line 9)."""

from __future__ import annotations

import asyncio
from typing import Any

from ..certificates import tls_contexts
from .cases import PLAIN, TCP, case
from .seen import Pair, raised


@case(9)
async def another_protocol_takes_over(pair: Pair) -> Any:
    """What comes after `set_protocol` goes to the new one, which isn't told it has begun."""
    first = pair.server.tap()
    pair.client.transport.write(b"one")
    await pair.settle()
    second = pair.server.tap()
    same = pair.server.transport.get_protocol() is second
    pair.client.transport.write(b"two")
    await pair.settle()
    pair.server.transport.close()
    await pair.settle()
    return same, first.log, second.log


@case(9)
async def a_buffered_protocol(pair: Pair) -> Any:
    """A buffered protocol is filled through its own buffer, then told of EOF and the end."""
    tap = pair.server.buffered_tap(16, keep_open=False)
    pair.client.transport.write(b"0123456789" * 10)
    pair.client.transport.close()
    await pair.settle()
    return tap.log, tap.largest <= 16


@case(9, PLAIN)
async def a_buffer_without_room(pair: Pair) -> Any:
    """An empty buffer is an error of the protocol's."""
    tap = pair.server.buffered_tap(0)
    pair.client.transport.write(b"x")
    await pair.settle()
    return tap.log, pair.handled


@case(9)
async def from_plain_to_buffered_and_back(pair: Pair) -> Any:
    """The kind of the protocol can change while bytes come."""
    taps = [pair.server.tap()]
    pair.client.transport.write(b"one")
    await pair.settle()
    taps.append(pair.server.buffered_tap())
    pair.client.transport.write(b"two")
    await pair.settle()
    taps.append(pair.server.tap())
    pair.client.transport.write(b"three")
    await pair.settle()
    return [tap.log for tap in taps]


@case(9, TCP, needs_threads=True)
async def tls_on_a_connection_in_use(pair: Pair) -> Any:
    """`start_tls` on both sides of a connection that has carried plain bytes."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = (side.tap() for side in pair.sides)
    a.transport.write(b"plain")
    await pair.settle()
    made: Any = await asyncio.gather(
        loop.start_tls(a.transport, a, client_context, server_hostname="localhost"),
        loop.start_tls(b.transport, b, server_context, server_side=True),
    )
    made[0].write(b"secret")
    made[1].write(b"answer")
    await pair.settle()
    versions = [each.get_extra_info("ssl_object").version() for each in made]
    for each in made:
        each.close()
    await pair.settle()
    return versions, a.log, b.log


@case(9, TCP, needs_threads=True)
async def tls_with_a_name_that_is_wrong(pair: Pair) -> Any:
    """`start_tls` fails on the client if the certificate is another's."""
    server_context, client_context = tls_contexts("localhost")
    loop = asyncio.get_running_loop()
    a, b = (side.tap() for side in pair.sides)
    made: Any = await asyncio.gather(
        loop.start_tls(a.transport, a, client_context, server_hostname="elsewhere"),
        loop.start_tls(b.transport, b, server_context, server_side=True),
        return_exceptions=True,
    )
    client = made[0]  # what the server sees of it is a matter of timing
    return raised(client).type if isinstance(client, BaseException) else "made"
