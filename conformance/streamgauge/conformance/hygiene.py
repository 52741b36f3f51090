"""Hygiene: what a trial may not leave behind, noted while it runs and after it.

Each kind of noise has a clause of its own. Nothing here says what a breach means for a trial's
verdict; that is `verdicts`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import warnings
from types import CodeType
from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple

from streamgauge.conformance.blame import in_suite
from streamgauge.conformance.expectations import shown

__all__ = ["NOISE_IDS", "Noise", "tasks_of_the_check"]

NOISE_IDS = {
    "error": "hygiene.exception-handler-silent",
    "retrieved": "hygiene.nothing-never-retrieved",
    "task": "hygiene.no-task-left",
    "transport": "hygiene.no-transport-left",
}
LEFT_OPEN = re.compile(r"unclosed (transport|resource|<socket)")  # asyncio's words, and uvloop's


class Noise:
    """The breaches of one trial, each with the clause that it breaks."""

    def __init__(self) -> None:
        self.breaches: List[Tuple[str, str]] = []

    @property
    def clauses(self) -> Tuple[str, ...]:
        """Ids of the clauses that were broken."""
        return tuple(clause for clause, _ in self.breaches)

    def __str__(self) -> str:
        """Say what was heard, clause by clause."""
        return "; ".join(f"{clause}: {text}" for clause, text in self.breaches)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Note, during the block, what Python itself complains of."""
        with self._unraisable(), self._left_open():
            yield

    def tasks_left(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Note tasks that the subject left running."""
        for task in tasks:
            name = getattr(task.get_coro(), "__qualname__", repr(task))
            self.breaches.append((NOISE_IDS["task"], f"left a task: {name}"))

    def loop_errors(self, contexts: Iterable[Dict[str, Any]]) -> None:
        """Note what reached the loop's exception handler."""
        for context in contexts:
            message = str(context.get("message"))
            kind = "retrieved" if "never retrieved" in message else "error"
            error = context.get("exception")
            text = f"{message} ({shown(error)})" if error is not None else message
            self.breaches.append((NOISE_IDS[kind], text))

    @contextlib.contextmanager
    def _unraisable(self) -> Iterator[None]:
        """Note what Python could not raise anywhere: errors in `__del__` and in callbacks."""
        before = sys.unraisablehook

        def note(what: Any) -> None:
            text = f"{shown(what.exc_value)} in {what.object!r}"
            self.breaches.append((NOISE_IDS["retrieved"], text))

        sys.unraisablehook = note
        try:
            yield
        finally:
            sys.unraisablehook = before

    @contextlib.contextmanager
    def _left_open(self) -> Iterator[None]:
        """Note the transports and sockets that nobody closed; other warnings are not judged."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            yield
        for warning in heard:
            text = str(warning.message)
            if issubclass(warning.category, ResourceWarning) and LEFT_OPEN.match(text):
                self.breaches.append((NOISE_IDS["transport"], text))


def tasks_of_the_check(loop: asyncio.AbstractEventLoop) -> Set[asyncio.Future[Any]]:
    """Find tasks that run a coroutine of the suite's: handlers that the check wrote."""
    current = asyncio.current_task(loop)
    return {
        task
        for task in asyncio.all_tasks(loop)
        if task is not current and in_suite(_code_of(task).co_filename)
    }


def _code_of(task: asyncio.Task[Any]) -> CodeType:
    coroutine: Any = task.get_coro()
    code: CodeType = getattr(coroutine, "cr_code", None) or tasks_of_the_check.__code__
    return code
