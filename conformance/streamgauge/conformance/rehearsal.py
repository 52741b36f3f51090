"""Rehearsals: what a user named is first imported in a process of its own.

A module may end its process while it is imported, with whatever exit code it likes, or never come
to an end; so nothing of anybody's is imported by a command before its rehearsal went well.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from typing import Sequence

from streamgauge.conformance import loops, subjects
from streamgauge.conformance.errors import UsageError

__all__ = ["ending", "rehearse_strangers"]

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


def rehearse_strangers(
    subject_names: Sequence[str], loop_names: Sequence[str], search_path: Sequence[str] = ()
) -> None:
    """Import each module that a command is about to import and that is not known by name.

    What such an import raises is no matter here; it is told when the module is imported for good.

    Args:
        subject_names: as on the command line.
        loop_names: likewise.
        search_path: folders that are searched last.

    Raises:
        UsageError: an import ends its process, or has no end.
    """
    named = [("subject", name, subjects.strangers_of(name)) for name in subject_names]
    named += [("loop", name, loops.strangers_of(name)) for name in loop_names]
    for kind, name, modules in dict.fromkeys(named):
        for module in modules:
            _rehearse(module, f"{kind} {name!r}", search_path)


def _rehearse(module_name: str, what: str, search_path: Sequence[str]) -> None:
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
            f"{what}: importing {module_name!r} ended the process ({ending(done.returncode)}); "
            "try `python -c 'import ...'` on it, and mend what ends Python there"
        )


def ending(code: int) -> str:
    """Say how a process came to its end, given its return code as `subprocess` has it."""
    if code >= 0:
        return f"with exit code {code}"
    with contextlib.suppress(ValueError):  # most of the real-time signals have no name
        return f"by {signal.Signals(-code).name}"
    return f"by signal {-code}"
