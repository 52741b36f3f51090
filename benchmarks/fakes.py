"""How fast the fakes are, as ratios to what they stand in for, measured in one process.

    python benchmarks/fakes.py                                # a table; takes about a minute
    python benchmarks/fakes.py --loop uvloop --json run.json  # and the figures, to keep
    python benchmarks/fakes.py --page docs/fakes-speed.md RUN.json ...   # the page, of kept runs

Every round does the same work once with each subject, in turn and on a loop of its own; ratios
are of the rounds' medians. The streams are asyncio's everywhere. Needs rich; uses async-solipsism
and simloop if they are installed (``pip install async-solipsism simloop``; other loops than their
own they do not have). What is to be reached is in `GOALS`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
import tracemalloc
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from rich.console import Console
from rich.table import Table

from streamgauge.fakes import MemoryNetwork, memory_stream_pair, socketpair_stream_pair

KIB, MIB = 2**10, 2**20
ECHO_BYTES, PIECE_BYTES = KIB, 64 * KIB
WINDOW_BYTES, HIGH_WATER_BYTES = 256 * KIB, 64 * KIB  # of the memory held, see `held`

Pair = Tuple[Any, Any]  # each end gives reader and writer


class Stopwatch:
    """Elapsed and CPU seconds of the body of a `with`; both ends run in this thread."""

    def __enter__(self) -> Stopwatch:
        self._wall, self._cpu = time.perf_counter(), time.thread_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu_s = time.thread_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall


# The work: each does `count` operations and gives the stopwatch that ran meanwhile


async def echo(pair: Pair, count: int) -> Stopwatch:
    """Send 1 KiB there and back."""
    (reader, writer), server = pair
    echoing = asyncio.ensure_future(_echo(*server))
    message = b"m" * ECHO_BYTES
    with Stopwatch() as watch:
        for _ in range(count):
            writer.write(message)
            await writer.drain()
            await reader.readexactly(ECHO_BYTES)
    writer.close()
    await echoing
    return watch


async def _echo(reader: Any, writer: Any) -> None:
    while True:
        data = await reader.read(ECHO_BYTES)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def bulk(pair: Pair, count: int) -> Stopwatch:
    """Send pieces of 64 KiB one way, each drained."""
    (_, writer), (reader, far_writer) = pair
    piece = b"p" * PIECE_BYTES
    reading = asyncio.ensure_future(_read_to_the_end(reader))
    with Stopwatch() as watch:
        for _ in range(count):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()
        got = await reading
    assert got == count * PIECE_BYTES, got
    writer.close()
    far_writer.close()
    return watch


async def one_write(pair: Pair, count: int) -> Stopwatch:
    """Send ``count`` MiB in one write."""
    (_, writer), (reader, far_writer) = pair
    data = bytes(count * MIB)
    reading = asyncio.ensure_future(_read_to_the_end(reader))
    with Stopwatch() as watch:
        writer.write(data)
        writer.write_eof()
        await writer.drain()
        got = await reading
    assert got == len(data), got
    writer.close()
    far_writer.close()
    return watch


async def _read_to_the_end(reader: Any) -> int:
    total = 0
    while True:
        data = await reader.read(PIECE_BYTES)
        if not data:
            return total
        total += len(data)


async def connect(net: Tuple[str, int], count: int) -> Stopwatch:
    """Open a connection to a server, close it, and wait until it is closed."""
    done: List[Optional[asyncio.Task[Any]]] = []

    async def handle(reader: Any, writer: Any) -> None:
        await reader.read()
        writer.close()
        done.append(asyncio.current_task())

    server = await asyncio.start_server(handle, *net)
    where = net[0], server.sockets[0].getsockname()[1]
    with Stopwatch() as watch:
        for _ in range(count):
            _, writer = await asyncio.open_connection(*where)
            writer.close()
            await writer.wait_closed()
    while len(done) < count:  # noqa: ASYNC110  # the last handler is about to see its EOF
        await asyncio.sleep(0)
    server.close()
    return watch


# What the work is done on


@asynccontextmanager
async def _on_tcp() -> AsyncIterator[Tuple[str, int]]:
    yield "127.0.0.1", 0


@asynccontextmanager
async def _in_memory() -> AsyncIterator[Tuple[str, int]]:
    async with MemoryNetwork():
        yield "127.0.0.1", 0


@asynccontextmanager
async def _in_solipsism() -> AsyncIterator[Tuple[str, int]]:
    yield "server", 0


@asynccontextmanager
async def _solipsism_pair() -> AsyncIterator[Pair]:
    ends = await importlib.import_module("async_solipsism").stream_pairs()
    yield ends[0], ends[1]


@asynccontextmanager
async def _in_simloop() -> AsyncIterator[Tuple[str, int]]:
    yield "driver", 8000


@asynccontextmanager
async def _simloop_pair() -> AsyncIterator[Pair]:
    accepted: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *end: accepted.set_result(end), "driver", 8000)
    client = await asyncio.open_connection("driver", 8000)
    yield client, await accepted
    server.close()


class Place(NamedTuple):
    """A world to do the work in: pairs, a network, and the loops it has if not any."""

    pair: Optional[Callable[[], Any]] = None
    net: Optional[Callable[[], Any]] = None
    module: Optional[str] = None
    loop: str = ""


PLACES: Dict[str, Place] = {
    "memory": Place(memory_stream_pair, _in_memory),
    "socketpair": Place(socketpair_stream_pair),
    "TCP": Place(net=_on_tcp),
    "async-solipsism": Place(_solipsism_pair, _in_solipsism, "async_solipsism", "EventLoop"),
    "simloop": Place(_simloop_pair, _in_simloop, "simloop", "SimLoop"),
}


class Workload(NamedTuple):
    """What is done where: the first subject is what ratios are made to."""

    title: str
    work: Callable[[Any, int], Any]
    count: int
    subjects: Tuple[str, ...]


WORKLOADS: Dict[str, Workload] = {
    "echo": Workload(
        "echo of 1 KiB", echo, 500, ("socketpair", "memory", "async-solipsism", "simloop")
    ),
    "connect": Workload(
        "connect and close", connect, 100, ("TCP", "memory", "async-solipsism", "simloop")
    ),
    "bulk": Workload(
        "64 KiB pieces", bulk, 256, ("async-solipsism", "memory", "socketpair", "simloop")
    ),
    "write": Workload("one write of 32 MiB", one_write, 32, ("socketpair", "memory")),
}


class Goal(NamedTuple):
    """What the memory subject has to reach: a ratio to another's time."""

    workload: str
    against: str
    at_most: float


GOALS = (
    Goal("echo", "socketpair", 0.35),
    Goal("connect", "TCP", 0.25),
    Goal("bulk", "async-solipsism", 1.0),
    Goal("write", "socketpair", 1.0),
)

LINEAR_MIB = (8, 16, 32, 64)
LINEAR_AT_MOST = 1.5  # the dearest MiB of these, to the cheapest; a square would be 8


# Measuring


@dataclass
class Figure:
    """One subject doing one workload.

    Args:
        workload: its name.
        subject: its name.
        count: operations of a round.
        wall_s: elapsed seconds of each round.
        cpu_s: the thread's CPU seconds of each round, kernel included.
    """

    workload: str
    subject: str
    count: int
    wall_s: List[float] = field(default_factory=list)
    cpu_s: List[float] = field(default_factory=list)


@dataclass
class Run:
    """All that one call of this script has found out.

    Args:
        about: machine and versions.
        figures: workload by workload.
        linear: MiB of one write to CPU seconds of each of them, the median.
        descriptors: what a pair opens.
        held: bytes, counted and by tracemalloc, that a pair holds whose reader does not read.
    """

    about: Dict[str, str]
    figures: List[Figure]
    linear: Dict[str, float]
    descriptors: Dict[str, int]
    held: Dict[str, int]


def new_loop(subject: str, loop: str) -> asyncio.AbstractEventLoop:
    """Make the subject's loop: its own, or the one that was asked for."""
    place = PLACES[subject]
    made: asyncio.AbstractEventLoop
    if place.module:
        made = getattr(importlib.import_module(place.module), place.loop)()
    elif loop == "asyncio":
        made = asyncio.SelectorEventLoop()
    else:
        made = importlib.import_module(loop).new_event_loop()
    return made


def once(subject: str, workload: Workload, count: int, loop_name: str) -> Stopwatch:
    """Do the work once, with the garbage collected before and not meanwhile."""
    place = PLACES[subject]
    setting = place.net if workload.work is connect else place.pair
    assert setting is not None

    async def main() -> Stopwatch:
        async with setting() as given:
            watch: Stopwatch = await workload.work(given, count)
            return watch

    return _running(main, new_loop(subject, loop_name))


def _running(main: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Any:
    gc.collect()
    gc.disable()
    try:
        return loop.run_until_complete(main())
    finally:
        gc.enable()
        loop.close()


def available(subject: str) -> bool:
    """Whether a subject can be imported here."""
    try:
        importlib.import_module(PLACES[subject].module or "asyncio")
    except ImportError:
        return False
    return True


def measure(name: str, rounds: int, loop: str, scale: float = 1) -> List[Figure]:
    """Run the rounds of one workload: one to warm up, and those that count."""
    workload = WORKLOADS[name]
    count = max(1, round(workload.count * scale))
    figures = [Figure(name, s, count) for s in workload.subjects if available(s)]
    for number in range(rounds + 1):
        for figure in figures[:: 1 if number % 2 else -1]:  # to and fro: a drift hits all alike
            watch = once(figure.subject, workload, count, loop)
            if number:
                figure.wall_s.append(watch.wall_s)
                figure.cpu_s.append(watch.cpu_s)
    return figures


def linear(rounds: int, loop: str) -> Dict[str, float]:
    """Measure what a MiB costs in writes of different sizes, in turns."""
    taken: Dict[int, List[float]] = {size: [] for size in LINEAR_MIB}
    for _ in range(rounds):
        for size, costs in taken.items():
            costs.append(once("memory", WORKLOADS["write"], size, loop).cpu_s / size)
    return {str(size): statistics.median(costs) for size, costs in taken.items()}


def descriptors(loop: str) -> Dict[str, int]:
    """Count the descriptors that a pair of each kind opens."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"

    async def opened(setting: Callable[[], Any]) -> int:
        before = len(os.listdir(folder))
        async with setting() as ends:
            after = len(os.listdir(folder))
            for _, writer in ends:
                writer.close()
        return after - before

    pairs = {"memory": memory_stream_pair, "socketpair": socketpair_stream_pair}
    return {
        name: _running(lambda pair=pair: opened(pair), new_loop(name, loop))  # type: ignore[misc]
        for name, pair in pairs.items()
    }


def held(loop: str) -> Dict[str, int]:
    """Count what a memory pair holds once a writer that drains waits for a reader that does not."""

    async def fill() -> Dict[str, int]:
        pair = memory_stream_pair(window=WINDOW_BYTES, ignore_leaks="all")
        async with pair as (client, server):
            server.transport.pause_reading()
            tracemalloc.start()
            writing = asyncio.ensure_future(_write_for_ever(client.writer))
            for _ in range(100):
                await asyncio.sleep(0)
            traced, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            counted = client.wire.in_flight() + client.transport.get_write_buffer_size()
            writing.cancel()
        return {"counted": counted, "traced": traced}

    found: Dict[str, int] = _running(fill, new_loop("memory", loop))
    bound = WINDOW_BYTES + HIGH_WATER_BYTES + KIB  # the write that goes past the mark
    return {**found, "bound": bound}


async def _write_for_ever(writer: Any) -> None:
    while True:
        writer.write(bytes(KIB))
        await writer.drain()


# What it comes to


def ratio(figures: List[Figure], subject: str, against: str) -> Optional[Tuple[float, ...]]:
    """Give CPU time as a part of another's: of the medians, the quartiles; and elapsed time's."""
    found = {figure.subject: figure for figure in figures}
    if subject not in found or against not in found:
        return None
    own, other = found[subject], found[against]
    paired = sorted(a / b for a, b in zip(own.cpu_s, other.cpu_s))
    median = statistics.median
    return (
        median(own.cpu_s) / median(other.cpu_s),
        paired[len(paired) // 4],
        paired[-1 - len(paired) // 4],
        median(own.wall_s) / median(other.wall_s),
    )


COLUMNS = ("workload", "subject", "CPU, us", "ratio", "quartiles", "elapsed", "goal")


def rows(run: Run) -> Iterator[Tuple[str, ...]]:
    """Give the table of one run, row by row."""
    for name, workload in WORKLOADS.items():
        figures = [figure for figure in run.figures if figure.workload == name]
        goal = next(goal for goal in GOALS if goal.workload == name)
        for figure in figures:
            parts = ratio(figures, figure.subject, goal.against)
            cost = statistics.median(figure.cpu_s) / figure.count * 1e6
            cells = (
                [f"{parts[0]:.2f}", f"{parts[1]:.2f}-{parts[2]:.2f}", f"{parts[3]:.2f}"]
                if parts
                else ["", "", ""]
            )
            first = figure is figures[0]
            yield (
                workload.title if first else "",
                figure.subject,
                f"{cost:.1f}",
                *cells,
                _verdict(parts[0], goal.at_most) if figure.subject == "memory" and parts else "",
            )


def _verdict(value: float, at_most: float) -> str:
    return f"<= {at_most:g}: {'met' if value <= at_most else 'missed'}"


def remarks(run: Run) -> Iterator[str]:
    """Say what is no ratio of times."""
    costs = run.linear
    steep = max(costs.values()) / min(costs.values())
    shown = ", ".join(f"{size} MiB: {cost * 1e6:.0f} us" for size, cost in costs.items())
    yield f"CPU time of a MiB within one write of {shown}; {_verdict(steep, LINEAR_AT_MOST)}"
    opened = ", ".join(f"{name}: {n}" for name, n in run.descriptors.items())
    yield f"descriptors that a pair opens: {opened}"
    parts = run.held
    yield (
        f"held for a reader that does not read, window {WINDOW_BYTES // KIB} KiB:"
        f" {parts['counted'] / KIB:.0f} KiB, allocated {parts['traced'] / KIB:.0f} KiB;"
        f" window, high-water mark and one write are {parts['bound'] / KIB:.0f} KiB"
    )


def about(loop: str) -> Dict[str, str]:
    """Say what was run on what."""
    found = {"python": platform.python_version(), "loop": loop, "system": platform.system()}
    found["cores"] = str(os.cpu_count())
    for name in ("async-solipsism", "simloop", "uvloop"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def title(run: Run) -> str:
    """Give the heading of one run."""
    others = ("async-solipsism", "simloop", run.about["loop"])
    versions = [f"{name} {run.about[name]}" for name in others if name in run.about]
    return ", ".join([f"Python {run.about['python']}, loop {run.about['loop']}", *versions])


def take(loop: str, rounds: int, scale: float, progress: Callable[[str], object]) -> Run:
    """Measure everything."""
    figures: List[Figure] = []
    for name, workload in WORKLOADS.items():
        progress(workload.title)
        figures += measure(name, rounds, loop, scale)
    progress("what is no ratio")
    return Run(about(loop), figures, linear(3, loop), descriptors(loop), held(loop))


def show(run: Run, console: Console) -> None:
    """Print one run."""
    table = Table(title=title(run), title_justify="left", box=None)
    for column in COLUMNS:
        table.add_column(column, no_wrap=True)
    for row in rows(run):
        table.add_row(*row)
    console.print(table)
    for line in remarks(run):
        console.print(line)


PAGE_HEAD = """\
# How fast the fakes are

Written by `python benchmarks/fakes.py --page docs/fakes-speed.md RUN.json ...` from runs of that
script with `--json`. Ratios are of CPU time (both ends' and the kernel's for them), the medians of
interleaved rounds in one process, to the subject that the goal names; beside them the quartiles of
the rounds and the ratio of elapsed time. Below 1 is faster. The streams are asyncio's everywhere;
async-solipsism and simloop are on their own loops. Run it where it matters to you: the ratios move
with the machine, above all with what a system call costs there.
"""


def page(runs: List[Run]) -> str:
    """Write the page of some runs."""
    parts = [PAGE_HEAD]
    for run in runs:
        parts.append(f"\n## {title(run)}\n\n")
        parts.append("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n")
        parts += ["| " + " | ".join(row) + " |\n" for row in rows(run)]
        parts.append("\n" + "".join(f"- {line}\n" for line in remarks(run)))
    return "".join(parts)


def load(path: Path) -> Run:
    """Read a run that was kept."""
    document = json.loads(path.read_text(encoding="utf-8"))
    figures = [Figure(**figure) for figure in document.pop("figures")]
    return Run(figures=figures, **document)


def main(arguments: Optional[List[str]] = None) -> int:
    """Measure and show, or write the page; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", nargs="*", type=Path, help="kept runs, for --page")
    parser.add_argument("--loop", default="asyncio", help="asyncio or uvloop")
    parser.add_argument("--rounds", type=int, default=9, help="that count, of each workload")
    parser.add_argument("--scale", type=float, default=1, help="multiplies a round's operations")
    parser.add_argument("--json", type=Path, help="file to keep the figures in")
    parser.add_argument("--page", type=Path, help="file to write the page of kept runs to")
    options = parser.parse_args(arguments)
    if options.page:
        options.page.write_text(page([load(run) for run in options.runs]), encoding="utf-8")
        return 0
    quiet = Console(stderr=True)
    run = take(options.loop, options.rounds, options.scale, quiet.log if quiet.is_terminal else str)
    show(run, Console(width=None if sys.stdout.isatty() else 120))
    if options.json:
        options.json.write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")
    return int(any(row[-1].endswith("missed") for row in rows(run)))


if __name__ == "__main__":
    sys.exit(main())
