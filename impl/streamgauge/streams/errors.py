"""Errors that are kept, and raised each time somebody asks.

Raising an exception adds to its traceback. One that is stored and raised by every read would grow
by some entries a read, and hold on to the frames with all that is in them. Nothing here knows of
streams.
"""

from __future__ import annotations

from typing import Any


def traceback_of(error: Any) -> Any:
    """Return the traceback that an exception has now; None for an exception class."""
    return getattr(error, "__traceback__", None)


def as_kept(error: Any, traceback: Any) -> Any:
    """Return ``error`` itself, with the traceback that it was kept with.

    Args:
        error: An exception, or an exception class, which is returned as it is.
        traceback: What `traceback_of` returned when it was stored.
    """
    if isinstance(error, BaseException):
        return error.with_traceback(traceback)
    return error
