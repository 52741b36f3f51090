"""Saboteurs of what later editions of the page added: tuples of separators, addresses, servers."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur
from streamgauge.conformance.saboteurs.serving import Standing, serving

# --- readuntil with a tuple, and iterating -----------------------------------------------------


@saboteur("reader.readuntil.tuple-any-separator", "never ended")
def the_first_of_the_separators_counts(s: Any) -> None:
    """Of a tuple of separators only the first is looked for, if it is there at all."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, tuple) and separator and separator[0] in bytes(self._incoming):
            separator = separator[0]
        return await real(self, separator)


@saboteur("reader.readuntil.tuple-shortest-record", "expected b'abc\\r', got b'abc\\r\\n'")
def the_longest_of_the_separators_counts(s: Any) -> None:
    """Where the longest separator of a tuple is found, the shorter ones are not looked for."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, tuple) and separator and all(separator):
            longest = max(separator, key=len)
            separator = longest if longest in bytes(self._incoming) else separator
        return await real(self, separator)


@saboteur("reader.readuntil.tuple-split-separator", "still waits")
def one_of_several_separators_is_missed_when_split(s: Any) -> None:
    """Of several separators, the search resumes as if each were as long as the shortest."""
    real = s.buffer.ReceiveBuffer.search

    @instead(s.buffer.ReceiveBuffer)
    def search(self: Any, separators: Any, since: int = 0) -> Any:
        found = real(self, separators, since)
        searched = max(0, since - (self.received - self.size) - len(separators[0]) + 1)
        several = len(separators) > 1
        return None if several and found and found[0] < searched else found


@saboteur("reader.readuntil.tuple-overrun-shortest-separator", "nothing was raised")
def the_limit_is_compared_by_the_longest_separator(s: Any) -> None:
    """The limit is compared with what lies before the longest separator that matches."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, tuple) and len(separator) > 1:
            longest = max(separator, key=len)
            separator = longest if longest in bytes(self._incoming) else separator
        return await real(self, separator)


@saboteur("reader.readuntil.empty-tuple-rejected", "expected ValueError, nothing was raised")
def an_empty_separator_of_a_tuple_is_left_out(s: Any) -> None:
    """Empty separators of a tuple are dropped; without any, what is there is returned."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, tuple):
            separator = tuple(filter(None, separator))
            if not separator:
                return b""
        return await real(self, separator)


@saboteur("reader.iteration.async-for", "expected b'one\\ntwo\\nlast'")
def async_for_leaves_out_what_is_not_a_line(s: Any) -> None:
    """`async for` leaves out what comes behind the last newline."""

    @instead(s.StreamReader)
    async def __anext__(self: Any) -> Any:
        line = await self.readline()
        if not line.endswith(b"\n"):
            raise StopAsyncIteration
        return line


# --- functions and servers ---------------------------------------------------------------------


@saboteur("open_connection.sock.closed-by-writer", "never ended", links=("tcp",))
def a_sockets_duplicate_is_used(s: Any) -> None:
    """open_connection works on a duplicate of the socket, which stays open itself."""
    _duplicating(s, "open_connection")


@saboteur("open_unix_connection.sock.closed-by-writer", "never ended", links=("unix",))
def a_unix_sockets_duplicate_is_used(s: Any) -> None:
    """open_unix_connection works on a duplicate of the socket, which stays open itself."""
    _duplicating(s, "open_unix_connection")


@saboteur("start_server.sock.closed-by-server", "the socket's descriptor", links=("tcp",))
def a_listening_sockets_duplicate_is_used(s: Any) -> None:
    """start_server listens on a duplicate of the socket, which stays open itself."""
    _duplicating(s, "start_server")


@saboteur("start_unix_server.sock.closed-by-server", "the socket's descriptor", links=("unix",))
def a_listening_unix_sockets_duplicate_is_used(s: Any) -> None:
    """start_unix_server listens on a duplicate of the socket, which stays open itself."""
    _duplicating(s, "start_unix_server")


def _duplicating(s: Any, function: str) -> None:
    real = getattr(s, function)

    async def duplicating(*args: Any, **kwds: Any) -> Any:
        if kwds.get("sock") is not None:
            kwds["sock"] = kwds["sock"].dup()
        return await real(*args, **kwds)

    setattr(s, function, duplicating)


@saboteur("server.close_clients.closes-connections", "what the client received")
def close_clients_drops_what_was_written(s: Any) -> None:
    """server.close_clients() aborts the connections, and what was written is not sent."""

    class Server(Standing):
        def close_clients(self) -> None:
            self._server.abort_clients()

    serving(s, Server)
    _holding_back(s)


def _holding_back(s: Any) -> None:
    """Send what is written in the loop's next turn."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        asyncio.get_running_loop().call_soon(real, self, data)


@saboteur("server.abort_clients.ends-connections", "waiting to have ended")
def abort_clients_waits_for_what_was_written(s: Any) -> None:
    """server.abort_clients() closes the connections, which waits for a client to read."""

    class Server(Standing):
        def abort_clients(self) -> None:
            self._server.close_clients()

    serving(s, Server)


@saboteur("start_unix_server.cleanup_socket.false-keeps-path", "the path to be there still")
def cleanup_socket_is_ignored(s: Any) -> None:
    """start_unix_server removes the path on close, whatever cleanup_socket is."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(*args: Any, **kwds: Any) -> Any:
        kwds.pop("cleanup_socket", None)
        return await real(*args, **kwds)


@saboteur("start_unix_server.cleanup_socket.removes-path", "no socket at the path after close")
def the_path_is_left_behind(s: Any) -> None:
    """start_unix_server leaves the path where it is on close, unless told."""
    real = s.start_unix_server

    @instead(s)
    async def start_unix_server(*args: Any, **kwds: Any) -> Any:
        return await real(*args, **{"cleanup_socket": False, **kwds})


@saboteur("start_unix_server.cleanup_socket.replaced-path-kept", "the successor's path")
def whatever_is_at_the_path_is_removed(s: Any) -> None:
    """A server that is closed removes what is at its path, be it somebody else's by now."""

    class Server(Standing):
        def close(self) -> None:
            for sock in self._server.sockets:
                if isinstance(sock.getsockname(), str) and os.path.exists(sock.getsockname()):
                    os.unlink(sock.getsockname())
            self._server.close()

    serving(s, Server)


@saboteur("writer.collected.warns", "a ResourceWarning")
def a_forgotten_writer_says_nothing(s: Any) -> None:
    """A writer that is collected closes its connection without a warning."""
    real = s.StreamWriter.__del__

    @instead(s.StreamWriter)
    def __del__(self: Any) -> None:
        real(self, lambda *args, **kwds: None)
