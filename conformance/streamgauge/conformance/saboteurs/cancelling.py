"""Saboteurs that leave something behind when a call that connects or serves is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Set

from streamgauge.conformance.saboteurs.making import instead, saboteur
from streamgauge.conformance.saboteurs.serving import Standing, serving


def goes_on(real: Any) -> Any:
    """Give a function that, cancelled, goes on in the background, and keeps what it makes."""
    begun: Set[asyncio.Future[Any]] = set()

    async def connect(*args: Any, **kwds: Any) -> Any:
        task = asyncio.ensure_future(real(*args, **kwds))
        begun.add(task)
        return await asyncio.shield(task)

    return connect


@saboteur("open_connection.connect.cancel-leaves-nothing", "never ended")
def a_cancelled_connection_is_made_all_the_same(s: Any) -> None:
    """open_connection, cancelled, makes the connection in the background and keeps it."""
    s.open_connection = goes_on(s.open_connection)


@saboteur(
    "open_connection.connect.cancel-leaves-nothing",
    "cancelled from within the subject",
    links=("tcp",),
)
def a_cancelled_look_up_stays_cancelled(s: Any) -> None:
    """open_connection looks a name up once for all who ask, and so it is cancelled for all."""
    real = s.open_connection
    looked_up: Dict[Any, asyncio.Future[Any]] = {}

    @instead(s)
    async def open_connection(host: Any = None, port: Any = None, **kwds: Any) -> Any:
        loop = asyncio.get_running_loop()
        if isinstance(host, str) and host[0].isalpha():
            if (loop, host) not in looked_up:
                looked_up[loop, host] = asyncio.ensure_future(loop.getaddrinfo(host, port))
            await looked_up[loop, host]
        return await real(host, port, **kwds)


@saboteur("open_unix_connection.connect.cancel-leaves-nothing", "never ended")
def a_cancelled_unix_connection_is_made_all_the_same(s: Any) -> None:
    """open_unix_connection, cancelled, makes the connection in the background and keeps it."""
    s.open_unix_connection = goes_on(s.open_unix_connection)


@saboteur("open_unix_connection.connect.cancel-leaves-nothing", "raised RuntimeError")
def a_cancelled_client_never_connects_again(s: Any) -> None:
    """Once an open_unix_connection has been cancelled, every other one fails."""
    real = s.open_unix_connection
    cancelled = False

    @instead(s)
    async def open_unix_connection(*args: Any, **kwds: Any) -> Any:
        nonlocal cancelled
        if cancelled:
            raise RuntimeError("cancelled before")
        try:
            return await real(*args, **kwds)
        except asyncio.CancelledError:
            cancelled = True
            raise


@saboteur("start_server.serve.cancel-leaves-nothing", "expected nobody to listen, got True")
def a_cancelled_server_listens_on(s: Any) -> None:
    """start_server leaves the turn that a server takes to begin to the loop, as asyncio does."""

    @instead(s.loops)
    async def create_server(loop: Any, factory: Any, host: Any, port: Any, **kwds: Any) -> Any:
        return await loop.create_server(factory, host, port, **kwds)


@saboteur("start_unix_server.serve.cancel-leaves-nothing", "expected nobody to listen, got True")
def a_cancelled_unix_server_listens_on(s: Any) -> None:
    """start_unix_server leaves the turn that a server takes to begin to the loop, as asyncio."""

    @instead(s.loops)
    async def create_unix_server(loop: Any, factory: Any, path: Any, **kwds: Any) -> Any:
        return await loop.create_unix_server(factory, path, **kwds)


@saboteur("writer.start_tls.cancel-leaves-nothing", "never ended")
def a_cancelled_upgrade_is_waited_for(s: Any) -> None:
    """After a start_tls that was cancelled, wait_closed waits for its end for ever."""
    real, closed = s.StreamWriter.start_tls, s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def start_tls(self: Any, *args: Any, **kwds: Any) -> None:
        self._upgrading = True
        await real(self, *args, **kwds)
        self._upgrading = False

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if getattr(self, "_upgrading", False):
            await asyncio.get_running_loop().create_future()
        await closed(self)


@saboteur("server.start_serving.cancel-leaves-usable", "from `await server.start_serving()`")
def a_cancelled_start_closes_the_server(s: Any) -> None:
    """start_serving, cancelled, closes the server, which can never serve again."""

    class Server(Standing):
        async def start_serving(self) -> None:
            try:
                await self._server.start_serving()
            except asyncio.CancelledError:
                self._server.close()
                raise

    serving(s, Server)


@saboteur("server.wait_closed.cancel-leaves-others", "beside a cancelled one to go on")
def waits_for_the_end_of_a_server_are_one(s: Any) -> None:
    """All wait_closed of a server wait on one future, which the first cancellation cancels."""

    class Server(Standing):
        end: Any = None

        async def wait_closed(self) -> None:
            if self.end is None:
                self.end = asyncio.ensure_future(self._server.wait_closed())
            await self.end

    serving(s, Server)


@saboteur("server.serve_forever.second-cancel-ends", "got a wait that goes on")
def serve_forever_waits_whatever_comes(s: Any) -> None:
    """serve_forever, cancelled, waits until its clients have left, and hears no second word."""

    class Server(Standing):
        async def serve_forever(self) -> None:
            try:
                await self._server.serve_forever()
            except asyncio.CancelledError:
                for _ in range(2):
                    try:
                        await asyncio.get_running_loop().create_future()
                    except asyncio.CancelledError:
                        continue
                raise

    serving(s, Server)
