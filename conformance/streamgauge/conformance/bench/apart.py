"""A call in a forked process of its own: nothing it leaves in memory is there for the next one.

No measuring lives here. What a subject's buffers did to the allocator decides whether a later
256 KiB come from a warm heap or, page by page, from the kernel; in one process, a subject would
be paid for what another one left.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from typing import Any, Callable, NoReturn, TypeVar, cast

from streamgauge.conformance.forking import fork

__all__ = ["apart"]

Result = TypeVar("Result")


def apart(call: Callable[[], Result]) -> Result:
    """Give what a call returns in a copy of this process, which ends with it.

    Args:
        call: what to call; its result, or its exception, has to be picklable.

    Raises:
        BaseException: what the call raised.
        ChildProcessError: the copy ended without an answer.
    """
    if sys.platform == "win32":  # nothing is forked there
        raise NotImplementedError
    answers, answer = os.pipe()
    child = fork()
    if not child:
        _answer(answer, call)
    os.close(answer)
    try:
        with os.fdopen(answers, "rb") as stream:
            text = stream.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)  # told to end: so does the copy
        raise
    finally:
        _, status = os.waitpid(child, 0)
    if not text:
        raise ChildProcessError(f"a measured process ended without an answer, status {status}")
    done, result = pickle.loads(text)  # written by our own copy
    if not done:
        raise result
    return cast(Result, result)  # pickle does not know


def _answer(answer: int, call: Callable[[], Any]) -> NoReturn:
    """Call, write down what came of it, and end without anything that is done at exit."""
    if sys.platform == "win32":
        raise NotImplementedError
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # not the command's own way to end
        try:
            text = pickle.dumps((True, call()))
        except BaseException as error:
            text = pickle.dumps((False, error))
        with os.fdopen(answer, "wb") as stream:
            stream.write(text)
    finally:
        os._exit(0)
