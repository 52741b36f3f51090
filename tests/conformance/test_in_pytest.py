"""In pytest: one line in somebody else's test file gives them the trials as tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.oldest_and_newest

HERE = Path(__file__).parent


def pytest_on(folder: Path, line: str) -> str:
    """Run pytest on a test file of one line besides its import; give what it printed."""
    (folder / "planted.py").write_text((HERE / "planted.py").read_text())
    (folder / "test_mine.py").write_text(
        f"from streamgauge.conformance import conformance_tests\n\n{line}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", "-q", "test_mine.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def test_a_conforming_subject_passes(tmp_path: Path) -> None:
    """Each trial is a test of its own, and one line is all it takes."""
    line = "test_it = conformance_tests('streamgauge.streams', clauses=['reader.read.*'])"
    assert re.search(r"^\d\d+ passed(, \d warnings?)? in", pytest_on(tmp_path, line), re.MULTILINE)


def test_a_departure_fails_with_what_was_expected(tmp_path: Path) -> None:
    """A trial that departs fails its test; the message has clause, verdict and detail."""
    line = (
        "test_it = conformance_tests('planted:returns_too_little',"
        " clauses=['reader.readexactly.returns-n'], links=['feed'])"
    )
    assert "reader.readexactly.returns-n fail: expected" in pytest_on(tmp_path, line)


def test_a_listed_departure_passes(tmp_path: Path) -> None:
    """What a deviation file lists does not fail the test."""
    (tmp_path / "known.toml").write_text(
        '[[deviation]]\nclause = "reader.readexactly.returns-n"\nverdict = "fail"\n'
        'reason = "planted"\nissue = "none"\n'
    )
    line = (
        "test_it = conformance_tests('planted:returns_too_little',"
        " clauses=['reader.readexactly.returns-n'], links=['feed'], deviations=['known.toml'])"
    )
    assert re.search(r"^\d passed(, \d warnings?)? in", pytest_on(tmp_path, line), re.MULTILINE)


def test_a_declared_lack_is_skipped(tmp_path: Path) -> None:
    """An inapplicable trial is a skipped test with its reason."""
    line = (
        "test_it = conformance_tests('planted:LacksReadexactly',"
        " clauses=['reader.readexactly.returns-n'])"
    )
    assert "declares that it lacks readexactly" in pytest_on(tmp_path, line)


def test_a_trial_is_not_blamed_for_what_lay_about(tmp_path: Path) -> None:
    """What another test left open is not found by a trial's collection and laid to the subject."""
    line = (
        "import gc, socket\n\ndef test_another():\n    gc.disable()\n"
        "    ring = [socket.socket()]\n    ring.append(ring)\n\n"
        "test_it = conformance_tests('streamgauge.streams',"
        " clauses=['reader.readexactly.returns-n'], links=['feed'])"
    )
    assert re.search(r"^\d+ passed(, \d warnings?)? in", pytest_on(tmp_path, line), re.MULTILINE)


def test_the_package_itself_can_be_named(tmp_path: Path) -> None:
    """`pytest --pyargs streamgauge.conformance` has the trials of the subjects in a variable."""
    words = ["--pyargs", "streamgauge.conformance", "-q", "-p", "no:cacheprovider"]
    words += ["-k", "readexactly.returns-n and feed"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tmp_path,
        env={**os.environ, "STREAMGAUGE_SUBJECTS": "streams"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert re.search(r"^2 passed, \d+ deselected", done.stdout, re.MULTILINE), done.stdout
