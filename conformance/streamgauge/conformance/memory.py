"""The bound on a worker's memory, so that a subject that floods it harms no trial but its own.

The kernel refuses what goes beyond the allowance, which Python raises as MemoryError where it is
asked for. What a trial still holds when it is over would be the next one's undoing; that is seen
here too. On Linux; elsewhere nothing is bounded, and a flood ends as the machine ends it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["ALLOWANCE", "MemoryBound"]

ALLOWANCE = 1 << 30  # bytes; the hungriest check, on the hungriest loop, takes a twentieth of it
STATM = Path("/proc/self/statm")
DATA = 5  # the field of statm that counts what RLIMIT_DATA bounds


class MemoryBound:
    """Bounds this process, for good, to what it holds now and an allowance.

    Args:
        allowance: bytes.
    """

    def __init__(self, allowance: int = ALLOWANCE) -> None:
        self._allowance = allowance
        self._start = _held()
        if self._start:
            _limit(self._start + allowance)

    def overrun(self) -> int:
        """Give the bytes that a trial has kept, if they are more than half of the allowance."""
        kept = _held() - self._start
        return kept if kept > self._allowance // 2 else 0


def _held() -> int:
    """Give the bytes of this process's data; 0 where nobody can tell."""
    try:
        return int(STATM.read_text().split()[DATA]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _limit(size: int) -> None:
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    lowest = min((n for n in (size, soft, hard) if n != resource.RLIM_INFINITY), default=size)
    with contextlib.suppress(ValueError, OSError):  # a kernel that refuses leaves it unbounded
        resource.setrlimit(resource.RLIMIT_DATA, (lowest, hard))
