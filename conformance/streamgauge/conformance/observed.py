"""Releases of Python, and the table of those on which the shipped lists were compared with runs.

A release is named as packaging tools spell a version. A pre-release keeps its suffix
(`3.16.0rc1`). The name of an implementation other than CPython, or of a distribution that patches
its builds, follows a plus: `3.11.17+pypy`, `3.13.5+debian`. So the builds of one release are
neighbours in the order of versions, and a patch of a distribution can be told apart.

`known/observed.toml` has, for each loop and for each subject with a list of its own, the releases
on which a whole run was compared with the lists, and the versions of its package. A script writes
it (`python -m tests.pythons.observe`). Entries name releases out of it (`seen`, `gone`).
"""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from packaging.version import Version

from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.plan import STOCK_LOOP

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "SHAPED",
    "Observed",
    "Row",
    "as_ranges",
    "base_of",
    "branch_of",
    "expanded",
    "in_version_order",
    "is_newer",
    "neighbours",
    "observed",
    "running",
]

FILE = "observed.toml"  # in the folder of the lists
SHAPED = ("stdlib", "streams")  # the subjects that stand on a loop as it is, and that ship
KNOWN = Path(__file__).parent / "known"
SUFFIXES = {"alpha": "a", "beta": "b", "candidate": "rc", "final": ""}
# Names that distributions add to the schemes of `sysconfig`; they patch their builds.
SCHEMES = {"deb_system": "debian", "rpm_prefix": "fedora"}
TO = " to "  # between the first and the last release of a range


@lru_cache(maxsize=None)
def running() -> str:
    """Return the name of the running release."""
    major, minor, micro, level, serial = sys.version_info[:5]
    suffix = f"{SUFFIXES[level]}{serial}" if SUFFIXES[level] else ""
    build = _build()
    return f"{major}.{minor}.{micro}{suffix}" + (f"+{build}" if build else "")


def _build() -> str:
    """Return who made the running Python; empty for CPython's own release."""
    said = sys.version.split(" ", 1)[0]
    marks = {
        sys.implementation.name: sys.implementation.name != "cpython",
        "snapshot": said.endswith("+"),  # of a branch, between two releases
        "conda": "conda" in sys.version,
        **{name: scheme in sysconfig.get_scheme_names() for scheme, name in SCHEMES.items()},
    }
    return ".".join(name for name, holds in marks.items() if holds)


@lru_cache(maxsize=None)
def _version(release: str) -> Version:
    return Version(release)


def base_of(release: str) -> str:
    """Return the three numbers of a release: a pre-release counts as the release it precedes."""
    return _version(release).base_version


def branch_of(release: str) -> str:
    """Return the branch of a release, such as `3.13`."""
    return "{}.{}".format(*_version(release).release)


def is_newer(one: str, other: str) -> bool:
    """Whether one release, branch or version comes after another."""
    return _version(one) > _version(other)


def in_version_order(releases: Iterable[str]) -> List[str]:
    """Return each release once, oldest first."""
    return sorted(set(releases), key=_version)


def neighbours(release: str, among: Iterable[str]) -> Tuple[Optional[str], Optional[str]]:
    """Return the nearest releases of the same branch before and after one; None without one."""
    at, branch = _version(release), branch_of(release)
    mates = [one for one in in_version_order(among) if branch_of(one) == branch]
    before = [one for one in mates if _version(one) < at]
    after = [one for one in mates if _version(one) > at]
    return (before[-1] if before else None), (after[0] if after else None)


def expanded(ranges: Sequence[str], among: Iterable[str]) -> Tuple[str, ...]:
    """Return the releases that ranges name, oldest first.

    Args:
        ranges: releases, or `FIRST to LAST`, which names all of `among` from one to the other.
        among: the releases that can be named.

    Raises:
        ValueError: a release is none of `among`.
    """
    order = in_version_order(among)
    found: List[str] = []
    for one in ranges:
        first, to, last = one.partition(TO)
        unknown = [end for end in (first, last or first) if end not in order]
        if unknown:
            raise ValueError(f"{unknown[0]} was not observed")
        begin, end = order.index(first), order.index(last if to else first)
        found += order[begin : end + 1]
    return tuple(in_version_order(found))


def as_ranges(releases: Iterable[str], among: Iterable[str]) -> List[str]:
    """Return releases as `expanded` takes them: each run of three or more as one range."""
    wanted = set(releases)
    runs: List[List[str]] = [[]]
    for one in in_version_order(among):
        if one in wanted:
            runs[-1].append(one)
        elif runs[-1]:
            runs.append([])
    told = ([f"{run[0]}{TO}{run[-1]}"] if len(run) > 2 else run for run in runs)
    return [one for ranges in told for one in ranges]


@dataclass(frozen=True)
class Row:
    """A loop, or a subject with a list of its own, and where it was judged.

    Args:
        python: the releases, as `running` names them.
        versions: those of its package; empty for what comes with Python.
    """

    python: Tuple[str, ...]
    versions: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """The table.

    Args:
        loop: by name of the loop, under the subjects that stand on a loop as it is.
        subject: by name of the subject, on the stock loop.
    """

    loop: Mapping[str, Row] = field(default_factory=dict)
    subject: Mapping[str, Row] = field(default_factory=dict)

    def row(self, subject: str, loop: str) -> Optional[Row]:
        """Return the row for a subject on a loop; None if that was never judged."""
        if subject in SHAPED:
            return self.loop.get(loop)
        return self.subject.get(subject) if loop == STOCK_LOOP else None

    def releases(self, subject: str, loop: str) -> List[str]:
        """Return the releases on which a subject was judged on any loop that fits a pattern."""
        rows = [row for name, row in self.loop.items() if fnmatchcase(name, loop)]
        if subject not in SHAPED:
            rows = [row for name, row in self.subject.items() if name == subject]
        return in_version_order(release for row in rows for release in row.python)


def observed(folder: Path = KNOWN) -> Observed:
    """Read the table of a folder of lists; one without the file has observed nothing.

    Raises:
        HarnessError: the file breaks its rules.
    """
    path = folder / FILE
    if not path.is_file():
        return Observed()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return Observed(**{kind: _rows(rows) for kind, rows in data.items()})
    except (TypeError, ValueError) as error:
        raise HarnessError(f"{path.name}: {error}; write it by tests.pythons.observe") from error


def _rows(rows: Mapping[str, Any]) -> Mapping[str, Row]:
    made = {name: Row(**{k: tuple(v) for k, v in row.items()}) for name, row in rows.items()}
    for row in made.values():
        in_version_order([*row.python, *row.versions])  # each has to be a version
    return made
