"""The maker of mutants: what it changes, and what it does not take for a change."""

from __future__ import annotations

import ast
import sys

import pytest

from .mutants import DELETE, EMPTY, HOME, _by_statement, _essence, mutants_of
from .trying import EXPLAINED, explained

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
    made = [(operator, line) for operator, line, _ in _by_statement(TEXT)]
    assert [(DELETE, 3), (DELETE, 4), (DELETE, 5), (EMPTY, 7), (EMPTY, 6)] == made


@pytest.mark.skipif(sys.version_info < (3, 9), reason="ast.unparse came with 3.9")
def test_a_mutant_differs_in_one_place() -> None:
    """The trees that are made are the original but for the one statement."""
    by_line = {line: ast.unparse(tree) for _, line, tree in _by_statement(TEXT)}
    assert "if b:\n        pass\n" not in by_line[5]
    assert "b = a + 1" in by_line[7]
    assert "b = a + 1" not in by_line[4]


def test_annotations_and_docstrings_are_no_change() -> None:
    """What differs in nothing that runs is the same program."""
    other = TEXT.replace(": int", ": str").replace("-> int", "-> str").replace("Say", "Tell")
    same, changed = ast.dump(_essence(ast.parse(TEXT))), ast.dump(_essence(ast.parse(other)))
    assert same == changed
    assert same != ast.dump(_essence(ast.parse(TEXT.replace("+ 1", "+ 2"))))


def test_a_module_has_mutants_of_both_kinds() -> None:
    """cosmic-ray's operators and our own find places in a module of the streams; all compile."""
    pytest.importorskip("cosmic_ray", reason="cosmic-ray comes with `tox -e mutation` alone")
    mutants = mutants_of("closing")
    assert {DELETE, "ReplaceTrueWithFalse", "AddNot"} <= {mutant.operator for mutant in mutants}
    assert len({mutant.code().co_code for mutant in mutants}) >= 1
    assert len(mutants) == len({ast.dump(_essence(mutant.tree)) for mutant in mutants})


def test_what_is_explained_exists() -> None:
    """Each survivor that is explained names a line that is still in its module."""
    assert EXPLAINED.exists()
    for name in explained():
        module, _, rest = name.partition(":")
        text = rest.split(": ", 1)[1]
        assert text in (HOME / f"{module}.py").read_text(encoding="utf-8"), name
