"""The suite's own errors: each type says whose fault it is, and so which exit code follows.

Faults of a subject are never raised from here to the caller; they are verdicts.
"""

from __future__ import annotations

__all__ = ["HarnessError", "NothingToRunError", "StreamgaugeError", "UsageError"]


class StreamgaugeError(Exception):
    """Base of everything below; its message is one line that says what to do."""

    exit_code = 3


class UsageError(StreamgaugeError):
    """The caller asked for something that does not exist: a subject, a link, an option's value."""

    exit_code = 2


class HarnessError(StreamgaugeError):
    """The suite or a subject's adapter is at fault: the run is invalid."""

    exit_code = 3


class NothingToRunError(StreamgaugeError):
    """What was asked for is valid and selects no trial at all."""

    exit_code = 4
