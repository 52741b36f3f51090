"""The suite as a whole: it finds the fault in a spoiled copy of the standard library's asyncio.

A sample of the spoils runs here; `python -m tests.conformance.spoiled_matrix` runs all of them.
"""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Tuple

import pytest

from streamgauge.conformance.catalogue import load

from . import anatomy, surgery
from .spoil import Outcome, Spoil, gauge, spoil, spoiled, spoiled_tree
from .spoiled_matrix import missing
from .spoils import PARTS, SPOILS

pytestmark = pytest.mark.any_python

# Two of each part: a value that comes out wrong, and something that no longer happens. Their
# clauses hold on every Python, and a run on a spoil in which everything hangs would take longer.
SAMPLE = (
    "readuntil-misses-split-separator",
    "at-eof-ignores-buffer",
    "writelines-sends-the-first",
    "is-closing-never",
    "eof-closes-the-connection",
    "handler-called-twice",
    "open-connection-default-limit-halved",
    "start-unix-server-takes-strings-only",
)
QUICK = ("--link", "memory", "--workers", "1")


UNSPOILED = Spoil("none", "", "Nothing.", cuts=())
CLAUSES = tuple(word for name in SAMPLE for word in ("--clause", SPOILS[name].clause))


def judged(name: str) -> Outcome:
    """Run the clause that a spoil of the sample breaks; `none` runs those of the whole sample."""
    one = SPOILS.get(name, UNSPOILED)
    with spoiled(one) as folder:
        return gauge(folder, *QUICK, *(("--clause", one.clause) if one.cuts else CLAUSES))


@pytest.fixture(scope="module")
def sound() -> Outcome:
    """Give a run of the sample's clauses on the interpreter's own asyncio."""
    return gauge(Path(), *QUICK, *CLAUSES)


@pytest.fixture(scope="module")
def outcomes() -> Dict[str, Outcome]:
    """Give a run on each spoil of the sample, two at a time: most of a run is starting up."""
    names = (*SAMPLE, UNSPOILED.name)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(judged, names)))


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_a_dozen_faults(part: str) -> None:
    """Each part of asyncio's streams is spoiled in a dozen ways that a scored clause forbids."""
    catalogue = load()
    scored = [one for one in PARTS[part] if catalogue[one.clause].level != "behaviour"]
    assert len(scored) >= 12


def test_spoils_have_names_of_their_own() -> None:
    """No spoil is hidden by another one's name."""
    assert sum(map(len, PARTS.values())) == len(SPOILS)


@pytest.mark.parametrize("name", SPOILS)
def test_each_spoil_fits_this_python(name: str) -> None:
    """Each spoil finds its place in the running Python's asyncio, or says why it has none."""
    one = SPOILS[name]
    if one.skipped:
        pytest.skip(one.skipped)
    compile(spoiled_tree(one), "spoiled", "exec")


@pytest.mark.parametrize(
    "cuts",
    [
        (("StreamReader.read", surgery.drop(anatomy.calling("no_such_method"))),),
        (("StreamReader.no_such_method", surgery.body("pass")),),
        (("StreamReader.at_eof", surgery.result("it")),),
    ],
)
def test_a_spoil_that_changes_nothing_is_an_error(
    cuts: Tuple[Tuple[str, surgery.Cut], ...],
) -> None:
    """A spoil whose place is gone, or that leaves the module as it was, does not go unnoticed."""
    with pytest.raises(LookupError):
        spoiled_tree(spoil("idle", "reader.read.up-to-n", "Nothing.", *cuts))


def test_the_sample_holds_unspoiled(sound: Outcome) -> None:
    """Unspoiled, the sample's clauses are as expected, so that an exit code of 1 means a find."""
    assert (0, {"pass"}) == (sound.code, set(sound.verdicts.values())), sound.said


def test_the_copy_alone_changes_nothing(sound: Outcome, outcomes: Dict[str, Outcome]) -> None:
    """An unspoiled copy of asyncio gets the verdicts of the original: the fault is the spoil's."""
    copied = outcomes[UNSPOILED.name]
    assert (sound.code, sound.verdicts) == (copied.code, copied.verdicts)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_spoiled_asyncio_is_found_out(
    name: str, sound: Outcome, outcomes: Dict[str, Outcome]
) -> None:
    """`streamgauge run stdlib` on a spoiled copy exits with 1 and names the broken clause."""
    clause, outcome = SPOILS[name].clause, outcomes[name]
    assert outcome.code == 1, outcome.said
    assert {clause} == set(outcome.departures_from(sound))
    assert clause in outcome.said


@pytest.mark.parametrize(
    ("name", "code", "verdict", "found"),
    [
        ("at-eof-never", 1, "fail", True),
        ("at-eof-never", 0, "pass", False),
        ("at-eof-never", 4, "precondition", False),
        ("at-eof-never", 3, "fail", False),
        ("iteration-impossible", 0, "fail", True),
        ("iteration-impossible", 0, "pass", False),
    ],
)
def test_what_counts_as_found(name: str, code: int, verdict: str, found: bool) -> None:
    """Found is a departure with exit code 1; of a behaviour, unscored, another answer will do."""
    trial = (SPOILS[name].clause, "check", "tcp")
    sound, outcome = Outcome(0, {trial: "pass"}, ""), Outcome(code, {trial: verdict}, "")
    wrong = missing(SPOILS[name], sound, outcome)
    assert found == (wrong == ""), wrong


def test_it_stands_for_what_was_found() -> None:
    """A cut can tell the new expression by the old one, and touches nothing else."""
    tree = ast.parse("def f(n):\n    return g(n)[:n]")
    assert 1 == surgery.bound("n", "it + 1")(tree.body[0])
    assert ast.dump(ast.parse("def f(n):\n    return g(n)[:n + 1]")) == ast.dump(tree)
