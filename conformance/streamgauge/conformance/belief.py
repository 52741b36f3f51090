"""Belief: which departures are tried again before a run believes them, and what comes of that.

Pure functions over results. Whoever runs trials asks `doubtful` when all have ended, plays each of
those again, alone, `TIMES` times, and hands the runs to `confirmed`; last of all, `placed` looks
once over everything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.plan import LOOPLESS, Result
from streamgauge.conformance.repeats import merged
from streamgauge.conformance.verdicts import AGAINST, HELD, Verdict

__all__ = ["AT_MOST", "TIMES", "Trial", "confirmed", "doubtful", "placed", "trial_of"]

TIMES = 3  # a departure is played again before it is believed
AT_MOST = 12  # trials of a subject and loop; one that departs everywhere is believed at once
MEMORY = "memory"
ALONE = f"the last {TIMES} of them alone: "


class Trial(NamedTuple):
    """The trial that a result came from, by the fields of a `TrialSpec`'s id."""

    subject: str
    loop: str
    link: str
    clause: str
    check: str


def trial_of(result: Result) -> Trial:
    """Return the trial that a result came from, also of what it showed of another clause."""
    clause = result.tried or result.clause
    return Trial(result.subject, result.loop, result.link, clause, result.check)


def doubtful(results: Sequence[Result], listed: Sequence[Deviation]) -> List[Trial]:
    """Return the trials that are to be played again, alone.

    Args:
        results: of a run that has ended; without repeats, which have compared runs already.
        listed: the deviations that apply.

    Returns:
        Trials with a departure that nobody has listed. Of a subject and loop with more than
        `AT_MOST` those come first whose clause departs in the fewest trials: where a clause
        departs on every link, the links confirm each other.
    """
    new = [result for result in results if _is_new(result, listed)]
    company = Counter((r.subject, r.loop, r.clause) for r in new)
    ranked = sorted(new, key=lambda r: company[r.subject, r.loop, r.clause])  # stable
    taken: Dict[Tuple[str, str], List[Trial]] = {}
    for result in ranked:
        trials = taken.setdefault((result.subject, result.loop), [])
        if len(trials) < AT_MOST and trial_of(result) not in trials:
            trials.append(trial_of(result))
    return [trial for trials in taken.values() for trial in trials]


def _is_new(result: Result, listed: Sequence[Deviation]) -> bool:
    departs = result.scored and result.verdict in AGAINST and result.verdict is not Verdict.FLAKY
    return departs and not any(entry.lists(result) for entry in listed)


def confirmed(runs: Sequence[Sequence[Result]]) -> List[Result]:
    """Return what a doubtful trial comes to.

    Args:
        runs: all results of the trial's first run, and of those that were played again.

    Returns:
        The first run's where all runs agree, `flaky` with a count of each verdict where they do
        not; `harness` where a run met a fault of the suite.
    """
    found = merged(runs)
    return [
        replace(result, detail=f"{ALONE}{result.detail}", plan="")
        if result.verdict is Verdict.FLAKY and len(runs) > TIMES
        else result
        for result in found
    ]


def placed(results: Iterable[Result], listed: Sequence[Deviation] = ()) -> List[Result]:
    """Return results with the departures that the network in memory alone shows as `harness`.

    The network in memory is the suite's. Where a check departs on it, and holds on every kernel's
    link that it was tried on, one at least, the suite is at fault. What shows only under a plan or
    by a cancelled call says nothing here: a kernel's link may not have been played in that way.

    Args:
        results: of a whole run.
        listed: the deviations that apply; what is listed stays as it is.
    """
    everything = list(results)
    kernels: Dict[Trial, List[Result]] = {}
    for result in everything:
        if result.link not in (*LOOPLESS, "own", "-") and not result.tried:
            kernels.setdefault(_without_link(result), []).append(result)
    return [
        _suites(result, kernels[_without_link(result)])
        if _departs_in_memory(result)
        and not any(entry.lists(result) for entry in listed)
        and _all_hold(kernels.get(_without_link(result), []))
        else result
        for result in everything
    ]


def _without_link(result: Result) -> Trial:
    return trial_of(result)._replace(link="")


def _departs_in_memory(result: Result) -> bool:
    """Whether a check departs as written on memory: in a clause of its own, not in hygiene."""
    mild = result.verdict in HELD or result.verdict is Verdict.FLAKY or not result.scored
    departs = result.verdict in AGAINST and not mild
    return result.link == MEMORY and departs and not (result.plan or result.tried)


def _all_hold(results: Sequence[Result]) -> bool:
    tried = [r for r in results if r.verdict is not Verdict.INAPPLICABLE]
    return bool(tried) and all(r.verdict in HELD for r in tried)


def _suites(result: Result, kernels: Sequence[Result]) -> Result:
    links = ", ".join(r.link for r in kernels if r.verdict in HELD)
    detail = f"{result.verdict} on the network in memory alone, it holds on {links}"
    return replace(result, verdict=Verdict.HARNESS, detail=f"{detail}: {result.detail}")
