"""What the memory place has to reach, and whether a run has reached it: functions of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence

from benchmarks.fakes.places import KERNEL, MEMORY, SOLIPSISM

from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.bench.scene import FLOOR

__all__ = ["GOALS", "Goal", "Outcome", "outcome", "time_part"]


@dataclass(frozen=True)
class Goal:
    """The most time that memory may take, as a part of another place's.

    Args:
        workload: the work's name.
        against: the other place.
        at_most: the part.
    """

    workload: str
    against: str
    at_most: float


GOALS = (
    Goal("echo", KERNEL, 0.35),
    Goal("connect", KERNEL, 0.25),
    Goal("bulk", SOLIPSISM, 1.0),
    Goal("write", KERNEL, 1.0),
)


@dataclass(frozen=True)
class Outcome:
    """What a run says about a goal.

    Args:
        goal: the goal.
        part: memory's time as a part of the other place's.
        floor: the floor's, which no transport can go below; None where there is no floor.
    """

    goal: Goal
    part: float
    floor: Optional[float]

    @property
    def met(self) -> bool:
        """Whether it is reached."""
        return self.part <= self.goal.at_most

    @property
    def reachable(self) -> bool:
        """Whether any transport could reach it in that run."""
        return self.floor is None or self.floor <= self.goal.at_most

    @property
    def verdict(self) -> str:
        """The word for it."""
        return "met" if self.met else "missed" if self.reachable else "out of reach"


def outcome(goal: Goal, taken: Sequence[Figure]) -> Optional[Outcome]:
    """Compare one run's figures with a goal; None if a place that it speaks of was not there."""
    part = time_part(taken, goal.workload, MEMORY, goal.against)
    if part is None:
        return None
    return Outcome(goal, part, time_part(taken, goal.workload, FLOOR, goal.against))


def time_part(taken: Sequence[Figure], workload: str, own: str, other: str) -> Optional[float]:
    """Give one place's time as a part of another's; None if one of them was not there."""
    times = {each.subject: each.operation_s for each in taken if each.workload == workload}
    return times[own] / times[other] if own in times and other in times else None
