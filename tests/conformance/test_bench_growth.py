"""About bench/growth.py: our streams' cost grows as the work does, and stays what it was.

The guard against becoming slow. Counts of opcodes are the same on every machine, for one version
of Python; their bounds are the most that was seen of ours on 3.8 to 3.15, and a few more. asyncio's
counts are a second bound where its buffer copies what it returns, as it did until 3.15 had
`bytearray.take_bytes`. The ratios of CPU time are of one run, and between those of linear and of
quadratic growth.
"""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import suppress
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Bound:
    """How many steps something of ours may take.

    Args:
        seen: The most that were seen, on any Python.
        part: Of asyncio's steps, at most so many; 1.0 is as many.
    """

    seen: int
    part: float

    def holds(self, asyncios, ours, copied):
        """Tell whether it holds; asyncio's count is no bound of what it no longer copies."""
        return ours <= self.seen * ROOM and (ours <= self.part * asyncios or not copied)


ROOM = 1.1  # a statement or two
COPIES = not hasattr(bytearray, "take_bytes")  # then asyncio copies what a read returns

# 3.14 and 3.15 take the most of each. On Pythons where asyncio copies, that is up to 24, 74, 95 and
# 87 % of asyncio's. On 3.15 it is more than asyncio's for readexactly (39, 36) and read (41, 39).
READS = {
    "readline": (Bound(25, 0.5), lambda reader: reader.readline()),
    "readexactly": (Bound(39, 0.8), lambda reader: reader.readexactly(16)),
    "read": (Bound(41, 1.0), lambda reader: reader.read(16)),
    "readuntil": (Bound(69, 1.0), lambda reader: reader.readuntil(b"\n")),
}
DRAIN = Bound(17, 0.5)
WRITE_AND_DRAIN = Bound(120, 0.9)  # calls included


@pytest.mark.parametrize("name", READS)
async def test_a_ready_read_takes_no_more_steps_than_it_did(name):
    """A read that the buffer serves takes its own number of opcodes, and no more than asyncio's."""
    bound, read = READS[name]
    taken = []
    for module in (asyncio, streamgauge.streams):
        reader = module.StreamReader(limit=2**16)
        reader.feed_data(b"x" * 31 + b"\n" + b"x" * 31 + b"\n")
        opcodes(read(reader))
        taken.append(opcodes(read(reader)))
    assert bound.holds(*taken, copied=COPIES), taken


async def test_an_idle_drain_takes_fewer_steps_than_asyncios():
    """A drain with nothing to wait for takes at most half of asyncio's opcodes."""
    loop = asyncio.get_running_loop()
    taken = []
    for module in (asyncio, streamgauge.streams):
        writer, drain = drained(module, loop)
        taken.append(opcodes(drain))
        writer.transport.is_closing = lambda: True  # nobody closed it: no warning
    assert DRAIN.holds(*taken, copied=True), taken


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
    assert WRITE_AND_DRAIN.holds(*taken, copied=True), taken


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
