"""The way into the command line: what was raised becomes one line on stderr and an exit code.

The commands themselves stand in `commands`, which needs the extra `streamgauge[conformance]`;
this module needs nothing, so that a base install can say so.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Optional, Sequence

from streamgauge.conformance.errors import StreamgaugeError, UsageError
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome

__all__ = ["main"]


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run a command line and exit.

    Args:
        arguments: without the program's name; None for the process's own.

    Raises:
        SystemExit: always, with one of `EXIT_CODES`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words[:1]  # a group's option, so it stands in front of the command
    try:
        with warnings.catch_warnings():
            code = _invoke(words)
    except BrokenPipeError:  # whoever read our output has seen enough
        code = EXIT_CODES[Outcome.AS_EXPECTED]
    except StreamgaugeError as error:
        ours = error.exit_code == EXIT_CODES[Outcome.HARNESS]
        text = _one_line(str(error), debug) if ours else " ".join(str(error).split())
        code = _complain(text, error.exit_code)
    except KeyboardInterrupt:
        code = _complain("interrupted; nothing is claimed", EXIT_CODES[Outcome.INCOMPLETE])
    except Exception as error:  # nobody's fault but ours: never a traceback, unless asked for
        if debug:
            traceback.print_exc()
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        code = _complain(_one_line(text, debug), EXIT_CODES[Outcome.HARNESS])
    _flush()
    sys.exit(code)


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


def _flush() -> None:
    """Send what is left to stdout; where nobody reads it, spare Python's complaint at exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(text: str, debug: bool) -> str:
    """Cut what a broken process left to its first line; `--debug` shows all of it."""
    first, _, rest = text.strip().partition("\n")
    if debug or not rest:
        return text
    return f"{first.rstrip(':')} ({len(rest.splitlines())} more lines: streamgauge --debug ...)"


def _complain(text: str, code: int) -> int:
    print(f"streamgauge: {text}", file=sys.stderr)  # noqa: T201 - the one place that may
    return code
