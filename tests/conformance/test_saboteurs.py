"""The saboteurs: each names a clause that is there, and the kill matrix counts as it should.

Here a dozen of them are run through the engine; `tox -e saboteurs` runs them all.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List

import pytest

from streamgauge.conformance import catalogue, cli, hygiene, registry
from streamgauge.conformance.plan import LINKS, Listener, Result
from streamgauge.conformance.saboteurs import all_saboteurs, parameters
from streamgauge.conformance.saboteurs.making import SABOTEURS, private_copy, saboteur
from streamgauge.conformance.saboteurs.matrix import PREFIX, SOUND, Matrix, plans, tried
from streamgauge.conformance.saboteurs.page import page
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

CLAUSES = catalogue.load()
EVERY = all_saboteurs()
PAGE = Path(__file__).parents[2] / "docs" / "saboteurs.md"
# One of each theme, of those that are found without a wait that has to be given up.
SAMPLE = (
    "read_returns_one_byte_too_many",
    "readline_strips_the_newline",
    "readexactly_loses_the_partial",
    "an_overruns_consumed_takes_the_separator_in",
    "at_eof_minds_no_data",
    "writelines_puts_newlines_between",
    "a_writer_by_hand_does_not_close",
    "a_cancelled_connection_is_made_all_the_same",
    "drain_does_nothing",
    "wait_closed_returns_at_once",
    "the_default_is_ignored",
    "open_connection_ignores_limit",
    "open_connection_returns_the_writer_first",
    "a_server_tells_no_sockets",
    "a_handlers_error_is_told_to_nobody",
    "every_read_leaves_a_task",
    "an_empty_separator_of_a_tuple_is_left_out",
    "start_tls_trusts_everybody",
    "readexactly_gathers_by_itself",
    "a_large_message_is_shifted",
    "a_limit_is_a_whole_number",
    "one_read_at_a_time",
    "what_was_joined_is_counted_wrong",
)
# What ours does not do and no saboteur of it can stop doing: it takes loop= on every Python.
NOT_OURS = {f"{function}.loop.removed" for function in parameters.BOTH}


@pytest.mark.parametrize("name", EVERY)
def test_a_saboteur_says_what_it_breaks(name: str) -> None:
    """Each names a clause, links that exist, a piece of the message, and its fault in a line."""
    one = EVERY[name]
    assert one.clause in CLAUSES
    assert set(one.links) <= set(LINKS)
    assert one.message
    assert one.fault.endswith(".")
    assert "\n" not in one.fault


def test_there_are_enough_of_them() -> None:
    """There are more than 120, and every clause that is tried has one."""
    tried_clauses = {check.clause for check in registry.all_checks()}
    covered = {one.clause for one in EVERY.values()}
    assert len(EVERY) >= 120
    assert set() == (tried_clauses | set(hygiene.NOISE_IDS.values())) - covered - NOT_OURS


def test_the_sample_has_one_of_each_theme() -> None:
    """No theme is left out of what the ordinary tests run."""
    assert {one.theme for one in EVERY.values()} == {EVERY[name].theme for name in SAMPLE}


@pytest.mark.parametrize("name", EVERY)
def test_a_saboteur_can_be_made(name: str) -> None:
    """Its patch fits the streams, and what comes of it has all their names."""
    made: Any = EVERY[name].streams()
    sound = importlib.import_module("streamgauge.streams")
    assert sound.__all__ == made.__all__
    assert all(hasattr(made, offered) for offered in sound.__all__)


def test_nothing_is_patched_but_a_private_copy() -> None:
    """The streams are as they were when every saboteur has been made; no two share a class."""

    def contents() -> Dict[str, Any]:
        sound = importlib.import_module("streamgauge.streams")
        return {
            f"{owner.__qualname__}.{name}": value
            for owner in (sound.StreamReader, sound.StreamWriter, sound.StreamReaderProtocol)
            for name, value in vars(owner).items()
        }

    before = contents()
    made = [one.streams() for one in EVERY.values()]
    assert before == contents()
    assert len({copy.StreamReader for copy in made}) == len(made)
    assert private_copy("another_copy").StreamReader not in {copy.StreamReader for copy in made}


@pytest.mark.parametrize(("name", "fault"), [("drain_does_nothing", "Taken."), ("new_name", "")])
def test_a_saboteur_needs_a_name_and_a_fault(name: str, fault: str) -> None:
    """A name that is taken, or a fault that is not told, is an error at import."""
    with pytest.raises(ValueError, match="a name of its own and a docstring"):
        saboteur("reader.read.up-to-n", "x", name=name, fault=fault)(lambda s: None)
    assert "new_name" not in SABOTEURS


# --- the sample, for real ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Matrix:
    """Give the matrix of the sample, by way of the engine."""
    chosen = {name: EVERY[name] for name in SAMPLE}
    results = [r for p in plans(chosen.values(), workers=2) for r in tried(p, Listener())]
    return Matrix.of(chosen, results, CLAUSES)


def test_the_sample_is_found(sample: Matrix) -> None:
    """Each of the sample is found by its clause with its message, on every Python."""
    assert {} == sample.survivors()
    assert [] == sample.faults()


def test_the_sound_implementation_is_not(sample: Matrix) -> None:
    """What the saboteurs are made of passes all that they are tried with."""
    assert [] == sample.false_alarms()


def test_the_page_has_a_row_for_each(sample: Matrix) -> None:
    """The page lists each saboteur with its fault, and each check that was tried."""
    text = page(sample, "clause")
    assert "`streamgauge saboteurs --scope clause --page docs/saboteurs.md`" in text
    assert all(f"| `{name}` | {EVERY[name].fault} |" in text for name in SAMPLE)
    assert all(f"| `{clause}` |" in text for clause, _ in sample.due)


def test_the_published_page_knows_everyone() -> None:
    """`docs/saboteurs.md` has each saboteur of today with its fault, and none of yesterday's."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    shown = [row for row in rows if row.split("`")[1] not in CLAUSES]
    wanted = [f"| `{one.name}` | {one.fault} | `{one.clause}` |" for one in EVERY.values()]
    assert sorted(wanted) == sorted("|".join(row.split("|")[:4]) + "|" for row in shown)


# --- how it counts -----------------------------------------------------------------------------

CHECK = "gives_at_most_n_bytes_and_the_rest_in_order"
CLAUSE = "reader.read.up-to-n"
OTHER = "waits_while_nothing_has_arrived"  # a check of another clause
ONE = replace(EVERY["read_returns_one_byte_too_many"], message="too many")


def trial(subject: str, verdict: str, detail: str = "", **changes: Any) -> Result:
    """Make a result of the one check that these tests speak of."""
    told = {"clause": CLAUSE, "check": CHECK, "level": "must", "link": "feed", **changes}
    return Result(subject=subject, loop="asyncio", verdict=Verdict(verdict), detail=detail, **told)


def matrix(*results: Result) -> Matrix:
    """Make a matrix of one saboteur."""
    return Matrix.of({ONE.name: ONE}, results, CLAUSES)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([], "did not find it; nothing did"),
        ([("pass", "")], "did not find it; nothing did"),
        ([("precondition", "too many")], "did not find it; nothing did"),
        ([("fail", "some other text")], "got: some other text"),
        ([("fail", "some other text"), ("hang", "one too many")], ""),
        ([("fail", "one too many")], ""),
    ],
)
def test_found_is_by_clause_and_message(results: List[Any], said: str) -> None:
    """A saboteur counts as found if its clause was broken with a message that has the piece."""
    seen = matrix(*(trial(PREFIX + ONE.name, verdict, text) for verdict, text in results))
    missing = seen.survivors().get(ONE.name, "")
    assert (said == "") == (missing == "")
    assert said in missing


def test_found_by_another_clause_alone_is_not_found() -> None:
    """A saboteur that only some other clause finds is told with that clause."""
    other = trial(PREFIX + ONE.name, "fail", "too many", clause="reader.read.waits-for-data")
    assert "only reader.read.waits-for-data did" in matrix(other).survivors()[ONE.name]


def test_a_breach_of_hygiene_counts_for_its_own_clause() -> None:
    """Noise in some trial finds the saboteur that breaks the hygiene clause it names."""
    tidy = replace(ONE, clause="hygiene.no-task-left", message="left a task")
    told = {"clause": "hygiene.no-task-left", "tried": CLAUSE}
    noise = trial(PREFIX + ONE.name, "noise", "left a task: for_ever", **told)
    assert {} == Matrix.of({ONE.name: tidy}, [noise], CLAUSES).survivors()


def test_what_the_sound_one_does_as_well_finds_nobody() -> None:
    """A check that fails the sound implementation is a false alarm and kills no saboteur."""
    both = [trial(name, "fail", "too many") for name in (SOUND, PREFIX + ONE.name)]
    assert [CLAUSE] == [alarm.clause for alarm in matrix(*both).false_alarms()]
    assert [ONE.name] == list(matrix(*both).survivors())


def test_a_behaviour_that_nobody_has_here_excuses_its_saboteur() -> None:
    """Where even the sound implementation has not got a behaviour, nothing is asked."""
    both = [
        trial(name, "fail", "too many", level="behaviour") for name in (SOUND, PREFIX + ONE.name)
    ]
    seen = matrix(*both)
    assert ([ONE.name], {}, []) == (seen.untestable(), seen.survivors(), seen.false_alarms())
    assert [] == seen.idle()


def test_a_check_that_finds_nobody_is_idle() -> None:
    """A check is idle if it passed every saboteur, and busy as soon as it found one."""
    idle = (CLAUSE, CHECK)
    assert [idle] == matrix(trial(PREFIX + ONE.name, "pass")).idle()
    assert [] == matrix(trial(PREFIX + ONE.name, "fail", "too many")).idle()
    assert [] == matrix(trial(PREFIX + ONE.name, "inapplicable")).due


def test_the_only_finder_is_told() -> None:
    """One check that found a saboteur is its sole killer; two are not."""
    first = trial(PREFIX + ONE.name, "fail", "too many")
    second = replace(first, clause="reader.read.waits-for-data", check=OTHER)
    assert {ONE.name: (CLAUSE, CHECK)} == matrix(first).sole_killers()
    assert {} == matrix(first, second).sole_killers()


# --- the command -------------------------------------------------------------------------------


def run(*words: str) -> int:
    """Run the command line; gives its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["saboteurs", *words])
    return int(ended.value.code or 0)


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` prints every saboteur with its clause and runs nothing."""
    assert 0 == run("--list")
    said = capsys.readouterr().out
    assert all(name in said for name in EVERY)


def test_the_command_says_what_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern that nobody is like is a usage error."""
    assert 2 == run("nobody_at_all")
    assert "no saboteur is like 'nobody_at_all'" in capsys.readouterr().err


def test_the_command_finds_one_and_writes_its_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One saboteur is tried, found, and put on the page."""
    written = tmp_path / "page.md"
    assert 0 == run("drain_does_nothing", "--workers", "1", "--page", str(written))
    assert "1 of 1 saboteurs found" in capsys.readouterr().out
    assert "| `drain_does_nothing` |" in written.read_text(encoding="utf-8")


def test_the_command_fails_for_a_message_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A saboteur that is found with another message than it names is a departure."""
    changed = replace(EVERY["drain_does_nothing"], message="something else")
    monkeypatch.setitem(SABOTEURS, "drain_does_nothing", changed)
    assert 1 == run("drain_does_nothing", "--workers", "1", "-q")
    assert "expected 'something else' in a message" in capsys.readouterr().out
