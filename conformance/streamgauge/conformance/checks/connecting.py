"""Checks of what `open_connection` and `open_unix_connection` promise in the same words.

Each function tries a clause of either: the link decides which of the two is called. What only
one of them has stands in the module of its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio import LimitOverrunError

from streamgauge.conformance.registry import SOCK, TCP, check
from streamgauge.conformance.speech import PLAIN
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import AF_UNIX

NETWORK = (*TCP, "tls")  # where open_connection is given a host and a port
ALL = ("socketpair", *NETWORK)  # where the link is made by open_connection at all
TLS = ("tls",)
UNIX = ("unix",)  # where it is made by open_unix_connection; TLS is tried there too

HANDSHAKE_TIMEOUT_S = 0.02  # long enough for a ClientHello to leave, short enough to await
SHUTDOWN_TIMEOUT_S = 0.01  # the peer never answers, so that only the waiting takes its time


@check("open_connection.connect.establishes-connection", links=NETWORK)
@check("open_unix_connection.connect.establishes-connection", links=UNIX)
async def bytes_go_both_ways_between_client_and_listener(t: Trial) -> None:
    reader, writer = await t.connect()
    writer.write(b"ping")
    t.equal(await t.peer.recv_exactly(4), b"ping", "at the peer")
    await t.peer.send(b"pong!")
    t.equal(await reader.readexactly(5), b"pong!", "at the reader")


@check("open_connection.loop.accepted", links=ALL)
@check("open_unix_connection.loop.accepted", links=UNIX)
async def the_running_loop_may_be_named(t: Trial) -> None:
    with t.warnings():
        reader, writer = await t.connect(loop=asyncio.get_running_loop())
    writer.write(b"ping")
    t.equal(await t.peer.recv_exactly(4), b"ping")
    await t.peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong")


@check("open_connection.loop.deprecated", links=("socketpair", *TCP))
@check("open_unix_connection.loop.deprecated", links=UNIX)
async def naming_the_loop_gives_a_deprecation_warning(t: Trial) -> None:
    with t.warnings() as seen:
        await t.connect(loop=asyncio.get_running_loop())
    told = [str(one.message) for one in seen if issubclass(one.category, DeprecationWarning)]
    t.true(any("loop" in text for text in told), f"a DeprecationWarning about loop, not {told}:")


@check("open_connection.loop.removed", links=("socketpair", *TCP))
@check("open_unix_connection.loop.removed", links=UNIX)
async def naming_the_loop_is_refused(t: Trial) -> None:
    with t.warnings(), t.raises(TypeError):
        await t.connect(loop=asyncio.get_running_loop())


# --- limit -------------------------------------------------------------------------------------


@check("open_connection.limit.default-64-kib", links=ALL)
@check("open_unix_connection.limit.default-64-kib", links=UNIX)
async def without_a_limit_it_is_64_kib_exactly(t: Trial) -> None:
    reader, _ = await t.pair()
    await t.deliver(b"x" * 65536 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 65536 + b"\n")
    await t.deliver(b"y" * 65537 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_connection.limit.sets-reader-limit", links=ALL)
@check("open_unix_connection.limit.sets-reader-limit", links=UNIX)
async def the_limit_given_is_the_readers(t: Trial) -> None:
    reader, _ = await t.pair(limit=10)
    await t.deliver(b"x" * 10 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 10 + b"\n")
    await t.deliver(b"y" * 11 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_connection.limit.none-is-default", links=ALL)
@check("open_unix_connection.limit.none-is-default", links=UNIX)
async def none_stands_for_64_kib(t: Trial) -> None:
    reader, _ = await t.connect(limit=None)
    await t.deliver(b"x" * 65536 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 65536 + b"\n")
    await t.deliver(b"y" * 65537 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_connection.limit.not-positive-rejected", links=ALL)
@check("open_unix_connection.limit.not-positive-rejected", links=UNIX)
async def a_limit_of_zero_or_below_is_rejected(t: Trial) -> None:
    with t.raises(ValueError):
        await t.connect(limit=0)
    with t.raises(ValueError):
        await t.connect(limit=-1)


# --- ssl and what belongs to it ----------------------------------------------------------------


@check("open_connection.ssl.context-encrypts", links=TLS)
@check("open_unix_connection.ssl.context-encrypts", links=UNIX)
async def the_peer_speaks_tls_and_the_streams_carry_plain_bytes(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(listener.accept(t.tls.as_server()))
    reader, writer = await t.open(
        listener, ssl=t.tls.client_context(), server_hostname=t.tls.HOSTNAME
    )
    peer = await accepting
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")
    await peer.send(b"answer")
    t.equal(await reader.readexactly(6), b"answer", "decrypted by the reader")


@check("open_connection.ssl_handshake_timeout.bounds-handshake", links=TLS)
@check("open_unix_connection.ssl_handshake_timeout.bounds-handshake", links=UNIX)
async def an_unanswered_handshake_ends_with_an_error(t: Trial) -> None:
    listener = t.listen()
    opening = t.start(
        t.open(
            listener,
            ssl=t.tls.client_context(),
            server_hostname=t.tls.HOSTNAME,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
        )
    )
    silent = await listener.accept(PLAIN)
    t.true(await silent.recv(1), "the handshake to have begun")
    with t.raises((OSError, asyncio.TimeoutError)):
        await opening


@check("open_connection.ssl_shutdown_timeout.bounds-closing", links=TLS)
@check("open_unix_connection.ssl_shutdown_timeout.bounds-closing", links=UNIX)
async def closing_waits_for_a_silent_peer_no_longer_than_told(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(listener.accept(t.tls.as_server()))
    _, writer = await t.open(
        listener,
        ssl=t.tls.client_context(),
        server_hostname=t.tls.HOSTNAME,
        ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )
    await accepting  # and from now on the peer reads nothing, so it answers nothing
    writer.close()
    with contextlib.suppress(OSError, asyncio.TimeoutError):  # whether it complains is left open
        await writer.wait_closed()
    t.true(writer.is_closing(), "the writer to be closed")


# --- sock --------------------------------------------------------------------------------------


@check("open_connection.sock.closed-by-writer", links=TCP, kernel=SOCK)
@check("open_unix_connection.sock.closed-by-writer", links=UNIX, kernel=SOCK)
async def the_writer_closes_the_socket_it_was_given(t: Trial) -> None:
    listener = t.listen()
    sock = socket.socket(listener.sock.family, socket.SOCK_STREAM)
    t.bench.on_exit(sock.close)
    sock.connect(listener.sock.getsockname())
    sock.setblocking(False)
    unix = sock.family == AF_UNIX
    function = t.subject.open_unix_connection if unix else t.subject.open_connection
    _, writer = await function(sock=sock)
    peer = await listener.accept(PLAIN)
    writer.close()
    t.equal(await peer.recv_until_eof(), b"", "what the peer was sent")
    await writer.wait_closed()
    t.equal(sock.fileno(), -1, "the socket's descriptor")
