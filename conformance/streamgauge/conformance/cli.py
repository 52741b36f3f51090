"""The way into the command line: what was raised becomes one line on stderr and an exit code.

The commands themselves stand in `commands`, which needs the extra `streamgauge[conformance]`;
this module needs nothing, so that a base install can say so.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
import warnings
from typing import Iterator, NoReturn, Optional, Sequence

from streamgauge.conformance.errors import StreamgaugeError, UsageError
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome
from streamgauge.conformance.witness import witnessed

__all__ = ["main"]

ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)  # a disk's fault, neither ours nor a subject's


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run a command line and exit.

    Args:
        arguments: without the program's name; None for the process's own.

    Raises:
        SystemExit: always, with one of `EXIT_CODES`.
    """
    _open_what_is_closed()
    words = list(sys.argv[1:] if arguments is None else arguments)
    alone = arguments is None and "repro" in words[:2]
    code = _witnessed(words) if alone else _flushed(_outcome(words))
    if arguments is None and _held_by_a_thread():
        os._exit(code)
    sys.exit(code)


def _witnessed(words: Sequence[str]) -> int:
    """Run a command that imports a subject in a process of its own, and say if that is ended."""
    code, ended = witnessed(lambda: _flushed(_outcome(words)))
    usage = ended.startswith(("subject ", "loop "))
    return (
        _complain(ended, EXIT_CODES[Outcome.USAGE if usage else Outcome.DEPARTED])
        if ended
        else code
    )


def _outcome(words: Sequence[str]) -> int:
    """Run a command line; whatever it raises becomes a line and a code."""
    debug = "--debug" in words[:1]  # a group's option, so it stands in front of the command
    try:
        with warnings.catch_warnings(), _ended_by_signals():
            return _invoke(words)
    except BrokenPipeError:  # whoever read our output has seen enough
        return EXIT_CODES[Outcome.AS_EXPECTED]
    except StreamgaugeError as error:
        ours = error.exit_code == EXIT_CODES[Outcome.HARNESS]
        text = _one_line(str(error), debug) if ours else " ".join(str(error).split())
        return _complain(text, error.exit_code)
    except KeyboardInterrupt:
        return _complain("interrupted; nothing is claimed", EXIT_CODES[Outcome.INCOMPLETE])
    except Exception as error:  # nobody's fault but ours: never a traceback, unless asked for
        if debug:
            traceback.print_exc()
        if isinstance(error, OSError) and error.errno in FULL:
            return _unwritten(error)
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        return _complain(_one_line(text, debug), EXIT_CODES[Outcome.HARNESS])


def _open_what_is_closed() -> None:
    """Put the null device where the caller closed stdin, stdout or stderr.

    Else the first pipe that is opened would take their numbers, and be written to by mistake.
    """
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End as Ctrl-C does when we are told to end, so that no process and no file is left."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    ours = threading.current_thread() is threading.main_thread()  # only there may they be set
    unset = [s for s in ENDING if signal.getsignal(s) is signal.SIG_DFL]
    for number in unset if ours else ():
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in unset if ours else ():
            signal.signal(number, signal.SIG_DFL)


def _held_by_a_thread() -> bool:
    """Say whether a thread, of a subject's module for instance, would keep us from ending."""
    others = set(threading.enumerate()) - {threading.main_thread()}
    return not all(thread.daemon for thread in others)


def _invoke(words: Sequence[str]) -> int:
    # Of an old Python we know; a library that says so at each start is no news to the user.
    warnings.filterwarnings("ignore", r"Python 3\.\d+ is no longer supported")
    try:
        from streamgauge.conformance import commands  # noqa: PLC0415 - may be missing
    except ModuleNotFoundError as error:
        if (error.name or "streamgauge").startswith("streamgauge"):
            raise
        raise UsageError(
            f"the command needs {error.name}; pip install 'streamgauge[conformance]'"
        ) from error
    return commands.invoke(words)


def _flushed(code: int) -> int:
    """Send what is left to stdout; where it cannot go, spare Python's complaint at exit."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and code == EXIT_CODES[Outcome.AS_EXPECTED]:
            return _unwritten(error)
    return code


def _one_line(text: str, debug: bool) -> str:
    """Cut what a broken process left to its first line; `--debug` shows all of it."""
    first, _, rest = text.strip().partition("\n")
    if debug or not rest:
        return text
    return f"{first.rstrip(':')} ({len(rest.splitlines())} more lines: streamgauge --debug ...)"


def _unwritten(error: OSError) -> int:
    text = f"cannot write: {error.strerror}; make room and run again"
    return _complain(text, EXIT_CODES[Outcome.INCOMPLETE])


def _complain(text: str, code: int) -> int:
    with contextlib.suppress(OSError):  # the code says it too
        print(f"streamgauge: {text}", file=sys.stderr)  # noqa: T201 - the one place that may
    return code
