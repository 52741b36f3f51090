"""Cases about a peer that is gone: which write notices, and with what error (line 6)."""

from __future__ import annotations

from typing import Any

from .cases import PLAIN, TCP, UNIX, case
from .seen import Pair, tried


@case(6)
async def the_first_write_to_a_dead_peer(pair: Pair) -> Any:
    """Which of several writes to a peer that is gone is the one that fails, and how."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.abort()
    await pair.settle()
    closing = []
    for _ in range(3):
        pair.server.transport.write(b"x")
        await pair.settle()
        closing.append(pair.server.transport.is_closing())
    return closing, tap.log


@case(6, PLAIN)
async def writing_to_a_dead_peer_while_paused(pair: Pair) -> Any:
    """A protocol that doesn't read notices by its writes alone."""
    tap = pair.server.tap(keep_open=True)
    pair.server.transport.pause_reading()
    pair.client.transport.abort()
    await pair.settle()
    for _ in range(3):
        pair.server.transport.write(b"x")
        await pair.settle()
    return pair.server.transport.is_closing(), tap.log


@case(6, PLAIN)
async def two_writes_in_one_turn_to_a_dead_peer(pair: Pair) -> Any:
    """Two writes before the loop goes round: the answer to the first meets the second."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.abort()
    await pair.settle()
    pair.server.transport.write(b"x")
    pair.server.transport.write(b"y")
    inside = tap.events
    await pair.settle()
    return inside, tap.log


@case(6, TCP)
async def eof_towards_a_dead_peer(pair: Pair) -> Any:
    """`write_eof` when the connection is over already."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.abort()
    await pair.settle()
    first = tried(pair.server.transport.write_eof)
    await pair.settle()
    return first, tap.log


@case(6)
async def drain_towards_a_dead_peer(pair: Pair) -> Any:
    """A loop of write and drain comes to an error, always the same one."""
    pair.client.transport.abort()
    await pair.settle()
    seen = []
    for _ in range(4):
        tried(pair.server.writer.write, b"x")
        seen.append(await pair.outcome(pair.server.writer.drain()))
    return seen


@case(6)
async def reading_from_a_dead_peer(pair: Pair) -> Any:
    """A reader whose peer aborted gets what came before, then EOF."""
    pair.client.writer.write(b"before")
    await pair.settle()
    pair.client.transport.abort()
    reads = [await pair.outcome(pair.server.reader.read(100)) for _ in range(3)]
    return reads, pair.server.reader.at_eof()


@case(6, PLAIN)
async def a_write_to_a_peer_that_has_reset(pair: Pair) -> Any:
    """A write after the peer reset, before the loop has noticed: which error ends it."""
    tap = pair.server.tap(keep_open=True)
    pair.server.transport.pause_reading()
    pair.client.transport.pause_reading()
    pair.server.transport.write(b"never read")
    await pair.settle()
    pair.client.transport.abort()
    await pair.settle()
    before = tap.events
    said = [tried(pair.server.transport.write, b"x") for _ in range(3)]
    await pair.settle()
    return before, said, tap.log


@case(6, PLAIN)
async def the_writes_that_follow_a_failure(pair: Pair) -> Any:
    """Writes after the one that failed are dropped, and warned of from some time on."""
    pair.server.tap(keep_open=True)
    pair.client.transport.abort()
    await pair.settle()
    said = []
    for _ in range(12):
        said.append(tried(pair.server.transport.write, b"x"))
        await pair.settle()
    return said, pair.logged, pair.handled


@case(6, PLAIN)
async def a_peer_that_goes_while_there_is_a_backlog(pair: Pair) -> Any:
    """A peer that closes with what it was sent unread ends a sender that still has bytes."""
    tap = pair.server.tap(keep_open=True)
    pair.client.transport.pause_reading()
    pair.server.transport.write(b"x" * (8 * 1024 * 1024))
    await pair.settle()
    pair.client.transport.close()
    await pair.settle()
    return tap.log, pair.server.transport.get_write_buffer_size()


@case(6, PLAIN)
async def answering_a_peer_that_closed(pair: Pair) -> Any:
    """A stream that answers after its peer's close: the read is EOF, the answers fail in time."""
    pair.client.writer.write(b"question")
    pair.client.writer.close()
    seen = [await pair.outcome(pair.server.reader.read())]
    for _ in range(3):
        pair.server.writer.write(b"answer")
        seen.append(await pair.outcome(pair.server.writer.drain()))
    pair.server.writer.close()
    return seen, await pair.outcome(pair.server.writer.wait_closed())


@case(6, UNIX)
async def a_flood_from_a_peer_that_leaves_a_flood_unread(pair: Pair) -> Any:
    """Both have sent more than fits, one closes unread: what the other, that reads on, still gets.

    A unix socket holds less than one delivery, so nothing is lost before its own sends fail.
    """
    tap, flood = pair.server.tap(keep_open=True), b"x" * (8 * 1024 * 1024)
    for side in pair.sides:
        side.transport.pause_reading()
        side.transport.write(flood)
    await pair.settle()
    pair.client.transport.close()
    pair.server.transport.resume_reading()
    await pair.settle()
    return tap.log, len(tap.data)
