"""Write `pythons.md` beside it: what was tried on which Python, and how it ended.

python docs/make_pythons.py            # write the page
python docs/make_pythons.py --check    # exit 1 if it is not up to date

The outcomes are kept in `pythons.json` by `python -m tests.pythons ... --record docs/pythons.json`.
Nothing is tried here.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from make_benchmarks import FASTER

from streamgauge.conformance.bench.figures import geometric_mean

DOCS = Path(__file__).parent
KEPT = DOCS / "pythons.json"
PAGE = DOCS / "pythons.md"
HEAD = """\
# The Pythons on which this was tried

Made by `python docs/make_pythons.py` from the outcomes of `python -m tests.pythons`, which sets up
every release that Debian's archive offers, in roots of their own. A cell without a word was not
tried. The other Pythons that CI tries (`tox`: 3.8 to 3.15 as far as they are installed) are not
repeated here.

Only Linux is tried. On macOS and Windows the types are checked (`mypy --platform`), and the streams
and the memory parts of the fakes are tried with the modules hidden that those systems lack. Nothing
else is known about them.

## Releases

- **run**: `streamgauge run stdlib streams`, every clause on every link; `green` is exit code 0.
  PyPy plays the link `feed` alone, because a whole run takes it an hour.
- **parity**: the cases in which the fakes do what the kernel does, on this Python.
- **tests**: the project's own tests.
- **speed**: how many times as fast as the standard library of the same Python our streams are: the
  geometric mean of seven workloads of `streamgauge bench --quick`, in brackets the lowest and the
  highest of them. [Benchmarks](benchmarks.md) has the long runs.

"""
MIDDLE = """
## The README's commands on fresh machines

Each is a minimal Debian with Python and its `venv`. "Newest" is Debian's newest release with the
newest Python that it has.

"""
COLUMNS = ("run", "run uvloop", "parity", "parity uvloop", "tests", "bench")
TITLES = ("run", "run, uvloop", "parity", "parity, uvloop", "tests", "speed")
COMMANDS = ("README's run command", "README's test command")
Kept = Mapping[str, Mapping[str, Tuple[int, List[str]]]]


def cell(what: str, outcome: Tuple[int, List[str]]) -> str:
    """Return one outcome in a few words."""
    code, told = outcome
    if what == "bench" and code == 0:
        return speed(told)
    if what.startswith("parity") and told:
        return told[0]
    counts = re.search(r"\d+ (?:failed|passed).*?(?= in )", told[0]) if told else None
    if "test" in what and counts:
        return re.sub(r", \d+ warnings?", "", counts[0])
    return "green" if code == 0 else f"exit {code}"


def speed(lines: Sequence[str]) -> str:
    """Return the mean of the ratios of the workloads that have a goal, and their range."""
    found = dict(line.split() for line in lines)
    ratios = [float(found[name]) for name in FASTER]
    return f"{geometric_mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def table(kept: Kept, names: Sequence[str], columns: Sequence[str], titles: Sequence[str]) -> str:
    """Return a table: a row for each name, a column for each thing that was tried."""
    rows = [["", *titles], ["---"] * (len(titles) + 1)]
    for name in names:
        tried = kept[name]
        rows.append([name, *(cell(c, tried[c]) if c in tried else "" for c in columns)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def order(name: str) -> Tuple[bool, List[int], str]:
    """Return a key that sorts releases by implementation and number."""
    return ("-" in name, [int(n) for n in re.findall(r"\d+", name)], name)


def page(kept: Kept) -> str:
    """Return the page."""
    machines = [name for name in kept if any(c in kept[name] for c in COMMANDS)]
    releases = sorted((name for name in kept if name not in machines), key=order)
    commands = [title.partition(" ")[2] for title in COMMANDS]
    return (
        HEAD
        + table(kept, releases, COLUMNS, TITLES)
        + MIDDLE
        + table(kept, sorted(machines), COMMANDS, commands)
    )


def main() -> int:
    """Write the page, or compare it with the one that is there."""
    kept: Dict[str, Dict[str, Tuple[int, List[str]]]] = json.loads(KEPT.read_text("utf-8"))
    text = page(kept)
    if sys.argv[1:] == ["--check"]:
        return 0 if PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
