"""About streamgauge/streams/arguments.py: good values pass, bad ones are named."""

from __future__ import annotations

import array
import ssl
from fractions import Fraction

import pytest

from streamgauge.streams import arguments


@pytest.mark.parametrize("limit", [1, 0.5, True, Fraction(1, 2), 2**40, float("inf")])
def test_a_positive_number_is_a_limit(limit):
    """Every positive number is kept as it is."""
    assert arguments.checked_limit(limit) is limit


def test_no_limit_is_the_documented_default():
    """None, the default as the page prints it, means 64 KiB."""
    assert arguments.checked_limit(None) == 64 * 1024 == arguments.DEFAULT_LIMIT


@pytest.mark.parametrize("limit", [0, -1, -0.5, float("nan")])
def test_a_limit_that_is_not_positive_is_refused(limit):
    """ValueError names the value."""
    with pytest.raises(ValueError, match=repr(limit)):
        arguments.checked_limit(limit)


@pytest.mark.parametrize("limit", ["10", b"10", [1], 1j])
def test_a_limit_that_is_no_number_is_refused(limit):
    """TypeError names the type."""
    with pytest.raises(TypeError, match=type(limit).__name__):
        arguments.checked_limit(limit)


@pytest.mark.parametrize("n", ["2", 1.5, None, b"1"])
def test_a_count_has_to_be_an_integer(n):
    """TypeError names the method and the type."""
    with pytest.raises(TypeError, match=rf"read\(n\).*{type(n).__name__}"):
        arguments.checked_count("read", n)


@pytest.mark.parametrize(
    "separator",
    [b"\r\n", bytearray(b"\r\n"), memoryview(b"\r\n"), (b"\r\n",), (memoryview(b"\r\n"),)],
)
def test_a_separator_may_be_any_bytes_like_object(separator):
    """All forms of one separator come to the same."""
    assert arguments.checked_separators(separator) == (b"\r\n",)


def test_separators_come_shortest_first():
    """The order that the search needs is made here."""
    assert arguments.checked_separators((b"abc", b"d", b"ef")) == (b"d", b"ef", b"abc")


@pytest.mark.parametrize("separator", [b"", (), (b"a", b""), (bytearray(),)])
def test_an_empty_separator_is_refused(separator):
    """ValueError, for an empty tuple and an empty element as well."""
    with pytest.raises(ValueError, match="at least one"):
        arguments.checked_separators(separator)


@pytest.mark.parametrize("separator", ["x", 5, None, [b"d"], (b"d", "e"), ((b"d",),)])
def test_a_separator_of_another_type_is_refused(separator):
    """TypeError, and a list is not a tuple."""
    with pytest.raises(TypeError, match="separator has to be bytes"):
        arguments.checked_separators(separator)


def test_data_is_frozen():
    """Bytes pass as they are; what can change is copied, whatever the size of its items."""
    data, mutable, wide = b"data", bytearray(b"abc"), memoryview(array.array("I", [1, 2]))
    assert arguments.checked_data(data) is data
    frozen = arguments.checked_data(mutable)
    mutable[:] = b"xyz"
    assert frozen == b"abc"
    assert arguments.checked_data(wide) == array.array("I", [1, 2]).tobytes()


@pytest.mark.parametrize("data", ["text", 5, None, [1], array.array("b", [1])])
def test_data_of_another_type_is_refused(data):
    """TypeError names the type."""
    with pytest.raises(TypeError, match=type(data).__name__):
        arguments.checked_data(data)


def test_lines_may_be_any_iterable():
    """A list, a generator and nothing at all are joined in order."""
    assert arguments.checked_lines([b"a", bytearray(b"b"), memoryview(b"c")]) == b"abc"
    assert arguments.checked_lines(iter((b"a", b"b"))) == b"ab"
    assert arguments.checked_lines(iter(())) == b""


def test_lines_may_have_gaps_and_wide_items():
    """A memoryview of every other byte is joined as what it shows, wide items as their bytes."""
    gaps, wide = memoryview(b"a-b-c")[::2], memoryview(array.array("I", [1, 2]))
    assert arguments.checked_lines([b">", gaps, wide]) == b">abc" + wide.tobytes()


@pytest.mark.parametrize("lines", [b"", b"ab", bytearray(b"a"), "a", None, 5, [b"a", "b"], ["a"]])
def test_lines_have_to_be_an_iterable_of_bytes(lines):
    """A single bytes object, even an empty one, is as wrong as an item that is not bytes."""
    with pytest.raises(TypeError, match="got"):
        arguments.checked_lines(lines)


@pytest.mark.parametrize("callback", [5, "handler", b""])
def test_a_callback_has_to_be_callable(callback):
    """TypeError names it; None stands for no callback, as in asyncio."""
    with pytest.raises(TypeError, match=type(callback).__name__):
        arguments.checked_callback(callback)
    assert arguments.checked_callback(None) is None


def test_tls_wants_a_context_and_a_host_to_check():
    """A client that checks host names needs one; a server, or a client that does not, doesn't."""
    checking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ValueError, match="server_hostname"):
        arguments.checked_tls(checking, None, server_side=False)
    with pytest.raises(TypeError, match="True"):
        arguments.checked_tls(True, "host", server_side=False)
    arguments.checked_tls(checking, "host", server_side=False)
    arguments.checked_tls(checking, None, server_side=True)
