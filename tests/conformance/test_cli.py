"""The command line: options become a plan, what happens becomes an exit code and a line."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from streamgauge.conformance import catalogue, cli, engine, judging, registry
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.errors import HarnessError, NothingToRunError, UsageError
from streamgauge.conformance.observed import Observed, Row, running
from streamgauge.conformance.plan import Result
from streamgauge.conformance.results import read
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

CHECKED = "reader.readuntil.overrun-keeps-data"
COMMAND = [sys.executable, "-c", "from streamgauge.conformance.cli import main; main()"]


class FakeEngine:
    """Takes the engine's place: keeps the plan, and hands out results made in advance.

    Attributes:
        plan: the one that it was given.
        verdicts: clause -> verdict, for each subject and loop; on link tcp.
        ends: what `go` returns, or an exception that it raises after the results.
        refuses: an exception that `opened` raises.
    """

    def __init__(self):
        self.plan = None
        self.verdicts = {CHECKED: "pass"}
        self.ends = True
        self.refuses = None
        self.told = 0

    @contextlib.contextmanager
    def opened(self, plan):
        """Take the plan, or refuse it."""
        self.plan = plan
        if self.refuses:
            raise self.refuses
        yield self

    def go(self, listener):
        """Tell every result, until the listener has enough."""
        listener.started(len(self.verdicts))
        for result in self.results():
            listener.result(result)
            self.told += 1
            if listener.wants_stop:
                return False
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends

    def play(self, trials):
        """Play a trial again: it comes to the same."""
        return [r for r in self.results() if f"{r.clause}[check-{r.subject}-" in trials[0]]

    def results(self):
        """Return all that is told."""
        return [
            Result(
                *(subject, loop, "tcp", clause, "check", catalogue.load()[clause].level),
                *(Verdict(word), "" if word == "pass" else "expected 1, got 2", 0.1),
            )
            for subject in self.plan.subjects
            for clause, word in self.verdicts.items()
            for loop in self.plan.loops
        ]


@pytest.fixture
def fake(monkeypatch):
    """Put a fake engine in place, and let one clause be all that is due."""
    one = FakeEngine()
    monkeypatch.setattr(engine, "opened", one.opened)
    # Deviations name checks of every clause, so all others are looked up as ever.
    due = SimpleNamespace(all_checks=lambda: registry_of(CHECKED))
    monkeypatch.setattr(judging, "registry", due)
    # What departs counts, on whatever release these tests run.
    monkeypatch.setattr(judging, "observed", lambda: Observed({"asyncio": Row((running(),))}))
    return one


def registry_of(clause):
    """Give the real checks of one clause."""
    return [c for entries in registry._CHECKS.values() for c in entries if c.clause == clause]


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in this process: exit code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        with pytest.raises(SystemExit) as caught:
            cli.main(words)
        out, err = capsys.readouterr()
        return caught.value.code, out, err

    return run


# --- run: the plan ---


def test_without_options_both_built_in_subjects_are_judged(run, fake, monkeypatch, tmp_path):
    """The default plan: stdlib and streams, stock loop, every link, every clause, every core."""
    monkeypatch.chdir(tmp_path)
    assert run("run")[0] == 0
    plan = fake.plan
    assert ("stdlib", "streams") == plan.subjects
    assert (("asyncio",), (), (), None) == (plan.loops, plan.links, plan.clauses, plan.edition)
    assert (False, 1.0, True) == (plan.fail_fast, plan.timeout_factor, plan.workers >= 1)
    assert (str(tmp_path),) == plan.search_path


def test_every_option_reaches_the_plan(run, fake):
    """What is written on the command line is what the engine is asked for."""
    run(
        *("run", "mypkg.streams", "stdlib", "mypkg.streams", "--loop", "asyncio"),
        *("--loop", "uvloop:new_event_loop", "--link", "tcp", "--link", "tls"),
        *("--clause", "reader.*", "--clause", "writer.close.*", "--edition", "3.9"),
        *("--workers", "3", "--fail-fast", "--timeout-factor", "2.5"),
    )
    plan = fake.plan
    assert ("mypkg.streams", "stdlib") == plan.subjects
    assert ("asyncio", "uvloop:new_event_loop") == plan.loops
    assert (("tcp", "tls"), ("reader.*", "writer.close.*")) == (plan.links, plan.clauses)
    assert ("3.9", 3, True, 2.5) == (
        *(plan.edition, plan.workers),
        *(plan.fail_fast, plan.timeout_factor),
    )


# --- run: exit codes and lines ---


@pytest.mark.parametrize(
    ("verdict", "ends", "code"),
    [
        ("pass", True, 0),
        ("fail", True, 1),
        ("hang", True, 1),
        ("precondition", True, 4),
        ("inapplicable", True, 4),
        ("harness", True, 3),
        ("pass", False, 4),
        ("fail", False, 1),
    ],
)
def test_exit_code_of_a_run(run, fake, verdict, ends, code):
    """A run's exit code follows from its verdicts, and the report says what it means."""
    fake.verdicts, fake.ends = {CHECKED: verdict}, ends
    got, out, err = run("run", "streams")
    assert code == got
    assert (f"exit {code}: " in out) is bool(code)
    assert err == ""


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 4, "streamgauge: interrupted; nothing is claimed"),
        (HarnessError("it broke"), 3, "streamgauge: it broke"),
        (HarnessError("it broke:\nTraceback\nmore"), 3,
         "streamgauge: it broke (2 more lines: streamgauge --debug ...)"),
        (RuntimeError("oh"), 3,
         "streamgauge: internal error, please report it: RuntimeError: oh"),
    ],
)  # fmt: skip
def test_a_run_that_breaks_is_one_line(run, fake, error, code, line):
    """No traceback: the account of what was found, and a line on stderr."""
    fake.ends = error
    got, out, err = run("run", "streams")
    assert (code, line + "\n") == (got, err.lstrip("\n"))  # click ends the line of ^C
    assert "the run was cut short" in out


def test_a_remedy_is_never_cut_off(run, fake):
    """What a user's module says over several lines is told in one, the remedy at its end."""
    fake.refuses = UsageError("cannot import 'x' (ValueError: two\n  lines); check the name")
    line = "streamgauge: cannot import 'x' (ValueError: two lines); check the name\n"
    assert (2, "", line) == run("run", "x")


def test_debug_shows_the_traceback(run, fake):
    """Whoever wants to report our fault gets all of it."""
    fake.ends = RuntimeError("oh")
    code, _, err = run("--debug", "run", "streams")
    assert code == 3
    assert "Traceback (most recent call last)" in err
    fake.ends = HarnessError("it broke:\nthe host's last words")
    assert "the host's last words" in run("--debug", "run", "streams")[2]


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no such subject; name another"), 2),
                        (NothingToRunError("nothing to run"), 4)],
)  # fmt: skip
def test_what_the_engine_refuses_is_one_line(run, fake, error, code):
    """The engine's own words, with the exit code of their type."""
    fake.refuses = error
    assert (code, "", f"streamgauge: {error}\n") == run("run")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--link", "udp"),
        ("run", "--edition", "2.7"),
        ("run", "--workers", "0"),
        ("run", "--timeout-factor", "0"),
        ("run", "--surprise"),
        ("run", "--jsonl", "/no/such/folder/results.jsonl"),
        ("run", "--deviations", "/no/such/file.toml"),
        ("surprise",),
        ("explain",),
        ("baseline",),
        ("baseline", "mine", "--file", "/no/such/folder/known.toml"),
        ("run", "--repeat", "0"),
        ("run", "--junit", "/no/such/folder/report.xml"),
        ("run", "stdlib", "streams", "--badge", "badge.svg"),
        ("explain", "reader.nothing"),
        ("list", "--level", "may"),
        ("list", "--clause", "nothing*"),
    ],
)
def test_bad_words_are_exit_2_and_one_line(run, fake, words):
    """The line says what was got, or what would do; no usage page, no traceback."""
    code, out, err = run(*words)
    assert (2, "") == (code, out)
    assert err.startswith("streamgauge: ")
    assert err.count("\n") == 1


def test_a_new_departure_is_reported_with_its_command(run, fake):
    """The report comes on stdout, the clause's own promise in it."""
    fake.verdicts = {CHECKED: "fail"}
    code, out, _ = run("run", "streams")
    assert code == 1
    assert catalogue.load()[CHECKED].text[:40] in out
    assert f"$ streamgauge repro streams {CHECKED} --link tcp\n" in out


def test_quiet_says_what_was_not_expected(run, fake):
    """A run as expected comes to its summary."""
    code, out, err = run("run", "streams", "--quiet")
    assert (0, "") == (code, err)
    assert out.startswith("streams  conformant  1 of 1 clauses hold\n")


def deviations(path, verdict="fail"):
    """Write a file that lists the one clause."""
    path.write_text(
        f'[[deviation]]\nclause = "{CHECKED}"\nverdict = "{verdict}"\n'
        'reason = "It is so."\nissue = "gh-1"\n'
    )
    return str(path)


def test_a_listed_departure_is_exit_0_and_no_better_claim(run, fake, tmp_path):
    """The list is shown, the claim stays what it is; a clause that passes makes it stale."""
    words = ("run", "mine", "--deviations", deviations(tmp_path / "mine.toml"))
    fake.verdicts = {CHECKED: "fail"}
    code, out, _ = run(*words)
    assert code == 0
    assert "It is so. (gh-1)" in out
    assert "mine  deviates  0 of 1 clauses hold, 1 listed" in out
    fake.verdicts = {CHECKED: "pass"}
    code, out, _ = run(*words)
    assert code == 1
    assert "mine.toml, deviation 1: delete the entry" in out


@pytest.mark.parametrize(("listed", "told"), [(True, 2), (False, 1)])
def test_fail_fast_stops_at_the_first_unlisted_departure(run, fake, tmp_path, listed, told):
    """A listed departure is no reason to stop."""
    fake.verdicts = {CHECKED: "fail", "reader.readuntil.waits-for-separator": "pass"}
    words = ["run", "mine", "--fail-fast"]
    if listed:
        words += ["--deviations", deviations(tmp_path / "mine.toml")]
    code, out, _ = run(*words)
    assert told == fake.told
    assert (1 - listed, not listed) == (code, "the run was cut short" in out)


# --- baseline ---


def test_baseline_makes_a_run_green(run, fake, tmp_path, monkeypatch):
    """Written with reason and issue, a departure is listed; once it passes, --prune drops it."""
    monkeypatch.chdir(tmp_path)
    fake.verdicts = {CHECKED: "fail"}
    words = ("baseline", "mine", "--reason", "so it is", "--issue", "gh-1")
    assert (0, "deviations.toml: 1 added, 0 removed\n", "") == run(*words)
    assert (0, "deviations.toml: nothing to change\n", "") == run(*words)
    assert 0 == run("run", "mine", "--deviations", "deviations.toml")[0]
    fake.verdicts = {CHECKED: "pass"}
    assert 1 == run("run", "mine", "--deviations", "deviations.toml")[0]
    assert (0, "deviations.toml: nothing to change\n", "") == run(*words)
    assert (0, "deviations.toml: 0 added, 1 removed\n", "") == run(*words, "--prune")
    assert 0 == run("run", "mine", "--deviations", "deviations.toml")[0]


def test_a_baseline_without_a_reason_has_to_be_filled_in(run, fake, tmp_path):
    """A draft is no excuse: `run` refuses it in one line that says what to do."""
    path = str(tmp_path / "known.toml")
    fake.verdicts = {CHECKED: "fail"}
    code, out, _ = run("baseline", "mine", "--file", path)
    assert (0, f"{path}: 1 added, 0 removed; fill in what is marked TODO\n") == (code, out)
    code, _, err = run("run", "mine", "--deviations", path)
    assert (2, 1) == (code, err.count("\n"))
    assert "no TODO" in err


@pytest.mark.parametrize(("verdict", "code"), [("harness", 3), ("unverified", 4), ("pass", 0)])
def test_what_is_no_departure_is_not_written(run, fake, tmp_path, verdict, code):
    """A fault of the suite, or what was not tried, is nobody's known departure."""
    fake.verdicts = {CHECKED: verdict}
    path = tmp_path / "known.toml"
    got, out, _ = run("baseline", "mine", "--file", str(path))
    assert (code, False) == (got, path.exists() and CHECKED in path.read_text())
    assert out.startswith(f"{path}: ")


def test_a_baseline_of_somebody_else_is_refused(run, fake, tmp_path):
    """Entries of two subjects do not come into one file unseen."""
    path = tmp_path / "known.toml"
    deviations(path)
    path.write_text('subject = "other"\n' + path.read_text())
    code, _, err = run("baseline", "mine", "--file", str(path))
    line = f"streamgauge: {path}: lists departures of 'other'; give another --file\n"
    assert (2, line) == (code, err)


def test_a_baseline_of_a_loop_is_refused(run, fake, tmp_path):
    """What a loop does is listed for each subject on it, and is not rewritten for one of them."""
    path = tmp_path / "known.toml"
    path.write_text('loop = "asyncio"\n')
    code, _, err = run("baseline", "mine", "--file", str(path))
    line = f"streamgauge: {path}: lists what a loop does, not one subject; give another --file\n"
    assert (2, line, 'loop = "asyncio"\n') == (code, err, path.read_text())


# --- run: the results file ---


def test_results_are_written_and_can_be_read(run, fake, tmp_path):
    """Header, results and footer of the very run that is reported."""
    path = tmp_path / "results.jsonl"
    run("run", "stdlib", "--jsonl", str(path), "--loop", "asyncio", "--loop", "uvloop:new")
    report = read(path)
    assert ["stdlib"] == report.header["subjects"]
    assert ["asyncio", "uvloop:new"] == [r.loop for r in report.results]
    assert {"stdlib": "conformant", "stdlib@uvloop:new": "conformant"} == report.footer["claims"]


@pytest.mark.parametrize("option", ["junit", "markdown", "badge"])
def test_reports_are_written_into_files(run, fake, tmp_path, option):
    """The terminal's report still comes on stdout; the file has the same account."""
    path = tmp_path / "report"
    code, out, _ = run("run", "streams", f"--{option}", str(path))
    assert (0, True, True) == (code, "conformant" in out, "conformant" in path.read_text())


def test_a_dash_writes_results_to_stdout(run, fake):
    """In a pipe there is nothing but JSON lines; the report goes to stderr."""
    code, out, err = run("run", "streams", "--jsonl", "-")
    assert ["header", "result", "footer"] == [json.loads(li)["type"] for li in out.splitlines()]
    assert (0, True) == (code, "clauses that hold" in err)


@pytest.mark.parametrize(
    ("ends", "kinds"),
    [
        (False, ["header", "result", "footer"]),
        (KeyboardInterrupt(), ["header", "result", "footer"]),
        (HarnessError("x"), ["header", "result", "footer"]),
    ],
)
def test_a_footer_says_that_the_run_ended_in_order(run, fake, tmp_path, ends, kinds):
    """A run that was cut short, or broke, says so in its footer."""
    fake.ends = ends
    path = tmp_path / "results.jsonl"
    run("run", "streams", "--jsonl", str(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert kinds == [line["type"] for line in lines]
    assert lines[-1]["complete"] is False


# --- the other commands ---


def test_help_is_shown_without_a_command(run):
    """`streamgauge` alone shows its commands and the exit codes."""
    code, out, _ = run()
    assert code == 0
    assert all(word in out for word in ("run", "list", "explain", "subjects", "Exit codes"))
    assert run("--help") == (code, out, "")


def test_version(run):
    """`--version` names the program and one version."""
    code, out, _ = run("--version")
    assert code == 0
    assert out.split()[0] == "streamgauge"


def test_list_is_a_line_a_clause(run):
    """In a pipe: id, level, object, links; as many lines as clauses."""
    code, out, _ = run("list")
    clauses = catalogue.load()
    assert (0, list(clauses)) == (code, [line.split()[0] for line in out.splitlines()])
    line = next(line for line in out.splitlines() if line.startswith(CHECKED))
    assert [CHECKED, clauses[CHECKED].level, "StreamReader", "all"] == line.split()


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        (("--level", "behaviour"), lambda c: c.level == "behaviour"),
        (("--clause", "reader.*"), lambda c: c.id.startswith("reader.")),
        (("--clause", "reader.*", "--clause", "writer.*", "--level", "must"),
         lambda c: c.id.startswith(("reader.", "writer.")) and c.level == "must"),
        (("--edition", EDITIONS[-1]), lambda c: c.applies_to(EDITIONS[-1])),
    ],
)  # fmt: skip
def test_list_takes_filters(run, words, fits):
    """Filters narrow the list; several patterns widen it again."""
    expected = [c.id for c in catalogue.load().values() if fits(c)]
    assert expected == [line.split()[0] for line in run("list", *words)[1].splitlines()]


def test_explain_tells_all_about_a_clause(run):
    """Promise, source, meaning, hints, links and the check's own text."""
    code, out, _ = run("explain", CHECKED)
    clause = catalogue.load()[CHECKED]
    checks = registry.checks_for(CHECKED)
    words = " ".join(out.split())
    assert code == 0
    for part in (clause.level, clause.text, *clause.source, clause.means, *clause.hints):
        assert " ".join(part.split()) in words
    for line in "".join(check.source for check in checks).splitlines():
        assert line in out
    assert all(link in words for check in checks for link in check.links)


def test_explain_says_where_a_departure_is_known(run):
    """Subject, loops, links, and the releases; nothing of another loop reads as asyncio's."""
    words = " ".join(run("explain", "writer.drain.lost-connection-raises")[1].split())
    asyncios = "stdlib on loop asyncio, asyncio-debug, asyncio-eager, by tls: fail."
    rloops = "stdlib and streams on loop rloop, by socketpair, tcp, tcp6: fail."
    for told in (asyncios, rloops, "asyncssh: fail.", "(gh-118950). Seen on Python 3.8.18 to"):
        assert told in words
    assert ", gone on Python 3.13.5+debian to" in words
    words = " ".join(run("explain", "reader.lost.buffered-data-readable")[1].split())
    assert "stdlib on any loop: fail." in words


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("reader.readuntil.overrun-keep-data", f"did you mean {CHECKED}"),
        ("reader.readuntil", "did you mean reader.readuntil."),
        ("zzz", "`streamgauge list` shows them all"),
    ],
)
def test_explain_suggests_what_was_meant(run, name, suggestion):
    """A slip of the pen costs no second command."""
    code, _, err = run("explain", name)
    assert code == 2
    assert suggestion in err


def test_subjects_shows_what_can_be_judged(run):
    """Built-in subjects and loops, whether they can be used here, and how to name others."""
    code, out, _ = run("subjects")
    assert code == 0
    assert "stdlib" in out
    assert out.count("ready") >= 3
    assert "streamgauge run mypkg.streams" in out


def test_without_its_extra_the_command_says_what_to_install(run, monkeypatch):
    """A base install has the command's name, and a line instead of a traceback."""
    monkeypatch.delitem(sys.modules, "streamgauge.conformance.commands", raising=False)
    monkeypatch.delattr("streamgauge.conformance.commands", raising=False)
    monkeypatch.setitem(sys.modules, "click", None)
    code, _, err = run("list")
    assert code == 2
    assert "needs click; pip install 'streamgauge[conformance]'" in err


# --- for real ---


def test_a_real_trial(run, tmp_path):
    """One clause on one link through the real engine: both subjects pass it."""
    path = tmp_path / "results.jsonl"
    words = ("run", "--clause", CHECKED, "--link", "feed", "--workers", "1", "--jsonl", str(path))
    code, out, err = run(*words)
    assert (0, "") == (code, err)
    assert {"stdlib", "streams"} == {r.subject for r in read(path).results}
    assert f"{len(read(path).results)} trials in" in out


def test_an_interrupt_is_exit_4_and_a_line(signals_heeded, deadline):
    """Ctrl-C in the midst of a run: no traceback, and a footer that claims no end."""
    process = subprocess.Popen(
        [*COMMAND, "run", "streams", "--workers", "1", "--jsonl", "-"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [process.stdout.readline() for _ in range(2)]  # the header and a first result
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert ["header", "result"] == [json.loads(line)["type"] for line in lines]
    footer, last = json.loads(out.splitlines()[-1]), err.splitlines()[-1]
    assert ("footer", False) == (footer["type"], footer["complete"])
    assert (4, "streamgauge: interrupted; nothing is claimed") == (process.returncode, last)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list",), 0),
        (("run", "stdlib", "--clause", CHECKED, "--link", "feed"), 0),
        (("run", "stdlib", "--clause", CHECKED, "--link", "feed", "--jsonl", "-"), 4),
    ],
)
def test_a_reader_that_has_seen_enough(words, code):
    """`streamgauge list | head -1` ends quietly; a run keeps its code, or says it was cut."""
    process = subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert code == process.wait()
    assert ("Broken pipe; the run was cut short" in err, err.count("\n")) == (bool(code), code // 4)
