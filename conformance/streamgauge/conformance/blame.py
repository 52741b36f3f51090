"""Whose fault an exception is, and where a check stands: read off frames and coroutines.

Nothing here runs or judges; the runner asks when a trial did not simply return.
"""

from __future__ import annotations

import linecache
import ssl
import traceback
from pathlib import Path
from typing import Any, List

from streamgauge.conformance.expectations import shown

__all__ = ["CHECKS", "described", "in_suite", "raised_in_suite", "where"]

PACKAGE = str(Path(__file__).parent)
CHECKS = str(Path(__file__).parent / "checks")
SABOTEURS = str(Path(__file__).parent / "saboteurs")  # subjects, though they ship with the suite
AT_THE_BORDER = ("links.py", "loop_methods.py", "subjects.py", "histories/playing.py")
BORDER = tuple(str(Path(__file__).parent / name) for name in AT_THE_BORDER)


def in_suite(file: str) -> bool:
    """Whether a file of code is the suite's own, checks included, and not a subject's."""
    return file.startswith(PACKAGE) and not file.startswith(SABOTEURS)


def raised_in_suite(error: BaseException) -> bool:
    """Whether the suite is at fault: the innermost frame is its own, a check's excepted.

    A connection that breaks in the peer's hands was broken by the subject. So was a call at the
    border to the subject: a name that it has not got, or arguments that it does not take. Memory
    is short only where a subject took it: checks take little.
    """
    if isinstance(error, (ConnectionError, ssl.SSLError, MemoryError)):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    if last in BORDER and isinstance(error, (AttributeError, TypeError)):
        return False
    return in_suite(last) and not last.startswith(CHECKS)


def described(error: BaseException) -> str:
    """Say what was raised, and from which line of the check."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f for f in frames if f.filename.startswith(CHECKS)] or frames[-1:]
    source = f" from `{lines[-1].line}`" if lines else ""
    return f"raised {shown(error)}{source}"


def where(coroutine: Any) -> str:
    """Say in which line of the check, and in which function below, a coroutine waits."""
    names: List[str] = []
    line = ""
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        frame = coroutine.cr_frame
        if frame.f_code.co_filename.startswith(CHECKS):
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        names.append(coroutine.__name__)
        coroutine = coroutine.cr_await
    return f"`{line or names[-1]}`" if names else "the check"
