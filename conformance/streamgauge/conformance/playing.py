"""Plays a check once: a fresh loop, the check under one plan, the clock, the clearing up.

It is the only place that makes loops. No exception of a subject or of a check gets past it;
what a play means for a verdict is for `runner`.
"""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from streamgauge.conformance.blame import described, raised_in_suite, waits_for_the_suite, where
from streamgauge.conformance.clocks import DEAD_TICKS, QUIET_TICKS, Deadlines, InLoopClock, Steps
from streamgauge.conformance.deliveries import WHOLE, Plan, Recording
from streamgauge.conformance.expectations import AdapterError, CheckFailedError, PreconditionError
from streamgauge.conformance.hygiene import Noise, Timers, tasks_of_the_check
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.registry import Check
from streamgauge.conformance.showing import clean, said
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.trial import Trial
from streamgauge.conformance.verdicts import Ended

__all__ = ["WHATEVER", "Played", "play"]

WHATEVER = (Exception, SystemExit, asyncio.CancelledError, GeneratorExit)  # what a call may raise


@dataclass(frozen=True)
class Played:
    """What came of one play.

    Args:
        plan: the way in which it was played.
        ended: how it ended.
        detail: what was expected and what came; empty if it returned.
        breaches: hygiene clauses that were broken, each with what was heard.
        recording: what the check did.
        void: why the plan cannot be carried out with this check; empty where it can.
        idle: whether a wait without end was for the suite's own, and not for a call of the subject.
    """

    plan: Plan
    ended: Ended
    detail: str
    breaches: Tuple[Tuple[str, str], ...]
    recording: Recording
    void: str
    idle: bool = False


@dataclass
class _Seen:
    """What is noted while a check is played."""

    plan: Plan
    model: Optional[Recording]
    alive: Callable[[], None]
    ended: Optional[Ended] = None
    detail: str = ""
    noise: Noise = field(default_factory=Noise)
    recording: Recording = field(default_factory=Recording)
    errors: List[Dict[str, Any]] = field(default_factory=list)  # of the loop's exception handler
    void: str = ""
    stopped: bool = False  # the loop, by the clock
    idle: bool = False

    def end(self, ended: Ended, detail: str = "") -> None:
        """Note how it ended; the first word counts."""
        if self.ended is None:
            self.ended, self.detail = ended, detail

    def spoil(self, ended: Ended, detail: str) -> None:
        """Note a fault of ours or of the adapter's: a check that held is never read as passed."""
        if self.ended is Ended.RETURNED:
            self.ended = None
        self.end(ended, detail)

    def played(self) -> Played:
        """Say what came of it."""
        ended = self.ended or Ended.SUITE
        breaches = tuple(self.noise.breaches)
        detail = clean(self.detail)
        void = clean(self.void)
        return Played(self.plan, ended, detail, breaches, self.recording, void, self.idle)


def play(
    check: Check,
    subject: Subject,
    link: str,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    deadlines: Deadlines,
    plan: Plan = WHOLE,
    model: Optional[Recording] = None,
    alive: Callable[[], None] = lambda: None,
) -> Played:
    """Play a check once, on a loop of its own.

    Args:
        check: what to try.
        subject: what is judged.
        link: how it is joined.
        loop_factory: makes the loop.
        deadlines: when a wait is given up.
        plan: in which way.
        model: the recording of the play as written.
        alive: called now and then, as long as the loop runs.

    Returns:
        What came of it; every fault of the subject is in it, none is raised.
    """
    seen = _Seen(plan, model, alive)
    try:
        _warm_up(loop_factory)
        with seen.noise.counting_descriptors(), seen.noise.listening(), _collected_at_the_end():
            _on_a_loop(check, subject, link, loop_factory, deadlines, seen)
            gc.collect()  # what was forgotten speaks up now, while we still listen
            seen.noise.loop_errors(seen.errors)
    except KeyboardInterrupt:  # whoever runs us decides whether it was the user's
        raise
    except (SystemExit, asyncio.CancelledError) as error:  # through the loop, from a callback
        seen.spoil(Ended.RAISED, described(error))
    except BaseException as error:  # the loop's factory, its close, or the suite itself
        seen.spoil(Ended.SUITE if raised_in_suite(error) else Ended.RAISED, described(error))
    return seen.played()


@contextlib.contextmanager
def _collected_at_the_end() -> Iterator[None]:
    """Let no collection come by itself: which of two forgotten objects dies first hangs on it.

    A future whose error nobody asked for speaks up, unless its owner, who asks, ends before it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=None)
def _warm_up(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Let loops of a kind open what they keep open for the whole process: libuv has a pipe."""
    loop = loop_factory()
    try:
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


def _on_a_loop(
    check: Check,
    subject: Subject,
    link: str,
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
    deadlines: Deadlines,
    seen: _Seen,
) -> None:
    loop = loop_factory()
    timers = Timers(loop)
    bench = Bench(loop)
    trial = Trial(subject, link, bench, check.like(link), seen.plan, seen.model)
    given, seen.errors, seen.recording = trial.given, trial.loop_errors, trial.recording
    errors = seen.errors
    loop.set_exception_handler(lambda _, context: errors.append(context))
    main: Optional[asyncio.Task[None]] = None
    try:
        refusal = trial.refusal(loop)
        if refusal:
            seen.end(Ended.NOT_TRIED, refusal)
        else:
            main = loop.create_task(_try(loop, check, trial, deadlines, seen))
            loop.run_until_complete(main)
    except RuntimeError:
        if main is None or main.done():
            raise
        if not seen.stopped:  # else by the clock: the check swallowed its cancellation
            seen.spoil(Ended.RAISED, "the loop was stopped from within the subject")
    except asyncio.CancelledError:
        seen.spoil(Ended.RAISED, "all tasks of the loop were cancelled from within the subject")
    finally:
        seen.void, noise = trial.void, seen.noise
        noise.loop_errors_expected = trial.loop_errors_expected
        noise.resource_warnings_expected = trial.resource_warnings_expected
        noise.timers_left(timers.left())
        noise.loop_errors(errors)
        bench.clear()
        del trial
        if seen.ended is Ended.RETURNED:
            noise.kept(given, lambda: _end_generators(loop))
        loop.close()


def _end_generators(loop: asyncio.AbstractEventLoop) -> None:
    """Do what `asyncio.run` does last, where the loop can."""
    with contextlib.suppress(NotImplementedError):
        loop.run_until_complete(loop.shutdown_asyncgens())


async def _try(
    loop: asyncio.AbstractEventLoop,
    check: Check,
    trial: Trial,
    deadlines: Deadlines,
    seen: _Seen,
) -> None:
    """Run the check under the in-loop clock, then clear up after it."""
    await trial.enter()  # before the task, whose first turn an eager loop takes at once
    steps = Steps(check.function(trial))
    task = loop.create_task(_judged(steps, seen))
    own = asyncio.current_task(loop)

    def expired() -> None:
        if task.done() and own is not None and trial.adapter.under_way:  # it never finishes
            seen.spoil(Ended.ADAPTER, f"{trial.adapter.under_way} never ended")
            own.cancel()
            return
        if task.cancelled() or seen.ended is Ended.DEADLINE:
            seen.stopped = True
            loop.stop()  # the cancellation was swallowed
        place = where(steps.coroutine)
        if trial.adapter.under_way:
            seen.end(Ended.ADAPTER, f"{trial.adapter.under_way} never ended: {place}")
        elif trial.setup_clause:
            seen.end(
                Ended.SETUP, f"a step before it never ended: {place}; see {trial.setup_clause}"
            )
        else:
            seen.idle = waits_for_the_suite(steps.coroutine)
            seen.end(Ended.DEADLINE, f"never ended: {place}")
        task.cancel()

    bench = trial.bench
    clock = InLoopClock(
        loop,
        deadlines,
        lambda: steps.count + bench.calls,
        expired,
        lambda: DEAD_TICKS if bench.dead_when_quiet else QUIET_TICKS,
        seen.alive,
    )
    clock.start()
    try:
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
        seen.end(Ended.ASSERTION, said(error))
    except (AdapterError, PreconditionError) as error:
        by = Ended.ADAPTER if isinstance(error, AdapterError) else Ended.SETUP
        # A subject may raise our own words.
        seen.end(by if raised_in_suite(error) else Ended.RAISED, said(error))
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
        with contextlib.suppress(*WHATEVER):  # judged by the clauses on close, not here
            closing.close()
    for writer in trial.writers:
        with contextlib.suppress(*WHATEVER):
            writer.transport.abort()
    trial.bench.clear()
    await trial.bench.idle()
    try:
        await trial.adapter.finish()
    except AdapterError as error:
        seen.spoil(Ended.ADAPTER, str(error))
    own = set(trial.tasks)
    for task in own | tasks_of_the_check(loop):
        task.cancel()
    await trial.bench.idle()
    left = [t for t in asyncio.all_tasks(loop) - own if t is not asyncio.current_task(loop)]
    if seen.ended is Ended.RETURNED:
        seen.noise.tasks_left(left)
    for task in left:
        task.cancel()
    for done in own:
        if done.done() and not done.cancelled():
            done.exception()  # seen: the check was free not to look
    await trial.bench.idle()
