"""What a parity case is, and the register of all of them.

A case is a small coroutine function that does something with a pair (or with a network) and
gives what it saw, as plain data. It says nothing of what is right: that is what the kernel does
in the same run. The cases themselves are in one module a theme; how they are run is in `running`.
"""

from __future__ import annotations

import inspect
from typing import Any, Awaitable, Callable, Dict, FrozenSet, Iterable, List, NamedTuple

__all__ = ["NETWORK", "PLAIN", "TCP", "TLS", "UNIX", "Case", "all_cases", "case"]

TCP = frozenset({"tcp"})
UNIX = frozenset({"unix"})
TLS = frozenset({"tls"})
PLAIN = TCP | UNIX
EVERY = PLAIN | TLS
NETWORK = frozenset({"network"})


class Case(NamedTuple):
    """One behaviour that is looked at.

    Attributes:
        name: the theme and the function's name, ``"closing.close_flushes"``.
        line: the line of the transport contract, 1 to 13; 0 for the documented behaviour of
            stream readers and writers on a pair.
        kinds: the kinds of link that it can be played on.
        play: the coroutine function; takes a `Pair`, or nothing in the case of a network.
        needs_threads: the real thing asks the loop's executor, so turns of the loop don't tell
            how long to wait.
        needs_certificates: it makes certificates, by trustme.
    """

    name: str
    line: int
    kinds: FrozenSet[str]
    play: Callable[..., Awaitable[Any]]
    needs_threads: bool = False
    needs_certificates: bool = False

    @property
    def text(self) -> str:
        """What the case is about, in one sentence."""
        return (inspect.getdoc(self.play) or "").split("\n\n")[0].replace("\n", " ")


_REGISTER: Dict[str, Case] = {}

Play = Callable[..., Awaitable[Any]]


def case(
    line: int,
    kinds: Iterable[str] = EVERY,
    *,
    needs_threads: bool = False,
    needs_certificates: bool = False,
) -> Callable[[Play], Play]:
    """Register a coroutine function as a case.

    Args:
        line: the line of the transport contract, or 0.
        kinds: the kinds of link that it can be played on.
        needs_threads: see `Case`.
        needs_certificates: see `Case`.

    Raises:
        ValueError: there is a case of this name.
    """

    def register(play: Play) -> Play:
        name = f"{play.__module__.rsplit('.', 1)[-1]}.{play.__name__}"
        if name in _REGISTER:
            raise ValueError(f"two parity cases are named {name!r}, expected one")
        _REGISTER[name] = Case(
            name, line, frozenset(kinds), play, needs_threads, needs_certificates
        )
        return play

    return register


def all_cases(kind: str = "") -> List[Case]:
    """Give the cases, in the order of the contract.

    Args:
        kind: only those that can be played on this kind of link; all if empty.
    """
    wanted = [each for each in _REGISTER.values() if not kind or kind in each.kinds]
    return sorted(wanted, key=lambda each: each.line)
