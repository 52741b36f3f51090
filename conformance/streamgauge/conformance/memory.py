"""The bound on a worker's memory, so that a subject that floods it harms no trial but its own.

The kernel refuses what goes beyond the allowance, which Python raises as MemoryError where it is
asked for. What a trial still holds when it is over would be the next one's undoing; that is seen
here too, and told from what many trials have kept, each a little, which none of them answers for.
On Linux; elsewhere nothing is bounded, and a flood ends as the machine ends it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Tuple

__all__ = ["ALLOWANCE", "MemoryBound"]

ALLOWANCE = 1 << 30  # bytes; the hungriest check, on the hungriest loop, takes a twentieth of it
STATM = Path("/proc/self/statm")
DATA = 5  # the field of statm that counts what RLIMIT_DATA bounds


class MemoryBound:
    """Bounds this process to what it holds now and an allowance.

    Args:
        allowance: bytes; half of it is for what trials keep, half for what one takes.
    """

    def __init__(self, allowance: int = ALLOWANCE) -> None:
        self._allowance = allowance
        self._theirs = _limits() if _held() else (0, 0)
        self._bound()

    def _bound(self) -> None:
        self._start = self._before = _held()
        if self._start:
            _limit(self._start + self._allowance, *self._theirs)

    @property
    def spent(self) -> bool:
        """Whether the trials so far have kept so much that the next has not its half."""
        return _held() - self._start > self._allowance // 2

    def begin(self) -> None:
        """Note what is held as a trial begins; where too little is left, the bound begins anew."""
        if self.spent:
            self._bound()
        self._before = _held()

    def overrun(self) -> int:
        """Give the bytes that the trial has kept, if they are more than half of the allowance."""
        kept = _held() - self._before
        return kept if kept > self._allowance // 2 else 0


def _held() -> int:
    """Give the bytes of this process's data; 0 where nobody can tell."""
    if sys.platform == "win32":
        return 0
    try:
        return int(STATM.read_text().split()[DATA]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _limits() -> Tuple[int, int]:
    """Give the limits that somebody has set before us, the soft one and the hard one."""
    import resource  # noqa: PLC0415 - Unix alone has it

    if sys.platform == "win32":
        raise NotImplementedError
    return resource.getrlimit(resource.RLIMIT_DATA)


def _limit(size: int, soft: int, hard: int) -> None:
    import resource  # noqa: PLC0415 - Unix alone has it

    if sys.platform == "win32":
        raise NotImplementedError
    lowest = min((n for n in (size, soft, hard) if n != resource.RLIM_INFINITY), default=size)
    with contextlib.suppress(ValueError, OSError):  # a kernel that refuses leaves it unbounded
        resource.setrlimit(resource.RLIMIT_DATA, (lowest, hard))
