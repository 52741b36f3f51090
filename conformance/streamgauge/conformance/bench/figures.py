"""What the rounds come to: medians, spreads, ratios to the first subject; stored, loaded, compared.

Plain data: nothing here runs or prints anything. A ratio is taken within each round, and the
median of these counts: a machine that is slow for some rounds moves both sides. CPU seconds of
the loop's thread are what ratios are made of: on a machine that others use as well, elapsed time
says more about them. Elapsed time is kept beside it.
"""

from __future__ import annotations

import json
import math
import platform
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from streamgauge.conformance.bench.measuring import Series
from streamgauge.conformance.bench.scene import FLOOR
from streamgauge.conformance.errors import UsageError

__all__ = ["Figure", "changes", "figures", "geometric_mean", "load", "machine", "store"]

FORMAT = 1  # of the file; another number is refused


@dataclass(frozen=True)
class Figure:
    """One subject, one workload, one loop.

    Args:
        workload: its name.
        loop: its name.
        subject: its name, or `floor`.
        operation_s: median CPU seconds of one operation.
        elapsed_s: median elapsed seconds of one operation.
        ratio: how many times as fast as the first subject: the median of the rounds' ratios.
        low: the lower quartile of the rounds' ratios.
        high: the upper quartile.
        elapsed_ratio: the same median by elapsed seconds.
        of_floor: how near to the bare protocol, 1 being as fast; None without a floor.
        peak_bytes: the most memory allocated at once; None if not measured.
        copied: bytes copied for each byte of payload; None if not measured.
    """

    workload: str
    loop: str
    subject: str
    operation_s: float
    elapsed_s: float
    ratio: float
    low: float
    high: float
    elapsed_ratio: float
    of_floor: Optional[float] = None
    peak_bytes: Optional[int] = None
    copied: Optional[float] = None


def figures(series: Sequence[Series]) -> List[Figure]:
    """Reduce the series of one workload on one loop; the first one is the measure of the others."""
    first = series[0]
    floor = next((each for each in series if each.subject == FLOOR), None)
    return [_figure(each, first, floor) for each in series]


def _figure(own: Series, first: Series, floor: Optional[Series]) -> Figure:
    median = statistics.median
    cpu = median(own.cpu_s)
    paired = sorted(_ratios(first.cpu_s, own.cpu_s))
    return Figure(
        own.workload,
        own.loop,
        own.subject,
        operation_s=cpu / own.count,
        elapsed_s=median(own.wall_s) / own.count,
        ratio=median(paired),
        low=paired[len(paired) // 4],
        high=paired[-1 - len(paired) // 4],
        elapsed_ratio=median(_ratios(first.wall_s, own.wall_s)),
        of_floor=median(_ratios(floor.cpu_s, own.cpu_s)) if floor else None,
        peak_bytes=own.peak_bytes,
        copied=own.copied,
    )


def _ratios(others: Sequence[float], own: Sequence[float]) -> List[float]:
    """Compare round by round: what was measured side by side had the same machine."""
    return [other / each for other, each in zip(others, own)]


def geometric_mean(ratios: Sequence[float]) -> float:
    """Give the mean of ratios: half as fast and twice as fast make 1."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def machine() -> Dict[str, str]:
    """Tell on what this runs."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def store(path: Path, taken: Sequence[Figure], about: Mapping[str, Any]) -> None:
    """Write figures to a file.

    Raises:
        UsageError: it cannot be written.
    """
    document = {"format": FORMAT, **about, "figures": [asdict(each) for each in taken]}
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--json {path}: {error.strerror or error}; name a file") from error


def load(path: Path) -> Tuple[Dict[str, Any], List[Figure]]:
    """Read what `store` wrote: what it says about the run, and the figures.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("format") != FORMAT:
            raise ValueError("another format")
        return document, [Figure(**each) for each in document.pop("figures")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: expected figures written by `streamgauge bench --json`, got {error!r}"
        ) from error


def changes(old: Sequence[Figure], new: Sequence[Figure]) -> List[Tuple[Figure, Figure]]:
    """Pair what both runs measured. Ratios can be compared where machines differ; times cannot."""
    known = {(each.workload, each.loop, each.subject): each for each in old}
    pairs = ((known.get((each.workload, each.loop, each.subject)), each) for each in new)
    return [(before, after) for before, after in pairs if before is not None]
