"""Tries the conformance suite on mutants: which it kills, and which survive.

python -m tests.mutation.trying reader buffer      # modules; all of them unless told
python -m tests.mutation.trying --check            # exit 1 for survivors that are not explained

Each mutant is a private copy of the streams with one changed module, judged by the suite's checks
in a forked process, on the two quickest links of each check (fed by hand, and in memory, as a
rule). The first departure ends it. A process that makes no step for a while holds its loop:
killed as well.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import select
import signal
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Tuple

from streamgauge.conformance import catalogue, clocks, registry
from streamgauge.conformance.link_types import available_links
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.runner import TrialSpec, run_trial
from streamgauge.conformance.saboteurs.making import private_copy
from streamgauge.conformance.saboteurs.matrix import QUICKEST
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.subjects import ShapedSubject
from streamgauge.conformance.verdicts import Verdict

from .mutants import HOME, Mutant, mutants_of

__all__ = ["killed_by", "main"]

EXPLAINED = Path(__file__).with_name("survivors.txt")
FIRST = ["buffer", "intake", "reader", "flow", "writer", "protocol", "functions"]
STILL_S = 20.0  # without a trial's end; the longest trial of a sound run takes less than one
SURVIVED = ""
PASSED = (Verdict.PASS, Verdict.INAPPLICABLE, Verdict.PRECONDITION)


def specs(all_links: bool) -> List[TrialSpec]:
    """Give the trials: each check on its two quickest links, then on the others if asked for."""
    clauses = catalogue.load().for_edition(edition_of(RunPlan()))
    links = [link for link in QUICKEST if link != "own" and not available_links()[link]]
    ranked: List[Tuple[int, TrialSpec]] = []
    for check in registry.all_checks():
        if check.clause in clauses:
            mine = [link for link in links if link in check.links]
            for rank, link in enumerate(mine if all_links else mine[:2]):
                level = clauses[check.clause].level
                spec = TrialSpec(check, level, "mutant", "asyncio", link)
                ranked.append((min(rank, 1) * 10 + links.index(link), spec))
    return [spec for _, spec in sorted(ranked, key=lambda pair: pair[0])]


def passes(spec: TrialSpec, streams: object, deadlines: clocks.Deadlines) -> str:
    """Run one trial; gives what speaks against the implementation, empty if nothing does."""
    subject = ShapedSubject(streams, "mutant")
    for result in run_trial(spec, subject, asyncio.new_event_loop, deadlines):
        if result.verdict not in PASSED:
            said = result.detail.splitlines()[:1]
            return f"{result.clause} on {result.link}: {result.verdict} {said}"
    return ""


def killed_by(mutant: Optional[Mutant], trials: Sequence[TrialSpec]) -> str:
    """Say what killed a mutant; empty if it survived.

    Args:
        mutant: whom to try; None for the sound implementation.
        trials: what to try.
    """
    reading, writing = os.pipe()
    child = os.fork()  # no trial ever runs in this process: threads would not come along
    if not child:
        os.close(reading)
        _be(mutant, trials, writing)
    os.close(writing)
    try:
        return _watched(child, reading)
    finally:
        os.close(reading)
        os.waitpid(child, 0)


def _watched(child: int, reading: int) -> str:
    said = b""
    while True:
        ready, _, _ = select.select([reading], [], [], STILL_S)
        if not ready:
            os.kill(child, signal.SIGKILL)
            return "the loop was held"
        piece = os.read(reading, 65536)
        if not piece:
            text = said.lstrip(b".").decode()
            return SURVIVED if text == "survived" else text or "the process died"
        said += piece


def _be(mutant: Optional[Mutant], trials: Sequence[TrialSpec], writing: int) -> None:
    """Be the mutant's process: a dot for each trial, then the word on how it ended."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        gc.disable()
        try:
            changed = {mutant.module: mutant.code()} if mutant else {}
            streams = private_copy("mutant", changed)
        except Exception as error:
            os.write(writing, f"import: {error!r}".encode())
            os._exit(0)
        gc.enable()
        gc.freeze()
        deadlines = clocks.Deadlines(1.0)
        for spec in trials:
            against = passes(spec, streams, deadlines)
            os.write(writing, b".")
            if against:
                os.write(writing, against.encode(errors="replace"))
                os._exit(0)
        os.write(writing, b"survived")
    except BaseException as error:
        os.write(writing, f"raised {error!r}".encode())
    finally:
        os._exit(0)


def sound_trials(all_links: bool) -> List[TrialSpec]:
    """Give the trials that the sound implementation passes here: some behaviours are the loop's."""
    trials = specs(all_links)
    while True:
        against = killed_by(None, trials)
        if not against:
            return trials
        clause = against.partition(" on ")[0]
        left = [spec for spec in trials if spec.check.clause != clause]
        if len(left) == len(trials):
            raise SystemExit(f"the sound implementation does not pass: {against}")
        trials = left


def tried(
    modules: Sequence[str], jobs: int, all_links: bool = False
) -> Iterator[Tuple[Mutant, str]]:
    """Try every mutant of some modules; gives each with what killed it."""
    trials = sound_trials(all_links)
    mutants = [mutant for module in modules for mutant in mutants_of(module)]
    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(mutants, pool.map(lambda m: killed_by(m, trials), mutants))


def explained() -> List[str]:
    """Give the names of the survivors that are explained."""
    lines = EXPLAINED.read_text(encoding="utf-8").splitlines() if EXPLAINED.exists() else []
    return [line for line in lines if line and line[0] not in "# "]


def main() -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = sorted({path.stem for path in HOME.glob("*.py")} - {"__init__"} - set(FIRST))
    parser.add_argument("modules", nargs="*", default=[*FIRST, *every])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--check", action="store_true", help="fail for what is not explained")
    parser.add_argument("--all-links", action="store_true", help="not only the two quickest")
    parser.add_argument("--killers", action="store_true", help="show what killed each")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    gc.freeze()
    known = set(explained())
    total = killed = 0
    unexplained = []
    for mutant, killer in tried(options.modules, options.jobs, options.all_links):
        total += 1
        killed += bool(killer)
        if not killer and mutant.name not in known:
            unexplained.append(mutant.name)
            print(f"survives  {mutant.name}", flush=True)  # noqa: T201 - a script
        elif options.killers:
            print(f"{killer or 'explained'}  {mutant.name}", flush=True)  # noqa: T201
    equivalent = total - killed - len(unexplained)
    share = 100 * killed / max(1, total - equivalent)
    print(  # noqa: T201
        f"{killed} of {total} killed, {equivalent} survivors explained, "
        f"{len(unexplained)} not: {share:.1f} %"
    )
    return 1 if options.check and unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
