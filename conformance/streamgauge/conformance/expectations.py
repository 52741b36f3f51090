"""What a check can say of what it saw: equal, true, raises. Nothing here waits or connects.

Messages carry both what was expected and what came, shortened where it is long: they are read
in a report by someone who did not write the check.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any, Callable, Optional, Tuple, Type, Union

__all__ = [
    "AdapterError",
    "CheckFailedError",
    "Expectations",
    "PreconditionError",
    "Raises",
    "shown",
]

SHOWN = 60  # characters or bytes of a value that a message shows before it is shortened
EDGE = 20  # of those, how many at either end of a shortened one


class CheckFailedError(AssertionError):
    """The clause's promise was broken; the message says what was expected and what came."""


class AdapterError(Exception):
    """The subject's adapter is at fault; the message says which call, and what came of it."""


class PreconditionError(Exception):
    """A step before the clause failed.

    Args:
        clause: id of the clause that covers the step.
        cause: what the step raised.
    """

    def __init__(self, clause: str, cause: BaseException) -> None:
        super().__init__(clause, cause)
        self.clause = clause
        self.cause = cause

    def __str__(self) -> str:
        """Name the clause to look at first."""
        return f"a step before it failed: {shown(self.cause)}; see {self.clause}"


def shown(value: Any) -> str:
    """Give a value as a message shows it: bytes shortened in the middle, errors with type."""
    if isinstance(value, (bytes, bytearray)) and len(value) > SHOWN:
        ends = f"{bytes(value[:EDGE])!r}...{bytes(value[-EDGE:])!r}"
        return f"{ends} ({len(value):,} bytes)"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}({', '.join(map(shown, value.args))})"
    text = repr(value)
    return text if len(text) <= 3 * SHOWN else f"{text[: 2 * SHOWN]}... ({len(text):,} characters)"


class Raises:
    """A block that has to raise; afterwards `value` is what it raised.

    Args:
        types: the exception, or the exceptions, of which one is expected.
        match: a pattern searched in its text; None for any text.
    """

    value: Any = None

    def __init__(
        self, types: Union[Type[BaseException], Tuple[Type[BaseException], ...]], match: str = ""
    ) -> None:
        self._types = types if isinstance(types, tuple) else (types,)
        self._match = match

    def __enter__(self) -> Raises:
        """Begin the block."""
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> bool:
        """Judge how the block ended; what was not expected passes through."""
        wanted = " or ".join(t.__name__ for t in self._types)
        if value is None:
            raise CheckFailedError(f"expected {wanted}, nothing was raised")
        self.value = value
        if not isinstance(value, self._types):
            if isinstance(value, Exception) and not isinstance(
                value, (AdapterError, CheckFailedError, PreconditionError)
            ):
                raise CheckFailedError(f"expected {wanted}, got {shown(value)}") from value
            return False
        if self._match and not re.search(self._match, str(value)):
            raise CheckFailedError(
                f"expected {wanted} with a text like {self._match!r}, got {shown(value)}"
            ) from value
        # A thread may hold the error for a while yet, and through it the check's streams.
        value.__traceback__ = None
        return True


class Expectations:
    """The words in which checks judge."""

    @staticmethod
    def fail(message: str) -> None:
        """Say that the promise is broken."""
        raise CheckFailedError(message)

    @staticmethod
    def equal(got: Any, expected: Any, what: str = "") -> None:
        """Expect `got == expected`; `what` names the thing compared."""
        if got != expected:
            prefix = f"{what}: " if what else ""
            raise CheckFailedError(f"{prefix}expected {shown(expected)}, got {shown(got)}")

    @staticmethod
    def true(condition: Any, what: str) -> None:
        """Expect a true value; `what` says, as a sentence, what was expected."""
        if not condition:
            raise CheckFailedError(f"expected {what}, got {shown(condition)}")

    @staticmethod
    def false(condition: Any, what: str) -> None:
        """Expect a false value; `what` says, as a sentence, what was expected."""
        if condition:
            raise CheckFailedError(f"expected {what}, got {shown(condition)}")

    @staticmethod
    def is_instance(value: Any, kind: Any, what: str = "") -> None:
        """Expect an instance of `kind`."""
        if not isinstance(value, kind):
            prefix = f"{what}: " if what else ""
            names = getattr(kind, "__name__", kind)
            raise CheckFailedError(f"{prefix}expected an instance of {names}, got {shown(value)}")

    raises: Callable[..., Raises] = Raises
