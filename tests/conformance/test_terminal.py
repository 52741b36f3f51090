"""The report of a run: what is counted, what is claimed, and that it reads well everywhere."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest

from streamgauge.conformance import registry
from streamgauge.conformance.report import departures
from streamgauge.conformance.report.account import Entry, Status, Tally
from streamgauge.conformance.report.console import make_console
from streamgauge.conformance.report.progress import ProgressBar
from streamgauge.conformance.report.terminal import print_report
from streamgauge.conformance.verdicts import Claim, Verdict

from .accounts import CLAUSES, STDLIB, account, listed, results

pytestmark = pytest.mark.any_python


def shown(run, width=80, encoding="utf-8", quiet=False):
    """Render a report as it comes out of a pipe."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_report(make_console(stream, width), run, quiet=quiet)
    stream.flush()
    return raw.getvalue().decode(encoding)


# --- the account ---


@pytest.mark.parametrize(
    ("departing", "entries", "tally"),
    [
        ({}, [], Tally(held=2, tried=2)),
        ({"reader_a": "fail"}, [], Tally(held=1, tried=2, new=1)),
        ({"reader_a": "fail"}, [listed()], Tally(held=1, tried=2, listed=1)),
        ({"reader_a": {"tls": "hang"}}, [], Tally(held=1, tried=2, new=1)),
        ({"reader_a": "fail"}, [listed(links=("tcp",))], Tally(held=1, tried=2, new=1)),
        ({"reader_a": "precondition"}, [], Tally(held=1, tried=2, untried=1)),
        ({"reader_a": {"tcp": "fail", "tls": "precondition"}}, [], Tally(held=1, tried=2, new=1)),
        ({"reader_a": "inapplicable"}, [], Tally(held=1, tried=1)),
        ({"reader_a": {"tls": "inapplicable"}}, [], Tally(held=2, tried=2)),
        ({"reader_fact": "fail"}, [], Tally(held=2, tried=2)),
        ({"writer_c": "fail"}, [], Tally(held=2, tried=2)),
    ],
)
def test_a_clause_holds_if_every_trial_of_it_passed(departing, entries, tally):
    """The cell of StreamReader counts clauses, by their worst trial, and no behaviours."""
    assert tally == account(results(**departing), entries).tally(STDLIB, "StreamReader")


@pytest.mark.parametrize(
    ("departing", "options", "claim", "code"),
    [
        ({}, {}, Claim.CONFORMANT, 0),
        ({"reader_a": "fail"}, {}, Claim.DEVIATES, 1),
        ({"reader_a": "fail"}, {"entries": [listed()]}, Claim.DEVIATES, 0),
        ({}, {"entries": [listed()]}, Claim.CONFORMANT, 1),
        ({"reader_a": "precondition"}, {}, Claim.INCOMPLETE, 4),
        ({"reader_a": "precondition"}, {"entries": [listed(verdict="precondition")]},
         Claim.INCOMPLETE, 0),
        ({"reader_a": "precondition", "reader_b": "fail"}, {}, Claim.DEVIATES, 1),
        ({"reader_a": "harness", "reader_b": "fail"}, {}, Claim.INVALID, 3),
        ({"reader_fact": "harness"}, {}, Claim.INVALID, 3),
        ({"reader_fact": "fail"}, {}, Claim.CONFORMANT, 0),
        ({}, {"complete": False}, Claim.INCOMPLETE, 4),
        ({"reader_a": "fail"}, {"complete": False}, Claim.DEVIATES, 1),
        ({}, {"clauses": ("*",)}, Claim.INCOMPLETE, 0),
        ({}, {"links": ("tcp",)}, Claim.INCOMPLETE, 0),
        ({}, {"due": CLAUSES}, Claim.CONFORMANT, 0),
        ({}, {"due": {*CLAUSES, "writer.d"}}, Claim.INCOMPLETE, 4),
        ({}, {"due": {*CLAUSES, "writer.d"}, "clauses": ("*",)}, Claim.INCOMPLETE, 0),
        (dict.fromkeys(["reader_a", "reader_b", "reader_fact", "writer_c"], "inapplicable"), {},
         Claim.INCOMPLETE, 4),
    ],
)  # fmt: skip
def test_claim_and_exit_code(departing, options, claim, code):
    """A list changes the exit code, never the claim; what did not run is never conformant."""
    run = account(results(**departing), **options)
    assert (claim, code) == (run.claim(STDLIB), run.exit_code)


def test_nothing_ran_is_incomplete():
    """No result at all is exit 4."""
    assert account([]).exit_code == 4


def test_claims_are_named_by_subject_and_loop():
    """The footer names the subject alone on the stock loop, else the loop with it."""
    run = account(results() + results(loop="uvloop:new", reader_a="fail"))
    assert {"stdlib": "conformant", "stdlib@uvloop:new": "deviates"} == run.claims


def test_links_with_one_detail_are_one_entry():
    """Same clause, verdict and detail: one departure on two links; otherwise two."""
    (one,) = account(results(reader_a="fail")).entries(STDLIB)
    assert ("tcp", "tls") == one.links
    found = account(results(reader_a={"tcp": "fail", "tls": "hang"})).entries(STDLIB)
    assert [("tcp",), ("tls",)] == [entry.links for entry in found]


def test_details_that_differ_in_figures_are_one_entry():
    """Ports and sizes differ between links; the first is shown, and that others differ is said."""
    details = {"tcp": "expected 1,024 bytes, got 17", "tls": "expected 1,024 bytes, got 999"}
    found = [replace(r, detail=details[r.link]) for r in results(reader_a="fail")]
    (one,) = account(found).entries(STDLIB)
    assert (("tcp", "tls"), details["tcp"], True) == (one.links, one.detail, one.varies)
    assert "fail on tcp, tls (in other figures elsewhere)\n" in shown(account(found))


def test_what_asks_for_action_comes_first():
    """New, then stale, then not tried, then listed; each in the catalogue's order."""
    run = account(
        results(reader_b="fail", reader_a="fail", writer_c={"tcp": "precondition"}),
        [listed("reader.a"), listed("writer.c")],
    )
    order = [(e.status, e.clause) for e in run.entries(STDLIB)]
    assert [
        (Status.NEW, "reader.b"),
        (Status.STALE, "writer.c"),
        (Status.UNTRIED, "writer.c"),
        (Status.LISTED, "reader.a"),
    ] == order


# --- the page ---


def test_a_clean_run():
    """The whole report of a run in which nothing departs."""
    expected = """\
clauses that hold    stdlib    streams
StreamReader         2/2       2/2
StreamWriter         1/1       1/1
all                  3/3       3/3

1 behaviour, left open by the page: no difference

stdlib   conformant  3 of 3 clauses hold
streams  conformant  3 of 3 clauses hold
"""
    out = shown(account(results() + results("streams")))
    assert expected == out[: len(expected)]
    assert re.fullmatch(
        r"edition 3\.11, catalogue 1\.0 · \w+ 3\.\S+ on \w+\n"
        r"16 trials in 2\.0 s, 8 a second, 2 workers\n",
        out[len(expected) :],
    )


def test_a_new_departure_is_told_in_full():
    """Clause, level, promise, links, what came, and the command that runs just that trial."""
    out = shown(account(results(reader_a="fail"), edition="3.11"))
    assert (
        """
stdlib: 1 new

NEW      reader.a  must
         Data stays in the buffer.
         fail on tcp, tls
           expected [bold]1[/bold], got fail
         $ streamgauge repro stdlib reader.a --link tcp --edition 3.11
"""
        in out
    )
    assert "StreamReader         1/2 ✗1\n" in out
    assert out.endswith("exit 1: new failures or stale entries\n")


def test_listed_departures_are_short():
    """A line each, and the reason that they share once."""
    entries = [listed(), listed("writer.c"), listed("reader.b", reason="Another one.")]
    out = shown(account(results(reader_a="fail", reader_b="fail", writer_c="fail"), entries))
    assert (
        """
stdlib: 3 listed

listed   reader.a  fail on tcp, tls
listed   writer.c  fail on tcp, tls
         It is so. (gh-1)
listed   reader.b  fail on tcp, tls
         Another one. (gh-1)

stdlib  deviates  0 of 3 clauses hold, 3 listed
"""
        in out
    )
    assert "exit" not in out


def test_a_stale_entry_says_what_to_do():
    """Which entry, what it says, and the remedy."""
    out = shown(account(results(), [listed(links=("tls",))]))
    assert (
        """
STALE    reader.a
         listed as fail on tls, and no trial of it ended so
         stdlib.toml, deviation 1: delete the entry, or narrow its `when`
         $ streamgauge run stdlib --clause reader.a --link tls
"""
        in out
    )


def test_a_stale_entry_of_what_any_check_shows_takes_all_of_them(monkeypatch):
    """The command that is printed tells the same; on a part of the clauses it could not."""
    monkeypatch.setattr(departures, "SHOWN_BY_ANY", {"reader.a"})
    out = shown(account(results(), [listed(links=("tls",))]))
    assert "\n         $ streamgauge run stdlib --link tls\n" in out


def test_the_command_names_another_loop_and_quotes():
    """What is printed can be pasted into a shell."""
    out = shown(account(results("my pkg:x", loop="uvloop:new", reader_a="fail")))
    assert "$ streamgauge repro 'my pkg:x' reader.a --link tcp --loop uvloop:new\n" in out


def test_the_command_names_the_check_where_a_clause_has_several():
    """So that it is the departing one that runs, and no other before it."""
    clause = "handler.exception.plain-callable-closes"
    check = registry.checks_for(clause)[1].name
    entry = Entry(STDLIB, Status.NEW, clause, Verdict.FAIL, ("tcp",), check=check)
    words = f"streamgauge repro stdlib {clause} --check {check} --link tcp"
    assert words == departures.command_for(account(results()), entry)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_command_is_never_wrapped(width):
    """However narrow the terminal, the command is one line; everything else keeps within it."""
    out = shown(account(results(reader_a="fail")), width)
    commands = [line for line in out.splitlines() if "$ " in line]
    assert ["$ streamgauge repro stdlib reader.a --link tcp"] == [c.strip() for c in commands]
    assert all(len(line) <= width for line in out.splitlines() if line not in commands)


def test_behaviours_that_differ_are_shown():
    """A yes/no fact has a row where the subjects differ, with its link where links differ."""
    mixed = results("streams", reader_fact={"tls": "fail"})
    out = shown(account(results(reader_fact="hang") + mixed))
    assert (
        """
behaviours that differ, 1 of 1    stdlib        streams
reader.fact                       no (hangs)    yes (tls: no)
"""
        in out
    )
    assert "conformant" in out


def test_behaviours_of_one_subject_are_counted():
    """With nothing to compare, a count is enough."""
    assert "1 behaviour, left open by the page: 0 yes, 1 not" in shown(
        account(results(reader_fact="fail"))
    )


def test_quiet_keeps_only_the_unexpected():
    """No matrix, no behaviours, no listed departures; a run as expected is its summary alone."""
    out = shown(account(results(reader_a="fail"), [listed()]), quiet=True)
    assert out.startswith("stdlib  deviates  2 of 3 clauses hold, 1 listed\nedition 3.11")
    out = shown(account(results(reader_a="fail", reader_b="fail"), [listed()]), quiet=True)
    assert "NEW      reader.b" in out
    assert "reader.a" not in out
    assert "clauses that hold" not in out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"complete": False}, "3 of 3 clauses hold, the run was cut short"),
        ({"links": ("tcp",)}, "3 of 3 clauses hold, only a part of the catalogue was selected"),
        ({"due": {"reader.z"}}, "3 of 3 clauses hold, 1 without a trial"),
    ],
)
def test_an_incomplete_claim_says_why(options, reason):
    """Nobody has to guess what is missing."""
    assert f"stdlib  incomplete  {reason}\n" in shown(account(results(), **options), 100)


def test_ascii_is_enough():
    """Where the encoding has no signs of ours the report has others, and foreign text survives."""
    found = results(reader_a="fail")
    found = [replace(r, detail="got '\u00e9'") if r.detail else r for r in found]
    out = shown(account(found), encoding="ascii")
    assert "StreamReader         1/2 x1\n" in out
    assert r"got '\xe9'" in out
    assert out.isascii()


def test_a_pipe_gets_neither_colour_nor_blanks_at_line_ends():
    """Plain text is for tools: no escape sequence, nothing behind the last word."""
    out = shown(account(results(reader_a="fail") + results("streams"), [listed("writer.c")]))
    assert "\x1b" not in out
    assert [] == [line for line in out.splitlines() if line != line.rstrip()]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        """Say so."""
        return True


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_is_kept(monkeypatch, no_color):
    """A terminal has colour unless NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    print_report(make_console(stream, 80), account(results(reader_a="fail")))
    coloured = re.search(r"\x1b\[[0-9;]*3[0-9]m", stream.getvalue()) is not None
    assert coloured is not no_color


def test_the_bar_counts_and_vanishes(monkeypatch):
    """While it runs the bar shows trials and departures; nothing of it is left afterwards."""
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    bar = ProgressBar(make_console(stream, 100), shown=True)
    with bar:
        bar.started(8)
        for result in results(reader_a="fail", reader_fact="fail"):
            bar.result(result)
    assert "8/8" in stream.getvalue()
    assert "2 departing" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[2K")


def test_without_a_terminal_only_warnings_are_told():
    """No bar goes into a log file, but what the engine has to say does."""
    stream = io.StringIO()
    bar = ProgressBar(make_console(stream), shown=False)
    with bar:
        bar.started(1)
        bar.warning("a worker was replaced")
        bar.result(results()[0])
    assert stream.getvalue() == "streamgauge: a worker was replaced\n"
