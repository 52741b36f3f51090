"""Mechanical mutants of a module: small changes, one at a time.

cosmic-ray's operators (comparisons, arithmetic, constants, loops, conditions), and two of our own
that it has not got: a statement deleted, a returned value emptied. What differs in nothing that
runs is no mutant: annotations, docstrings, `__all__`, `__slots__`, what is for type checkers alone.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Callable, Iterator, List, Optional, Sequence, Tuple

import streamgauge.streams

__all__ = ["HOME", "Mutant", "mutants_of"]

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
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
UNSEEN = {"__all__", "__slots__"}  # names that nothing in a program depends on
DELETE, EMPTY = "delete", "empty"
DIGITS = 8  # of a digest

Change = Tuple[str, int, Callable[[], ast.Module]]  # as shown, its line, and what makes its tree


@dataclass(frozen=True)
class Mutant:
    """One change.

    Args:
        module: its file's name without `.py`, `buffer` for instance.
        path: the file.
        function: the function's name with its classes', empty outside of functions.
        reached: the lines of which one is run whenever the change can matter; none if it always
            can, outside of functions.
        shown: the change, in the line's text: `delete x = 1`, `if a {< -> <=} b:`.
        line: where, in the module as it is.
        tree: the module with the change in it.
        masked: whether the name has a digest of the change in its place: of text that is not ours.
    """

    module: str
    path: Path
    function: str
    reached: range
    shown: str
    line: int
    tree: ast.Module
    masked: bool = False

    @property
    def name(self) -> str:
        """Where and what: as the list of survivors has it. It stays when lines move."""
        digest = hashlib.sha256(self.shown.encode()).hexdigest()
        what = f"#{digest[:DIGITS]}" if self.masked else self.shown
        return f"{self.module}.{self.function}: {what}".replace(".:", ":", 1)

    @property
    def told(self) -> str:
        """The name, and what it does not say."""
        return f"{self.name}  line {self.line}: {self.shown}" if self.masked else self.name

    def code(self) -> CodeType:
        """Compile it, under the path of the module that it stands for."""
        return compile(self.tree, str(self.path), "exec", dont_inherit=True)


def mutants_of(path: Path) -> List[Mutant]:
    """Give every mutant of a module, in the order of lines."""
    text = path.read_text(encoding="utf-8")
    whole = ast.parse(text)
    functions = [*_functions(whole)]
    heads = [*_heads(whole)]
    seen = {ast.dump(_essence(ast.parse(text)))}
    found: List[Mutant] = []
    for shown, line, make in (*_by_cosmic_ray(text), *_by_statement(text)):
        essence = ast.dump(_essence(make()))
        if essence not in seen:
            seen.add(essence)
            inside = [name for name, lines in functions if line in lines]
            reached = _reached(heads, line) if inside else range(0)
            function = inside[-1] if inside else ""
            found.append(Mutant(path.stem, path, function, reached, shown, line, make()))
    return sorted(found, key=lambda m: m.line)


def _functions(node: ast.AST, owner: str = "") -> Iterator[Tuple[str, range]]:
    """Give each function's name and its lines; those inside of others behind them."""
    for inner in ast.iter_child_nodes(node):
        name = f"{owner}.{getattr(inner, 'name', '')}".strip(".")
        if isinstance(inner, FUNCTIONS):
            yield name, _lines(inner)
        yield from _functions(inner, name if isinstance(inner, DOCUMENTED) else owner)


def _lines(node: ast.AST) -> range:
    inside = [n.lineno for n in ast.walk(node) if hasattr(n, "lineno")]
    return range(min(inside), max(inside) + 1)


def _heads(whole: ast.Module) -> Iterator[Tuple[range, range]]:
    """Give each statement's lines, outer ones first, and those that are run when it begins.

    Of a compound one they are its head; of a function all of it, as its head runs when it is made.
    `while True` is nothing that runs, up to Python 3.9: there what it begins with counts.
    """
    for node in ast.walk(whole):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            lines = _lines(node)
            body = getattr(node, "body", None)
            compound = body and not isinstance(node, FUNCTIONS)
            endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
            stop = _lines(body[0])[-1 if endless else 0] + endless if compound else lines.stop
            yield lines, range(lines.start, stop)


def _reached(heads: Sequence[Tuple[range, range]], line: int) -> range:
    """Give the lines that are run when the innermost statement around a line begins."""
    inner = [(lines, head) for lines, head in heads if line in lines][-1:]
    return next((head if line in head else lines for lines, head in inner), range(0))


def _essence(tree: ast.Module) -> ast.Module:
    """Take what nothing that runs depends on off a tree."""
    for node in ast.walk(tree):
        for name in ("annotation", "returns", "type_comment"):
            if getattr(node, name, None) is not None and not isinstance(node, ast.AnnAssign):
                setattr(node, name, None)
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, (ast.Module, ast.ClassDef)):
            node.body = [s for s in node.body if not _is_unseen(s)] or [ast.Pass()]
        if ast.get_docstring(node, clean=False) if isinstance(node, DOCUMENTED) else None:
            node.body[0] = ast.Pass()
    return tree


def _is_unseen(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return any(isinstance(n, ast.Name) and n.id == "TYPE_CHECKING" for n in ast.walk(statement))
    named = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in UNSEEN for target in named)


def _by_cosmic_ray(text: str) -> Iterator[Change]:
    from cosmic_ray import plugins  # noqa: PLC0415 - needed by nothing else in the tests
    from cosmic_ray.ast import ast_nodes, get_ast  # noqa: PLC0415
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415

    was = text.splitlines()
    nodes = [*ast_nodes(get_ast(text))]
    for name in OPERATORS:
        operator = plugins.get_operator(name)()
        for occurrence in range(sum(len([*operator.mutation_positions(n)]) for n in nodes)):
            changed = mutate_code(text, operator, occurrence)
            now = changed.splitlines()
            at = next((n for n, (a, b) in enumerate(zip(was, now)) if a != b), None)
            with contextlib.suppress(SyntaxError):  # a keyword-only marker is no product
                ast.parse(changed)
                if at is not None:
                    yield _difference(was[at], now[at]), at + 1, partial(ast.parse, changed)


def _difference(was: str, now: str) -> str:
    """Show a line with the change in it: `if a {< -> <=} b:`."""
    before, after = ([*re.findall(r"\w+|\s+|[<>=!]+|.", _code(line))] for line in (was, now))
    same = _shared(before, after)
    behind = _shared(before[same:][::-1], after[same:][::-1])
    parts = [line[same : len(line) - behind] for line in (before, after)]
    change = " -> ".join("".join(part).strip() for part in parts)
    return "".join(before[:same]) + "{" + change + "}" + "".join(before[len(before) - behind :])


def _shared(left: List[str], right: List[str]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right))
    )


def _code(line: str) -> str:
    return line.split("  #", maxsplit=1)[0].strip()


def _by_statement(text: str) -> Iterator[Change]:
    lines = text.splitlines()
    for number, (node, field, index) in enumerate(_spots(ast.parse(text))):
        statement = getattr(node, field)[index]
        operator, instead = _instead_of(statement)
        if instead is not None:
            shown = f"{operator} {_code(lines[statement.lineno - 1])}"
            yield shown, statement.lineno, partial(_replaced, text, number)


def _replaced(text: str, number: int) -> ast.Module:
    """Make the tree in which the statement at one of the spots is replaced."""
    tree = ast.parse(text)
    node, field, index = [*_spots(tree)][number]
    statement = getattr(node, field)[index]
    _, instead = _instead_of(statement)
    assert instead is not None  # it was looked at before
    getattr(node, field)[index] = ast.copy_location(instead, statement)
    return ast.fix_missing_locations(tree)


def _spots(tree: ast.Module) -> Iterator[Tuple[ast.AST, str, int]]:
    """Give where each statement inside of a function stands."""
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, FUNCTIONS) for n in ast.walk(f)}
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            held = getattr(node, field, None)
            if isinstance(held, list) and id(node) in inside:
                yield from ((node, field, index) for index in range(len(held)))


def _instead_of(statement: ast.stmt) -> Tuple[str, Optional[ast.stmt]]:
    if isinstance(statement, (*FUNCTIONS, ast.Pass, ast.Import)):
        return DELETE, None
    if isinstance(statement, ast.Return):
        return EMPTY, ast.Return(value=None) if statement.value is not None else None
    return DELETE, ast.Pass()
