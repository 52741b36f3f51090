"""A witness: a process that watches the one in which `repro` imports and plays a subject.

A subject may exit, or be killed by a signal, or leave handlers that decide the exit code. The
process that plays has the terminal, the group and the signals of the command; the one that the
user started does nothing but wait for it, so that it can say how it ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any, Callable, List, Tuple

from streamgauge.conformance import unix
from streamgauge.conformance.rehearsal import ending

__all__ = ["note", "witnessed"]

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD")
HEEDED = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
SIGWAITINFO: Any = getattr(signal, "sigwaitinfo", None)  # macOS has none
LONGEST = 1 << 16  # bytes that are read of what was noted
_noted: List[int] = []  # the descriptor to note to, in the process that plays


def note(text: str) -> None:
    """Note what is about to be done, for the case that the process does not outlive it."""
    for descriptor in _noted:
        with contextlib.suppress(OSError):  # the subject has closed it
            os.write(descriptor, f"at {text}\n".encode("utf-8", "backslashreplace"))


def witnessed(play: Callable[[], int]) -> Tuple[int, str]:
    """Call a function in a process of its own, with this terminal.

    Args:
        play: returns an exit code.

    Returns:
        That code and nothing; or, if the process ended without one, 0 and a sentence that says at
        what, and how.
    """
    if SIGWAITINFO is None or not hasattr(os, "fork"):
        return play(), ""
    reading, writing = os.pipe()
    sys.stdout.flush()
    before = unix.signal.pthread_sigmask(unix.signal.SIG_BLOCK, HEEDED)
    pid = os.fork()
    if pid == 0:
        unix.signal.pthread_sigmask(unix.signal.SIG_SETMASK, before)
        os.close(reading)
        _noted.append(writing)
        _play(play, writing)
    os.close(writing)
    try:
        status = _end_of(pid)
    finally:
        unix.signal.pthread_sigmask(unix.signal.SIG_SETMASK, before)
    return _told(reading, status)


def _play(play: Callable[[], int], writing: int) -> None:
    code = play()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.write(writing, f"code {code}\n".encode())
    os._exit(code)  # handlers of the subject's have no say in it


def _end_of(pid: int) -> int:
    """Wait for the process; hand on the signals that were sent to this one alone."""
    while True:
        heard = SIGWAITINFO(HEEDED)
        if heard.si_signo != unix.signal.SIGCHLD and heard.si_pid:  # else the terminal's
            os.kill(pid, heard.si_signo)
        ended, status = os.waitpid(pid, unix.os.WNOHANG)
        if ended:
            gone = unix.os.WIFSIGNALED(status)
            return int(-unix.os.WTERMSIG(status) if gone else unix.os.WEXITSTATUS(status))


def _told(reading: int, status: int) -> Tuple[int, str]:
    unix.os.set_blocking(reading, False)
    noted = ""
    with contextlib.suppress(BlockingIOError):  # a process that was left has the other end
        noted = os.read(reading, LONGEST).decode("utf-8", "replace")
    os.close(reading)
    kind, _, text = (noted.splitlines() or [""])[-1].partition(" ")
    if kind == "code":
        return int(text), ""
    return 0, f"{text or 'starting'} ended the process ({ending(status)})"
