"""The needs of trials beside the subject, on this machine: a Unix, a name, a short path.

Each is probed once in a process, where a trial first needs it. A machine that lacks it leaves the
trial untried, as a failed precondition, and blames no subject.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import socket
import tempfile
from functools import lru_cache

from streamgauge.conformance.errors import HarnessError, UsageError
from streamgauge.conformance.expectations import PreconditionError

__all__ = [
    "MissingError",
    "is_missing",
    "need_localhost",
    "need_short_path",
    "need_unix",
    "short_folder",
]

SOCKET_PATH_AT_MOST = 103  # bytes on macOS and the BSDs; Linux takes four more
TEXT = re.compile(r"\w+: not tried, ")
NEEDS = (
    "os.fork",
    "os.killpg",
    "os.set_blocking",
    "signal.SIGALRM",
    "signal.setitimer",
    "socket.AF_UNIX",
    "fcntl.ioctl",
    "resource.setrlimit",
    "termios.TIOCOUTQ",
)
OTHER_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/shm")


class MissingError(PreconditionError):
    """The machine lacks what the trial needs.

    Args:
        text: what was not tried, why, and what to do: `tls: not tried, install trustme`.
    """

    def __init__(self, text: str) -> None:
        super().__init__("", OSError(text))
        self.text = text

    def __str__(self) -> str:
        """Return the text."""
        return self.text


@lru_cache(maxsize=None)
def _localhost() -> str:
    """Return why the name localhost leads nowhere; empty if it leads to 127.0.0.1."""
    try:
        socket.getaddrinfo("localhost", 0, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        return str(error)
    return ""


def is_missing(detail: str) -> bool:
    """Whether the detail of a failed precondition is the text of a `MissingError`."""
    return TEXT.match(detail) is not None


def need_unix() -> None:
    """Require what the processes of a run are made of.

    Raises:
        UsageError: the platform lacks some of it.
    """
    lacks = [name for name in NEEDS if not _has(*name.split("."))]
    if lacks:
        raise UsageError(
            f"trials need {', '.join(lacks)}, which Python lacks here; "
            "run them on Linux or another Unix (`list` and `explain` work anywhere)"
        )


def _has(module: str, attribute: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False


def need_localhost() -> None:
    """Require the machine to resolve localhost.

    Raises:
        MissingError: it does not.
    """
    if _localhost():
        raise MissingError(
            f"localhost: not tried, no address ({_localhost()}); add it to /etc/hosts"
        )


def short_folder(room_bytes: int) -> str:
    """Return a folder for temporary files in which the path of a unix socket is short enough.

    Args:
        room_bytes: what comes behind the folder in that path.

    Returns:
        The one that `tempfile` uses, unless its path is too long and another one can be written to.

    Raises:
        HarnessError: no folder can be written to.
    """
    folders = [folder for folder in OTHER_FOLDERS if os.access(folder, os.W_OK | os.X_OK)]
    with contextlib.suppress(OSError):  # it finds none that can be written to
        folders.insert(0, tempfile.gettempdir())
    if not folders:
        raise HarnessError("no folder for temporary files can be written to; set TMPDIR to one")
    most = SOCKET_PATH_AT_MOST - room_bytes
    return next((f for f in folders if len(os.fsencode(f)) <= most), folders[0])


def need_short_path(path: str) -> None:
    """Require a path to fit into the address of a unix socket.

    Raises:
        MissingError: it does not.
    """
    size = len(os.fsencode(path))
    if size > SOCKET_PATH_AT_MOST:
        raise MissingError(
            f"unix: not tried, a socket's path has {SOCKET_PATH_AT_MOST} bytes at most and "
            f"{os.path.dirname(os.path.dirname(path))} is too long for it; set TMPDIR=/tmp"
        )
