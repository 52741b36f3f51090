"""Reports in files: JUnit XML, Markdown, the badge and the page say what the account says."""

from __future__ import annotations

import html
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.report import files
from streamgauge.conformance.report.badge import badge
from streamgauge.conformance.report.clausewise import rows_of
from streamgauge.conformance.report.junit import junit
from streamgauge.conformance.report.markdown import markdown
from streamgauge.conformance.report.page import page
from streamgauge.conformance.results import ResultsLostError
from streamgauge.conformance.verdicts import Verdict

from .accounts import STDLIB, account, listed, results

pytestmark = pytest.mark.any_python

SPOILED = "\x00\x1b[31m<b>&\ud800`|*"  # what a subject may well put into a message


def mixed():
    """Give the account of two subjects with every kind of outcome."""
    found = results(reader_a="fail", reader_b="precondition", reader_fact="fail", writer_c="hang")
    entries = [listed(), listed("writer.c", "fail", "It was so.")]
    return account([*found, *results("streams")], entries)


# --- clause by clause ---


@pytest.mark.parametrize(
    ("departing", "entries", "status", "word"),
    [
        ({}, [], "holds", "pass"),
        ({"reader_a": "fail"}, [], "new", "fail"),
        ({"reader_a": {"tls": "hang"}}, [], "new", "hang"),
        ({"reader_a": "fail"}, [listed()], "listed", "fail"),
        ({"reader_a": "fail"}, [listed(links=("tcp",))], "new", "fail"),
        ({}, [listed()], "stale", "pass"),
        ({"reader_a": "precondition"}, [], "untried", "unverified"),
        ({"reader_a": {"tls": "unverified"}}, [], "untried", "unverified"),
        ({"reader_a": "harness"}, [], "harness", "harness"),
        ({"reader_a": "inapplicable"}, [], "inapplicable", "inapplicable"),
    ],
)
def test_a_clause_stands_as_its_gravest_trial(departing, entries, status, word):
    """What a clause comes to over its links, and how that stands to what is listed."""
    rows = rows_of(account(results(**departing), entries))
    (row,) = [r for r in rows if r.clause.id == "reader.a"]
    (cell,) = row.cells
    assert (status, word, STDLIB) == (cell.status, cell.word, cell.judged)
    assert [status] == row.statuses


def test_a_behaviour_answers_yes_or_no():
    """A fact is neither held nor broken."""
    rows = {r.clause.id: r.cells[0] for r in rows_of(account(results(reader_fact="fail")))}
    assert ("behaviour", "no") == (rows["reader.fact"].status, rows["reader.fact"].word)


# --- JUnit ---


def outcomes(text, suite):
    """Give what each case of a suite came to: (name, tag, message)."""
    (element,) = [s for s in ET.fromstring(text) if s.get("name") == suite]
    found = []
    for case in element.findall("testcase"):
        parts = list(case)
        tag = parts[0].tag if parts else "passed"
        found.append((case.get("name"), tag, parts[0].get("message") if parts else None))
    return found


def test_junit_has_a_case_for_each_trial():
    """Listed is skipped with its reason, new and stale fail, what was not tried is an error."""
    text = junit(mixed())
    assert [
        ("reader.a[check-tcp]", "skipped", "listed: It is so. (gh-1)"),
        ("reader.a[check-tls]", "skipped", "listed: It is so. (gh-1)"),
        ("reader.b[check-tcp]", "error", "expected [bold]1[/bold], got precondition"),
        ("reader.b[check-tls]", "error", "expected [bold]1[/bold], got precondition"),
        ("writer.c[check-tcp]", "failure", "expected [bold]1[/bold], got hang"),
        ("writer.c[check-tls]", "failure", "expected [bold]1[/bold], got hang"),
        ("writer.c", "failure", "listed as fail, and no trial of it ended so"),
    ] == outcomes(text, "stdlib")
    assert {"passed"} == {tag for _, tag, _ in outcomes(text, "streams")}


def test_junit_counts_what_it_holds():
    """The counts of a suite, and of all suites, are those of its cases."""
    root = ET.fromstring(junit(mixed()))
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        told = [int(element.get(n)) for n in ("tests", "failures", "errors", "skipped")]
        tags = [sum(c.find(t) is not None for c in cases) for t in ("failure", "error", "skipped")]
        assert [len(cases), *tags] == told
    assert "deviates" == root[0].find("properties/property[@name='claim']").get("value")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_nothing_but_a_pass_reads_as_passed(verdict):
    """For every verdict: a case without an outcome is a trial that passed."""
    tags = {tag for _, tag, _ in outcomes(junit(account(results(reader_a=str(verdict)))), "stdlib")}
    assert (verdict is Verdict.PASS) is (tags == {"passed"})


def test_a_fault_of_the_suite_shows_in_behaviours_too():
    """A behaviour is no case, unless the suite itself failed there."""
    names = [n for n, _, _ in outcomes(junit(account(results(reader_fact="harness"))), "stdlib")]
    assert "reader.fact[check-tcp]" in names
    assert "reader.fact[check-tcp]" not in [n for n, _, _ in outcomes(junit(mixed()), "stdlib")]


@pytest.mark.parametrize(
    ("option", "written"),
    [
        ("junit", "\\x00\\x1b[31m&lt;b&gt;&amp;\\xd800`|*"),
        ("markdown", "```\n\x00\x1b[31m<b>&\\ud800`|*\n```"),
        ("html", "<pre>\x00\x1b[31m&lt;b&gt;&amp;\\ud800`|*</pre>"),
    ],
)
def test_any_message_can_be_written(tmp_path, option, written):
    """Control characters, markup and lone surrogates of a subject's message break no report."""
    if option == "html":
        pytest.importorskip("jinja2", reason="the page is made with jinja2")
    bad = [replace(r, detail=SPOILED) for r in results(reader_a="fail") if r.clause == "reader.a"]
    files.write_files({option: tmp_path / "report"}, account(bad))
    assert written in (tmp_path / "report").read_text(encoding="utf-8")
    if option == "junit":
        assert outcomes((tmp_path / "report").read_text(), "stdlib")[0][1] == "failure"


# --- Markdown ---


def test_markdown_tells_claims_matrix_and_departures():
    """What the terminal shows, in a form that a pull request can hold."""
    text = markdown(mixed())
    assert "- **stdlib** deviates: 0 of 3 clauses hold, 1 new, 1 listed, 1 untried\n" in text
    assert "- **streams** conformant: 3 of 3 clauses hold\n" in text
    assert "| StreamReader | 0/2 ~1 ?1 | 2/2 |\n" in text
    assert "- listed: `reader.a` fail on tcp, tls. It is so. (gh-1)\n" in text
    assert "### NEW: `writer.c`\n\nClose closes.\n\n**hang** on tcp, tls:\n" in text
    assert "```sh\nstreamgauge repro stdlib writer.c --link tcp\n```\n" in text
    assert "### STALE: `writer.c`\n" in text
    assert "## streams" not in text


def test_markdown_fences_hold_any_detail():
    """A detail that has a fence in it is fenced by a longer one."""
    bad = [replace(r, detail="```sh\nrm") for r in results(writer_c="fail")]
    assert "\n````\n```sh\nrm\n````\n" in markdown(account(bad))


# --- the badge ---


@pytest.mark.parametrize(
    ("departing", "entries", "words", "colour"),
    [
        ({}, [], "conformant 3/3", "#2a7a36"),
        ({"reader_a": "fail"}, [listed()], "deviates 2/3", "#9a6200"),
        ({"reader_a": "fail"}, [], "deviates 2/3", "#b3261e"),
        ({"reader_a": "precondition"}, [], "incomplete 2/3", "#5c6670"),
        ({"reader_a": "harness"}, [], "invalid 2/3", "#b3261e"),
    ],
)
def test_a_badge_says_the_claim_and_the_count(departing, entries, words, colour):
    """The claim in words and in colour; a new departure is red whatever the claim."""
    picture = ET.fromstring(badge(account(results(**departing), entries)))
    texts = ["".join(e.itertext()) for e in picture.iter("{http://www.w3.org/2000/svg}text")]
    fills = [e.get("fill") for e in picture.iter("{http://www.w3.org/2000/svg}rect")]
    assert ["asyncio streams", words] == texts
    assert colour in fills
    assert f"asyncio streams: {words}, edition 3.11, stdlib" == picture.get("aria-label")


# --- the page ---


def test_the_page_holds_every_clause_and_needs_nothing_else():
    """Each clause is there to be filtered by object and outcome, and nothing is fetched."""
    pytest.importorskip("jinja2", reason="the page is made with jinja2")
    text = page(mixed())
    found = re.findall(
        r'<details class="clause" id="(.*?)" data-object="(.*?)" data-status="(.*?)">', text
    )
    assert [
        ("reader.a", "StreamReader", "holds listed"),
        ("reader.b", "StreamReader", "holds untried"),
        ("reader.fact", "StreamReader", "behaviour"),
        ("writer.c", "StreamWriter", "holds new"),
    ] == found
    assert not re.search(r"(src|href)=|@import|url\(|https?://", text)


def test_the_page_tells_a_departure_whole():
    """Promise, what came, the command, the reason of a listed one, and what is stale."""
    pytest.importorskip("jinja2", reason="the page is made with jinja2")
    text = html.unescape(page(mixed()))
    for part in (
        "Data stays in the buffer.", "It is so. <span class=\"soft\">(gh-1)</span>",
        "expected [bold]1[/bold], got hang", "streamgauge repro stdlib writer.c --link tcp",
        "stdlib.toml, deviation 1: delete the entry", "0 of 3 clauses hold, 1 new, 1 stale",
    ):  # fmt: skip
        assert part in text


def test_the_page_says_what_is_not_whole():
    """A run that was cut, or restricted, cannot be taken for a whole one."""
    pytest.importorskip("jinja2", reason="the page is made with jinja2")
    assert "the run was cut short" in page(account(results(), complete=False))
    assert "only a part of the catalogue" in page(account(results(), links=("tcp",)))
    assert "cut short" not in page(account(results()))


# --- files ---

PLAN = RunPlan(subjects=("stdlib",))


def test_every_report_is_written(tmp_path):
    """Each option's file has its report; a file that was not asked for is not made."""
    pytest.importorskip("jinja2", reason="the page is made with jinja2")
    wanted = {option: tmp_path / option for option in files.REPORTS}
    files.check_files(wanted, PLAN)
    assert [] == list(tmp_path.iterdir())
    one = account(results())
    files.write_files({**wanted, "markdown": None}, one)
    assert {"junit", "html", "badge"} == {path.name for path in tmp_path.iterdir()}
    assert junit(one) == (tmp_path / "junit").read_text()
    assert badge(one) == (tmp_path / "badge").read_text()


@pytest.mark.parametrize("option", list(files.REPORTS))
def test_a_file_that_cannot_be_written_is_refused_before_the_run(tmp_path, option):
    """The option and the name are told, and what to do."""
    path = tmp_path / "absent" / "file"
    with pytest.raises(UsageError, match=f"^--{option} .*file: No such file.*; name another file$"):
        files.check_files({option: path}, PLAN)


def test_what_is_there_is_kept_until_it_is_written(tmp_path):
    """To look whether a file can be written changes nothing in it."""
    path = tmp_path / "report.md"
    path.write_text("before")
    files.check_files({"markdown": path}, PLAN)
    assert "before" == path.read_text()


def test_a_file_that_can_no_longer_be_written_is_told(tmp_path):
    """A run is over by then; the line says which report is missing."""
    with pytest.raises(ResultsLostError, match=r"^--markdown .*name another file$"):
        files.write_files({"markdown": tmp_path / "gone" / "file"}, account(results()))


def test_a_badge_is_about_one_subject(tmp_path):
    """A badge of two would be read as one of either."""
    two = RunPlan(subjects=("stdlib", "streams"))
    with pytest.raises(UsageError, match="--badge shows one subject on one loop"):
        files.check_files({"badge": tmp_path / "b.svg"}, two)


def test_without_jinja_the_page_says_what_to_install(monkeypatch, tmp_path):
    """A line instead of a traceback, before anything is run."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError, match="--html needs jinja2; pip install"):
        files.check_files({"html": tmp_path / "r.html"}, PLAN)
