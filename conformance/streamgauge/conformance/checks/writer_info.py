"""Checks of `StreamWriter.transport` and `get_extra_info`: what a connection tells about itself."""

from __future__ import annotations

import socket

from streamgauge.conformance.registry import PAIRS, SERVERS, check
from streamgauge.conformance.trial import Trial

SOCKETS = ("socketpair", "tcp", "tcp6", "unix", "tls")  # the links with a socket of their own
PLAIN = ("socketpair", "tcp", "tcp6", "unix", "own")
TLS = ("tls",)
TLS_DETAILS = ("sslcontext", "ssl_object", "cipher", "peercert")


@check("writer.transport.underlying-transport", links=PAIRS)
async def transport_is_what_the_writer_writes_to(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"by the writer, ")
    writer.transport.write(b"by the transport")
    t.equal(await t.peer.recv_exactly(31), b"by the writer, by the transport")
    for name in ("peername", "sockname", "socket", "no such name"):
        t.equal(writer.transport.get_extra_info(name), writer.get_extra_info(name), name)
    t.equal(writer.transport.is_closing(), False, "transport.is_closing()")
    writer.close()
    t.equal(writer.transport.is_closing(), True, "transport.is_closing() after writer.close()")


@check("writer.transport.underlying-transport", links=PAIRS)
async def closing_the_transport_closes_the_writer(t: Trial) -> None:
    _, writer = await t.pair()
    writer.transport.abort()
    t.equal(writer.is_closing(), True, "is_closing() after transport.abort()")
    t.equal(await t.peer.recv_until_eof(), b"")


@check("writer.get_extra_info.peername", links=SOCKETS)
async def peername_is_the_address_of_the_peer(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.get_extra_info("peername"), t.peer.sock.getsockname())


@check("writer.get_extra_info.peername", links=SERVERS)
async def peername_is_the_address_of_a_client(t: Trial) -> None:
    _, writer = await t.accept_pair()
    t.equal(writer.get_extra_info("peername"), t.peer.sock.getsockname())


@check("writer.get_extra_info.sockname", links=SOCKETS)
async def sockname_is_the_own_address_as_the_peer_sees_it(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.get_extra_info("sockname"), t.peer.sock.getpeername())


@check("writer.get_extra_info.sockname", links=SERVERS)
async def sockname_is_the_address_that_a_client_chose(t: Trial) -> None:
    _, writer = await t.accept_pair()
    t.equal(writer.get_extra_info("sockname"), t.peer.sock.getpeername())


@check("writer.get_extra_info.socket", links=SOCKETS)
async def socket_answers_for_the_connection(t: Trial) -> None:
    _, writer = await t.pair()
    sock = writer.get_extra_info("socket")
    t.equal(sock.family, t.peer.sock.family, "family")
    t.equal(sock.getsockname(), t.peer.sock.getpeername(), "getsockname()")
    t.equal(sock.getpeername(), t.peer.sock.getsockname(), "getpeername()")
    kind = sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    t.equal(kind, socket.SOCK_STREAM, "getsockopt(SOL_SOCKET, SO_TYPE)")


@check("writer.get_extra_info.tls-details", links=TLS)
async def tls_tells_context_cipher_and_certificate(t: Trial) -> None:
    _, writer = await t.pair()
    context = t.tls.client_context()
    t.true(writer.get_extra_info("sslcontext") is context, "sslcontext to be the one passed")
    ssl_object = writer.get_extra_info("ssl_object")
    t.equal(writer.get_extra_info("cipher"), ssl_object.cipher(), "cipher")
    t.equal(writer.get_extra_info("peercert"), ssl_object.getpeercert(), "peercert")
    names = writer.get_extra_info("peercert")["subjectAltName"]
    t.true(("DNS", t.tls.HOSTNAME) in names, f"{t.tls.HOSTNAME} among the names {names}")


@check("writer.get_extra_info.tls-details", links=PLAIN)
async def a_plain_connection_has_no_tls_details(t: Trial) -> None:
    _, writer = await t.pair()
    for name in TLS_DETAILS:
        t.equal(writer.get_extra_info(name), None, name)


@check("writer.get_extra_info.unknown-is-none", links=PAIRS)
async def an_unknown_name_gives_none(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.get_extra_info("no such name"), None)


@check("writer.get_extra_info.default-returned", links=PAIRS)
async def an_unknown_name_gives_the_default(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.get_extra_info("no such name", "by position"), "by position")
    t.equal(writer.get_extra_info("no such name", default="by name"), "by name")
    t.equal(writer.get_extra_info("no such name", 0), 0)
