"""The trial process: plays the trials that it is asked for, as long as it stays as it was.

It is forked for a batch of trials. It answers each with one frame, and ends once something has
changed that the next trial would meet. It judges nothing of its own death: whatever does not
come back is the supervisor's to tell.
"""

from __future__ import annotations

import faulthandler
import traceback
from os import _exit, getpid, write  # kept here: a subject may put others in their place
from time import monotonic
from typing import Any, Dict, FrozenSet, Mapping, NoReturn, Sequence, Tuple

from streamgauge.conformance import catalogue, heap, lacking
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.engine import frames
from streamgauge.conformance.loops import LoopFactory
from streamgauge.conformance.memory import MemoryBound
from streamgauge.conformance.plan import Result
from streamgauge.conformance.runner import Sweep, Trialed, TrialSpec, run_trial_and_look
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.verdicts import Ended, Observation

__all__ = ["Player"]

BEAT_S = 0.5  # between two heartbeats of one play: a sign that the loop turns
GONE = 70  # exit code of a process whose line is gone, or that is a copy of another


class Player:
    """Plays trials in this process.

    Args:
        line: the descriptor of the line to the supervisor.
        subject: what is judged.
        loop_factory: makes the loops.
        trials: what may be asked for, by id.
        deadlines: when a wait is given up.
        sweep: how much to play of each check.
    """

    def __init__(
        self,
        line: int,
        subject: Subject,
        loop_factory: LoopFactory,
        trials: Mapping[str, TrialSpec],
        deadlines: Deadlines,
        sweep: Sweep,
    ) -> None:
        self._line = line
        self._subject = subject
        self._loop_factory = loop_factory
        self._trials = trials
        self._deadlines = deadlines
        self._sweep = sweep
        self._pid = getpid()
        self._offered: FrozenSet[str] = frozenset()
        self._nonce = self._plan = ""
        self._beaten = 0.0

    def serve(self) -> NoReturn:
        """Play until the supervisor hangs up, or until this process is spent."""
        faulthandler.enable(2)  # what SIGABRT from the supervisor leaves is the stack
        self._memory = MemoryBound()
        decoder = frames.Decoder()
        try:
            while True:
                for order in frames.receive(self._line, decoder):
                    if self._answer(order.data["nonce"], order.data["trial"]):
                        _exit(0)
        except (EOFError, OSError, frames.GarbageError):
            _exit(GONE)

    def _answer(self, nonce: str, trial: str) -> str:
        """Play one trial and send what came of it; returns why no other may follow, or nothing."""
        self._nonce, self._plan = nonce, ""
        results, fault, spent = self._played(self._trials[trial])
        told = [_told(result) for result in results]
        self._send("answer", nonce=nonce, trial=trial, results=told, fault=fault, spent=spent)
        return spent

    def _played(self, spec: TrialSpec) -> Tuple[Sequence[Result], str, str]:
        heap.freeze()  # what is alive now is never looked at again: a collection is quick
        self._memory.begin()
        trialed, fault = Trialed([], clean=False), ""
        try:
            trialed = self._run(spec)
        except KeyboardInterrupt:  # the subject's: the user's own never comes here
            stopped = spec.result(Observation(Ended.RAISED), "raised KeyboardInterrupt")
            trialed = Trialed([stopped], clean=False)
        except BaseException:  # ours: what a subject raises is in the results
            fault = traceback.format_exc()
        self._end_if_hoarding()
        spent = not trialed.clean or self._memory.spent
        return trialed.results, fault, spent * "changed by its trials"

    def _end_if_hoarding(self) -> None:
        """End this process where the memory that the trial still holds would harm the next one."""
        kept = self._memory.overrun()
        if kept:
            write(2, b"it still held %d MiB of memory when the trial was over" % (kept >> 20))
            _exit(1)

    def _run(self, spec: TrialSpec) -> Trialed:
        lies = self._lies(spec)
        if lies:
            text = f"{spec.subject} declares that it lacks {', '.join(lies)}, and offers it; "
            told = spec.result(Observation(Ended.SUITE), text + "take it out of `lacks`")
            return Trialed([told], clean=True)
        return run_trial_and_look(
            spec, self._subject, self._loop_factory, self._deadlines, self._sweep, self._beat
        )

    def _lies(self, spec: TrialSpec) -> Sequence[str]:
        """Return what the clause needs, the subject declares to lack, and yet offers."""
        if not spec.inapplicable:
            return ()
        needs = {*catalogue.load()[spec.check.clause].needs, *spec.check.needs}
        declared = needs & self._subject.lacks & lacking.NAMES
        if declared and not self._offered:
            self._offered = lacking.offered(
                self._subject, self._loop_factory, self._deadlines.hang_s
            )
        return sorted(declared & self._offered)

    def _beat(self, plan: str) -> None:
        """Tell the supervisor that a play begins, or that its loop still turns."""
        now = monotonic()
        if plan != self._plan or now - self._beaten > BEAT_S:
            self._plan, self._beaten = plan, now
            self._send("play", nonce=self._nonce, plan=plan)

    def _send(self, kind: str, **data: Any) -> None:
        if getpid() != self._pid:  # a copy of this process that a subject has made
            _exit(GONE)
        try:
            frames.send(self._line, frames.encoded(kind, **data))
        except OSError as error:
            write(2, f"its line to the suite was closed: {error}\n".encode())
            _exit(GONE)


def _told(result: Result) -> Dict[str, Any]:
    data = result.to_dict()
    return {name: data[name] for name in frames.RESULT}
