"""Mechanical mutants of `streamgauge.streams`: small changes, one at a time.

cosmic-ray's operators (comparisons, arithmetic, constants, loops, conditions), and two of our own
that it has not got: a statement deleted, a returned value emptied. What differs in nothing but
annotations and docstrings is no mutant.
"""

from __future__ import annotations

import ast
import contextlib
import copy
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Iterator, List, Tuple

import streamgauge.streams

__all__ = ["Mutant", "mutants_of"]

HOME = Path(streamgauge.streams.__file__).parent
COMPARISONS = [
    "Lt_LtE",
    "Lt_GtE",
    "LtE_Lt",
    "LtE_Gt",
    "Gt_GtE",
    "Gt_LtE",
    "GtE_Gt",
    "GtE_Lt",
    "Eq_NotEq",
    "NotEq_Eq",
]
COMPARISONS += ["Is_IsNot", "IsNot_Is"]
OPERATORS = (
    *(f"core/ReplaceComparisonOperator_{name}" for name in COMPARISONS),
    *(f"core/ReplaceBinaryOperator_{name}" for name in ("Add_Sub", "Sub_Add", "Mul_Add")),
    *("core/AddNot", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue"),
    *("core/ReplaceAndWithOr", "core/ReplaceOrWithAnd", "core/NumberReplacer"),
    *("core/ReplaceBreakWithContinue", "core/ReplaceContinueWithBreak"),
    *(
        "core/ExceptionReplacer",
        "core/ZeroIterationForLoop",
        "core/ReplaceUnaryOperator_Delete_Not",
    ),
    "core/ReplaceUnaryOperator_Delete_USub",
)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
DELETE, EMPTY = "delete", "empty"


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        module: of the streams, `buffer` for instance.
        operator: what was done.
        line: where, in the module as it is.
        was: that line's text.
        tree: the module with the change in it.
    """

    module: str
    operator: str
    line: int
    was: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Module, operator and the line as it was: as the list of survivors has them."""
        return f"{self.module}:{self.operator}: {self.was}"

    def code(self) -> CodeType:
        """Compile it, under the path of the module that it stands for."""
        return compile(self.tree, str(HOME / f"{self.module}.py"), "exec")


def mutants_of(module: str) -> List[Mutant]:
    """Give every mutant of a module, in the order of lines."""
    text = (HOME / f"{module}.py").read_text(encoding="utf-8")
    whole = _essence(ast.parse(text))
    lines = text.splitlines()
    seen = {ast.dump(whole)}
    found: List[Mutant] = []
    for operator, line, tree in (*_by_cosmic_ray(text), *_by_statement(text)):
        essence = ast.dump(_essence(copy.deepcopy(tree)))
        if essence not in seen:
            seen.add(essence)
            found.append(Mutant(module, operator, line, lines[line - 1].strip(), tree))
    return sorted(found, key=lambda m: m.line)


def _essence(tree: ast.Module) -> ast.Module:
    """Take annotations and docstrings off a tree: nothing that runs depends on them."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns", "type_comment"):
            if getattr(node, name, None) is not None and not isinstance(node, ast.AnnAssign):
                setattr(node, name, None)
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if ast.get_docstring(node, clean=False) if isinstance(node, DOCUMENTED) else None:
            node.body[0] = ast.Pass()
    return tree


def _by_cosmic_ray(text: str) -> Iterator[Tuple[str, int, ast.Module]]:
    from cosmic_ray import plugins  # noqa: PLC0415 - needed by nothing else in the tests
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415

    was = text.splitlines()
    for name in OPERATORS:
        operator = plugins.get_operator(name)()
        for occurrence in range(len(text)):
            changed = mutate_code(text, operator, occurrence)
            if changed is None or changed == text:
                break
            now = changed.splitlines()
            line = next((n for n, (a, b) in enumerate(zip(was, now)) if a != b), 0) + 1
            with contextlib.suppress(SyntaxError):  # a keyword-only marker is no product
                yield name.rpartition("/")[2], line, ast.parse(changed)


def _by_statement(text: str) -> Iterator[Tuple[str, int, ast.Module]]:
    tree = ast.parse(text)
    spots = [
        (node, field, index)
        for node in ast.walk(tree)
        for field in ("body", "orelse", "finalbody")
        if isinstance(getattr(node, field, None), list)
        for index in range(len(getattr(node, field)))
        if _inside_function(tree, node)
    ]
    for node, field, index in spots:
        statement = getattr(node, field)[index]
        for operator, instead in _instead_of(statement):
            getattr(node, field)[index] = ast.copy_location(instead, statement)
            yield operator, statement.lineno, ast.fix_missing_locations(copy.deepcopy(tree))
        getattr(node, field)[index] = statement


def _inside_function(tree: ast.Module, node: ast.AST) -> bool:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(
        isinstance(outer, functions) and any(inner is node for inner in ast.walk(outer))
        for outer in ast.walk(tree)
    )


def _instead_of(statement: ast.stmt) -> Iterator[Tuple[str, ast.stmt]]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Pass, ast.Import)):
        return
    if isinstance(statement, ast.Return):
        if statement.value is not None:
            yield EMPTY, ast.Return(value=None)
        return
    yield DELETE, ast.Pass()
