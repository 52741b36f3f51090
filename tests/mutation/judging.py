"""Judges mutants by the conformance suite, each in a forked process, and says what killed them.

A **target** says which modules there are to mutate and how a subject is made of a mutant. First the
sound implementation is judged: what speaks against it here speaks against no mutant, and which of
the target's lines each trial runs is noted. A mutant is tried by the trials alone that run its
line, those first that killed the last ones; its first departure ends it. A trial that takes many
times the processor time that it takes otherwise holds its loop: killed as well.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Callable, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from streamgauge.conformance import catalogue, clocks, registry
from streamgauge.conformance.forking import fork
from streamgauge.conformance.link_types import available_links
from streamgauge.conformance.loops import resolve_loop
from streamgauge.conformance.plan import STOCK_LOOP, RunPlan
from streamgauge.conformance.runner import TrialSpec, run_trial
from streamgauge.conformance.saboteurs.matrix import QUICKEST
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.subjects import ShapedSubject
from streamgauge.conformance.verdicts import Verdict

from .mutants import Mutant
from .targets import Target

__all__ = ["Sound", "judged", "sound", "specs"]

PATIENCE = 6  # times what the trial takes with the sound implementation, of processor time
LEAST_PATIENCE_S = 2.0
STILL_S = 90.0  # without a trial's end, on the wall clock: it waits outside of its loop
MEMORY_BYTES = 4 * 2**30  # of a mutant's process; one that gathers without end is ended by it
PASSED = (Verdict.PASS, Verdict.INAPPLICABLE, Verdict.PRECONDITION)

Line = Tuple[str, int]  # a file, and a line of it
Against = FrozenSet[Tuple[str, str]]  # clauses and verdicts


@dataclass
class Trial:
    """One trial, and what is known of it.

    Args:
        spec: what is tried.
        excused: what speaks against the sound implementation, too.
        ran: lines of the target's modules that it runs.
        seconds: how much processor time it takes.
    """

    spec: TrialSpec
    excused: Against = frozenset()
    ran: FrozenSet[Line] = frozenset()
    seconds: float = 0.0

    @property
    def patience_s(self) -> float:
        """Seconds of processor time after which it is taken for held."""
        return max(LEAST_PATIENCE_S, PATIENCE * self.seconds)


@dataclass
class Sound:
    """What the sound implementation showed.

    Args:
        trials: all of them; the last killer stands first.
    """

    trials: List[Trial] = field(default_factory=list)

    def trials_of(self, mutant: Mutant) -> List[Trial]:
        """Give the trials that a mutant could matter to."""
        places = {(str(mutant.path), line) for line in mutant.reached}
        return [t for t in self.trials if not places or places & t.ran]

    def killed(self, by: Trial) -> None:
        """Try this one first from now on."""
        self.trials = [by, *(t for t in self.trials if t is not by)]


def specs(target: Target, most_links: int, loop: str) -> List[TrialSpec]:
    """Give the trials: each check on its quickest links, those that are quick first."""
    clauses = catalogue.load()
    if not target.every_edition:
        clauses = clauses.for_edition(edition_of(RunPlan()))
    links = [link for link in QUICKEST if link != "own" and not available_links()[link]]
    ranked: List[Tuple[int, TrialSpec]] = []
    for check in registry.all_checks():
        if check.clause in clauses:
            mine = [link for link in links if link in check.links]
            for rank, link in enumerate(mine[:most_links]):
                level = clauses[check.clause].level
                spec = TrialSpec(check, level, "mutant", loop, link)
                ranked.append((rank * 10 + links.index(link), spec))
    return [spec for _, spec in sorted(ranked, key=lambda pair: pair[0])]


def sound(target: Target, most_links: int = 2, loop: str = STOCK_LOOP) -> Sound:
    """Judge the sound implementation.

    Args:
        target: what it is.
        most_links: how many links of each check are tried, the quickest first.
        loop: name of the loop on which it is tried, and all its mutants will be.
    """
    target.load(None)  # compiled once, for all who are forked from here
    trials = [Trial(spec) for spec in specs(target, most_links, loop)]
    for trial, told in zip(trials, _lines(lambda write: _be_sound(target, trials, write))):
        trial.excused = frozenset((clause, verdict) for clause, verdict, _ in told["against"])
        trial.ran = frozenset((path, line) for path, line in told["ran"])
        trial.seconds = told["seconds"]
    return Sound(sorted(trials, key=lambda t: t.seconds))


def judged(
    target: Target, mutants: Sequence[Mutant], known: Sound, jobs: int
) -> Iterator[Tuple[Mutant, str]]:
    """Judge mutants; gives each with what killed it, empty for one that survived."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(mutants, pool.map(lambda m: _killed_by(target, m, known), mutants))


def _killed_by(target: Target, mutant: Mutant, known: Sound) -> str:
    trials = known.trials_of(mutant)
    count = -1  # of trials that have ended; the first line tells that there will be some
    for told in _lines(lambda write: _be(target, mutant, trials, write), STILL_S):
        if "killer" in told:
            if told["trial"] is not None:
                known.killed(trials[told["trial"]])
            return str(told["killer"])
        if told.get("survived"):
            return ""
        if "ended" in told:
            held = told["ended"] in (signal.SIGPROF, signal.SIGKILL) and count >= 0
            return f"held its loop in {trials[count].spec.id}" if held else "the process died"
        count += 1
    raise AssertionError("a child tells how it ended")


def _lines(be: Callable[[int], None], still_s: Optional[float] = None) -> Iterator[Any]:
    """Fork, and give what the child tells, an object a line; last the signal that ended it."""
    reading, writing = os.pipe()
    child = fork()  # no trial ever runs in this process: threads would not come along
    if not child:
        os.close(reading)
        _as_child(be, writing)
    os.close(writing)
    said, status = b"", None
    try:
        while status is None:
            ready, _, _ = select.select([reading], [], [], still_s)
            piece = os.read(reading, 2**20) if ready else b""
            *lines, said = (said + piece).split(b"\n")
            yield from map(json.loads, lines)
            if not piece:
                status = _ended(child)
        yield {"ended": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
    finally:
        os.close(reading)
        if status is None:
            _ended(child)


def _ended(child: int) -> int:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _as_child(be: Callable[[int], None], writing: int) -> None:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        be(writing)
    except BaseException as error:
        _tell(writing, killer=f"raised {error!r}", trial=None)
    finally:
        os._exit(0)


def _tell(writing: int, **what: Any) -> None:
    line = json.dumps(what).encode() + b"\n"
    while line:  # a signal that is caught can end a write early
        line = line[os.write(writing, line) :]


def _be(target: Target, mutant: Mutant, trials: Sequence[Trial], writing: int) -> None:
    """Be the mutant's process."""
    _tell(writing)
    try:
        subject = _subject(target, mutant)
    except Exception as error:
        return _tell(writing, killer=f"import: {error!r}", trial=None)
    for number, trial in enumerate(trials):
        signal.setitimer(signal.ITIMER_PROF, trial.patience_s)  # whose signal ends the process
        for clause, verdict, detail in _against(trial.spec, subject):
            if (clause, verdict) not in trial.excused:
                text = f"{clause} on {trial.spec.link}: {verdict} {detail}"
                return _tell(writing, killer=text, trial=number)
        _tell(writing)
    return _tell(writing, survived=True)


def _be_sound(target: Target, trials: Sequence[Trial], writing: int) -> None:
    """Be the process of the sound implementation."""
    subject = _subject(target, None)
    files = {str(path) for path in target.paths()}
    for trial in trials:
        begin = time.process_time()
        _forget(files)
        with _lines_run(files) as ran:
            against = _against(trial.spec, subject)
        seconds = time.process_time() - begin
        _tell(writing, against=against, ran=sorted(ran), seconds=seconds)


def _forget(files: Set[str]) -> None:
    """Clear the caches of the target's functions: what is remembered runs no line."""
    for module in [*sys.modules.values()]:
        if getattr(module, "__file__", None) in files:
            for value in vars(module).values():
                getattr(value, "cache_clear", int)()


@contextlib.contextmanager
def _lines_run(files: Set[str]) -> Iterator[Set[Line]]:
    """Note which lines of some files are run."""
    ran: Set[Line] = set()

    def step(frame: Any, event: str, arg: Any) -> Any:
        ran.add((frame.f_code.co_filename, frame.f_lineno))
        return step

    def enter(frame: Any, event: str, arg: Any) -> Any:
        return step if frame.f_code.co_filename in files else None

    sys.settrace(enter)
    try:
        yield ran
    finally:
        sys.settrace(None)


def _subject(target: Target, mutant: Optional[Mutant]) -> ShapedSubject:
    gc.disable()
    shaped = target.load(mutant)
    target.take_place(shaped)
    subject = ShapedSubject(shaped, "mutant")
    gc.enable()
    gc.freeze()
    return subject


def _against(spec: TrialSpec, subject: ShapedSubject) -> List[Tuple[str, str, str]]:
    """Run one trial; gives what speaks against the subject."""
    results = run_trial(spec, subject, resolve_loop(spec.loop), clocks.Deadlines(1.0))
    return [
        (r.clause, r.verdict.value, r.detail.partition("\n")[0])
        for r in results
        if r.verdict not in PASSED
    ]
