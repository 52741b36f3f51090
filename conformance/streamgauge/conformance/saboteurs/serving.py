"""Saboteurs of `start_server`, `start_unix_server` and the server that they return."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from typing import Any, List

from streamgauge.conformance.saboteurs.making import instead, saboteur

NOWHERE = "127.0.0.1"


class Standing:
    """Stands before a server and passes on what is not changed."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.close()
        await self.wait_closed()


def serving(s: Any, kind: Any) -> None:
    """Have both functions return servers of another kind."""
    for name in ("start_server", "start_unix_server"):
        setattr(s, name, _returning(getattr(s, name), kind))


def _returning(real: Any, kind: Any) -> Any:
    async def start(*args: Any, **kwds: Any) -> Any:
        return kind(await real(*args, **kwds))

    return start


@saboteur(
    "start_server.serve.accepts-connections",
    "expected to reach the server, got ConnectionRefusedError",
)
def a_server_has_to_be_told_to_serve(s: Any) -> None:
    """start_server listens and accepts nobody until start_serving is called."""
    real = s.start_server

    @instead(s)
    async def start_server(*args: Any, **kwds: Any) -> Any:
        return await real(*args, **{"start_serving": False, **kwds})


@saboteur("start_unix_server.serve.accepts-connections", "never ended")
def a_unix_server_runs_no_coroutine(s: Any) -> None:
    """start_unix_server calls a coroutine function and drops the coroutine."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(callback: Any, *args: Any, **kwds: Any) -> Any:
        def dropping(reader: Any, writer: Any) -> None:
            reader.kept = writer
            result = callback(reader, writer)
            if asyncio.iscoroutine(result):
                result.close()

        return await real(dropping, *args, **kwds)


@saboteur("start_unix_server.serve.plain-callback", "raised TypeError")
def a_unix_server_wants_a_coroutine_function(s: Any) -> None:
    """start_unix_server refuses a plain callback."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(callback: Any, *args: Any, **kwds: Any) -> Any:
        if not inspect.iscoroutinefunction(callback):
            raise TypeError("expected a coroutine function")
        return await real(callback, *args, **kwds)


@saboteur("start_server.serve.returns-server", "the Server object of loop.create_server")
def start_server_returns_a_stand_in(s: Any) -> None:
    """start_server returns an object that only looks like the loop's Server."""
    s.start_server = _returning(s.start_server, Standing)


@saboteur("start_unix_server.serve.returns-server", "the Server object of loop.create_unix_server")
def start_unix_server_returns_a_stand_in(s: Any) -> None:
    """start_unix_server returns an object that only looks like the loop's Server."""
    s.start_unix_server = _returning(s.start_unix_server, Standing)


@saboteur("start_server.serve.address-in-use-raises", "expected OSError, nothing was raised")
def a_taken_port_is_exchanged_for_another(s: Any) -> None:
    """start_server listens on a port of the kernel's choice when the one asked for is taken."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, host: Any = None, port: Any = None, **kwds: Any) -> Any:
        try:
            return await real(callback, host, port, **kwds)
        except OSError:
            return await real(callback, host, 0, **kwds)


@saboteur("start_server.host.listens-there", "address of the listening socket")
def a_server_listens_on_a_port_of_its_own(s: Any) -> None:
    """start_server leaves the port to the kernel, whatever was asked for."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, host: Any = None, port: Any = None, **kwds: Any) -> Any:
        return await real(callback, host, None if port is None else 0, **kwds)


@saboteur("start_server.host.listens-there", "TypeError")
def host_and_port_have_to_be_given_by_position(s: Any) -> None:
    """start_server does not know host and port as keywords."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, *address: Any, **kwds: Any) -> Any:
        if address == () and "host" in kwds:
            raise TypeError("unexpected keyword argument 'host'")
        return await real(callback, *address, **kwds)


@saboteur("start_server.host.none-is-all-interfaces", "listening addresses")
def without_host_the_own_machine_alone_is_served(s: Any) -> None:
    """start_server without host listens on the loopback interface only."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, host: Any = None, port: Any = None, **kwds: Any) -> Any:
        if host is None and "sock" not in kwds:
            host = NOWHERE
        return await real(callback, host, port, **kwds)


@saboteur("start_server.client_connected_cb.none-accepted", "raised TypeError")
def a_server_has_to_have_a_callback(s: Any) -> None:
    """start_server refuses None as callback."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, *args: Any, **kwds: Any) -> Any:
        if callback is None:
            raise TypeError("expected a callback")
        return await real(callback, *args, **kwds)


@saboteur("start_unix_server.path.path-like", "raised TypeError")
def a_path_to_listen_at_has_to_be_a_string(s: Any) -> None:
    """start_unix_server refuses a path object."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(callback: Any, path: Any = None, **kwds: Any) -> Any:
        if path is not None and not isinstance(path, str):
            raise TypeError("expected a string")
        return await real(callback, path, **kwds)


@saboteur("start_unix_server.path.listening-path-refused", "expected OSError, nothing was raised")
def a_path_is_taken_from_whoever_listens_there(s: Any) -> None:
    """start_unix_server removes the path of a server that is listening (gh-121252)."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(callback: Any, path: Any = None, **kwds: Any) -> Any:
        if path is not None and os.path.exists(path):  # noqa: ASYNC240 - a look, not a wait
            os.unlink(path)
        return await real(callback, path, **kwds)


@saboteur("start_unix_server.path.listening-path-refused", "read() to have ended")
def whoever_listens_is_kept_company(s: Any) -> None:
    """The look whether somebody listens leaves its connection open."""
    real = s.functions._refuse_to_steal

    async def _refuse_to_steal(loop: Any, path: Any) -> None:
        with contextlib.suppress(OSError):
            s.kept, _ = await loop.create_unix_connection(asyncio.Protocol, path)
        await real(loop, path)

    s.functions._refuse_to_steal = _refuse_to_steal


@saboteur("start_unix_server.path.removed-on-close", "a socket at the path")
def the_path_is_removed_at_once(s: Any) -> None:
    """start_unix_server removes the path as soon as it listens."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(*args: Any, **kwds: Any) -> Any:
        server = await real(*args, **kwds)
        for sock in server.sockets:
            if os.path.exists(sock.getsockname()):  # noqa: ASYNC240 - a look, not a wait
                os.unlink(sock.getsockname())
        return server


@saboteur(
    "start_unix_server.backlog.passed-on",
    "expected BlockingIOError, nothing was raised",
    links=("unix",),
)
def a_unix_server_listens_with_a_queue_of_its_own(s: Any) -> None:
    """start_unix_server passes backlog on and listens once more, with the default's 100."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(*args: Any, **kwds: Any) -> Any:
        server = await real(*args, **kwds)
        for sock in server.sockets:
            again = sock.dup() if hasattr(sock, "dup") else sock._sock.dup()
            again.listen(100)
            again.close()
        return server


# --- the server --------------------------------------------------------------------------------


@saboteur("server.sockets.listening-addresses", "server.sockets not to be empty")
def a_server_tells_no_sockets(s: Any) -> None:
    """server.sockets is empty."""

    class Server(Standing):
        sockets: Any = ()

    serving(s, Server)


@saboteur("server.serve_forever.serves-until-cancelled", "expected serve_forever() to wait")
def serve_forever_returns(s: Any) -> None:
    """serve_forever returns at once."""

    class Server(Standing):
        async def serve_forever(self) -> None:
            await self._server.start_serving()

    serving(s, Server)


@saboteur("server.serve_forever.serves-until-cancelled", "nobody to listen any more")
def cancelling_serve_forever_closes_nothing(s: Any) -> None:
    """serve_forever, cancelled, leaves the server listening."""

    class Server(Standing):
        async def serve_forever(self) -> None:
            await self._server.start_serving()
            await asyncio.get_running_loop().create_future()

    serving(s, Server)


@saboteur("server.serve_forever.cancel-ends-with-idle-client", "got a wait that goes on")
def serve_forever_waits_for_idle_clients(s: Any) -> None:
    """serve_forever, cancelled, waits until every client has left (gh-123720)."""

    class Server(Standing):
        async def serve_forever(self) -> None:
            try:
                await self._server.serve_forever()
            except asyncio.CancelledError:
                handlers = s.protocol._handlers_of(asyncio.get_running_loop())
                while handlers:
                    await asyncio.wait(handlers)
                raise

    serving(s, Server)


@saboteur("server.async-with.closes", "nobody to listen any more")
def leaving_the_block_closes_nothing(s: Any) -> None:
    """`async with server` leaves it listening."""

    class Server(Standing):
        async def __aexit__(self, *error: Any) -> None:
            """Do nothing."""

    serving(s, Server)


@saboteur("server.close.stops-listening", "nobody to listen any more")
def a_closed_server_goes_on_listening(s: Any) -> None:
    """server.close() does nothing."""

    class Server(Standing):
        def close(self) -> None:
            """Do nothing."""

    serving(s, Server)


@saboteur("server.close.keeps-connections", "raised ")
def closing_a_server_closes_its_connections(s: Any) -> None:
    """server.close() aborts every connection."""
    made = s.StreamReaderProtocol.connection_made
    transports: List[Any] = []

    @instead(s.StreamReaderProtocol)
    def connection_made(self: Any, transport: Any) -> None:
        made(self, transport)
        transports.append(transport)

    class Server(Standing):
        def close(self) -> None:
            self._server.close()
            for transport in transports:
                transport.abort()

    serving(s, Server)


@saboteur("server.wait_closed.returns", "never ended")
def a_server_is_never_closed(s: Any) -> None:
    """server.wait_closed() waits for ever."""

    class Server(Standing):
        async def wait_closed(self) -> None:
            await asyncio.get_running_loop().create_future()

    serving(s, Server)


@saboteur("server.wait_closed.waits-for-connections", "to wait, it ended with None")
def a_server_waits_for_no_connection(s: Any) -> None:
    """server.wait_closed() returns while connections are open (gh-79033)."""

    class Server(Standing):
        async def wait_closed(self) -> None:
            """Do nothing."""

    serving(s, Server)


@saboteur("examples.tcp-echo-server", "expected to reach the server, got ConnectionRefusedError")
def one_client_is_served(s: Any) -> None:
    """start_server stops listening after its first client."""
    real = s.start_server

    @instead(s)
    async def start_server(callback: Any, *args: Any, **kwds: Any) -> Any:
        servers: List[Any] = []

        def once(reader: Any, writer: Any) -> Any:
            servers[0].close()
            return callback(reader, writer)

        servers.append(await real(once, *args, **kwds))
        return servers[0]
