"""What may not be left when a pair or a network is left: the leak checks, by name.

Here are the names, the error, and how a set of names to ignore is read. What is looked at, and
when, is with those who own it: `pairs` and `network`.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Union

__all__ = ["LEAKS", "Leak", "LeakError", "add_note", "check", "ignored", "unread_bytes"]

#: Each leak and what it asks of the program.
LEAKS: Dict[str, str] = {
    "unclosed-writer": "call writer.close() and await writer.wait_closed()",
    "unread-bytes": "read until EOF; to close or abort in the midst of them is to leave them",
    "server-not-closed": "call server.close(), or use `async with server:`",
    "handler-task-alive": "let the handler end when its client does, or cancel it",
}


class Leak(NamedTuple):
    """One thing that was left.

    Attributes:
        name: one of `LEAKS`.
        detail: which writer, server or task, and how much.
    """

    name: str
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}\n    to do: {LEAKS[self.name]}"


class LeakError(AssertionError):
    """Something was left behind.

    Attributes:
        leaks: all of it.
    """

    def __init__(self, where: str, leaks: Iterable[Leak]) -> None:
        self.leaks: List[Leak] = list(leaks)
        names = sorted({leak.name for leak in self.leaks})
        lines = "".join(f"\n  {leak}" for leak in self.leaks)
        super().__init__(
            f"{where} was left with {len(self.leaks)} leak(s), expected none:{lines}\n"
            f"  or, if it is meant: ignore_leaks={names!r}"
        )


def ignored(names: Union[str, Iterable[str]]) -> FrozenSet[str]:
    """Read the names of leaks to ignore.

    Args:
        names: one name or several; ``"all"`` means every one.

    Raises:
        ValueError: a name that is not one of `LEAKS`.
        TypeError: it is neither a name nor several.
    """
    if not isinstance(names, Iterable):
        raise TypeError(f"ignore_leaks got {names!r}, expected some of {[*LEAKS]}, or 'all'")
    wanted = {names} if isinstance(names, str) else set(names)
    unknown = wanted - set(LEAKS) - {"all"}
    if unknown:
        raise ValueError(
            f"ignore_leaks got {sorted(map(str, unknown))}, expected some of {[*LEAKS]}, or 'all'"
        )
    return frozenset(LEAKS) if "all" in wanted else frozenset(wanted)


def check(where: str, leaks: Iterable[Leak], ignore: FrozenSet[str]) -> None:
    """Raise a `LeakError` for what is not ignored.

    Args:
        where: what was left, for the message.
        leaks: what was found.
        ignore: names, from `ignored`.

    Raises:
        LeakError: something was left.
    """
    found = [leak for leak in leaks if leak.name not in ignore]
    if found:
        raise LeakError(where, found)


def unread_bytes(reader: Any) -> int:
    """Count what a stream reader holds and nobody has read; 0 if it can't be told."""
    return len(getattr(reader, "_buffer", b""))


def add_note(exc: BaseException, text: str) -> None:
    """Add a note to an exception, as `add_note` of Python 3.11 does; its traceback shows it.

    Args:
        exc: the exception.
        text: what was there when it passed.
    """
    notes = [*getattr(exc, "__notes__", ()), text]
    exc.__notes__ = notes  # type: ignore[attr-defined, unused-ignore]  # before Python 3.11
