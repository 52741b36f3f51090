"""Checks of `StreamWriter.drain`: when it waits, what wakes it, what it raises.

Flow control is tried for real: the peer is a socket that reads nothing until it is told to.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from streamgauge.conformance.registry import PAIRS, check
from streamgauge.conformance.trial import Trial

KIB = 1024  # bytes
STEP = 16 * KIB  # what a peer reads, or a writer writes, at a time
LOW, HIGH = 192 * KIB, 400 * KIB  # no defaults, and further apart than the kernel's buffer is big
GIVEN_UP = 20  # drains
TURNS = 1_000  # of write and drain, a KiB each: more than any buffer on the way holds


def futures() -> int:
    """Count the futures that anybody holds, tasks aside."""
    gc.collect()
    kinds = [type(one) for one in gc.get_objects()]
    return sum(issubclass(k, asyncio.Future) and not issubclass(k, asyncio.Task) for k in kinds)


@check("writer.drain.returns-when-nothing-to-wait-for", links=PAIRS)
async def drain_returns_below_the_high_water_mark(t: Trial) -> None:
    _, writer = await t.pair()
    await t.is_done(t.start(writer.drain()), "drain() before any write")
    writer.write(b"some")
    await t.is_done(t.start(writer.drain()), "drain() after a small write")
    t.equal(await t.peer.recv_exactly(4), b"some")


@check("writer.drain.returns-when-nothing-to-wait-for", links=PAIRS, needs=("transport",))
async def drain_returns_with_bytes_queued_below_the_mark(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.transport.set_write_buffer_limits(high=64 * KIB * KIB)
    for _ in range(64):
        writer.write(bytes(STEP))
    await t.is_done(t.start(writer.drain()), "drain() with 1 MiB written and a mark of 64 MiB")


@check("writer.drain.blocks-above-high-water", links=PAIRS)
async def drain_blocks_while_the_peer_does_not_read(t: Trial) -> None:
    _, writer = await t.pair()
    blocked, _ = await t.try_to_fill(writer)
    await t.still_waits(blocked, "drain()")


@check("writer.drain.wakes-at-low-water", links=PAIRS, needs=("transport",))
async def a_blocked_drain_returns_at_the_low_water_mark(t: Trial) -> None:
    _, writer = await t.pair()
    writer.transport.set_write_buffer_limits(high=HIGH, low=LOW)
    blocked, _ = await t.fill_until_drain_blocks(writer)
    while writer.transport.get_write_buffer_size() > LOW:
        await t.peer.recv(STEP)
        await t.idle()
    await t.is_done(blocked, "drain()")


@check("writer.drain.wakes-at-low-water", links=PAIRS)
async def a_sender_goes_on_once_the_peer_reads(t: Trial) -> None:
    async def send() -> None:
        for _ in range(64):
            writer.write(bytes(STEP))
            await writer.drain()

    _, writer = await t.pair()
    t.narrow(writer)
    sending = t.start(send())
    await t.still_waits(sending, "a loop of write() and drain()")
    t.equal(len(await t.peer.recv_exactly(64 * STEP)), 64 * STEP)
    await sending


@check("writer.drain.not-before-low-water", links=PAIRS, needs=("transport",))
async def a_blocked_drain_waits_for_the_low_water_mark(t: Trial) -> None:
    async def drained() -> Any:
        await writer.drain()
        return writer.transport.get_write_buffer_size()

    _, writer = await t.pair()
    writer.transport.set_write_buffer_limits(high=HIGH, low=LOW)
    blocked, _ = await t.fill_until_drain_blocks(writer)
    await t.cancel(blocked, "drain()")
    writer.write(bytes(HIGH))  # so that many steps lie between this and the mark
    draining = t.start(drained())
    await t.still_waits(draining, "drain()")
    while not draining.done():
        await t.peer.recv(STEP)
        await t.idle()
    left = await draining
    t.true(left <= LOW, f"at most {LOW:,} bytes to be buffered when drain() returns, not {left:,}")


@check("writer.drain.follows-write-buffer-limits", links=PAIRS, needs=("transport",))
async def drain_blocks_at_the_mark_that_was_set(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.transport.set_write_buffer_limits(high=HIGH)
    size, returned = 0, True
    while returned:
        t.true(size <= HIGH, f"drain() to wait with {size:,} bytes buffered")
        writer.write(bytes(STEP))
        size = writer.transport.get_write_buffer_size()
        draining = t.start(writer.drain())
        await t.idle()
        returned = draining.done()
    t.true(size >= HIGH, f"drain() not to wait with {size:,} bytes buffered")


@check("writer.drain.several-waiters", links=PAIRS)
async def several_tasks_wait_in_drain_and_all_return(t: Trial) -> None:
    _, writer = await t.pair()
    first, written = await t.fill_until_drain_blocks(writer)
    second, third = t.start(writer.drain()), t.start(writer.drain())
    for waiting in (first, second, third):
        await t.still_waits(waiting, "drain()")
    await t.peer.recv_exactly(written)
    for waiting in (first, second, third):
        await waiting


@check("writer.drain.lost-connection-wakes", links=PAIRS)
async def a_reset_ends_a_blocked_drain(t: Trial) -> None:
    _, writer = await t.pair()
    blocked, _ = await t.fill_until_drain_blocks(writer)
    await t.peer.reset()
    with t.raises(ConnectionError):
        await blocked


@check("writer.drain.lost-connection-raises", links=PAIRS)
async def a_sender_learns_of_a_reset_it_has_had_no_turn_to_notice(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"!")  # left unread: what resets a unix socket when it is closed
    await t.peer.readable()
    await writer.drain()  # which must not be why later ones look no more
    t.peer.reset_unseen()
    with t.raises(ConnectionError):
        for _ in range(TURNS):
            writer.write(bytes(KIB))
            await writer.drain()


@check("writer.drain.lost-connection-raises", links=PAIRS)
async def a_sender_learns_of_a_reset_that_was_noticed(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_reset()
    with t.raises(ConnectionError):
        for _ in range(TURNS):
            writer.write(bytes(KIB))
            await writer.drain()


@check(
    "writer.drain.lost-connection-raises",
    links=("socketpair", "tcp", "tcp6", "unix", "own"),
    needs=("transport",),
)
async def a_sender_learns_of_an_abort_that_was_not_the_writers(t: Trial) -> None:
    for known_before in (True, False):
        _, writer = await t.pair()
        transport = writer.transport if known_before else None
        writer.write(b"x")
        await writer.drain()
        await writer.drain()
        (transport or writer.transport).abort()
        with t.raises(ConnectionError):
            for _ in range(TURNS):
                await writer.drain()


@check("writer.drain.lost-connection-raises", links=("socketpair", "tcp", "tcp6", "unix", "own"))
async def a_sender_of_lines_learns_of_a_reset_it_has_had_no_turn_to_notice(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"!")  # left unread: what resets a unix socket when it is closed
    await t.peer.readable()
    await writer.drain()
    t.peer.reset_unseen()
    with t.raises(ConnectionError):
        for _ in range(TURNS):
            writer.writelines([bytes(KIB)])
            await writer.drain()


@check("writer.drain.cancel-loses-nothing", links=PAIRS)
async def everything_written_arrives_after_a_cancelled_drain(t: Trial) -> None:
    _, writer = await t.pair()
    blocked, written = await t.fill_until_drain_blocks(writer)
    await t.cancel(blocked, "drain()")
    writer.write(b"more")
    receiving = t.start(t.peer.recv_exactly(written + 4))
    await writer.drain()
    t.equal(await receiving, bytes(written) + b"more")


@check("writer.drain.cancel-leaves-other-waiters", links=PAIRS)
async def a_cancelled_drain_leaves_the_others_waiting(t: Trial) -> None:
    _, writer = await t.pair()
    first, written = await t.fill_until_drain_blocks(writer)
    second, third = t.start(writer.drain()), t.start(writer.drain())
    await t.still_waits(third, "drain()")
    await t.cancel(second, "drain()")
    await t.still_waits(first, "drain() before the cancelled one")
    await t.still_waits(third, "drain() after the cancelled one")
    await t.peer.recv_exactly(written)
    await first
    await third


@check("writer.drain.cancel-leaves-nothing", links=PAIRS)
async def drains_given_up_one_after_the_other_leave_no_future(t: Trial) -> None:
    _, writer = await t.pair()
    blocked, _ = await t.fill_until_drain_blocks(writer)
    await t.cancel(blocked, "drain()")
    before = futures()
    for _ in range(GIVEN_UP):
        draining = asyncio.get_running_loop().create_task(writer.drain())  # held by nobody else
        await t.still_waits(draining, "drain()")
        await t.cancel(draining, "drain()")
    del draining
    left = futures() - before
    t.true(
        left < GIVEN_UP // 2, f"{GIVEN_UP} cancelled drains to leave nothing, not {left} futures"
    )


@check("writer.drain.no-turn-of-the-loop", links=PAIRS)
async def nothing_else_runs_during_a_drain_that_need_not_wait(t: Trial) -> None:
    _, writer = await t.pair()
    ran: list[int] = []
    asyncio.get_running_loop().call_soon(ran.append, 1)
    for _ in range(10):
        writer.write(b"x")
        await writer.drain()
    t.equal(ran, [], "what ran meanwhile")


@check("writer.drain.raises-reader-exception", links=PAIRS)
async def drain_raises_what_was_set_on_the_reader(t: Trial) -> None:
    reader, writer = await t.pair()
    reader.set_exception(KeyError("set by the check"))
    with t.raises(KeyError, "set by the check"):
        await writer.drain()


@check("writer.drain.raises-after-close", links=PAIRS)
async def drain_after_close_raises_connection_reset_error(t: Trial) -> None:
    _, writer = await t.pair()
    await writer.drain()  # which must not be why the next one looks no more
    await writer.drain()
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await t.idle()
    with t.raises(ConnectionResetError):
        await writer.drain()


@check("writer.drain.raises-after-close", links=("socketpair", "tcp", "tcp6", "unix", "own"))
async def a_loop_of_drains_alone_learns_that_the_writer_was_closed(t: Trial) -> None:
    _, writer = await t.pair()
    await writer.drain()
    await writer.drain()
    writer.close()
    with t.raises(ConnectionResetError):
        for _ in range(TURNS):
            await writer.drain()


@check(
    "writer.drain.returns-when-aborted",
    links=PAIRS,
    needs=("transport",),
    spares={"cancel-drain+waking": "the next drain begins after the abort, and raises"},
)
async def a_blocked_drain_returns_when_the_transport_is_aborted(t: Trial) -> None:
    _, writer = await t.pair()
    blocked, _ = await t.fill_until_drain_blocks(writer)
    writer.transport.abort()
    await blocked
