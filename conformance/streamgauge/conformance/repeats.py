"""Repeats: the results of one trial that was run several times, told as one.

Pure. Who runs the repeats is `plugin`, who gathers them is `host`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import List, Sequence, Tuple

from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import GRAVITY, Verdict, over_repeats

__all__ = ["merged"]


def merged(runs: Sequence[Sequence[Result]]) -> List[Result]:
    """Give the results that the repeats of a trial come to.

    Args:
        runs: what each of them came to: a result for the clause that was tried, and behind it
            those of other clauses that the run broke.

    Returns:
        One result a clause; a run that says nothing of one broke nothing there. Where the
        verdicts differ, it is flaky and the detail counts them, gravest first, each with what was
        seen first.
    """
    topics = dict.fromkeys(_topic(result) for run in runs for result in run)
    return [_merged([_of(topic, run, runs) for run in runs]) for topic in topics]


def _topic(result: Result) -> Tuple[str, str]:
    """Say what a result is about: a clause, as tried by its own check or seen by another's."""
    return (result.clause, result.tried)


def _of(topic: Tuple[str, str], run: Sequence[Result], runs: Sequence[Sequence[Result]]) -> Result:
    """Give a run's result for a topic; a pass, made from another run's, where it has none."""
    there = (result for one in (run, *runs) for result in one if _topic(result) == topic)
    first = next(there)
    silent = all(_topic(result) != topic for result in run)
    return replace(first, verdict=Verdict.PASS, detail="", seconds=0.0) if silent else first


def _merged(results: Sequence[Result]) -> Result:
    verdict = over_repeats(r.verdict for r in results)
    seconds = round(sum(r.seconds for r in results), 6)
    if verdict is not Verdict.FLAKY:
        spoken_for = next((r for r in results if r.verdict is verdict), results[0])
        return replace(spoken_for, verdict=verdict, seconds=seconds)
    counts = "; ".join(_counted(results))
    return replace(results[0], verdict=verdict, detail=counts, seconds=seconds)


def _counted(results: Sequence[Result]) -> List[str]:
    def rank(result: Result) -> int:
        return GRAVITY.index(result.verdict)

    groups: List[Tuple[Verdict, List[Result]]] = [
        (verdict, list(group))
        for verdict, group in groupby(sorted(results, key=rank), key=lambda r: r.verdict)
    ]
    return [
        f"{len(group)} of {len(results)} runs: {verdict}"
        + (f" ({group[0].detail})" if group[0].detail else "")
        for verdict, group in groups
    ]
