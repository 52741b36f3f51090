"""The version of a subject, as far as it can be told, for entries that hold for some only."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from packaging.version import InvalidVersion, Version

from streamgauge.conformance.subjects import BUILTIN, resolve

__all__ = ["version_of"]


def version_of(subject: str) -> str:
    """Give a subject's version.

    Args:
        subject: its name, as on the command line.

    Returns:
        What the subject says of itself (`version`), what its package does (`__version__`), or
        what was installed; the running Python's for `stdlib`. Empty where nobody can tell, or
        where it is no version as packaging tools understand it.

    Raises:
        UsageError: if there is no such subject.
    """
    if subject == "stdlib":
        return platform.python_version()
    module = BUILTIN.get(subject, (subject, ""))[0].partition(":")[0]
    top = module.partition(".")[0]
    said = _attribute(resolve(subject), "version") or _attribute(
        sys.modules.get(top), "__version__"
    )
    for candidate in (said, _installed(top)):
        if isinstance(candidate, str) and _is_version(candidate):
            return candidate
    return ""


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
