"""A run, from its plan to its account: who listens, what is written, when it is cut short.

The engine runs the trials and the reports print the account; this is what stands between them,
for every front (the command line is one). Nothing is printed here.
"""

from __future__ import annotations

import contextlib
import time
from typing import Callable, List, Optional, Sequence, Tuple

from streamgauge.conformance import belief, clocks, registry
from streamgauge.conformance.catalogue import Catalogue
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.deviations import Deviation, Here, classify
from streamgauge.conformance.engine import Run
from streamgauge.conformance.errors import StreamgaugeError
from streamgauge.conformance.link_types import missing_links
from streamgauge.conformance.observed import observed
from streamgauge.conformance.plan import Listener, Result
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.notes import about_releases, every_note
from streamgauge.conformance.results import (
    ResultsLostError,
    ResultsWriter,
    footer_of,
    header_of,
)
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.verdicts import Verdict
from streamgauge.conformance.versions import versions_of

__all__ = ["Everyone", "FailFast", "Forecast", "judged"]


class Everyone(Listener):
    """Passes on to several listeners what the engine tells, and keeps the results.

    Args:
        listeners: any of them may want to stop the run.
    """

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self.listeners = listeners
        self.results: List[Result] = []

    def started(self, total: int) -> None:
        """Pass it on."""
        for listener in self.listeners:
            listener.started(total)

    def result(self, result: Result) -> None:
        """Keep it and pass it on."""
        self.results.append(result)
        for listener in self.listeners:
            listener.result(result)
        self.wants_stop = any(listener.wants_stop for listener in self.listeners)

    def warning(self, text: str) -> None:
        """Pass it on."""
        for listener in self.listeners:
            listener.warning(text)


class Doubts(Everyone):
    """Passes results on as they come, but for those of trials with a new departure.

    These wait until their trials have been played again, alone: what a run tells, it believes.

    Args:
        listeners: told of the results.
        listed: the deviations that apply.
    """

    def __init__(self, listeners: Sequence[Listener], listed: Sequence[Deviation]) -> None:
        super().__init__(listeners)
        self._listed = listed
        self._group: List[Result] = []  # what the trial has told that is being told
        self.held: List[Result] = []

    def result(self, result: Result) -> None:
        """Keep it until its trial has told all."""
        if self._group and belief.trial_of(self._group[0]) != belief.trial_of(result):
            self.settle()
        self._group.append(result)

    def settle(self) -> None:
        """Pass on what the last trial told, or hold it back."""
        group, self._group = self._group, []
        if belief.doubtful(group, self._listed):
            self.held += group
        else:
            self.release(group)

    def release(self, results: Sequence[Result]) -> None:
        """Pass results on."""
        for result in results:
            super().result(result)

    def resolve(self, play: Callable[[str], List[Result]]) -> None:
        """Have what is held back played again, and pass on what that comes to.

        Args:
            play: plays a trial, by its id, and returns its results.
        """
        for trial in belief.doubtful(self.held, self._listed):
            first = [r for r in self.held if belief.trial_of(r) == trial]
            runs = [first, *(play(_id(trial)) for _ in range(belief.TIMES))]
            self._replace(first, belief.confirmed(runs))
        everything = belief.placed([*self.results, *self.held], self._listed)
        self.held, held = [], everything[len(self.results) :]
        self.release(held)

    def _replace(self, first: Sequence[Result], confirmed: Sequence[Result]) -> None:
        place = self.held.index(first[0])
        others = [r for r in self.held if r not in first]
        self.held = [*others[:place], *confirmed, *others[place:]]


def _id(trial: belief.Trial) -> str:
    return f"{trial.clause}[{trial.check}-{trial.subject}-{trial.loop}-{trial.link}]"


class FailFast(Listener):
    """Wants to stop at the first departure that is not listed, or fault of the suite.

    Args:
        listed: the deviations of all subjects.
    """

    def __init__(self, listed: Sequence[Deviation]) -> None:
        self.listed = listed
        self._observed = observed()

    def result(self, result: Result) -> None:
        """Look at one result by itself."""
        found = classify([result], self.listed, complete=False, observed=self._observed)
        self.wants_stop = self.wants_stop or bool(found.new or found.harness)


class Forecast(Listener):
    """Says how long a run may take at worst, once several trials were ended by a clock.

    Nothing is skipped, on no link: a subject that blocks in every trial costs its deadline as
    often as there are trials, and whoever waits is told.

    What is told is what such trials were seen to take, load and new workers included.

    Args:
        tell: takes the line.
        slow_s: seconds from which a run of a trial is slow.
        repeat: how often each is run; a result has the seconds of all its runs.
        now: gives the time in seconds.
    """

    FIRST = 5  # slow trials before the first line; each further line takes four times as many
    AGAIN = 4
    SHARE = 10  # of which one at least has to be slow: a few are no reason for alarm

    def __init__(
        self,
        tell: Callable[[str], None],
        slow_s: float,
        repeat: int = 1,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._tell = tell
        self._slow_s = slow_s * repeat
        self._now = now
        self._begin = now()
        self._to_come = self._done = self._slow = 0
        self._due = self.FIRST

    def started(self, total: int) -> None:
        """Note how many trials there are."""
        self._to_come = total
        self._begin = self._now()

    def result(self, result: Result) -> None:
        """Count a slow trial, and say what follows if all to come are as slow."""
        if result.tried:  # what the plays of a trial showed of another clause is no trial more
            return
        self._done += 1
        self._to_come = max(0, self._to_come - 1)
        if result.verdict is Verdict.PASS:  # slow, perhaps; no clock has ended it
            return
        if result.verdict is not Verdict.STALL and result.seconds < self._slow_s:
            return
        self._slow += 1
        if self._slow >= self._due and self._slow * self.SHARE >= self._done and self._to_come:
            self._due = self._slow * self.AGAIN
            self._tell(self._line())

    def _line(self) -> str:
        each_s = (self._now() - self._begin) / self._slow
        return (
            f"{self._slow} trials took a deadline to end; if all of the {self._to_come:,} to come "
            f"do, they take {_spelled(self._to_come * each_s)}; Ctrl-C ends the run, --link and "
            "--clause narrow it"
        )


def _spelled(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 120:  # the next word is exact enough from two minutes on
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def judged(
    run: Run,
    clauses: Catalogue,
    listed: Sequence[Deviation],
    *,
    progress: Optional[Listener] = None,
    writer: Optional[ResultsWriter] = None,
) -> Account:
    """Have a resolved plan played, and account for it.

    Args:
        run: the plan, as the engine has it.
        clauses: the whole catalogue.
        listed: the deviations of all subjects.
        progress: told of everything as it comes.
        writer: writes header, results and footer, also of a run that breaks.

    Returns:
        The account of the run, also of one that was cut short, interrupted or broken: then it
        has the error that is to be raised once the account has been given.

    Raises:
        StreamgaugeError: the header cannot be written.
    """
    plan = run.plan
    edition = edition_of(plan)
    if writer:
        writer.write(header_of(plan, catalogue=plan.catalogue or clauses.version, edition=edition))
    stop = FailFast(listed) if plan.fail_fast else None
    slow_s = Deadlines(clocks.unit() * plan.timeout_factor).hang_s
    slow = Forecast(progress.warning, slow_s, plan.repeat) if progress else None
    believes = plan.repeat > 1 or plan.fail_fast  # what is repeated is flaky by itself
    heard = [one for one in (progress, writer, stop, slow) if one is not None]
    everyone = Everyone(heard) if believes else Doubts(heard, listed)
    begin = time.perf_counter()
    complete, broken = _played(run, everyone)
    seconds = time.perf_counter() - begin
    promised = clauses.for_edition(edition)
    here, table = Here(versions=versions_of(plan.subjects, plan.loops)), observed()
    account = Account(
        plan=plan,
        clauses=promised,
        edition=edition,
        catalogue=plan.catalogue or clauses.version,
        results=everyone.results,
        sorted=classify(
            everyone.results,
            listed,
            complete=complete and not plan.plans,
            whole=not plan.clauses,
            here=here,
            observed=table,
        ),
        complete=complete,
        due=frozenset(c.clause for c in registry.all_checks()).intersection(promised),
        seconds=seconds,
        left_out={} if plan.links else missing_links(),
        here=here,
        notes=tuple(about_releases(plan, here, table)),
        broken=broken,
    )
    if writer and not isinstance(broken, ResultsLostError):
        writer.write(
            footer_of(
                everyone.results,
                claims=account.claims,
                complete=complete,
                notes=every_note(account),
            )
        )
    return account


def _played(run: Run, everyone: Everyone) -> Tuple[bool, Optional[BaseException]]:
    """Have it played; returns whether it ended by itself, and what broke it."""
    try:
        complete = run.go(everyone)
        if isinstance(everyone, Doubts):
            everyone.settle()
            if complete:
                everyone.resolve(lambda trial: run.play([trial]))
        return complete, None
    except (KeyboardInterrupt, Exception) as error:
        return False, error
    finally:
        if isinstance(everyone, Doubts):
            with contextlib.suppress(StreamgaugeError):  # told already
                everyone.settle()
                everyone.release(everyone.held)
