"""About streamgauge/streams/buffer.py: the receive buffer against a plain bytes model."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgauge.streams.buffer import PILE_BYTES, ReceiveBuffer

# A small alphabet, so that separators really occur, at junctions of chunks above all.
letters = st.binary(max_size=12).map(lambda raw: bytes(b"ab\n"[byte % 3] for byte in raw))
separator = letters.filter(bool).map(lambda raw: raw[:5])
separators = st.lists(separator, min_size=1, max_size=4).map(lambda seps: sorted(seps, key=len))
operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), letters),
        st.tuples(st.just("append"), st.integers(60, 70).map(lambda n: b"a" * n)),
        st.tuples(st.just("tiny"), st.integers(60, 200)),
        st.tuples(st.just("take"), st.integers(0, 100)),
        st.tuples(st.just("replace"), letters),
        st.tuples(st.just("release"), st.none()),
        st.tuples(st.just("pour"), st.integers(0, 5)),
        st.tuples(st.just("gather"), st.none()),
        st.tuples(st.just("search"), separators),
    ),
    max_size=40,
)


def filled(*chunks):
    """Return a buffer that got these chunks."""
    buffer = ReceiveBuffer()
    for chunk in chunks:
        buffer.append(chunk)
    return buffer


def search_in(data, seps, since=0):
    """The model of search: every place where any separator ends, judged one by one."""
    for end in range(since + 1, len(data) + 1):
        for sep in seps:
            if data[:end].endswith(sep):
                return end - len(sep), end
    return None


@given(operations)
def test_it_is_a_bytearray_read_from_the_left(script):
    """Whatever is appended, taken, replaced and searched, content and answers equal a model's."""
    buffer, model = ReceiveBuffer(), b""
    for name, value in script:
        if name == "append":
            buffer.append(value)
            model += value
        elif name == "tiny":
            for byte in range(value):
                buffer.append(bytes((byte,)))
            model += bytes(range(value))
        elif name == "take":
            assert buffer.take(value) == model[:value]
            model = model[value:]
        elif name == "replace":
            buffer.replace(value)
            model = value
        elif name == "pour":
            place, received = bytearray(len(model) + value), buffer.received
            assert buffer.pour(memoryview(place)) == len(model)
            assert (bytes(place), buffer.received) == (model + bytes(value), received)
            model = b""
        elif value is None:
            getattr(buffer, name)()
        else:
            assert buffer.search(value) == search_in(model, value)
        assert (bytes(buffer), len(buffer)) == (model, len(model))
    assert buffer.take_all() == model
    assert len(buffer) == 0


@given(st.lists(letters, max_size=20), separators, st.data())
@settings(max_examples=300)
def test_a_search_that_goes_on_finds_what_a_new_one_finds(chunks, seps, data):
    """A search resumed after each chunk, with reads in between, finds the same first end."""
    buffer = ReceiveBuffer()
    searched = 0
    for chunk in chunks:
        buffer.append(chunk)
        assert buffer.search(seps, searched) == search_in(bytes(buffer), seps)
        if buffer.search(seps) is not None:
            buffer.take(buffer.search(seps)[1])
            searched = 0
            continue
        searched = buffer.received
        buffer.take(data.draw(st.integers(0, 3)))


@given(st.binary(min_size=1, max_size=30), st.integers(1, 29), st.integers(1, 29))
def test_a_separator_is_found_over_every_split(data, first, second):
    """Where the chunks were cut does not matter to a separator of any length."""
    a, b = sorted((first % len(data), second % len(data)))
    buffer = filled(data[:a], data[a:b], data[b:])
    for length in (1, 2, 5, len(data)):
        for at in range(len(data) - length + 1):
            sep = data[at : at + length]
            assert buffer.search([sep]) == (data.find(sep), data.find(sep) + length)


@pytest.mark.parametrize(
    ("data", "seps", "expected"),
    [
        (b"ab\r\ncd", [b"\n", b"\r\n"], (3, 4)),
        (b"abXYZ", [b"XY", b"XYZ"], (2, 4)),
        (b"abXYZ", [b"X", b"XYZ"], (2, 3)),
        (b"abcde", [b"d", b"bcd"], (3, 4)),
        (b"abcde", [b"e", b"bcd"], (1, 4)),
        (b"abcde", [b"x", b"yz"], None),
    ],
)
def test_the_shortest_result_wins(data, seps, expected):
    """The earliest end is found; of several separators that end there, the shortest counts."""
    assert filled(data).search(seps) == expected
    assert filled(*(bytes((byte,)) for byte in data)).search(seps) == expected


def test_a_whole_chunk_is_returned_itself():
    """A read of exactly one chunk copies nothing."""
    chunk = bytes(1000)
    buffer = filled(chunk, b"more")
    assert buffer.take(1000) is chunk


def test_a_chunk_that_meets_an_empty_buffer_is_what_reads_read_from():
    """It does not go through the queue: the stream's own read serves it."""
    buffer = filled(b"read")
    assert buffer.stream.read(4) == b"read"
    assert buffer.append(b"next") == 4
    assert (buffer.stream.read(4), len(buffer.tail)) == (b"next", 0)


def test_gathering_says_whether_it_joined():
    """Four small chunks become one; two, or large ones, stay as they came."""
    small = filled(*[b"x" * 100] * 5)
    assert small.gather() is True
    assert (small.head, small.tail_size) == (b"x" * 500, 0)
    assert filled(*[b"x" * 100] * 2).gather() is False
    assert filled(*[bytes(10_000)] * 5).gather() is False


def test_gathering_goes_on_where_the_last_one_ended():
    """A backlog beyond what is joined at once is joined part by part, and stays in order."""
    chunks = [bytes((number % 251,)) * 1000 for number in range(1000)]
    buffer = filled(*chunks)
    parts = []
    while len(buffer):
        buffer.gather()
        parts.append(buffer.take(len(buffer.head)))
    assert b"".join(parts) == b"".join(chunks)
    assert len(parts) < 10


def test_release_lets_go_of_what_was_read():
    """Once more than half of a chunk was read, only the rest is kept; before, nothing is copied."""
    buffer = filled(bytes(1000) + b"rest")
    whole = buffer.head
    buffer.take(500)
    buffer.release()
    assert buffer.head is whole
    buffer.take(500)
    buffer.release()
    assert (buffer.head, bytes(buffer), buffer.received) == (b"rest", b"rest", 1004)


def test_a_resumed_search_looks_at_new_chunks_only(monkeypatch):
    """Byte by byte arrival of a long line costs a constant number of chunks for each byte."""
    visited = 0
    chunks_from = ReceiveBuffer._chunks_from

    def counting(self, start):
        nonlocal visited
        for each in chunks_from(self, start):
            visited += 1
            yield each

    monkeypatch.setattr(ReceiveBuffer, "_chunks_from", counting)
    buffer = ReceiveBuffer()
    for _ in range(20_000):
        searched = buffer.received
        buffer.append(b"x")
        assert buffer.search([b"\r\n"], searched) is None
    assert visited <= 3 * 20_000


def test_a_search_stops_at_the_first_chunk_that_has_it(monkeypatch):
    """Reading lines cut in two from a long backlog walks two chunks a line, not the backlog."""
    walked = []
    chunks_from = ReceiveBuffer._chunks_from

    def counting(self, start):
        for each in chunks_from(self, start):
            walked.append(each)
            yield each

    monkeypatch.setattr(ReceiveBuffer, "_chunks_from", counting)
    buffer = filled(*([b"x" * 100, b"y" * 100 + b"\n"] * 1000))
    for _ in range(1000):
        _, end = buffer.search([b"\n"])
        buffer.take(end)
    assert len(walked) <= 2 * 1000


@pytest.mark.parametrize("piece", [1, 10, 63, 64])
def test_memory_is_proportional_to_the_bytes(piece):
    """Many tiny chunks take no more than a few times their bytes."""
    size = 400_000
    tracemalloc.start()
    try:
        buffer = ReceiveBuffer()
        for number in range(size // piece):
            buffer.append(bytes((number % 251,)) * piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(buffer) == size // piece * piece
    assert peak < 3 * size


@pytest.mark.parametrize("size", [1, 100, PILE_BYTES, 10_000])
def test_tiny_chunks_leave_as_bytes(size):
    """However they are kept, what is taken of them is bytes, in pieces and as a whole."""
    content = bytes(number % 251 for number in range(20_000))
    buffer = filled(*(content[place : place + 1] for place in range(len(content))))
    taken = [buffer.take(1)]  # the first one was not collected with the others
    taken += [buffer.take(size) for _ in range(0, len(content), size)]
    assert ({type(part) for part in taken}, b"".join(taken)) == ({bytes}, content)


def test_chunks_are_dropped_as_they_are_read():
    """What was read is not held on to, beyond the chunk that is being read."""
    tracemalloc.start()
    try:
        buffer = ReceiveBuffer()
        for _ in range(100):
            buffer.append(bytes(10_000))
        while len(buffer) > 10_000:
            buffer.take(1000)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 30_000


def test_received_marks_a_place_in_the_stream():
    """What `received` was stays a valid place to search on from, whatever is read meanwhile."""
    buffer = filled(b"abc")
    place = buffer.received
    buffer.take(2)
    buffer.append(b"\n")
    assert buffer.search([b"\n"], place) == (1, 2)
    assert buffer.search([b"c"], place) is None
