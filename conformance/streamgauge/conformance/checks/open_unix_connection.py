"""Checks of `open_unix_connection`: what it returns, what it refuses, and each of its parameters.

The peer listens at a path in a folder of the trial's own. TLS over a unix socket is tried here
too; the links themselves have it over TCP only.
"""

from __future__ import annotations

import asyncio
import pathlib
import socket
import ssl
from asyncio import LimitOverrunError

from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import PlainWire, TlsWire

UNIX = ("unix",)

HANDSHAKE_TIMEOUT_S = 0.05  # long enough for a ClientHello to leave, short enough to await


# --- the connection ----------------------------------------------------------------------------


@check("open_unix_connection.connect.establishes-connection", links=UNIX)
async def bytes_go_both_ways_between_client_and_listener(t: Trial) -> None:
    reader, writer = await t.connect()
    writer.write(b"ping")
    t.equal(await t.peer.recv_exactly(4), b"ping", "at the peer")
    await t.peer.send(b"pong!")
    t.equal(await reader.readexactly(5), b"pong!", "at the reader")


@check("open_unix_connection.connect.returns-pair", links=UNIX)
async def the_result_is_a_reader_and_a_writer(t: Trial) -> None:
    pair = await t.subject.open_unix_connection(t.listen().sock.getsockname())
    t.equal(len(pair), 2, "number of objects returned")
    reader, writer = pair
    t.writers.append(writer)
    t.is_instance(reader, t.subject.StreamReader, "the first object")
    t.is_instance(writer, t.subject.StreamWriter, "the second object")


@check("open_unix_connection.connect.absent-path-raises", links=UNIX)
async def a_path_with_nothing_there_is_not_found(t: Trial) -> None:
    beside = t.listen().sock.getsockname() + "-absent"
    with t.raises(FileNotFoundError):
        await t.subject.open_unix_connection(beside)


@check("open_unix_connection.path.path-like", links=UNIX)
async def the_path_may_be_a_path_object(t: Trial) -> None:
    listener = t.listen()
    path = pathlib.Path(listener.sock.getsockname())
    _, writer = await t.subject.open_unix_connection(path)
    t.writers.append(writer)
    peer = await listener.accept()
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping")


# --- loop --------------------------------------------------------------------------------------


@check("open_unix_connection.loop.accepted", links=UNIX)
async def the_running_loop_may_be_named(t: Trial) -> None:
    with t.warnings():
        reader, writer = await t.connect(loop=asyncio.get_running_loop())
    writer.write(b"ping")
    t.equal(await t.peer.recv_exactly(4), b"ping")
    await t.peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong")


# --- limit -------------------------------------------------------------------------------------


@check("open_unix_connection.limit.default-64-kib", links=UNIX)
async def without_a_limit_it_is_64_kib_exactly(t: Trial) -> None:
    reader, _ = await t.pair()
    await t.deliver(b"x" * 65536 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 65536 + b"\n")
    await t.deliver(b"y" * 65537 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_unix_connection.limit.sets-reader-limit", links=UNIX)
async def the_limit_given_is_the_readers(t: Trial) -> None:
    reader, _ = await t.pair(limit=10)
    await t.deliver(b"x" * 10 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 10 + b"\n")
    await t.deliver(b"y" * 11 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_unix_connection.limit.none-is-default", links=UNIX)
async def none_stands_for_64_kib(t: Trial) -> None:
    reader, _ = await t.connect(limit=None)
    await t.deliver(b"x" * 65536 + b"\n")
    t.equal(await reader.readuntil(b"\n"), b"x" * 65536 + b"\n")
    await t.deliver(b"y" * 65537 + b"\n")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"\n")


@check("open_unix_connection.limit.not-positive-rejected", links=UNIX)
async def a_limit_of_zero_or_below_is_rejected(t: Trial) -> None:
    with t.raises(ValueError):
        await t.connect(limit=0)
    with t.raises(ValueError):
        await t.connect(limit=-1)


# --- ssl ---------------------------------------------------------------------------------------


@check("open_unix_connection.ssl.context-encrypts", links=UNIX)
async def the_peer_speaks_tls_and_the_streams_carry_plain_bytes(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(listener.accept(lambda sock: TlsWire(sock, t.tls.server_context())))
    reader, writer = await t.open(
        listener, ssl=t.tls.client_context(), server_hostname=t.tls.HOSTNAME
    )
    peer = await accepting
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")
    await peer.send(b"answer")
    t.equal(await reader.readexactly(6), b"answer", "decrypted by the reader")


@check("open_unix_connection.ssl.context-encrypts", links=UNIX)
async def the_certificate_has_to_bear_the_name_given(t: Trial) -> None:
    listener = t.listen()
    t.start(listener.accept(lambda sock: TlsWire(sock, t.tls.server_context())))
    with t.raises(ssl.SSLCertVerificationError):
        await t.open(listener, ssl=t.tls.client_context(), server_hostname="elsewhere.invalid")


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
    silent = await listener.accept(PlainWire)
    t.true(await silent.recv(1), "the handshake to have begun")
    with t.raises((OSError, asyncio.TimeoutError)):
        await opening


# --- sock --------------------------------------------------------------------------------------


@check("open_unix_connection.sock.adopted", links=UNIX)
async def a_connected_socket_is_used_as_it_is(t: Trial) -> None:
    listener = t.listen()
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    t.bench.on_exit(sock.close)
    sock.connect(listener.sock.getsockname())
    sock.setblocking(False)
    reader, writer = await t.subject.open_unix_connection(sock=sock)
    t.writers.append(writer)
    peer = await listener.accept()
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping")
    await peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong")


# --- the rest ----------------------------------------------------------------------------------


@check("open_unix_connection.rest.passed-to-create-unix-connection", links=UNIX)
async def what_a_later_loop_may_know_reaches_it_unchanged(t: Trial) -> None:
    listener = t.listen()
    given = {"server_hostname": None, "novelty": object()}
    with t.loop_calls("create_unix_connection", "novelty") as calls:
        await t.open(listener, **given)
    await listener.accept()
    t.equal(len(calls), 1, "calls of create_unix_connection")
    t.equal({name: calls[0].get(name) for name in given}, given, "what the loop was given")


@check("open_unix_connection.rest.passed-to-create-unix-connection", links=UNIX)
async def whatever_the_running_loop_knows_may_be_named(t: Trial) -> None:
    listener = t.listen()
    usual = t.loop_keywords("create_unix_connection")
    _, writer = await t.open(listener, **usual)
    peer = await listener.accept()
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping")
