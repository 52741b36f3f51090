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


def merged(results: Sequence[Result]) -> Result:
    """Give the one result that the repeats of a trial come to.

    Args:
        results: one or more, equal but for verdict, detail and seconds.

    Returns:
        The first of those whose verdict all have. Where they differ, the trial is flaky and the
        detail counts the verdicts, gravest first, each with what was seen first.
    """
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
