"""Importing what a user named: a module of anybody's, and what is in it, or one clear line."""

from __future__ import annotations

import contextlib
import importlib
import json
import signal
import subprocess
import sys
from typing import Any, Sequence

from streamgauge.conformance.errors import UsageError

__all__ = ["attribute_of", "import_for", "rehearse"]

LONGEST_S = 120.0  # an import that takes longer has no end
OVER = b"over"
REHEARSAL = f"""
import importlib, json, os, sys
name, sys.path[:] = json.loads(sys.argv[1])
out = os.dup(1)
os.dup2(2, 1)
try:
    importlib.import_module(name)
except BaseException:
    pass  # told when it is imported for good
os.write(out, {OVER!r})
os._exit(0)
"""


def rehearse(module_name: str, what: str, search_path: Sequence[str] = ()) -> None:
    """Import a module in a process of its own, and see whether that comes to an end.

    What its import raises is no matter here; an import that ends its process would end ours, with
    whatever exit code it likes, and one without an end would hold it for ever.

    Args:
        module_name: dotted.
        what: what it is wanted for, as the message begins: `subject 'mypkg.streams'`.
        search_path: folders that are searched last.

    Raises:
        UsageError: the import ends its process, or has no end.
    """
    asked = json.dumps([module_name, [*sys.path, *search_path]])
    try:
        done = subprocess.run(
            [sys.executable, "-c", REHEARSAL, asked],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_S,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{what}: importing {module_name!r} did not end in {LONGEST_S:.0f} seconds; "
            "let the module do its work when it is used, not when it is imported"
        ) from None
    if not done.stdout.endswith(OVER):
        raise UsageError(
            f"{what}: importing {module_name!r} ended the process ({_ending(done.returncode)}); "
            "try `python -c 'import ...'` on it, and mend what ends Python there"
        )


def _ending(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def import_for(module_name: str, what: str) -> Any:
    """Import a module for what was asked for.

    Args:
        module_name: dotted.
        what: what it is wanted for, as the message begins: `subject 'mypkg.streams'`.

    Raises:
        UsageError: whatever the module raises while it is imported, `SystemExit` included.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is for the report, or its JSON lines
            return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever the user's module raises at import
        raise UsageError(
            f"{what}: cannot import {module_name!r} ({type(error).__name__}: {error}); "
            f"{_remedy(module_name)}"
        ) from error


def _remedy(module_name: str) -> str:
    if module_name.endswith(".py"):
        return f"give the module's name, {module_name[:-3].strip('./').replace('/', '.')}"
    return "check the name, or install what it needs"


def attribute_of(found: Any, path: str, what: str) -> Any:
    """Follow a dotted path from a module.

    Raises:
        UsageError: there is no such attribute.
    """
    for name in path.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{what}: {getattr(found, '__name__', found)!r} has no {name!r}")
        found = getattr(found, name)
    return found
