"""One trial again, in this very process and without clocks: for a debugger, and for curious eyes.

What the check raises goes through to the caller with its whole traceback; standard input is free,
so `breakpoint()` works anywhere, in the subject or in the check. Nothing is judged here.
"""

from __future__ import annotations

import contextlib
import gc
import traceback
from types import TracebackType
from typing import Callable, Optional

from streamgauge.conformance import blame
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.deliveries import WHOLE, Plan
from streamgauge.conformance.expectations import AdapterError
from streamgauge.conformance.hygiene import Noise, Timers, tasks_of_the_check
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.playing import play
from streamgauge.conformance.registry import Check
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.trial import Trial

__all__ = ["Replay", "cut_to_check", "stack_of"]


class Replay:
    """A trial that waits for as long as its check does.

    Args:
        check: what to try.
        subject: on which subject.
        link: on which link.
        loop_factory: makes the loop.
        plan: in which way.
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
        self._loop = loop_factory()
        self._timers = Timers(self._loop)
        self._bench = Bench(self._loop)
        self._trial = Trial(subject, link, self._bench, check.like(link), plan, model)
        self._coroutine = check.function(self._trial)
        self._fault: Optional[AdapterError] = None  # of what the adapter does in the end
        self.where = ""

    def run(self) -> str:
        """Run it to its end.

        Returns:
            What it said or left behind besides, if anything: the noise of a check that held.

        Raises:
            BaseException: whatever the check raises; after a KeyboardInterrupt `where` says in
                which line it waited.
            AdapterError: the adapter made no connection, or did not clear up after a check that
                held.
        """
        noise = Noise()
        errors = self._trial.loop_errors
        self._loop.set_exception_handler(lambda _, context: errors.append(context))
        with noise.counting_descriptors(), noise.listening():
            try:
                self._loop.run_until_complete(self._played())
            except KeyboardInterrupt as error:
                self.where = _line_of(error) or blame.where(self._coroutine)
                raise
            finally:
                self._clear()
                noise.timers_left(self._timers.left())
                noise.loop_errors_expected = self._trial.loop_errors_expected
                noise.resource_warnings_expected = self._trial.resource_warnings_expected
            gc.collect()
            noise.loop_errors(errors)
        if self._fault is not None:
            raise self._fault
        return str(noise)

    async def _played(self) -> None:
        await self._trial.enter()
        await self._coroutine

    def _clear(self) -> None:
        self._bench.clear()
        for task in tasks_of_the_check(self._loop):
            task.cancel()
        for closing in (*self._trial.servers, *self._trial.writers):
            with contextlib.suppress(Exception):  # the trial is over
                closing.close()
        self._finish()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(self._trial.leave())
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _finish(self) -> None:
        try:
            self._loop.run_until_complete(self._trial.adapter.finish())
        except AdapterError as error:
            self._fault = error
        except KeyboardInterrupt:
            self.where = self.where or self._trial.adapter.under_way
            raise


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
    first = error.__traceback__
    while first is not None and not _in_checks(first):
        first = first.tb_next
    if first is None:
        return
    last = first
    at: Optional[TracebackType] = first
    while at is not None:
        last = at if not _in_suite(at) else last
        at = at.tb_next
    last.tb_next = None
    error.__traceback__ = first


def stack_of(error: BaseException) -> str:
    """Give an error's traceback as text, that of its cause in front."""
    cause = f"{stack_of(error.__cause__)}\nand so:\n\n" if error.__cause__ else ""
    frames = traceback.format_tb(error.__traceback__)
    return "".join([cause, *frames, *traceback.format_exception_only(type(error), error)])


def _in_checks(at: TracebackType) -> bool:
    return at.tb_frame.f_code.co_filename.startswith(blame.CHECKS)


def _in_suite(at: TracebackType) -> bool:
    return at.tb_frame.f_code.co_filename.startswith(blame.PACKAGE) and not _in_checks(at)
