"""The list of survivors: each name is of a change that can still be made; sums come out."""

from __future__ import annotations

import ast
import json
import platform
import re
from pathlib import Path

import pytest

from .explaining import SAME, STDLIBS, UNPROMISED, Explanations, Tally, explanations
from .mutants import HOME, Mutant


def _mutant(shown: str) -> Mutant:
    return Mutant("reader", Path("reader.py"), "f", range(0), shown, 1, ast.parse(""))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reader.f: delete x\n", "stands under no heading"),
        ("= equivalent: so it is\n", "expected `= KIND: REASON`"),
        ("= same:\n", "expected `= KIND: REASON`"),
    ],
)
def test_a_list_that_explains_nothing_is_refused(text: str, words: str, tmp_path: Path) -> None:
    """Each name has a kind and a reason, or the run ends at once."""
    path = tmp_path / "survivors.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        explanations(path)


def test_every_explanation_has_a_kind() -> None:
    """The list can be read, and is of modules that there are."""
    modules = {name.partition(":")[0].split(".")[0].rstrip("*") for name in explanations()}
    assert {*explanations().values()} == {SAME, UNPROMISED}
    assert modules <= {path.stem for path in HOME.glob("*.py")}


def test_what_is_no_mutant_any_more_is_told() -> None:
    """A name that no mutant of a module tried has is stale; rules and other modules are not."""
    tally = Tally(
        Explanations({"reader.f: a": SAME, "reader.f: b": SAME, "reader*": SAME, "flow: c": SAME})
    )
    tally.add(_mutant("a"), "")
    assert ["reader.f: b"] == tally.stale()


def test_what_is_explained_of_the_standard_librarys_is_named_by_digests() -> None:
    """None of its text is in the list."""
    assert all(re.fullmatch(r"streams[\w.]*: #[0-9a-f]{8}", n) for n in explanations(STDLIBS))


def test_a_tally_counts_what_differs() -> None:
    """The share is of those that are not the same program; a survivor without a reason is told."""
    rules = {"reader.f: a": SAME, "reader.f: b": UNPROMISED, "reader.f: c": SAME, "buffer*": SAME}
    tally = Tally(Explanations(rules))
    assert "same" == tally.explained.kind("buffer.g: x")
    kinds = [
        tally.add(_mutant("a"), ""),
        tally.add(_mutant("b"), ""),
        tally.add(_mutant("c"), "a clause"),
        tally.add(_mutant("d"), ""),
    ]
    assert ["same", "unpromised", "killed", ""] == kinds
    assert ["reader.f: d"] == tally.unexplained
    expected = (
        "reader: 1 of 4 killed, 1 the same program, 1 unpromised, 1 not explained: "
        "33.3 % of 3 that differ"
    )
    assert expected == tally.told()


def test_counts_are_kept_beside_those_of_other_runs(tmp_path: Path) -> None:
    """A run replaces what it tried and nothing else."""
    path, here = tmp_path / "kept.json", platform.python_version()
    path.write_text(json.dumps({"streams": {here: {"buffer": {"": 1}, "reader": {"": 9}}}}))
    tally = Tally(Explanations())
    tally.add(_mutant("a"), "a clause")
    tally.record(path, "streams")
    tally.record(path, "stdlib")
    ours = {"buffer": {"": 1}, "reader": {"killed": 1}}
    expected = {"streams": {here: ours}, "stdlib": {here: {"reader": {"killed": 1}}}}
    assert expected == json.loads(path.read_text())
