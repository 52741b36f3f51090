"""Taking the measures: rounds that take every subject in turn, on fresh loops, in one process.

Here live the order of rounds, garbage collection and what is kept of each round. What the
numbers mean is for `figures`.
"""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from streamgauge.conformance.bench import fed, memory, wired, writing
from streamgauge.conformance.bench.peer import Peer
from streamgauge.conformance.bench.scene import FLOOR, Scene, Workload

__all__ = ["WORKLOADS", "Series", "measure", "orders", "run_once", "scaled"]

WORKLOADS: Tuple[Workload, ...] = (*fed.WORKLOADS, *wired.WORKLOADS, *writing.WORKLOADS)

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
        rounds: how many count; one more warms up.
        scale: multiplies the operations of a round.
        with_memory: measure peak memory and copies as well, in runs of their own.
    """
    count = scaled(workload, scale)
    name, new_loop = loop
    series = {s: Series(workload.name, name, s, count, [], []) for s in subjects}
    for number, order in enumerate(orders(list(subjects), rounds + 1)):
        for subject in order:
            scene = Scene(subjects[subject], peer, count, workload.payload)
            run_once(workload.floor if subject == FLOOR else workload.work, scene, new_loop)
            if number:
                series[subject].wall_s.append(scene.timed.wall_s)
                series[subject].cpu_s.append(scene.timed.cpu_s)
    if with_memory:
        for subject, own in series.items():
            _measure_memory(workload, own, subjects[subject], peer, new_loop)
    return list(series.values())


def scaled(workload: Workload, scale: float) -> int:
    """Give the operations of a round: whole batches, at least one."""
    return max(1, round(workload.count * scale / workload.batch)) * workload.batch


def _measure_memory(
    workload: Workload, own: Series, subject: Any, peer: Peer, new_loop: LoopFactory
) -> None:
    work = workload.floor if own.subject == FLOOR else workload.work
    scene = Scene(subject, peer, scaled(workload, MEMORY_SCALE), workload.payload)
    own.peak_bytes = memory.peak_bytes(run_once, work, scene, new_loop)
    if workload.payload:
        scene.count = scaled(workload, COPY_SCALE)
        own.copied = memory.bytes_copied(run_once, work, scene, new_loop) / scene.total


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
