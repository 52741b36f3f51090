"""TLS over memory transports, on both sides, through the running Python's own TLS protocol.

The records, alerts and handshakes are OpenSSL's, and what becomes of them is asyncio's, version
by version, so a fake connection under TLS fails where a real one does. asyncio's loops put TLS on
memory transports themselves. uvloop's `start_tls` refuses transports that are not its own, so there
asyncio's is put in place of it. Certificates are in `certificates`.
"""

from __future__ import annotations

import asyncio
from asyncio import sslproto
from typing import TYPE_CHECKING, Any, Optional

from . import quirks
from .takeover import Layer
from .transport import MemoryTransport

if TYPE_CHECKING:
    import ssl

__all__ = ["app_protocol", "app_transport", "layer_for", "protocol_for", "start_tls"]


def protocol_for(
    loop: asyncio.AbstractEventLoop,
    protocol: asyncio.BaseProtocol,
    context: ssl.SSLContext,
    waiter: Optional[asyncio.Future[None]] = None,
    *,
    server_side: bool,
    server_hostname: Optional[str] = None,
    call_connection_made: bool = True,
    ssl_handshake_timeout: Optional[float] = None,
    ssl_shutdown_timeout: Optional[float] = None,
) -> asyncio.Protocol:
    """Make the protocol that speaks TLS below and the user's protocol above.

    Args:
        loop: the loop.
        protocol: the user's protocol.
        context: the TLS context.
        waiter: resolved once the handshake is over, or failed with its error.
        server_side: whether this end is the server.
        server_hostname: the name that the peer's certificate is checked against.
        call_connection_made: tell the user's protocol of the connection.
        ssl_handshake_timeout: seconds; None is asyncio's default.
        ssl_shutdown_timeout: seconds, from Python 3.11 on; None is asyncio's default.
    """
    options: Any = {"ssl_handshake_timeout": ssl_handshake_timeout}
    if quirks.TLS_HAS_A_SHUTDOWN_TIMEOUT:
        options["ssl_shutdown_timeout"] = ssl_shutdown_timeout
    make: Any = sslproto.SSLProtocol
    made: asyncio.Protocol = make(
        loop,
        protocol,
        context,
        waiter,
        server_side,
        server_hostname,
        call_connection_made=call_connection_made,
        **options,
    )
    return made


def app_transport(tls_protocol: Any) -> asyncio.Transport:
    """Give the transport that the user's protocol writes to."""
    made = tls_protocol._app_transport
    if made is None:  # made on demand since Python 3.11
        made = tls_protocol._get_app_transport()
    return made  # type: ignore[no-any-return]


def app_protocol(protocol: Any) -> Optional[asyncio.BaseProtocol]:
    """Give the user's protocol, if a transport's is the one that speaks TLS below it.

    Args:
        protocol: the transport's protocol.

    Returns:
        The user's; None for a protocol without TLS, or if the connection has ended.
    """
    above: Optional[asyncio.BaseProtocol] = None
    if isinstance(protocol, sslproto.SSLProtocol):
        above = protocol._app_protocol  # type: ignore[attr-defined, unused-ignore]
    return above


async def start_tls(
    loop: asyncio.AbstractEventLoop, transport: Any, *args: Any, **kwargs: Any
) -> asyncio.Transport:
    """Put TLS on a memory transport that is in use, by the running asyncio's own method.

    It is the base loop's, called on whatever loop is running: it asks a loop for `call_soon` and
    `create_future` alone. So another loop's connections in memory get asyncio's TLS, with all that
    this release mends, as they get asyncio's transport.
    """
    start: Any = asyncio.BaseEventLoop.start_tls
    made: asyncio.Transport = await start(loop, transport, *args, **kwargs)
    return made


def takes_memory(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop's own `start_tls` takes memory transports: every loop of asyncio's does."""
    return isinstance(loop, asyncio.BaseEventLoop)


def over_memory(transport: Any) -> bool:
    """Whether a transport is a memory transport, or TLS over one."""
    while transport is not None and not isinstance(transport, MemoryTransport):
        below = getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)
        transport = below
    return transport is not None


def layer_for(loop: asyncio.AbstractEventLoop) -> Layer:
    """Give a layer that makes the loop's `start_tls` take memory transports."""

    async def start(transport: Any, *args: Any, **kwargs: Any) -> Any:
        if over_memory(transport):
            return await start_tls(loop, transport, *args, **kwargs)
        return await layer.below("start_tls")(transport, *args, **kwargs)

    layer = Layer(loop, {"start_tls": start})
    return layer
