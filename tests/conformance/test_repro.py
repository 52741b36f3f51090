"""`streamgauge repro`: one trial in this process, its stack, its script, a debugger, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streamgauge.conformance import cli, registry
from streamgauge.conformance.commands import repeating
from streamgauge.conformance.deviations import Deviation, When
from streamgauge.conformance.plainly import script_for
from streamgauge.conformance.replay import cut_to_check
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

HERE = Path(__file__).parent
CLAUSE = "reader.readexactly.returns-n"
CHECK = "gives_exactly_n_bytes_and_leaves_the_rest"
COMMAND = [sys.executable, "-c", "from streamgauge.conformance.cli import main; main()"]


@pytest.fixture
def repro(capsys, monkeypatch):
    """Run `streamgauge repro` on a planted subject: exit code, stdout, stderr."""
    monkeypatch.chdir(HERE)

    def run(subject, *words, module="planted"):
        with pytest.raises(SystemExit) as caught:
            cli.main(["repro", f"{module}:{subject}", *words])
        return (caught.value.code, *capsys.readouterr())

    return run


def test_a_failure_ends_in_the_line_of_the_check(repro):
    """The stack begins and ends in the check; nothing of the suite stands around it."""
    code, out, _ = repro("returns_too_little", CLAUSE, "--link", "feed")
    assert code == 1
    lines = [line for line in out.splitlines() if line.startswith("  File")]
    assert [True] == ["checks/reader_exactly.py" in line and CHECK in line for line in lines]
    assert "CheckFailedError: expected [b'abcd', b'efg'], got [b'abc', b'ef']" in out
    assert out.endswith(f"{CLAUSE} ({CHECK}) on feed: fails\n")


def test_an_error_of_the_subject_ends_in_the_subject(repro):
    """What the subject raised shows the subject's own line last."""
    code, out, _ = repro("raises_system_exit", "reader.read.up-to-n", "--link", "feed")
    assert (0, True) == (code, out.endswith("on feed: holds\n"))
    code, out, _ = repro("floods_no_memory", CLAUSE, "--link", "feed")
    assert code == 1
    last = [line for line in out.splitlines() if line.startswith("  File")][-1]
    assert "planted.py" in last


def test_every_link_and_check_is_tried_in_turn(repro):
    """Without --link and --check all trials of the clause are run, until one fails."""
    code, out, _ = repro("always_passes", CLAUSE)
    trials = [(c.name, link) for c in registry.checks_for(CLAUSE) for link in c.links]
    assert code == 0
    expected = [f"{CLAUSE} ({n}) on {link}: holds" for n, link in trials if link != "own"]
    assert expected == out.splitlines()
    assert 1 == repro("returns_too_little", CLAUSE)[1].count("fails")


def test_one_check_may_be_named(repro):
    """--check runs that one; a name that is not there is told with those that are."""
    code, out, _ = repro("always_passes", CLAUSE, "--link", "feed", "--check", CHECK)
    assert (0, f"{CLAUSE} ({CHECK}) on feed: holds\n") == (code, out)
    code, out, err = repro("always_passes", CLAUSE, "--check", "nothing")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert f"no check 'nothing' there; expected one of {CHECK}" in err


@pytest.mark.parametrize(
    ("subject", "code", "says"),
    [
        ("fails_in_a_callback", 1, "holds, and yet: hygiene.exception-handler-silent"),
        ("raises_in_constructor", 4, "not tried, a step before it failed"),
    ],
)
def test_what_is_neither_held_nor_failed_says_so(repro, subject, code, says):
    """Noise, and a step before the clause, are told as what they are."""
    got, out, _ = repro(subject, CLAUSE, "--link", "feed")
    assert (code, True) == (got, says in out)


def test_what_is_inapplicable_is_a_usage_error(repro):
    """There is nothing to run, and the line says why."""
    code, _, err = repro("LacksReadexactly", CLAUSE)
    assert (2, 1) == (code, err.count("\n"))
    assert "inapplicable: planted:LacksReadexactly declares that it lacks readexactly" in err


def test_the_script_is_printed_and_nothing_run(repro):
    """--script prints what reports print; where there is none it says why."""
    check = registry.checks_for(CLAUSE)[0]
    code, out, _ = repro("busy_loops", CLAUSE, "--link", "feed", "--script")
    assert (0, script_for(check, "feed", subject="planted:busy_loops")) == (code, out)
    code, _, err = repro("always_passes", "open_connection.ssl.context-encrypts", "--script")
    assert (2, 1) == (code, err.count("\n"))
    assert "has no short script: " in err


def test_a_wait_without_end_is_ended_by_ctrl_c(signals_heeded, deadline):
    """No clock ends it; an interrupt does, and says in which line of the check it stood."""
    process = subprocess.Popen(
        [*COMMAND, "repro", "planted:tells_that_it_hangs", CLAUSE, "--link", "feed"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "hanging\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (4, "") == (process.returncode, err)
    assert "interrupted; it waited in `t.equal([await reader.readexactly(4)" in out


def test_a_breakpoint_has_the_terminal():
    """`breakpoint()` in the subject stops there, and what is typed reaches it."""
    words = ["repro", "planted:stops_at_a_breakpoint", CLAUSE, "--link", "feed", "--check", CHECK]
    done = subprocess.run(
        [*COMMAND, *words], cwd=HERE, input="p n * 111\nc\nc\n", capture_output=True, text=True
    )
    assert "444" in done.stdout
    assert (0, True) == (
        done.returncode,
        done.stdout.endswith(f"{CLAUSE} ({CHECK}) on feed: holds\n"),
    )


def test_a_debugger_opens_where_the_check_failed():
    """--pdb stops in the check, where its names can be looked at."""
    words = ["repro", "planted:returns_too_little", CLAUSE, "--link", "feed", "--pdb"]
    done = subprocess.run(
        [*COMMAND, *words], cwd=HERE, input="p piece\nq\n", capture_output=True, text=True
    )
    assert (1, True) == (done.returncode, "b'ghij'" in done.stdout)


def test_an_error_from_elsewhere_keeps_its_traceback():
    """Where no line of a check takes part there is nothing to cut."""
    with pytest.raises(KeyError) as caught:
        raise KeyError("here")
    before = caught.value.__traceback__
    cut_to_check(caught.value)
    assert before is caught.value.__traceback__


@pytest.mark.parametrize(
    ("plan", "code", "says"),
    [
        ("whole", 0, "holds"),
        ("bytes", 0, "under bytes: holds"),
        ("late", 1, "under late: fails"),
        ("cancel-readexactly-1", 1, "under cancel-readexactly-1: fails"),
    ],
)
def test_a_plan_that_a_report_names_is_played(repro, plan, code, says):
    """--plan plays the check in that way: what fails under some plans only fails under those."""
    words = ("reader.readexactly.waits-for-n", "--link", "feed", "--plan", plan)
    check = "waits_for_the_last_of_n_bytes"
    got, out, err = repro("works_under_some_plans", *words, "--check", check)
    assert (code, "") == (got, err)
    assert out.splitlines()[-1].endswith(says)


def test_a_plan_that_does_not_exist_is_a_usage_error(repro):
    """A slip in a plan's name is told in one line, with the names there are."""
    code, out, err = repro("always_passes", CLAUSE, "--plan", "sideways")
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert "no plan is called 'sideways'; expected whole, bytes, cut-N" in err


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("RaisesInPair", "pair(65536) raised OSError('planted: no connection today')"),
        ("RaisesInFinish", "finish() raised OSError('planted: not cleared up')"),
    ],
)
def test_a_fault_of_the_adapter_is_told_with_its_stack(repro, subject, says):
    """What the adapter raises is code 3; the stack ends in the adapter, and finish() is called."""
    code, out, _ = repro(subject, CLAUSE, "--check", CHECK)
    lines = [line for line in out.splitlines() if line.startswith("  File")]
    last = out.splitlines()[-1]
    assert (3, True) == (code, "planted.py" in lines[-1])
    assert last.startswith(f"{CLAUSE} ({CHECK}) on own: the adapter is at fault: planted:{subject}")
    assert says in last


@pytest.mark.parametrize("number", [0, 1])
def test_of_several_checks_the_script_is_the_departing_ones(repro, monkeypatch, number):
    """Without --check it is that of the check which is listed to depart here; with it, its own."""
    clause = "handler.exception.plain-callable-closes"
    first, second = registry.checks_for(clause)
    names = (first.name, second.name)
    told = ("it is so", "gh-1", "stdlib.toml, deviation 1")
    listed = Deviation(
        "planted:always_passes", clause, Verdict.FAIL, When(), *told, check=names[number]
    )
    monkeypatch.setattr(repeating.deviation_files, "gather", lambda *_: [listed])
    error = ("ValueError", "CancelledError")
    _, out, _ = repro("always_passes", clause, "--script")
    assert [n == number for n in range(2)] == [e in out for e in error]
    _, out, _ = repro("always_passes", clause, "--check", names[1 - number], "--script")
    assert error[1 - number] in out


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("stops_the_loop", "CheckFailedError: the loop was stopped from within the subject"),
        ("cancels_everything", "asyncio.exceptions.CancelledError"),
        ("exits_in_a_callback", "SystemExit: 0"),
        ("raises_generator_exit", "GeneratorExit"),
        ("raises_the_unshowable", "<ValueError whose str() raised LookupError>"),
        ("raises_what_exits", "<ValueError whose str() raised SystemExit>"),
        ("raises_an_error_of_itself", "ValueError"),
        ("raises_the_mute", "<_MuteError whose str() raised LookupError>"),
        ("raises_the_sealed", "misdeeds._SealedError"),
        ("raises_half_a_character", r"planted \udce4 \ud83d"),
        ("raises_control_characters", r"planted \x1b[31m \u202e"),
        ("c_reads", "ValueError: invalid literal for int()"),
        ("c_feeds", "TypeError: 'bytes' object cannot be interpreted"),
        ("raises_an_adapter_error", "planted: not my fault"),
    ],
)
def test_whatever_a_subject_raises_is_told(repro, subject, says):
    """It fails, with code 1 and what was raised, and no traceback of the command's own."""
    code, out, err = repro(subject, CLAUSE, "--link", "feed", "--check", CHECK, module="misdeeds")
    assert (1, "") == (code, err)
    assert says in out
    assert out.endswith(f"{CLAUSE} ({CHECK}) on feed: fails\n")
    assert "replay.py" not in out


def test_an_interrupt_that_a_subject_raises_is_its_own(repro):
    """It is told as any other failure: the user has interrupted nothing."""
    code, out, _ = repro("raises_keyboard_interrupt", CLAUSE, "--link", "feed")
    assert (1, True) == (code, out.endswith("fails\n"))
    assert "KeyboardInterrupt" in out


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("cut-99999999999", "of the 10 bytes delivered none has byte 99,999,999,999 inside"),
        ("eof-late", "no EOF is delivered that could come as late"),
        ("cancel-drain-1", "0 waits of drain(), no wait number 1"),
    ],
)
def test_a_plan_that_is_no_way_to_play_a_check_is_told(repro, plan, why):
    """It neither holds nor fails; `run` calls such a trial unverified."""
    words = (CLAUSE, "--link", "feed", "--check", CHECK, "--plan", plan)
    code, out, _ = repro("always_passes", *words)
    assert (4, True) == (code, out.endswith(f"no way to play this check: {why}\n")), out
