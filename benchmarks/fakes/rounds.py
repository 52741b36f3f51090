"""Taking the measures: rounds that do a workload in every place in turn, and how one write grows.

What the numbers mean is in `goals`; how they are shown, in `page`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from typing import Any, Callable, Dict, List, Tuple

from benchmarks.fakes.places import MEMORY, PLACES, Place
from benchmarks.fakes.workloads import Workload, send_in_one_write

from streamgauge.conformance.bench.growth import Scenario, grow
from streamgauge.conformance.bench.measuring import Series, orders, run_once
from streamgauge.conformance.bench.scene import FLOOR, Stopwatch
from streamgauge.conformance.loops import resolve_loop

__all__ = ["cost_of_a_turn", "growth_of_one_write", "measure", "versions"]

#: On the floor nothing holds a sender back, so its bulk would be no bulk.
NOT_ON_THE_FLOOR = ("bulk", "write")
LINEAR_MIB = 8  # and thrice doubled
TURNS, BEST_OF = 10_000, 5


def measure(workload: Workload, loop: str, *, rounds: int, scale: float = 1) -> List[Series]:
    """Do one workload in every place there is.

    Args:
        workload: what to do.
        loop: the loop's name, for places without one of their own.
        rounds: how many count; one more warms up.
        scale: multiplies the operations of a round.
    """
    count = max(1, round(workload.count * scale))
    series = {
        name: Series(workload.name, loop, name, count, [], [])
        for name, place in PLACES.items()
        if place.installed and not (name == FLOOR and workload.name in NOT_ON_THE_FLOOR)
    }
    for number, order in enumerate(orders([*series], rounds + 1)):
        for name in order:
            watch = _once(PLACES[name], workload, count, loop)
            if number:
                series[name].wall_s.append(watch.wall_s)
                series[name].cpu_s.append(watch.cpu_s)
    return [*series.values()]


def _once(place: Place, workload: Workload, count: int, loop: str) -> Stopwatch:
    watch = Stopwatch()

    async def main(setting: Callable[[], Any]) -> None:
        async with setting() as given:
            await workload.work(given, count, watch)

    run_once(main, getattr(place, workload.needs), resolve_loop(place.loop or loop))
    return watch


def growth_of_one_write(loop: str) -> List[Tuple[int, float]]:
    """Give sizes of one write on a memory pair in MiB, each doubled, and their CPU seconds."""

    async def work(setting: Callable[[], Any], mebibytes: int) -> None:
        async with setting() as pair:
            await send_in_one_write(pair, mebibytes, Stopwatch())

    scenario = Scenario("one write", LINEAR_MIB, "MiB", LINEAR_MIB, work)
    return grow(PLACES[MEMORY].pair, scenario, resolve_loop(loop))


def cost_of_a_turn(loop: str) -> float:
    """Give the CPU seconds of a turn of the loop that runs one callback, the least of a few."""
    taken = []
    for _ in range(BEST_OF):
        watch = Stopwatch()
        run_once(_go_round, watch, resolve_loop(loop))
        taken.append(watch.cpu_s / TURNS)
    return min(taken)


async def _go_round(watch: Stopwatch) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    left = TURNS

    def turn() -> None:
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(turn)
        else:
            done.set_result(None)

    with watch:
        turn()
        await done


def versions(loop: str) -> Dict[str, str]:
    """Give the versions of whatever of other people's takes part."""
    found = {}
    for name in (*PLACES, loop):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
