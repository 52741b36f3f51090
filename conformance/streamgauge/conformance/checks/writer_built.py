"""Checks of a StreamWriter that a program builds by hand, over a protocol that is asyncio's own.

The page advises against it; the recipe for standard output and many libraries do it all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sys
from functools import partial
from typing import Any, Tuple

from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

ONCE = {"*": "nothing is delivered"}
NEEDS = ("StreamWriter",)
BROKEN = (BrokenPipeError, ConnectionResetError)
PIPE = 512 * 1024  # bytes; more than a pipe and the transport's buffer take before drain waits


async def _over_a_pipe(t: Trial, reader: Any = None) -> Tuple[Any, int]:
    """Build a writer over a pipe; gives it and the descriptor to read from."""
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    if sys.platform == "win32":  # the suite runs on no Windows
        raise NotImplementedError
    os.set_blocking(reading, False)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(writing, "wb", 0)
    )
    try:
        writer = t.subject.StreamWriter(transport, protocol, reader, loop)
    except BaseException:
        transport.close()
        os.close(reading)
        raise
    t.writers.append(writer)
    return writer, reading


async def _broken(t: Trial, writer: Any) -> None:
    """Wait until a transport has noticed that its pipe is broken: it forgets what it held."""
    while writer.transport.get_write_buffer_size():
        await t.idle()
    await t.idle()


@check("writer.built.over-a-pipe", links=FEED, needs=NEEDS, spares=ONCE)
async def what_is_written_to_a_pipe_arrives_and_ends(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    with os.fdopen(reading, "rb", 0) as pipe:
        writer.write(b"one ")
        writer.writelines([b"two ", b"three"])
        await writer.drain()
        t.equal(pipe.read(100), b"one two three")
        t.equal(writer.is_closing(), False, "is_closing()")
        writer.close()
        t.equal(writer.is_closing(), True, "is_closing() after close()")
        await t.idle()
        t.equal(pipe.read(100), b"", "what comes after close()")


@check("writer.built.over-a-pipe", links=FEED, needs=NEEDS, spares=ONCE)
async def drain_waits_until_a_full_pipe_is_read(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    with os.fdopen(reading, "rb", 0) as pipe:
        await writer.drain()
        writer.write(bytes(PIPE))
        draining = t.start(writer.drain())
        await t.still_waits(draining, "drain() of a full pipe")
        received = 0
        while received < PIPE:
            received += len(pipe.read(PIPE) or b"")
            await t.idle()
        await t.is_done(draining, "drain() of a pipe that was read")
        writer.close()
        await t.idle()


@check("writer.built.reader-checked", links=FEED, needs=NEEDS, spares=ONCE)
async def what_is_no_reader_is_refused(t: Trial) -> None:
    with t.raises(AssertionError):
        await _over_a_pipe(t, object())
    await t.idle()


@check("writer.built.pipe-wait-closed", links=FEED, needs=NEEDS, spares=ONCE)
async def wait_closed_of_a_pipe_returns_once_it_is_closed(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    with os.fdopen(reading, "rb", 0):
        first, second = t.start(writer.wait_closed()), t.start(writer.wait_closed())
        await t.still_waits(first, "wait_closed() of an open pipe")
        await t.cancel(second, "wait_closed()")
        writer.close()
        await first
        await t.is_done(t.start(writer.wait_closed()), "wait_closed() of a closed pipe")


@check("writer.built.pipe-wait-closed", links=FEED, needs=NEEDS, spares=ONCE)
async def wait_closed_of_a_pipe_raises_what_ended_it(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    waiting = t.start(writer.wait_closed())
    writer.write(bytes(PIPE))
    draining = t.start(writer.drain())
    await t.still_waits(waiting, "wait_closed() of an open pipe")
    os.close(reading)
    for call in (waiting, draining):
        with t.raises(BROKEN):
            await call


@check("writer.built.pipe-wait-closed", links=FEED, needs=NEEDS, spares=ONCE)
async def wait_closed_of_a_pipe_that_broke_long_ago_returns(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    writer.write(bytes(PIPE))
    os.close(reading)
    await _broken(t, writer)
    with contextlib.suppress(OSError):  # whether it is still known is left open
        await t.is_done(t.start(writer.wait_closed()), "wait_closed()")


@check("writer.built.pipe-wait-closed", links=FEED, needs=NEEDS, spares=ONCE)
async def what_broke_a_pipe_after_close_is_raised_later(t: Trial) -> None:
    writer, reading = await _over_a_pipe(t)
    writer.write(bytes(PIPE))
    writer.close()
    os.close(reading)
    await _broken(t, writer)
    with t.raises(BROKEN):
        await writer.wait_closed()


async def _over_a_socket(t: Trial, *, has_reader: bool = True) -> Tuple[Any, Any, socket.socket]:
    """Build a writer over asyncio's own protocol and reader; gives it, the reader and the peer."""
    loop = asyncio.get_running_loop()
    own, peer = socket.socketpair()
    reader = asyncio.StreamReader(loop=loop)
    transport, protocol = await loop.create_connection(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), sock=own
    )
    writer = t.subject.StreamWriter(transport, protocol, reader if has_reader else None, loop)
    t.writers.append(writer)
    return writer, reader, peer


@check("writer.built.over-asyncios-protocol", links=FEED, needs=NEEDS, spares=ONCE)
async def it_sends_drains_and_closes_over_asyncios_protocol(t: Trial) -> None:
    writer, _, peer = await _over_a_socket(t)
    with peer:
        writer.write(b"hello")
        await writer.drain()
        t.equal(peer.recv(10), b"hello")
        waiting = t.start(writer.wait_closed())
        await t.still_waits(waiting, "wait_closed() of an open connection")
        writer.close()
        await waiting
        t.equal(peer.recv(10), b"", "what comes after close()")
        await t.is_done(t.start(writer.wait_closed()), "wait_closed() once closed")
        with t.raises(ConnectionResetError):
            await writer.drain()


@check("writer.built.over-asyncios-protocol", links=FEED, needs=NEEDS, spares=ONCE)
async def its_drain_raises_what_asyncios_reader_has(t: Trial) -> None:
    writer, reader, peer = await _over_a_socket(t)
    with peer:
        await writer.drain()
        reader.set_exception(KeyError("set by the check"))
        with t.raises(KeyError, "set by the check"):
            await writer.drain()


@check("writer.built.over-asyncios-protocol", links=FEED, needs=NEEDS, spares=ONCE)
async def its_wait_closed_raises_what_ended_the_connection(t: Trial) -> None:
    writer, _, peer = await _over_a_socket(t)
    waiting = t.start(writer.wait_closed())
    writer.write(b"!")  # left unread: what resets a unix socket when it is closed
    await t.still_waits(waiting, "wait_closed() of an open connection")
    peer.close()
    with t.raises(ConnectionError):
        await waiting


@check("writer.built.upgrades", links=FEED, needs=NEEDS, spares=ONCE)
async def it_is_upgraded_over_asyncios_protocol(t: Trial) -> None:
    for has_reader in (True, False):
        writer, reader, peer = await _over_a_socket(t, has_reader=has_reader)
        speak = partial(t.tls.server_context().wrap_socket, peer, server_side=True)
        shaking = t.start(t.bench.run(speak))
        await writer.start_tls(t.tls.client_context(), server_hostname=t.tls.HOSTNAME)
        with await shaking as secure:
            writer.write(b"secret")
            t.equal(await t.bench.run(secure.recv, 6), b"secret", "decrypted by the peer")
            await t.bench.run(secure.sendall, b"answer")
            t.equal(await reader.readexactly(6), b"answer", "decrypted by the reader")


# --- forgotten, and shown ----------------------------------------------------------------------


class _Standing(asyncio.WriteTransport):
    """A transport that stays open, and notes that it was closed."""

    told = ""

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        self.told += "close "


@check("writer.collected.after-its-loop", links=FEED, needs=NEEDS, spares=ONCE)
async def a_writer_whose_loop_is_closed_warns_and_closes_nothing(t: Trial) -> None:
    loop, transport = asyncio.new_event_loop(), _Standing()
    protocol = asyncio.streams.FlowControlMixin(loop=loop)
    loop.close()
    writer = t.subject.StreamWriter(transport, protocol, None, loop)
    with t.warnings() as seen:
        del writer
        gc.collect()
    t.equal([w.category for w in seen], [ResourceWarning], "warnings")
    t.equal(transport.told, "", "what the transport was told")


@check("writer.repr.tells-its-parts", links=FEED, needs=NEEDS, spares=ONCE)
async def its_repr_has_that_of_transport_and_reader(t: Trial) -> None:
    writer, reader, peer = await _over_a_socket(t)
    with peer:
        for part in (writer.transport, reader):
            t.true(repr(part) in repr(writer), f"{part!r} in {writer!r}")
    alone, reading = await _over_a_pipe(t)
    with os.fdopen(reading, "rb", 0):
        t.true(repr(alone.transport) in repr(alone), f"{alone.transport!r} in {alone!r}")
        t.false("reader" in repr(alone), f"no reader in {alone!r}")
        alone.close()
        await t.idle()


# --- who waits for its end ---------------------------------------------------------------------


@check("writer.wait_closed.cancel-leaves-others", links=FEED, needs=NEEDS, spares=ONCE)
async def over_asyncios_protocol_a_cancelled_wait_leaves_the_others_waiting(t: Trial) -> None:
    writer, _, peer = await _over_a_socket(t)
    with peer:
        first, second = t.start(writer.wait_closed()), t.start(writer.wait_closed())
        await t.still_waits(second, "wait_closed() of an open connection")
        await t.cancel(first, "wait_closed()")
        await t.still_waits(second, "the other wait_closed()")
        writer.close()
        await second
