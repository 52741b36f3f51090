"""Checks of the page's three examples, run as programs on the subject's functions.

A program here is our own, with the sequence of documented calls that the example has; ports are
the kernel's choice, and what an example prints is kept to be looked at. What a program leaves
behind when it ends is a matter of the runner's hygiene clauses.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, List, Tuple

from streamgauge.conformance.links import AnyListener
from streamgauge.conformance.peer import Peer
from streamgauge.conformance.registry import TCP, check
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import PlainWire

MESSAGE = "Water under the bridge"


# --- the echo client ---------------------------------------------------------------------------


@check("examples.tcp-echo-client", links=TCP)
async def the_echo_client_gets_its_message_back_and_closes(t: Trial) -> None:
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    echoing = t.start(echo_once(listener))

    reader, writer = await t.subject.open_connection(host, port)
    writer.write(MESSAGE.encode())
    await writer.drain()
    data = await reader.read(100)
    writer.close()
    await writer.wait_closed()

    t.equal(data.decode(), MESSAGE)
    t.equal(await echoing, b"", "what the server got after the message")


@check("examples.tcp-echo-client", links=TCP)
async def the_shorter_echo_client_waits_for_neither_drain_nor_close(t: Trial) -> None:
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    echoing = t.start(echo_once(listener))

    reader, writer = await t.subject.open_connection(host, port)
    writer.write(MESSAGE.encode())
    data = await reader.read(100)
    writer.close()

    t.equal(data.decode(), MESSAGE)
    t.equal(await echoing, b"", "what the server got after the message")


async def echo_once(listener: AnyListener) -> bytes:
    """Serve one client from a thread: send its message back, and give what follows up to EOF."""
    peer = await listener.accept()
    await peer.send(await peer.recv(100))
    return await peer.recv_until_eof()


# --- the echo server ---------------------------------------------------------------------------


@check("examples.tcp-echo-server", links=TCP)
async def the_echo_server_answers_one_client_after_the_other(t: Trial) -> None:
    said: List[Tuple[str, Any]] = []
    host = t.listen().sock.getsockname()[0]

    async def echo(reader: Any, writer: Any) -> None:
        t.writers.append(writer)  # held on to, so that nothing but close() closes it
        data = await reader.read(100)
        said.append((data.decode(), writer.get_extra_info("peername")[:2]))
        writer.write(data)
        await writer.drain()
        writer.close()

    async def serve(server: Any) -> None:
        async with server:
            await server.serve_forever()

    server = await t.subject.start_server(echo, host, 0)
    t.servers.append(server)
    address = server.sockets[0].getsockname()
    t.equal(address[0], host, "the host it serves on")
    serving = t.start(serve(server))
    for message in ("first", "second"):
        peer = await t.dial(address)
        await peer.send(message.encode())
        t.equal(await peer.recv_until_eof(), message.encode(), "the echo")
        t.equal(said.pop(), (message, peer.sock.getsockname()[:2]), "message and client")
    await t.still_waits(serving, "serve_forever()")
    await t.cancel(serving, "serve_forever()")


# --- an open socket ----------------------------------------------------------------------------


@check("examples.register-open-socket", links=("socketpair",), kernel="an open socket")
async def one_end_of_a_pair_is_read_with_streams_and_closed(t: Trial) -> None:
    read_end, write_end = socket.socketpair()
    t.bench.on_exit(read_end.close)
    beside = Peer(PlainWire(write_end.dup()), t.bench)  # sees the read end close

    reader, writer = await t.subject.open_connection(sock=read_end)
    asyncio.get_running_loop().call_soon(write_end.send, MESSAGE.encode())
    data = await reader.read(100)
    writer.close()
    write_end.close()

    t.equal(data.decode(), MESSAGE)
    t.equal(await beside.recv_until_eof(), b"", "what the other end got")
