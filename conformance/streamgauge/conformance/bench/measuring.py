"""Taking the measures: rounds that take every subject in turn, each in a fresh process and loop.

Here live the order of rounds, garbage collection and what is kept of each round. What the
numbers mean is for `figures`.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass, replace
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from streamgauge.conformance import heap
from streamgauge.conformance.bench import fed, memory, wired, writing
from streamgauge.conformance.bench.apart import apart
from streamgauge.conformance.bench.peer import Peer
from streamgauge.conformance.bench.scene import FLOOR, Scene, Stopwatch, Work, Workload

__all__ = ["WORKLOADS", "Series", "measure", "orders", "run_once", "scaled"]

WORKLOADS: Tuple[Workload, ...] = (*fed.WORKLOADS, *wired.WORKLOADS, *writing.WORKLOADS)

# The part of a round that warms the interpreter, the allocator and the sockets up before it.
WARM_UP_SCALE = 1 / 4

# Parts of a round that are enough to see memory: tracing takes its time.
MEMORY_SCALE = 1 / 4
COPY_SCALE = 1 / 16

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Given = TypeVar("Given")


@dataclass
class Series:
    """What was measured of one subject doing one workload on one loop.

    Args:
        workload: its name.
        loop: its name.
        subject: its name, or `floor`.
        count: operations of a round.
        wall_s: elapsed seconds of each round.
        cpu_s: CPU seconds of the loop's thread, each round.
        peak_bytes: the most memory allocated at once; None if not measured.
        copied: bytes copied for each byte of payload; None if not measured.
    """

    workload: str
    loop: str
    subject: str
    count: int
    wall_s: List[float]
    cpu_s: List[float]
    peak_bytes: Optional[int] = None
    copied: Optional[float] = None


def measure(
    workload: Workload,
    loop: Tuple[str, LoopFactory],
    subjects: Mapping[str, Any],
    peer: Peer,
    *,
    rounds: int,
    scale: float = 1,
    with_memory: bool = False,
) -> List[Series]:
    """Run one workload on one loop, every subject in each round.

    Args:
        workload: what to do.
        loop: its name, and what makes one.
        subjects: name → subject; the floor's is None.
        peer: the running peer process.
        rounds: how many, each in a process of its own that has warmed up.
        scale: multiplies the operations of a round.
        with_memory: measure peak memory and copies as well, in runs of their own.
    """
    count = scaled(workload, scale)
    name, new_loop = loop
    series = {s: Series(workload.name, name, s, count, [], []) for s in subjects}
    for order in orders(list(subjects), rounds):
        for subject in order:
            work = workload.floor if subject == FLOOR else workload.work
            scene = Scene(subjects[subject], peer, count, workload.payload)
            warm_up = scaled(workload, scale * WARM_UP_SCALE)
            timed = apart(lambda: _round(work, scene, warm_up, new_loop))  # noqa: B023  # at once
            series[subject].wall_s.append(timed.wall_s)
            series[subject].cpu_s.append(timed.cpu_s)
    if with_memory:
        for subject, own in series.items():
            _measure_memory(workload, own, subjects[subject], peer, new_loop)
    return list(series.values())


def _round(work: Work, scene: Scene, warm_up: int, new_loop: LoopFactory) -> Stopwatch:
    """Do some of the work untimed, then all of it."""
    heap.freeze()  # what was there before the fork is nobody's garbage
    run_once(work, replace(scene, count=warm_up, timed=Stopwatch()), new_loop)
    run_once(work, scene, new_loop)
    return scene.timed


def scaled(workload: Workload, scale: float) -> int:
    """Give the operations of a round: whole batches, at least one."""
    return max(1, round(workload.count * scale / workload.batch)) * workload.batch


def _measure_memory(
    workload: Workload, own: Series, subject: Any, peer: Peer, new_loop: LoopFactory
) -> None:
    work = workload.floor if own.subject == FLOOR else workload.work
    scene = Scene(subject, peer, scaled(workload, MEMORY_SCALE), workload.payload)
    warm_up = scaled(workload, MEMORY_SCALE * WARM_UP_SCALE)
    own.peak_bytes = apart(lambda: _peak(work, scene, warm_up, new_loop))
    if workload.payload:
        scene.count = scaled(workload, COPY_SCALE)
        copied = apart(lambda: memory.bytes_copied(run_once, work, scene, new_loop))
        own.copied = copied / scene.total


def _peak(work: Work, scene: Scene, warm_up: int, new_loop: LoopFactory) -> int:
    """Give the peak of a round before which some of the work was done, as before a timed one.

    What a process allocates once, at its first connection, is thus no connection's.
    """
    run_once(work, replace(scene, count=warm_up, timed=Stopwatch()), new_loop)
    return memory.peak_bytes(run_once, work, scene, new_loop)


def orders(names: List[str], rounds: int) -> Iterator[Sequence[str]]:
    """Give each round's order: there and back again, so that a drift hits all alike."""
    for number in range(rounds):
        yield names if number % 2 else names[::-1]


def run_once(work: Callable[[Given], Any], given: Given, new_loop: LoopFactory) -> None:
    """Run one workload on a loop of its own, with garbage collected before and not meanwhile."""
    loop = new_loop()
    gc.collect()
    gc.disable()
    try:
        loop.run_until_complete(work(given))
    finally:
        gc.enable()
        loop.close()
