"""The supervisor: one loop over pipes and a heap of deadlines, in a process of its own.

It imports no subject and judges nothing. It hands out what is due, hears what children say, ends
what is overdue, and tells a listener what came. It has no threads, reads only what is there, and
is the only one that holds a clock for others.
"""

from __future__ import annotations

import itertools
import os
from typing import Callable, Dict, List, Sequence, Tuple

from streamgauge.conformance import clocks, unix
from streamgauge.conformance.engine.children import Child
from streamgauge.conformance.engine.deadlines import Deadlines
from streamgauge.conformance.engine.keeper import Role
from streamgauge.conformance.engine.seats import Seat
from streamgauge.conformance.engine.tally import Pair, Tally
from streamgauge.conformance.plan import Result
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection

__all__ = ["Supervisor"]


class Supervisor:
    """Plays a selection's trials in children.

    Args:
        selection: what may be played.
        folder: of the run; children get folders in it.
        hangs_up: says whether nobody wants the results any more.
        leash: a descriptor that `hangs_up` is asked about when something comes there.
    """

    def __init__(
        self, selection: Selection, folder: str, leash: int, hangs_up: Callable[[], bool]
    ) -> None:
        self._plan = selection.plan
        self._folder = folder
        self._leash = leash
        self._hangs_up = hangs_up
        self._numbers = itertools.count(1)
        self._deadlines = Deadlines()
        self._trials: Dict[Pair, Dict[str, TrialSpec]] = {}
        for spec in selection.trials:
            self._trials.setdefault((spec.subject, spec.loop), {})[spec.id] = spec
        self._sweep = selection.sweep
        self._factor = clocks.unit() * self._plan.timeout_factor
        self._answers: List[Tuple[TrialSpec, Sequence[Result]]] = []
        stall_s = clocks.Deadlines(self._factor).stall_s
        seats = max(1, min(self._plan.workers, len(selection.trials) * self._plan.repeat))
        self._seats = [self._seat(stall_s) for _ in range(seats)]

    def _seat(self, stall_s: float) -> Seat:
        return Seat(
            self._start,
            self._deadlines,
            stall_s,
            clocks.unit(),
            lambda spec, results: self._answers.append((spec, results)),
        )

    def _start(self, pair: Pair) -> Child:
        return Child(
            Role(
                *pair,
                search_path=self._plan.search_path,
                folder=os.path.join(self._folder, str(next(self._numbers))),
                trials=self._trials[pair],
                factor=self._factor,
                sweep=self._sweep,
            )
        )

    def run(self, tally: Tally) -> bool:
        """Play all that a tally has due; returns False if nobody waits for the rest."""
        while True:
            for seat in self._seats:
                self._occupy(seat, tally)
            answers, self._answers = self._answers, []
            for spec, results in answers:
                tally.take(spec, results)
            if not answers and all(seat.spec is None for seat in self._seats):
                return True
            if not self._look(0.0 if answers else self._deadlines.wait_s()):
                return False

    def close(self) -> None:
        """End every child."""
        for seat in self._seats:
            seat.leave()

    def _occupy(self, seat: Seat, tally: Tally) -> None:
        if seat.spec is None:
            spec = tally.next(seat.pair, [s.pair for s in self._seats if s.pair])
            if spec is not None:
                seat.play(spec)

    def _look(self, timeout_s: float) -> bool:
        """Wait for whatever comes first, and have it handled; False when it is a hang-up."""
        poll = unix.select.poll()
        poll.register(self._leash, unix.select.POLLIN)
        handlers: Dict[int, Callable[[], object]] = {}
        for seat in self._seats:
            handlers.update(seat.watched())
        for descriptor in handlers:
            poll.register(descriptor, unix.select.POLLIN)
        heard = poll.poll(1000 * timeout_s)
        if self._deadlines.overslept():
            for seat in self._seats:
                seat.oversleep()
        for descriptor, _ in heard:
            if descriptor == self._leash and self._hangs_up():
                return False
            handlers.get(descriptor, int)()
        for due in self._deadlines.due():
            assert isinstance(due, Seat)
            due.overdue()
        return True
