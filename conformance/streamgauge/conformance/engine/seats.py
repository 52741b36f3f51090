"""A seat: one place at which trials are played, one after another, by whatever child it takes.

This is where what happens to a child becomes a result. Each event (a frame, the end of a line, a
deadline) is handled by one method; none of them waits, and none raises for anything that a child
does.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

from streamgauge.conformance import catalogue
from streamgauge.conformance.deliveries import WHOLE
from streamgauge.conformance.engine import frames
from streamgauge.conformance.engine.children import Child, Line
from streamgauge.conformance.engine.deadlines import Deadlines
from streamgauge.conformance.engine.frames import Frame, GarbageError
from streamgauge.conformance.engine.tally import Pair
from streamgauge.conformance.landing import landed
from streamgauge.conformance.plan import Result
from streamgauge.conformance.rehearsal import ending
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.verdicts import Ended, Observation, Verdict, judge

__all__ = ["LONGEST_IMPORT_S", "Seat"]

LONGEST_IMPORT_S = 120.0  # an import that takes longer has no end
GRACE_S = 3.0  # for a process that is told to end, times the machine's unit
PLAYS_AT_MOST = 3  # of a trial in which the machine sleeps each time, or that nobody began
READS = 16  # of what a line holds; the kernel keeps less than as many chunks
STILLBORN = 3  # children that fail to import, one after another, before the pair is given up
NO_STACK = (f'File "{Path(__file__).parent}', "Fatal Python error: Aborted", "Extension modules: ")
WORDLESS = "without a word: os._exit, a kill, or the machine's memory"


class Seat:
    """One place.

    Args:
        start: makes a child for a pair.
        deadlines: the supervisor's clock; the seat's key is the seat.
        stall_s: seconds after a heartbeat at which a trial is overdue.
        unit: how many times slower than the nominal one this machine is.
        done: takes the results of the trial that was played.
    """

    def __init__(
        self,
        start: Callable[[Pair], Child],
        deadlines: Deadlines,
        stall_s: float,
        unit: float,
        done: Callable[[TrialSpec, Sequence[Result]], None],
    ) -> None:
        self._start = start
        self._deadlines = deadlines
        self._stall_s = stall_s + GRACE_S * unit
        self._grace_s = GRACE_S * unit
        self._done = done
        self.pair: Optional[Pair] = None
        self.spec: Optional[TrialSpec] = None
        self.child: Optional[Child] = None
        self._nonce = self._plan = ""
        self._aborted = self._hung_up = self._slept = False
        self._tries = self._stillborn = 0
        self._why = ""

    # --- giving it something to do ---------------------------------------------------------

    def play(self, spec: TrialSpec) -> None:
        """Begin a trial."""
        pair = (spec.subject, spec.loop)
        if pair != self.pair:
            self.leave()
            self._stillborn = 0
        self.pair, self.spec, self._tries = pair, spec, 0
        self._again()

    def leave(self) -> None:
        """End the child, if there is one, and whatever it is at."""
        self._deadlines.clear(self)
        child, self.child = self.child, None
        if child is not None and child.ready and not self.playing:
            child.retire()
        elif child is not None:
            child.kill()

    @property
    def playing(self) -> bool:
        """Whether a trial has been ordered of a process, and not come to its end."""
        return self.spec is not None and bool(self._nonce)

    def oversleep(self) -> None:
        """Note that the machine, or a process of the run, was not running for a while."""
        self._slept = True

    def _again(self) -> None:
        """Begin the trial, or begin it anew, as far as is possible now."""
        assert self.pair is not None
        self._nonce = ""
        if self.child is None and self._stillborn >= STILLBORN:
            self._end(Ended.ADAPTER, self._why)
        elif self.child is None:
            try:
                self.child = self._start(self.pair)
            except OSError as error:
                self._end(Ended.SUITE, f"the machine refused a process: {error}")
            else:
                self._deadlines.set(self, LONGEST_IMPORT_S)
        elif self.child.ready:
            self._order(self.child)

    def _order(self, child: Child) -> None:
        assert self.spec is not None
        self._nonce, self._plan = secrets.token_hex(8), WHOLE.name
        self._aborted = self._hung_up = self._slept = False
        self._tries += 1
        child.forget()
        try:
            line = child.trial or child.hire()
            line.send(frames.encoded("order", nonce=self._nonce, trial=self.spec.id))
        except EOFError:  # noticed by its line, too
            pass
        except OSError as error:
            self._end(Ended.SUITE, f"the machine refused a descriptor: {error}")
            return
        self._deadlines.set(self, self._stall_s)

    # --- what happens ----------------------------------------------------------------------

    def watched(self) -> Iterator[Tuple[int, Callable[[], object]]]:
        """Return what to listen to: descriptors, each with what takes what comes there."""
        child = self.child
        if child is not None:
            yield child.line.sock.fileno(), lambda: self._hear_child(child.line)
            if child.talks:
                yield child.output, child.listen
            if child.trial is not None and not self._hung_up:
                trial = child.trial
                yield trial.sock.fileno(), lambda: self._hear_trial(trial)

    def _hear_child(self, line: Line) -> None:
        """Take what the process that imports says."""
        if self.child is None or line is not self.child.line:
            return
        try:
            for frame in line.frames():
                self._take_from_child(self.child, frame)
        except EOFError:
            self._lost()
        except GarbageError as error:
            self._garbled(error)

    def _take_from_child(self, child: Child, frame: Frame) -> None:
        if frame.kind == "offer" and not child.ready:
            child.ready, child.threads, self._stillborn = True, frame.data["threads"], 0
            if self.spec is not None:
                self._again()
        elif frame.kind == "refusal" and not child.ready:
            self._unborn(frame.data["text"])
        elif frame.kind == "stopped":
            child.note(frame)
            self._slept = True
        elif frame.kind in ("forked", "ended", "unforked") and child.ready:
            if child.note(frame):
                self._hear_the_rest(child)
                child.let_go()
                if frame.kind == "unforked":
                    self._end(Ended.SUITE, frame.data["text"])
                elif self.playing:
                    self._died(ending(frame.data["status"]), child.words)
        else:
            raise GarbageError(f"got {frame.kind!r}, which was not asked for")

    def _hear_the_rest(self, child: Child) -> None:
        """Take what a process said before it ended; a copy of it may keep the line open."""
        for _ in range(READS):
            if self.child is child and child.trial is not None and not self._hung_up:
                self._hear_trial(child.trial)

    def _hear_trial(self, line: Line) -> None:
        """Take what the process that plays says."""
        if self.child is None or line is not self.child.trial:
            return
        try:
            for frame in line.frames():
                self._take_from_trial(self.child, frame)
        except EOFError:  # how it ended is told by the process that forked it
            self._hung_up = True
            self._deadlines.set(self, self._grace_s)
        except GarbageError as error:
            self._garbled(error)

    def _take_from_trial(self, child: Child, frame: Frame) -> None:
        if frame.kind == "refusal" and self.spec is not None:
            child.let_go()
            self._end(Ended.SUITE, frame.data["text"])
        elif not self.playing or frame.data.get("nonce") != self._nonce:
            raise GarbageError(f"got {frame.kind!r} for a trial that is not under way")
        elif frame.kind == "play":
            self._plan = frame.data["plan"]
            if not self._aborted:
                self._deadlines.set(self, self._stall_s)
        elif frame.kind == "answer" and self.spec and frame.data["trial"] == self.spec.id:
            if frame.data["spent"] and child.threads:
                self.leave()
            elif frame.data["spent"]:
                child.let_go()
            self._answered(frame)
        else:
            raise GarbageError(f"got {frame.kind!r}, which was not asked for")

    def overdue(self) -> None:
        """Handle the deadline."""
        child = self.child
        if child is None:
            return
        if not child.ready:
            self._unborn(
                f"importing it did not end in {LONGEST_IMPORT_S:.0f} seconds; "
                "let the module do its work when it is used, not when it is imported"
            )
        elif self._hung_up:
            self._lose(Ended.DIED, f"its process closed its line to the suite; {child.words}")
        elif not self._aborted and child.abort():
            self._aborted = True
            self._deadlines.set(self, self._grace_s)
        elif not child.player and not child.threads and self._tries < PLAYS_AT_MOST:
            self.leave()  # nobody has begun it
            self._again()
        else:
            stopped = "; its process was stopped (SIGSTOP), and nobody let it go on"
            self._slept = self._slept and not child.stopped
            self._stalled(child.words + stopped * child.stopped)

    # --- what it comes to ------------------------------------------------------------------

    def _answered(self, frame: Frame) -> None:
        assert self.spec is not None
        if frame.data["fault"]:
            self._end(Ended.SUITE, frame.data["fault"])
            return
        try:
            results = [_result(self.spec, told) for told in frame.data["results"]]
        except (KeyError, IndexError):
            raise GarbageError("got results of clauses that there are not") from None
        if not results or results[0].clause != self.spec.check.clause or results[0].tried:
            raise GarbageError("got no result of the clause that was tried")
        self._finish(results)

    def _lost(self) -> None:
        """Handle that the child is gone, or has closed its line."""
        child = self.child
        assert child is not None
        how, words, played = ending(child.collected()), child.words, self.playing
        self.leave()
        if not child.ready:
            self._unborn(f"importing it ended the process ({how})")
        elif played:
            self._died(how, words)

    def _unborn(self, why: str) -> None:
        assert self.pair is not None
        self.leave()
        self._why = f"{why}; another process had imported it without that"
        self._stillborn += 1
        if self.spec is not None:
            self._again()

    def _garbled(self, error: GarbageError) -> None:
        self._lose(Ended.DIED, f"its process answered with what is no answer: {error}")

    def _died(self, how: str, words: str) -> None:
        if self._aborted and "SIGABRT" in how:
            self._stalled(words)
            return
        detail = f"the process died; {words or WORDLESS}; it ended {how}"
        self._finish(landed([self._obituary(Ended.DIED, detail)]))

    def _stalled(self, words: str) -> None:
        self._lose(Ended.BLOCKED, f"the loop was blocked; its stack:\n{_stack(words)}")

    def _lose(self, ended: Ended, detail: str) -> None:
        """End the child; what it played came to this."""
        played = self.playing
        self.leave()
        if played:
            self._finish(landed([self._obituary(ended, detail)]))
        elif self.spec is not None:
            self._unborn(detail)

    def _obituary(self, ended: Ended, detail: str) -> Result:
        assert self.spec is not None
        plan = "" if self._plan == WHOLE.name else self._plan
        return self.spec.result_of(judge(Observation(ended)), detail, plan=plan)

    def _end(self, ended: Ended, detail: str) -> None:
        if self.spec is not None:
            self._finish([self.spec.result(Observation(ended), detail)])

    def _finish(self, results: List[Result]) -> None:
        """Hand the results over; what departed while a process slept is played again instead."""
        passed = all(result.verdict is Verdict.PASS for result in results)
        if self._slept and self.playing and not passed and self._tries < PLAYS_AT_MOST:
            self._again()
            return
        spec, self.spec, self._nonce = self.spec, None, ""
        self._deadlines.clear(self)
        assert spec is not None
        self._done(spec, results)


def _stack(words: str) -> str:
    """Return the stack in what faulthandler has printed, without the engine's part of it."""
    lines = words.splitlines()
    return "\n".join(one for one in lines if one and not any(text in one for text in NO_STACK))


def _result(spec: TrialSpec, told: Mapping[str, Any]) -> Result:
    """Make a result of what a trial told: all else of it is known here."""
    result = spec.result_of(
        Verdict(told["verdict"]),
        told["detail"],
        seconds=told["seconds"],
        plan=told["plan"],
        clause=told["clause"] if told["tried"] else "",
    )
    if told["clause"] not in catalogue.load():
        raise KeyError(told["clause"])
    return replace(result, plays=told["plays"])
