"""About streamgauge/streams/bufferview.py: `reader._buffer` behaves as a bytearray."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.streams import StreamReader
from streamgauge.streams.buffer import ReceiveBuffer
from streamgauge.streams.bufferview import BufferView

CHANGES = [
    lambda b: b.clear(),
    lambda b: b.extend(b"xyz"),
    lambda b: b.extend([1, 2]),
    lambda b: b.append(65),
    lambda b: b.insert(2, 66),
    lambda b: b.__setitem__(slice(0, 0), b"PUT"),
    lambda b: b.__setitem__(slice(1, 3), b""),
    lambda b: b.__setitem__(0, 90),
    lambda b: b.__delitem__(slice(None, 3)),
    lambda b: b.__delitem__(slice(0, 100)),
    lambda b: b.__delitem__(slice(-2, None)),
    lambda b: b.__delitem__(slice(None, -1)),
    lambda b: b.__delitem__(slice(None, None, 2)),
    lambda b: b.__delitem__(1),
    lambda b: b.__iadd__(b"more"),
    lambda b: b.__imul__(3),
    lambda b: b.__imul__(0),
    lambda b: b.pop(),
    lambda b: b.remove(ord("b")),
    lambda b: b.reverse(),
]
QUESTIONS = [
    len,
    bool,
    bytes,
    list,
    repr,
    lambda b: b == b"abcdef",
    lambda b: b == bytearray(b"abcdef"),
    lambda b: b != b"abcdef",
    lambda b: b < b"b",
    lambda b: b[0],
    lambda b: b[-1],
    lambda b: b[1:4],
    lambda b: b[::-1],
    lambda b: b"cd" in b,
    lambda b: 99 in b,
    lambda b: b + b"x",
    lambda b: b"x" + b,
    lambda b: bytearray(b"x") + b,
    lambda b: b * 2,
    lambda b: 2 * b,
    lambda b: b.find(b"cd"),
    lambda b: b.index(b"cd"),
    lambda b: b.count(b"c"),
    lambda b: b.startswith(b"ab"),
    lambda b: b.split(b"c"),
    lambda b: b.decode(),
    lambda b: b.hex(),
    lambda b: b.copy(),
    lambda b: type(b[:2]).__name__,
]


def view_of(*chunks):
    """Return a view of a buffer that got these chunks."""
    target = ReceiveBuffer()
    for chunk in chunks:
        target.append(chunk)
    return BufferView(target)


@pytest.mark.parametrize("change", CHANGES)
def test_it_changes_as_a_bytearray_does(change):
    """Each change leaves what it would leave in a bytearray."""
    view, model = view_of(b"ab", b"cd", b"ef"), bytearray(b"abcdef")
    change(view)
    change(model)
    assert bytes(view) == bytes(model)


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_answers_as_a_bytearray_does(question):
    """Each question has the answer of a bytearray, of the same type."""
    view, model = view_of(b"ab", b"cd", b"ef"), bytearray(b"abcdef")
    assert question(view) == question(model)
    assert type(question(view)) is type(question(model))


@pytest.mark.parametrize(
    "wrong",
    [lambda b: b[100], lambda b: b.extend("text"), lambda b: b.append(256), lambda b: b.nonsense],
)
def test_it_refuses_what_a_bytearray_refuses(wrong):
    """The error is a bytearray's, and the content stays."""
    view = view_of(b"abc")
    with pytest.raises(Exception) as theirs:  # noqa: PT011  # whatever a bytearray raises
        wrong(bytearray(b"abc"))
    with pytest.raises(theirs.type):
        wrong(view)
    assert bytes(view) == b"abc"


@given(st.lists(st.binary(max_size=9)), st.slices(20), st.binary(max_size=9))
def test_slices_are_set_and_deleted_like_a_bytearrays(chunks, where, data):
    """Any slice, put in or taken out, has a bytearray's effect, errors included."""
    for change in (lambda b: b.__setitem__(where, data), lambda b: b.__delitem__(where)):
        view, model = view_of(*chunks), bytearray(b"".join(chunks))
        try:
            change(model)
        except ValueError:
            with pytest.raises(ValueError, match="size"):
                change(view)
        else:
            change(view)
        assert bytes(view) == bytes(model)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the buffer protocol for classes is 3.12's")
def test_it_can_be_read_as_a_buffer():
    """From 3.12 on, whatever takes a bytes-like object takes it."""
    assert b"".join([view_of(b"ab", b"c")]) == b"abc"


async def test_a_reader_and_its_view_are_one():
    """The view is live both ways, and assigning to the name replaces the content."""
    reader = StreamReader()
    view = reader._buffer
    reader.feed_data(b"fed")
    assert bytes(view) == b"fed"
    view += b" more"
    reader._buffer += b"!"
    assert await reader.read(100) == b"fed more!"
    reader._buffer = bytearray(b"new\n")
    assert await reader.readline() == b"new\n"
    assert not reader._buffer


def test_two_views_are_compared_by_content():
    """As two bytearrays are; and like them, they can't be hashed."""
    assert view_of(b"ab") == view_of(b"a", b"b")
    with pytest.raises(TypeError):
        hash(view_of(b"ab"))
