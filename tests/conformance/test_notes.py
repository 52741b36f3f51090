"""Notes: what is newer than the lists, what is better, and what nobody knew; in every report."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Dict, List, Tuple
from xml.etree import ElementTree as ET

import pytest

from streamgauge.conformance import judging
from streamgauge.conformance.deviations import Deviation, Here, classify
from streamgauge.conformance.observed import Observed, Row
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.report.account import Account, Status
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.junit import junit
from streamgauge.conformance.report.markdown import markdown
from streamgauge.conformance.report.notes import about_releases, every_note
from streamgauge.conformance.report.page import page
from streamgauge.conformance.report.terminal import print_report
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome

from .accounts import CLAUSES, STDLIB, account, listed, results

pytestmark = pytest.mark.any_python

OLD, NEW = "3.15.2+debian", "3.15.3"
TABLE = Observed(
    {"asyncio": Row(("3.13.0", OLD)), "uvloop": Row((OLD,), ("0.22.1", "0.23.0"))},
    {"aiohttp": Row((OLD,), ("3.14.5",))},
)
RIGHT, WRONG = EXIT_CODES[Outcome.AS_EXPECTED], EXIT_CODES[Outcome.DEPARTED]


def judged(
    found: Any, entries: Tuple[Deviation, ...] = (), python: str = NEW, **here: Any
) -> Account:
    """Give the account of a run on a release of Python."""
    place = Here(python=python, platform="linux", **here)
    made = account(found)
    return replace(
        made,
        sorted=classify(found, entries, here=place, observed=TABLE),
        here=place,
        notes=tuple(about_releases(made.plan, place, TABLE)),
    )


def shown(run: Account) -> str:
    """Give what a terminal shows of a run."""
    file = io.StringIO()
    print_report(make_console(file, width=100), run)
    return file.getvalue()


def shipped(**seen: Tuple[str, ...]) -> Deviation:
    """Give a shipped entry for reader.a on tcp."""
    return replace(listed(links=("tcp",)), shipped=True, **seen)


# --- exit codes ---


@pytest.mark.parametrize(
    ("subject", "loop", "python", "here", "code"),
    [
        ("stdlib", "asyncio", NEW, {}, RIGHT),
        ("streams", "asyncio", NEW, {}, RIGHT),
        ("stdlib", "asyncio", OLD, {}, WRONG),
        ("stdlib", "asyncio", "3.15.2", {}, RIGHT),  # another build of it
        ("mine", "asyncio", NEW, {}, WRONG),
        ("stdlib", "mypkg:new_loop", NEW, {}, WRONG),
        ("stdlib", "uvloop", OLD, {"versions": {"uvloop": "0.23.0"}}, WRONG),
        ("stdlib", "uvloop", OLD, {"versions": {"uvloop": "0.24.0"}}, RIGHT),
        ("stdlib", "uvloop", NEW, {"versions": {"uvloop": "0.23.0"}}, RIGHT),
        ("stdlib", "zloop", OLD, {}, RIGHT),  # never judged at all
        ("aiohttp", "asyncio", OLD, {"versions": {"aiohttp": "3.14.5"}}, WRONG),
        ("aiohttp", "asyncio", OLD, {"versions": {"aiohttp": "3.15.0"}}, RIGHT),
    ],
)
def test_a_departure_that_nobody_could_know_is_a_note(
    subject: str, loop: str, python: str, here: Dict[str, Any], code: int
) -> None:
    """Of what is built in, where it was never judged; the user's own is always new."""
    found = judged(results(subject, loop, reader_a="fail"), python=python, **here)
    assert code == found.exit_code
    assert (bool(code), not code) == (bool(found.sorted.new), bool(found.sorted.unseen))


def test_what_cannot_be_tried_there_is_a_note_too() -> None:
    """An earlier step that fails on an unseen release leaves no gap that the user could close."""
    assert RIGHT == judged(results(reader_a="precondition")).exit_code
    assert EXIT_CODES[Outcome.INCOMPLETE] == judged(results(reader_a="unverified")).exit_code
    assert EXIT_CODES[Outcome.HARNESS] == judged(results(reader_a="harness")).exit_code


@pytest.mark.parametrize(
    ("entry", "status", "code"),
    [(shipped(), Status.BETTER, RIGHT), (listed(links=("tcp",)), Status.STALE, WRONG)],
)
def test_an_entry_that_came_to_nothing(entry: Deviation, status: str, code: int) -> None:
    """One that ships is a note, as its file is not the user's to mend; the user's own is stale."""
    for python in (OLD, NEW):
        found = judged(results(), (entry,), python=python)
        assert code == found.exit_code
        assert [status] == [e.status for e in found.entries(STDLIB)]


@pytest.mark.parametrize(
    ("seen", "gone", "departs", "status"),
    [
        ((), (OLD,), False, None),
        ((), (OLD,), True, Status.NEW),
        ((OLD,), (), False, Status.BETTER),
        ((OLD,), (), True, Status.LISTED),
        (("3.15.0",), ("3.15.3",), False, None),
        (("3.15.0",), ("3.15.3",), True, Status.LISTED),
    ],
)
def test_what_was_observed_decides(
    seen: Tuple[str, ...], gone: Tuple[str, ...], departs: bool, status: str
) -> None:
    """Where a departure was seen gone it is new; between two that differ it is neither."""
    found = results(reader_a={"tcp": "fail"}) if departs else results()
    told = judged(found, (shipped(seen=seen, gone=gone),), python=OLD).entries(STDLIB)
    assert [status] * bool(status) == [entry.status for entry in told]


def test_a_fast_failing_run_goes_on_after_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--fail-fast` waits for what counts."""
    monkeypatch.setattr(judging, "observed", lambda: TABLE)
    departing = next(r for r in results(reader_a="fail") if r.detail)
    for table, stops in ((TABLE, True), (Observed({"asyncio": Row(())}), True)):
        monkeypatch.setattr(judging, "observed", lambda table=table: table)
        watch = judging.FailFast([])
        watch.result(replace(departing, subject="mine"))
        assert stops is watch.wants_stop
    watch = judging.FailFast([])
    watch.result(departing)
    assert not watch.wants_stop


# --- releases ---


@pytest.mark.parametrize(
    ("plan", "here", "told"),
    [
        ({}, Here(OLD), []),
        ({}, Here("3.15.2"), []),
        ({}, Here("3.13.0+debian"), []),
        ({}, Here(NEW), ["departures were last checked on Python 3.15.2; this is 3.15.3"]),
        ({}, Here("3.13.9"), ["departures were last checked on Python 3.13.0; this is 3.13.9"]),
        (
            {},
            Here("3.16.0a2"),
            [
                "Python 3.16 is judged by edition 3.15, the newest known here",
                "departures were last checked on Python 3.15.2; this is 3.16.0a2",
            ],
        ),
        (
            {"edition": "3.8"},
            Here("3.16.0"),
            ["on Python 3.15.2; this is 3.16.0, which may differ"],
        ),
        ({"subjects": ("mine",)}, Here(NEW), []),
        (
            {"loops": ("uvloop",)},
            Here(OLD, versions={"uvloop": "0.24.0"}),
            ["of uvloop were last checked with its version 0.23.0; this is 0.24.0"],
        ),
        ({"loops": ("uvloop",)}, Here(OLD, versions={"uvloop": "0.22.2"}), []),
        (
            {"subjects": ("aiohttp",)},
            Here(OLD, versions={"aiohttp": "4.0"}),
            ["of aiohttp were last checked with its version 3.14.5; this is 4.0"],
        ),
    ],
)
def test_what_is_newer_is_told_with_both_numbers(
    plan: Dict[str, Any], here: Here, told: List[str]
) -> None:
    """A release newer than all of its branch, or a package, names itself and the last one known."""
    notes = about_releases(RunPlan(**plan), here, TABLE)
    assert list(dict.fromkeys(notes)) == notes
    assert len(told) == len(notes)
    assert all(words in note for words, note in zip(told, notes))


# --- reports ---


def both() -> Account:
    """Give a run on an unseen release: something better, something unknown."""
    return judged(results(reader_b="fail"), (shipped(),))


BETTER = "better than listed on Python 3.15.3: listed as fail on tcp, and no trial of it ended so"
UNKNOWN = "not known on this release: stdlib was never judged on Python 3.15.3; please report it"
NEWER = "known departures were last checked on Python 3.15.2; this is 3.15.3, which may differ"


def test_a_terminal_shows_the_notes() -> None:
    """Each with its clause, where it stands and the request; nothing says that the run failed."""
    text = " ".join(shown(both()).split())
    for words in (BETTER, UNKNOWN, f"note: {NEWER}", "(stdlib.toml, deviation 1)"):
        assert words in text
    assert "1 not known on this release, 1 better than listed" in text
    assert not any(words in text for words in ("exit 1", "NEW ", "STALE", "delete the entry"))


def test_markdown_has_the_notes() -> None:
    """As in the terminal."""
    text = " ".join(markdown(both()).split())
    for words in (BETTER, UNKNOWN, f"Note: {NEWER}"):
        assert words in text.replace("\\", "")
    assert "1 not known on this release" in text
    assert "### NEW" not in text


def test_a_page_has_the_notes() -> None:
    """As in the terminal."""
    text = " ".join(page(both()).split())
    for words in (BETTER, UNKNOWN, f"Note: {NEWER}", "1 not known on this release"):
        assert words in text
    assert 'class="label new"' not in text


def test_junit_skips_what_is_a_note() -> None:
    """A dashboard shows it, and stays green."""
    root = ET.fromstring(junit(both()))
    assert ("0", "0") == (root.get("failures"), root.get("errors"))
    said = [case.get("message", "") for case in root.iter("skipped")]
    assert [1, 2] == [sum(words in line for line in said) for words in (BETTER, UNKNOWN)]
    assert [NEWER] == [p.get("value") for p in root.iter("property") if p.get("name") == "note.1"]


def test_the_results_file_has_the_notes_in_its_footer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A program finds every note there, with subject and clause."""
    notes = every_note(both())
    assert [NEWER, f"stdlib: reader.b: {UNKNOWN}"] == list(notes[:2])
    assert notes[2].startswith(f"stdlib: reader.a: {BETTER}")
    monkeypatch.setattr(judging, "observed", lambda: TABLE)
    monkeypatch.setattr(judging, "Here", lambda **here: Here(python=NEW, **here))
    lines: List[str] = []
    writer = judging.ResultsWriter(SimpleNamespace(write=lines.append, flush=lambda: None))  # type: ignore[arg-type]
    run: Any = SimpleNamespace(
        plan=RunPlan(subjects=("stdlib",), edition="3.8"), go=lambda _listener: True
    )
    made = judging.judged(run, CLAUSES, [], writer=writer)
    assert [NEWER] == list(made.notes) == json.loads(lines[-1])["notes"]
