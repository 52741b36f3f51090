"""Comparing: by exact type, and never by asking what is judged."""

from __future__ import annotations

import socket
from typing import Any
from unittest import mock

import pytest

from streamgauge.conformance.comparing import kind_is, same, told_apart, truth
from streamgauge.conformance.expectations import CheckFailedError, Expectations

pytestmark = pytest.mark.any_python


class Yes:
    """Equal to everything, true, and of any class."""

    __class__ = bytes  # type: ignore[assignment]
    __eq__ = lambda self, other: True  # type: ignore[assignment]  # noqa: E731
    __hash__ = lambda self: hash("key")  # type: ignore[assignment]  # noqa: E731
    __bool__ = lambda self: True  # noqa: E731
    __len__ = lambda self: 3  # noqa: E731


class Bytes(bytes):
    """Bytes that equal everything."""

    __eq__ = Yes.__eq__  # type: ignore[assignment]
    __hash__ = bytes.__hash__


class Number(int):
    """A number that equals everything."""

    __eq__ = Yes.__eq__  # type: ignore[assignment]
    __hash__ = int.__hash__


class Items(list):  # type: ignore[type-arg]
    """A list that equals everything."""

    __eq__ = Yes.__eq__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


LIARS = [Yes(), mock.ANY, Bytes(b"abc"), Number(1), Items([b"abc"])]
PLAIN = [b"abc", "abc", 1, True, None, 1.5, [b"abc"], (b"a", 1), {"key": b"a"}, {1, 2}, set()]


@pytest.mark.parametrize("liar", LIARS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("expected", PLAIN, ids=repr)
def test_a_liar_is_the_same_as_nothing(liar: Any, expected: Any) -> None:
    """By itself, in a list, in a tuple, as a dict's value or key, and in a set."""
    assert not same(liar, expected)
    assert not same([liar], [expected])
    assert not same((1, liar), (1, expected))
    assert not same({"key": liar}, {"key": expected})


def test_a_liar_is_no_key_and_no_member() -> None:
    """What is hashed as something else is it not."""
    assert not same({Yes(): 1}, {"key": 1})
    assert not same({Yes()}, {"key"})


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_are_the_same_as_their_like(value: Any) -> None:
    """A copy is, another value and another type with the same contents are not."""
    copy = eval(repr(value))
    assert same(copy, value)
    assert not same(value, object())
    assert not same([copy], [value, value])


@pytest.mark.parametrize(
    ("got", "expected"),
    [(bytearray(b"a"), b"a"), (1, True), (1, 1.0), ([1], (1,)), ("a", b"a"), (0, False)],
)
def test_equal_values_of_other_types_differ(got: Any, expected: Any) -> None:
    """What Python calls equal is not the same where the types differ."""
    assert not same(got, expected)
    assert not same(expected, got)


def test_a_family_is_a_number_or_a_member() -> None:
    """Sockets' families come as numbers from some loops, and as members from others."""
    assert same(int(socket.AF_INET), socket.AF_INET)
    assert same(socket.AF_INET, int(socket.AF_INET))
    assert not same(socket.AF_INET, socket.AF_INET6)
    assert not same(Yes(), socket.AF_INET)
    assert same({socket.AF_INET}, {socket.AF_INET})


def test_truth_is_asked_of_plain_values_alone() -> None:
    """An object that would have to be asked is neither true nor false."""
    assert [truth(v) for v in (True, b"", [0], None, 0)] == [True, False, True, False, False]
    assert truth(Yes()) is None
    for judge in (Expectations.true, Expectations.false):
        with pytest.raises(CheckFailedError):
            judge(Yes(), "something")


def test_a_class_is_one_that_it_was_made_with() -> None:
    """What it pretends by `__class__` does not count, what it inherits does."""
    assert not kind_is(Yes(), (bytes,))
    assert kind_is(Bytes(), (bytes,))
    with pytest.raises(CheckFailedError, match="an instance of bytes, got"):
        Expectations.is_instance(Yes(), bytes)


def test_what_is_shown_alike_is_told_by_its_type() -> None:
    """The innermost values that differ are named, with both types."""
    assert "expected 1, got 2" == told_apart(2, 1)
    assert "expected b'abc' (bytes), got b'abc' (Bytes)" == told_apart(
        [1, (Bytes(b"abc"),)], [1, (b"abc",)]
    )


class Namesake(Exception):  # noqa: N818 - a stranger
    """No ValueError, and says that it is one."""

    __class__ = ValueError  # type: ignore[assignment]


def test_an_error_is_one_by_its_class() -> None:
    """A subclass is as good, a pretender is not, and a text that cannot be had is none."""
    with Expectations.raises(ValueError) as raised:
        raise UnicodeError("a subclass")
    assert isinstance(raised.value, UnicodeError)
    with pytest.raises(CheckFailedError, match="expected ValueError, got Namesake"):
        with Expectations.raises(ValueError):
            raise Namesake
