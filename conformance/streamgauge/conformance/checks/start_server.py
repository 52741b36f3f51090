"""Checks of `start_server`: what listens where, and what each argument does to it.

What both functions promise in the same words stands in `starting`, what a handler is promised
in `handlers`, what the server object is in `serving`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from typing import Any, List
from unittest import mock

from streamgauge.conformance.registry import SOCK, TCP, check
from streamgauge.conformance.trial import Trial

INET = (*TCP, "tls")  # whatever start_server can listen on
HOST = {"tcp": "127.0.0.1", "tcp6": "::1"}
ANYWHERE = {"tcp": "0.0.0.0", "tcp6": "::"}
FAMILY = {"tcp": socket.AF_INET, "tcp6": socket.AF_INET6}
LINUX_TCP = TCP if sys.platform == "linux" else ()  # where the kernel tells its queue's length
SHARED_TCP = TCP if hasattr(socket, "SO_REUSEPORT") else ()
QUEUE = "the queue of connections that are not accepted yet"
NOVELTIES = ("known_to_this_loop_only", "limit", "loop")  # the last two must not get that far


def queue_length(listening: Any) -> int:
    """Ask the kernel how many connections it queues for a socket (tcpi_sacked, on Linux)."""
    if sys.platform != "linux":  # see LINUX_TCP
        raise NotImplementedError
    info = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    return int(struct.unpack_from("I", info, 28)[0])


# --- what listens where ------------------------------------------------------------------------


@check("start_server.serve.accepts-connections", links=INET)
async def a_client_is_served_once_start_server_has_returned(t: Trial) -> None:
    async def answer(reader: Any, writer: Any) -> None:
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    await t.start_server(answer)
    await t.dial()
    await t.peer.send(b"ping")
    t.equal(await t.peer.recv_exactly(6), b"<ping>")


@check("start_server.serve.returns-server", links=INET)
async def what_create_server_made_is_returned(t: Trial) -> None:
    loop = asyncio.get_running_loop()
    create_server = loop.create_server
    made: List[Any] = []

    async def noting(*arguments: Any, **keywords: Any) -> Any:
        made.append(await create_server(*arguments, **keywords))
        return made[0]

    with mock.patch.object(loop, "create_server", noting):
        server = await t.start_server(t.arrivals())
    t.equal(len(made), 1, "servers that loop.create_server made")
    t.true(server is made[0], "the Server object of loop.create_server")
    t.true(server.sockets, "server.sockets not to be empty")
    t.true(asyncio.iscoroutine(serving := server.serve_forever()), "serve_forever() to be awaited")
    serving.close()
    server.close()


@check("start_server.serve.address-in-use-raises", links=TCP)
async def a_second_server_at_the_same_address_is_refused(t: Trial) -> None:
    server = await t.serve(t.arrivals())
    host, port = server.sockets[0].getsockname()[:2]
    with t.raises(OSError) as refused:
        t.servers.append(await t.subject.start_server(t.arrivals(), host, port))
    t.equal(refused.value.errno, errno.EADDRINUSE, "errno")


@check("start_server.host.listens-there", links=TCP)
async def it_listens_where_host_and_port_by_position_say(t: Trial) -> None:
    (host, port), arrivals = t.spare_address()[:2], t.arrivals()
    server = await t.subject.start_server(arrivals, host, port)
    t.servers.append(server)
    t.equal(server.sockets[0].getsockname()[:2], (host, port), "address of the listening socket")
    await t.dial()
    await arrivals.get()


@check("start_server.host.listens-there", links=TCP)
async def it_listens_where_host_and_port_by_keyword_say(t: Trial) -> None:
    (host, port), arrivals = t.spare_address()[:2], t.arrivals()
    server = await t.subject.start_server(arrivals, host=host, port=port)
    t.servers.append(server)
    t.equal(server.sockets[0].getsockname()[:2], (host, port), "address of the listening socket")
    await t.dial()
    await arrivals.get()


@check("start_server.host.none-is-all-interfaces", links=TCP)
async def without_host_it_listens_on_all_interfaces(t: Trial) -> None:
    arrivals = t.arrivals()
    server = await t.subject.start_server(arrivals, port=0)
    t.servers.append(server)
    names = [s.getsockname() for s in server.sockets if s.family == FAMILY[t.like]]
    t.equal([name[0] for name in names], [ANYWHERE[t.like]], "listening addresses")
    await t.dial((HOST[t.like], *names[0][1:]))
    await arrivals.get()


@check("start_server.loop.optional", links=TCP)
async def without_loop_the_running_loop_serves(t: Trial) -> None:
    arrivals = t.arrivals()
    server = await t.start_server(arrivals)
    t.true(server.get_loop() is asyncio.get_running_loop(), "a server of the running loop")
    await t.dial()
    await arrivals.get()


# --- what goes to loop.create_server -----------------------------------------------------------


@check("start_server.family.passed-on", links=TCP)
async def it_listens_in_the_given_family_only(t: Trial) -> None:
    family = FAMILY[t.like]
    server = await t.subject.start_server(t.arrivals(), port=0, family=family)
    t.servers.append(server)
    t.equal({s.family for s in server.sockets}, {family}, "families of the listening sockets")


@check("start_server.flags.passed-on", links=TCP)
async def with_numerichost_a_name_is_not_looked_up(t: Trial) -> None:
    numeric = socket.AI_NUMERICHOST
    with t.raises(socket.gaierror):
        t.servers.append(await t.subject.start_server(t.arrivals(), "localhost", 0, flags=numeric))
    await t.start_server(t.arrivals(), flags=numeric)  # an address needs no look-up


@check("start_server.sock.adopted", links=TCP, kernel=SOCK)
async def it_listens_on_the_given_socket_and_no_other(t: Trial) -> None:
    sock = socket.socket(FAMILY[t.like])
    t.bench.on_exit(sock.close)
    sock.bind((HOST[t.like], 0))
    arrivals = t.arrivals()
    server = await t.subject.start_server(arrivals, sock=sock)
    t.servers.append(server)
    t.equal([s.getsockname() for s in server.sockets], [sock.getsockname()], "where it listens")
    await t.dial()
    await arrivals.get()


@check("start_server.backlog.default-100", links=LINUX_TCP, kernel=QUEUE)
async def by_default_the_kernel_queues_100_connections(t: Trial) -> None:
    server = await t.start_server(t.arrivals())
    t.equal(queue_length(server.sockets[0]), 100, "connections that the kernel queues")


@check("start_server.backlog.default-100", links=TCP)
async def by_default_create_server_is_asked_for_100_or_left_to_its_own(t: Trial) -> None:
    with t.loop_calls("create_server") as calls:
        await t.start_server(t.arrivals())
    t.equal([call.get("backlog", 100) for call in calls], [100], "backlog")


@check("start_server.backlog.passed-on", links=LINUX_TCP, kernel=QUEUE)
async def the_kernel_queues_backlog_connections(t: Trial) -> None:
    server = await t.start_server(t.arrivals(), backlog=7)
    t.equal(queue_length(server.sockets[0]), 7, "connections that the kernel queues")


@check("start_server.backlog.passed-on", links=TCP)
async def create_server_is_given_the_backlog(t: Trial) -> None:
    with t.loop_calls("create_server") as calls:
        await t.start_server(t.arrivals(), backlog=7)
    t.equal([call.get("backlog") for call in calls], [7], "backlog")


@check("start_server.reuse_address.passed-on", links=TCP)
async def reuse_address_decides_on_the_sockets_option(t: Trial) -> None:
    for wanted in (True, False):
        server = await t.start_server(t.arrivals(), reuse_address=wanted)
        option = server.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        t.equal(bool(option), wanted, f"SO_REUSEADDR with reuse_address={wanted}")


@check("start_server.reuse_port.passed-on", links=SHARED_TCP)
async def with_reuse_port_two_servers_share_a_port_and_a_third_without_it_is_refused(
    t: Trial,
) -> None:
    first = await t.start_server(t.arrivals(), reuse_port=True)
    host, port = first.sockets[0].getsockname()[:2]
    second = await t.subject.start_server(t.arrivals(), host, port, reuse_port=True)
    t.servers.append(second)
    t.equal(second.sockets[0].getsockname(), first.sockets[0].getsockname(), "its address")
    with t.raises(OSError):
        t.servers.append(await t.subject.start_server(t.arrivals(), host, port))


@check("start_server.keep_alive.sets-option", links=TCP)
async def keep_alive_decides_on_the_option_of_clients_connections(t: Trial) -> None:
    asked = {"keep_alive=True": True, "keep_alive=False": False, "nothing said of it": None}
    for told, keep_alive in asked.items():
        arrivals = t.arrivals()
        await t.start_server(arrivals, **({} if keep_alive is None else {"keep_alive": keep_alive}))
        await t.dial()
        _reader, writer = await arrivals.get()
        sock = writer.get_extra_info("socket")
        option = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        t.equal(bool(option), bool(keep_alive), f"SO_KEEPALIVE with {told}")


@check("start_server.rest.passed-to-create-server", links=TCP)
async def create_server_is_given_every_other_argument(t: Trial) -> None:
    rest = {
        "family": FAMILY[t.like],
        "flags": socket.AI_PASSIVE,
        "sock": None,
        "backlog": 7,
        "ssl": t.tls.server_context(),
        "reuse_address": False,
        "reuse_port": False,
        "ssl_handshake_timeout": 7.5,
        "start_serving": False,
        "known_to_this_loop_only": object(),
    }
    with t.loop_calls("create_server", *NOVELTIES) as calls:
        await t.start_server(t.arrivals(), limit=10, **rest)
    (asked,) = calls
    t.equal({name: asked[name] for name in rest if name in asked}, rest, "arguments")
    t.equal({"limit", "loop"}.intersection(asked), set(), "the function's own arguments passed on")


@check("start_server.rest.unknown-keyword-rejected", links=TCP)
async def a_misspelt_keyword_raises_type_error(t: Trial) -> None:
    with t.raises(TypeError):
        await t.start_server(t.arrivals(), blacklog=7)


@check("start_server.client_connected_cb.none-accepted", links=TCP)
async def without_a_callback_clients_are_taken_and_nothing_happens(t: Trial) -> None:
    nobody: Any = None
    await t.start_server(nobody)
    await t.dial()
    await t.peer.send(b"hello")
    reading = t.start(t.peer.recv(1))
    await t.still_waits(reading, "the client's recv()")
    t.peer.stop_receiving()  # ends the wait, so that the reset is not held up
    await reading
    await t.peer.reset()  # no writer: nobody else can end this connection
    await t.idle()
