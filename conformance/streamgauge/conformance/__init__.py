"""The conformance suite for asyncio streams: clauses, checks, subjects, verdicts, reports.

What a user imports from here: `Subject`, to bring an implementation that is not shaped like
asyncio; `conformance_tests`, to have the trials in a pytest suite of one's own; `check` and
`Trial`, to read or write checks. The command `streamgauge` is in `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:
    from streamgauge.conformance.in_pytest import conformance_tests
    from streamgauge.conformance.registry import check
    from streamgauge.conformance.subjects import ShapedSubject, Subject
    from streamgauge.conformance.trial import Trial

__all__ = ["ShapedSubject", "Subject", "Trial", "check", "conformance_tests"]

# Where each name lives. They are imported when they are asked for: the base install has none of
# the suite's dependencies, and the command starts without those it does not need.
_HOMES: Dict[str, str] = {
    "ShapedSubject": "subjects",
    "Subject": "subjects",
    "Trial": "trial",
    "check": "registry",
    "conformance_tests": "in_pytest",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - keeps the package's namespace clean

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> List[str]:
    """List the public names."""
    return sorted(__all__)
