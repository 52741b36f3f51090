"""The version of a subject or a loop, where it can be told, for entries that hold for some only."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Dict

from packaging.version import InvalidVersion, Version

from streamgauge.conformance.plan import STOCK_LOOP
from streamgauge.conformance.subjects import BUILTIN, resolve

__all__ = ["NOTED", "version_of", "version_of_loop"]

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
        return platform.python_version()
    module = BUILTIN.get(subject, (subject, ""))[0].partition(":")[0]
    top = module.partition(".")[0]
    said = _attribute(found or resolve(subject), "version") or _attribute(
        sys.modules.get(top), "__version__"
    )
    for candidate in (said, _installed(top)):
        if isinstance(candidate, str) and _is_version(candidate):
            return candidate
    return ""


def version_of_loop(pattern: str) -> str:
    """Give the version of the package of a loop, or of loops of a pattern such as `uvloop*`.

    Returns:
        The running Python's for asyncio's own loops; empty for what is not installed.
    """
    package = re.split(r"[^\w.]", pattern, maxsplit=1)[0]
    return platform.python_version() if package == STOCK_LOOP else _installed(package)


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


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
