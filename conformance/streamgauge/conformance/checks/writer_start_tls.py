"""Checks of `StreamWriter.start_tls`: an open connection that goes on under TLS.

The peer speaks in the clear first; then it shakes hands on the same connection, in a task beside
the check.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from functools import partial
from typing import Any

from streamgauge.conformance.checks.reader_large import MESSAGE, PART, READING, SIZE
from streamgauge.conformance.checks.reader_state import logged
from streamgauge.conformance.links import AnyPeer
from streamgauge.conformance.registry import TCP, check
from streamgauge.conformance.speech import Speech
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import AF_UNIX

PLAIN = ("socketpair", *TCP, "unix")  # what can be upgraded
LISTENING = (*TCP, "unix")  # where a handler can upgrade
LIMIT = 1024  # bytes
TURNS = 1_000  # of write and drain, a KiB each: more than any buffer on the way holds
TAKEN_AT_MOST = 16 * 1024 * 1024  # bytes; the kernel's buffers on both sides are far smaller

HANDSHAKE_TIMEOUT_S = 0.02  # long enough for a ClientHello to leave, short enough to await
SHUTDOWN_TIMEOUT_S = 0.01  # the peer never answers, so that only the waiting takes its time


def upgraded(t: Trial, speech: Speech) -> asyncio.Task[AnyPeer]:
    """Have the peer shake hands on the same connection."""

    async def shake() -> AnyPeer:
        await t.peer.speak(speech)
        return t.peer

    return t.start(shake())


async def upgraded_client(t: Trial, **arguments: Any) -> Any:
    """Give reader, writer and peer of a connection that the subject upgraded as its client."""
    reader, writer = await t.pair(**arguments)
    shaking = upgraded(t, t.tls.as_server())
    with t.setup("writer.start_tls.upgrades"):
        await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
    return reader, writer, await shaking


async def held_back(t: Trial, reader: Any, peer: Any) -> None:
    """See that a peer can't send without end, and can send on once everything is read."""
    sent = await peer.fill(TAKEN_AT_MOST)
    t.true(sent < TAKEN_AT_MOST, f"the peer to be held back before {TAKEN_AT_MOST:,} bytes")
    sending = t.start(peer.send(b"the end"))
    received = bytearray()
    while not received.endswith(b"the end"):
        received += await reader.read(2**16)
    await sending


# --- the upgrade -------------------------------------------------------------------------------


@check("writer.start_tls.upgrades", links=PLAIN)
async def plain_bytes_go_both_ways_while_the_peer_speaks_tls(t: Trial) -> None:
    reader, writer = await t.pair()
    shaking = upgraded(t, t.tls.as_server())
    await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
    peer = await shaking
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")
    await peer.send(b"answer")
    t.equal(await reader.readexactly(6), b"answer", "decrypted by the reader")


@check("writer.start_tls.upgrades", links=PLAIN)
async def drains_and_the_peers_end_go_on_as_before(t: Trial) -> None:
    reader, writer, peer = await upgraded_client(t)
    writer.write(b"secret")
    await t.is_done(t.start(writer.drain()), "drain()")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")
    await peer.send(b"the last", eof=True)
    t.equal(await reader.read(), b"the last", "what comes before the peer's end")


@check("writer.start_tls.server-side", links=LISTENING)
async def a_handler_upgrades_as_the_server(t: Trial) -> None:
    reader, writer = await t.accept_pair()
    shaking = upgraded(t, t.tls.as_client())
    await writer.start_tls(t.tls.server_context())
    peer = await shaking
    await peer.send(b"question")
    t.equal(await reader.readexactly(8), b"question", "decrypted by the reader")
    writer.write(b"answer")
    t.equal(await peer.recv_exactly(6), b"answer", "decrypted by the peer")


@check("writer.start_tls.earlier-writes-sent-plain", links=PLAIN)
async def what_was_written_before_leaves_in_the_clear(t: Trial) -> None:
    _reader, writer = await t.pair()
    writer.write(b"STARTTLS\n")
    starting = t.start(writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME))
    t.equal(await t.peer.recv_exactly(9), b"STARTTLS\n", "what the peer read in the clear")
    peer = await upgraded(t, t.tls.as_server())
    await starting
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret")


@check("writer.start_tls.earlier-writes-sent-plain", links=PLAIN)
async def a_full_buffer_leaves_in_the_clear_and_drains_go_on(t: Trial) -> None:
    _reader, writer = await t.pair()
    blocked, written = await t.fill_until_drain_blocks(writer)
    starting = t.start(writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME))
    await t.still_waits(starting, "start_tls()")
    t.equal(await t.peer.recv_exactly(written), bytes(written), "what the peer read in the clear")
    await blocked
    peer = await upgraded(t, t.tls.as_server())
    await starting
    writer.write(b"secret")
    await t.is_done(t.start(writer.drain()), "drain()")
    t.equal(await peer.recv_exactly(6), b"secret")


@check("writer.start_tls.end-not-warned-of", links=PLAIN)
async def the_peers_end_after_an_upgrade_leaves_no_word_in_the_log(t: Trial) -> None:
    reader, _writer, peer = await upgraded_client(t)
    with logged() as texts:
        await peer.send(b"the last", eof=True)
        t.equal(await reader.read(), b"the last", "what comes before the peer's end")
    t.equal(texts, [], "what was logged")


@check("writer.start_tls.early-hello-used", links=LISTENING)
async def a_handshake_that_began_early_succeeds(t: Trial) -> None:
    reader, writer = await t.accept_pair()
    shaking = upgraded(t, t.tls.as_client(ahead=b"STARTTLS\n"))
    t.equal(await reader.readline(), b"STARTTLS\n")  # the ClientHello came in the same piece
    await writer.start_tls(t.tls.server_context())
    peer = await shaking
    await peer.send(b"question")
    t.equal(await reader.readexactly(8), b"question")


@check("writer.start_tls.transport-tells", links=PLAIN)
async def the_transport_is_the_encrypted_one(t: Trial) -> None:
    _reader, writer, _peer = await upgraded_client(t)
    context = t.tls.client_context()
    t.true(writer.get_extra_info("sslcontext") is context, "sslcontext to be the one given")
    t.true(writer.get_extra_info("cipher"), "a cipher")
    t.equal(writer.transport.get_extra_info("cipher"), writer.get_extra_info("cipher"), "cipher")


@check("writer.start_tls.reading-is-bounded", links=PLAIN)
async def a_peer_that_sends_on_and_on_is_held_back(t: Trial) -> None:
    reader, _writer, peer = await upgraded_client(t, limit=LIMIT)
    await held_back(t, reader, peer)


@check(
    "writer.start_tls.reading-stays-bounded",
    links=PLAIN,
    spares={"pieces": "a piece that comes while reading is paused belongs to the handshake"},
)
async def a_peer_is_held_back_if_reading_was_paused_before(t: Trial) -> None:
    reader, writer = await t.pair(limit=LIMIT)
    await t.deliver(bytes(3 * LIMIT))
    shaking = upgraded(t, t.tls.as_server())
    await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
    peer = await shaking
    await held_back(t, reader, peer)


@check("writer.start_tls.earlier-bytes-readable", links=PLAIN)
async def bytes_from_before_the_handshake_spoil_none_after_it(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(b"slipped in\n")
    shaking = upgraded(t, t.tls.as_server())
    await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
    peer = await shaking
    await peer.send(b"encrypted\n")
    line = await reader.readline()
    if line == b"slipped in\n":  # which an implementation may keep
        line = await reader.readline()
    t.equal(line, b"encrypted\n", "the first line")


@check("writer.start_tls.lost-connection-raises", links=PLAIN)
async def a_sender_learns_of_a_reset_after_the_upgrade(t: Trial) -> None:
    _reader, writer, peer = await upgraded_client(t)
    writer.write(b"!")  # left unread: what resets a unix socket when it is closed
    await peer.readable()
    await writer.drain()
    peer.reset_unseen()
    with t.raises(ConnectionError):
        for _ in range(TURNS):
            writer.write(bytes(LIMIT))
            await writer.drain()


@check("writer.start_tls.refused-leaves-connection", links=PLAIN)
async def an_upgrade_refused_for_an_argument_leaves_the_connection_as_it_was(t: Trial) -> None:
    reader, writer = await t.pair()
    name = t.tls.HOSTNAME
    with t.raises(TypeError):
        await writer.start_tls("no context", server_hostname=name)
    with t.raises(ValueError):
        await writer.start_tls(
            t.tls.client_context(), server_hostname=name, ssl_handshake_timeout=-1
        )
    writer.write(b"in the clear")
    t.equal(await t.peer.recv_exactly(12), b"in the clear", "what the peer received")
    await t.deliver(b"answer")
    t.equal(await reader.readexactly(6), b"answer")


@check("writer.start_tls.earlier-bytes-readable", links=PLAIN, needs=("readexactly",))
async def a_large_message_may_begin_in_the_clear(t: Trial) -> None:
    reader, writer = await t.pair()
    await t.deliver(MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.deliver(MESSAGE[PART : 2 * PART])
    shaking = upgraded(t, t.tls.as_server())
    await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
    peer = await shaking
    await peer.send(MESSAGE[2 * PART :] + MESSAGE)
    got = await t.is_done(reading, READING)
    if got[: -2 * PART] != MESSAGE[2 * PART :]:  # an implementation may discard what was clear
        t.equal(got, MESSAGE)


# --- who the peer is ---------------------------------------------------------------------------


@check("writer.start_tls.untrusted-certificate-raises", links=PLAIN)
async def a_certificate_of_a_strange_authority_is_refused(t: Trial) -> None:
    _reader, writer = await t.pair()
    upgraded(t, t.tls.as_server())
    with t.raises(ssl.SSLCertVerificationError):
        await writer.start_tls(t.tls.stranger_context(), server_hostname=t.tls.HOSTNAME)


async def nobody_waits(t: Trial, *waiting: asyncio.Task[Any]) -> None:
    """Expect calls that wait for a connection to have ended, in whatever way."""
    await t.idle()
    for call, name in zip(waiting, ("read()", "wait_closed()")):
        t.true(call.done(), f"{name} to have ended")
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await call


@check("writer.start_tls.failure-closes", links=PLAIN)
async def after_a_handshake_that_failed_nobody_waits_any_more(t: Trial) -> None:
    reader, writer = await t.pair()
    reading, closing = t.start(reader.read()), t.start(writer.wait_closed())
    upgraded(t, t.tls.as_server())
    with t.raises(ssl.SSLCertVerificationError):
        await writer.start_tls(t.tls.stranger_context(), server_hostname=t.tls.HOSTNAME)
    t.equal(writer.is_closing(), True, "is_closing()")
    await nobody_waits(t, reading, closing)


@check("writer.start_tls.failure-closes", links=PLAIN)
async def after_a_handshake_that_was_cancelled_nobody_waits_any_more(t: Trial) -> None:
    reader, writer = await t.pair()
    reading, closing = t.start(reader.read()), t.start(writer.wait_closed())
    starting = t.start(writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME))
    t.true(await t.peer.recv(1), "the handshake to have begun")
    await t.cancel(starting, "start_tls()")
    t.equal(writer.is_closing(), True, "is_closing()")
    await nobody_waits(t, reading, closing)


@check("writer.start_tls.certificate-name-verified", links=PLAIN)
async def the_certificate_has_to_bear_the_name_given(t: Trial) -> None:
    _reader, writer = await t.pair()
    upgraded(t, t.tls.as_server())
    with t.raises(ssl.SSLCertVerificationError):
        await writer.start_tls(t.tls.client_context(), server_hostname="elsewhere.invalid")


@check("writer.start_tls.hostname-required", links=PLAIN)
async def a_forgotten_name_is_refused_before_anything_is_sent(t: Trial) -> None:
    _reader, writer = await t.pair()
    with t.raises(ValueError):
        await asyncio.wait_for(writer.start_tls(t.tls.client_context()), HANDSHAKE_TIMEOUT_S)
    writer.write(b"in the clear")
    t.equal(await t.peer.recv_exactly(12), b"in the clear", "what the peer received")


@check(
    "handler.exception.after-upgrade-ends-tls", links=("unix",), kernel="TLS over a socket itself"
)
async def the_client_of_a_handler_that_upgraded_and_crashed_is_told_the_end(t: Trial) -> None:
    t.expect_loop_errors()

    async def crash(reader: Any, writer: Any) -> None:
        await writer.start_tls(t.tls.server_context())
        raise RuntimeError("crashed on purpose")

    await t.serve(crash)
    sock = socket.socket(AF_UNIX)
    t.bench.on_exit(sock.close)
    await t.bench.run(sock.connect, t.servers[-1].sockets[0].getsockname())
    context = t.tls.client_context()
    # Set by Python 3.10 and 3.11 over OpenSSL 3: an end that is cut off would look like one told.
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    speak = partial(
        context.wrap_socket,
        sock,
        server_hostname=t.tls.HOSTNAME,
        suppress_ragged_eofs=False,
    )
    with await t.bench.run(speak) as secure:
        try:
            told = await t.bench.run(secure.recv, 1)
        except (OSError, ssl.SSLError) as error:
            told = error
        t.equal(told, b"", "what the client was told last")


# --- time-outs ---------------------------------------------------------------------------------


@check("writer.start_tls.handshake-timeout-bounds-handshake", links=PLAIN)
async def an_unanswered_handshake_ends_with_an_error(t: Trial) -> None:
    _reader, writer = await t.pair()
    starting = t.start(
        writer.start_tls(
            t.tls.client_context(),
            server_hostname=t.tls.HOSTNAME,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
        )
    )
    t.true(await t.peer.recv(1), "the handshake to have begun")
    with t.raises((OSError, asyncio.TimeoutError)):
        await starting


@check("writer.start_tls.shutdown-timeout-bounds-closing", links=PLAIN)
async def closing_waits_for_a_silent_peer_no_longer_than_told(t: Trial) -> None:
    _reader, writer = await t.pair()
    shaking = upgraded(t, t.tls.as_server())
    await writer.start_tls(
        t.tls.client_context(),
        server_hostname=t.tls.HOSTNAME,
        ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
    )
    await shaking  # and from now on the peer reads nothing, so it answers nothing
    writer.close()
    with contextlib.suppress(OSError, asyncio.TimeoutError):  # whether it complains is left open
        await writer.wait_closed()
    t.true(writer.is_closing(), "the writer to be closed")
