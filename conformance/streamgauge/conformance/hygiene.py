"""Hygiene: what a trial may not leave behind, noted while it runs and after it.

Each kind of noise has a clause of its own, and a breach is reported under that clause; what it
means for a verdict is in `runner` and `verdicts`.
"""

from __future__ import annotations

import contextlib
import gc
import re
import stat
import sys
import warnings
import weakref
from types import CodeType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple

from streamgauge.conformance import heap
from streamgauge.conformance.blame import in_suite
from streamgauge.conformance.calls import into_subject
from streamgauge.conformance.kept import asyncio, os
from streamgauge.conformance.showing import clean, name_of, said, shown

__all__ = ["NOISE_IDS", "Noise", "Timers", "tasks_of_the_check"]

NOISE_IDS = {
    "error": "hygiene.exception-handler-silent",
    "retrieved": "hygiene.nothing-never-retrieved",
    "task": "hygiene.no-task-left",
    "timer": "hygiene.no-timer-left",
    "transport": "hygiene.no-transport-left",
    "descriptor": "hygiene.no-descriptor-left",
    "warning": "hygiene.no-resource-warning",
    "kept": "hygiene.streams-collected",
    "thread": "hygiene.no-thread-left",
    "process": "hygiene.no-process-left",
    "state": "hygiene.process-unchanged",
    "harm": "hygiene.every-call-ends",
}
KINDS = {stat.S_IFSOCK: "a socket", stat.S_IFIFO: "a pipe", stat.S_IFREG: "a file"}
COLLECTIONS = 4  # two are enough for CPython; PyPy's finalizers keep what they reach for one more
SOME_KIND = "of some kind"
DESCRIPTORS = "/dev/fd"  # on Linux, macOS and the BSDs; where there is none, none are counted
LEFT_OPEN = re.compile(r"unclosed (transport|resource|<socket)")  # asyncio's words, and uvloop's


class Noise:
    """The breaches of one trial, each with the clause that it breaks."""

    def __init__(self) -> None:
        self.breaches: List[Tuple[str, str]] = []
        self.loop_errors_expected = False
        self.resource_warnings_expected = False

    @property
    def clauses(self) -> Tuple[str, ...]:
        """Ids of the clauses that were broken."""
        return tuple(clause for clause, _ in self.breaches)

    def __str__(self) -> str:
        """Say what was heard, clause by clause."""
        return "; ".join(f"{clause}: {text}" for clause, text in self.breaches)

    def note(self, kind: str, text: str) -> None:
        """Note one breach.

        Args:
            kind: a key of `NOISE_IDS`.
            text: what was seen or heard.
        """
        self.breaches.append((NOISE_IDS[kind], clean(text)))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Note, during the block, what Python itself complains of."""
        with self._unraisable(), self._left_open():
            yield

    def tasks_left(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Note tasks that the subject left running."""
        for task in tasks:
            self.note("task", f"left a task: {_title_of(task.get_coro(), task)}")

    def timers_left(self, timers: Iterable[Timer]) -> None:
        """Note timers of the loop that nobody cancelled."""
        for timer in timers:
            self.note("timer", f"left a timer: {timer}")

    def kept(
        self, streams: Iterable[weakref.ref[Any]], finish: Callable[[], None] = lambda: None
    ) -> None:
        """Note streams that are still alive although nothing of the check's refers to them.

        Args:
            streams: that the check was given.
            finish: has the loop end what it ends by itself; called if some are alive after a
                collection. An async generator is closed on the loop that it ran on, whenever it
                is collected: one that is found to be garbage only now has had no turn for that.
        """
        alive = _alive(streams)
        for _ in range(COLLECTIONS):
            if not alive:
                return
            gc.collect()  # by each other only, perhaps; without reference counts, by nobody
            alive = _alive(alive)
            if alive:
                finish()
        for stream in filter(None, (reference() for reference in alive)):
            self.note("kept", f"{name_of(type(stream))} kept alive by {_holders(stream)}")

    @contextlib.contextmanager
    def counting_descriptors(self) -> Iterator[None]:
        """Note the descriptors that are open after the block and were not before."""
        before = _descriptors()
        yield
        for number in sorted(_descriptors() - before):
            with contextlib.suppress(OSError):
                kind = stat.S_IFMT(os.fstat(number).st_mode)
                self.note("descriptor", f"left descriptor {number}, {KINDS.get(kind, SOME_KIND)}")

    def loop_errors(self, contexts: List[Dict[str, Any]]) -> None:
        """Note what reached the loop's exception handler, and let go of it."""
        while contexts:
            context = contexts.pop(0)
            if self.loop_errors_expected:
                continue
            parts = context if type(context) is dict else {"message": shown(context)}
            message = said(parts.get("message"))
            kind = "retrieved" if "never retrieved" in message else "error"
            error = parts.get("exception")
            self.note(kind, f"{message} ({shown(error)})" if error is not None else message)

    @contextlib.contextmanager
    def _unraisable(self) -> Iterator[None]:
        """Note what Python could not raise anywhere: errors in `__del__` and in callbacks."""
        before = sys.unraisablehook

        def note(what: Any) -> None:
            self.note("retrieved", f"{shown(what.exc_value)} in {shown(what.object)}")

        sys.unraisablehook = note
        try:
            yield
        finally:
            sys.unraisablehook = before

    @contextlib.contextmanager
    def _left_open(self) -> Iterator[None]:
        """Note what nobody closed; warnings of other categories are not judged."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            yield
        for warning in heard:
            text = said(warning.message)
            unasked = not self.resource_warnings_expected
            if unasked and issubclass(warning.category, ResourceWarning):
                kind = "transport" if LEFT_OPEN.match(text) else "warning"
                self.note(kind, text)


def _holders(thing: Any) -> str:
    """Return the types of what refers to a thing; where the whole heap is looked through, `?`."""
    if not heap.CAN_FREEZE:
        return "?"
    types = {name_of(type(holder)) for holder in gc.get_referrers(thing)} - {"frame"}
    return ", ".join(sorted(types)) or "?"


def _alive(streams: Iterable[weakref.ref[Any]]) -> List[weakref.ref[Any]]:
    return [reference for reference in streams if reference() is not None]


def tasks_of_the_check(loop: asyncio.AbstractEventLoop) -> Set[asyncio.Future[Any]]:
    """Find tasks that run a coroutine of the suite's: handlers that the check wrote."""
    current = asyncio.current_task(loop)
    return {
        task
        for task in asyncio.all_tasks(loop)
        if task is not current and in_suite(_code_of(task).co_filename)
    }


def _code_of(task: asyncio.Task[Any]) -> CodeType:
    code = getattr(task.get_coro(), "cr_code", None)
    return code if isinstance(code, CodeType) else tasks_of_the_check.__code__


def _title_of(thing: Any, instead: Any) -> str:
    """Name a coroutine or a callback; show what stands for it if it has no name of its own."""
    name = getattr(thing, "__qualname__", None)
    return clean(name) if type(name) is str else shown(instead)


class Timer:
    """A timer's callback, which knows whether it was called.

    Args:
        callback: what the timer is for.
    """

    def __init__(self, callback: Callable[..., Any]) -> None:
        self.callback = callback
        self.handle: Optional[asyncio.TimerHandle] = None
        self.called = False

    def __call__(self, *arguments: Any) -> None:
        """Do what the timer is for."""
        self.called = True
        self.callback(*arguments)

    @property
    def to_come(self) -> bool:
        """Whether it was neither called nor cancelled."""
        return not self.called and self.handle is not None and not self.handle.cancelled()

    def __str__(self) -> str:
        """Name what it is for."""
        return _title_of(self.callback, self.callback)


class Timers:
    """Sees the timers that are set on a loop.

    Args:
        loop: its `call_later` and `call_at` are wrapped, on this instance.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timers: List[Timer] = []
        with contextlib.suppress(AttributeError):  # a loop that takes no attributes is not watched
            for name in ("call_later", "call_at"):
                setattr(loop, name, self._noting(getattr(loop, name)))

    def left(self) -> List[Timer]:
        """Give those that are still to come, and keep none."""
        timers, self._timers = self._timers, []
        return [timer for timer in timers if timer.to_come]

    def _noting(self, method: Callable[..., asyncio.TimerHandle]) -> Callable[..., Any]:
        @into_subject
        def set_timer(
            when: float, callback: Callable[..., Any], *arguments: Any, **keywords: Any
        ) -> asyncio.TimerHandle:
            if isinstance(callback, Timer):  # one method of the loop's calls the other
                return method(when, callback, *arguments, **keywords)
            timer = Timer(callback)
            self._timers.append(timer)
            timer.handle = method(when, timer, *arguments, **keywords)
            return timer.handle

        return set_timer


def _descriptors() -> Set[int]:
    """Give the numbers of the descriptors that are open."""
    try:
        names = os.listdir(DESCRIPTORS)
    except OSError:
        return set()
    return {int(name) for name in names if _is_open(int(name))}


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # the listing's own
        return False
    return True
