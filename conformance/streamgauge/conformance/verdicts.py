"""What happened in a trial, and the verdict it earns: tables and pure functions, nothing else.

Nothing here runs, reads or prints. A reader who wants to know why a run exited with 1 finds
the answer in five literals: `JUDGEMENT` (one run of a check), `GRAVITY` (several runs that have
to come to one verdict), `CLAIM_ORDER`, `EXIT_CODES` and the enumeration `Verdict` itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Dict, Iterable, Mapping, Tuple

__all__ = [
    "AGAINST",
    "EXIT_CODES",
    "GRAVITY",
    "HELD",
    "JUDGEMENT",
    "UNTRIED",
    "Claim",
    "Ended",
    "Observation",
    "Outcome",
    "Verdict",
    "claim_of",
    "exit_code",
    "judge",
    "over_plans",
    "over_repeats",
    "over_trials",
]


class Verdict(str, Enum):
    """What came of a trial."""

    PASS = "pass"  # under every plan, hygiene clean
    FAIL = "fail"  # the clause's promise was broken
    HANG = "hang"  # a wait had no end
    STALL = "stall"  # the loop itself was held, the worker was ended
    CRASH = "crash"  # the worker died
    NOISE = "noise"  # the clause held, a hygiene clause broke
    PARTIAL = "partial"  # it holds under some plans and not under others
    FLAKY = "flaky"  # identical runs differ
    PRECONDITION = "precondition"  # a step before the clause failed
    UNVERIFIED = "unverified"  # it applies and could not be tried
    INAPPLICABLE = "inapplicable"  # edition, platform or a declared lack
    HARNESS = "harness"  # the suite or the adapter is at fault

    def __str__(self) -> str:
        """Give the plain word, on every Python."""
        return str(self.value)


class Ended(str, Enum):
    """How a trial came to its end, as the runner or the controller saw it."""

    RETURNED = "returned"  # the check returned
    ASSERTION = "assertion"  # the check found the promise broken
    RAISED = "raised"  # the subject raised what the check did not ask for
    SETUP = "setup"  # a step before the clause failed or never ended
    DEADLINE = "deadline"  # the check waited for the subject and the wait had no end
    BLOCKED = "blocked"  # the loop itself was held and the worker had to be ended
    DIED = "died"  # the worker process went away
    SUITE = "suite"  # the suite itself raised
    ADAPTER = "adapter"  # a call into the adapter raised, gave no connection, or never ended
    NOT_TRIED = "not-tried"  # edition, platform or a declared lack
    VOID = "void"  # the plan asked for is no way to play the check
    UNREACHED = "unreached"  # it was due, and the run came to its end without it


@dataclass(frozen=True)
class Observation:
    """All that `judge` may look at.

    Args:
        ended: how the trial ended.
        breaches: ids of the hygiene clauses that were broken during the trial.
    """

    ended: Ended
    breaches: Tuple[str, ...] = ()


# (how it ended, whether a hygiene clause was broken) -> verdict. A breach matters only where
# the clause itself held: a failing clause explains the mess that it leaves.
JUDGEMENT: Mapping[Tuple[Ended, bool], Verdict] = {
    (Ended.RETURNED, False): Verdict.PASS,
    (Ended.RETURNED, True): Verdict.NOISE,
    (Ended.ASSERTION, False): Verdict.FAIL,
    (Ended.ASSERTION, True): Verdict.FAIL,
    (Ended.RAISED, False): Verdict.FAIL,
    (Ended.RAISED, True): Verdict.FAIL,
    (Ended.SETUP, False): Verdict.PRECONDITION,
    (Ended.SETUP, True): Verdict.PRECONDITION,
    (Ended.DEADLINE, False): Verdict.HANG,
    (Ended.DEADLINE, True): Verdict.HANG,
    (Ended.BLOCKED, False): Verdict.STALL,
    (Ended.BLOCKED, True): Verdict.STALL,
    (Ended.DIED, False): Verdict.CRASH,
    (Ended.DIED, True): Verdict.CRASH,
    (Ended.SUITE, False): Verdict.HARNESS,
    (Ended.SUITE, True): Verdict.HARNESS,
    (Ended.ADAPTER, False): Verdict.HARNESS,
    (Ended.ADAPTER, True): Verdict.HARNESS,
    (Ended.NOT_TRIED, False): Verdict.INAPPLICABLE,
    (Ended.NOT_TRIED, True): Verdict.INAPPLICABLE,
    (Ended.VOID, False): Verdict.UNVERIFIED,
    (Ended.VOID, True): Verdict.UNVERIFIED,
    (Ended.UNREACHED, False): Verdict.UNVERIFIED,
    (Ended.UNREACHED, True): Verdict.UNVERIFIED,
}


def judge(observation: Observation) -> Verdict:
    """Map what happened to its verdict; total over every observation."""
    return JUDGEMENT[observation.ended, bool(observation.breaches)]


# What counts against a subject, and what leaves a clause unverified, gravest first.
AGAINST: Tuple[Verdict, ...] = (
    Verdict.CRASH,
    Verdict.STALL,
    Verdict.HANG,
    Verdict.FAIL,
    Verdict.FLAKY,
    Verdict.PARTIAL,
    Verdict.NOISE,
)
UNTRIED: Tuple[Verdict, ...] = (Verdict.UNVERIFIED, Verdict.PRECONDITION)
# Of several verdicts the first outweighs the others; `inapplicable` yields to anything.
GRAVITY = (Verdict.HARNESS, *AGAINST, *UNTRIED, Verdict.PASS, Verdict.INAPPLICABLE)
HELD: Tuple[Verdict, ...] = (Verdict.PASS, Verdict.NOISE)  # the clause's own promise was kept


def _gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the gravest verdict; without any, nothing was tried."""
    return min(verdicts, key=GRAVITY.index, default=Verdict.UNVERIFIED)


def over_plans(verdicts: Iterable[Verdict]) -> Verdict:
    """Say what one check comes to that was tried under several plans.

    Args:
        verdicts: one for each plan, of runs that differ in nothing but how bytes were delivered.

    Returns:
        `partial` where the clause holds under some plans and is broken under others; else the
        gravest of them; `unverified` if there are none.
    """
    seen = set(verdicts)
    gravest = _gravest(seen)
    broken = gravest in AGAINST and gravest is not Verdict.NOISE
    return Verdict.PARTIAL if broken and seen.intersection(HELD) else gravest


def over_repeats(verdicts: Iterable[Verdict]) -> Verdict:
    """Say what one trial comes to that was repeated.

    Args:
        verdicts: one for each of the identical runs.

    Returns:
        The one that all of them came to. Where they differ: `flaky`, whatever they are, but for a
        fault of the suite, which spoils the trial, and a run that never took place, which leaves
        it unverified unless the others differ already. Without any, `unverified`.
    """
    seen = set(verdicts)
    if Verdict.HARNESS in seen or len(seen) < 2:
        return _gravest(seen)
    return Verdict.FLAKY if len(seen - {Verdict.UNVERIFIED}) > 1 else Verdict.UNVERIFIED


def over_trials(verdicts: Iterable[Verdict]) -> Verdict:
    """Say what one clause comes to on a subject, over its checks and links.

    Args:
        verdicts: those of its trials.

    Returns:
        The gravest; a clause of which a trial could not be tried is `unverified`, as is one
        without any trial: what did not run never reads as passed.
    """
    gravest = _gravest(verdicts)
    return Verdict.UNVERIFIED if gravest in UNTRIED else gravest


class Claim(str, Enum):
    """What may be said of a subject after a run."""

    CONFORMANT = "conformant"
    DEVIATES = "deviates"
    INCOMPLETE = "incomplete"
    INVALID = "invalid"

    def __str__(self) -> str:
        """Give the plain word, on every Python."""
        return str(self.value)


# What each verdict of a scored clause makes of the claim; the first row that matches wins.
CLAIM_ORDER: Tuple[Tuple[Claim, Tuple[Verdict, ...]], ...] = (
    (Claim.INVALID, (Verdict.HARNESS,)),
    (Claim.DEVIATES, AGAINST),
    (Claim.INCOMPLETE, UNTRIED),
    (Claim.CONFORMANT, (Verdict.PASS,)),
)


def claim_of(verdicts: Iterable[Verdict], complete: bool) -> Claim:
    """Say what a subject may claim.

    Args:
        verdicts: those of its scored trials; `behaviour` clauses are never among them.
        complete: whether every clause of the edition was selected and the run ended by itself.

    Returns:
        The claim; without a single pass, or when not everything ran, never `conformant`.
    """
    seen = set(verdicts)
    for claim, causes in CLAIM_ORDER:
        if seen.intersection(causes):
            return Claim.INCOMPLETE if claim is Claim.CONFORMANT and not complete else claim
    return Claim.INCOMPLETE


class Outcome(str, Enum):
    """What a whole run came to, for the exit code."""

    AS_EXPECTED = "as expected"
    DEPARTED = "new failures or stale entries"
    USAGE = "usage"
    HARNESS = "harness or adapter"
    INCOMPLETE = "incomplete, or nothing ran"


EXIT_CODES: Dict[Outcome, int] = {
    Outcome.AS_EXPECTED: 0,
    Outcome.DEPARTED: 1,
    Outcome.USAGE: 2,
    Outcome.HARNESS: 3,
    Outcome.INCOMPLETE: 4,
}


def exit_code(*, harness: bool, departed: bool, incomplete: bool) -> int:
    """Give a run's exit code: a fault of the suite outranks departures, they outrank gaps.

    Args:
        harness: some trial's verdict is `harness`.
        departed: some failure is not listed, is listed otherwise, or a listed one is stale.
        incomplete: the run was cut short, nothing ran, or a clause could not be tried.
    """
    if harness:
        return EXIT_CODES[Outcome.HARNESS]
    if departed:
        return EXIT_CODES[Outcome.DEPARTED]
    if incomplete:
        return EXIT_CODES[Outcome.INCOMPLETE]
    return EXIT_CODES[Outcome.AS_EXPECTED]
