"""Showing: any value and any text, as a message may carry it.

A subject may hand over an object whose `repr` raises, an error that contains itself, half of a
surrogate pair or a terminal's control characters. Nothing here raises, and nothing that comes out
of here needs care where it is printed, written or sent. The object itself is asked for its `repr`
alone: all else is read past its own methods.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Tuple

__all__ = ["AT_MOST", "clean", "kinds_of", "name_of", "said", "shown"]

AT_MOST = 4000  # characters of one detail; a subject may raise a message of any length
SHOWN = 60  # characters or bytes of a value that a message shows before it is shortened
EDGE = 20  # of those, how many at either end of a shortened one
NESTED = 4  # errors inside of errors that are shown; an error may contain itself
ARGUMENTS = 8  # of an error that are shown
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{8,16}\b")  # differs from run to run, and says nothing
PLAIN = re.compile(r"[\n\t -~]*")
# Control and format characters (those that turn the direction of text among them), halves of
# surrogate pairs, characters of private use, and whatever else ends a line.
UNSHOWABLE = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")

_NAME: Any = type.__dict__["__name__"]
_KINDS: Any = type.__dict__["__mro__"]
_ARGS: Any = BaseException.__dict__["args"]


def kinds_of(value: Any) -> Tuple[type, ...]:
    """Return the classes of a value, its own first, whatever its `__class__` pretends."""
    kinds: Tuple[type, ...] = _KINDS.__get__(type(value))
    return kinds


def name_of(kind: type) -> str:
    """Return a class's name, whatever its metaclass pretends."""
    return clean(_NAME.__get__(kind))


def clean(text: str, at_most: int = AT_MOST) -> str:
    """Return a text that any terminal, file and encoding takes.

    Args:
        text: any; what cannot be shown is escaped, memory addresses become `0x...`.
        at_most: characters; a longer text is cut, and its length told.
    """
    text = _exact(text)
    size = len(text)
    tail = f"... ({size:,} characters)"
    short = text if size <= at_most else text[:at_most]
    if not PLAIN.fullmatch(short):
        short = "".join(map(_escaped, short))
    short = ADDRESS.sub("0x...", short)
    if size > at_most or len(short) > at_most:
        return short[: max(0, at_most - len(tail))] + tail
    return short


def _escaped(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in UNSHOWABLE:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _exact(text: Any) -> str:
    """Return a plain `str` of the same characters as an instance of a subclass."""
    if type(text) is str:
        return text
    return str.encode(text, "utf-8", "surrogatepass").decode("utf-8", "surrogatepass")


def said(error: Any) -> str:
    """Return the text of an error or a message, or say that it has none."""
    try:
        return clean(str(error))
    except BaseException as other:  # even SystemExit: the object is the subject's
        return f"<{name_of(type(error))} whose str() raised {name_of(type(other))}>"


def shown(value: Any, depth: int = 0) -> str:
    """Return a value as a message shows it: bytes shortened in the middle, errors with type."""
    kinds = kinds_of(value)
    if bytes in kinds or bytearray in kinds:
        return _bytes(value, bytes if bytes in kinds else bytearray)
    if BaseException in kinds:
        return _error(value, depth)
    try:
        text = clean(repr(value), 1 << 20)
    except BaseException as error:  # even SystemExit: the object is the subject's
        return f"<{name_of(type(value))} whose repr() raised {name_of(type(error))}>"
    return text if len(text) <= 3 * SHOWN else f"{text[: 2 * SHOWN]}... ({len(text):,} characters)"


def _bytes(value: Any, kind: Any) -> str:
    exact = kind.__getitem__(value, slice(None))
    if len(exact) <= SHOWN:
        return repr(exact)
    return f"{bytes(exact[:EDGE])!r}...{bytes(exact[-EDGE:])!r} ({len(exact):,} bytes)"


def _error(error: BaseException, depth: int) -> str:
    if depth == NESTED:
        return "..."
    arguments: Tuple[Any, ...] = _ARGS.__get__(error)
    inside = [shown(one, depth + 1) for one in arguments[:ARGUMENTS]]
    more = ["..."] * (len(arguments) > ARGUMENTS)
    return f"{name_of(type(error))}({', '.join([*inside, *more])})"
