"""Saboteurs of arguments: what cannot be meant is taken for something, what is unusual refused."""

from __future__ import annotations

import warnings
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("reader.readuntil.separator-type-rejected", "readuntil(5) to have ended")
def a_number_is_so_many_zeros(s: Any) -> None:
    """A separator becomes bytes whatever it is: 5 is five zero bytes, but for what is not there."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, int):
            await self._wait("readuntil", 0)
        return await real(self, separator)


@saboteur("reader.limit.fraction-accepted", "raised ValueError")
def a_limit_is_a_whole_number(s: Any) -> None:
    """A limit that is no whole number is refused."""
    real = s.StreamReader.__init__

    @instead(s.StreamReader)
    def __init__(self: Any, limit: Any = 65536, loop: Any = None) -> None:
        if limit != int(limit):
            raise ValueError(f"limit has to be a whole number, got {limit}")
        real(self, limit, loop)


@saboteur("writer.writelines.str-item-rejected", "nothing was raised")
def what_a_generator_gives_is_gone_through_twice(s: Any) -> None:
    """What is wrong in an iterator is found; then what is left of it is sent, without a word."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        try:
            real(self, data)
        except TypeError:
            real(self, list(data))


@saboteur(
    "start_server.client_connected_cb.not-callable-rejected",
    "nothing was raised",
    name="a_server_starts_with_any_callback",
    fault="start_server does not look at what it is to call.",
)
@saboteur(
    "start_unix_server.client_connected_cb.not-callable-rejected",
    "nothing was raised",
    name="a_unix_server_starts_with_any_callback",
    fault="start_unix_server does not look at what it is to call.",
)
def any_callback_will_do(s: Any) -> None:
    """Take any callback."""
    s.functions.checked_callback = lambda client_connected_cb: client_connected_cb


def _a_warning_points_into_the_library(s: Any) -> None:
    def _given(loop: Any, function: str) -> Any:
        if loop is not None:
            warnings.warn(f"the loop argument of {function}()", DeprecationWarning, stacklevel=1)
        return loop

    s.functions._given = _given


for _function in ("open_connection", "open_unix_connection", "start_server", "start_unix_server"):
    saboteur(
        f"{_function}.loop.deprecated",
        "files that the warnings point to",
        name=f"a_warning_of_{_function}_points_into_the_library",
        fault=f"The warning of a loop named to {_function} points to the line that gives it.",
    )(_a_warning_points_into_the_library)


@saboteur(
    "open_connection.ssl_handshake_timeout.without-ssl-rejected",
    "nothing was raised",
    links=("tcp",),
)
def a_time_for_no_handshake_is_ignored(s: Any) -> None:
    """Without ssl, ssl_handshake_timeout is not looked at."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        if not kwds.get("ssl"):
            kwds.pop("ssl_handshake_timeout", None)
        return await real(*args, **kwds)
