"""Runs one trial: a fresh loop, the check, both clocks, the clearing up, the verdict.

It is the only place that makes loops. What it hands back is a `Result`; no exception of a
subject or of a check gets past it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import linecache
import re
import ssl
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

from streamgauge.conformance.clocks import Deadlines, InLoopClock, Steps
from streamgauge.conformance.expectations import CheckFailedError, PreconditionError, shown
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.plan import Result
from streamgauge.conformance.registry import Check
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.verdicts import Ended, Observation, judge

__all__ = ["TrialSpec", "run_trial"]

PACKAGE = str(Path(__file__).parent)
CHECKS = str(Path(__file__).parent / "checks")
BORDER = tuple(str(Path(__file__).with_name(name)) for name in ("links.py", "subjects.py"))
NOISE_IDS = {
    "error": "hygiene.exception-handler-silent",
    "retrieved": "hygiene.nothing-never-retrieved",
    "task": "hygiene.no-task-left",
    "transport": "hygiene.no-transport-left",
}
LEFT_OPEN = re.compile(r"unclosed (transport|resource|<socket)")  # asyncio's words, and uvloop's


@dataclass(frozen=True)
class TrialSpec:
    """One check on one subject, loop and link.

    Args:
        check: the check.
        level: its clause's.
        subject: name of the subject.
        loop: name of the loop.
        link: name of the link, `-` where the trial cannot be tried.
        inapplicable: why it cannot be tried; empty where it can.
    """

    check: Check
    level: str
    subject: str
    loop: str
    link: str
    inapplicable: str = ""

    @property
    def id(self) -> str:
        """A name that is unique in a run: `clause[check-subject-loop-link]`."""
        c = self.check
        return f"{c.clause}[{c.name}-{self.subject}-{self.loop}-{self.link}]"

    def result(self, ended: Ended, detail: str, seconds: float = 0.0) -> Result:
        """Make the result of a trial that ended this way."""
        return self._result(Observation(ended), detail, seconds)

    def _result(self, observation: Observation, detail: str, seconds: float) -> Result:
        return Result(
            subject=self.subject,
            loop=self.loop,
            link=self.link,
            clause=self.check.clause,
            check=self.check.name,
            level=self.level,
            verdict=judge(observation),
            detail=detail,
            seconds=round(seconds, 6),
        )


@dataclass
class _Seen:
    """What is noted while a trial runs."""

    ended: Optional[Ended] = None
    detail: str = ""
    noise: List[Tuple[str, str]] = None  # type: ignore[assignment]  # set below

    def __post_init__(self) -> None:
        self.noise = []

    def end(self, ended: Ended, detail: str = "") -> None:
        """Note how it ended; the first word counts."""
        if self.ended is None:
            self.ended, self.detail = ended, detail


def run_trial(
    spec: TrialSpec,
    subject: Subject,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    deadlines: Deadlines,
) -> Result:
    """Run one trial on a loop of its own.

    Args:
        spec: what to try.
        subject: what is judged.
        loop_factory: makes the loop.
        deadlines: when a wait is given up.

    Returns:
        The result; every fault of the subject is in it, none is raised.
    """
    begin = time.perf_counter()
    if spec.inapplicable:
        return spec.result(Ended.NOT_TRIED, spec.inapplicable)
    seen = _Seen()
    try:
        with _unraisable(seen), _left_open(seen):
            _on_a_loop(spec, subject, loop_factory, deadlines, seen)
            gc.collect()  # what was forgotten speaks up now, while we still listen
    except Exception as error:  # the loop's factory, its close, or the suite itself
        seen.end(Ended.SUITE, _described(error))
    noise = "; ".join(f"{clause}: {text}" for clause, text in seen.noise)
    ended = seen.ended or Ended.SUITE
    detail = seen.detail or (noise if ended is Ended.RETURNED else "")
    breaches = tuple(clause for clause, _ in seen.noise)
    return spec._result(Observation(ended, breaches), detail, time.perf_counter() - begin)


def _on_a_loop(
    spec: TrialSpec,
    subject: Subject,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    deadlines: Deadlines,
    seen: _Seen,
) -> None:
    loop = loop_factory()
    bench = Bench(loop)
    trial = Trial(subject, spec.link, bench)
    loop.set_exception_handler(lambda _, context: trial.loop_errors.append(context))
    try:
        loop.run_until_complete(_try(loop, spec, trial, deadlines, seen))
    except RuntimeError as error:  # stopped by the clock: the check swallowed its cancellation
        if seen.ended is None:
            raise error
    finally:
        bench.clear()
        loop.close()
    if trial.loop_errors and not trial.loop_errors_expected:
        seen.noise.extend(map(_loop_noise, trial.loop_errors))


async def _try(
    loop: asyncio.AbstractEventLoop,
    spec: TrialSpec,
    trial: Trial,
    deadlines: Deadlines,
    seen: _Seen,
) -> None:
    """Run the check under the in-loop clock, then clear up after it."""
    steps = Steps(spec.check.function(trial))
    task = loop.create_task(_judged(steps, seen))

    def expired() -> None:
        if task.cancelled() or seen.ended is Ended.DEADLINE:
            loop.stop()  # the cancellation was swallowed
        where = _where(steps.coroutine)
        if trial.setup_clause:
            seen.end(
                Ended.SETUP, f"a step before it never ended: {where}; see {trial.setup_clause}"
            )
        else:
            seen.end(Ended.DEADLINE, f"never ended: {where}")
        task.cancel()

    clock = InLoopClock(loop, deadlines, lambda: steps.count, expired)
    clock.start()
    try:
        await asyncio.wait([task])
        await _clear(loop, trial, seen)
    finally:
        clock.stop()


async def _judged(steps: Steps[None], seen: _Seen) -> None:
    """Await the check and note how it ended."""
    try:
        await steps
    except CheckFailedError as error:
        seen.end(Ended.ASSERTION, str(error))
    except PreconditionError as error:
        seen.end(Ended.SETUP, str(error))
    except asyncio.CancelledError:
        seen.end(Ended.RAISED, "the check was cancelled from within the subject")
    except Exception as error:
        suite = _raised_in_suite(error)
        seen.end(Ended.SUITE if suite else Ended.RAISED, _described(error))
    else:
        seen.end(Ended.RETURNED)


async def _clear(loop: asyncio.AbstractEventLoop, trial: Trial, seen: _Seen) -> None:
    """Close what the check left open, and note the tasks that the subject left behind."""
    for closing in (*trial.servers, *trial.writers):
        with contextlib.suppress(Exception):  # judged by the clauses on close, not here
            closing.close()
    for writer in trial.writers:
        with contextlib.suppress(Exception):
            writer.transport.abort()
    trial.bench.clear()
    await trial.idle()
    own = set(trial.tasks)
    for task in own | _tasks_of_the_check(loop):
        task.cancel()
    await trial.idle()
    left = [t for t in asyncio.all_tasks(loop) - own if t is not asyncio.current_task(loop)]
    if seen.ended is Ended.RETURNED:
        seen.noise.extend((NOISE_IDS["task"], f"left a task: {_task_name(t)}") for t in left)
    for task in left:
        task.cancel()
    for done in own:
        if done.done() and not done.cancelled():
            done.exception()  # seen: the check was free not to look
    await trial.idle()


def _tasks_of_the_check(loop: asyncio.AbstractEventLoop) -> Set[asyncio.Future[Any]]:
    """Find tasks that run a coroutine of the suite's: handlers that the check wrote."""
    current = asyncio.current_task(loop)
    return {
        task
        for task in asyncio.all_tasks(loop)
        if task is not current and _code_of(task).co_filename.startswith(PACKAGE)
    }


def _code_of(task: asyncio.Task[Any]) -> CodeType:
    coroutine: Any = task.get_coro()
    code: CodeType = getattr(coroutine, "cr_code", None) or run_trial.__code__
    return code


def _task_name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", repr(task))


@contextlib.contextmanager
def _unraisable(seen: _Seen) -> Iterator[None]:
    """Note what Python could not raise anywhere: errors in `__del__` and in callbacks."""
    before = sys.unraisablehook

    def note(what: Any) -> None:
        seen.noise.append((NOISE_IDS["retrieved"], f"{shown(what.exc_value)} in {what.object!r}"))

    sys.unraisablehook = note
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextlib.contextmanager
def _left_open(seen: _Seen) -> Iterator[None]:
    """Note the transports and sockets that nobody closed; other warnings are not judged."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    for warning in heard:
        if issubclass(warning.category, ResourceWarning) and LEFT_OPEN.match(str(warning.message)):
            seen.noise.append((NOISE_IDS["transport"], str(warning.message)))


def _loop_noise(context: Dict[str, Any]) -> Tuple[str, str]:
    message = str(context.get("message"))
    kind = "retrieved" if "never retrieved" in message else "error"
    error = context.get("exception")
    return NOISE_IDS[kind], f"{message} ({shown(error)})" if error is not None else message


def _raised_in_suite(error: BaseException) -> bool:
    """Whether the suite is at fault: the innermost frame is its own, a check's excepted.

    A connection that breaks in the peer's hands was broken by the subject. So was a call at the
    border to the subject: a name that it has not got, or arguments that it does not take.
    """
    if isinstance(error, (ConnectionError, ssl.SSLError)):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    if last in BORDER and isinstance(error, (AttributeError, TypeError)):
        return False
    return last.startswith(PACKAGE) and not last.startswith(CHECKS)


def _described(error: BaseException) -> str:
    """Say what was raised, and from which line of the check."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f for f in frames if f.filename.startswith(CHECKS)] or frames[-1:]
    where = f" from `{lines[-1].line}`" if lines else ""
    return f"raised {shown(error)}{where}"


def _where(coroutine: Any) -> str:
    """Say in which line of the check, and in which function below, a coroutine waits."""
    names: List[str] = []
    line = ""
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        frame = coroutine.cr_frame
        if frame.f_code.co_filename.startswith(CHECKS):
            line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        names.append(coroutine.__name__)
        coroutine = coroutine.cr_await
    return f"`{line or names[-1]}`" if names else "the check"
