"""What transports of various Pythons and loops do that their interface does not say.

Each function here levels one such difference, so that the modules above can be written against
one kind of transport, and says which Pythons need it. No stream objects and no state live here.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Callable


def is_closing(transport: Any) -> bool:
    """Return whether a transport is closing or closed, a lost one of any Python included.

    asyncio's TLS transport up to 3.10 forgets what it needs to answer when the connection is
    lost, one turn before the protocol hears of it, and raises AttributeError from then on.
    """
    try:
        # Nothing but True counts: a stand-in that answers with some object is not closing.
        return transport.is_closing() is True
    except AttributeError:
        return hasattr(transport, "is_closing")


def closes_unbounded(transport: Any) -> bool:
    """Return whether this transport is closing and may wait for its peer for ever.

    asyncio's TLS transport up to 3.10 waits for the peer's close_notify without a bound. Later
    versions, and other loops, have one of their own.
    """
    return (
        sys.version_info < (3, 11)
        and type(transport).__module__ == "asyncio.sslproto"
        and is_closing(transport)
    )


def delivers_once_a_turn(transport: Any) -> bool:
    """Return whether a read that was woken runs before this transport delivers again.

    asyncio's own socket transports receive once a turn of the loop. uvloop's go on as long as
    there is more, and TLS may hand on several pieces of what came at once.
    """
    return type(transport).__module__ == "asyncio.selector_events"


def receives_in_place(transport: Any) -> bool:
    """Return whether this transport writes what it receives into a BufferedProtocol's memory.

    asyncio's and uvloop's of sockets do. TLS decrypts there, or copies; asyncio's of pipes know
    no BufferedProtocol.
    """
    return type(transport).__module__ in ("asyncio.selector_events", "uvloop.loop")


def keep_paused(loop: asyncio.AbstractEventLoop, transport: Any) -> None:
    """Make a pause hold that was asked for while the transport was being set up.

    asyncio's socket transports up to 3.11.3 start to read right after ``connection_made``,
    whatever that asked for. To be called in ``connection_made``; no data comes in between.
    """
    if sys.version_info < (3, 11, 4) and not is_reading(transport):
        loop.call_soon(_pause_again, transport)


def is_reading(transport: Any) -> bool:
    """Return whether a transport delivers what it receives; true for one that can't say."""
    try:
        return transport.is_reading() is not False
    except (AttributeError, NotImplementedError, RuntimeError):
        return True


def _pause_again(transport: Any) -> None:
    if not is_reading(transport) and not is_closing(transport):
        transport.resume_reading()  # it takes itself for paused, and would ignore the pause
        transport.pause_reading()


async def start_tls(
    loop: asyncio.AbstractEventLoop,
    transport: Any,
    protocol: Any,
    sslcontext: Any,
    *,
    received: Callable[[], bytes] | None = None,
    **options: Any,
) -> Any:
    """Put TLS between a transport and its protocol, as ``loop.start_tls`` does.

    Args:
        loop: The loop of the transport.
        transport: The plain transport.
        protocol: Its protocol, which stays the receiver, of decrypted data from now on.
        sslcontext: What to make the TLS connection with.
        received: Gives, and forgets, the bytes that came in before the protocol was exchanged and
            belong to the handshake. They are handed to the TLS layer between the start of the
            handshake and the next read of the socket, which Python does from 3.13.13 on for its
            own streams only.
        options: Passed to ``loop.start_tls``.

    Returns:
        The new transport.

    Raises:
        ConnectionAbortedError: The connection was closed during the handshake.
        Exception: Whatever ``loop.start_tls`` raises.

    Cancelling it once the handshake has begun closes the connection.
    """
    # A Task of its own, which no task factory can start early: so its first step and the
    # hand-over are queued in this order, and the steps that they queue are, too.
    handshake = asyncio.Task(
        loop.start_tls(transport, protocol, sslcontext, **options),
        loop=loop,
    )
    if received is not None:
        loop.call_soon(loop.call_soon, _hand_over, handshake, transport, protocol, received)
    upgraded = await handshake
    if upgraded is None:  # up to 3.10, after an orderly end of the connection
        raise ConnectionAbortedError("the connection was closed during the TLS handshake")
    return upgraded


def disown_tls(transport: Any) -> None:
    """Let go of a TLS layer whose handshake was given up when it had just come to its end.

    asyncio up to 3.10 would complain that its transport, which nobody has got, was not closed.
    """
    unseen = getattr(transport.get_protocol(), "_app_transport", None)
    if sys.version_info < (3, 11) and hasattr(unseen, "_closed"):
        unseen._closed = True


def _hand_over(
    handshake: asyncio.Future[Any], transport: Any, protocol: Any, received: Callable[[], bytes]
) -> None:
    """Give the TLS layer what was received before it was there."""
    tls = transport.get_protocol()
    if handshake.done() or tls is protocol:
        return
    data = received()
    if not isinstance(tls, asyncio.BufferedProtocol) and hasattr(tls, "data_received"):
        if data:
            tls.data_received(data)
        return
    while data:
        room = tls.get_buffer(len(data))
        taken = min(len(room), len(data))
        room[:taken] = data[:taken]
        tls.buffer_updated(taken)
        data = data[taken:]
