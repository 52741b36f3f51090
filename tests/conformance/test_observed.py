"""Observed releases: how they are named, what the lists say of each, and what lies between."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import pytest
from packaging.version import Version

from streamgauge.conformance import catalogue, deviation_files, history
from streamgauge.conformance import observed as releases
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.deviations import Deviation, When
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.observed import (
    KNOWN,
    SHAPED,
    Observed,
    Row,
    as_ranges,
    base_of,
    branch_of,
    expanded,
    in_version_order,
    is_newer,
    neighbours,
    observed,
    running,
)
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

CLAUSES = catalogue.load()
TABLE = observed()
ORDER = ["3.8.18", "3.11.7", "3.13.5", "3.13.5+debian", "3.14.0rc1", "3.14.0", "3.15.2+debian"]


def entry(seen: Tuple[str, ...] = (), gone: Tuple[str, ...] = (), python: str = "") -> Deviation:
    """Make a shipped entry."""
    when = When(python=python)
    told = ("it is so", "gh-1", "stdlib.toml, deviation 1")
    return Deviation(
        "stdlib", "reader.a", Verdict.FAIL, when, *told, shipped=True, seen=seen, gone=gone
    )


# --- names ---


def test_the_running_release_has_a_name() -> None:
    """It is a version as packaging tools spell it, of the running Python's numbers."""
    assert re.match(r"3\.\d+\.\d+", running())
    assert running().startswith(base_of(running()))
    assert Version(running()) is not None


@pytest.mark.parametrize(
    ("version", "schemes", "implementation", "build"),
    [
        ("3.13.5 (main, ...)", ("venv",), "cpython", ""),
        ("3.13.5 (main, ...)", ("deb_system", "venv"), "cpython", "debian"),
        ("3.13.5 (main, ...)", ("rpm_prefix",), "cpython", "fedora"),
        ("3.13.5 | packaged by conda-forge |", ("venv",), "cpython", "conda"),
        ("3.13.5+ (heads/3.13:1a2b, ...)", ("venv",), "cpython", "snapshot"),
        ("3.13.5+ (main, ...)", ("deb_system",), "cpython", "snapshot.debian"),
        ("3.11.17 (8.0.1+dfsg, ...)\n[PyPy 8.0.1 ...]", ("venv",), "pypy", "pypy"),
    ],
)
def test_who_built_it_is_a_part_of_the_name(
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    schemes: Tuple[str, ...],
    implementation: str,
    build: str,
) -> None:
    """Distributions patch, and other implementations are others: each is a release of its own."""
    monkeypatch.setattr(releases.sys, "version", version)
    monkeypatch.setattr(releases.sysconfig, "get_scheme_names", lambda: schemes)
    monkeypatch.setattr(releases.sys.implementation, "name", implementation)
    assert build == releases._build()
    assert base_of(f"3.13.5+{build}" if build else "3.13.5") == "3.13.5"


def test_releases_are_in_the_order_of_versions() -> None:
    """Pre-releases come before their release, builds of a distribution behind it."""
    assert in_version_order([*reversed(ORDER), ORDER[0]]) == ORDER
    assert [branch_of(one) for one in ORDER[3:5]] == ["3.13", "3.14"]
    assert [base_of(one) for one in ORDER[3:5]] == ["3.13.5", "3.14.0"]
    assert is_newer("3.10", "3.9")


@pytest.mark.parametrize(
    ("release", "around"),
    [
        ("3.13.7", ("3.13.5+debian", None)),
        ("3.13.5+fedora", ("3.13.5+debian", None)),
        ("3.14.0rc2", ("3.14.0rc1", "3.14.0")),
        ("3.13.5", (None, "3.13.5+debian")),
        ("3.11.17+pypy", ("3.11.7", None)),
        ("3.16.0", (None, None)),
    ],
)
def test_neighbours_are_of_one_branch(release: str, around: Tuple[Optional[str], ...]) -> None:
    """The nearest release before and after, never one of another branch."""
    assert around == neighbours(release, [one for one in ORDER if one != "3.13.5"])


@pytest.mark.parametrize(
    ("ranges", "releases"),
    [
        (["3.8.18 to 3.15.2+debian"], ORDER),
        (["3.8.18", "3.11.7", "3.14.0"], [ORDER[0], ORDER[1], ORDER[5]]),
        (["3.8.18 to 3.13.5", "3.14.0"], [*ORDER[:3], ORDER[5]]),
        ([], []),
    ],
)
def test_ranges_stand_for_releases(ranges: List[str], releases: List[str]) -> None:
    """What is written as ranges is read back; three in a row become one range."""
    assert tuple(releases) == expanded(ranges, ORDER)
    assert ranges == as_ranges(releases, ORDER)


def test_a_range_names_releases_of_the_table_alone() -> None:
    """A release that nobody has observed cannot be named."""
    with pytest.raises(ValueError, match=r"3\.12\.0 was not observed"):
        expanded(["3.8.18 to 3.12.0"], ORDER)


# --- what an entry expects ---


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("3.13.5", True),  # seen
        ("3.13.5+debian", False),  # the distribution has the patch
        ("3.13.4", True),  # before the first of its branch: as `when` has it
        ("3.13.7", False),  # between two without it
        ("3.14.9", None),  # between one with it and one without: nobody knows
        ("3.15.1", None),
        ("3.15.9", False),
        ("3.12.3", True),  # of a branch that nobody has observed: as `when` has it
        ("3.16.0", False),
    ],
)
def test_an_observation_decides_and_when_speaks_for_the_rest(
    release: str, expected: Optional[bool]
) -> None:
    """A fix that came to some releases of each branch, and a distribution's, can be told."""
    one = entry(
        seen=("3.13.5", "3.14.8", "3.15.0"),
        gone=("3.13.5+debian", "3.13.9", "3.14.10", "3.15.2"),
        python="<3.13.6 or >=3.14,<3.14.10 or >=3.15,<3.15.1",
    )
    assert expected is one.expected(release)


def test_the_fix_that_missed_a_branch_is_told_of_each_release() -> None:
    """gh-155941 came with 3.14.8 and with 3.15.1: 3.15.0, which is newer, has the bug."""
    bug = next(bug for bug in history.bugs() if bug.issue == "gh-155941")
    listed = [d for d in every_entry() if bug.clause == d.clause and "crashes" in d.check]
    (one,) = (d for d in listed if d.subject == "stdlib")
    told = {base_of(release): one.expected(release) for release in (*one.seen, *one.gone)}
    assert (False, True, False) == (told["3.14.8"], told["3.15.0"], told["3.15.2"])


# --- the lists that ship ---


def every_entry() -> Iterator[Deviation]:
    """Read every list that ships, loops' lists under each subject that stands on a loop."""
    for path in sorted(KNOWN.glob("*.toml")):
        if path.name != "observed.toml":
            yield from deviation_files.load(path, CLAUSES, path.stem, table=TABLE)
    for path in sorted((KNOWN / deviation_files.LOOPS).glob("*.toml")):
        yield from deviation_files.load(path, CLAUSES, *SHAPED, table=TABLE)


def test_every_entry_says_of_every_release_whether_it_was_seen_there() -> None:
    """Of each release on which its subject and loop were judged: seen, or gone, and never both."""
    silent = {}
    for one in every_entry():
        releases = TABLE.releases(one.subject, one.when.loop)
        wrong = [r for r in releases if (r in one.seen) == (r in one.gone)]
        if wrong or not releases:
            silent[one.where, one.clause] = wrong or "judged nowhere"
    assert {} == silent


def test_what_when_says_was_observed() -> None:
    """A bound over Python holds for every observed release; builds of one release may differ."""
    wrong = []
    for one in every_entry():
        for release in (*one.seen, *one.gone):
            numbers = base_of(release)
            builds = {r in one.seen for r in (*one.seen, *one.gone) if base_of(r) == numbers}
            if len(builds) == 1 and one.when.meets(release) is not (release in one.seen):
                wrong.append((one.where, one.clause, release))
    assert [] == wrong


def test_each_branch_was_observed() -> None:
    """A release of each edition's Python is in the table, on the stock loop."""
    assert set(EDITIONS) <= {branch_of(release) for release in TABLE.loop["asyncio"].python}


def test_rows_of_the_history_say_where_they_were_seen() -> None:
    """A bug with a row of its own says of each release whether its clause found it there."""
    releases = TABLE.releases("stdlib", "asyncio")
    for bug in history.bugs():
        if bug.answers or bug.fixed:
            assert releases == in_version_order([*bug.seen, *bug.gone]), bug.issue
            assert not (bug.fixed and bug.seen), bug.issue
            assert not set(bug.seen).intersection(bug.gone), bug.issue


# --- the table ---


def test_a_folder_without_the_table_has_observed_nothing(tmp_path: Path) -> None:
    """Lists of somebody's own need none."""
    assert Observed() == observed(tmp_path)


@pytest.mark.parametrize(
    "text",
    ['[loops.x]\npython = ["3.8.1"]\n', '[loop.x]\npython = ["new"]\n', "[loop.x]\nfor = []\n"],
)
def test_a_broken_table_is_the_suites_fault(tmp_path: Path, text: str) -> None:
    """An unknown kind, a release that is no version and an unknown key are told."""
    (tmp_path / "observed.toml").write_text(text)
    with pytest.raises(HarnessError, match=r"observed.toml: .*; write it by tests.pythons.observe"):
        observed(tmp_path)


def test_a_row_is_found_by_subject_and_loop() -> None:
    """Shaped subjects are judged by loop, those with a list of their own on the stock one."""
    table = Observed({"uvloop": Row(("3.8.1",)), "asyncio": Row(())}, {"aiohttp": Row(("3.9.1",))})
    assert Row(("3.8.1",)) == table.row("streams", "uvloop")
    assert Row(("3.9.1",)) == table.row("aiohttp", "asyncio")
    assert table.row("aiohttp", "uvloop") is None
    assert table.row("stdlib", "mypkg:new_loop") is None
    assert ["3.8.1"] == table.releases("stdlib", "*")
