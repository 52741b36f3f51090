"""The four functions: make a connection, or a server, and put streams on it.

Here live only the joining of reader, protocol and writer to what the loop makes, and the checks
that have to come before it. Everything else a caller gives is the loop's business and is passed
on as it is.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import warnings
from typing import Any
from weakref import ref

from . import loops
from .arguments import DEFAULT_LIMIT, checked_callback, checked_limit
from .protocol import ClientConnectedCallback, StreamReaderProtocol
from .reader import StreamReader
from .writer import StreamWriter

Loop = asyncio.AbstractEventLoop


async def open_connection(
    host: str | None = None,
    port: int | str | None = None,
    *,
    loop: Loop | None = None,
    limit: float | None = DEFAULT_LIMIT,
    **kwds: Any,
) -> tuple[StreamReader, StreamWriter]:
    """Connect to a host and return a reader and a writer.

    Args:
        host: Name or address.
        port: Number or service name.
        loop: Deprecated; the running loop unless told.
        limit: The reader's limit, in bytes; None is 64 KiB as well.
        kwds: Whatever ``loop.create_connection`` of the running loop takes: ``ssl``, ``family``,
            ``proto``, ``flags``, ``sock``, ``local_addr``, ``server_hostname``,
            ``ssl_handshake_timeout`` in seconds and others. ``happy_eyeballs_delay``, in seconds,
            and ``interleave`` work on every loop.

    Raises:
        TypeError: An unknown keyword, or a ``limit`` that is not a number.
        ValueError: A ``limit`` that is not positive, or arguments that exclude each other.
        OSError: The connection could not be made.

    Cancelling it leaves no connection behind.

    Source: edition 3.8, open_connection.
    """
    running: Any = asyncio.get_running_loop() if loop is None else _given(loop, "open_connection")
    reader = StreamReader(limit, running)
    protocol = StreamReaderProtocol(reader, None, running)
    if kwds:
        made = loops.create_connection(running, lambda: protocol, host, port, **kwds)
    else:
        made = running.create_connection(lambda: protocol, host, port)
    transport, _ = await made
    writer = StreamWriter(transport, protocol, reader, running)
    protocol._writer_ref = ref(writer)
    return reader, writer


async def start_server(
    client_connected_cb: ClientConnectedCallback | None,
    host: Any = None,
    port: int | str | None = None,
    *,
    loop: Loop | None = None,
    limit: float | None = DEFAULT_LIMIT,
    **kwds: Any,
) -> asyncio.base_events.Server:
    """Start a server that calls back with a reader and a writer for each connection.

    Args:
        client_connected_cb: A plain callable or a coroutine function; what it returns becomes a
            task if it is a coroutine. Its exceptions go to the loop's exception handler, and
            close the connection.
        host: Where to listen: a name, an address, several, or None for everywhere.
        port: Number; 0 for a free one.
        loop: Deprecated; the running loop unless told.
        limit: Each reader's limit, in bytes; None is 64 KiB as well.
        kwds: Whatever ``loop.create_server`` of the running loop takes: ``family``, ``flags``,
            ``sock``, ``backlog``, ``ssl``, ``reuse_address``, ``reuse_port``,
            ``ssl_handshake_timeout`` in seconds, ``start_serving`` and others. ``keep_alive``
            works on every loop.

    Raises:
        TypeError: An unknown keyword, a ``limit`` that is not a number, or a callback that can't
            be called.
        ValueError: A ``limit`` that is not positive, or arguments that exclude each other.
        OSError: The address can't be listened on.

    Cancelling it leaves nobody listening.

    Source: edition 3.8, start_server.
    """
    running = asyncio.get_running_loop() if loop is None else _given(loop, "start_server")
    factory = _factory(client_connected_cb, limit, running)
    return await loops.create_server(running, factory, host, port, **kwds)  # type: ignore[no-any-return]


if hasattr(socket, "AF_UNIX"):

    async def open_unix_connection(
        path: str | bytes | os.PathLike[Any] | None = None,
        *,
        loop: Loop | None = None,
        limit: float | None = DEFAULT_LIMIT,
        **kwds: Any,
    ) -> tuple[StreamReader, StreamWriter]:
        """Connect to a Unix socket and return a reader and a writer.

        Args:
            path: The socket's path, path-like objects included.
            loop: Deprecated; the running loop unless told.
            limit: The reader's limit, in bytes; None is 64 KiB as well.
            kwds: Whatever ``loop.create_unix_connection`` of the running loop takes: ``ssl``,
                ``sock``, ``server_hostname``, ``ssl_handshake_timeout`` in seconds and others.

        Raises:
            TypeError: An unknown keyword, or a ``limit`` that is not a number.
            ValueError: A ``limit`` that is not positive, or arguments that exclude each other.
            OSError: The connection could not be made.

        Cancelling it leaves no connection behind.

        Source: edition 3.8, open_unix_connection.
        """
        running = (
            asyncio.get_running_loop() if loop is None else _given(loop, "open_unix_connection")
        )
        reader = StreamReader(limit, running)
        protocol = StreamReaderProtocol(reader, None, running)
        transport, _ = await running.create_unix_connection(lambda: protocol, _plain(path), **kwds)
        writer = StreamWriter(transport, protocol, reader, running)
        protocol._writer_ref = ref(writer)
        return reader, writer

    async def start_unix_server(
        client_connected_cb: ClientConnectedCallback | None,
        path: str | bytes | os.PathLike[Any] | None = None,
        *,
        loop: Loop | None = None,
        limit: float | None = DEFAULT_LIMIT,
        **kwds: Any,
    ) -> asyncio.base_events.Server:
        """Start a server on a Unix socket.

        A socket file that nobody listens on any more is replaced. Whether anybody does is found
        out by connecting once, which a server that does listen sees as a connection that ends at
        once.

        Args:
            client_connected_cb: As for :func:`start_server`.
            path: The socket's path, path-like objects included.
            loop: Deprecated; the running loop unless told.
            limit: Each reader's limit, in bytes; None is 64 KiB as well.
            kwds: Whatever ``loop.create_unix_server`` of the running loop takes: ``sock``,
                ``backlog``, ``ssl``, ``ssl_handshake_timeout`` in seconds, ``start_serving`` and
                others.

        Raises:
            TypeError: An unknown keyword, a ``limit`` that is not a number, or a callback that
                can't be called.
            ValueError: A ``limit`` that is not positive, or arguments that exclude each other.
            OSError: The path can't be listened on; EADDRINUSE if somebody else does.

        Cancelling it leaves nobody listening.

        Source: edition 3.8, start_unix_server.
        """
        running = asyncio.get_running_loop() if loop is None else _given(loop, "start_unix_server")
        factory = _factory(client_connected_cb, limit, running)
        path = _plain(path)
        if path is not None:
            await _refuse_to_steal(running, path)
        return await loops.create_unix_server(running, factory, path, **kwds)  # type: ignore[no-any-return]


def _given(loop: Loop, function: str) -> Any:
    warnings.warn(
        f"the loop argument of {function}() is deprecated: it finds the running loop itself",
        DeprecationWarning,
        stacklevel=3,
    )
    return loop


def _factory(client_connected_cb: Any, limit: float | None, loop: Loop) -> Any:
    """Return what makes a protocol for each connection; all checks are made now, once."""
    client_connected_cb = checked_callback(client_connected_cb)
    checked = checked_limit(limit)

    def factory() -> StreamReaderProtocol:
        reader = StreamReader(limit=checked, loop=loop)
        return StreamReaderProtocol(reader, client_connected_cb, loop=loop)

    return factory


def _plain(path: Any) -> Any:
    return None if path is None else os.fspath(path)


async def _refuse_to_steal(loop: Any, path: Any) -> None:
    """Raise EADDRINUSE if somebody listens on ``path``: the loop would take it from them.

    The loop is asked to connect, so that one whose network is not the kernel's is asked as well.
    """
    if os.fsencode(path).startswith(b"\0"):  # Linux's abstract names cannot be stolen
        return
    try:
        transport, _ = await loop.create_unix_connection(asyncio.Protocol, path)
    except Exception as error:
        # EAGAIN is a full backlog, EPROTOTYPE a socket of another type: both are somebody's.
        if getattr(error, "errno", None) not in (errno.EAGAIN, errno.EPROTOTYPE):
            return  # nobody is there, or it is for the loop to say why nobody can listen there
    else:
        transport.abort()
    raise OSError(
        errno.EADDRINUSE,
        f"somebody listens on {os.fsdecode(path)!r}: stop them, or choose another path",
        path,
    )
