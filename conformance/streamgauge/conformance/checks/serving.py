"""Checks of the Server object: serving, closing, and what becomes of its connections.

How a server is started stands in `starting`, `start_server` and `start_unix_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from streamgauge.conformance.registry import SERVERS, TCP, check
from streamgauge.conformance.trial import Trial

PLAIN = (*TCP, "unix")  # TLS closes only once the client has answered


@check("server.sockets.listening-addresses", links=SERVERS)
async def clients_reach_the_addresses_that_sockets_tell(t: Trial) -> None:
    arrivals = t.arrivals()
    server = await t.serve(arrivals)
    t.true(server.sockets, "server.sockets not to be empty")
    for sock in server.sockets:
        await t.dial(sock.getsockname())
        await arrivals.get()


@check("server.serve_forever.serves-until-cancelled", links=SERVERS)
async def serve_forever_ends_by_cancellation_and_stops_listening(t: Trial) -> None:
    address, arrivals = t.spare_address(), t.arrivals()
    server = await t.serve(arrivals, address)
    serving = t.start(server.serve_forever())
    await t.still_waits(serving, "serve_forever()")
    await t.dial()
    _reader, writer = await arrivals.get()
    writer.write(b"hello")
    t.equal(await t.peer.recv_exactly(5), b"hello")
    await t.still_waits(serving, "serve_forever()")
    writer.close()
    t.equal(await t.peer.recv_until_eof(), b"")
    await t.peer.close()
    await writer.wait_closed()
    serving.cancel()
    with t.raises(asyncio.CancelledError):
        await serving
    t.false(await t.knock(address), "nobody to listen any more")


@check("server.serve_forever.cancel-ends-with-idle-client", links=PLAIN)
async def cancelling_serve_forever_waits_for_no_idle_client(t: Trial) -> None:
    entered, left = asyncio.Event(), asyncio.Event()

    async def wait(reader: Any, writer: Any) -> None:
        entered.set()
        await reader.read()
        writer.close()
        left.set()

    server = await t.serve(wait)
    serving = t.start(server.serve_forever())
    await t.dial()
    await entered.wait()
    await t.cancel(serving, "serve_forever() with a client that says nothing")
    await t.peer.close()
    await left.wait()


@check("server.async-with.closes", links=SERVERS)
async def leaving_the_block_stops_listening(t: Trial) -> None:
    address, arrivals = t.spare_address(), t.arrivals()
    server = await t.serve(arrivals, address)
    async with server:
        await t.dial()
        _reader, writer = await arrivals.get()
        writer.close()
        t.equal(await t.peer.recv_until_eof(), b"")
        await t.peer.close()
    t.false(await t.knock(address), "nobody to listen any more")


@check("server.close.stops-listening", links=SERVERS)
async def after_close_new_connections_are_refused(t: Trial) -> None:
    address = t.spare_address()
    server = await t.serve(t.arrivals(), address)
    server.close()
    await t.idle()
    t.false(await t.knock(address), "nobody to listen any more")


@check("server.close.keeps-connections", links=SERVERS)
async def connections_go_on_after_close(t: Trial) -> None:
    reader, writer = await t.accept_pair()
    t.servers[-1].close()
    await t.idle()
    await t.peer.send(b"ping")
    t.equal(await reader.readexactly(4), b"ping")
    writer.write(b"pong")
    t.equal(await t.peer.recv_exactly(4), b"pong")


@check("server.wait_closed.returns", links=SERVERS)
async def wait_closed_returns_once_the_connections_are_gone(t: Trial) -> None:
    _reader, writer = await t.accept_pair()
    server = t.servers[-1]
    server.close()
    writer.close()
    t.equal(await t.peer.recv_until_eof(), b"")
    await t.peer.close()
    await writer.wait_closed()
    await server.wait_closed()


@check("server.wait_closed.waits-for-connections", links=SERVERS)
async def wait_closed_waits_for_a_connection_that_is_open(t: Trial) -> None:
    _reader, writer = await t.accept_pair()
    server = t.servers[-1]
    server.close()
    waiting = t.start(server.wait_closed())
    await t.still_waits(waiting, "wait_closed() with a connection open")
    writer.close()
    await t.peer.close()
    await waiting


# --- ending the clients' connections (edition 3.13) --------------------------------------------


@check("server.close_clients.closes-connections", links=SERVERS)
async def close_clients_sends_what_was_written_and_closes(t: Trial) -> None:
    _reader, writer = await t.accept_pair()
    writer.write(b"goodbye")
    t.servers[-1].close_clients()
    t.equal(await t.peer.recv_until_eof(), b"goodbye", "what the client received")
    await t.peer.close()
    await writer.wait_closed()


@check("server.abort_clients.ends-connections", links=SERVERS)
async def abort_clients_ends_a_client_that_does_not_read(t: Trial) -> None:
    _reader, writer = await t.accept_pair()
    draining, _ = await t.fill_until_drain_blocks(writer)
    t.servers[-1].abort_clients()
    await t.idle()
    t.true(draining.done(), "the drain() that was waiting to have ended")
    t.true(writer.is_closing(), "the connection to be closed")
    with contextlib.suppress(OSError):
        await draining
