"""Interruptions: a waiting call is cancelled, made again, and has to give what it would have given.

`Watched` stands between a check and the subject's reader or writer, and sees where their calls
wait. A call that is cancelled is cancelled as `Task.cancel` does it: the future that it waits on
is cancelled, or, where that one is done already, CancelledError is thrown in when the call is
woken. Which clause answers for that is `CLAUSES`; whether the check then holds is the check's.

What makes or ends connections and servers cannot simply be called again behind a check's back.
A check of what its cancellation leaves behind hands the call over itself (`unless_cancelled`), and
its own clause answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Generator, Mapping, Protocol, Set

from streamgauge.conformance.calls import called, line
from streamgauge.conformance.comparing import STAND_INS
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.expectations import CheckFailedError, shown
from streamgauge.conformance.kept import asyncio

__all__ = [
    "ASKED",
    "CANCELLED",
    "CLAUSES",
    "Interruption",
    "Watched",
    "Watcher",
    "kind_of",
    "unless_cancelled",
]

CANCELLED = object()  # in a call's result's place: it was cancelled, as the plan has it

# What a cancelled call promises, by kind of call. The clause answers when a check that holds by
# itself does not hold once such a call is cancelled and made again.
CLAUSES: Mapping[str, str] = {
    "read": "reader.read.cancel-keeps-data",
    "read-all": "reader.read.until-eof-cancel-keeps-data",
    "readline": "reader.readline.cancel-keeps-data",
    "readexactly": "reader.readexactly.cancel-keeps-data",
    "readuntil": "reader.readuntil.cancel-keeps-data",
    "anext": "reader.iteration.cancel-keeps-data",
    "drain": "writer.drain.cancel-loses-nothing",
    "wait_closed": "writer.wait_closed.cancel-leaves-others",
}
# Calls that a check hands over itself, and how a message names them.
ASKED: Mapping[str, str] = {
    "connect": "the call that connects",
    "serve": "the call that starts the server",
    "start_tls": "start_tls()",
    "start_serving": "start_serving()",
    "server-wait_closed": "the server's wait_closed()",
}
CALLS = (*CLAUSES, *ASKED)
WORDS = {"read-all": "read(-1)", "anext": "the next item", **ASKED}
NAMES = {"__anext__": "anext", **{name: name for name in CLAUSES if name.isidentifier()}}


def kind_of(name: str, arguments: tuple[Any, ...]) -> str:
    """Give the kind of a call: `read` until EOF is another than `read` of some bytes."""
    until_eof = name == "read" and (not arguments or arguments[0] < 0)
    return "read-all" if until_eof else NAMES[name]


@dataclass(frozen=True)
class Interruption:
    """Which calls are cancelled, and where.

    Args:
        call: a key of `CLAUSES` or of `ASKED`.
        at: the suspension, 1 for the first.
        waking: False: it is cancelled as soon as it waits; True: once what it waits for has come,
            and before it has run again.
    """

    call: str
    at: int
    waking: bool = False

    @property
    def name(self) -> str:
        """Its name within a plan's."""
        return f"cancel-{self.call}-{self.at}{'-waking' if self.waking else ''}"

    @classmethod
    def named(cls, name: str) -> Interruption:
        """Give the one of that name.

        Raises:
            UsageError: none is called so.
        """
        found = re.fullmatch(rf"cancel-({'|'.join(CALLS)})-(\d+)(-waking)?", name)
        if not found:
            raise UsageError(
                f"{name!r} is no cancellation; expected cancel-CALL-N or cancel-CALL-N-waking with "
                f"a call out of {', '.join(CALLS)}"
            )
        return cls(found[1], int(found[2]), bool(found[3]))

    @property
    def watches(self) -> bool:
        """Whether it is about a call that the check does not hand over itself."""
        return self.call not in ASKED

    @property
    def words_of_name(self) -> Set[str]:
        """What it does, in the words by which a check leaves plans out."""
        return {f"cancel-{self.call}", *(["waking"] if self.waking else [])}

    @property
    def title(self) -> str:
        """Name the call, for a message."""
        return WORDS.get(self.call, f"{self.call}()")

    @property
    def words(self) -> str:
        """Say it, for a message."""
        call = self.title
        moment = "as it woke from" if self.waking else "in"
        again = ", and called again" if self.watches else ""
        return f"{call} cancelled {moment} its wait number {self.at}{again}"


class Watcher(Protocol):
    """Who is told what a check does with its streams."""

    @property
    def interruption(self) -> Interruption | None:
        """Which calls are cancelled, and where."""

    def called(self, call: str) -> None:
        """Take note that a call of that kind is made."""

    def suspended(self, call: str, number: int) -> None:
        """Take note that a call of that kind waits, for the `number`-th time."""

    def resumed(self, call: str) -> None:
        """Take note that the call that waited runs again."""

    def touched(self, name: str) -> None:
        """Take note that something else than a waiting call was asked of a stream."""


class Watched:
    """A reader or writer of the subject's, with its waiting calls observed.

    Args:
        stream: the subject's.
        watcher: is told.
    """

    def __init__(self, stream: Any, watcher: Watcher) -> None:
        object.__setattr__(self, "_stream", stream)
        object.__setattr__(self, "_watcher", watcher)

    @property  # type: ignore[misc]  # what isinstance() asks an object for
    def __class__(self) -> Any:
        """Pass for what it stands for."""
        return type(self._stream)

    def __getattr__(self, name: str) -> Any:
        """Give the stream's own; a waiting call comes observed."""
        value = called(lambda: getattr(self._stream, name))
        if name in NAMES and callable(value):
            return self._observed(name, value)
        self._watcher.touched(name)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        """Set it on the stream."""
        called(lambda: setattr(self._stream, name, value))

    def __repr__(self) -> str:
        """Show the stream."""
        return repr(self._stream)

    def __aiter__(self) -> Any:
        """Iterate as the stream does."""
        return Watched(called(lambda: self._stream.__aiter__()), self._watcher)

    def __anext__(self) -> Any:
        """Observe the next item as a call."""
        method = called(lambda: self._stream.__anext__)
        return self._observed("__anext__", method)()

    def _observed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        watcher = self._watcher

        async def call(*arguments: Any, **keywords: Any) -> Any:
            kind = kind_of(name, (*arguments, *keywords.values()))
            return await _twice_if_cancelled(kind, lambda: method(*arguments, **keywords), watcher)

        call.__name__ = call.__qualname__ = name
        return call


async def _twice_if_cancelled(kind: str, make: Callable[[], Any], watcher: Watcher) -> Any:
    """Make a call; if the plan cancels it, expect it to be cancelled, and make it again."""
    result = await unless_cancelled(kind, make, watcher)
    if result is not CANCELLED:
        return result
    again = _Call(kind, make, watcher, None)
    try:
        return await again
    except asyncio.CancelledError:
        if again.interrupted:
            raise
        raise CheckFailedError("expected it to work when called again, it was cancelled") from None


async def unless_cancelled(kind: str, make: Callable[[], Any], watcher: Watcher) -> Any:
    """Make a call, and cancel it where the plan says so.

    Args:
        kind: of call, a key of `CLAUSES` or of `ASKED`.
        make: makes the awaitable.
        watcher: is told of each suspension, and knows the plan.

    Returns:
        What the call gives; `CANCELLED` if the plan has cancelled it.

    Raises:
        CheckFailedError: cancelled, it returned all the same, or raised something else.
    """
    watcher.called(kind)
    plan = watcher.interruption
    call = _Call(kind, make, watcher, plan if plan is not None and plan.call == kind else None)
    try:
        result = await call
    except asyncio.CancelledError:
        if not call.cancelled_by_us:
            raise
        return CANCELLED
    except Exception as error:
        if call.cancelled_by_us:
            raise CheckFailedError(f"expected CancelledError, got {shown(error)}") from error
        raise
    if call.cancelled_by_us:
        raise CheckFailedError(f"expected CancelledError, it returned {shown(result)}")
    return result


class _Call:
    """One call, driven step by step.

    Args:
        kind: of call.
        make: makes the awaitable.
        watcher: is told of each suspension.
        wanted: where to cancel it.
    """

    def __init__(
        self, kind: str, make: Callable[[], Any], watcher: Watcher, wanted: Interruption | None
    ) -> None:
        self._kind = kind
        self._make = make
        self._watcher = watcher
        self._wanted = wanted
        self.cancelled_by_us = False
        self.interrupted = False  # by whoever runs the check

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = called(lambda: self._make().__await__())
        step = _sender(steps)
        number = 0
        while True:
            try:
                awaited = step()
            except StopIteration as stop:
                return stop.value
            number += 1
            self._watcher.suspended(self._kind, number)
            step = yield from self._suspension(steps, awaited, number)

    def _suspension(
        self, steps: Any, awaited: Any, number: int
    ) -> Generator[Any, Any, Callable[[], Any]]:
        """Hand a suspension to the task that runs us; gives the step that comes next."""
        wanted = self._wanted if self._wanted and self._wanted.at == number else None
        now = wanted is not None and not wanted.waking and awaited is not None
        done = now and called(lambda: awaited.cancel()) is True
        self.cancelled_by_us = self.cancelled_by_us or done
        step = _sender(steps)
        try:
            yield awaited
        except asyncio.CancelledError as error:
            self.interrupted = not done
            return _thrower(steps, error)
        except BaseException as error:
            step = _thrower(steps, error)
        finally:
            self._watcher.resumed(self._kind)
        if wanted is None or done:
            return step
        self.cancelled_by_us = True
        return _thrower(steps, asyncio.CancelledError())


def _sender(steps: Any) -> Callable[[], Any]:
    if hasattr(steps, "send"):
        return line(lambda: steps.send(None))
    return line(lambda: next(steps))  # a plain iterator, which `await` takes as well


def _thrower(steps: Any, error: BaseException) -> Callable[[], Any]:
    return line(lambda: steps.throw(error))


STAND_INS[Watched] = lambda watched: object.__getattribute__(watched, "_stream")
