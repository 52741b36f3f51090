"""What a check can say of what it saw: equal, true, raises. Nothing here waits or connects.

Messages carry both what was expected and what came, shortened where it is long: they are read
in a report by someone who did not write the check.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any, Callable, Optional, Tuple, Type, Union

from streamgauge.conformance.blame import raised_in_suite, set_traceback
from streamgauge.conformance.comparing import kind_is, same, told_apart, truth
from streamgauge.conformance.showing import name_of, said, shown

__all__ = [
    "AdapterError",
    "CheckFailedError",
    "Expectations",
    "PreconditionError",
    "Raises",
    "shown",
]


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


OUR_WORDS = (CheckFailedError, AdapterError, PreconditionError)


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
        wanted = " or ".join(name_of(t) for t in self._types)
        if value is None:
            raise CheckFailedError(f"expected {wanted}, nothing was raised")
        self.value = value
        if _is_ours(value):
            return False
        if not kind_is(value, self._types):
            if kind_is(value, (Exception,)):
                raise CheckFailedError(f"expected {wanted}, got {shown(value)}") from value
            return False
        if self._match and not re.search(self._match, said(value)):
            raise CheckFailedError(
                f"expected {wanted} with a text like {self._match!r}, got {shown(value)}"
            ) from value
        # A thread may hold the error for a while yet, and through it the check's streams.
        set_traceback(value, None)
        return True


def _is_ours(error: BaseException) -> bool:
    """Whether an error is a word of the suite's, or a fault of it: no block waits for that."""
    return kind_is(error, OUR_WORDS) or (kind_is(error, (Exception,)) and raised_in_suite(error))


class Expectations:
    """The words in which checks judge."""

    @staticmethod
    def fail(message: str) -> None:
        """Say that the promise is broken."""
        raise CheckFailedError(message)

    @staticmethod
    def equal(got: Any, expected: Any, what: str = "") -> None:
        """Expect `got` to be the plain value `expected`; `what` names the thing compared."""
        if not same(got, expected):
            prefix = f"{what}: " if what else ""
            raise CheckFailedError(f"{prefix}{told_apart(got, expected)}")

    @staticmethod
    def true(condition: Any, what: str) -> None:
        """Expect a true value, and a plain one; `what` says, as a sentence, what was expected."""
        if truth(condition) is not True:
            raise CheckFailedError(f"expected {what}, got {shown(condition)}")

    @staticmethod
    def false(condition: Any, what: str) -> None:
        """Expect a false value, and a plain one; `what` says, as a sentence, what was expected."""
        if truth(condition) is not False:
            raise CheckFailedError(f"expected {what}, got {shown(condition)}")

    @staticmethod
    def is_instance(value: Any, kind: Any, what: str = "") -> None:
        """Expect an instance of `kind`."""
        if not kind_is(value, (kind,)):
            prefix = f"{what}: " if what else ""
            names = getattr(kind, "__name__", kind)
            raise CheckFailedError(f"{prefix}expected an instance of {names}, got {shown(value)}")

    raises: Callable[..., Raises] = Raises
