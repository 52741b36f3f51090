"""About streamgauge/fakes/transport.py and writing.py: as asyncio's own transport, turn by turn.

A scenario is played over real TCP by asyncio's selector loop and over a wire in memory, in the
same test, and what the protocols were told is compared.
"""

from __future__ import annotations

# ruff: noqa: D102, D103  # the doubles' methods are asyncio's
import asyncio
import contextlib
import contextvars
import gc
import logging
import socket
import struct
import sys
import warnings

import pytest

from streamgauge.fakes import Chunks, MemoryTransport, Wire

LINGER_ZERO = struct.pack("ii", 1, 0)


async def over_memory(client, server, **options):
    loop = asyncio.get_running_loop()
    made = []
    for end, protocol in zip(Wire(**options).ends, (client, server)):
        waiter = loop.create_future()
        made.append(MemoryTransport(loop, end, protocol, waiter=waiter))
        await waiter
    return made


async def over_tcp(client, server):
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs = listener.accept()[0]
    a, _ = await loop.create_connection(lambda: client, sock=ours)
    b, _ = await loop.connect_accepted_socket(lambda: server, sock=theirs)
    return a, b


async def settle():
    """Let the loop go round until loopback has brought what was sent."""
    for _ in range(40):
        await asyncio.sleep(0)


async def play(connect, scenario, recorder, **reactions):
    """Play a scenario and give what both protocols were told."""
    client, server = recorder(**reactions), recorder(**reactions)
    a, b = await connect(client, server)
    seen = await scenario(a, b)
    await settle()
    log = [seen, client.log[:], server.log[:]]
    for transport, protocol in ((a, client), (b, server)):
        if "lost" not in [entry[0] for entry in protocol.log]:
            transport.abort()
    await settle()
    return log


def reset(transport):
    sock = transport.get_extra_info("socket")
    if sock is None:
        transport.wire.linger_zero = True
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    transport.abort()


async def close_flushes(a, b):
    a.write(b"last words")
    a.close()
    a.close()
    return a.is_closing(), a.is_reading(), b.is_reading()


async def half_close(a, b):
    a.write(b"question")
    a.write_eof()
    a.write_eof()
    await settle()
    b.write(b"answer")
    await settle()
    with pytest.raises(RuntimeError):
        a.write(b"more")
    return a.is_closing(), b.is_closing(), a.can_write_eof()


async def abort_is_fin(a, b):
    a.abort()
    a.abort()
    a.write(b"nothing")


async def linger_zero_is_reset(a, b):
    reset(a)


async def unread_is_reset(a, b):
    a.pause_reading()
    b.write(b"never read")
    await settle()
    a.close()


async def writing_to_the_dead(a, b):
    a.abort()
    await settle()
    said = []
    for _ in range(3):
        b.write(b"x")
        await settle()
        said.append(b.is_closing())
    return said


async def pausing(a, b):
    b.pause_reading()
    b.pause_reading()
    a.write(b"one")
    await settle()
    held = [entry[0] for entry in b.get_protocol().log]
    b.resume_reading()
    at_once = [entry[0] for entry in b.get_protocol().log]
    b.resume_reading()
    await settle()
    return held, at_once, b.is_reading()


async def paused_before_eof(a, b):
    b.pause_reading()
    a.write(b"data")
    a.write_eof()
    await settle()
    held = len(b.get_protocol().log)
    b.resume_reading()
    return held


async def watermarks(a, b):
    limits = [a.get_write_buffer_limits()]
    for kwargs in ({"high": 100}, {"low": 10}, {"high": 5, "low": 5}, {}, {"high": 0}):
        a.set_write_buffer_limits(**kwargs)
        limits.append(a.get_write_buffer_limits())
    with pytest.raises(ValueError, match="high"):
        a.set_write_buffer_limits(high=1, low=2)
    return limits, a.get_write_buffer_size()


async def flow(a, b):
    b.pause_reading()
    a.write(b"x" * 30_000_000)
    paused = a.get_write_buffer_size() > a.get_write_buffer_limits()[1]
    a.write(b"y")
    b.resume_reading()
    while sum(map(len, b.get_protocol().data)) < 30_000_001:
        await asyncio.sleep(0)
    largest = max(map(len, b.get_protocol().data))
    b.get_protocol().log[1:] = []
    return paused, largest


async def resume_before_the_end(a, b):
    b.pause_reading()
    a.write(b"x" * 9_000_000)
    a.close()
    closing = a.is_closing(), a.get_write_buffer_size() > 0
    a.write(b"tail")
    b.resume_reading()
    server = b.get_protocol()
    while ("eof",) not in server.log:
        await asyncio.sleep(0)
    got = b"".join(server.data)
    server.log[:] = [entry for entry in server.log if entry[0] != "data"]
    return closing, len(got), got[-5:]


async def abort_drops(a, b):
    b.pause_reading()
    a.write(b"x" * 30_000_000)
    a.abort()
    size = a.get_write_buffer_size()
    await settle()
    return size


async def several_lines(a, b):
    a.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
    a.write(memoryview(b"xdx")[1:2])


async def wrong_types(a, b):
    for data in ("text", None, 3, [b"x"]):
        with pytest.raises(TypeError):
            a.write(data)
    a.write(b"")


async def swapped(a, b):
    fresh = type(b.get_protocol())()
    old = b.get_protocol()
    b.set_protocol(fresh)
    a.write(b"for the new one")
    await settle()
    b.set_protocol(old)
    return fresh.log, b.get_protocol() is old


SCENARIOS = [
    close_flushes,
    half_close,
    abort_is_fin,
    linger_zero_is_reset,
    unread_is_reset,
    writing_to_the_dead,
    pausing,
    paused_before_eof,
    watermarks,
    flow,
    resume_before_the_end,
    abort_drops,
    several_lines,
    wrong_types,
    swapped,
]


def told(log):
    """Put deliveries that follow one another together: the kernel may cut them anywhere."""
    merged = []
    for entry in log:
        if entry[0] == "data" and merged and merged[-1][0] == "data":
            merged[-1] = ("data", merged[-1][1] + entry[1])
        else:
            merged.append(entry)
    return merged


def compare(scenario, recorder, **reactions):
    """Play a scenario on asyncio's selector loop, over TCP and over a wire, and compare."""
    logs = []
    for connect in (over_tcp, over_memory):
        loop = asyncio.SelectorEventLoop()
        noise = []
        loop.set_exception_handler(lambda _, context, noise=noise: noise.append(context))
        with contextlib.closing(loop):
            seen, *sides = loop.run_until_complete(play(connect, scenario, recorder, **reactions))
        logs.append((seen, *map(told, sides), [str(c.get("exception")) for c in noise]))
    assert logs[0] == logs[1]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
@pytest.mark.parametrize("keep_open", [True, False], ids=["kept-open", "closed-at-eof"])
def test_a_scenario_goes_as_over_tcp(scenario, keep_open, recorder):
    """What is seen, and what both protocols are told and in which order, is what TCP gave."""
    compare(scenario, lambda: recorder(keep_open=keep_open))


def boom(protocol):
    raise KeyError("boom")


@pytest.mark.parametrize("where", ["data", "eof", "made", "lost", "pause", "resume"])
def test_a_protocol_that_raises_is_treated_as_over_tcp(where, recorder):
    """An error in any callback reaches the loop's handler, and ends the connection if TCP's did."""

    async def scenario(a, b):
        a.write(b"data")
        await settle()
        a.set_write_buffer_limits(high=0)
        b.pause_reading()
        if not a.is_closing():
            a.write(b"x" * 30_000_000)
            b.resume_reading()
            while a.get_write_buffer_size():
                await asyncio.sleep(0)
            for _ in range(200):
                await asyncio.sleep(0)
            a.is_closing() or a.write_eof()
        await settle()

    compare(scenario, recorder, **{where: boom})


def test_pausing_in_connection_made_is_as_over_tcp(recorder):
    """Whether a pause before the beginning holds depends on the Python, and is the same."""

    async def scenario(a, b):
        a.write(b"early")
        await settle()
        return b.is_reading()

    compare(scenario, recorder, made=lambda protocol: protocol.transport.pause_reading())


def test_a_mutable_buffer_is_sent_as_over_tcp(recorder):
    """What becomes of a bytearray that is changed while it waits depends on the Python."""

    async def scenario(a, b):
        b.pause_reading()
        a.write(b"x" * 30_000_000)
        data = bytearray(b"good")
        a.write(data)
        data[:] = b"evil"
        b.resume_reading()
        while sum(map(len, b.get_protocol().data)) < 30_000_004:
            await asyncio.sleep(0)
        got = b"".join(b.get_protocol().data)[-4:]
        b.get_protocol().log.clear()
        return got

    compare(scenario, recorder)


async def test_connection_made_comes_first_and_nothing_after_the_end(recorder):
    """Both ends are told in order, the end once, and never inside `close()`."""
    client, server = recorder(), recorder()
    a, b = await over_memory(client, server)
    a.write(b"x")
    a.close()
    assert ("lost", None) not in client.log
    await settle()
    b.close()
    assert ("lost", None) not in server.log
    await settle()
    assert [("made",), ("lost", None)] == client.log
    assert [("made",), ("data", b"x"), ("eof",), ("lost", None)] == server.log


async def test_one_delivery_a_turn_of_256_kib_at_most(recorder):
    """A megabyte comes in four turns; resuming delivers nothing before the next one."""
    client, server = recorder(), recorder()
    a, b = await over_memory(client, server)
    b.pause_reading()
    a.write(b"x" * 1048576)
    b.resume_reading()
    counts = [len(server.data)]
    for _ in range(5):
        await asyncio.sleep(0)
        counts.append(len(server.data))
    assert [0, 1, 2, 3, 4, 4] == counts
    assert [262144] * 4 == [len(data) for data in server.data]
    a.abort()
    b.abort()


async def test_deliveries_run_in_the_context_of_the_reader(recorder):
    """A delivery never sees the context variables of whoever wrote, as over a socket."""
    who = contextvars.ContextVar("who", default="nobody")
    seen = []
    client, server = recorder(), recorder(data=lambda protocol: seen.append(who.get()))
    who.set("reader")
    a, b = await over_memory(client, server)
    contextvars.copy_context().run(lambda: (who.set("writer"), a.write(b"x")))
    await settle()
    assert ["reader"] == seen
    a.abort()
    b.abort()


async def test_writes_after_the_end_are_warned_about_from_the_fifth_on(recorder, caplog):
    """Four writes after close pass in silence, each later one logs a warning."""
    a, b = await over_memory(recorder(), recorder())
    a.close()
    with caplog.at_level(logging.WARNING, "asyncio"):
        counts = []
        for _ in range(6):
            a.write(b"x")
            counts.append(len(caplog.records))
    assert [0, 0, 0, 0, 1, 2] == counts
    b.abort()


class Buffered(asyncio.BufferedProtocol):
    """Notes what its small buffer was filled with."""

    def __init__(self, size):
        self.buffer = bytearray(size)
        self.got = []
        self.end = []

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.got.append(bytes(self.buffer[:nbytes]))

    def eof_received(self):
        self.end.append("eof")

    def connection_lost(self, exc):
        self.end.append(exc)


async def test_a_buffered_protocol_is_filled(recorder):
    """Its own buffer is filled, as far as that goes each time, then comes EOF."""
    client, server = recorder(), Buffered(4)
    a, _ = await over_memory(client, server)
    a.write(b"abcdef")
    a.write_eof()
    await settle()
    assert ([b"abcd", b"ef"], ["eof", None]) == (server.got, server.end)
    a.abort()


async def test_an_empty_buffer_is_an_error(recorder):
    """A buffered protocol that gives no room ends its connection with a RuntimeError."""
    noise = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: noise.append(c["exception"]))
    client, server = recorder(), Buffered(0)
    a, _ = await over_memory(client, server)
    a.write(b"abcdef")
    await settle()
    assert [RuntimeError] == [type(exc) for exc in server.end]
    assert server.end == noise
    a.abort()


async def test_a_policy_that_raises_ends_the_connection(recorder):
    """An error of a chunks policy is reported and ends the reading end, it never hangs."""
    noise = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: noise.append(c["exception"]))
    client, server = recorder(), recorder()
    a, b = await over_memory(client, server, chunks=lambda available: -1)
    a.write(b"x")
    await settle()
    assert ("lost", ValueError) == server.log[-1]
    assert "gave -1 for 1 bytes" in str(noise[0])
    a.abort()
    b.abort()


async def test_a_policy_that_gives_nothing_is_an_error_at_once(recorder):
    """A policy that rounds down to 0 doesn't spin: the reading end is lost with the number."""
    client, server = recorder(), recorder()
    handled = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: handled.append(context))
    a, b = await over_memory(client, server, chunks=lambda available: available // 2)
    a.write(b"xy")
    while not b.is_closing():
        await asyncio.sleep(0)
    assert [b"x"] == server.data
    assert ["the chunks policy gave 0 for 1 bytes, expected a number from 1 to 1: how many"] == [
        str(context["exception"]).partition(" of them")[0] for context in handled
    ]
    a.abort()


@pytest.mark.parametrize("chunks", [Chunks.ONE_BYTE, Chunks.COALESCE, Chunks.RANDOM(5)])
async def test_policies_hold_through_the_transport(chunks, recorder):
    """All bytes come in the end, in the policy's pieces, followed by EOF."""
    client, server = recorder(), recorder()
    a, b = await over_memory(client, server, chunks=chunks)
    a.write(b"hello ")
    a.write(b"world")
    a.write_eof()
    while ("eof",) not in server.log:
        await asyncio.sleep(0)
    assert b"hello world" == b"".join(server.data)
    if chunks is Chunks.ONE_BYTE:
        assert [1] * 11 == [len(data) for data in server.data]
    a.abort()
    b.abort()


async def test_memory_in_flight_is_bounded(recorder):
    """A sender whose peer does not read is paused at window + high-water mark."""
    client, server = recorder(), recorder()
    a, b = await over_memory(client, server, window=10_000)
    b.pause_reading()
    total = 0
    while ("pause",) not in client.log:
        a.write(b"x" * 1000)
        total += 1000
    assert total - a.get_write_buffer_size() == a.wire.in_flight() == 10_000
    assert 10_000 + a.get_write_buffer_limits()[1] < total <= 10_000 + 65536 + 1000
    a.abort()
    b.abort()


async def test_a_transport_that_nobody_closed_says_so(recorder):
    """A transport that is collected open warns, and its peer sees EOF."""
    client, server = recorder(), recorder()
    wire = Wire()
    loop = asyncio.get_running_loop()
    b = MemoryTransport(loop, wire.ends[1], server)
    MemoryTransport(loop, wire.ends[0], client)
    await settle()
    wire.ends[0].on_readable = None  # what holds the transport
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.transport = None
        gc.collect()
    texts = [str(warning.message) for warning in caught]  # of others' garbage, too
    assert 1 == sum(text.startswith("unclosed transport") for text in texts)
    await settle()
    assert ("eof",) in server.log
    b.abort()
    await settle()


async def test_only_public_methods_of_the_loop_are_used(recorder):
    """A loop that has nothing but the documented few calls will do."""
    real = asyncio.get_running_loop()

    class Few:
        call_soon = staticmethod(real.call_soon)
        call_exception_handler = staticmethod(real.call_exception_handler)
        get_debug = staticmethod(real.get_debug)
        is_closed = staticmethod(real.is_closed)

    client, server = recorder(), recorder()
    a, b = (MemoryTransport(Few(), end, p) for end, p in zip(Wire().ends, (client, server)))
    await settle()
    a.write(b"x")
    b.close()
    await settle()
    assert [("made",), ("lost", ConnectionResetError)] == client.log
    a.abort()


async def test_one_huge_write_is_linear(recorder):
    """Four times the bytes take at most some four times the work: no byte is moved twice."""
    steps = []

    async def count(size):
        client, server = recorder(), recorder()
        a, b = await over_memory(client, server)
        moved = 0

        def trace(frame, event, arg):
            nonlocal moved
            moved += event == "call"

        sys.setprofile(trace)
        try:
            a.write(b"x" * size)
            while sum(map(len, server.data)) < size:
                await asyncio.sleep(0)
        finally:
            sys.setprofile(None)
        a.abort()
        b.abort()
        steps.append(moved)

    await count(8 << 20)
    await count(32 << 20)
    assert steps[1] < 6 * steps[0]


async def test_a_transport_takes_attributes_and_patches(recorder):
    """As on a socket's transport, a program can hang things on it and put a method in place."""
    a, b = await over_memory(recorder(), recorder())
    a.own, written = "thing", []
    a.write = written.append
    a.write(b"noted")
    del a.write
    a.write(b"sent")
    await settle()
    assert ("thing", [b"noted"], [b"sent"]) == (a.own, written, b.get_protocol().data)
    a.abort()
    b.abort()
    await settle()


async def test_the_socket_is_made_when_it_is_asked_for(recorder):
    """It bears the names that the transport was given, and is the same one ever after."""
    names = {"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)}
    end, peer = Wire().ends
    loop = asyncio.get_running_loop()
    transport = MemoryTransport(loop, end, recorder(), extra=dict(names))
    bare = MemoryTransport(loop, peer, recorder())
    sock = transport.get_extra_info("socket")
    assert names == {"sockname": sock.getsockname(), "peername": sock.getpeername()}
    assert sock is transport.get_extra_info("socket")
    assert "none" == bare.get_extra_info("socket", "none")
    transport.abort()
    bare.abort()
    await settle()


def test_a_transport_that_was_not_made_says_nothing_more():
    """A constructor that raises leaves nothing that complains when it is collected."""
    with pytest.raises(TypeError, match="positional argument"):
        MemoryTransport(asyncio.SelectorEventLoop)
