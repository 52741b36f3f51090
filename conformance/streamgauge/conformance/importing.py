"""Importing what a user named: a module of anybody's, and what is in it, or one clear line."""

from __future__ import annotations

import contextlib
import importlib
import sys
from typing import Any

from streamgauge.conformance.errors import UsageError

__all__ = ["attribute_of", "import_for"]


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
