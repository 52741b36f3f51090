"""Checks of `StreamWriter.write` and `writelines`: what is sent, when, and in which order.

How a sender is slowed down is tried in `writer_drain`, how sending ends in `writer_eof`.
"""

from __future__ import annotations

from array import array
from typing import Iterator

from streamgauge.conformance.registry import PAIRS, check
from streamgauge.conformance.trial import Trial

SOCKETS = ("socketpair", "tcp", "tcp6", "unix", "tls")  # the links with a socket of their own
PLAIN = ("socketpair", "tcp", "tcp6", "unix", "own")  # the links that can half-close, too
BULK = bytes(range(256)) * 2 * 1024  # 512 KiB: twice what a narrowed kernel holds


class Packet(bytes):
    """Bytes of a class of their own, as protocol libraries have them."""


@check("writer.write.immediate", links=SOCKETS)
async def bytes_are_in_the_socket_when_write_returns(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"now")
    t.end_sending_unseen(writer)
    t.equal(await t.peer.recv_until_eof(), b"now", "sent without a turn of the loop")


@check("writer.write.queued-when-blocked", links=PAIRS)
async def what_the_socket_does_not_take_follows_once_the_peer_reads(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.write(BULK)
    await t.idle()
    t.equal(await t.peer.recv_exactly(len(BULK)), BULK)


@check("writer.write.order-kept", links=PAIRS)
async def many_writes_arrive_in_the_order_of_the_calls(t: Trial) -> None:
    pieces = [bytes([i]) * (2_503 * i % 8_000 + 1) for i in range(160)]  # 620 KiB, long and short
    _, writer = await t.pair()
    t.narrow(writer)
    for piece in pieces[:80]:  # the first are sent at once, then some are queued
        writer.write(piece)
    receiving = t.start(t.peer.recv_exactly(len(b"".join(pieces))))
    for piece in pieces[80:]:  # while the queue is being sent
        writer.write(piece)
        await t.idle()
    t.equal(await receiving, b"".join(pieces))


@check("writer.write.accepts-bytes-like", links=PAIRS)
async def bytes_bytearray_and_memoryview_are_sent(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"bytes ")
    writer.write(bytearray(b"bytearray "))
    writer.write(memoryview(b"memoryview "))
    writer.write(memoryview(b"from a slice on")[7:12])
    writer.write(Packet(b" packet"))
    t.equal(await t.peer.recv_exactly(39), b"bytes bytearray memoryview slice packet")


@check("writer.write.accepts-bytes-like", links=PAIRS)
async def bytes_bytearray_and_memoryview_are_queued(t: Trial) -> None:
    _, writer = await t.pair()
    _, written = await t.fill_until_drain_blocks(writer)
    writer.write(b"bytes ")
    writer.write(bytearray(b"bytearray "))
    writer.write(memoryview(b"memoryview"))
    received = await t.peer.recv_exactly(written + 26)
    t.equal(received[written:], b"bytes bytearray memoryview")


@check("writer.write.later-change-not-sent", links=PAIRS)
async def a_change_after_write_is_not_sent(t: Trial) -> None:
    _, writer = await t.pair()
    buffer = bytearray(b"as it was")
    writer.write(buffer)
    buffer[:] = b"as it is!"
    t.equal(await t.peer.recv_exactly(9), b"as it was")


@check("writer.write.later-change-not-sent", links=PAIRS)
async def a_change_while_queued_is_not_sent(t: Trial) -> None:
    _, writer = await t.pair()
    _, written = await t.fill_until_drain_blocks(writer)
    buffer = bytearray(b"as it was")
    writer.write(buffer)
    writer.write(memoryview(buffer)[:5])
    buffer[:] = b"or it is!"
    received = await t.peer.recv_exactly(written + 14)
    t.equal(received[written:], b"as it wasas it")


# Not under TLS: there write never returns on Python 3.10 and older, and each run would wait for it.
@check("writer.write.wide-memoryview-whole", links=PLAIN)
async def a_view_of_wide_items_is_sent_in_full_or_refused(t: Trial) -> None:
    values = array("I", range(256 * 1024))  # 1 MiB, more than the kernel takes at once
    _, writer = await t.pair()
    t.narrow(writer)
    try:
        writer.write(memoryview(values))
    except (TypeError, ValueError):
        values = array("I")
    writer.close()  # so that the peer sees an end, even if something is missing
    t.equal(await t.peer.recv_until_eof(), values.tobytes())


@check("writer.write.str-rejected", links=PAIRS)
async def a_str_is_a_type_error_and_not_sent(t: Trial) -> None:
    _, writer = await t.pair()
    with t.raises(TypeError):
        writer.write("text")
    writer.write(b"next")
    t.equal(await t.peer.recv_exactly(4), b"next")


@check("writer.write.after-peer-eof", links=PLAIN)
async def a_peer_that_has_ended_its_sending_gets_everything(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    await t.deliver_eof()
    writer.write(BULK)
    t.equal(await t.peer.recv_exactly(len(BULK)), BULK)
    writer.write(b"and more")
    t.equal(await t.peer.recv_exactly(8), b"and more")


@check("writer.write.rejected-after-write-eof", links=PLAIN)
async def write_after_write_eof_is_a_runtime_error(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write_eof()
    with t.raises(RuntimeError):
        writer.write(b"too late")


@check("writer.writelines.rejected-after-write-eof", links=PLAIN)
async def writelines_after_write_eof_is_a_runtime_error(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write_eof()
    with t.raises(RuntimeError):
        writer.writelines([b"too ", b"late"])


@check("writer.write.silent-after-close", links=PAIRS)
async def write_after_close_raises_nothing(t: Trial) -> None:
    _, writer = await t.pair()
    writer.close()
    await t.peer.recv_until_eof()
    await t.peer.close()
    await writer.wait_closed()
    writer.write(b"to nobody")


@check("writer.write.silent-after-close", links=PAIRS)
async def write_after_a_reset_raises_nothing(t: Trial) -> None:
    _, writer = await t.pair()
    await t.deliver_reset()
    writer.write(b"to nobody")


@check("writer.writelines.list", links=PAIRS)
async def the_items_of_a_list_arrive_one_after_the_other(t: Trial) -> None:
    _, writer = await t.pair()
    writer.writelines([b"one", bytearray(b"two"), b"", memoryview(b"three")])
    writer.write(b"end")
    t.equal(await t.peer.recv_exactly(14), b"onetwothreeend")


@check("writer.writelines.any-iterable", links=PAIRS)
async def generators_and_iterators_are_taken(t: Trial) -> None:
    def generated() -> Iterator[bytes]:
        yield b"gen"
        yield b"erator "

    _, writer = await t.pair()
    writer.writelines(generated())
    writer.writelines(iter([b"iter", b"ator "]))
    writer.writelines((b"tup", b"le "))
    writer.writelines({b"di": 1, b"ct": 2})
    t.equal(await t.peer.recv_exactly(29), b"generator iterator tuple dict")


@check("writer.writelines.empty-iterable", links=PAIRS)
async def nothing_is_sent_of_an_empty_iterable(t: Trial) -> None:
    _, writer = await t.pair()
    writer.writelines([])
    writer.writelines(())
    writer.writelines(iter([]))
    writer.writelines(line for line in [b"skipped"] if not line)
    writer.write(b"next")
    t.equal(await t.peer.recv_exactly(4), b"next")


@check("writer.writelines.immediate", links=SOCKETS)
async def lines_are_in_the_socket_when_writelines_returns(t: Trial) -> None:
    _, writer = await t.pair()
    writer.writelines([b"right ", b"now"])
    t.end_sending_unseen(writer)
    t.equal(await t.peer.recv_until_eof(), b"right now", "sent without a turn of the loop")


@check("writer.writelines.queued-when-blocked", links=PAIRS)
async def lines_that_the_socket_does_not_take_follow_in_order(t: Trial) -> None:
    lines = [bytes([i % 256]) * (i % 700 + 1) for i in range(1_600)]  # 520 KiB
    _, writer = await t.pair()
    t.narrow(writer)
    writer.writelines(lines)
    writer.writelines([b"the", b"end"])
    await t.idle()
    expected = b"".join(lines) + b"theend"
    t.equal(await t.peer.recv_exactly(len(expected)), expected)


@check("writer.writelines.drain-blocks", links=PAIRS)
async def drain_blocks_after_writelines_until_the_peer_reads(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    written, returned = 0, True
    while returned:
        t.true(written < 8 * len(BULK), f"drain() to wait after {written:,} bytes were written")
        writer.writelines([BULK[: 4 * 1024]] * 16)
        written += 64 * 1024
        draining = t.start(writer.drain())
        await t.bench.settle()
        await t.acknowledged(writer)  # else late room in the socket would end it
        returned = draining.done()
    await t.still_waits(draining, "drain()")
    t.equal(len(await t.peer.recv_exactly(written)), written)
    await draining


@check("writer.writelines.str-item-rejected", links=PAIRS)
async def a_str_among_the_lines_is_a_type_error(t: Trial) -> None:
    _, writer = await t.pair()
    with t.raises(TypeError):
        writer.writelines([b"bytes", "text"])
    with t.raises(TypeError):
        writer.writelines(["text"])
