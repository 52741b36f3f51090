"""Whose fault an exception is, and where a check stands: read off frames and coroutines.

Nothing here runs or judges; the runner asks when a trial did not simply return.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import linecache
import ssl
import traceback
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, Iterator, List, Optional

from streamgauge.conformance.calls import is_call, is_line
from streamgauge.conformance.showing import clean, kinds_of, shown

__all__ = [
    "CHECKS",
    "cause_of",
    "described",
    "in_suite",
    "raised_in_suite",
    "set_traceback",
    "traceback_of",
    "waits_for_the_suite",
    "where",
    "without_frame",
]

PACKAGE = str(Path(__file__).parent)
CHECKS = str(Path(__file__).parent / "checks")
SABOTEURS = str(Path(__file__).parent / "saboteurs")  # subjects, though they ship with the suite
# Files of the events and queues by which the parts of a check wait for each other.
OWN_WAITS = frozenset(f.__code__.co_filename for f in (asyncio.Event.wait, asyncio.Queue.get))
# A connection that breaks in the peer's hands was broken by the subject. Memory and stack are
# short only where a subject took them, or lowered their limits: checks take little.
ALWAYS_THE_SUBJECTS = (ConnectionError, ssl.SSLError, MemoryError, RecursionError)

_TRACEBACK: Any = BaseException.__dict__["__traceback__"]
_CAUSE: Any = BaseException.__dict__["__cause__"]
_ERRNO: Any = OSError.__dict__["errno"]


def in_suite(file: str) -> bool:
    """Whether a file of code is the suite's own, checks included, and not a subject's."""
    return file.startswith(PACKAGE) and not file.startswith(SABOTEURS)


def traceback_of(error: BaseException) -> Optional[TracebackType]:
    """Return an error's traceback, whatever its class pretends."""
    found: Optional[TracebackType] = _TRACEBACK.__get__(error)
    return found


def without_frame(error: BaseException) -> None:
    """Take the outermost frame out of an error's traceback."""
    first = traceback_of(error)
    if first is not None:
        set_traceback(error, first.tb_next)


def set_traceback(error: BaseException, traceback: Optional[TracebackType]) -> None:
    """Give an error another traceback, or none: then all that its frames hold is let go."""
    _TRACEBACK.__set__(error, traceback)


def cause_of(error: BaseException) -> Optional[BaseException]:
    """Return what an error was raised from, whatever its class pretends."""
    found: Optional[BaseException] = _CAUSE.__get__(error)
    return found


def _codes(error: BaseException) -> Iterator[CodeType]:
    """Give the code of each frame that an error came through, outermost first."""
    at = traceback_of(error)
    while at is not None:
        yield at.tb_frame.f_code
        at = at.tb_next


def raised_in_suite(error: BaseException) -> bool:
    """Whether the suite is at fault: no call into the subject was under way.

    A call is under way below a marked function, below a line of a check that calls no verb of the
    suite's, and below a function of the suite's that the subject called in its turn.
    """
    kinds = kinds_of(error)
    if any(kind in kinds for kind in ALWAYS_THE_SUBJECTS) or _is_short_of_descriptors(error):
        return False
    # Whether it would be ours, whether the last frame was, and whether any frame was so far.
    ours, inside, begun = False, True, False
    for code in _codes(error):
        if is_call(code):
            return False
        if is_line(code) or code.co_filename.startswith(CHECKS):
            ours, inside, begun = False, True, True
        elif in_suite(code.co_filename):
            if not (ours or inside):  # the subject, called by a check, has called us
                return False
            ours, inside, begun = True, True, True
        else:
            inside = not begun
    return ours


def _is_short_of_descriptors(error: BaseException) -> bool:
    return OSError in kinds_of(error) and _ERRNO.__get__(error) == errno.EMFILE


def described(error: BaseException) -> str:
    """Say what was raised, and from which line of the check."""
    source = ""
    with contextlib.suppress(Exception):  # a subject's code may have any name for its file
        frames = traceback.extract_tb(traceback_of(error))
        lines = [f for f in frames if f.filename.startswith(CHECKS)] or frames[-1:]
        source = clean(f" from `{lines[-1].line}`") if lines else ""
    return f"raised {shown(error)}{source}"


def waits_for_the_suite(coroutine: Any) -> bool:
    """Whether a check waits for the suite's own: its peer, its loop going idle, its own event.

    No call into the subject is under way then, so that the subject holds nobody up.
    """
    codes: List[CodeType] = []
    with contextlib.suppress(Exception):  # what is awaited may be any object of a subject's
        while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
            codes.append(coroutine.cr_frame.f_code)
            coroutine = coroutine.cr_await
    below = [code for code in codes if not code.co_filename.startswith(CHECKS)]
    if not below or any(map(is_call, below)):
        return False
    file = below[0].co_filename
    return in_suite(file) or file in OWN_WAITS


def where(coroutine: Any) -> str:
    """Say in which line of the check, and in which function below, a coroutine waits."""
    names: List[str] = []
    line = ""
    with contextlib.suppress(Exception):  # what is awaited may be any object of a subject's
        while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
            frame = coroutine.cr_frame
            if frame.f_code.co_filename.startswith(CHECKS):
                line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            names.append(clean(str(coroutine.__name__)))
            coroutine = coroutine.cr_await
    return f"`{line or names[-1]}`" if names else "the check"
