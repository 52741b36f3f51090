"""The page of the runs that were kept: goals first, then every figure. Markdown, and two pictures.

Nothing is measured here; the runs are files that ``--json`` has written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from benchmarks.fakes.goals import GOALS, Outcome, outcome
from benchmarks.fakes.places import KERNEL
from benchmarks.fakes.workloads import WORKLOADS

from streamgauge.conformance.bench import figures, plots
from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.errors import UsageError

__all__ = ["Run", "load", "page", "write"]

TITLES = {each.name: each.title for each in WORKLOADS}
HEAD = """\
# How fast the fakes are

Made by `python -m benchmarks.fakes --page docs/fakes-speed.md` from the runs in
`benchmarks/fakes/runs/`, each the figures of one `python -m benchmarks.fakes --loop LOOP --json
FILE`. A run does each workload in every place in turn, in one process; times are the rounds'
medians of CPU time, both ends' and the kernel's for them. Goals are about ratios of these medians;
beside each time stand the median and the quartiles of the rounds' ratios. The streams are asyncio's
everywhere.

- **kernel**: {kernel}
- **memory**: `memory_stream_pair`, and `MemoryNetwork` for connecting, on the loop that is named
- **async-solipsism**, **simloop**: on the loops of their own that they are made of
- **floor**: asyncio's streams on transports that do nothing but call each other's protocol, in the
  turns of the loop in which asyncio's selector loop would. The loop's and the streams' own time, to
  which a transport that keeps those turns can only add.
"""
#: Counted by `sys.settrace`, and by callgrind: the floor's loop, given as many attributes as a
#: network puts there, is slower by as much.
WHAT_CONNECTING_TAKES = """\
What connecting takes beyond the floor is, of 4,850 opcodes on Python 3.8, 610 for two transports,
450 for the wire with its windows, FIN and RST, 300 for the connection and its leak checks, and 480
for the way to the server (names, ports, rules, refusals), where the floor's transports take 265:
each is for something that a program can see, and Pythons before 3.11 are slower at it than at the
kernel's part. From 3.11 on the interpreter is quicker at all of that, but finds a loop's own
methods more slowly while a network has put its own on that loop: 22,000 of the 394,000 instructions
of a connection on 3.11, which only a change to all loops could save.
"""
MACHINE = "Measured on {system}, {processor}."


@dataclass(frozen=True)
class Run:
    """One run.

    Args:
        about: the machine, versions, `turn_s`: CPU seconds of a turn of the loop, and `growth`:
            MiB of one write with its CPU seconds.
        taken: its figures.
    """

    about: Mapping[str, Any]
    taken: Sequence[Figure]

    @property
    def loop(self) -> str:
        """The loop's name."""
        return self.taken[0].loop

    @property
    def python(self) -> Tuple[int, ...]:
        """Python's version, to sort by."""
        return tuple(map(int, self.about["machine"]["python"].split()[1].split(".")))

    @property
    def title(self) -> str:
        """What was run."""
        others = ", ".join(f"{name} {number}" for name, number in self.about["versions"].items())
        return f"{self.about['machine']['python']}, {self.loop}" + (
            f" ({others})" if others else ""
        )


def load(paths: Sequence[Path]) -> List[Run]:
    """Read runs that were kept, in the order of loops and Pythons.

    Raises:
        UsageError: one can't be read, or there is none.
    """
    if not paths:
        raise UsageError("--page got no runs to write of; measure some with --json first")
    runs = [Run(*figures.load(path)) for path in paths]
    return sorted(runs, key=lambda run: (run.loop, run.python))


def write(path: Path, runs: Sequence[Run]) -> None:
    """Write the page, and beside it a picture of each loop's newest Python."""
    newest = {run.loop: run for run in runs}
    pictures = {f"{path.stem}-{loop}.svg": run for loop, run in newest.items()}
    for name, run in pictures.items():
        path.with_name(name).write_text(plots.picture(run.taken, WORKLOADS), encoding="utf-8")
    path.write_text(page(runs, pictures), encoding="utf-8")


def page(runs: Sequence[Run], pictures: Mapping[str, Run]) -> str:
    """Give the page's text, with pictures that are there by name."""
    kernel = ", ".join(f"{each.kernel} for {each.title}" for each in WORKLOADS)
    machines = dict.fromkeys(MACHINE.format(**run.about["machine"]) for run in runs)
    parts = [HEAD.format(kernel=kernel), *machines, "\n## The goals\n", *_goals(runs)]
    for name, run in pictures.items():
        parts.append(f"\n{run.title}:\n\n![times as fast as the kernel]({name})")
    for run in runs:
        parts += [f"\n## {run.title}\n", *_figures(run)]
    return "\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(columns) + " |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _goals(runs: Sequence[Run]) -> Iterator[str]:
    yield (
        "The part of the other's time that memory takes, and the part that the floor takes. A goal"
        " below the floor is out of reach of any transport, there and on that machine. The goals"
        " for echo and for connecting were set on one whose kernel cost more beside Python: there"
        " a floor of echo was 0.26 of the socketpair's time.\n"
    )
    yield WHAT_CONNECTING_TAKES
    wanted = [f"{TITLES[g.workload]}: ≤ {g.at_most:g} of {g.against}" for g in GOALS]
    rows = []
    for run in runs:
        name = f"{'.'.join(map(str, run.python))}, {run.loop}"
        rows.append([name, *(_cell(outcome(goal, run.taken)) for goal in GOALS)])
    yield from _table(["Python, loop", *wanted], rows)


def _cell(found: Optional[Outcome]) -> str:
    if found is None:
        return "not there"
    floor = "" if found.floor is None else f" (floor {found.floor:.2f})"
    word = f"**{found.verdict}**" if found.met else found.verdict
    return f"{found.part:.2f}{floor}: {word}"


def _figures(run: Run) -> Iterator[str]:
    rows = []
    for each in run.taken:
        cells = (1 / each.ratio, 1 / each.high, 1 / each.low, 1 / each.elapsed_ratio)
        part, low, high, elapsed = (f"{value:.2f}" for value in cells)
        cost = f"{each.operation_s * 1e6:.1f}"
        rows.append((TITLES[each.workload], each.subject, cost, part, f"{low}-{high}", elapsed))
    columns = "CPU time, us", "of kernel's", "quartiles", "by elapsed time"
    yield from _table(["each", "place", *columns], rows)
    yield f"\n{_growth(run.about['growth'])}"
    yield f"{_turns(run)}"


def _turns(run: Run) -> str:
    turn_s = run.about["turn_s"]
    cost = f"A turn of this loop with one `call_soon` takes {turn_s * 1e6:.2f} us"
    kernel = [f.operation_s for f in run.taken if (f.workload, f.subject) == ("echo", KERNEL)]
    if not kernel:
        return f"{cost}."
    return f"{cost}; an echo takes four, {4 * turn_s / kernel[0]:.2f} of the kernel's echo."


def _growth(grown: Sequence[Tuple[int, float]]) -> str:
    costs = [cost for _, cost in grown]
    sizes = ", ".join(str(size) for size, _ in grown)
    factors = ", ".join(f"{after / before:.2f}" for before, after in zip(costs, costs[1:]))
    return (
        f"One write of {sizes} MiB on a memory pair: each doubling takes {factors} times as long."
    )
