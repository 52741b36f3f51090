"""Writes `benchmarks.md` beside it, and its pictures, from the runs kept in `benchmarks/`.

python docs/make_benchmarks.py            # write the page and the pictures
python docs/make_benchmarks.py --check    # exit 1 if they are not up to date

A run is what `streamgauge bench --json` has written for one Python and one loop; one that ends in
`-growth.json` comes from `bench --growth --json`. Nothing is measured here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from streamgauge.conformance.bench import figures, plots
from streamgauge.conformance.bench.figures import Figure
from streamgauge.conformance.bench.growth import Growth
from streamgauge.conformance.bench.measuring import WORKLOADS
from streamgauge.conformance.bench.scene import FLOOR

DOCS = Path(__file__).parent
KEPT = DOCS / "benchmarks"
PAGE = DOCS / "benchmarks.md"
TITLES = {each.name: each.title for each in WORKLOADS}
FIRST, OURS = "stdlib", "streams"
GOAL_LOOPS = ("asyncio", "uvloop")

# How many times as fast as the standard library ours has to be; by loop where that differs.
FASTER: Mapping[str, Mapping[str, float]] = {
    "lines-full": {"*": 2.5},
    "exactly-16": {"*": 2.0},
    "lines-tcp": {"*": 2.0},
    "bulk": {"*": 1.8},
    "exactly-1m": {"asyncio": 1.5, "uvloop": 2.5},
    "until-split": {"*": 2.0},
    "drain-idle": {"*": 2.0},
}
# What the kernel and the loop take most of: no slower, and never below NEAR.
NO_SLOWER = ("echo", "connect", "tls-bulk", "writes")
NEAR = 0.97
MEAN: Mapping[str, float] = {"3.13": 2.2}  # of FASTER's ratios, geometric; on others:
OTHER_MEAN = 2.0
OF_FLOOR = 0.85  # bulk reads, as a part of what a bare protocol does

HEAD = (KEPT / "head.md").read_text(encoding="utf-8")
MISSED = (KEPT / "missed.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Run:
    """One kept run.

    Args:
        about: the machine and the versions.
        taken: its figures; none if growth was measured.
    """

    about: Mapping[str, Any]
    taken: Sequence[Figure]

    @property
    def python(self) -> str:
        """Python's version, as in 3.11."""
        return ".".join(self.about["versions"]["python"].split(".")[:2])

    @property
    def loop(self) -> str:
        """The loop's name."""
        return self.taken[0].loop

    @property
    def place(self) -> Tuple[int, str]:
        """Where it stands among others."""
        return int(self.python.split(".")[1]), self.loop

    @property
    def title(self) -> str:
        """What was run."""
        number = self.about["versions"].get(self.loop.partition("+")[0])
        return f"Python {self.about['versions']['python']}, {self.loop}" + (
            f" {number}" if number else ""
        )

    @property
    def picture(self) -> str:
        """The name of its picture."""
        return f"{self.python}-{self.loop.replace('+', '-')}.svg"

    def figure(self, workload: str) -> Figure:
        """Give our figure of a workload that every run has."""
        figure = self.of(workload)
        if figure is None:
            raise SystemExit(f"{self.title}: workload {workload} was not measured")
        return figure

    def ratio(self, workload: str) -> float:
        """Give our ratio of such a workload."""
        return self.figure(workload).ratio

    def of(self, workload: str, subject: str = OURS) -> Optional[Figure]:
        """Give one figure."""
        found = (f for f in self.taken if (f.workload, f.subject) == (workload, subject))
        return next(found, None)


def micros(figure: Figure) -> str:
    """Give the CPU time of one operation in microseconds, to three digits."""
    value = figure.operation_s * 1e6
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table in Markdown; all but the first column are numbers."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def judged(value: float, wanted: float, near: Optional[float] = None) -> str:
    """Give a ratio and, if it is not what was wanted, say so."""
    if round(value, 2) >= wanted:
        return f"{value:.2f}"
    return f"{value:.2f} (near)" if near and round(value, 2) >= near else f"**{value:.2f}**"


def goals(runs: Sequence[Run]) -> str:
    """Give the table of goals: a row for each, a column for each Python and loop."""
    rows: List[List[str]] = []
    for name, wanted in FASTER.items():
        least = " / ".join(f"{value:g}" for value in wanted.values())
        here = [wanted.get(run.loop, wanted.get("*", 0)) for run in runs]
        cells = [*map(judged, [run.ratio(name) for run in runs], here)]
        rows.append([TITLES[name], least, *cells])
    means = [figures.geometric_mean([*map(run.ratio, FASTER)]) for run in runs]
    wanted_means = [MEAN.get(run.python, OTHER_MEAN) for run in runs]
    rows.append(["geometric mean of these", "2.2 / 2", *map(judged, means, wanted_means)])
    for name in NO_SLOWER:
        cells = [judged(run.ratio(name), 1.0, NEAR) for run in runs]
        rows.append([TITLES[name], "1", *cells])
    floors = [judged(run.figure("bulk").of_floor or 0, OF_FLOOR) for run in runs]
    rows.append(["bulk read, of the floor", f"{OF_FLOOR:g}", *floors])
    awaited = [run.of("bulk-awaited") for run in runs]
    rows.append(
        ["the same, of a floor that wakes a task", f"{OF_FLOOR:g}"]
        + [judged(f.of_floor or 0, OF_FLOOR) if f else "" for f in awaited]
    )
    rows.append(["most memory, of stdlib's", "at most 1", *map(worst_peak, runs)])
    return table(["goal", "at least", *(f"{run.python} {run.loop}" for run in runs)], rows)


def worst_peak(run: Run) -> str:
    """Give the workload whose peak is the highest compared with the standard library's."""
    peaks = [(f.peak_bytes / first.peak_bytes, f.workload) for f, first in pairs(run, "peak_bytes")]
    ratio, name = max(peaks)
    return f"{ratio:.2f}" if round(ratio, 2) <= 1 else f"**{ratio:.2f}** ({name})"


def pairs(run: Run, field: str) -> Iterator[Tuple[Any, Any]]:
    """Give our figures with the standard library's, where both have the field."""
    for workload in WORKLOADS:
        ours, first = run.of(workload.name), run.of(workload.name, FIRST)
        if ours and first and getattr(ours, field) and getattr(first, field):
            yield ours, first


def section(run: Run) -> str:
    """Give all of a run: its picture and its figures."""
    rows = []
    for workload in WORKLOADS:
        first, ours, floor = (run.of(workload.name, s) for s in (FIRST, OURS, FLOOR))
        if first and ours and floor:
            rows.append([workload.title, *figure_cells(first, ours, floor)])
    columns = "ratio", "quartiles", "by elapsed time", "of the floor", "stdlib", "streams", "floor"
    sizes = "peak: stdlib", "streams", "copied: stdlib", "streams"
    picture = f"![Times as fast as the standard library: {run.title}](benchmarks/{run.picture})"
    return f"## {run.title}\n\n{picture}\n\n{table(['workload', *columns, *sizes], rows)}\n"


def figure_cells(first: Figure, ours: Figure, floor: Figure) -> Iterator[str]:
    """Give what a workload's row shows of it."""
    yield f"{ours.ratio:.2f}"
    yield f"{ours.low:.2f}-{ours.high:.2f}"
    yield f"{ours.elapsed_ratio:.2f}"
    yield f"{ours.of_floor:.2f}"
    for each in (first, ours, floor):
        yield f"{micros(each)} us"
    for each in (first, ours):
        yield "" if each.peak_bytes is None else f"{each.peak_bytes / 1024:.0f} KiB"
    for each in (first, ours):
        yield "" if each.copied is None else f"{each.copied:.1f}"


def by_loop(runs: Sequence[Run]) -> str:
    """Compare loops: the CPU time of one operation on each, on the newest Python."""
    newest = runs[-1].python
    shown = [run for run in runs if run.python == newest]
    rows = []
    for workload in WORKLOADS[5:]:  # those before do not touch the loop's transports
        times: List[str] = []
        for run in shown:
            found = [run.of(workload.name, subject) for subject in (FIRST, OURS)]
            times += [micros(each) if each else "" for each in found]
        rows.append([workload.title, *times])
    columns = [f"{run.loop}: {subject}" for run in shown for subject in (FIRST, OURS)]
    return table([f"us, Python {newest}", *columns], rows)


def growths(kept: Sequence[Run]) -> str:
    """Give what each doubling of the work cost."""
    rows = []
    for run in kept:
        for entry in run.about["growth"]:
            each = Growth(**entry)
            (least, _), (most, slow) = each.taken[0], each.taken[-1]
            factors = ", ".join(f"{factor:.1f}" for factor in each.factors)
            size = f"{least:,} to {most:,} {each.unit}"
            rows.append(
                [each.title, run.python, each.subject, size, f"{slow * 1e3:.0f} ms", factors]
            )
    rows.sort(key=lambda row: row[0])
    columns = ["work", "Python", "subject", "size", "the largest takes", "each doubling, times"]
    return table(columns, rows)


def page(runs: Sequence[Run], grown: Sequence[Run]) -> str:
    """Give the page's text."""
    machines = dict.fromkeys("{processor}, {system}".format(**r.about["machine"]) for r in runs)
    versions: Dict[str, None] = {}
    for run in runs:
        versions.update(dict.fromkeys(f"{k} {v}" for k, v in run.about["versions"].items()))
    return HEAD.format(
        machine="; ".join(machines),
        versions=", ".join(sorted(versions)),
        goals=goals([run for run in runs if run.loop in GOAL_LOOPS]),
        loops=by_loop(runs),
        growth=growths(grown),
        missed=MISSED,
        runs="\n".join(map(section, runs)),
    )


def made() -> Dict[Path, str]:
    """Give every file that is made, with what is in it."""
    kept = [Run(*figures.load(path)) for path in sorted(KEPT.glob("*.json"))]
    runs = sorted((run for run in kept if run.taken), key=lambda run: run.place)
    pictures = {KEPT / run.picture: plots.picture(run.taken, WORKLOADS) for run in runs}
    return {PAGE: page(runs, [run for run in kept if not run.taken]), **pictures}


def main() -> int:
    """Write the page and the pictures, or compare them."""
    files = made()
    if "--check" in sys.argv[1:]:
        return int(any(not p.exists() or p.read_text("utf-8") != t for p, t in files.items()))
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
