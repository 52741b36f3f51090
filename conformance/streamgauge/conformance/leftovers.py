"""Leftovers: what a trial has changed in its process, once what is on its way out has gone.

A worker that a library starts once for the whole process, and a thread that is about to end, are no
departures. So threads and processes are given time to end, and those that stay are believed to be
left behind only if the same play leaves more of them each time.
"""

from __future__ import annotations

from typing import Callable, List

from streamgauge.conformance import fingerprint
from streamgauge.conformance.fingerprint import PROCESSES, THREADS, Change, Fingerprint
from streamgauge.conformance.kept import os, threading

__all__ = ["Leftovers"]

AGAIN = 3  # plays, each of which has to leave more
LOOKS = 5  # within the patience


class Leftovers:
    """Compares this process with what it was.

    Args:
        patience_s: seconds for which a thread or a process may take to end.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._pid = os.getpid()
        self._before = fingerprint.taken()

    def stop_a_copy(self) -> None:
        """End this process at once if it is a copy, which a subject has forked and let go on."""
        if os.getpid() != self._pid:
            os._exit(0)

    def seen(self) -> List[Change]:
        """Say what has changed."""
        return self._settled(self._before)

    def believed(self, changes: List[Change], again: Callable[[], object]) -> List[Change]:
        """Drop the threads and processes of which a second and third play leaves no more.

        Args:
            changes: what `seen` has told.
            again: plays the same once more.
        """
        kinds = {change.kind for change in changes} & {PROCESSES, THREADS}
        for _ in range(AGAIN if kinds else 0):
            before = fingerprint.taken()
            again()
            self.stop_a_copy()
            kinds &= {change.kind for change in self._settled(before)}
            if not kinds:
                break
        ended = {PROCESSES, THREADS} - kinds
        return [change for change in changes if change.kind not in ended]

    def _settled(self, before: Fingerprint) -> List[Change]:
        never = threading.Event()
        changes = fingerprint.differences(before, fingerprint.taken())
        for _ in range(LOOKS):
            if not {change.kind for change in changes} & {PROCESSES, THREADS}:
                break
            never.wait(self._patience_s / LOOKS)
            changes = fingerprint.differences(before, fingerprint.taken())
        return changes
