"""The supervisor's process: what it is told on its standard input, what it tells on its output.

Both are JSON lines, between parts of the suite that trust each other. The first line that comes is
the plan. What it asks for is resolved, and told; then come commands, `run` for all trials or `play`
for one, until the input ends. Then nothing is left: no process, no file.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from typing import Any, Dict, Iterator, List

from streamgauge.conformance import heap
from streamgauge.conformance.engine.asking import ask
from streamgauge.conformance.engine.keeper import Role
from streamgauge.conformance.engine.supervisor import Supervisor
from streamgauge.conformance.engine.tally import Tally
from streamgauge.conformance.errors import StreamgaugeError
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.selection import Offer, Selection

__all__ = ["main"]

INPUT, OUTPUT = 0, 1


class Teller(Listener):
    """Tells each event in a line."""

    def tell(self, event: str, **data: Any) -> None:
        """Tell one."""
        line = json.dumps({"event": event, **data}) + "\n"
        sys.stdout.write(line)
        sys.stdout.flush()

    def result(self, result: Result) -> None:
        """Tell a trial's result."""
        self.tell("result", result=result.to_dict())

    def warning(self, text: str) -> None:
        """Tell a line about the run itself."""
        self.tell("warning", text=text)


class Orders:
    """The lines of standard input, as they come."""

    def __init__(self) -> None:
        self._buffer = b""
        self._open = True

    def next(self) -> Dict[str, Any]:
        """Wait for one; an empty one when the input has ended."""
        while self._open and b"\n" not in self._buffer:
            self._read()
        line, _, self._buffer = self._buffer.partition(b"\n")
        order: Dict[str, Any] = json.loads(line) if self._open else {}
        return order

    def ended(self) -> bool:
        """Read what is there; returns whether the input has ended."""
        self._read()
        return not self._open

    def _read(self) -> None:
        data = os.read(INPUT, 1 << 16)
        self._buffer += data
        self._open = bool(data)


def main() -> None:
    """Serve one plan."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us decides when it is over
    teller, orders = Teller(), Orders()
    setup = orders.next()
    plan, folder = RunPlan.from_dict(setup["plan"]), setup["folder"]
    try:
        selection = _resolved(plan, folder, teller)
    except StreamgaugeError as error:
        teller.tell("refused", error=type(error).__name__, text=str(error))
        return
    teller.tell("resolved", trials=[spec.id for spec in selection.trials])
    supervisor = Supervisor(selection, folder, INPUT, orders.ended)
    try:
        for order in iter(orders.next, {}):
            _obey(order, selection, supervisor, teller)
    finally:
        supervisor.close()


def _resolved(plan: RunPlan, folder: str, teller: Teller) -> Selection:
    """Find what the plan asks for; its subjects and loops are asked in children."""
    Selection(plan, {name: Offer(name) for name in plan.subjects})  # all but the names themselves
    gc.collect()
    heap.freeze()  # a child's collection would copy what it looks at of this process's memory
    offers = [f.data for f in ask(list(_roles(plan, folder)))]
    of_subjects = offers[: len(plan.subjects)]
    for name, offer in zip((*plan.subjects, *plan.loops), offers):
        if offer["threads"]:
            teller.warning(
                f"importing {name!r} leaves threads, which no forked process would have: it is "
                "imported anew whenever a trial has changed its process"
            )
    teller.tell("offers", offers=dict(zip(plan.subjects, of_subjects)))
    return Selection(plan, {n: Offer.of(n, data) for n, data in zip(plan.subjects, of_subjects)})


def _roles(plan: RunPlan, folder: str) -> Iterator[Role]:
    names = [(name, "") for name in plan.subjects] + [("", name) for name in plan.loops]
    for number, (subject, loop) in enumerate(names):
        yield Role(subject, loop, plan.search_path, os.path.join(folder, f"ask{number}"))


def _obey(
    order: Dict[str, Any], selection: Selection, supervisor: Supervisor, teller: Teller
) -> None:
    wanted: List[str] = order.get("play", [])
    trials = [spec for spec in selection.trials if not wanted or spec.id in wanted]
    if any(spec.link == "tls" for spec in trials):
        # Once for all children, and where TLS is tried alone: it takes long to import.
        from streamgauge.conformance import certificates  # noqa: PLC0415

        if not certificates.obstacle():  # else each trial finds out, and is not tried
            certificates.server_context()
            certificates.client_context()
    tally = Tally(trials, selection.plan.repeat, teller)
    complete = supervisor.run(tally)
    if complete and not wanted:
        tally.end(selection.clauses)
    teller.tell("ended", complete=complete)
