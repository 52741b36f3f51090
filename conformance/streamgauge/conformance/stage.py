"""The stage: where a worker plays its trials, in a child process forked for it.

A trial that holds its loop for ever, or kills its process, costs the child and no more: the next
trial is played in another child, forked within milliseconds from a worker that has loaded
everything and played nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import gc
import multiprocessing
import os
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Dict, FrozenSet, List, Optional, Sequence, TextIO, Tuple, Union

from streamgauge.conformance import clocks, lacking
from streamgauge.conformance.deliveries import WHOLE
from streamgauge.conformance.landing import landed
from streamgauge.conformance.memory import MemoryBound
from streamgauge.conformance.plan import Result
from streamgauge.conformance.rehearsal import ending
from streamgauge.conformance.runner import TrialSpec, run_trial_and_look
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.verdicts import Ended, Observation, Verdict, judge

__all__ = ["ForkedStage", "Player", "Stage", "obituary", "player", "threads_now"]

LAST = {  # what a process's last words are told with
    Ended.BLOCKED: "the loop was blocked; its stack:\n",
    Ended.DIED: "the worker process died; ",
}
WORDLESS = "without a word: os._exit, a kill, or the machine's memory"
TASKS = Path("/proc/self/task")
LOOK_S = 1.0  # between two looks whether a child is alive that should have hung up with its death
PLAYS_AT_MOST = 3  # of a trial in which the machine is away each time
FAREWELL_S = 5.0  # for what the subject's modules do at the end of their process


class Stage:
    """Plays trials in the process that it is made in.

    Args:
        selection: what may be played.
        log: where the outer clock and a fatal signal leave their last words.
        factor: what deadlines are multiplied by.
    """

    def __init__(self, selection: Selection, log: TextIO, factor: float) -> None:
        self._selection = selection
        self._log = log
        self._deadlines = clocks.Deadlines(factor)
        self._offered: Dict[Tuple[str, str], FrozenSet[str]] = {}
        self._logged = ""  # the plan that the log names
        self._clean = True  # whether no trial has changed the process
        faulthandler.enable(log)
        clocks.hang_stall_clock(log)
        self._memory = MemoryBound()

    def run(self, spec: TrialSpec) -> List[Result]:
        """Run one trial, each of its plays under the outer clock and within the bounds."""
        gc.freeze()  # what is alive now is never looked at again: a collection is quick
        self._memory.begin()
        self._wind_up(WHOLE.name)
        try:
            results = self._run(spec)
        except KeyboardInterrupt:  # the subject's: the user's own ends the whole run from without
            results = [spec.result(Observation(Ended.RAISED), "raised KeyboardInterrupt")]
        finally:
            clocks.disarm_stall_clock()
        kept = self._memory.overrun()
        if kept:  # it would be the next trial's undoing
            self._begin_log(WHOLE.name)
            self._log.write(f"it still held {kept >> 20:,} MiB of memory when the trial was over")
            self._log.flush()
            os._exit(1)
        return results

    @property
    def spent(self) -> bool:
        """Whether another process should play the next trial: this one is full, or changed."""
        return self._memory.spent or not self._clean

    def _run(self, spec: TrialSpec) -> List[Result]:
        selection = self._selection
        subject, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
        lies = self._lies(spec, subject) if spec.inapplicable else ()
        if lies:
            text = f"{spec.subject} declares that it lacks {', '.join(lies)}, and offers it; "
            return [spec.result(Observation(Ended.SUITE), text + "take it out of `lacks`")]
        trialed = run_trial_and_look(
            spec, subject, loop, self._deadlines, selection.sweep, self._wind_up
        )
        self._clean = self._clean and trialed.clean
        return trialed.results

    def _wind_up(self, plan: str) -> None:
        """Begin the outer clock anew."""
        if plan != self._logged:
            self._begin_log(plan)
        clocks.arm_stall_clock(self._deadlines)

    def _begin_log(self, plan: str) -> None:
        """Empty the log but for the name of what is played: its first line."""
        self._log.seek(0)
        self._log.truncate()
        self._log.write(f"{plan}\n")
        self._log.flush()
        self._logged = plan

    def _lies(self, spec: TrialSpec, subject: Subject) -> Sequence[str]:
        """Give what the trial's clause needs, the subject declares to lack, and yet offers."""
        needs = {*self._selection.clauses[spec.check.clause].needs, *spec.check.needs}
        declared = needs & subject.lacks & lacking.NAMES
        if not declared:
            return ()
        key = (spec.subject, spec.loop)
        if key not in self._offered:
            loop = self._selection.loops[spec.loop]
            self._offered[key] = lacking.offered(subject, loop, self._deadlines.hang_s)
        return sorted(declared & self._offered[key])


class ForkedStage:
    """Plays trials on a stage in a forked child, and in the next child when one has died.

    Args:
        selection: what may be played.
        log: the file that each child's stage keeps as its log.
        factor: what deadlines are multiplied by.
    """

    def __init__(self, selection: Selection, log: Path, factor: float) -> None:
        self._selection = selection
        self._trials = {spec.id: spec for spec in selection.trials}
        self._log = log
        self._factor = factor
        self._child: Optional[multiprocessing.process.BaseProcess] = None
        self._line: Optional[Connection] = None
        self._away = False

    def run(self, spec: TrialSpec) -> List[Result]:
        """Have one trial run; if the child dies of it, that is the result.

        Whoever stops a run (Ctrl-Z, a paused container, a machine that is moved) stops no clock.
        What did not pass while the machine was away says nothing, and is run again.

        Raises:
            RuntimeError: the suite itself raised, in the child.
        """
        for _ in range(PLAYS_AT_MOST):
            self._away = False
            results = self._once(spec)
            if not self._away or all(r.verdict is Verdict.PASS for r in results):
                break
        return results

    def _once(self, spec: TrialSpec) -> List[Result]:
        line = self._line or self._fork()
        try:
            line.send(spec.id)
            while not self._has_answered(line):
                self._see_it_alive()
            results, fault, spent = line.recv()
        except (EOFError, OSError):
            return landed([obituary(spec, self._log, self._bury())])
        if spent:
            self.close()
        if fault:
            raise RuntimeError(fault)
        return list(map(Result.from_dict, results))

    def close(self) -> None:
        """Let the child end: it has nothing to play any more."""
        if self._line is not None:
            self._line.close()
        if self._child is not None:
            self._child.join(FAREWELL_S)
            self._child.kill()
        self._line = self._child = None

    def _fork(self) -> Connection:
        gc.collect()
        gc.freeze()  # a child's collection would copy what it looks at of this process's memory
        self._line, theirs = multiprocessing.Pipe()
        forking = multiprocessing.get_context("fork")
        self._child = forking.Process(target=self._serve, args=(self._line, theirs))
        self._child.start()
        theirs.close()
        return self._line

    def _serve(self, line_of_worker: Connection, line: Connection) -> None:
        """Be the child: play what is asked for until the worker is gone."""
        line_of_worker.close()
        with self._log.open("w", encoding="utf-8") as log, contextlib.suppress(EOFError):
            stage = Stage(self._selection, log, self._factor)
            while True:
                spec = self._trials[line.recv()]
                try:
                    results, fault = [result.to_dict() for result in stage.run(spec)], ""
                except Exception:
                    results, fault = [], traceback.format_exc()
                line.send((results, fault, stage.spent))

    def _has_answered(self, line: Connection) -> bool:
        """Wait for the child as long as one look; notes whether the machine was away meanwhile."""
        due = time.perf_counter() + LOOK_S
        answered = line.poll(LOOK_S)
        self._away = self._away or time.perf_counter() > due + LOOK_S
        return answered

    def _see_it_alive(self) -> None:
        """Raise EOFError if the child is dead, and its end of the line a process's that it left."""
        if self._child is None or not self._child.is_alive():
            raise EOFError

    def _bury(self) -> str:
        """Let go of a dead child; gives how it ended."""
        assert self._child is not None
        child = self._child
        child.kill()  # one that has only closed its end of the line goes as well
        child.join()
        self.close()
        return ending(child.exitcode or 0)


Player = Union[Stage, ForkedStage]


def player(selection: Selection, log: Path, factor: float, threads: int) -> Player:
    """Give what plays trials: children, or this process, if importing a subject left threads.

    A child has no thread but the one that forked it, and the subject might need its own.

    Args:
        selection: what may be played.
        log: the path of the log.
        factor: what deadlines are multiplied by.
        threads: how many this process had before it imported the subjects.
    """
    if threads_now() > threads:
        return Stage(selection, log.open("w", encoding="utf-8"), factor)
    forked = ForkedStage(selection, log, factor)
    atexit.register(forked.close)  # however this process ends: before its children are waited for
    return forked


def threads_now() -> int:
    """Count this process's threads; where the system does not tell, those that Python knows."""
    try:
        return len(os.listdir(TASKS))
    except OSError:
        return threading.active_count()


def obituary(spec: TrialSpec, log: Path, how: str = "") -> Result:
    """Give the result of a trial of which the process that played it has died.

    Args:
        spec: the trial.
        log: what that process kept: the plan it was playing, and its last words.
        how: how it ended, where that is known.
    """
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    plan, _, words = text.partition("\n")
    words = words.strip()
    ended = Ended.BLOCKED if clocks.stalled(words) else Ended.DIED
    detail = f"{LAST[ended]}{words or WORDLESS}"
    if ended is Ended.DIED and how:
        detail += f"; it ended {how}"
    return spec.result_of(
        judge(Observation(ended)), detail, plan="" if plan == WHOLE.name else plan
    )
