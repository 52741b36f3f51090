"""Landing: what every program is hurt by is told under a clause that counts.

Clauses on behaviours are never scored: the page leaves open what they ask. It does not leave open
whether a call ever ends, lets the loop run, and leaves the process alive. Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

from streamgauge.conformance import catalogue
from streamgauge.conformance.hygiene import NOISE_IDS
from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import Verdict

__all__ = ["BEHAVIOUR", "landed"]

BEHAVIOUR = "behaviour"  # the level of clauses that are never scored
HURTS = (Verdict.CRASH, Verdict.STALL, Verdict.HANG)


def landed(results: Sequence[Result], endless: str = "", plan: str = "") -> List[Result]:
    """Return a trial's results, with a scored one where only a behaviour would show the harm.

    Args:
        results: of one trial, however it ended.
        endless: the detail of a wait without end that they may not show, as where the verdict is
            `partial`; empty for none.
        plan: under which that wait was; empty for the check as written.
    """
    mild = [r for r in results if r.level == BEHAVIOUR]
    harm = next((r for r in mild if r.verdict in HURTS), None)
    if harm is None and endless and mild:
        harm = replace(mild[0], verdict=Verdict.HANG, detail=endless, plan=plan)
    if harm is None:
        return list(results)
    clause = catalogue.load()[NOISE_IDS["harm"]]
    tried = harm.tried or harm.clause
    told = replace(harm, clause=clause.id, level=clause.level, tried=tried, seconds=0.0, plays=0)
    return [*results, told]
