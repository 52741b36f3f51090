"""The pytest plugin: trials as items, each run by itself in a worker of pytest-xdist.

The catalogue's TOML files are what pytest collects, so that a node id reads
`reader.toml::reader.readuntil.split-separator[...]`. The plan reaches every worker through the
environment; a result leaves it in the report's user properties.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, TextIO

import pytest

from streamgauge.conformance import clocks
from streamgauge.conformance.catalogue import load
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import TrialSpec, run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Ended, Observation

__all__ = ["CLAUSES", "LOGS", "PLAN", "PROPERTY"]

PLAN = "STREAMGAUGE_PLAN"  # environment variable: the plan as JSON
LOGS = "STREAMGAUGE_LOGS"  # environment variable: the folder of the workers' last words
PROPERTY = "streamgauge"  # the user property that carries a result
CLAUSES = Path(__file__).parent / "clauses"


class _Worker:
    """What a worker process holds while it runs trials.

    Args:
        plan: what to run.
        log: where the outer clock and a fatal signal leave their last words.
    """

    def __init__(self, plan: RunPlan, log: TextIO) -> None:
        self.selection = Selection(plan)
        self.deadlines = clocks.Deadlines(clocks.unit() * plan.timeout_factor)
        self.log = log
        faulthandler.enable(log)
        gc.collect()
        gc.freeze()  # what is alive now is never looked at again: a collection costs microseconds

    def run(self, spec: TrialSpec) -> Result:
        """Run one trial under the outer clock."""
        self.log.seek(0)
        self.log.truncate()
        clocks.arm_stall_clock(self.deadlines, self.log)
        try:
            subject = self.selection.subjects[spec.subject]
            return run_trial(spec, subject, self.selection.loops[spec.loop], self.deadlines)
        except KeyboardInterrupt:  # the subject's: the user's own ends the whole run from without
            return spec.result(Observation(Ended.RAISED), "raised KeyboardInterrupt")
        finally:
            clocks.disarm_stall_clock()


_worker: Optional[_Worker] = None


def _this_worker(config: pytest.Config) -> _Worker:
    global _worker  # noqa: PLW0603 - one for the process, made when the first trial is run
    if _worker is None:
        name = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
        log = open(Path(os.environ[LOGS]) / f"{name}.log", "w", encoding="utf-8")  # noqa: SIM115 - open while the process lives
        _worker = _Worker(RunPlan.from_dict(json.loads(os.environ[PLAN])), log)
    return _worker


class ClauseFile(pytest.File):
    """One of the catalogue's files, as the collector of its clauses' trials."""

    def collect(self) -> Iterator[TrialItem]:
        """Give the plan's trials of the clauses that stand in this file."""
        catalogue = load()
        for spec in _this_worker(self.config).selection.trials:
            if catalogue[spec.check.clause].file == self.path.name:
                item: TrialItem = TrialItem.from_parent(self, name=spec.id, spec=spec)
                yield item


class TrialItem(pytest.Item):
    """One trial."""

    def __init__(self, *, spec: TrialSpec, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = spec

    def runtest(self) -> None:
        """Run it; the result goes into the user properties."""
        result = _this_worker(self.config).run(self.spec)
        self.user_properties.append((PROPERTY, result.to_dict()))

    def reportinfo(self) -> Any:
        """Say where it stands, for pytest."""
        return self.path, None, self.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Optional[ClauseFile]:
    """Take the catalogue's files as collectors."""
    if file_path.parent == CLAUSES and file_path.suffix == ".toml":
        collector: ClauseFile = ClauseFile.from_parent(parent, path=file_path)
        return collector
    return None


def pytest_runtest_protocol(item: pytest.Item) -> Optional[bool]:
    """Run a trial without pytest's set-up and tear-down: one report instead of three."""
    if not isinstance(item, TrialItem):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    call = pytest.CallInfo.from_call(item.runtest, when="call", reraise=(KeyboardInterrupt,))
    report = pytest.TestReport(
        item.nodeid,
        item.location,
        keywords={},
        outcome="failed" if call.excinfo else "passed",
        longrepr=str(call.excinfo.getrepr()) if call.excinfo else None,
        when="call",
        user_properties=item.user_properties,
        duration=call.duration,
    )
    item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def clause_files(selection: Selection) -> List[str]:
    """Give the files to hand to pytest for a selection, in the catalogue's order."""
    catalogue = load()
    names: Dict[str, None] = {catalogue[spec.check.clause].file: None for spec in selection.trials}
    return [str(CLAUSES / name) for name in names]
