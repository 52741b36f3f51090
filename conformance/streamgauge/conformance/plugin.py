"""The pytest plugin: trials as items, each run by itself in a worker of pytest-xdist.

The catalogue's TOML files are what pytest collects, so that a node id reads
`reader.toml::reader.readuntil.split-separator[...]`. The plan reaches every worker through the
environment; a result leaves it in the report's user properties.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest

from streamgauge.conformance import clocks
from streamgauge.conformance.catalogue import load
from streamgauge.conformance.errors import StreamgaugeError
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.stage import player, threads_now

__all__ = ["CLAUSES", "LOGS", "PLAN", "PROPERTY", "clause_files", "item_names", "log_of"]

PLAN = "STREAMGAUGE_PLAN"  # environment variable: the plan as JSON
LOGS = "STREAMGAUGE_LOGS"  # environment variable: the folder of the workers' last words
PROPERTY = "streamgauge"  # the user property that carries a result; a trial may have several
CLAUSES = Path(__file__).parent / "clauses"
DETAIL_AT_MOST = 4000  # characters; a subject may raise a message of any length


class _Worker:
    """What a worker process holds while it runs trials.

    Args:
        plan: what to run.
        log: where the last words of whatever plays a trial are left.
    """

    def __init__(self, plan: RunPlan, log: Path) -> None:
        threads = threads_now()

        def announce(what: str) -> None:  # of an import that never comes back, this is left
            log.write_text(what)

        self.selection = Selection(plan, announce)
        announce("")
        _silence()
        factor = clocks.unit() * plan.timeout_factor
        self.player = player(self.selection, log, factor, threads)

    def run(self, spec: TrialSpec) -> List[Result]:
        """Run one trial."""
        return [_clipped(result) for result in self.player.run(spec)]


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
        log = log_of(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
        _worker = _Worker(RunPlan.from_dict(json.loads(os.environ[PLAN])), log)
    return _worker


class ClauseFile(pytest.File):
    """One of the catalogue's files, as the collector of its clauses' trials."""

    def collect(self) -> Iterator[TrialItem]:
        """Give the plan's trials of the clauses that stand in this file."""
        catalogue = load()
        try:
            selection = _this_worker(self.config).selection
        except StreamgaugeError as error:  # nothing of the sort came of it in the command
            raise self.CollectError(f"in a worker, {error}") from error
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


def log_of(worker: str) -> Path:
    """Give the path of the last words of a worker, or of its child, by the worker's name."""
    return Path(os.environ[LOGS]) / f"{worker}.log"


def item_names(spec: TrialSpec, repeat: int) -> List[str]:
    """Give the names of a trial's items: its id; with a number behind it where it is repeated."""
    return [spec.id] if repeat == 1 else [f"{spec.id}#{n}" for n in range(1, repeat + 1)]


def clause_files(selection: Selection) -> List[str]:
    """Give the files to hand to pytest for a selection, in the catalogue's order."""
    catalogue = load()
    names: Dict[str, None] = {catalogue[spec.check.clause].file: None for spec in selection.trials}
    return [str(CLAUSES / name) for name in names]
