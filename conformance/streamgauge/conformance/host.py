"""The process that hosts pytest for one run: `python -m streamgauge.conformance.host`.

It runs in a folder of its own, with none of the user's pytest settings, and speaks to the
engine in JSON lines through a pipe. It turns worker reports into results, those of dead
workers included; it prints nothing.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Set, TextIO, Tuple

import pytest

from streamgauge.conformance.catalogue import Clause
from streamgauge.conformance.errors import StreamgaugeError
from streamgauge.conformance.hygiene import NOISE_IDS
from streamgauge.conformance.plan import EVERY_TRIAL, Result, RunPlan
from streamgauge.conformance.plugin import PLAN, PROPERTY, clause_files, item_names, log_of
from streamgauge.conformance.rehearsal import ending
from streamgauge.conformance.repeats import merged
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.stage import obituary
from streamgauge.conformance.verdicts import HELD, Ended, Observation, Verdict

__all__ = ["EVENTS", "WENT_THROUGH", "main"]

EVENTS = "STREAMGAUGE_EVENTS"  # environment variable: number of the descriptor to write to
SETTINGS = Path(__file__).with_name("host.ini")  # instead of whatever pytest would find
STILLBORN = 3  # workers that die before their first trial; so many are no accident
WENT_THROUGH = (0, 1, 5)  # pytest's exit codes for a run that came to its end
NO_LIMIT = 1_000_000  # workers that may be replaced: a subject may kill one in every trial


class Reporter:
    """Turns pytest's reports into events.

    Args:
        trials: every trial of the run.
        repeat: how often each of them is run.
        events: where the JSON lines go.
    """

    def __init__(self, trials: Sequence[TrialSpec], repeat: int, events: TextIO) -> None:
        self._repeat = repeat
        self._events = events
        self._due = {name: spec for spec in trials for name in item_names(spec, repeat)}
        self._runs: Dict[str, List[Sequence[Result]]] = {}
        self._broken: Dict[Tuple[str, str], Set[str]] = {}  # hygiene clauses, by subject and loop
        self._up: Set[str] = set()
        self._stillborn = 0

    def tell(self, **event: Any) -> None:
        """Send one event."""
        _tell(self._events, **event)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a run's results; a report without any is a worker's death or a fault of ours."""
        spec = self._due.pop(report.nodeid.partition("::")[2], None)
        if spec is None:  # told already
            return
        found: List[Any] = [value for key, value in report.user_properties if key == PROPERTY]
        self._take(spec, [*map(Result.from_dict, found)] or [self._without_result(spec, report)])

    def _take(self, spec: TrialSpec, results: Sequence[Result]) -> None:
        """Keep one run's results, and pass on what all runs of the trial come to."""
        runs = self._runs.setdefault(spec.id, [])
        runs.append(results)
        if len(runs) == self._repeat:
            for result in merged(self._runs.pop(spec.id)):
                self._note_hygiene(result)
                self.tell(event="result", result=result.to_dict())

    def tell_unreached(self) -> None:
        """Say of what was due and never came that it was not tried, so that it cannot be missed."""
        for spec in list(self._due.values()):
            self._take(spec, [spec.result(Observation(Ended.UNREACHED), "no worker ran it")])
        self._due.clear()

    def tell_clean(self, clauses: Mapping[str, Clause]) -> None:
        """Say which clauses of hygiene held in every trial that could have broken them.

        Args:
            clauses: those that the run was to judge by.
        """
        for (subject, loop), broken in self._broken.items():
            for clause in (clauses[c] for c in NOISE_IDS.values() if c in clauses):
                if clause.id not in broken:
                    row = Result(
                        subject, loop, "-", clause.id, EVERY_TRIAL, clause.level, Verdict.PASS
                    )
                    self.tell(event="result", result=row.to_dict())

    def _note_hygiene(self, result: Result) -> None:
        if result.verdict in HELD:
            broken = self._broken.setdefault((result.subject, result.loop), set())
            broken.update([result.clause] if result.verdict is Verdict.NOISE else [])

    def _without_result(self, spec: TrialSpec, report: pytest.TestReport) -> Result:
        if report.when == "call":  # the worker's own report, of what the suite raised there
            return spec.result(Observation(Ended.SUITE), str(report.longrepr), report.duration)
        node: Any = report.node  # xdist's report of a dead worker
        return obituary(spec, log_of(node.gateway.id))

    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Note that a worker came up."""
        self._up.add(node.gateway.id)

    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Give the run up when workers die before they have anything to do, one after another."""
        if not error or node.gateway.id in self._up:
            return
        self._stillborn += 1
        if self._stillborn == STILLBORN:
            log = log_of(node.gateway.id)
            imported = log.read_text(encoding="utf-8") if log.exists() else ""
            died = f"{imported}: importing it in a worker ended the worker{_code_of(node)}"
            self.tell(event="broken", text=died if imported else f"workers do not come up: {error}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Pass on what went wrong before any trial could run."""
        if report.failed:
            self.tell(event="broken", text=str(report.longrepr))


def _tell(events: TextIO, **event: Any) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


def _code_of(node: Any) -> str:
    """Say with which code a worker ended, as far as execnet, whose child it is, lets us see."""
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    return f" ({ending(process.wait())})" if process is not None else ""


def main() -> int:
    """Run pytest on the plan in the environment; gives pytest's exit code."""
    plan = RunPlan.from_dict(json.loads(os.environ[PLAN]))
    path = list(sys.path)
    events = os.fdopen(int(os.environ.pop(EVENTS)), "w", encoding="utf-8")
    try:
        selection = Selection(plan, lambda what: _tell(events, event="importing", what=what))
    except StreamgaugeError as error:  # nothing of the sort came of it in the command
        _tell(events, event="broken", text=f"in the process that hosts the run, {error}")
        return error.exit_code
    sys.path[:] = path  # workers get it from here, and append the caller's folder when they are up
    reporter = Reporter(selection.trials, plan.repeat, events)
    reporter.tell(event="started", total=len(selection.trials))
    code = pytest.main(
        [
            *("-c", str(SETTINGS), f"--rootdir={SETTINGS.parent / 'clauses'}", "--noconftest"),
            *("-p", "xdist.plugin", "-p", "streamgauge.conformance.plugin"),
            "--capture=no",  # what a subject prints would fill the disk; `plugin` sends it nowhere
            *("-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"),
            *("--basetemp", os.path.abspath("pytest")),  # in the run's own folder, gone with it
            *("-n", str(plan.workers), f"--max-worker-restart={NO_LIMIT}"),
            *clause_files(selection),
        ],
        plugins=[reporter],
    )
    if code in WENT_THROUGH:
        reporter.tell_unreached()
        reporter.tell_clean(selection.clauses)
    reporter.tell(event="ended", code=int(code))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
