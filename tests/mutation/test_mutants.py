"""The maker of mutants: what it changes, and what it does not take for a change."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from .mutants import (
    HOME,
    Mutant,
    _by_statement,
    _difference,
    _essence,
    _functions,
    _heads,
    _reached,
    mutants_of,
)

pytestmark = pytest.mark.any_python

TEXT = '''
def f(a: int) -> int:
    """Say."""
    b = a + 1
    if b:
        return b
    return 0
'''


def test_statements_are_deleted_and_returns_emptied() -> None:
    """Each statement within a function goes once; a return that has a value loses it."""
    made = [(shown, line) for shown, line, _ in _by_statement(TEXT)]
    expected = [
        ('delete """Say."""', 3),
        ("delete b = a + 1", 4),
        ("delete if b:", 5),
        ("empty return 0", 7),
        ("empty return b", 6),
    ]
    assert expected == made


@pytest.mark.skipif(sys.version_info < (3, 9), reason="ast.unparse came with 3.9")
def test_a_mutant_differs_in_one_place() -> None:
    """The trees that are made are the original but for the one statement."""
    by_line = {line: ast.unparse(make()) for _, line, make in _by_statement(TEXT)}
    assert "if b:\n        pass\n" not in by_line[5]
    assert "b = a + 1" in by_line[7]
    assert "b = a + 1" not in by_line[4]


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace(": int", ": str").replace("-> int", "-> str").replace("Say", "Tell"),
        TEXT + "__all__ = ['f']\n",
        TEXT + "if not TYPE_CHECKING:\n    import typing\n",
    ],
)
def test_what_does_not_run_is_no_change(other: str) -> None:
    """Annotations, docstrings, lists of names, and what type checkers alone see are left out."""
    same, changed = ast.dump(_essence(ast.parse(TEXT))), ast.dump(_essence(ast.parse(other)))
    assert same == changed
    assert same != ast.dump(_essence(ast.parse(TEXT.replace("+ 1", "+ 2"))))


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ("    if a < b:", "    if a <= b:", "if a {< -> <=} b:"),
        ("if ready:  # now", "if not ready:  # now", "if { -> not}ready:"),
        ("n = 64", "n = 65", "n = {64 -> 65}"),
        ("for x in xs:", "for x in []:", "for x in {xs -> []}:"),
    ],
)
def test_a_change_is_shown_in_its_line(was: str, now: str, expected: str) -> None:
    """What was and what is stand in braces, the rest of the line around them, no comment."""
    assert expected == _difference(was, now)


def test_functions_are_told_with_their_owners() -> None:
    """A name has the classes and functions around it, a range begins with the first decorator."""
    text = "class A:\n    @d\n    def f(self):\n        def g():\n            pass\n"
    assert [("A.f", range(2, 6)), ("A.f.g", range(4, 6))] == [*_functions(ast.parse(text))]


def test_a_change_matters_where_its_statement_runs() -> None:
    """Of a compound statement that is its head, of a function's head all of the function."""
    heads = [*_heads(ast.parse(TEXT))]
    expected = [range(2, 8), range(4, 5), range(5, 6), range(6, 7)]
    assert expected == [_reached(heads, line) for line in (2, 4, 5, 6)]


def test_an_endless_loop_runs_where_its_body_begins() -> None:
    """Its own line is none that Python 3.8 ever comes to."""
    heads = [*_heads(ast.parse("while True:\n    if a:\n        b()\n    c()\n"))]
    assert [range(1, 4), range(2, 3)] == [_reached(heads, line) for line in (1, 2)]


def test_a_module_has_mutants_of_both_kinds(tmp_path: Path) -> None:
    """cosmic-ray's operators and our own find places; all compile and are told apart."""
    pytest.importorskip("cosmic_ray", reason="cosmic-ray comes with `tox -e mutation` alone")
    path = tmp_path / "small.py"
    path.write_text("A = 1\n" + TEXT, encoding="utf-8")
    mutants = mutants_of(path)
    names = [mutant.name for mutant in mutants]
    assert {"small: A = {1 -> 2}", "small.f: if { -> not}b:", "small.f: empty return b"} < {*names}
    assert len(names) == len({*names}) == len({ast.dump(mutant.tree) for mutant in mutants})
    assert {range(0), range(5, 6)} < {mutant.reached for mutant in mutants}
    assert all(mutant.code() for mutant in mutants)


def test_a_masked_mutant_is_named_by_a_digest() -> None:
    """The name has nothing of the text; what is told beside it has."""
    shown = "if a {< -> <=} b:"
    open_, masked = (
        Mutant("m", Path("m.py"), "f", range(0), shown, 3, ast.parse(""), m) for m in (False, True)
    )
    assert f"m.f: {shown}" == open_.name == open_.told
    assert "m.f: #" == masked.name[:6]
    assert masked.name != replace(masked, shown="if a {< -> >=} b:").name
    assert f"{masked.name}  line 3: {shown}" == masked.told


def test_the_streams_are_where_they_are_looked_for() -> None:
    """What is mutated by default is there."""
    assert (HOME / "reader.py").exists()
