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
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Sequence, TextIO, Tuple

import pytest

from streamgauge.conformance import clocks, lacking
from streamgauge.conformance.catalogue import load
from streamgauge.conformance.deliveries import WHOLE
from streamgauge.conformance.memory import MemoryBound
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import TrialSpec, run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.verdicts import Ended, Observation

__all__ = ["CLAUSES", "LOGS", "PLAN", "PROPERTY", "clause_files", "item_names"]

PLAN = "STREAMGAUGE_PLAN"  # environment variable: the plan as JSON
LOGS = "STREAMGAUGE_LOGS"  # environment variable: the folder of the workers' last words
PROPERTY = "streamgauge"  # the user property that carries a result; a trial may have several
CLAUSES = Path(__file__).parent / "clauses"
DETAIL_AT_MOST = 4000  # characters; a subject may raise a message of any length


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
        self._offered: Dict[Tuple[str, str], FrozenSet[str]] = {}
        faulthandler.enable(log)
        clocks.hang_stall_clock(log)
        _silence()
        self._memory = MemoryBound()
        self._settled = False
        self._logged = ""  # the plan that the log names

    def run(self, spec: TrialSpec) -> List[Result]:
        """Run one trial, each of its plays under the outer clock and within the bounds."""
        if not self._settled:  # all trials are collected by now
            gc.collect()
            self._settled = True
        gc.freeze()  # what is alive now is never looked at again: a collection is quick
        results = self._run(spec)
        kept = self._memory.overrun()
        if kept:  # nothing can be tried any more in this process
            self._begin_log(WHOLE.name)
            self.log.write(f"it still held {kept >> 20:,} MiB of memory when the trial was over")
            self.log.flush()
            os._exit(1)
        return [_clipped(result) for result in results]

    def _run(self, spec: TrialSpec) -> List[Result]:
        self._wind_up(WHOLE.name)
        selection = self.selection
        subject, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
        try:
            lies = self._lies(spec, subject) if spec.inapplicable else ()
            if lies:
                text = f"{spec.subject} declares that it lacks {', '.join(lies)}, and offers it; "
                return [spec.result(Observation(Ended.SUITE), text + "take it out of `lacks`")]
            return run_trial(spec, subject, loop, self.deadlines, selection.sweep, self._wind_up)
        except KeyboardInterrupt:  # the subject's: the user's own ends the whole run from without
            return [spec.result(Observation(Ended.RAISED), "raised KeyboardInterrupt")]
        finally:
            clocks.disarm_stall_clock()

    def _wind_up(self, plan: str) -> None:
        """Begin the outer clock anew."""
        if plan != self._logged:
            self._begin_log(plan)
        clocks.arm_stall_clock(self.deadlines)

    def _begin_log(self, plan: str) -> None:
        """Empty the log but for the name of what is played: its first line."""
        self.log.seek(0)
        self.log.truncate()
        self.log.write(f"{plan}\n")
        self.log.flush()
        self._logged = plan

    def _lies(self, spec: TrialSpec, subject: Subject) -> Sequence[str]:
        """Give what the trial's clause needs, the subject declares to lack, and yet offers."""
        needs = {*self.selection.clauses[spec.check.clause].needs, *spec.check.needs}
        declared = needs & subject.lacks & lacking.NAMES
        if not declared:
            return ()
        key = (spec.subject, spec.loop)
        if key not in self._offered:
            loop = self.selection.loops[spec.loop]
            self._offered[key] = lacking.offered(subject, loop, self.deadlines.hang_s)
        return sorted(declared & self._offered[key])


def _silence() -> None:
    """Send what a subject prints nowhere: a flood of it would fill the disk."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _clipped(result: Result) -> Result:
    detail = result.detail
    if len(detail) <= DETAIL_AT_MOST:
        return result
    short = f"{detail[:DETAIL_AT_MOST]}... ({len(detail):,} characters)"
    return replace(result, detail=short)


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
        selection = _this_worker(self.config).selection
        plan = selection.plan
        for spec in selection.trials:
            if catalogue[spec.check.clause].file == self.path.name:
                for name in item_names(spec, plan.repeat):
                    item: TrialItem = TrialItem.from_parent(self, name=name, spec=spec)
                    yield item


class TrialItem(pytest.Item):
    """One trial."""

    def __init__(self, *, spec: TrialSpec, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.spec = spec

    def runtest(self) -> None:
        """Run it; its results go into the user properties."""
        results = _this_worker(self.config).run(self.spec)
        self.user_properties += [(PROPERTY, result.to_dict()) for result in results]

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


def item_names(spec: TrialSpec, repeat: int) -> List[str]:
    """Give the names of a trial's items: its id; with a number behind it where it is repeated."""
    return [spec.id] if repeat == 1 else [f"{spec.id}#{n}" for n in range(1, repeat + 1)]


def clause_files(selection: Selection) -> List[str]:
    """Give the files to hand to pytest for a selection, in the catalogue's order."""
    catalogue = load()
    names: Dict[str, None] = {catalogue[spec.check.clause].file: None for spec in selection.trials}
    return [str(CLAUSES / name) for name in names]
