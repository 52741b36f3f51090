"""Observing: what runs tell of an entry, and how it is written into the lists."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest
from tests.pythons import observe
from tests.pythons.observe import Runs, further, merged, table_text, written

from streamgauge.conformance import catalogue
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.deviations import Deviation, When
from streamgauge.conformance.observed import Observed, Row, expanded, observed
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.results import footer_of, header_of
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

CLAUSE = "reader.read.data-before-eof"


def result(verdict: str, **changes: Any) -> Result:
    """Make a result of one clause, on asyncio and tls."""
    fields = {"subject": "stdlib", "loop": "asyncio", "link": "tls", "clause": CLAUSE}
    rest = {"check": "check", "level": "must", "plays": 2}
    return Result(**{**fields, **rest, **changes}, verdict=Verdict(verdict))


def entry(verdict: str = "fail", **when: Any) -> Deviation:
    """Make an entry for that clause."""
    told = ("it is so", "gh-1", "stdlib.toml, deviation 1")
    return Deviation("stdlib", CLAUSE, Verdict(verdict), When(**when), *told, shipped=True)


def run_file(path: Path, release: str, found: Sequence[Result], **plan: Any) -> Path:
    """Write a results file of a run on a release."""
    loops = tuple(dict.fromkeys(r.loop for r in found))
    asked = RunPlan(**{"subjects": ("stdlib",), "loops": loops, **plan})
    header = header_of(asked, catalogue="1.1", edition="3.13")
    footer = footer_of(found, claims={}, complete=True)
    versions = {name: "0.23.0" for name in loops if name == "uvloop"}
    lines = [{**header, "release": release, "versions": versions}, *(r.to_dict() for r in found)]
    path.write_text("".join(json.dumps(line) + "\n" for line in (*lines, footer)))
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Any:
    """Make runs of releases and results."""

    def made(told: Dict[str, Sequence[Result]], **plan: Any) -> Runs:
        return Runs([run_file(tmp_path / r, r, found, **plan) for r, found in told.items()])

    return made


def test_an_entry_is_seen_where_a_trial_of_it_departed(runs: Any) -> None:
    """On one of its links is enough; a release on which it was not tried says nothing."""
    told = {
        "3.11.7": [result("fail"), result("pass", link="tcp")],
        "3.12.1": [result("pass"), result("fail", link="tcp")],
        "3.13.0": [result("fail", link="tcp")],
        "3.14.0": [result("inapplicable")],
        "3.14.1": [result("harness")],
        "3.15.0": [result("hang")],
    }
    found = runs(told).of(entry(links=("tls",)), [])
    assert {"3.11.7": True, "3.12.1": False, "3.15.0": False} == found


def test_what_two_entries_could_list_is_told_apart_by_when(runs: Any) -> None:
    """A departure is that one's whose `when` holds for the release, or whose it is alone."""
    old, new = entry(python="<3.12"), entry(python=">=3.13")
    every = [result("fail")]
    found = runs({"3.11.7": every, "3.12.1": every, "3.13.0": every})
    assert {"3.11.7": True, "3.12.1": True, "3.13.0": False} == found.of(old, [old, new])
    assert {"3.11.7": False, "3.12.1": True, "3.13.0": True} == found.of(new, [old, new])


def test_loops_that_disagree_are_told(runs: Any) -> None:
    """An entry of several loops that departs on one of them has to be split."""
    found = runs({"3.13.0": [result("fail"), result("pass", loop="uvloop")]})
    assert {"3.13.0": True} == found.of(entry(), [])
    assert len(found.problems) == 1
    assert "3.13.0: uvloop does not depart, and another loop" in found.problems[0]
    assert {"3.13.0": False} == runs({"3.13.0": [result("pass", loop="uvloop")]}).of(entry(), [])


def test_a_flaky_entry_is_seen_wherever_it_was_tried(runs: Any) -> None:
    """No run can show that it is gone."""
    assert {"3.13.0": True} == runs({"3.13.0": [result("pass")]}).of(entry("flaky"), [])


def test_a_whole_run_puts_its_release_into_the_table(runs: Any) -> None:
    """By loop, with the version of its package; a run of some clauses or links does not."""
    every = [result("pass"), result("pass", loop="uvloop")]
    table = Observed({"asyncio": Row(("3.13.0",))}, {})
    found = merged(table, runs({"3.8.18": every, "3.13.0": every}))
    assert Row(("3.8.18", "3.13.0")) == found.loop["asyncio"]
    assert Row(("3.8.18", "3.13.0"), ("0.23.0",)) == found.loop["uvloop"]
    assert table == merged(table, runs({"3.8.18": every}, clauses=(CLAUSE,)))
    assert table == merged(table, runs({"3.8.18": every}, links=("tcp",)))
    assert table == merged(table, runs({"3.8.18": every}, subjects=("streams",)))


def test_the_table_is_read_back(tmp_path: Path) -> None:
    """What is written is what `observed` reads, names with a plus and long rows included."""
    many = tuple(f"3.13.{micro}+debian" for micro in range(20))
    loops = {"asyncio": Row(many), "aiofastnet+uvloop": Row(("3.13.0",), ("1.2.0",))}
    table = Observed(loops, {"aiohttp": Row(("3.13.0",), ("3.14.5",))})
    (tmp_path / "observed.toml").write_text(table_text(table))
    assert table == observed(tmp_path)
    assert all(len(line) <= 100 for line in table_text(table).splitlines())


LIST = """\
# Ours.
subject = "stdlib"

# --- readers ---

[[deviation]]
clause = "reader.a"
verdict = "fail"
reason = "so"
issue = "gh-1"
seen = ["3.8.18"]
gone = [
    "3.9.18",
    "3.10.13",
]

# --- writers ---

[[deviation]]
clause = "writer.b"
verdict = "fail"
reason = "so"
issue = "gh-2"
"""


def test_a_list_is_written_entry_by_entry() -> None:
    """Lists that stand there are replaced, everything else stays; None leaves an entry alone."""
    order = ["3.8.18", "3.9.18", "3.10.13", "3.11.7"]
    seen = dict(zip(order, (True, True, True, False)))
    text = written(LIST, [seen, None], [order, order])
    begin, end = LIST.index("seen ="), LIST.index("\n# --- writers")
    expected = 'seen = ["3.8.18 to 3.10.13"]\ngone = ["3.11.7"]\n'
    assert LIST[:begin] + expected + LIST[end:] == text
    assert text == written(text, [seen, None], [order, order])
    gone = dict.fromkeys(order, False)
    assert written(text, [None, gone], [order, order]) == text + 'gone = ["3.8.18 to 3.11.7"]\n'


def test_what_ships_is_what_the_command_writes() -> None:
    """Without a run the lists stay as they are, and no release is silent."""
    runs = Runs([])
    texts = observe.changed(runs)
    assert [] == [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
    assert [] == runs.problems


def test_a_new_release_is_taken_in_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole run that says nothing of an entry is told of, and with --check nothing is written."""
    path = run_file(tmp_path / "run", "3.15.99", [result("pass")])
    before = observe.KNOWN.joinpath("observed.toml").read_text("utf-8")
    assert observe.main(["--check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "observed.toml: changed" in out
    assert "not tried on 3.15.99" in out
    assert before == observe.KNOWN.joinpath("observed.toml").read_text("utf-8")


def test_what_the_running_edition_does_not_promise_is_asked_for() -> None:
    """The clauses of the oldest and the newest edition that the running Python's lacks."""
    clauses = catalogue.load()
    lines = [line.split() for line in further() if "--edition" in line]
    asked: List[str] = [word for line in lines for word in line if word in clauses]
    own = "{}.{}".format(*observe.sys.version_info)
    promised = clauses.for_edition(own if own in EDITIONS else EDITIONS[-1])
    wanted = {*clauses.for_edition(EDITIONS[0]), *clauses.for_edition(EDITIONS[-1])}
    assert wanted - set(promised) <= set(asked)
    assert len(set(asked)) == len(asked)


def test_what_shows_under_every_plan_only_is_asked_for() -> None:
    """An entry of what fails under some plans is tried under all of them, on its link."""
    (line,) = [line for line in further() if "--thorough" in line]
    assert line == "--thorough --clause reader.readuntil.overrun-consumed --link tls"


def test_a_range_is_over_the_releases_of_the_entry() -> None:
    """Releases on which an entry was not tried break a range, so that none is claimed unseen."""
    order = ["3.8.18", "3.9.18", "3.10.13", "3.11.7"]
    text = written(LIST, [{"3.8.18": True, "3.10.13": True, "3.11.7": True}, None], [order, order])
    assert 'seen = ["3.8.18", "3.10.13", "3.11.7"]\n' in text
    assert ("3.8.18", "3.11.7") == expanded(["3.8.18", "3.11.7"], order)
    assert replace(entry(), seen=("3.8.18",)).expected("3.8.18") is True
