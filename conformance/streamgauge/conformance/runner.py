"""Runs one trial: a fresh loop, the check, both clocks, the clearing up, the verdict.

It is the only place that makes loops. What it hands back is a `Result`; no exception of a
subject or of a check gets past it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from streamgauge.conformance.blame import described, raised_in_suite, where
from streamgauge.conformance.clocks import DEAD_TICKS, QUIET_TICKS, Deadlines, InLoopClock, Steps
from streamgauge.conformance.expectations import CheckFailedError, PreconditionError
from streamgauge.conformance.hygiene import Noise, tasks_of_the_check
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.plan import Result
from streamgauge.conformance.registry import Check
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.verdicts import Ended, Observation, judge

__all__ = ["TrialSpec", "run_trial"]


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

    def result(self, observation: Observation, detail: str, seconds: float = 0.0) -> Result:
        """Make the result of a trial of which this was observed."""
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
    noise: Noise = field(default_factory=Noise)

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
        return spec.result(Observation(Ended.NOT_TRIED), spec.inapplicable)
    seen = _Seen()
    try:
        with seen.noise.listening():
            _on_a_loop(spec, subject, loop_factory, deadlines, seen)
            gc.collect()  # what was forgotten speaks up now, while we still listen
    except SystemExit as error:  # a task or a callback of the subject's raised it through the loop
        seen.end(Ended.RAISED, described(error))
    except Exception as error:  # the loop's factory, its close, or the suite itself
        seen.end(Ended.SUITE, described(error))
    ended = seen.ended or Ended.SUITE
    detail = seen.detail or (str(seen.noise) if ended is Ended.RETURNED else "")
    observation = Observation(ended, seen.noise.clauses)
    return spec.result(observation, detail, time.perf_counter() - begin)


def _on_a_loop(
    spec: TrialSpec,
    subject: Subject,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    deadlines: Deadlines,
    seen: _Seen,
) -> None:
    loop = loop_factory()
    bench = Bench(loop)
    trial = Trial(subject, spec.link, bench, spec.check.like(spec.link))
    loop.set_exception_handler(lambda _, context: trial.loop_errors.append(context))
    try:
        refusal = trial.refusal(loop)
        if refusal:
            seen.end(Ended.NOT_TRIED, refusal)
        else:
            loop.run_until_complete(_try(loop, spec, trial, deadlines, seen))
    except RuntimeError as error:  # stopped by the clock: the check swallowed its cancellation
        if seen.ended is None:
            raise error
    finally:
        bench.clear()
        loop.close()
    if trial.loop_errors and not trial.loop_errors_expected:
        seen.noise.loop_errors(trial.loop_errors)


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
        place = where(steps.coroutine)
        if trial.setup_clause:
            seen.end(
                Ended.SETUP, f"a step before it never ended: {place}; see {trial.setup_clause}"
            )
        else:
            seen.end(Ended.DEADLINE, f"never ended: {place}")
        task.cancel()

    bench = trial.bench
    clock = InLoopClock(
        loop,
        deadlines,
        lambda: steps.count + bench.calls,
        expired,
        lambda: DEAD_TICKS if bench.dead_when_quiet else QUIET_TICKS,
    )
    clock.start()
    try:
        await trial.enter()  # before the task's first turn
        await asyncio.wait([task])
        await _clear(loop, trial, seen)
        await trial.leave()
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
    except KeyboardInterrupt:  # whoever runs us decides whether it was the user's
        raise
    except BaseException as error:
        suite = raised_in_suite(error)
        seen.end(Ended.SUITE if suite else Ended.RAISED, described(error))
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
    for task in own | tasks_of_the_check(loop):
        task.cancel()
    await trial.idle()
    left = [t for t in asyncio.all_tasks(loop) - own if t is not asyncio.current_task(loop)]
    if seen.ended is Ended.RETURNED:
        seen.noise.tasks_left(left)
    for task in left:
        task.cancel()
    for done in own:
        if done.done() and not done.cancelled():
            done.exception()  # seen: the check was free not to look
    await trial.idle()
