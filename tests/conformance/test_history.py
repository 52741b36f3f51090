"""History: the suite finds CPython's historic stream bugs in the Pythons that have them.

The running Python is always asked. Others are, if tox has made environments for them, or if
STREAMGAUGE_PYTHONS names their interpreters (as PATH does), each with the suite installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from streamgauge.conformance import catalogue, deviation_files, history
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.history import Bug, bugs, expected
from streamgauge.conformance.verdicts import AGAINST, Verdict, over_trials

CLAUSES = catalogue.load()
LISTED = deviation_files.gather(("stdlib",), (), CLAUSES)
ROOT = Path(__file__).parents[2]
RUNNING = "{}.{}".format(*sys.version_info)
BUGS = bugs()
NAMES = [f"{bug.issue}-{bug.clause}" for bug in BUGS]


@lru_cache(maxsize=None)
def interpreters() -> Dict[str, str]:
    """Find an interpreter for each edition; the running one first."""
    boxes = [ROOT / ".tox" / f"py{edition.replace('.', '')}" for edition in EDITIONS]
    named = filter(None, os.environ.get("STREAMGAUGE_PYTHONS", "").split(os.pathsep))
    found = {RUNNING: sys.executable}
    for path in (*named, *(str(box / "bin" / "python") for box in boxes)):
        asked = [path, "-c", "import sys, streamgauge.conformance; print(sys.version)"]
        try:
            said = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT / "docs")
        except OSError:
            continue
        if said.returncode == 0:
            found.setdefault(".".join(said.stdout.split(".")[:2]), path)
    return found


@lru_cache(maxsize=None)
def measured(edition: str) -> Tuple[str, Dict[Tuple[str, str], List[Verdict]]]:
    """Run every bug's clause on the standard library of one Python; gives version and verdicts."""
    words = [word for bug in BUGS for word in ("--clause", bug.clause, "--link", bug.link)]
    command = [interpreters()[edition], "-m", "streamgauge.conformance", "run", "stdlib", *words]
    done = subprocess.run(
        [*command, "--workers", "2", "--jsonl", "-"], capture_output=True, text=True, cwd=ROOT
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert "footer" == lines[-1]["type"], done.stderr
    found: Dict[Tuple[str, str], List[Verdict]] = {}
    for line in lines:
        if line["type"] == "result":
            place = (line["clause"], line["link"])
            found.setdefault(place, []).append(Verdict(line["verdict"]))
    return lines[0]["python"], found


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_bugs_are_where_they_are_said_to_be(edition: str) -> None:
    """On each Python that is there, each bug's clause comes to what is written of that version."""
    if edition not in interpreters():
        pytest.skip(f"no interpreter of Python {edition} with the suite; see STREAMGAUGE_PYTHONS")
    version, found = measured(edition)
    wanted, got = {}, {}
    for bug in BUGS:
        if CLAUSES[bug.clause].applies_to(edition):
            wanted[bug.issue, bug.clause] = str(expected(bug, version, LISTED))
            got[bug.issue, bug.clause] = str(over_trials(found[bug.clause, bug.link]))
    assert wanted == got


@pytest.mark.parametrize("bug", BUGS, ids=NAMES)
def test_a_bug_is_written_down_once(bug: Bug) -> None:
    """Versions stand in one place: the list of departures, or beside a behaviour, or nowhere."""
    scored = CLAUSES[bug.clause].level != "behaviour"
    derived = bool(history.sources(bug, LISTED))
    assert [True] == [told for told in (derived, bool(bug.answers), bool(bug.fixed)) if told]
    assert scored or not derived
    assert not (scored and bug.answers)


def test_every_issue_of_the_departures_has_its_bug() -> None:
    """What is listed on any loop, with an issue that upstream has mended, is in the history."""
    everywhere = [d for d in LISTED if d.when.loop == "*" and d.issue.startswith("gh-")]
    mended = [d for d in everywhere if "<" in d.when.python]
    told = {bug.issue for bug in BUGS}
    assert set() == {d.issue[:9].rstrip(" ,") for d in mended} - told - {"gh-81322"}


@pytest.mark.parametrize(
    ("python", "answer"), [("3.10.7", "fail"), ("3.10.8", "pass"), ("3.8.18", "fail")]
)
def test_versions_come_from_the_departures(python: str, answer: str) -> None:
    """A scored clause's bug is expected on exactly the versions of its departure."""
    bug = next(bug for bug in BUGS if bug.issue == "gh-74116")
    assert Verdict(answer) is expected(bug, python, LISTED)
    assert Verdict.PASS is expected(bug, python, [])


@pytest.mark.parametrize(
    ("python", "answer"), [("3.12.1", "fail"), ("3.12.3", "pass"), ("3.11.8", "fail")]
)
def test_versions_of_a_behaviour_come_from_the_history(python: str, answer: str) -> None:
    """A behaviour's bug is expected where one of its specifiers matches."""
    bug = next(bug for bug in BUGS if bug.issue == "gh-114914")
    assert Verdict(answer) is expected(bug, python, LISTED)


def test_the_history_is_of_use_here() -> None:
    """Each Python of these has a bug or two: else the comparison would show nothing."""
    for python in ("3.8.18", "3.11.7", "3.13.0"):
        assert any(expected(bug, python, LISTED) in AGAINST for bug in BUGS)
