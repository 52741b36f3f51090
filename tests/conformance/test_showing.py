"""Showing: whatever text or value comes, what comes out can be printed, written and sent."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.conformance.showing import (
    AT_MOST,
    UNSHOWABLE,
    clean,
    kinds_of,
    name_of,
    said,
    shown,
)

pytestmark = pytest.mark.any_python

ANY_TEXT = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=200)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), ANY_TEXT),
    lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.builds(ValueError, inner)),
)


def showable(text: str) -> bool:
    """Whether any terminal, file and encoding takes a text."""
    odd = [c for c in text if unicodedata.category(c) in UNSHOWABLE and c not in "\n\t"]
    return not odd and text.encode("utf-8").decode("utf-8") == text


@given(ANY_TEXT, st.integers(min_value=40, max_value=AT_MOST))
def test_any_text_becomes_showable(text: str, at_most: int) -> None:
    """No control character, no half of a pair, no address and no more than asked for is left."""
    result = clean(text, at_most)
    assert showable(result)
    assert len(result) <= at_most
    assert not re.search(r"\b0x[0-9a-fA-F]{8,16}\b", result)
    assert result == clean(result, at_most)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200))
def test_plain_text_stays_as_it_is(text: str) -> None:
    """What needs no care is not changed, but for addresses."""
    assert clean(text) == re.sub(r"\b0x[0-9a-fA-F]{8,16}\b", "0x...", text)


@given(VALUES)
def test_any_value_is_shown(value: Any) -> None:
    """A value of any depth gives a short text that can be shown."""
    assert showable(shown(value))


class Hostile(Exception):  # noqa: N818 - it is no error that is meant
    """An error that answers nothing, and lies about what it is."""

    __class__ = int  # type: ignore[assignment]
    args = property(lambda self: 1 / 0)  # type: ignore[assignment]

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class Text(str):
    """A text that lies about its length and its parts."""

    __len__ = lambda self: 0  # type: ignore[assignment]  # noqa: E731
    __getitem__ = lambda self, at: "lie"  # type: ignore[assignment]  # noqa: E731
    __str__ = lambda self: "lie"  # type: ignore[assignment]  # noqa: E731


class ReturnsText:
    """Something whose repr is such a text."""

    def __repr__(self) -> str:
        return Text("true")


class Named(type):
    """A class that lies about its name."""

    __name__ = property(lambda cls: 1 / 0)  # type: ignore[assignment]
    __mro__ = property(lambda cls: 1 / 0)  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Hostile("planted"), "Hostile('planted')"),
        (ReturnsText(), "true"),
        (b"abc", "b'abc'"),
        (bytes(1000), r"b'\x00"),
        ("\ud83d", r"'\ud83d'"),
        (object(), "<object object at 0x...>"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_is_hostile_is_read_past_its_own_methods(value: Any, text: str) -> None:
    """Neither its class, its arguments, its length nor its text are asked of the object."""
    assert shown(value).startswith(text)


def test_names_and_kinds_are_read_past_a_metaclass() -> None:
    """A class's name and bases are those it was made with."""
    kind = Named("Planted", (), {})
    assert "Planted" == name_of(kind)
    assert (kind, object) == kinds_of(kind())
    assert "Hostile" == name_of(kinds_of(Hostile())[0])


def test_a_text_that_cannot_be_had_is_told() -> None:
    """An error whose str() raises is named, with what it raised."""
    assert "<Hostile whose str() raised SystemExit>" == said(Hostile())
    assert "planted" == said(ValueError("planted"))


def test_an_error_that_holds_itself_ends() -> None:
    """Errors inside of errors are shown a few deep, and of many arguments the first."""
    error = ValueError(*range(20))
    error.args = (error, *error.args)
    assert shown(error).count("ValueError") == 4
    assert shown(error).endswith("...)")
