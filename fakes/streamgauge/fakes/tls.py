"""TLS over memory transports, on both sides, through the running Python's own TLS protocol.

The records, alerts and handshakes are OpenSSL's, and what becomes of them is asyncio's, version
by version, so a fake connection under TLS fails where a real one does. uvloop's `start_tls`
refuses transports that are not its own, so there `start_tls` is put in place of it.
Certificates are in `certificates`.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from asyncio import sslproto
from typing import Any, Optional

from .takeover import Layer
from .transport import MemoryTransport

__all__ = ["app_protocol", "app_transport", "layer_for", "protocol_for", "start_tls"]

_HAS_SHUTDOWN_TIMEOUT = sys.version_info >= (3, 11)


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
    if _HAS_SHUTDOWN_TIMEOUT:
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
    loop: asyncio.AbstractEventLoop,
    transport: Any,
    protocol: asyncio.BaseProtocol,
    sslcontext: ssl.SSLContext,
    *,
    server_side: bool = False,
    server_hostname: Optional[str] = None,
    ssl_handshake_timeout: Optional[float] = None,
    ssl_shutdown_timeout: Optional[float] = None,
) -> asyncio.Transport:
    """Put TLS on a memory transport that is in use, as the loop's method of this name does.

    Raises:
        TypeError: ``sslcontext`` is not a context.
        ssl.SSLError: the handshake failed.
        ConnectionError: the connection ended during it, or it took too long.

    A cancellation closes the transport.
    """
    if not isinstance(sslcontext, ssl.SSLContext):
        raise TypeError(f"sslcontext got {sslcontext!r}, expected an instance of SSLContext")
    waiter = loop.create_future()
    tls = protocol_for(
        loop,
        protocol,
        sslcontext,
        waiter,
        server_side=server_side,
        server_hostname=server_hostname,
        call_connection_made=False,
        ssl_handshake_timeout=ssl_handshake_timeout,
        ssl_shutdown_timeout=ssl_shutdown_timeout,
    )
    transport.pause_reading()  # what comes from now on is for the TLS protocol
    transport.set_protocol(tls)
    made = loop.call_soon(tls.connection_made, transport)
    resumed = loop.call_soon(transport.resume_reading)
    try:
        await waiter
    except BaseException:
        made.cancel()
        resumed.cancel()
        transport.close()
        raise
    return app_transport(tls)


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
