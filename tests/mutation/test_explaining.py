"""The list of survivors: each name is of a change that can still be made; sums come out."""

from __future__ import annotations

import ast
import json
import platform
import re
from pathlib import Path

import pytest

from . import explaining
from .explaining import SAME, UNPROMISED, Explanations, Tally, explanations
from .mutants import HOME, Mutant, _functions


def _mutant(shown: str) -> Mutant:
    return Mutant("reader", Path("reader.py"), "f", range(0), shown, 1, ast.parse(""))


@pytest.mark.parametrize("name", explanations())
def test_what_is_explained_exists(name: str) -> None:
    """It names a function, and a line that stands in its module as it was."""
    place, _, shown = name.rstrip("*").partition(": ")
    module, _, function = place.partition(".")
    text = (HOME / f"{module}.py").read_text(encoding="utf-8")
    was = re.sub(r"\{([^{}]*) -> [^{}]*\}", r"\1", re.sub("^(delete|empty) ", "", shown))
    assert function in {"", *(found for found, _ in _functions(ast.parse(text)))}
    assert re.sub(r"\s", "", was) in re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("reader.f: delete x\n", "stands under no heading"),
        ("= equivalent: so it is\n", "expected `= KIND: REASON`"),
        ("= same:\n", "expected `= KIND: REASON`"),
    ],
)
def test_a_list_that_explains_nothing_is_refused(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each name has a kind and a reason, or the run ends at once."""
    path = tmp_path / "survivors.txt"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(explaining, "EXPLAINED", path)
    with pytest.raises(ValueError, match=words):
        explanations()


def test_nothing_of_the_standard_librarys_is_explained() -> None:
    """The list is about our own streams."""
    assert {} == explanations("stdlib")


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
