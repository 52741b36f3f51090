"""About streamgauge/streams/lending.py: `reader._buffer` is a bytearray."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.streams import StreamReader
from streamgauge.streams.buffer import ReceiveBuffer
from streamgauge.streams.lending import lend, reclaim


def view_of(*chunks):
    """Return the bytearray of a buffer that got these chunks."""
    target = ReceiveBuffer()
    for chunk in chunks:
        target.append(chunk)
    return lend(target)


def test_it_has_all_that_came():
    """The bytearray holds what was not read, in order."""
    assert view_of(b"ab", b"cd", b"ef") == b"abcdef"
    buffer = ReceiveBuffer()
    buffer.append(b"abc")
    buffer.append(b"def")
    buffer.take(4)
    assert lend(buffer) == b"ef"
    assert buffer.received == 6


async def test_a_reader_and_its_bytearray_are_one():
    """The bytearray is live both ways, stays the same, and assigning to the name replaces it."""
    reader = StreamReader()
    store = reader._buffer
    assert type(store) is bytearray
    reader.feed_data(b"fed")
    assert bytes(memoryview(store)) == b"fed"
    store += b" more"
    reader._buffer += b"!"
    assert reader._buffer is store
    assert await reader.read(100) == b"fed more!"
    reader._buffer = other = bytearray(b"new\n")
    assert await reader.readline() == b"new\n"
    assert reader._buffer is other
    assert not other


@given(st.lists(st.binary(max_size=9), max_size=5), st.data())
def test_lent_buffers_read_as_plain_ones(chunks, data):
    """Taking, searching and feeding, in any order, have the results of the plain kind."""
    plain, lent = ReceiveBuffer(), ReceiveBuffer()
    for number, chunk in enumerate(chunks):
        if number == 2:
            lend(lent)
        for buffer in (plain, lent):
            buffer.append(chunk)
        n = data.draw(st.integers(0, 9))
        assert plain.take(n) == lent.take(n)
        assert plain.search((b"a", b"\0\0")) == lent.search((b"a", b"\0\0"))
        assert (plain.size, plain.received, bytes(plain)) == (lent.size, lent.received, bytes(lent))
    reclaim(lent)
    assert (plain.size, plain.received, bytes(plain)) == (lent.size, lent.received, bytes(lent))
    assert plain.take_all() == lent.take_all()


READS = {
    "read": lambda reader: reader.read(100),
    "readline": lambda reader: reader.readline(),
    "readexactly": lambda reader: reader.readexactly(4),
    "readuntil": lambda reader: reader.readuntil(b"\n"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
async def test_a_read_that_waits_sees_what_others_put_in(read):
    """A program fills the bytearray that it kept and wakes the read, or data comes."""
    reader = StreamReader()
    store = reader._buffer
    for wake in (reader._wakeup_waiter, lambda: reader.feed_data(b"\n")):
        task = asyncio.ensure_future(read(reader))
        await asyncio.sleep(0)
        store += b"abc\n"
        wake()
        await task
        assert task.result().startswith(b"abc\n")
        store.clear()
