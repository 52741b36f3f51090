"""About bench/growth.py: our streams' cost grows as the work does, and stays below asyncio's.

The guard against becoming slow. Counts of opcodes are the same on every machine; the ratios of
CPU time are of one run, and between what linear and what quadratic growth would give.
"""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import suppress

import pytest
from rich.console import Console

import streamgauge.streams
from streamgauge.conformance.bench import table
from streamgauge.conformance.bench.growth import SCENARIOS, Growth, Scenario, grow

pytestmark = pytest.mark.any_python

# Over three doublings linear work takes 8 times as long, quadratic work 64 times.
BETWEEN = 22


# A call of a Python function is as many machine instructions as some ten other opcodes, by
# callgrind, on 3.8 as on 3.13.
CALL_STEPS = 10


def opcodes(coroutine, call_steps=0):
    """Count the opcodes of Python that a coroutine takes which does not wait.

    Args:
        coroutine: What to run.
        call_steps: How many more each call of a Python function counts for.
    """
    count = 0

    def look(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = True
        count += (event == "opcode") + call_steps * (event == "call")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        coroutine.send(None)
    except StopIteration:
        return count
    finally:
        sys.settrace(before)
    raise AssertionError("it waited")


class Idle(asyncio.Transport):
    """A transport that has nothing to do; its end is told by hand."""

    closing = False

    def is_closing(self):
        """Tell whether it was closed."""
        return self.closing

    def close(self):
        """Note it."""
        self.closing = True

    def write(self, data):
        """Drop it."""

    def get_extra_info(self, name, default=None):
        """Know nothing."""
        return default


class Connecting:
    """What two functions need of a loop that connects at once.

    Args:
        loop: Does the rest.
    """

    def __init__(self, loop):
        self.get_debug, self.create_future = loop.get_debug, loop.create_future

    async def create_connection(self, factory, host, port):
        """Join a protocol to a transport."""
        transport, self.protocol = Idle(), factory()
        self.protocol.connection_made(transport)
        return transport, self.protocol


def drained(module, loop):
    """Return the second drain of a writer: the first one may have had to look."""
    reader = module.StreamReader(limit=2**16, loop=loop)
    protocol = module.StreamReaderProtocol(reader, loop=loop)
    writer = module.StreamWriter(Idle(), protocol, reader, loop)
    opcodes(writer.drain())
    return writer, writer.drain()


# How many of asyncio's opcodes each read may take, of any Python: with room above what it takes.
READS = {
    "readline": (0.5, lambda reader: reader.readline()),
    "readexactly": (0.75, lambda reader: reader.readexactly(16)),
    "read": (0.9, lambda reader: reader.read(16)),
    "readuntil": (1.0, lambda reader: reader.readuntil(b"\n")),
}


@pytest.mark.parametrize("name", READS)
async def test_a_ready_read_takes_fewer_steps_than_asyncios(name):
    """A read that the buffer serves takes no more than its part of asyncio's opcodes."""
    part, read = READS[name]
    taken = []
    for module in (asyncio, streamgauge.streams):
        reader = module.StreamReader(limit=2**16)
        reader.feed_data(b"x" * 31 + b"\n" + b"x" * 31 + b"\n")
        opcodes(read(reader))
        taken.append(opcodes(read(reader)))
    assert taken[1] <= part * taken[0]


async def test_an_idle_drain_takes_fewer_steps_than_asyncios():
    """A drain with nothing to wait for takes at most half of asyncio's opcodes."""
    loop = asyncio.get_running_loop()
    taken = []
    for module in (asyncio, streamgauge.streams):
        writer, drain = drained(module, loop)
        taken.append(opcodes(drain))
        writer.transport.is_closing = lambda: True  # nobody closed it: no warning
    assert taken[1] <= 0.5 * taken[0]


async def written(writer):
    """Send a little, as most programs do."""
    writer.write(b"small")
    await writer.drain()


async def test_a_small_write_with_its_drain_takes_fewer_steps_than_asyncios():
    """Opcodes and calls of a write and its drain are at most nine tenths of asyncio's."""
    loop = asyncio.get_running_loop()
    taken = []
    for module in (asyncio, streamgauge.streams):
        writer, drain = drained(module, loop)
        drain.close()
        opcodes(written(writer))
        taken.append(opcodes(written(writer), CALL_STEPS))
        writer.transport.is_closing = lambda: True  # nobody closed it: no warning
    assert taken[1] <= 0.9 * taken[0]


async def connected_and_closed(module, loop):
    """Open a connection and close it, to its end, for which the program waits."""
    _, writer = await module.open_connection("host", 1)
    writer.close()
    end = writer.wait_closed()
    end.send(None)
    loop.protocol.connection_lost(None)
    with suppress(StopIteration):
        end.send(None)


async def test_connecting_and_closing_takes_no_more_steps_than_asyncios(monkeypatch):
    """Opcodes and calls of making and ending a connection are at most as many as asyncio's."""
    loop = Connecting(asyncio.get_running_loop())
    for name in ("get_running_loop", "get_event_loop"):
        monkeypatch.setattr(asyncio, name, lambda: loop)
        monkeypatch.setattr(asyncio.events, name, lambda: loop)
    taken = []
    for module in (asyncio, streamgauge.streams):
        opcodes(connected_and_closed(module, loop))
        taken.append(opcodes(connected_and_closed(module, loop), CALL_STEPS))
    assert taken[1] <= taken[0]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_cost_grows_as_the_work_grows(scenario):
    """Eight times the work takes nearer to eight times the CPU time than to sixty-four times."""
    taken = grow(streamgauge.streams, scenario, asyncio.new_event_loop)
    assert [scenario.size << step for step in range(4)] == [size for size, _ in taken]
    assert taken[-1][1] <= BETWEEN * taken[0][1]


def test_large_work_ends_with_its_size():
    """Large sizes are halved as often as there are doublings, and each is measured once."""
    done = []

    async def work(subject, size):
        done.append(size)

    scenario = Scenario("", 1, "", 80, work)
    taken = grow(None, scenario, asyncio.new_event_loop, doublings=3, large=True)
    assert [10, 20, 40, 80] == done == [size for size, _ in taken]


def test_a_doubling_is_shown_as_a_factor():
    """The table has a factor for each doubling."""
    text = io.StringIO()
    grown = [Growth("work", "bytes", "asyncio", "subject", [(1, 1.0), (2, 2.0), (4, 8.0)])]
    table.print_growth(Console(file=text, width=100), "subject", grown)
    assert "x2.0, x4.0" in text.getvalue()


def test_quadratic_work_is_seen():
    """Work that goes over everything again each time is found out by the same bound."""

    async def copied_each_time(subject, size):
        data = b""
        for _ in range(size):
            data = bytes(bytearray(data + bytes(2048)))

    taken = grow(None, Scenario("", 2**7, "", 2**7, copied_each_time), asyncio.new_event_loop)
    assert taken[-1][1] > BETWEEN * taken[0][1]
