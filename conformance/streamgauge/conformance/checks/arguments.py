"""Checks of arguments that cannot be meant, or that are unusual: what is refused, what is taken.

Bounds of single arguments, a limit of 0 or an empty separator, stand with the calls they belong to.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import Any, Iterable, Iterator, List

from streamgauge.conformance.registry import FEED, PAIRS, TCP, check
from streamgauge.conformance.trial import Trial

UNIX = ("unix",)
HANDSHAKE_TIMEOUT_S = 60.0
DELAY_S = 60.0  # no attempt here takes so long


@check("reader.readuntil.separator-type-rejected", links=FEED, needs=("readexactly",))
async def what_is_no_separator_is_a_type_error(t: Trial) -> None:
    reader = await t.reader()
    reader.feed_data(b"five bytes \0\0\0\0\0")
    for separator in ("bytes", None, 5, [b"bytes"]):
        with t.raises(TypeError):
            await t.is_done(t.start(reader.readuntil(separator)), f"readuntil({separator!r})")
    t.equal(await reader.readexactly(16), b"five bytes \0\0\0\0\0")


@check("reader.limit.fraction-accepted", links=FEED, needs=("readuntil",))
async def half_a_byte_is_a_limit(t: Trial) -> None:
    reader = t.subject.StreamReader(limit=0.5)
    reader.feed_data(b"\nab\n")
    t.equal(await reader.readuntil(b"\n"), b"\n", "a record of nothing")
    with t.raises(asyncio.LimitOverrunError):
        await reader.readuntil(b"\n")


@check("writer.writelines.str-item-rejected", links=PAIRS)
async def a_str_that_a_generator_gives_is_a_type_error(t: Trial) -> None:
    def lines() -> Iterator[Any]:
        yield b"bytes"
        yield "text"

    _, writer = await t.pair()
    with t.raises(TypeError):
        writer.writelines(lines())


@check("writer.writelines.bytes-rejected", links=PAIRS)
async def one_message_in_place_of_several_is_a_type_error(t: Trial) -> None:
    _, writer = await t.pair()
    for lines in (b"bytes", b"", bytearray(b"bytes"), "text", ""):
        with t.raises(TypeError):
            writer.writelines(lines)


@check("writer.writelines.view-with-gaps", links=PAIRS)
async def a_view_with_gaps_is_sent_as_the_bytes_that_it_shows(t: Trial) -> None:
    t.expect_loop_errors()
    _, writer = await t.pair()
    with t.setup("writer.writelines.list"):
        writer.writelines([b"<"])
    writer.writelines([memoryview(b"a.b.c.")[::2], b">"])
    t.equal(await t.peer.recv_exactly(5), b"<abc>")


@check("start_server.client_connected_cb.not-callable-rejected", links=TCP)
@check("start_unix_server.client_connected_cb.not-callable-rejected", links=UNIX)
async def what_cannot_be_called_is_refused_before_anybody_connects(t: Trial) -> None:
    callback: Any
    for callback in (5, "handler", [print]):
        with t.raises(TypeError):
            await t.start_server(callback)


def pointed_to(seen: Iterable[warnings.WarningMessage]) -> List[str]:
    """Give the file that each deprecation warning names."""
    return [one.filename for one in seen if issubclass(one.category, DeprecationWarning)]


@check("open_connection.loop.deprecated", links=TCP)
async def the_warning_points_to_who_named_the_loop(t: Trial) -> None:
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    loop = asyncio.get_running_loop()
    with t.warnings() as seen:
        _reader, writer = await t.subject.open_connection(host, port, loop=loop)
    t.writers.append(writer)
    await listener.accept()
    t.equal(pointed_to(seen), [__file__], "files that the warnings point to")


@check("open_unix_connection.loop.deprecated", links=UNIX)
async def the_warning_of_a_path_points_to_who_named_the_loop(t: Trial) -> None:
    listener, loop = t.listen(), asyncio.get_running_loop()
    path = listener.sock.getsockname()
    with t.warnings() as seen:
        _reader, writer = await t.subject.open_unix_connection(path, loop=loop)
    t.writers.append(writer)
    await listener.accept()
    t.equal(pointed_to(seen), [__file__], "files that the warnings point to")


@check("start_server.loop.deprecated", links=TCP)
async def the_servers_warning_points_to_who_named_the_loop(t: Trial) -> None:
    loop = asyncio.get_running_loop()
    with t.warnings() as seen:
        t.servers.append(await t.subject.start_server(t.arrivals(), "127.0.0.1", 0, loop=loop))
    t.equal(pointed_to(seen), [__file__], "files that the warnings point to")


@check("start_unix_server.loop.deprecated", links=UNIX)
async def the_unix_servers_warning_points_to_who_named_the_loop(t: Trial) -> None:
    path, loop = t.path(), asyncio.get_running_loop()
    with t.warnings() as seen:
        t.servers.append(await t.subject.start_unix_server(t.arrivals(), path, loop=loop))
    t.equal(pointed_to(seen), [__file__], "files that the warnings point to")


@check("open_connection.ssl_handshake_timeout.without-ssl-rejected", links=TCP)
async def a_time_for_no_handshake_is_refused(t: Trial) -> None:
    listener = t.listen()
    host, port = listener.sock.getsockname()[:2]
    for racing in ({}, {"happy_eyeballs_delay": DELAY_S}):
        with t.raises(ValueError):
            await t.subject.open_connection(
                host, port, ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S, **racing
            )
