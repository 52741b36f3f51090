"""What is tried on each Python: the suite, parity, the project's tests, the benches, the README.

Each try is one command in a root. Its outcome is plain data: an exit code, the lines that tell,
and nothing that anybody here expected.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence

from .debian import Root
from .releases import PROJECT, Release

__all__ = ["FRESH", "TRIES", "Fresh", "Outcome", "readme", "told_of", "try_on"]

TOO_LONG_S = 900  # a try that takes longer has hung
BENCH_JSON = "/tmp/bench.json"
TELLING = re.compile(
    r"^(?:NEW|STALE|note|HARNESS) |^\S+ +(?:conformant|deviates|incomplete|invalid) "
)


class Outcome(NamedTuple):
    """How one try ended.

    Attributes:
        what: the try.
        code: exit code; 124 if it hung.
        told: the lines of its output that tell, the last one first.
        seconds: how long it took.
    """

    what: str
    code: int
    told: List[str]
    seconds: float


TRIES: Dict[str, Sequence[str]] = {
    "run": ("streamgauge", "run", "stdlib", "streams"),
    "run uvloop": ("streamgauge", "run", "stdlib", "streams", "--loop", "uvloop"),
    "parity": ("python", f"{PROJECT}/tests/pythons/parity.py"),
    "parity uvloop": ("python", f"{PROJECT}/tests/pythons/parity.py", "uvloop"),
    "tests": ("python", "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"),
    "bench": ("streamgauge", "bench", "stdlib", "streams", "--quick", "--json", BENCH_JSON),
}

#: PyPy collects its whole heap in tens of milliseconds, and each play asks for that: a whole run
#: takes an hour.
SHORTENED: Dict[str, Sequence[str]] = {"run": (*TRIES["run"], "--link", "feed")}


def command_on(release: Release, what: str) -> Sequence[str]:
    """Return the words of a try on a release."""
    return {**TRIES, **SHORTENED}[what] if release.name.startswith("pypy") else TRIES[what]


def try_on(root: Root, release: Release, what: str) -> Outcome:
    """Try one thing on one release.

    Args:
        root: where the release is.
        release: which.
        what: a name of `TRIES`.
    """
    begin = time.monotonic()
    path = f"{release.folder}/bin:/usr/local/bin:/usr/bin:/bin"
    done = root.run(
        command_on(release, what),
        folder=PROJECT if what == "tests" else "/tmp",
        environment={"PATH": path, "NO_COLOR": "1"},
        timeout_s=TOO_LONG_S,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    told = _speed(root) if what == "bench" and not done.returncode else told_of(what, lines)
    return Outcome(what, done.returncode, told, round(time.monotonic() - begin, 1))


def told_of(what: str, lines: List[str]) -> List[str]:
    """Return the lines of an output that tell how a try ended, the most telling one first."""
    if what.startswith("run"):
        return [line for line in lines if TELLING.match(line)] or lines[-3:]
    failed = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return [*lines[-1:], *failed[:20]]


def _speed(root: Root) -> List[str]:
    """Return a line for each workload: how many times as fast as the standard library ours is."""
    kept = json.loads((root.folder / BENCH_JSON.lstrip("/")).read_text(encoding="utf-8"))
    ours = [each for each in kept["figures"] if each["subject"] == "streams"]
    return [f"{each['workload']} {each['ratio']:.2f}" for each in ours]


class Fresh(NamedTuple):
    """A machine as a newcomer has it: a minimal Debian with Python and nothing else.

    Attributes:
        name: how it is called in tables.
        suite: Debian's name.
        python: the package that ``python3`` is; empty for Debian's own.
    """

    name: str
    suite: str
    python: str = ""


FRESH = (
    Fresh("Debian 11", "bullseye"),
    Fresh("Debian 12", "bookworm"),
    Fresh("Debian 13", "trixie"),
    Fresh("newest", "sid", "newest"),
)


def readme(folder: Path, fresh: Fresh, checkout: Path, names: Sequence[str]) -> Iterator[Outcome]:
    """Run the README's commands, as printed, in a fresh root.

    Args:
        folder: where roots stand.
        fresh: which machine.
        checkout: the project's; its last commit is what is tried.
        names: of the commands, as the README marks them: ``run``, ``test``.
    """
    root = Root(folder / f"fresh-{fresh.suite}", fresh.suite)
    root.make(["python3", "python3-venv", "ca-certificates"])
    if fresh.python:
        _make_newest(root)
    page = (checkout / "README.md").read_text(encoding="utf-8")
    for name in names:
        inside = root.copy_in(checkout, "project")
        found = re.search(rf"<!-- {name} command -->\n```sh\n(.*)\n```", page)
        assert found, f"README.md has no {name} command"
        begin = time.monotonic()
        command = ["bash", "-euc", found[1]]
        done = root.run(command, folder=inside, timeout_s=TOO_LONG_S)
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        what = f"README's {name} command"
        yield Outcome(
            what, done.returncode, told_of(name, lines), round(time.monotonic() - begin, 1)
        )


def _make_newest(root: Root) -> None:
    """Let `python3` be the newest Python that the root's Debian has."""
    names = root.checked(["apt-cache", "pkgnames", "python3."]).split()
    found = [name for name in names if re.fullmatch(r"python3\.\d+", name)]
    newest = max(found, key=lambda name: int(name.rpartition(".")[2]))
    root.install([newest, f"{newest}-venv"])
    root.checked(["ln", "-sf", f"/usr/bin/{newest}", "/usr/local/bin/python3"])
