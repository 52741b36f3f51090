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
from typing import Any, Dict, Set, TextIO

import pytest

from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.plugin import LOGS, PLAN, PROPERTY, clause_files
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Ended, Observation

__all__ = ["EVENTS", "main"]

EVENTS = "STREAMGAUGE_EVENTS"  # environment variable: number of the descriptor to write to
SETTINGS = Path(__file__).with_name("host.ini")  # instead of whatever pytest would find
STILLBORN = 3  # workers that die before their first trial; so many are no accident
NO_LIMIT = 1_000_000  # workers that may be replaced: a subject may kill one in every trial


class Reporter:
    """Turns pytest's reports into events.

    Args:
        trials: every trial of the run, by the last part of its node id.
        events: where the JSON lines go.
    """

    def __init__(self, trials: Dict[str, TrialSpec], events: TextIO) -> None:
        self._trials = trials
        self._events = events
        self._told: Dict[str, None] = {}
        self._up: Set[str] = set()
        self._stillborn = 0

    def tell(self, **event: Any) -> None:
        """Send one event."""
        self._events.write(json.dumps(event) + "\n")
        self._events.flush()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pass on a result; a report without one is a worker's death or a fault of ours."""
        name = report.nodeid.partition("::")[2]
        if name in self._told:
            return
        self._told[name] = None
        for key, value in report.user_properties:
            if key == PROPERTY:
                self.tell(event="result", result=value)
                return
        self.tell(event="result", result=self._without_result(name, report).to_dict())

    def _without_result(self, name: str, report: pytest.TestReport) -> Result:
        spec = self._trials[name]
        node: Any = getattr(report, "node", None)
        if node is None:
            return spec.result(Observation(Ended.SUITE), str(report.longrepr), report.duration)
        words = _last_words(node.gateway.id)
        if words.startswith("Timeout"):
            return spec.result(
                Observation(Ended.BLOCKED), f"the loop was blocked; its stack:\n{words}"
            )
        detail = words or "without a word: os._exit, a kill, or the machine's memory"
        return spec.result(Observation(Ended.DIED), f"the worker process died; {detail}")

    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        """Note that a worker came up."""
        self._up.add(node.gateway.id)

    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Give the run up when workers die before they have anything to do, one after another."""
        if not error or node.gateway.id in self._up:
            return
        self._stillborn += 1
        if self._stillborn == STILLBORN:
            self.tell(event="broken", text=f"workers do not come up: {error}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Pass on what went wrong before any trial could run."""
        if report.failed:
            self.tell(event="broken", text=str(report.longrepr))


def _last_words(worker: str) -> str:
    log = Path(os.environ[LOGS]) / f"{worker}.log"
    return log.read_text(encoding="utf-8", errors="replace").strip() if log.exists() else ""


def main() -> int:
    """Run pytest on the plan in the environment; gives pytest's exit code."""
    plan = RunPlan.from_dict(json.loads(os.environ[PLAN]))
    path = list(sys.path)
    selection = Selection(plan)
    sys.path[:] = path  # workers get it from here, and append the caller's folder when they are up
    events = os.fdopen(int(os.environ.pop(EVENTS)), "w", encoding="utf-8")
    reporter = Reporter({spec.id: spec for spec in selection.trials}, events)
    reporter.tell(event="started", total=len(selection.trials))
    code = pytest.main(
        [
            *("-c", str(SETTINGS), f"--rootdir={SETTINGS.parent / 'clauses'}", "--noconftest"),
            *("-p", "xdist.plugin", "-p", "streamgauge.conformance.plugin"),
            *("-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"),
            *("--basetemp", os.path.abspath("pytest")),  # in the run's own folder, gone with it
            *("-n", str(plan.workers), f"--max-worker-restart={NO_LIMIT}"),
            *clause_files(selection),
        ],
        plugins=[reporter],
    )
    reporter.tell(event="ended", code=int(code))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
