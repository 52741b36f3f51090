"""About tests/pythons: which releases are found, and what is reported of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import debian, releases, trying
from .releases import Release

pytestmark = pytest.mark.any_python

MADISON = """\
python3.13-minimal | 3.13.18-1 | https://archive.example sid/main amd64 Packages
python3.13-minimal | 3.13.5-2+deb13u5 | https://archive.example trixie/main amd64 Packages
python3.13-minimal | 3.13.5-2 | https://archive.example trixie/main amd64 Packages
python3.13 | 3.13.18-1 | https://archive.example sid/main Sources
"""


def test_one_package_version_is_taken_of_each_release() -> None:
    """The first, which is the newest build; source packages are none."""
    assert ["3.13.18-1", "3.13.5-2+deb13u5"] == releases.versions_in(MADISON)


def test_releases_are_in_order() -> None:
    """By number, as numbers; other implementations come last."""
    names = ["pypy-8.0.1", "3.13.15t", "3.9.2", "3.13.5", "3.13.15"]
    found = sorted((Release(name, "", "") for name in names), key=lambda r: r.order)
    assert ["3.9.2", "3.13.5", "3.13.15", "3.13.15t", "pypy-8.0.1"] == [r.name for r in found]


def test_a_release_counts_once_it_has_the_project(tmp_path: Path) -> None:
    """A virtual environment without the project in it, after a failure, is not tried."""
    root = releases.root(tmp_path)
    for name in ("v-3.13.5", "v-3.9.2", "v-3.8.1"):
        (root.folder / "opt" / name).mkdir(parents=True)
    (root.folder / "opt" / "v-3.13.5" / "extras").write_text("test")
    (root.folder / "opt" / "v-3.9.2" / "extras").write_text("")
    expected = [Release("3.9.2", "", "/opt/v-3.9.2"), Release("3.13.5", "test", "/opt/v-3.13.5")]
    assert expected == releases.installed(root)


def test_the_telling_lines_of_a_run_are_kept() -> None:
    """Claims, new and stale entries, and notes; if there are none, the last lines."""
    lines = ["NEW      a.b.c  fail", "  detail", "streams  conformant  249 of 249 clauses hold"]
    assert [lines[0], lines[2]] == trying.told_of("run", lines)
    assert ["two", "three", "four"] == trying.told_of("run", ["one", "two", "three", "four"])


def test_what_failed_is_named_behind_the_count() -> None:
    """A run of the tests tells its count first, then each failure."""
    lines = ["FAILED tests/a.py::b - x", "1 failed, 2 passed in 3.00s"]
    assert [lines[1], lines[0]] == trying.told_of("tests", lines)


def test_a_machine_that_cannot_make_roots_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another system, another user, a missing tool: a reason; nothing is tried to be made."""
    monkeypatch.setattr(debian.sys, "platform", "darwin")
    assert "darwin" in debian.why_not()
    monkeypatch.setattr(debian.sys, "platform", "linux")
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    assert "root" in debian.why_not()
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian.shutil, "which", lambda name: None if name == "chroot" else name)
    assert "chroot" in debian.why_not()
