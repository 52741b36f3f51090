"""The `@check` decorator and the register of every check of the suite.

A check is a coroutine function of one argument, the trial, and tries one clause. This module
knows which checks there are and on which links each can observe its clause; it runs none.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Dict, List, Mapping, Tuple

from streamgauge.conformance import checks
from streamgauge.conformance.deliveries import Plan
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.plan import LINKS

if TYPE_CHECKING:
    from streamgauge.conformance.trial import Trial

    CheckFunction = Callable[[Trial], Coroutine[Any, Any, None]]

__all__ = [
    "FEED",
    "MEMORY_LIKE",
    "PAIRS",
    "READERS",
    "SERVERS",
    "SOCK",
    "TCP",
    "Check",
    "all_checks",
    "check",
    "checks_for",
]

FEED = ("feed",)
PAIRS = ("socketpair", "tcp", "tcp6", "unix", "tls", "own")  # a reader, a writer and a peer
READERS = (*FEED, *PAIRS)  # a reader is enough
SERVERS = ("tcp", "tcp6", "unix", "tls")  # what a server can listen on
TCP = ("tcp", "tcp6")
# The kernel's links that `memory` has the like of: a check is tried as on the first it can use.
MEMORY_LIKE = ("tcp", "unix", "tls")
SOCK = "a socket handed over by sock="  # what a network in memory leaves to the kernel

NOTHING: Mapping[str, str] = {}

_CHECKS: Dict[str, List[Check]] = {}


@dataclass(frozen=True)
class Check:
    """One check.

    Args:
        clause: id of the clause it tries.
        name: the function's name.
        links: on which links it can observe the clause.
        needs: capabilities beyond the clause's own, e.g. `half-close`.
        function: the coroutine function itself.
        kernel: what it looks at that only a kernel has, so that it is not tried on `memory`;
            empty for nothing.
        spares: plans under which the promise is another one, by words of their names (`pieces`
            stands for `bytes` and every `cut-N`, `*` for all), each with the reason.
    """

    clause: str
    name: str
    links: Tuple[str, ...]
    needs: Tuple[str, ...]
    function: CheckFunction
    kernel: str = ""
    spares: Mapping[str, str] = field(default_factory=dict)

    def spared(self, plan: Plan) -> str:
        """Say why the check is about other deliveries than those of `plan`; empty if it is not."""
        words = plan.words
        reasons = (
            reason
            for key, reason in self.spares.items()
            if key == "*" or set(key.split("+")) <= words
        )
        return next(reasons, "")

    @property
    def module(self) -> str:
        """Name of the module it stands in, without the package: `reader_until`."""
        return self.function.__module__.rsplit(".", 1)[-1]

    @property
    def source(self) -> str:
        """Its own text, decorator included."""
        return inspect.getsource(self.function)

    def like(self, link: str) -> str:
        """Give the kernel's link that `memory` stands in for here; any other link is itself."""
        return _memory_like(self.links) if link == "memory" else link


def check(
    clause: str,
    *,
    links: Tuple[str, ...] = READERS,
    needs: Tuple[str, ...] = (),
    kernel: str = "",
    spares: Mapping[str, str] = NOTHING,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a coroutine function as a check of `clause`.

    Args:
        clause: id in the catalogue.
        links: the kernel's links on which the clause can be observed this way; `memory` comes
            with them.
        needs: capabilities which a subject may declare in `lacks`.
        kernel: what the check looks at that only a kernel has; it keeps the check off `memory`.
        spares: plans to leave out, each with the reason, as in `{"pieces+late": "..."}`.

    Raises:
        HarnessError: at import, for an unknown link, a function that is no coroutine function,
            or links that `memory` has nothing like and no word on why.
    """

    def register(function: CheckFunction) -> CheckFunction:
        unknown = set(links) - set(LINKS)
        if unknown or not inspect.iscoroutinefunction(function):
            raise HarnessError(
                f"check {function.__name__} of {clause}: expected a coroutine function and "
                f"links out of {LINKS}, got {function!r} and {links}"
            )
        like = _memory_like(links)
        if set(links) - {"feed", "own"} and not (like or kernel):
            raise HarnessError(
                f"check {function.__name__} of {clause}: expected one of the links {MEMORY_LIKE}, "
                f"or kernel= to say what only a kernel has, got {links}"
            )
        used = links if kernel or not like else _with_memory(links)
        entry = Check(clause, function.__name__, used, tuple(needs), function, kernel, spares)
        _CHECKS.setdefault(clause, []).append(entry)
        return function

    return register


def _memory_like(links: Tuple[str, ...]) -> str:
    own = MEMORY_LIKE[0] if "memory" in links else ""  # for what is tried on memory alone
    return next((link for link in MEMORY_LIKE if link in links), own)


def _with_memory(links: Tuple[str, ...]) -> Tuple[str, ...]:
    return tuple(link for link in LINKS if link == "memory" or link in links)


def all_checks() -> List[Check]:
    """Give every check, in the order of the modules' names and of their lines."""
    for module in sorted(m.name for m in pkgutil.iter_modules(checks.__path__)):
        importlib.import_module(f"{checks.__name__}.{module}")
    found = [entry for entries in _CHECKS.values() for entry in entries]
    return sorted(found, key=lambda c: (c.module, c.function.__code__.co_firstlineno))


def checks_for(clause: str) -> List[Check]:
    """Give the checks of one clause; empty for an unknown one."""
    return [entry for entry in all_checks() if entry.clause == clause]
