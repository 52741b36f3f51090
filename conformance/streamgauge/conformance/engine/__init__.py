"""The engine: runs a plan in processes of its own and tells a listener what came of it.

Here is the caller's side: it starts the supervisor's process (`process.py`), in an empty folder
and with a cleaned environment, gives it the plan and reads what it tells. Neither imports a
subject: children do, one for each subject and loop (`keeper.py`); they fork what plays trials
(`player.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from streamgauge.conformance import errors, unix, versions
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.machine import need_unix, short_folder
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.showing import clean

__all__ = ["Run", "check_plan", "opened", "run"]

START = Path(__file__).with_name("start.py")
OURS = ("PYTEST_", "PY_COLORS", "STREAMGAUGE_", "COVERAGE_PROCESS_START")
MARK = "STREAMGAUGE_RUN"  # environment variable of every process of a run
LAST_LINES = 15  # of the supervisor's own output, for the message when it broke
ROOM_BYTES = 56  # of a unix socket's path: the folders of run, child and trial, and the socket
FAREWELL_S = 10.0  # for the supervisor to end its children and itself


def check_plan(plan: RunPlan) -> int:
    """Resolve a plan without running it.

    Args:
        plan: what is asked for.

    Returns:
        The number of trials.

    Raises:
        UsageError: for a subject, loop, link, edition or pattern that does not exist, and for a
            module that cannot be imported, or ends the process that imports it.
        NothingToRunError: if no trial is left.
    """
    with opened(plan) as resolved:
        return len(resolved.trials)


def run(plan: RunPlan, listener: Listener) -> bool:
    """Run a plan.

    Args:
        plan: what to run.
        listener: told of the start, of each result, and asked whether to go on.

    Returns:
        True if the run ended by itself, False if the listener cut it short.

    Raises:
        UsageError, NothingToRunError: as `check_plan` does.
        HarnessError: if the engine's own process broke.
    """
    with opened(plan) as resolved:
        return resolved.go(listener)


@contextlib.contextmanager
def opened(plan: RunPlan) -> Iterator[Run]:
    """Start a supervisor and have a plan resolved; it ends with the block, and all its children.

    Raises:
        UsageError, NothingToRunError: as `check_plan` does.
        HarnessError: if the engine's own process broke.
    """
    run = Run(plan)
    try:
        run.resolve()
        yield run
    finally:
        run.close()


class Run:
    """A plan in the hands of a supervisor.

    Args:
        plan: what is asked for.

    Attributes:
        trials: the ids of its trials.
        offers: what each subject offers, by its name.
        warnings: lines about the subjects.
    """

    def __init__(self, plan: RunPlan) -> None:
        need_unix()
        self.plan = plan
        self.trials: List[str] = []
        self.offers: Dict[str, Dict[str, Any]] = {}
        self.warnings: List[str] = []
        self._folder = tempfile.mkdtemp(prefix="streamgauge-", dir=short_folder(ROOM_BYTES))
        self._output = Path(self._folder) / "supervisor.out"
        with self._output.open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, *_flags(), str(START), *_absolute(sys.path)],
                cwd=self._folder,
                env=_environment(self._folder),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                start_new_session=True,
            )

    def resolve(self) -> None:
        """Have the plan resolved.

        Raises:
            UsageError, NothingToRunError: as `check_plan` does.
            HarnessError: if the engine's own process broke.
        """
        self._tell(plan=self.plan.to_dict(), folder=self._folder)
        for event in self._events():
            if event["event"] == "refused":
                raise getattr(errors, event["error"])(event["text"])
            if event["event"] == "offers":
                self.offers = event["offers"]
                versions.NOTED.update({n: o["version"] for n, o in self.offers.items()})
            elif event["event"] == "warning":
                self.warnings.append(event["text"])
            elif event["event"] == "resolved":
                self.trials = event["trials"]
                runs = len(self.trials) * self.plan.repeat
                self.plan = replace(self.plan, workers=min(self.plan.workers, runs))
                return

    def go(self, listener: Listener) -> bool:
        """Have every trial played.

        Returns:
            True if the run ended by itself, False if the listener cut it short.

        Raises:
            HarnessError: if the engine's own process broke.
        """
        for text in self.warnings:
            listener.warning(text)
        listener.started(len(self.trials))
        return self._listen(listener)

    def play(self, trials: Sequence[str]) -> List[Result]:
        """Have some trials played.

        Args:
            trials: their ids.

        Returns:
            What all of them came to, and what their plays showed of other clauses.

        Raises:
            HarnessError: if the engine's own process broke.
        """
        kept = _Kept()
        self._listen(kept, play=list(trials))
        return kept.results

    def close(self) -> None:
        """End the supervisor, its children, and the run's folder."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        try:
            self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                unix.os.killpg(self._process.pid, unix.signal.SIGKILL)
            self._process.wait()
        self._end_what_was_left()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_what_was_left(self) -> None:
        """End processes that have left their session, or whose supervisor was killed."""
        mark = os.fsencode(f"{MARK}={self._folder}")
        for listed in Path("/proc").glob("[0-9]*/environ"):  # where there is none, none is found
            with contextlib.suppress(OSError):
                if mark in listed.read_bytes().split(b"\0"):
                    os.kill(int(listed.parent.name), unix.signal.SIGKILL)

    def _listen(self, listener: Listener, **order: Any) -> bool:
        self._tell(**{"run": True, **order})
        for event in self._events():
            if event["event"] == "result":
                listener.result(Result.from_dict(event["result"]))
            elif event["event"] == "warning":
                listener.warning(event["text"])
            elif event["event"] == "ended":
                return bool(event["complete"])
            if listener.wants_stop:
                return False
        return False

    def _tell(self, **order: Any) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # noticed where it does not answer
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def _events(self) -> Iterator[Dict[str, Any]]:
        assert self._process.stdout
        for line in self._process.stdout:
            yield json.loads(line)
        raise HarnessError(f"the run broke off:\n{self._last_lines()}")

    def _last_lines(self) -> str:
        lines = clean(self._output.read_text(errors="replace"), 1 << 20).splitlines()
        return "\n".join(lines[-LAST_LINES:]) or "the engine's process left no word"


class _Kept(Listener):
    def __init__(self) -> None:
        self.results: List[Result] = []

    def result(self, result: Result) -> None:
        self.results.append(result)


def _flags() -> List[str]:
    """Return the options of this interpreter, for another."""
    options = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    options += [f"-W{each}" for each in sys.warnoptions]
    named: Dict[str, Any] = getattr(sys, "_xoptions", {})
    for name, value in named.items():
        options += ["-X", name if value is True else f"{name}={value}"]
    return options


def _absolute(path: Sequence[str]) -> List[str]:
    return [os.path.abspath(each) for each in path]


def _environment(folder: str) -> Dict[str, str]:
    """Return the caller's environment without pytest's settings and with absolute paths."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    if kept.get("PYTHONPATH"):
        kept["PYTHONPATH"] = os.pathsep.join(_absolute(kept["PYTHONPATH"].split(os.pathsep)))
    return {**kept, MARK: folder, "TMPDIR": folder, "PYTHONIOENCODING": "utf-8"}
