"""One trial again, in this very process and without clocks: for a debugger, and for curious eyes.

What the check raises is kept for the caller with its whole traceback; standard input is free,
so `breakpoint()` works anywhere, in the subject or in the check. Nothing is judged here.
"""

from __future__ import annotations

import contextlib
import gc
import traceback
from types import TracebackType
from typing import Any, Callable, Coroutine, Optional

from streamgauge.conformance import blame, deliveries
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.deliveries import WHOLE, Plan
from streamgauge.conformance.expectations import AdapterError, CheckFailedError
from streamgauge.conformance.hygiene import Noise, Timers, tasks_of_the_check
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.playing import WHATEVER, play
from streamgauge.conformance.registry import Check
from streamgauge.conformance.showing import clean, kinds_of, name_of, said
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.trial import Trial

__all__ = ["Replay", "cut_to_check", "stack_of"]

CAUSES = 5  # of a cause, that are shown; an error may be its own
STACK = 1 << 16  # characters


class Replay:
    """A trial that waits for as long as its check does.

    Args:
        check: what to try.
        subject: on which subject.
        link: on which link.
        loop_factory: makes the loop.
        plan: in which way.

    Attributes:
        fault: what the check raised, or what the adapter raised after it; None if it held.
        where: after an interrupt, the line of the check in which it waited.
    """

    def __init__(
        self,
        check: Check,
        subject: Subject,
        link: str,
        loop_factory: Callable[[], asyncio.AbstractEventLoop],
        plan: Plan = WHOLE,
    ) -> None:
        model = None
        if plan != WHOLE:  # what it does follows from the check as written
            model = play(check, subject, link, loop_factory, Deadlines()).recording
        self._check, self._link, self._plan, self._model = check, link, plan, model
        self._loop = loop_factory()
        self._timers = Timers(self._loop)
        self._bench = Bench(self._loop)
        self._trial = Trial(subject, link, self._bench, check.like(link), plan, model)
        self._coroutine = check.function(self._trial)
        self.fault: Optional[BaseException] = None
        self.where = ""

    @property
    def void(self) -> str:
        """Why the plan is no way to play the check, as far as it has run; empty if it is one."""
        if self._model is None:
            return ""
        calls = self._trial.recording.calls
        misfit = deliveries.misfit(self._plan, self._model, calls, self._link)
        return self._check.spared(self._plan) or self._trial.void or misfit

    def run(self) -> str:
        """Run it to its end, and keep what it raised, whatever that is, as `fault`.

        What a subject raises is not raised through here: a context manager's `__exit__` would ask
        the error for its traceback, and set another.

        Returns:
            What it said or left behind besides, if anything: the noise of a check that held.
        """
        noise = Noise()
        errors = self._trial.loop_errors
        self._loop.set_exception_handler(lambda _, context: errors.append(context))
        with noise.counting_descriptors(), noise.listening():
            self._run()
            noise.timers_left(self._timers.left())
            noise.loop_errors_expected = self._trial.loop_errors_expected
            noise.resource_warnings_expected = self._trial.resource_warnings_expected
            gc.collect()
            noise.loop_errors(errors)
        return str(noise)

    def _run(self) -> None:
        try:
            if not self._until(self._played()):
                self.fault = CheckFailedError("the loop was stopped from within the subject")
        except BaseException as error:
            self.fault = error
            if isinstance(error, KeyboardInterrupt):
                self.where = _line_of(error) or blame.where(self._coroutine)
        try:
            self._clear()
        except BaseException as error:
            self.fault = self.fault or error

    def _until(self, coroutine: Coroutine[Any, Any, None]) -> bool:
        """Run the loop until a coroutine has ended; False if the loop was stopped before."""
        task = self._loop.create_task(coroutine)
        try:
            self._loop.run_until_complete(task)
        except RuntimeError:
            if task.done():
                raise
        return task.done()

    async def _played(self) -> None:
        await self._trial.enter()
        await self._coroutine
        await asyncio.sleep(0)  # a loop that was stopped comes to no further turn

    def _clear(self) -> None:
        self._bench.clear()
        for task in tasks_of_the_check(self._loop):
            task.cancel()
        for closing in (*self._trial.servers, *self._trial.writers):
            with contextlib.suppress(*WHATEVER):  # the trial is over
                closing.close()
        try:
            self._until(self._trial.adapter.finish())
        except AdapterError as error:
            self.fault = self.fault or error
        except KeyboardInterrupt:
            self.where = self.where or self._trial.adapter.under_way
            raise
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._until(self._trial.leave())
        self._until(_turn())
        self._loop.close()


async def _turn() -> None:
    await asyncio.sleep(0)


def _line_of(error: BaseException) -> str:
    """Give the line of the check that was running; empty if it was waiting."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.line for frame in frames if frame.filename.startswith(blame.CHECKS)]
    return f"`{lines[-1]}`" if lines else ""


def cut_to_check(error: BaseException) -> None:
    """Let an error's traceback begin and end in the check, or below it in the subject.

    What called the check, and the verb that judged, are the suite's and of no interest to whoever
    debugs a subject.
    """
    first = blame.traceback_of(error)
    while first is not None and not _in_checks(first):
        first = first.tb_next
    if first is None:
        blame.set_traceback(error, _below_suite(error))
        return
    last = first
    at: Optional[TracebackType] = first
    while at is not None:
        last = at if not _in_suite(at) else last
        at = at.tb_next
    last.tb_next = None
    blame.set_traceback(error, first)


def stack_of(error: BaseException, depth: int = 0) -> str:
    """Give an error's traceback as text, that of its cause in front; it can always be shown."""
    cause = blame.cause_of(error)
    before = f"{stack_of(cause, depth + 1)}\nand so:\n\n" if cause and depth < CAUSES else ""
    frames = "".join(traceback.format_tb(blame.traceback_of(error)))
    kind = kinds_of(error)[0]
    own = vars(kind).get("__module__", "builtins")
    name = f"{own}.{name_of(kind)}" if type(own) is str and own != "builtins" else name_of(kind)
    return f"{before}{clean(frames, STACK)}{name}: {said(error)}".rstrip(": ") + "\n"


def _below_suite(error: BaseException) -> Optional[TracebackType]:
    """Give what stands below the suite in a traceback: all of it if the suite is not in it."""
    below = at = blame.traceback_of(error)
    while at is not None:
        below = at.tb_next if _in_suite(at) else below
        at = at.tb_next
    return below


def _in_checks(at: TracebackType) -> bool:
    return at.tb_frame.f_code.co_filename.startswith(blame.CHECKS)


def _in_suite(at: TracebackType) -> bool:
    return at.tb_frame.f_code.co_filename.startswith(blame.PACKAGE) and not _in_checks(at)
