"""Checks of what a cancelled call leaves behind that makes or ends a connection or a server.

Each hands the call to `t.unless_cancelled`. As written the call goes through; under the plans that
follow it is cancelled at each of its waits, and the check looks at what is left, and calls again.
What else may not be left (a descriptor, a task, a transport) is a matter of the clauses on hygiene.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from streamgauge.conformance.links import AnyListener, AnyPeer
from streamgauge.conformance.registry import TCP, check
from streamgauge.conformance.speech import PLAIN, Speech
from streamgauge.conformance.trial import Trial

NETWORK = (*TCP, "tls")  # where open_connection is given a host and a port
UNIX = ("unix",)
UNENCRYPTED = (*TCP, "unix")
RESOLVER = "a name that is looked up in a thread"


# --- connecting --------------------------------------------------------------------------------


@check("open_connection.connect.cancel-leaves-nothing", links=NETWORK)
@check("open_unix_connection.connect.cancel-leaves-nothing", links=UNIX)
async def a_connection_that_was_begun_ends_and_the_next_is_made(t: Trial) -> None:
    listener = t.listen()
    accepting = t.start(accepted(t, listener))
    streams = await t.unless_cancelled("connect", t.open(listener))
    if streams is t.CANCELLED:
        await t.knock(listener.sock.getsockname())  # taken in its place if none was begun
        with contextlib.suppress(OSError):  # a handshake that breaks off is an end as well
            await ended(await accepting)
        listener = t.listen()
        accepting = t.start(accepted(t, listener))
        streams = await t.open(listener)
    peer = await accepting
    reader, writer = streams
    writer.write(b"ping")
    t.equal(await peer.recv_exactly(4), b"ping", "at the peer")
    await peer.send(b"pong")
    t.equal(await reader.readexactly(4), b"pong", "at the reader")


async def ended(peer: AnyPeer) -> None:
    """Have a peer see the end of its connection, and answer it: TLS waits for that."""
    await peer.recv_until_eof()
    await peer.close()


async def accepted(t: Trial, listener: AnyListener) -> AnyPeer:
    """Take a connection; under TLS answer only once the subject has no more to do of itself."""
    peer = await listener.accept(PLAIN)
    await t.idle()
    if t.link == "tls":
        await peer.speak(t.tls.as_server())
    return peer


@check("open_connection.connect.cancel-leaves-nothing", links=("tcp",), kernel=RESOLVER)
async def a_name_that_was_being_looked_up_is_connected_to(t: Trial) -> None:
    t.need_localhost()
    there = t.listen().sock.getsockname()

    async def connect() -> Any:
        return await t.subject.open_connection("localhost", there[1], family=socket.AF_INET)

    streams = await t.unless_cancelled("connect", connect())
    if streams is t.CANCELLED:
        streams = await connect()
    _reader, writer = streams
    t.writers.append(writer)
    t.equal(writer.get_extra_info("peername"), there, "whom it is connected to")


@check("writer.start_tls.cancel-leaves-nothing", links=("socketpair", "tcp"))
async def a_connection_whose_upgrade_was_cancelled_can_be_closed(t: Trial) -> None:
    client, name = t.tls.client_context(), t.tls.HOSTNAME
    _reader, writer = await t.pair()
    shaking = t.start(upgraded(t.peer, t.tls.as_server()))
    upgrading = writer.start_tls(client, server_hostname=name)
    if await t.unless_cancelled("start_tls", upgrading) is t.CANCELLED:
        writer.close()
        with contextlib.suppress(OSError):  # a handshake that breaks off is an end as well
            await ended(await shaking)
        with contextlib.suppress(OSError):  # whether it is an error is left open
            await writer.wait_closed()
        _reader, writer = await t.pair()
        shaking = t.start(upgraded(t.peer, t.tls.as_server()))
        await writer.start_tls(client, server_hostname=name)
    peer = await shaking
    writer.write(b"secret")
    t.equal(await peer.recv_exactly(6), b"secret", "decrypted by the peer")


async def upgraded(peer: AnyPeer, speech: Speech) -> AnyPeer:
    """Have a peer shake hands on its connection."""
    await peer.speak(speech)
    return peer


# --- serving -----------------------------------------------------------------------------------


@check("start_server.serve.cancel-leaves-nothing", links=TCP)
@check("start_unix_server.serve.cancel-leaves-nothing", links=UNIX)
async def nobody_listens_and_the_address_can_be_had_again(t: Trial) -> None:
    address, arrivals = t.spare_address(), t.arrivals()
    server = await t.unless_cancelled("serve", t.start_server(arrivals, address))
    if server is t.CANCELLED:
        await t.idle()
        t.false(await t.knock(address), "nobody to listen")
        await t.start_server(arrivals, address)
    await t.dial()
    await arrivals.get()


@check("server.start_serving.cancel-leaves-usable", links=UNENCRYPTED)
async def a_server_can_be_told_again_to_serve(t: Trial) -> None:
    address, arrivals = t.spare_address(), t.arrivals()
    server = await t.serve(arrivals, address, start_serving=False)
    if await t.unless_cancelled("start_serving", server.start_serving()) is t.CANCELLED:
        await server.start_serving()
    await t.dial(address)
    await arrivals.get()
    server.close()
    await t.idle()
    t.false(await t.knock(address), "nobody to listen any more")


@check("server.wait_closed.cancel-leaves-others", links=UNENCRYPTED)
async def another_wait_goes_on_and_a_later_one_works(t: Trial) -> None:
    _reader, writer = await t.accept_pair()
    server = t.servers[-1]
    server.close()
    other = t.start(server.wait_closed())
    waiting = t.start(t.unless_cancelled("server-wait_closed", server.wait_closed()))
    await t.idle()
    t.false(other.cancelled(), "wait_closed() beside a cancelled one to go on")
    later = t.start(server.wait_closed())
    writer.close()
    await t.peer.close()
    for each in (waiting, other, later):
        await each


@check("server.serve_forever.second-cancel-ends", links=UNENCRYPTED)
async def cancelled_again_it_waits_for_no_client(t: Trial) -> None:
    address, arrivals = t.spare_address(), t.arrivals()
    server = await t.serve(arrivals, address)
    await t.dial()
    await arrivals.get()
    serving = t.start(server.serve_forever())
    await t.still_waits(serving, "serve_forever()")
    serving.cancel()
    await t.idle()  # it may wait for its client now
    await t.cancel(serving, "serve_forever(), cancelled a second time,")
    t.false(await t.knock(address), "nobody to listen any more")
