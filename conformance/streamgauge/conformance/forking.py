"""Forked processes, from a process that may have threads of its own.

Python warns of such threads, as the child has none of them and the locks they held stay locked. The
threads here are execnet's, which read from a pipe, and the child uses nothing of execnet's. With
warnings as errors, the warning would be raised in the parent while the child goes on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import warnings
from multiprocessing.process import BaseProcess
from typing import Any, Callable, Iterator, Tuple

__all__ = ["fork", "start_forked"]

METHOD = "fork"  # a name for mypy, which knows no such context on Windows


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def fork() -> int:
    """Fork; return the child's number, and 0 in the child.

    Raises:
        OSError: the machine has no room for another process.
    """
    if sys.platform == "win32":  # nothing is forked there
        raise NotImplementedError
    with _unwarned():
        return os.fork()


def start_forked(target: Callable[..., None], *arguments: Any, daemon: bool = False) -> BaseProcess:
    """Start a forked process, whose filters of warnings are those of this one.

    Args:
        target: what the child calls; it ends with it.
        arguments: of the call.
        daemon: it is ended, and not waited for, when this process ends.

    Raises:
        OSError: the machine has no room for another process.
    """
    context: Any = multiprocessing.get_context(METHOD)
    with contextlib.ExitStack() as unwarned:
        unwarned.enter_context(_unwarned())
        process: BaseProcess = context.Process(
            target=_as_child, args=(unwarned, target, arguments), daemon=daemon
        )
        process.start()
    return process


def _as_child(
    unwarned: contextlib.ExitStack, target: Callable[..., None], arguments: Tuple[Any, ...]
) -> None:
    unwarned.close()  # the child never comes back from `start`
    target(*arguments)
