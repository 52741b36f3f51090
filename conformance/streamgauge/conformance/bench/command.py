"""What `streamgauge bench` does: subjects and loops by name, the rounds, what is shown and kept.

A thin front: numbers are taken in `measuring`, reduced in `figures`, shown by `table` and `plots`.
"""

from __future__ import annotations

import fnmatch
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from rich.console import Console
from rich.progress import track

from streamgauge.conformance import certificates
from streamgauge.conformance import subjects as every_subject
from streamgauge.conformance.bench import figures, growth, measuring, plots, table
from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.bench.growth import DOUBLINGS
from streamgauge.conformance.bench.peer import Peer
from streamgauge.conformance.bench.scene import FLOOR, Workload
from streamgauge.conformance.errors import NothingToRunError, UsageError
from streamgauge.conformance.loops import resolve_loop
from streamgauge.conformance.rehearsal import rehearse_strangers

__all__ = ["BenchPlan", "bench"]

QUICK_SCALE = 1 / 8
QUICK_ROUNDS = 5


@dataclass(frozen=True)
class BenchPlan:
    """One run of the bench.

    Args:
        subjects: names; the first is what the others are compared with.
        loops: names.
        workloads: patterns over workload names; empty for all.
        rounds: that count, of each workload.
        quick: an eighth of the work, and no memory: for a look, not for publishing.
        json: file to write the figures to.
        compare: a file of an earlier run.
        plots: folder to write SVG plots to.
        growth: show how cost grows with the work, instead of workloads.
        doublings: how often the work is doubled for that.
        large: make that work large, as a 10 MiB line, once.
    """

    subjects: Tuple[str, ...]
    loops: Tuple[str, ...]
    workloads: Tuple[str, ...] = ()
    rounds: int = 7
    quick: bool = False
    json: Optional[Path] = None
    compare: Optional[Path] = None
    plots: Optional[Path] = None
    growth: bool = False
    doublings: int = DOUBLINGS
    large: bool = False


def bench(plan: BenchPlan, out: Console, progress: Console) -> List[Figure]:
    """Measure, print, and write what was asked for.

    Args:
        plan: what to do.
        out: where the tables go.
        progress: where a bar is drawn, if it is a terminal.

    Raises:
        UsageError: a subject, a loop or a file that is not there, and a module that cannot be
            imported, or ends the process that imports it.
        NothingToRunError: no workload has such a name.
    """
    rehearse_strangers(plan.subjects, plan.loops)
    about = {"machine": figures.machine(), "versions": _versions(plan), "quick": plan.quick}
    if plan.growth:
        grown = _show_growth(plan, out)
        if plan.json:
            figures.store(plan.json, [], {**about, "growth": [asdict(each) for each in grown]})
        return []
    chosen: Sequence[Workload]
    chosen = [w for w in measuring.WORKLOADS if _matches(w.name, plan.workloads)]
    if not chosen:
        names = ", ".join(w.name for w in measuring.WORKLOADS)
        raise NothingToRunError(f"no workload is called {', '.join(plan.workloads)}; try {names}")
    chosen = _without_tls_if_it_cannot_be(chosen, progress)
    old = figures.load(plan.compare)[1] if plan.compare else []
    taken = _take(plan, chosen, progress)
    table.print_figures(out, taken, chosen)
    if plan.compare:
        table.print_changes(out, figures.changes(old, taken), str(plan.compare))
    if plan.json:
        figures.store(plan.json, taken, about)
    if plan.plots:
        plots.write(plan.plots, taken, chosen)
    return taken


def _without_tls_if_it_cannot_be(
    chosen: Sequence[Workload], progress: Console
) -> Sequence[Workload]:
    """Leave out, with a line, workloads over TLS on a machine that cannot try it.

    Raises:
        NothingToRunError: there are no others.
    """
    why = certificates.obstacle() if any(one.tls for one in chosen) else ""
    if not why:
        return chosen
    others = [one for one in chosen if not one.tls]
    if not others:
        raise NothingToRunError(why)
    progress.print(why)
    return others


def _show_growth(plan: BenchPlan, out: Console) -> List[growth.Growth]:
    grown: List[growth.Growth] = []
    for loop in plan.loops:
        for name in plan.subjects:
            subject, new_loop = every_subject.resolve(name), resolve_loop(loop)
            own = [
                growth.Growth(
                    each.title,
                    each.unit,
                    loop,
                    name,
                    growth.grow(subject, each, new_loop, plan.doublings, large=plan.large),
                )
                for each in growth.SCENARIOS
            ]
            table.print_growth(out, f"{name} on {loop}", own)
            grown += own
    return grown


def _take(plan: BenchPlan, chosen: Sequence[Workload], progress: Console) -> List[Figure]:
    named: Dict[str, Any] = {name: every_subject.resolve(name) for name in plan.subjects}
    named[FLOOR] = None
    loops = [(name, resolve_loop(name)) for name in plan.loops]
    work = [(loop, workload) for loop in loops for workload in chosen]
    taken: List[Figure] = []
    with Peer() as peer:
        for loop, workload in track(
            work,
            "measuring",
            console=progress,
            transient=True,
            auto_refresh=False,  # no thread of its own: rounds fork
            disable=not progress.is_terminal,
        ):
            taken += figures.figures(_series(plan, workload, loop, named, peer))
    return taken


def _series(
    plan: BenchPlan,
    workload: Workload,
    loop: Tuple[str, Callable[[], Any]],
    named: Mapping[str, Any],
    peer: Peer,
) -> List[measuring.Series]:
    try:
        return measuring.measure(
            workload,
            loop,
            named,
            peer,
            rounds=min(plan.rounds, QUICK_ROUNDS) if plan.quick else plan.rounds,
            scale=QUICK_SCALE if plan.quick else 1,
            with_memory=not plan.quick,
        )
    except AttributeError as error:
        raise UsageError(f"workload {workload.name} on {loop[0]}: {error}") from error


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _versions(plan: BenchPlan) -> Dict[str, str]:
    """Give the versions of what was named, as far as it has one."""
    versions = {"python": platform.python_version()}
    for name in (*plan.loops, *plan.subjects):
        for package in name.partition(":")[0].split("+"):
            version = table.version_of(every_subject.BUILTIN.get(package, (package, ""))[0])
            if version:
                versions[package] = version
    return versions
