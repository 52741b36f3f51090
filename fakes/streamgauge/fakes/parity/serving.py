"""Cases about servers on a network: sockets, ports, closing (line 11)."""

from __future__ import annotations

import asyncio
from asyncio import base_events
from typing import Any

from .cases import NETWORK, case
from .connecting import HOST, attempt, dial, tapped, turns
from .seen import PENDING, Tap, raised, standing, tried

FLOOD = b"x" * (8 * 1024 * 1024)


@case(11, NETWORK)
async def sockets_of_a_server(patience: int) -> Any:
    """A server has a socket while it is open, with the address that it listens on."""
    async with tapped() as (server, port, _):
        (sock,) = server.sockets
        seen = (sock.getsockname() == (HOST, port), port > 0, server.is_serving())
        server.close()
        return seen, len(server.sockets), server.is_serving()


@case(11, NETWORK)
async def port_0_is_another_each_time(patience: int) -> Any:
    """Two servers on port 0 have two ports."""
    async with tapped() as (_, one, _taps), tapped() as (_other, two, _taps2):
        return one != two


@case(11, NETWORK)
async def a_port_in_use(patience: int) -> Any:
    """A second server on a port is an OSError with EADDRINUSE, until the first is closed."""
    loop = asyncio.get_running_loop()
    async with tapped() as (server, port, _):
        refused = await attempt(loop.create_server(lambda: Tap(None), HOST, port))
        server.close()
        await turns(patience)
        again = await loop.create_server(lambda: Tap(None), HOST, port)
        again.close()
        return refused


@case(11, NETWORK)
async def a_wildcard_is_reached_by_any_name(patience: int) -> Any:
    """A server on 0.0.0.0 is reached at 127.0.0.1, which is its name there."""
    async with tapped("0.0.0.0") as (server, port, taps):
        client = await dial(port)
        await turns(patience)
        name = taps[0].transport.get_extra_info("sockname")[0]
        client.transport.abort()
        return server.sockets[0].getsockname()[0], name


@case(11, NETWORK)
async def a_server_of_ipv6(patience: int) -> Any:
    """A server on ::1 has names of four parts, and isn't reached at 127.0.0.1."""
    async with tapped("::1") as (_, port, taps):
        client = await dial(port, "::1")
        await turns(patience)
        seen = (
            taps[0].transport.get_extra_info("sockname")[0],
            len(client.transport.get_extra_info("peername")),
        )
        client.transport.abort()
        return seen, await attempt(dial(port))


@case(11, NETWORK, needs_threads=True)
async def localhost_is_127_0_0_1(patience: int) -> Any:
    """A server on 127.0.0.1 is reached at localhost."""
    async with tapped() as (_, port, _taps):
        client = await dial(port, "localhost")
        client.transport.abort()
        return client.events[0], client.transport.get_extra_info("peername")[0]


@case(11, NETWORK)
async def close_keeps_connections(patience: int) -> Any:
    """Closing a server refuses newcomers and leaves its connections open."""
    async with tapped() as (server, port, taps):
        client = await dial(port)
        await turns(patience)
        server.close()
        client.transport.write(b"still here")
        await turns(patience)
        seen = taps[0].log, client.events, await attempt(dial(port))
        client.transport.abort()
        return seen


@case(11, NETWORK)
async def wait_closed(patience: int) -> Any:
    """What `wait_closed` waits for, in this version of Python."""
    async with tapped() as (server, port, _):
        client = await dial(port)
        await turns(patience)
        server.close()
        task = asyncio.ensure_future(server.wait_closed())
        await turns(patience)
        before = standing(task) == PENDING
        client.transport.abort()
        await turns(patience)
        return before, standing(task)


@case(11, NETWORK)
async def close_and_abort_clients(patience: int) -> Any:
    """`close_clients` and `abort_clients` end the connections (Python 3.13 and later)."""
    if not hasattr(base_events.Server, "close_clients"):
        return "not yet"
    seen = []
    for how in ("close_clients", "abort_clients"):
        async with tapped() as (server, port, taps):
            client = await dial(port)
            await turns(patience)
            getattr(server, how)()
            inside = client.events
            await turns(patience)
            seen.append((inside, client.log, taps[0].log))
    return seen


@case(11, NETWORK)
async def serving_is_put_off(patience: int) -> Any:
    """With `start_serving=False` nobody is answered until `start_serving`."""
    async with tapped(start_serving=False) as (server, port, taps):
        before = server.is_serving(), await attempt(dial(port))
        await server.start_serving()
        await server.start_serving()
        client = await dial(port)
        await turns(patience)
        client.transport.abort()
        return before, server.is_serving(), len(taps)


@case(11, NETWORK)
async def serving_for_ever(patience: int) -> Any:
    """Cancelling `serve_forever` closes the server; a second one at once is an error."""
    async with tapped() as (server, _, _taps):
        task = asyncio.ensure_future(server.serve_forever())
        await turns(patience)
        second = await attempt(server.serve_forever())
        task.cancel()
        await turns(patience)
        return second, standing(task), server.is_serving(), len(server.sockets)


@case(11, NETWORK)
async def serving_for_ever_with_an_idle_client(patience: int) -> Any:
    """Whether a cancelled `serve_forever` ends while a client stays idle, in this Python."""
    async with tapped() as (server, port, taps):
        client = await dial(port)
        task = asyncio.ensure_future(server.serve_forever())
        await turns(patience)
        task.cancel()
        await turns(patience)
        seen = standing(task), client.events, [tap.events for tap in taps]
        client.transport.abort()
        await turns(patience)
        return seen, standing(task)


@case(11, NETWORK)
async def a_server_is_a_context(patience: int) -> Any:
    """Leaving ``async with server`` closes it."""
    async with tapped() as (server, port, _):
        async with server:
            inside = server.is_serving()
        return inside, server.is_serving(), await attempt(dial(port))


@case(11, NETWORK)
async def a_factory_that_raises(patience: int) -> Any:
    """A protocol factory that raises goes to the exception handler; the server lives."""
    loop = asyncio.get_running_loop()
    handled = []
    loop.set_exception_handler(lambda _, context: handled.append(raised(context["exception"])))

    def factory() -> Any:
        raise ZeroDivisionError

    server = await loop.create_server(factory, HOST, 0)
    client = await dial(server.sockets[0].getsockname()[1])
    await turns(patience)
    seen = client.events[0], handled, server.is_serving()
    tried(client.transport.abort)
    server.close()
    await turns(patience)
    return seen


@case(11, NETWORK)
async def clients_with_a_backlog_are_closed_or_aborted(patience: int) -> Any:
    """`close_clients` flushes what is still to be sent, `abort_clients` drops it (3.13)."""
    if not hasattr(base_events.Server, "close_clients"):
        return "not yet"
    seen = []
    for how in ("close_clients", "abort_clients"):
        async with tapped() as (server, port, taps):
            client = await dial(port)
            await turns(patience)
            client.transport.pause_reading()
            taps[0].transport.write(FLOOD)
            await turns(patience)
            getattr(server, how)()
            await turns(patience)
            client.transport.resume_reading()
            await turns(patience, 400)
            seen.append((len(client.data) == len(FLOOD), client.events, taps[0].events))
    return seen


@case(11, NETWORK)
async def closing_a_server_twice(patience: int) -> Any:
    """A second `close` does nothing; `wait_closed` and `get_loop` go on answering."""
    async with tapped() as (server, _, _taps):
        said = [tried(server.close), tried(server.close)]
        waited = await attempt(server.wait_closed())
        return said, waited, server.get_loop() is asyncio.get_running_loop()


@case(11, NETWORK)
async def a_closed_server_does_not_serve_again(patience: int) -> Any:
    """`serve_forever` and `start_serving` on a closed server are errors."""
    async with tapped() as (server, _, _taps):
        server.close()
        await server.wait_closed()
        return await attempt(server.serve_forever()), await attempt(server.start_serving())


@case(11, NETWORK)
async def wait_closed_before_close(patience: int) -> Any:
    """What `wait_closed` does on a server that is open, in this version of Python."""
    async with tapped() as (server, _, _taps):
        task = asyncio.ensure_future(server.wait_closed())
        await turns(patience)
        before = standing(task)
        server.close()
        await turns(patience)
        return before, standing(task)


@case(11, NETWORK)
async def serving_for_ever_until_it_is_closed(patience: int) -> Any:
    """`close` ends a `serve_forever`, which is then cancelled; connections stay."""
    async with tapped() as (server, port, taps):
        client = await dial(port)
        task = asyncio.ensure_future(server.serve_forever())
        await turns(patience)
        server.close()
        await turns(patience)
        client.transport.write(b"still here")
        await turns(patience)
        seen = taps[0].log
        client.transport.abort()
        await turns(patience)
        return seen, standing(task)


@case(11, NETWORK)
async def a_handler_of_streams_that_raises(patience: int) -> Any:
    """The server of a handler that raises lives on, and answers the next client."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: None)
    failing = [True]

    async def handle(reader: Any, writer: Any) -> None:
        if failing:
            failing.pop()
            raise ZeroDivisionError
        writer.write(b"answer")
        writer.close()

    server = await asyncio.start_server(handle, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    answers = []
    for turn in range(2):
        reader, writer = await asyncio.open_connection(HOST, port)
        await turns(patience)
        answers.append(await reader.read() if turn else None)
        writer.close()
    seen = server.is_serving(), answers
    server.close()
    await turns(patience)
    return seen


@case(11, NETWORK)
async def many_at_once(patience: int) -> Any:
    """A server has as many connections as come, each with its own names and bytes."""
    async with tapped() as (_, port, taps):
        clients = await asyncio.gather(*(dial(port) for _ in range(20)))
        for number, client in enumerate(clients):
            client.transport.write(b"%d" % number)
        await turns(patience)
        names = {client.transport.get_extra_info("sockname") for client in clients}
        got = sorted(int(tap.data) for tap in taps)
        for client in clients:
            client.transport.abort()
        return len(names), got
