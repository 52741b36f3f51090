"""Comparing: whether a subject's value is the plain value that was expected.

`got == expected` asks the object that is judged, which may say yes to anything. So values are
compared by their exact types: the page says bytes, and bytes it has to be. A subclass may be honest
today, but what it is equal to, how long it is and how it is cut are its own to say, and programs
that ask `type(data) is bytes`, as C code does, meet something else. Errors are another matter:
`except` takes a subclass, and so do `kind_is` and `Raises`.
"""

from __future__ import annotations

import enum
import socket
from typing import Any, Callable, Dict, Mapping, Tuple

from streamgauge.conformance.showing import kinds_of, name_of, shown

__all__ = ["STAND_INS", "kind_is", "same", "told_apart", "truth"]

# Types whose objects are compared by value: none of their methods is a subject's.
PLAIN = (bytes, str, int, bool, type(None), float, bytearray)
CONTAINERS = (list, tuple, dict, set, frozenset)
FAMILIES = (socket.AddressFamily, socket.SocketKind)
# Classes of the suite's whose objects pass for one of the subject's, and how to get at that.
STAND_INS: Dict[type, Callable[[Any], Any]] = {}


def same(got: Any, expected: Any) -> bool:
    """Whether `got` is the same plain value as `expected`: of the same exact type, and equal.

    Args:
        got: a value of the subject's.
        expected: plain values, lists, tuples, dicts and sets of them; anything else has to be the
            very same object.
    """
    if got is expected:
        return True
    if isinstance(expected, enum.Enum) or issubclass(type(got), enum.Enum):
        return _same_member(got, expected)
    kind = type(expected)
    if type(got) is not kind:
        return False
    if kind in PLAIN:
        return bool(got == expected)
    compare = _CONTAINED.get(kind)
    return compare is not None and compare(got, expected)


def _same_member(got: Any, expected: Any) -> bool:
    """Compare a member of an enumeration with a number: sockets' families come as either."""
    numbers = [int.__int__(one) if int in kinds_of(one) else None for one in (got, expected)]
    return None not in numbers and numbers[0] == numbers[1]


def _same_items(got: Any, expected: Any) -> bool:
    return len(got) == len(expected) and all(map(same, got, expected))


def _same_mapping(got: Mapping[Any, Any], expected: Mapping[Any, Any]) -> bool:
    """Compare dicts whose keys cannot lie about what they are equal to."""
    if len(got) != len(expected) or not all(map(_is_plain, got)):
        return False
    return all(key in got and same(got[key], value) for key, value in expected.items())


def _same_set(got: Any, expected: Any) -> bool:
    return bool(all(map(_is_plain, got)) and got == expected)


def _is_plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_plain, value))
    return type(value) in PLAIN or type(value) is type or type(value) in FAMILIES


_CONTAINED: Dict[type, Callable[[Any, Any], bool]] = {
    list: _same_items,
    tuple: _same_items,
    dict: _same_mapping,
    set: _same_set,
    frozenset: _same_set,
}


def truth(condition: Any) -> Any:
    """Return whether a plain value is true; None for an object that would have to be asked."""
    return bool(condition) if type(condition) in (*PLAIN, *CONTAINERS) else None


def kind_is(value: Any, kinds: Tuple[Any, ...]) -> bool:
    """Whether a value is an instance of one of some classes, whatever its `__class__` pretends."""
    if type(value) in STAND_INS:
        value = STAND_INS[type(value)](value)
    return any(one is kind for one in kinds_of(value) for kind in kinds)


def told_apart(got: Any, expected: Any) -> str:
    """Return `expected X, got Y`; with the types that differ where both are shown alike."""
    wanted, came = shown(expected), shown(got)
    if wanted != came:
        return f"expected {wanted}, got {came}"
    got, expected = _first_that_differs(got, expected)
    types = [name_of(type(one)) for one in (expected, got)]
    return f"expected {shown(expected)} ({types[0]}), got {shown(got)} ({types[1]})"


def _first_that_differs(got: Any, expected: Any) -> Tuple[Any, Any]:
    """Return the innermost values that differ, of lists and tuples."""
    if type(got) is type(expected) and type(got) in (list, tuple):
        for one, other in zip(got, expected):
            if not same(one, other):
                return _first_that_differs(one, other)
    return got, expected
