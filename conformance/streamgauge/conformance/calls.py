"""Calls into the subject, made so that a traceback tells which of them was under way.

An exception out of C, Cython or Rust brings no frame of the subject's. So a function of the suite
that does nothing but call the subject is marked: whatever comes out of it comes out of that call.
`blame` reads the marks. Checks need none: a line of a check calls `t`, or what it judges.
"""

from __future__ import annotations

from types import CodeType
from typing import Any, Awaitable, Callable, Set, TypeVar

__all__ = ["awaited", "called", "into_subject", "is_call", "is_line", "line", "outcome"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_CALLS: Set[CodeType] = set()
_LINES: Set[CodeType] = set()


def into_subject(function: F) -> F:
    """Mark a function, coroutine functions included, as one that only calls the subject."""
    _CALLS.add(function.__code__)
    return function


def line(function: F) -> F:
    """Mark a function that stands for a line of a check: it calls the subject or a verb of ours."""
    _LINES.add(function.__code__)
    return function


def is_call(code: CodeType) -> bool:
    """Whether a frame with that code was in the middle of a call into the subject."""
    return code in _CALLS


def is_line(code: CodeType) -> bool:
    """Whether a frame with that code was in the middle of what a check had asked for."""
    return code in _LINES


@into_subject
def called(call: Callable[[], T]) -> T:
    """Return what a call into the subject gives; looking up its names is part of the call."""
    return call()


@into_subject
async def awaited(call: Callable[[], Awaitable[T]]) -> T:
    """Await what a call into the subject gives."""
    return await call()


@line
async def outcome(task: Awaitable[T]) -> T:
    """Await what a check has started."""
    return await task
