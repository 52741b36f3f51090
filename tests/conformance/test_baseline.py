"""Baselines: what is written of a run's departures, and that pruning touches nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from streamgauge.conformance import baseline
from streamgauge.conformance.deviation_files import DeviationError, load
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import Result
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

CLAUSES = {f"reader.{x}": SimpleNamespace(level="must") for x in "abcd"}


def result(clause, verdict="fail", link="tcp", loop="asyncio", detail="expected 1, got 2"):
    """Make a result of a must clause."""
    detail = "" if verdict == "pass" else detail
    return Result("mine", loop, link, clause, "check", "must", Verdict(verdict), detail)


def written(tmp_path, departures, tried, *, every_link=True, before=None):
    """Add entries to a file and read it back as a run would."""
    path = tmp_path / "deviations.toml"
    text = baseline.head("mine") if before is None else before
    words = {"reason": "it is so", "issue": "gh-1"}
    path.write_text(baseline.added(text, departures, tried, every_link=every_link, **words))
    return load(path, CLAUSES)


def test_a_departure_becomes_an_entry_that_lists_it(tmp_path):
    """What was written is read back and lists the very result, whatever its words hold."""
    odd = result("reader.a", detail='got "\\x00" [[deviation]]\nand \x7f more')
    (one,) = written(tmp_path, [odd], [odd])
    assert ("mine", "reader.a", Verdict.FAIL) == (one.subject, one.clause, one.verdict)
    assert ("it is so", "gh-1") == (one.reason, one.issue)
    assert one.lists(odd)


@pytest.mark.parametrize(
    ("departing", "passing", "every_link", "links"),
    [
        (("tcp", "tls"), (), True, ()),
        (("tcp", "tls"), (), False, ("tcp", "tls")),
        (("tls", "tcp"), ("unix",), True, ("tcp", "tls")),
    ],
)
def test_an_entry_names_its_links_where_others_hold(
    tmp_path, departing, passing, every_link, links
):
    """Links are named, in the order of reports, unless the clause departs on all there are."""
    bad = [result("reader.a", link=link) for link in departing]
    good = [result("reader.a", "pass", link=link) for link in passing]
    (one,) = written(tmp_path, bad, [*bad, *good], every_link=every_link)
    assert links == one.when.links


def test_an_entry_names_its_loop_where_another_differs(tmp_path):
    """Departures on one loop alone are listed for that loop; the same on both for any."""
    both = [result("reader.a", loop=loop) for loop in ("asyncio", "uvloop:new")]
    one = result("reader.b", loop="uvloop:new")
    tried = [*both, one, result("reader.b", "pass")]
    entries = written(tmp_path, [*both, one], tried)
    assert [("reader.a", "*"), ("reader.b", "uvloop:new")] == [
        (d.clause, d.when.loop) for d in entries
    ]


def test_two_verdicts_of_a_clause_are_two_entries(tmp_path):
    """What fails on one link and hangs on another is listed as both, each on its own."""
    mixed = [result("reader.a"), result("reader.a", "hang", link="tls")]
    entries = written(tmp_path, mixed, mixed)
    assert [("fail", ("tcp",)), ("hang", ("tls",))] == [
        (str(d.verdict), d.when.links) for d in entries
    ]


def test_a_draft_is_refused_by_a_run_and_taken_by_a_baseline(tmp_path):
    """An entry without reason and issue lists nothing until somebody has said why."""
    path = tmp_path / "deviations.toml"
    words = {"reason": baseline.TODO_REASON, "issue": baseline.TODO_ISSUE}
    bad = [result("reader.a")]
    path.write_text(baseline.added(baseline.head("mine"), bad, bad, every_link=True, **words))
    with pytest.raises(DeviationError, match="expected a text that says why, no TODO"):
        load(path, CLAUSES)
    assert 1 == len(load(path, CLAUSES, drafts=True))


FILE = """\
# Ours.
subject = "mine"

# --- readers ---

# It is old.
[[deviation]]
clause = "reader.a"   # the first
verdict = "fail"
reason = '''it
  is so'''
issue = "gh-1"

# --- more readers ---

[[deviation]]
clause = "reader.b"
verdict = "fail"
reason = "so"
issue = "gh-2"
[deviation.when]
link = ["tls"]

# seen: this and that
# and something else
[[deviation]]
clause = "reader.c"
verdict = "hang"
reason = "so"
issue = "gh-3"
"""


@pytest.mark.parametrize("gone", [(), (1,), (2,), (3,), (1, 3), (1, 2, 3)])
def test_pruning_takes_out_whole_entries_and_nothing_else(tmp_path, gone):
    """Each line that is left was there before, in its order; comments of what is gone go too."""
    path = tmp_path / "deviations.toml"
    path.write_text(baseline.pruned(FILE, gone))
    clauses = ["reader.a", "reader.b", "reader.c"]
    kept = [c for n, c in enumerate(clauses, 1) if n not in gone]
    assert kept == [d.clause for d in load(path, CLAUSES)]
    text = path.read_text()
    assert [line in text for line in ("# It is old.", "link = [", "# seen: this")] == [
        n not in gone for n in (1, 2, 3)
    ]
    assert "# --- readers ---" in text
    assert "# --- more readers ---" in text
    lines = iter(FILE.splitlines())
    assert all(line in lines for line in text.splitlines())


def test_nothing_to_prune_leaves_the_text_as_it_is():
    """Not even a blank line is touched."""
    assert FILE + "\n\n\n" == baseline.pruned(FILE + "\n\n\n", ())


def test_what_cannot_be_taken_apart_is_left_alone():
    """Entries that are written in another way are named, to be deleted by hand."""
    text = 'deviation = [{clause = "reader.a"}, {clause = "reader.b"}]\n'
    with pytest.raises(UsageError, match=r"by hand: deviation 2 \(reader.b\)"):
        baseline.pruned(text, (2,))
