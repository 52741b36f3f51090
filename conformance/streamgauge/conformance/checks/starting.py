"""Checks of what `start_server` and `start_unix_server` promise in the same words.

Each function tries a clause of either: the link decides which of the two is called. What only
one of them has stands in the module of its name, what a server then is in `serving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio import LimitOverrunError
from typing import Any

from streamgauge.conformance.registry import SOCK, TCP, check
from streamgauge.conformance.speech import PLAIN
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import family_of

INET = (*TCP, "tls")  # whatever start_server can listen on
TLS = ("tls",)
UNIX = ("unix",)  # what start_unix_server listens on; TLS is tried there too
HANDSHAKE_TIMEOUT_S = 0.01  # the peer never begins, so that only the waiting takes its time
SHUTDOWN_TIMEOUT_S = 0.01  # the peer never answers, so that only the waiting takes its time


@check("start_server.loop.accepted", links=TCP)
@check("start_unix_server.loop.accepted", links=UNIX)
async def the_running_loop_may_be_named(t: Trial) -> None:
    arrivals = t.arrivals()
    with t.warnings():
        await t.start_server(arrivals, loop=asyncio.get_running_loop())
    await t.dial()
    await arrivals.get()


@check("start_server.loop.deprecated", links=TCP)
@check("start_unix_server.loop.deprecated", links=UNIX)
async def naming_the_loop_gives_a_deprecation_warning(t: Trial) -> None:
    with t.warnings() as seen:
        await t.start_server(t.arrivals(), loop=asyncio.get_running_loop())
    told = [str(one.message) for one in seen if issubclass(one.category, DeprecationWarning)]
    t.true(any("loop" in text for text in told), f"a DeprecationWarning about loop, not {told}:")


@check("start_server.loop.removed", links=TCP)
@check("start_unix_server.loop.removed", links=UNIX)
async def naming_the_loop_is_refused(t: Trial) -> None:
    with t.warnings(), t.raises(TypeError):
        await t.start_server(t.arrivals(), loop=asyncio.get_running_loop())


# --- limit -------------------------------------------------------------------------------------


@check("start_server.limit.default-64-kib", links=INET)
@check("start_unix_server.limit.default-64-kib", links=UNIX)
async def by_default_records_of_64_kib_fit_and_longer_ones_overrun(t: Trial) -> None:
    reader, _writer = await t.accept_pair()
    await t.deliver(bytes(65536) + b"\n")
    t.equal(await reader.readuntil(b"\n"), bytes(65536) + b"\n", "the record")
    await t.deliver(bytes(65537) + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("start_server.limit.sets-reader-limit", links=INET)
@check("start_unix_server.limit.sets-reader-limit", links=UNIX)
async def the_limit_is_the_readers(t: Trial) -> None:
    arrivals = t.arrivals()
    await t.start_server(arrivals, limit=10)
    await t.dial()
    reader, _writer = await arrivals.get()
    await t.deliver(b"0123456789\n")
    t.equal(await reader.readuntil(b"\n"), b"0123456789\n")
    await t.deliver(b"0123456789x\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("start_server.limit.none-is-default", links=TCP)
@check("start_unix_server.limit.none-is-default", links=UNIX)
async def with_limit_none_clients_are_served_with_64_kib(t: Trial) -> None:
    arrivals = t.arrivals()

    def greet(reader: Any, writer: Any) -> None:
        writer.write(b"hello")
        arrivals(reader, writer)

    await t.start_server(greet, limit=None)
    await t.dial()
    t.equal(await t.peer.recv_exactly(5), b"hello", "what the client was told")
    reader, _writer = await arrivals.get()
    await t.deliver(bytes(65536) + b"\n")
    t.equal(await reader.readuntil(b"\n"), bytes(65536) + b"\n", "the record")
    await t.deliver(bytes(65537) + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("start_server.limit.not-positive-rejected", links=INET)
@check("start_unix_server.limit.not-positive-rejected", links=UNIX)
async def a_limit_that_is_not_positive_is_refused_at_once(t: Trial) -> None:
    for limit in (0, -1):
        with t.raises(ValueError):
            await t.start_server(t.arrivals(), limit=limit)


# --- ssl and what belongs to it ----------------------------------------------------------------


@check("start_server.ssl.context-encrypts", links=TLS)
@check("start_unix_server.ssl.context-encrypts", links=UNIX)
async def clients_speak_tls_and_the_handler_plain_bytes(t: Trial) -> None:
    arrivals = t.arrivals()
    await t.start_server(arrivals, ssl=t.tls.server_context())
    await t.dial(speech=t.tls.as_client())
    reader, writer = await arrivals.get()
    await t.peer.send(b"question")
    t.equal(await reader.readexactly(8), b"question")
    writer.write(b"answer")
    t.equal(await t.peer.recv_exactly(6), b"answer")


@check("start_server.ssl_handshake_timeout.bounds-handshake", links=TLS)
@check("start_unix_server.ssl_handshake_timeout.bounds-handshake", links=UNIX)
async def a_client_that_never_shakes_hands_is_disconnected(t: Trial) -> None:
    if asyncio.get_running_loop().get_debug():
        t.expect_loop_errors()  # only then does asyncio tell of a failed handshake
    arrivals = t.arrivals()
    await t.start_server(
        arrivals, ssl=t.tls.server_context(), ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S
    )
    silent = await t.dial(speech=PLAIN)
    t.equal(await silent.recv_until_eof(), b"", "what the silent client was sent")
    t.equal(arrivals.count, 0, "handlers called")


@check("start_server.ssl_shutdown_timeout.bounds-closing", links=TLS)
@check("start_unix_server.ssl_shutdown_timeout.bounds-closing", links=UNIX)
async def closing_waits_for_a_silent_client_no_longer_than_told(t: Trial) -> None:
    arrivals = t.arrivals()
    await t.start_server(
        arrivals, ssl=t.tls.server_context(), ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S
    )
    await t.dial(speech=t.tls.as_client())
    _reader, writer = await arrivals.get()
    writer.close()  # the client reads nothing, so it answers nothing
    with contextlib.suppress(OSError, asyncio.TimeoutError):  # whether it complains is left open
        await writer.wait_closed()
    t.true(writer.is_closing(), "the writer to be closed")


# --- sock --------------------------------------------------------------------------------------


@check("start_server.sock.closed-by-server", links=TCP, kernel=SOCK)
@check("start_unix_server.sock.closed-by-server", links=UNIX, kernel=SOCK)
async def the_server_closes_the_socket_it_was_given(t: Trial) -> None:
    unix, address = t.link == "unix", t.spare_address()
    sock = socket.socket(family_of(address))
    t.bench.on_exit(sock.close)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the address is held
    sock.bind(address)
    start = t.subject.start_unix_server if unix else t.subject.start_server
    server = await start(t.arrivals(), sock=sock)
    server.close()
    await server.wait_closed()
    await t.idle()
    t.equal(sock.fileno(), -1, "the socket's descriptor")
    t.false(await t.knock(address), "nobody to listen any more")


# --- start_serving -----------------------------------------------------------------------------


@check("start_server.start_serving.false-waits", links=TCP)
@check("start_unix_server.start_serving.false-waits", links=UNIX)
async def clients_come_in_only_after_start_serving(t: Trial) -> None:
    arrivals = t.arrivals()
    server = await t.start_server(arrivals, start_serving=False)
    address = server.sockets[0].getsockname()
    await t.knock(address)
    await t.idle()
    t.equal(arrivals.count, 0, "clients served before start_serving()")
    await server.start_serving()
    await t.dial(address)
    await arrivals.get()


@check("start_server.start_serving.false-waits", links=TCP)
@check("start_unix_server.start_serving.false-waits", links=UNIX)
async def clients_come_in_only_after_serve_forever(t: Trial) -> None:
    arrivals = t.arrivals()
    server = await t.start_server(arrivals, start_serving=False)
    address = server.sockets[0].getsockname()
    await t.knock(address)
    await t.idle()
    t.equal(arrivals.count, 0, "clients served before serve_forever()")
    t.start(server.serve_forever())
    await t.idle()
    await t.dial(address)
    await arrivals.get()
