"""Checks of `StreamWriter.can_write_eof` and `write_eof`: ending one's sending and reading on."""

from __future__ import annotations

from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial

HALF_CLOSING = ("socketpair", "tcp", "tcp6", "unix", "own")  # TLS ends both directions at once
TLS = ("tls",)
BULK = bytes(range(256)) * 2 * 1024  # 512 KiB: twice what a narrowed kernel holds


@check("writer.can_write_eof.true-where-supported", links=HALF_CLOSING)
async def a_socket_can_end_its_sending(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.can_write_eof(), True)


@check("writer.can_write_eof.false-on-tls", links=TLS)
async def tls_cannot_end_its_sending_alone(t: Trial) -> None:
    _, writer = await t.pair()
    t.equal(writer.can_write_eof(), False)


@check("writer.write_eof.closes-write-end", links=HALF_CLOSING)
async def the_peer_sees_eof_after_everything_written(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write(b"question")
    writer.write_eof()
    t.equal(await t.peer.recv_until_eof(), b"question")


@check("writer.write_eof.flushes-first", links=HALF_CLOSING)
async def what_is_buffered_arrives_before_the_eof(t: Trial) -> None:
    _, writer = await t.pair()
    t.narrow(writer)
    writer.write(BULK)
    writer.write_eof()
    await t.idle()
    t.equal(await t.peer.recv_until_eof(), BULK)


@check("writer.write_eof.reading-goes-on", links=HALF_CLOSING)
async def the_answer_can_be_read_after_write_eof(t: Trial) -> None:
    reader, writer = await t.pair()
    writer.write(b"question")
    writer.write_eof()
    t.equal(await t.peer.recv_until_eof(), b"question")
    await t.deliver(b"answer")
    t.equal(await reader.readexactly(6), b"answer")
    t.false(reader.at_eof(), "at_eof() to be false while the peer goes on sending")
    await t.deliver(b", and more")
    await t.deliver_eof()
    t.equal(await reader.read(), b", and more")


@check("writer.write_eof.again-allowed", links=HALF_CLOSING)
async def write_eof_again_and_after_close_raises_nothing(t: Trial) -> None:
    _, writer = await t.pair()
    writer.write_eof()
    writer.write_eof()
    writer.close()
    writer.write_eof()
    t.equal(await t.peer.recv_until_eof(), b"")
    await writer.wait_closed()
    writer.write_eof()


@check("writer.write_eof.raises-on-tls", links=TLS)
async def write_eof_on_tls_is_not_implemented(t: Trial) -> None:
    _, writer = await t.pair()
    with t.raises(NotImplementedError):
        writer.write_eof()
