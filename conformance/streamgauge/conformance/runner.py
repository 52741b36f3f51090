"""Runs one trial: plays its check as written and under every plan, and says what that comes to.

A trial has one result for the clause that it tries. What its plays showed of other clauses, that
a cancelled call loses nothing and that nothing is left behind, is reported under those.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from streamgauge.conformance import catalogue, deliveries, interruptions
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.deliveries import WATCHED, WHOLE, Plan, Recording
from streamgauge.conformance.fingerprint import STATE, Change
from streamgauge.conformance.hygiene import NOISE_IDS
from streamgauge.conformance.kept import asyncio, time
from streamgauge.conformance.landing import landed
from streamgauge.conformance.leftovers import Leftovers
from streamgauge.conformance.plan import Result
from streamgauge.conformance.playing import Played, play
from streamgauge.conformance.registry import Check
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.verdicts import Ended, Observation, Verdict, judge, over_plans

__all__ = ["Sweep", "TrialSpec", "Trialed", "run_trial", "run_trial_and_look"]

PATIENCE_TICKS = 5  # for threads and processes that are about to end
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


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
        return self.result_of(judge(observation), detail, seconds=seconds)

    def result_of(
        self,
        verdict: Verdict,
        detail: str = "",
        *,
        seconds: float = 0.0,
        plan: str = "",
        clause: str = "",
    ) -> Result:
        """Make a result of this trial.

        Args:
            verdict: what came of it.
            detail: what was expected and what came.
            seconds: how long it took.
            plan: the plan under which it came to that; empty for the check as written.
            clause: the clause that the result is about, if it is not the one tried.
        """
        other = clause and clause != self.check.clause
        return Result(
            subject=self.subject,
            loop=self.loop,
            link=self.link,
            clause=clause or self.check.clause,
            check=self.check.name,
            level=catalogue.load()[clause].level if other else self.level,
            verdict=verdict,
            detail=detail,
            seconds=round(seconds, 6),
            plan=plan,
            tried=self.check.clause if clause else "",
        )


class Trialed(NamedTuple):
    """The outcome of a trial, and how it left its process.

    Attributes:
        results: as `run_trial` gives them.
        clean: whether the process is as it was before, so that it may play another trial.
    """

    results: List[Result]
    clean: bool


@dataclass(frozen=True)
class Sweep:
    """How much is played of each check.

    Args:
        thorough: every plan on every link; else those that find most for their time.
        only: names of the plans to play, and no others; empty for all.
    """

    thorough: bool = False
    only: Tuple[str, ...] = ()


def run_trial(
    spec: TrialSpec,
    subject: Subject,
    loop_factory: LoopFactory,
    deadlines: Deadlines,
    sweep: Sweep = Sweep(),
    before_each: Callable[[str], None] = lambda _: None,
) -> List[Result]:
    """Run one trial, each play on a loop of its own.

    Args:
        spec: what to try.
        subject: what is judged.
        loop_factory: makes the loops.
        deadlines: when a wait is given up.
        sweep: how much to play.
        before_each: called with a plan's name before it is played, and in the play as long as the
            loop runs, e.g. to wind up a clock.

    Returns:
        The trial's result, and behind it those of other clauses that its plays broke. Every fault
        of the subject is in them, none is raised.
    """
    return run_trial_and_look(spec, subject, loop_factory, deadlines, sweep, before_each).results


def run_trial_and_look(
    spec: TrialSpec,
    subject: Subject,
    loop_factory: LoopFactory,
    deadlines: Deadlines,
    sweep: Sweep = Sweep(),
    before_each: Callable[[str], None] = lambda _: None,
) -> Trialed:
    """Do as `run_trial`, and say whether this process may play another trial."""
    begin = time.perf_counter()
    if spec.inapplicable:
        return Trialed([spec.result(Observation(Ended.NOT_TRIED), spec.inapplicable)], clean=True)
    left = Leftovers(deadlines.tick_s * PATIENCE_TICKS)

    def once(plan: Plan, model: Optional[Recording] = None) -> Played:
        def alive() -> None:
            before_each(plan.name)

        alive()
        played = play(spec.check, subject, spec.link, loop_factory, deadlines, plan, model, alive)
        left.stop_a_copy()
        return played

    plain, interrupted = _plays(once, spec.check, spec.link, sweep)
    changes = left.seen()
    if changes and plain[0].ended is Ended.RETURNED:
        changes = left.believed(changes, lambda: once(WHOLE))
    plain = _blamed(plain, changes)
    every = [*plain, *interrupted]
    seconds = round(time.perf_counter() - begin, 6)
    own = replace(_own_result(spec, plain), seconds=seconds, plays=len(every))
    results = [own, *_of_cancellation(spec, interrupted), *_of_hygiene(spec, every, changes)]
    return Trialed(_landed(results, plain), clean=not changes)


def _landed(results: Sequence[Result], plays: Sequence[Played]) -> List[Result]:
    """Put a call of the subject's without end, or worse, on a scored clause."""
    endless = [p for p in plays if p.ended is Ended.DEADLINE]
    of_subject = next((p for p in endless if not p.idle), None)
    if of_subject is not None:
        return landed(results, of_subject.detail, _title(of_subject.plan))
    return list(results) if endless else landed(results)


def _blamed(plays: Sequence[Played], changes: Sequence[Change]) -> List[Played]:
    """Tell faults of the suite as the subject's where it has changed what the suite stands on."""
    texts = "; ".join(change.text for change in changes if change.kind == STATE)
    return [
        replace(p, ended=Ended.RAISED, detail=f"{texts}; then the suite {p.detail}")
        if texts and p.ended is Ended.SUITE
        else p
        for p in plays
    ]


def _title(plan: Plan) -> str:
    """Name a plan as a result does: the check as written needs no name."""
    return "" if plan == WHOLE else plan.name


_Once = Callable[..., Played]


def _plays(once: _Once, check: Check, link: str, sweep: Sweep) -> Tuple[List[Played], List[Played]]:
    """Play; gives the plays that speak for the clause, and those with a cancelled call."""
    whole = once(WHOLE)
    if sweep.only:
        asked_for = [deliveries.named(name) for name in sweep.only]
        found = [_asked_for(once, check, link, plan, whole) for plan in asked_for]
        fit = [p for p in found if not p.void]
        return (
            [p for p in fit if p.plan.interruption is None] or ([whole] if fit else found[:1]),
            [p for p in fit if p.plan.interruption is not None],
        )
    if whole.ended is not Ended.RETURNED:  # broken as written: no other way mends that
        return [whole], []

    def tried(plans: Sequence[Plan]) -> List[Played]:
        fit = [p for p in plans if not check.spared(p)]
        return list(_until_a_wait_is_endless(once, fit, whole.recording))

    def cancelled(calls: Mapping[str, int]) -> List[Played]:
        return [p for plans in deliveries.interruptions_for(calls) for p in tried(plans)]

    asked = whole.recording.calls  # those that the check hands over itself: on every link
    if "*" in check.spares or not (sweep.thorough or link == deliveries.quickest(check.links)):
        return [whole], cancelled(asked)
    watched = once(WATCHED)
    can_be_watched = watched.ended is Ended.RETURNED
    calls = watched.recording.calls
    plans = deliveries.plans_for(whole.recording, link, thorough=sweep.thorough, calls=calls)
    plain = tried([p for p in plans if can_be_watched or not p.watches])
    return [whole, *plain], cancelled(calls if can_be_watched else asked)


def _asked_for(once: _Once, check: Check, link: str, plan: Plan, whole: Played) -> Played:
    """Play under a plan that somebody has named; what says nothing of the subject is void."""
    if plan == WHOLE or whole.ended is Ended.NOT_TRIED:
        return whole
    played: Played = once(plan, whole.recording)
    void = (
        check.spared(plan)
        or played.void
        or deliveries.misfit(plan, whole.recording, played.recording.calls, link)
    )
    if not void:
        return played
    if whole.ended is not Ended.RETURNED:  # it broke before it came to what the plan is about
        return whole
    detail = f"{plan.name} is no way to play this check: {void}"
    return replace(played, ended=Ended.VOID, detail=detail, void=void)


def _until_a_wait_is_endless(
    once: _Once, plans: Sequence[Plan], model: Recording
) -> Iterator[Played]:
    for plan in plans:
        played = once(plan, model)
        if not played.void:
            yield played
        if played.ended is Ended.DEADLINE:  # each further one could cost as much
            return


def _verdict(played: Played) -> Verdict:
    return judge(Observation(played.ended))


def _own_result(spec: TrialSpec, plays: Sequence[Played]) -> Result:
    """Say what the clause itself comes to, over the plans that change no call."""
    verdict = over_plans(map(_verdict, plays))
    broken = [p for p in plays if p.ended is not Ended.RETURNED]
    if not broken:
        return spec.result_of(verdict)
    detail, name = broken[0].detail, _title(broken[0].plan)
    if verdict is Verdict.PARTIAL:
        names = deliveries.summary([p.plan.name for p in broken])
        detail = f"under {names}, not under {len(plays) - len(broken)} others: {detail}"
    return spec.result_of(verdict, detail, plan=name)


def _of_cancellation(spec: TrialSpec, plays: Sequence[Played]) -> Iterator[Result]:
    """Report, under the clauses on cancellation, checks that a cancelled call breaks."""
    broken: Dict[str, List[Played]] = {}
    for played in plays:
        interruption = played.plan.interruption
        if played.ended is not Ended.RETURNED and interruption is not None:
            clause = interruptions.CLAUSES.get(interruption.call, spec.check.clause)
            broken.setdefault(clause, []).append(played)
    for clause, failing in broken.items():
        first = failing[0]
        verdict = _verdict(first)
        words = first.plan.interruption.words if first.plan.interruption else ""
        yield spec.result_of(
            Verdict.FAIL if verdict is Verdict.PRECONDITION else verdict,
            f"{words}: {first.detail}",
            plan=first.plan.name,
            clause=clause,
        )


def _of_hygiene(
    spec: TrialSpec, plays: Sequence[Played], changes: Sequence[Change]
) -> Iterator[Result]:
    """Report, under the clauses on hygiene, what plays left behind whose check held."""
    heard: Dict[str, Tuple[str, str]] = {}
    if all(played.ended is Ended.RETURNED for played in plays):  # else nobody knows whose they are
        for change in changes:
            heard.setdefault(NOISE_IDS[change.kind], (change.text, "whole"))
    for played in plays:
        if played.ended is Ended.RETURNED:
            for clause, text in played.breaches:
                heard.setdefault(clause, (text, played.plan.name))
    for clause, (text, name) in heard.items():
        plan = "" if name == "whole" else name
        yield spec.result_of(Verdict.NOISE, text, plan=plan, clause=clause)
