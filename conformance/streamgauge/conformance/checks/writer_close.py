"""Checks of `StreamWriter.close`, `is_closing` and `wait_closed`, and of a writer left to itself.

A peer under TLS answers the close, as the protocol wants it; the other links need no answer and
are not hurt by one.
"""

from __future__ import annotations

import contextlib
import gc
import os

from streamgauge.conformance.registry import PAIRS, check
from streamgauge.conformance.trial import Trial

SOCKETS = ("socketpair", "tcp", "tcp6", "unix", "tls")  # the links with a socket of their own
UNANSWERED = ("socketpair", "tcp", "tcp6", "unix", "own")  # the peer has no part in a close
BULK = bytes(range(256)) * 2 * 1024  # 512 KiB: twice what a narrowed kernel holds


@check("writer.close.closes-connection", links=PAIRS)
async def the_peer_sees_the_end_after_close(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"goodbye")
    writer.close()
    t.equal(await t.peer.recv_until_eof(), b"goodbye")


@check("writer.close.closes-socket", links=SOCKETS, kernel="a file descriptor")
async def the_descriptor_is_closed_after_close_and_wait_closed(t: Trial) -> None:
    _, writer = await t.pair()
    number = writer.get_extra_info("socket").fileno()
    before = os.fstat(number)
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await writer.wait_closed()
    try:
        after = os.fstat(number)
    except OSError:
        return
    t.false(os.path.samestat(before, after), f"descriptor {number} not to be the connection's")


@check("writer.close.flushes-buffer", links=PAIRS)
async def what_is_buffered_arrives_before_the_end(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.write(BULK)
    writer.close()
    await t.idle()
    t.equal(await t.peer.recv_until_eof(), BULK)


@check("writer.close.returns-at-once", links=PAIRS)
async def close_does_not_wait_for_a_peer_that_does_not_read(t: Trial) -> None:
    _, writer = await t.pair()
    _, written = await t.fill_until_drain_blocks(writer)
    t.equal(writer.close(), None)
    t.equal(len(await t.peer.recv_until_eof()), written)


@check("writer.close.twice", links=PAIRS)
async def closing_again_does_nothing(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.write(BULK)
    writer.close()
    writer.close()  # while bytes are still to be sent
    t.equal(await t.peer.recv_until_eof(), BULK)
    await t.peer.close()
    await writer.wait_closed()
    writer.close()


@check("writer.is_closing.false-while-open", links=PAIRS)
async def an_open_connection_is_not_closing(t: Trial) -> None:
    _, writer = await t.pair()
    t.false(writer.is_closing(), "is_closing() to be false")
    writer.write(b"some")
    await t.peer.recv_exactly(4)
    await t.deliver(b"more")
    t.false(writer.is_closing(), "is_closing() to be false after bytes went both ways")


@check("writer.is_closing.true-while-closing", links=PAIRS)
async def a_connection_that_is_still_being_flushed_is_closing(t: Trial) -> None:
    _, writer = await t.pair()
    await t.fill_until_drain_blocks(writer)
    writer.close()
    t.true(writer.is_closing(), "is_closing() to be true when close() returns")
    await t.idle()
    t.true(writer.is_closing(), "is_closing() to be true while bytes are being sent")


@check("writer.is_closing.true-after-close", links=PAIRS)
async def a_closed_connection_is_closing(t: Trial) -> None:
    _, writer = await t.pair()
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await writer.wait_closed()
    t.true(writer.is_closing(), "is_closing() to be true")


@check("writer.is_closing.true-after-reset", links=PAIRS)
async def a_reset_connection_is_closing(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_reset()
    t.true(writer.is_closing(), "is_closing() to be true")


@check("writer.is_closing.false-after-peer-eof", links=PAIRS)
async def a_connection_is_not_closing_when_the_peer_has_ended_its_sending(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_eof()
    t.false(writer.is_closing(), "is_closing() to be false")


@check("writer.wait_closed.returns-after-close", links=UNANSWERED)
async def wait_closed_returns_without_the_peer(t: Trial) -> None:
    _, writer = await t.pair()
    writer.close()
    await writer.wait_closed()
    t.equal(await t.peer.recv_until_eof(), b"")


@check("writer.wait_closed.returns-after-close", links=PAIRS)
async def wait_closed_returns_once_the_peer_has_closed_too(t: Trial) -> None:
    _, writer = await t.pair()
    writer.close()
    t.equal(await t.peer.recv_until_eof(), b"")
    await t.peer.close()
    await writer.wait_closed()


@check("writer.wait_closed.returns-after-close", links=PAIRS)
async def wait_closed_ends_after_a_reset_too(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_reset()
    writer.close()
    with contextlib.suppress(ConnectionError):  # how it ends is writer.wait_closed.raises-...
        await writer.wait_closed()


@check("writer.wait_closed.waits-for-flush", links=PAIRS)
async def wait_closed_waits_until_the_peer_has_read(t: Trial) -> None:
    _, writer = await t.pair()
    _, written = await t.fill_until_drain_blocks(writer)
    writer.close()
    closed = t.start(writer.wait_closed())
    await t.still_waits(closed, "wait_closed()")
    t.equal(len(await t.peer.recv_until_eof()), written)
    await t.peer.close()
    await closed


@check("writer.wait_closed.waits-while-open", links=PAIRS)
async def wait_closed_waits_on_an_open_connection(t: Trial) -> None:
    _, writer = await t.pair()
    closed = t.start(writer.wait_closed())
    await t.still_waits(closed, "wait_closed()")
    writer.write(b"some")
    await t.peer.recv_exactly(4)
    await t.deliver(b"more")
    await t.still_waits(closed, "wait_closed() after bytes went both ways")
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await closed


@check("writer.wait_closed.again-returns-at-once", links=PAIRS)
async def wait_closed_returns_to_everyone_and_again(t: Trial) -> None:
    _, writer = await t.pair()
    early = [t.start(writer.wait_closed()) for _ in range(3)]
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    for closed in early:
        await closed
    for _ in range(3):
        await t.is_done(t.start(writer.wait_closed()), "wait_closed() on a closed connection")


@check("writer.wait_closed.cancel-leaves-others", links=PAIRS)
async def a_cancelled_wait_closed_leaves_the_others_waiting(t: Trial) -> None:
    _, writer = await t.pair()
    first, second = t.start(writer.wait_closed()), t.start(writer.wait_closed())
    await t.still_waits(second, "wait_closed()")
    await t.cancel(first, "wait_closed()")
    await t.still_waits(second, "wait_closed() beside a cancelled one")
    later = t.start(writer.wait_closed())
    await t.still_waits(later, "wait_closed() after a cancelled one")
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await second
    await later


@check("writer.wait_closed.raises-connection-error", links=PAIRS)
async def wait_closed_raises_the_error_that_ended_the_connection(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_reset()
    writer.close()
    with t.raises(ConnectionError):
        await writer.wait_closed()


@check("writer.collected.warns", links=PAIRS)
async def a_forgotten_writer_says_so(t: Trial) -> None:
    _reader, writer = await t.pair()
    with t.warnings() as seen:
        t.writers.clear()
        del writer
        gc.collect()
        await t.idle()
    t.true([w for w in seen if w.category is ResourceWarning], "a ResourceWarning")


@check("writer.collected.closes-connection", links=PAIRS)
async def a_forgotten_writer_closes_its_connection(t: Trial) -> None:
    reader, writer = await t.pair()
    transport = writer.transport
    with t.warnings():
        t.writers.clear()
        del writer
        gc.collect()
        await t.idle()
    t.true(transport.is_closing(), "the connection to be closed")
    t.equal(await t.peer.recv_until_eof(), b"")
    t.false(reader is None, "the reader to be kept until here")
