"""Checks of `start_unix_server`: what listens at which path, and what each argument does to it.

What both functions promise in the same words stands in `starting`, what a handler is promised
in `handlers`, what the server object is in `serving`.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from os import unlink
from os.path import exists
from pathlib import Path
from typing import Any, List
from unittest import mock

from streamgauge.conformance.registry import SOCK, check
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.wires import AF_UNIX

UNIX = ("unix",)
LINUX_UNIX = UNIX if sys.platform == "linux" else ()  # where connect() tells of a full queue
QUEUE = "the queue of connections that are not accepted yet"
FILES = "a path in the file system"
NOVELTIES = ("known_to_this_loop_only", "limit", "loop")  # the last two must not get that far


# --- what listens where ------------------------------------------------------------------------


@check("start_unix_server.serve.accepts-connections", links=UNIX)
async def a_client_is_served_by_a_task_once_start_unix_server_has_returned(t: Trial) -> None:
    tasks: List[Any] = []

    async def answer(reader: Any, writer: Any) -> None:
        tasks.append(asyncio.current_task())
        t.is_instance(reader, t.subject.StreamReader)
        t.is_instance(writer, t.subject.StreamWriter)
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    path = t.path()
    t.servers.append(await t.subject.start_unix_server(answer, path))
    await t.dial(path)
    await t.peer.send(b"ping")
    t.equal(await t.peer.recv_exactly(6), b"<ping>")
    t.false(set(tasks) <= {None, asyncio.current_task()}, "the handler to run in a task of its own")


@check("start_unix_server.serve.returns-server", links=UNIX)
async def what_create_unix_server_made_is_returned(t: Trial) -> None:
    loop = asyncio.get_running_loop()
    create_unix_server = loop.create_unix_server
    made: List[Any] = []

    async def noting(*arguments: Any, **keywords: Any) -> Any:
        made.append(await create_unix_server(*arguments, **keywords))
        return made[0]

    with mock.patch.object(loop, "create_unix_server", noting):
        server = await t.start_server(t.arrivals())
    t.equal(len(made), 1, "servers that loop.create_unix_server made")
    t.true(server is made[0], "the Server object of loop.create_unix_server")
    t.true(server.sockets, "server.sockets not to be empty")
    t.true(asyncio.iscoroutine(serving := server.serve_forever()), "serve_forever() to be awaited")
    serving.close()
    server.close()


@check("start_unix_server.serve.plain-callback", links=UNIX)
async def a_plain_callback_is_called_with_the_streams(t: Trial) -> None:
    arrivals = t.arrivals()
    await t.start_server(arrivals)
    await t.dial()
    reader, writer = await arrivals.get()
    await t.peer.send(b"ping")
    t.equal(await reader.readexactly(4), b"ping")
    writer.write(b"pong")
    t.equal(await t.peer.recv_exactly(4), b"pong")


@check("start_unix_server.path.path-like", links=UNIX)
async def it_listens_at_a_path_like_object(t: Trial) -> None:
    path, arrivals = t.path(), t.arrivals()
    t.servers.append(await t.subject.start_unix_server(arrivals, Path(path)))
    await t.dial(path)
    await arrivals.get()


@check("start_unix_server.path.removed-on-close", links=UNIX, kernel=FILES)
async def the_path_is_gone_once_the_server_is_closed(t: Trial) -> None:
    server = await t.start_server(t.arrivals())
    path = server.sockets[0].getsockname()
    t.true(exists(path), "a socket at the path")  # noqa: ASYNC240 - a look, not a wait
    server.close()
    await t.idle()
    t.false(exists(path), "no socket at the path after close")  # noqa: ASYNC240 - a look, not a wait


@check("start_unix_server.path.listening-path-refused", links=UNIX, kernel=FILES)
async def a_path_where_somebody_listens_is_refused_and_stays_theirs(t: Trial) -> None:
    def first(reader: Any, writer: Any) -> None:
        writer.write(b"first")
        t.writers.append(writer)

    path = t.path()
    t.servers.append(await t.subject.start_unix_server(first, path))
    for again in (path, Path(path)):
        with t.raises(OSError):
            t.servers.append(await t.subject.start_unix_server(t.arrivals(), again))
    await t.dial(path)
    t.equal(await t.peer.recv_exactly(5), b"first", "who answers at the path")


@check("start_unix_server.path.listening-path-refused", links=UNIX, kernel=FILES)
async def whoever_listens_has_no_client_left_of_a_server_that_was_refused(t: Trial) -> None:
    path, arrivals = t.path(), t.arrivals()
    t.servers.append(await t.subject.start_unix_server(arrivals, path))
    with t.raises(OSError):
        t.servers.append(await t.subject.start_unix_server(t.arrivals(), path))
    await t.idle()
    for _ in range(arrivals.count):
        reader, _writer = await arrivals.get()
        t.equal(await t.is_done(t.start(reader.read()), "read()"), b"", "what the look has said")


# --- cleanup_socket ----------------------------------------------------------------------------


@check("start_unix_server.cleanup_socket.removes-path", links=UNIX, kernel=FILES)
async def closing_removes_the_path_unless_told_otherwise(t: Trial) -> None:
    for arguments in ({}, {"cleanup_socket": True}):
        server = await t.start_server(t.arrivals(), **arguments)
        path = server.sockets[0].getsockname()
        t.true(exists(path), "a socket at the path")  # noqa: ASYNC240 - a look, not a wait
        await closed(t, server)
        t.false(exists(path), f"no socket at the path after close, with {arguments}")  # noqa: ASYNC240


@check("start_unix_server.cleanup_socket.false-keeps-path", links=UNIX, kernel=FILES)
async def closing_leaves_the_path_where_that_was_asked_for(t: Trial) -> None:
    server = await t.start_server(t.arrivals(), cleanup_socket=False)
    path = server.sockets[0].getsockname()
    await closed(t, server)
    t.true(exists(path), "the path to be there still")  # noqa: ASYNC240 - a look, not a wait


@check("start_unix_server.cleanup_socket.replaced-path-kept", links=UNIX, kernel=FILES)
async def closing_leaves_a_path_that_is_somebody_elses_by_now(t: Trial) -> None:
    server = await t.start_server(t.arrivals())
    path = server.sockets[0].getsockname()
    unlink(path)
    successor = socket.socket(AF_UNIX)
    t.bench.on_exit(successor.close)
    successor.bind(path)
    successor.listen()
    await closed(t, server)
    t.true(exists(path), "the successor's path to be there still")  # noqa: ASYNC240 - a look
    t.true(await t.knock(path), "the successor to be reached")


async def closed(t: Trial, server: Any) -> None:
    """Close a server and wait until it is."""
    server.close()
    await server.wait_closed()
    await t.idle()


# --- what goes to loop.create_unix_server ------------------------------------------------------


@check("start_unix_server.sock.adopted", links=UNIX, kernel=SOCK)
async def it_listens_on_the_given_socket_and_no_other(t: Trial) -> None:
    sock = socket.socket(AF_UNIX)
    t.bench.on_exit(sock.close)
    sock.bind(t.path())
    arrivals = t.arrivals()
    server = await t.subject.start_unix_server(arrivals, sock=sock)
    t.servers.append(server)
    t.equal([s.getsockname() for s in server.sockets], [sock.getsockname()], "where it listens")
    await t.dial()
    await arrivals.get()


@check("start_unix_server.backlog.passed-on", links=UNIX)
async def create_unix_server_is_given_the_backlog(t: Trial) -> None:
    with t.loop_calls("create_unix_server") as calls:
        await t.start_server(t.arrivals(), backlog=7)
    t.equal([call.get("backlog") for call in calls], [7], "backlog")


@check("start_unix_server.backlog.passed-on", links=LINUX_UNIX, kernel=QUEUE)
async def the_kernel_queues_backlog_connections(t: Trial) -> None:
    path, arrivals = t.path(), t.arrivals()
    t.servers.append(await t.subject.start_unix_server(arrivals, path, backlog=2))
    taken = 0
    with t.raises(BlockingIOError):  # no turn of the loop: nothing is accepted in between
        while taken <= 100:
            queued = socket.socket(AF_UNIX)
            t.bench.on_exit(queued.close)
            queued.setblocking(False)
            queued.connect(path)
            taken += 1
    t.equal(taken, 3, "connections queued: backlog, and the one that Linux adds")
    for _ in range(taken):
        await arrivals.get()


@check("start_unix_server.rest.passed-to-create-unix-server", links=UNIX)
async def create_unix_server_is_given_every_other_argument(t: Trial) -> None:
    rest = {
        "sock": None,
        "backlog": 7,
        "ssl": t.tls.server_context(),
        "ssl_handshake_timeout": 7.5,
        "start_serving": False,
        "known_to_this_loop_only": object(),
    }
    with t.loop_calls("create_unix_server", *NOVELTIES) as calls:
        await t.start_server(t.arrivals(), limit=10, **rest)
    (asked,) = calls
    t.equal({name: asked[name] for name in rest if name in asked}, rest, "arguments")
    t.equal({"limit", "loop"}.intersection(asked), set(), "the function's own arguments passed on")
