"""The version of a subject or a loop, where it can be told, for entries that hold for some only."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Dict, Sequence

from packaging.version import InvalidVersion, Version

from streamgauge.conformance.loops import strangers_of
from streamgauge.conformance.observed import SHAPED, running
from streamgauge.conformance.plan import STOCK_LOOP
from streamgauge.conformance.subjects import BUILTIN, resolve

__all__ = ["NOTED", "version_of", "version_of_loop", "versions_of"]

NOTED: Dict[str, str] = {}  # versions that the children of this process's runs have told


def version_of(subject: str, found: Any = None) -> str:
    """Give a subject's version.

    Args:
        subject: its name, as on the command line.
        found: the subject, where it has been imported.

    Returns:
        What the subject says of itself (`version`), what its package does (`__version__`), or
        what was installed; the running Python's for `stdlib`. Empty where nobody can tell, or
        where it is no version as packaging tools understand it.

    Raises:
        UsageError: if there is no such subject.
    """
    if subject in NOTED:
        return NOTED[subject]
    if subject == "stdlib":
        return running()
    module = BUILTIN.get(subject, (subject, ""))[0].partition(":")[0]
    top = module.partition(".")[0]
    said = _attribute(found or resolve(subject), "version") or _attribute(
        sys.modules.get(top), "__version__"
    )
    for candidate in (said, _installed(top)):
        if isinstance(candidate, str) and _is_version(_plain(candidate)):
            return _plain(candidate)
    return ""


def version_of_loop(pattern: str) -> str:
    """Give the version of the package of a loop, or of loops of a pattern such as `uvloop*`.

    Returns:
        The running Python's for asyncio's own loops; empty for what is not installed.
    """
    package = re.split(r"[^\w.]", pattern, maxsplit=1)[0]
    return running() if package == STOCK_LOOP else _installed(package)


def versions_of(subjects: Sequence[str], loops: Sequence[str]) -> Dict[str, str]:
    """Return the versions of the packages of built-in adapters and loops, by name of either.

    Nothing is imported. Left out is what is not installed, what comes with Python, and whatever
    is not known by name.

    Args:
        subjects: names, as on the command line.
        loops: names, as on the command line.
    """
    adapters = [name for name in subjects if name in BUILTIN and name not in SHAPED]
    found = {name: _installed(name) for name in adapters}
    for name in loops:
        if not strangers_of(name) and not name.startswith(STOCK_LOOP):
            found[name] = version_of_loop(name)
    return {name: _plain(told) for name, told in found.items() if _is_version(_plain(told))}


def _attribute(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _plain(told: str) -> str:
    """Return a version without the bare plus that marks a snapshot; packaging tools refuse it."""
    return told[:-1] if told.endswith("+") else told


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
