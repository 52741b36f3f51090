"""Checks of `open_unix_connection`: what it returns, what it refuses, and each of its parameters.

The peer listens at a path in a folder of the trial's own. What `open_connection` promises in the
same words is tried in `connecting`.
"""

from __future__ import annotations

import pathlib
import socket
import ssl

from streamgauge.conformance.registry import SOCK, check
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import AF_UNIX

UNIX = ("unix",)


# --- the connection ----------------------------------------------------------------------------


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


# --- ssl ---------------------------------------------------------------------------------------


@check("open_unix_connection.ssl.context-encrypts", links=UNIX)
async def the_certificate_has_to_bear_the_name_given(t: Trial) -> None:
    listener = t.listen()
    t.start(listener.accept(t.tls.as_server()))
    with t.raises(ssl.SSLCertVerificationError):
        await t.open(listener, ssl=t.tls.client_context(), server_hostname="elsewhere.invalid")


# --- sock --------------------------------------------------------------------------------------


@check("open_unix_connection.sock.adopted", links=UNIX, kernel=SOCK)
async def a_connected_socket_is_used_as_it_is(t: Trial) -> None:
    listener = t.listen()
    sock = socket.socket(AF_UNIX, socket.SOCK_STREAM)
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
