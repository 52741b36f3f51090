"""Checks of `open_connection`: what it returns, what it refuses, and each of its parameters.

The peer is a listener in a thread, or the other end of a socket pair. What the streams do once
they are connected is tried in the modules on reader and writer; what `open_unix_connection`
promises in the same words, in `connecting`.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl

from streamgauge.conformance.peer import Peer
from streamgauge.conformance.registry import SOCK, TCP, check
from streamgauge.conformance.speech import PLAIN
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import TlsWire, abandon

NETWORK = (*TCP, "tls")  # where open_connection is given a host and a port
ALL = ("socketpair", *NETWORK)  # where the link is made by open_connection at all


OTHER_FAMILY = {socket.AF_INET: socket.AF_INET6, socket.AF_INET6: socket.AF_INET}


# --- the connection ----------------------------------------------------------------------------


@check("open_connection.connect.returns-pair", links=TCP)
async def the_result_for_an_address_is_a_reader_and_a_writer(t: Trial) -> None:
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    reader, writer = await t.subject.open_connection(host, port)
    t.writers.append(writer)
    t.is_instance(reader, t.subject.StreamReader, "the first object")
    t.is_instance(writer, t.subject.StreamWriter, "the second object")


@check("open_connection.connect.returns-pair", links=("socketpair", "tls"))
async def the_result_is_a_reader_and_a_writer(t: Trial) -> None:
    reader, writer = await t.connect()
    t.is_instance(reader, t.subject.StreamReader, "the first object")
    t.is_instance(writer, t.subject.StreamWriter, "the second object")


@check("open_connection.connect.refused-raises", links=TCP)
async def an_address_without_a_listener_is_refused(t: Trial) -> None:
    host, port = t.spare_address()[:2]
    with t.raises(ConnectionRefusedError):
        await t.subject.open_connection(host, port)


@check("open_connection.connect.cancel-closes-socket", links=("tls",))
async def a_cancelled_handshake_ends_the_connection(t: Trial) -> None:
    listener = t.listen()
    opening = t.start(t.open(listener))
    peer = await listener.accept(PLAIN)
    t.true(await peer.recv(1), "the handshake to have begun")
    await t.cancel(opening, "open_connection()")
    with contextlib.suppress(ConnectionResetError):  # a reset ends the connection as well
        await peer.recv_until_eof()


@check("open_connection.host.missing-rejected", links=("tcp",))
async def a_call_without_any_address_is_rejected(t: Trial) -> None:
    with t.raises(ValueError):
        await t.subject.open_connection()


# --- loop --------------------------------------------------------------------------------------


@check("open_connection.loop.optional", links=ALL)
async def the_running_loop_is_found_without_being_named(t: Trial) -> None:
    reader, _ = await t.connect()
    reading = t.start(reader.read(100))
    await t.still_waits(reading, "read()")
    await t.peer.send(b"heard")
    t.equal(await t.is_done(reading, "read()"), b"heard")


# --- ssl and what belongs to it ----------------------------------------------------------------


@check("open_connection.ssl.context-encrypts", links=("socketpair",), kernel=SOCK)
async def a_socket_handed_over_is_encrypted_as_well(t: Trial) -> None:
    ours, theirs = socket.socketpair()
    t.bench.on_exit(lambda: abandon(ours))
    t.bench.on_exit(theirs.close)
    accepting = t.start(t.bench.run(TlsWire, ours, t.tls.as_server()))
    reader, writer = await t.subject.open_connection(
        sock=theirs, ssl=t.tls.client_context(), server_hostname=t.tls.HOSTNAME
    )
    t.writers.append(writer)
    peer = Peer(await accepting, t.bench)
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")
    await peer.send(b"answer")
    t.equal(await reader.readexactly(6), b"answer", "decrypted by the reader")


@check("open_connection.ssl.untrusted-certificate-raises", links=("tls",))
async def a_certificate_of_a_strange_authority_is_refused(t: Trial) -> None:
    listener = t.listen()
    t.start(listener.accept())
    with t.raises(ssl.SSLCertVerificationError):
        await t.open(listener, ssl=t.tls.stranger_context())


@check("open_connection.server_hostname.verified", links=("tls",))
async def the_certificate_has_to_bear_the_name_given(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(listener.accept())
    await t.open(listener, server_hostname=t.tls.HOSTNAME)
    await accepting
    t.start(listener.accept())
    with t.raises(ssl.SSLCertVerificationError):  # though it bears the host, an address
        await t.open(listener, server_hostname="elsewhere.invalid")


@check("open_connection.server_hostname.without-ssl-rejected", links=("socketpair", *TCP))
async def a_name_to_verify_without_tls_is_rejected(t: Trial) -> None:
    with t.raises(ValueError):
        await t.connect(server_hostname=t.tls.HOSTNAME)


# --- family, proto, flags, local_addr ----------------------------------------------------------


@check("open_connection.family.passed-on", links=TCP)
async def an_address_of_another_family_is_refused(t: Trial) -> None:
    listener = t.listen()
    family = listener.sock.family
    _, writer = await t.open(listener, family=family)
    t.equal(writer.get_extra_info("socket").family, family, "the socket's family")
    with t.raises(OSError):
        await t.open(listener, family=OTHER_FAMILY[family])


@check("open_connection.proto.passed-on", links=TCP)
async def a_protocol_that_is_none_of_a_streams_is_refused(t: Trial) -> None:
    listener = t.listen()
    _, writer = await t.open(listener, proto=socket.IPPROTO_TCP)
    writer.write(b"ping")
    peer = await listener.accept()
    t.equal(await peer.recv_exactly(4), b"ping")
    with t.raises(OSError):
        await t.open(listener, proto=socket.IPPROTO_ICMP)


@check("open_connection.flags.passed-on", links=TCP)
async def numeric_host_allows_an_address_and_no_name(t: Trial) -> None:
    listener = t.listen()
    await t.open(listener, flags=socket.AI_NUMERICHOST)
    port = listener.sock.getsockname()[1]
    with t.raises(socket.gaierror):
        await t.subject.open_connection("localhost", port, flags=socket.AI_NUMERICHOST)


@check("open_connection.local_addr.passed-on", links=("tcp",))
async def the_peer_sees_the_address_asked_for(t: Trial) -> None:
    listener = t.listen()
    address = another_loopback_address()
    await t.open(listener, local_addr=(address, 0))
    peer = await listener.accept()
    t.equal(peer.sock.getpeername()[0], address, "where the connection comes from")


@check("open_connection.local_addr.passed-on", links=TCP)
async def an_address_that_somebody_holds_cannot_be_had(t: Trial) -> None:
    listener = t.listen()
    taken = listener.sock.getsockname()[:2]
    with t.raises(OSError) as refused:
        await t.open(listener, local_addr=taken)
    t.equal(refused.value.errno, errno.EADDRINUSE, "errno")


def another_loopback_address() -> str:
    """Give an address besides 127.0.0.1; systems that have not got all of 127/8 have no other."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.2", 0))
        return "127.0.0.2"
    return "127.0.0.1"


# --- sock --------------------------------------------------------------------------------------


@check("open_connection.sock.adopted", links=("socketpair",), kernel=SOCK)
async def one_end_of_a_socket_pair_is_used_as_it_is(t: Trial) -> None:
    reader, writer = await t.connect()  # the link hands over one end, the peer holds the other
    writer.write(b"ping")
    t.equal(await t.peer.recv_exactly(4), b"ping")
    await t.peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong")


@check("open_connection.sock.adopted", links=TCP, kernel=SOCK)
async def a_connected_socket_is_used_as_it_is(t: Trial) -> None:
    listener = t.listen()
    sock = socket.socket(listener.sock.family, socket.SOCK_STREAM)
    t.bench.on_exit(sock.close)
    sock.connect(listener.sock.getsockname())
    sock.setblocking(False)
    address = sock.getsockname()
    reader, writer = await t.subject.open_connection(sock=sock)
    t.writers.append(writer)
    peer = await listener.accept()
    t.equal(writer.get_extra_info("sockname"), address, "the writer's own address")
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping")
    await peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong")


@check("open_connection.sock.with-host-rejected", links=("socketpair",), kernel=SOCK)
async def two_addresses_contradict_each_other(t: Trial) -> None:
    with t.raises(ValueError):
        await t.connect(host="127.0.0.1", port=9)  # the link adds sock=


@check("open_connection.sock.open-after-bad-limit", links=("socketpair",), kernel=SOCK)
async def a_socket_given_with_a_bad_limit_stays_the_callers(t: Trial) -> None:
    ours, theirs = socket.socketpair()
    t.bench.on_exit(ours.close)
    t.bench.on_exit(theirs.close)
    with t.raises(ValueError):
        await t.subject.open_connection(sock=theirs, limit=0)
    await t.idle()
    t.true(theirs.fileno() >= 0, "the socket to be open still")
    theirs.send(b"usable")
    t.equal(ours.recv(6), b"usable")


# --- the rest ----------------------------------------------------------------------------------


@check("open_connection.rest.passed-to-create-connection", links=NETWORK)
async def what_a_later_loop_may_know_reaches_it_unchanged(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(listener.accept())
    given = {"flags": socket.AI_NUMERICHOST, "novelty": object()}
    with t.loop_calls("create_connection", "novelty") as calls:
        await t.open(listener, **given)
    await accepting
    t.equal(len(calls), 1, "calls of create_connection")
    t.equal({name: calls[0].get(name) for name in given}, given, "what the loop was given")


@check("open_connection.rest.passed-to-create-connection", links=TCP)
async def whatever_the_running_loop_knows_may_be_named(t: Trial) -> None:
    listener = t.listen()
    usual = t.loop_keywords("create_connection")
    eyeballs = {"happy_eyeballs_delay": 0.25, "interleave": 1}  # not every loop knows them
    chosen = {name: eyeballs.get(name, default) for name, default in usual.items()}
    _, writer = await t.open(listener, **chosen)
    peer = await listener.accept()
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping")


@check("open_connection.rest.unknown-keyword-rejected", links=ALL)
async def a_misspelt_keyword_is_rejected(t: Trial) -> None:
    with t.raises(TypeError):
        await t.connect(hapy_eyeballs_delay=0.25)
