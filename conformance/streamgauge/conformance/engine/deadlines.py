"""The supervisor's clock: a heap of deadlines, and the time in which the supervisor itself slept.

Whoever suspends the machine, or stops the supervisor, stops no clock. What was overslept is added
to every deadline, because the children could not be heard, and may not have run either.
"""

from __future__ import annotations

import heapq
import time
from typing import Callable, Dict, Hashable, List, Tuple

__all__ = ["LATE_S", "Deadlines"]

LOOK_S = 0.5  # the supervisor wakes at least as often
LATE_S = 1.0  # it has overslept if it wakes so much later


class Deadlines:
    """One deadline for each key.

    Args:
        now: returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._heap: List[Tuple[float, int]] = []
        self._set: Dict[Hashable, Tuple[float, int]] = {}
        self._keys: Dict[int, Hashable] = {}
        self._serial = 0
        self._woken = now()
        self._wait_s = LOOK_S

    def set(self, key: Hashable, seconds: float) -> None:
        """Set the deadline of a key, in place of the one it had."""
        self.clear(key)
        self._serial += 1
        entry = (self._now() + seconds, self._serial)
        self._set[key], self._keys[self._serial] = entry, key
        heapq.heappush(self._heap, entry)

    def clear(self, key: Hashable) -> None:
        """Drop the deadline of a key, if it has one."""
        if key in self._set:
            self._keys.pop(self._set.pop(key)[1])

    def wait_s(self) -> float:
        """Return the seconds to sleep until the next deadline, or the next look."""
        self._drop_cleared()
        next_s = self._heap[0][0] - self._now() if self._heap else LOOK_S
        self._wait_s = max(0.0, min(LOOK_S, next_s))
        return self._wait_s

    def overslept(self) -> bool:
        """Note that the supervisor has woken; if much too late, put off every deadline."""
        before, self._woken = self._woken, self._now()
        late_s = self._woken - before - self._wait_s
        if late_s < LATE_S:
            return False
        self._set = {key: (due + late_s, n) for key, (due, n) in self._set.items()}
        self._heap = sorted(self._set.values())
        return True

    def due(self) -> List[Hashable]:
        """Return the keys whose time is over; they have no deadline any more."""
        found: List[Hashable] = []
        now = self._now()
        while self._heap and self._heap[0][0] <= now:
            key = self._keys.get(heapq.heappop(self._heap)[1])
            if key is not None:
                found.append(key)
                self.clear(key)
        return found

    def _drop_cleared(self) -> None:
        while self._heap and self._heap[0][1] not in self._keys:
            heapq.heappop(self._heap)
