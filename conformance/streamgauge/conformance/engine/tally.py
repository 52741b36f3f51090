"""The tally: what is due, what has come, and what it comes to. Pure but for the listener it tells.

Each trial is due as often as it is repeated. Its results are told once all of its runs have come;
a run that never came makes the trial unverified, so that none can be missed.
"""

from __future__ import annotations

from collections import deque
from typing import Deque, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from streamgauge.conformance.catalogue import Clause
from streamgauge.conformance.hygiene import NOISE_IDS
from streamgauge.conformance.plan import EVERY_TRIAL, Listener, Result
from streamgauge.conformance.repeats import merged
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.verdicts import HELD, Ended, Observation, Verdict

__all__ = ["Pair", "Tally"]

Pair = Tuple[str, str]  # the names of a subject and a loop: what a child is for


class Tally:
    """Counts runs of trials.

    Args:
        trials: every trial that is due.
        repeat: how often each of them is run.
        listener: told of each trial's results.
    """

    def __init__(self, trials: Sequence[TrialSpec], repeat: int, listener: Listener) -> None:
        self._repeat = repeat
        self._listener = listener
        self._queues: Dict[Pair, Deque[TrialSpec]] = {}
        self._runs: Dict[str, List[Sequence[Result]]] = {spec.id: [] for spec in trials}
        self._due = {spec.id: spec for spec in trials}
        self._broken: Dict[Pair, Set[str]] = {}  # clauses of hygiene
        for spec in trials:
            queue = self._queues.setdefault((spec.subject, spec.loop), deque())
            queue.extend([spec] * repeat)

    def next(self, pair: Optional[Pair], taken: Sequence[Pair]) -> Optional[TrialSpec]:
        """Return a run that nobody has begun.

        Args:
            pair: a subject and a loop that a child is there for: theirs come first.
            taken: those that others are at; a pair with none to itself comes before them.
        """
        if pair is None or not self._queues.get(pair):
            pair = max(
                (each for each, queue in self._queues.items() if queue),
                key=lambda each: len(self._queues[each]) / (1 + taken.count(each)),
                default=None,
            )
        return self._queues[pair].popleft() if pair is not None else None

    def take(self, spec: TrialSpec, results: Sequence[Result]) -> None:
        """Keep one run's results; tell what all runs of the trial come to once they are there."""
        runs = self._runs[spec.id]
        runs.append(results)
        if len(runs) == self._repeat:
            del self._due[spec.id]
            for result in merged(runs):
                self._note_hygiene(result)
                self._listener.result(result)

    def end(self, clauses: Mapping[str, Clause]) -> None:
        """Tell of what was due and never came, and of the clauses of hygiene that always held.

        Args:
            clauses: those that the run was to judge by.
        """
        for spec in list(self._due.values()):
            missing = [spec.result(Observation(Ended.UNREACHED), "no process ran it")]
            for _ in range(self._repeat - len(self._runs[spec.id])):
                self.take(spec, missing)
        for (subject, loop), broken in self._broken.items():
            for clause in (clauses[c] for c in NOISE_IDS.values() if c in clauses):
                if clause.id not in broken:
                    row = (subject, loop, "-", clause.id, EVERY_TRIAL, clause.level, Verdict.PASS)
                    self._listener.result(Result(*row))

    def _note_hygiene(self, result: Result) -> None:
        if result.verdict in HELD:
            broken = self._broken.setdefault((result.subject, result.loop), set())
            broken.update([result.clause] if result.verdict is Verdict.NOISE else [])
