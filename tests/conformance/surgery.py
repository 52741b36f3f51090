"""Surgery on the syntax tree of one function: what to do to the places that `anatomy` finds.

A spoil is told as a cut of a structure ("drop the statement that calls resume_reading"), never by
the lines of somebody else's source. This module knows no spoil and no asyncio; the text that is
given to a cut is always our own.

In that text the name `it` stands for the expression that was found.
"""

from __future__ import annotations

import ast
import copy
from typing import Callable, List, Type, Union

from .anatomy import Match, assigning, is_call, keywords_of, name_of

__all__ = [
    "Cut",
    "argument",
    "before",
    "body",
    "bound",
    "default",
    "drop",
    "first",
    "instead",
    "last",
    "losing_keyword",
    "negate",
    "recompare",
    "result",
    "swap",
    "value_of",
    "without",
]

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]
# Changes a function in place and gives the number of places that it changed.
Cut = Callable[[ast.AST], int]
Change = Callable[[ast.AST], Union[ast.AST, List[ast.stmt]]]


def body(text: str) -> Cut:
    """Give the function another body."""

    def cut(function: ast.AST) -> int:
        _function(function).body = _statements(text)
        return 1

    return cut


def first(text: str) -> Cut:
    """Put statements in front of the body."""

    def cut(function: ast.AST) -> int:
        _function(function).body[:0] = _statements(text)
        return 1

    return cut


def last(text: str) -> Cut:
    """Put statements behind the body."""

    def cut(function: ast.AST) -> int:
        _function(function).body.extend(_statements(text))
        return 1

    return cut


def result(text: str) -> Cut:
    """Return another value wherever the function itself returns one."""
    return _each(
        lambda node: isinstance(node, ast.Return) and node.value is not None,
        lambda node: ast.Return(value=_expression(text, getattr(node, "value"))),  # noqa: B009
    )


def drop(match: Match) -> Cut:
    """Drop a statement."""
    return _each(lambda node: isinstance(node, ast.stmt) and match(node), lambda _: ast.Pass())


def before(match: Match, text: str) -> Cut:
    """Put statements in front of a statement."""
    return _each(
        lambda node: isinstance(node, ast.stmt) and match(node),
        lambda node: [*_statements(text), _statement(node)],
    )


def instead(match: Match, text: str) -> Cut:
    """Put other statements in place of a statement, or into an `except` clause."""

    def change(node: ast.AST) -> Union[ast.AST, List[ast.stmt]]:
        if isinstance(node, ast.ExceptHandler):
            node.body = _statements(text)
            return node
        return _statements(text)

    return _each(lambda n: isinstance(n, (ast.stmt, ast.ExceptHandler)) and match(n), change)


def swap(match: Match, text: str) -> Cut:
    """Put another expression in place of one."""
    return _each(
        lambda node: isinstance(node, ast.expr) and match(node),
        lambda node: _expression(text, node),
    )


def negate(match: Match) -> Cut:
    """Turn the test of an `if` round."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.If)
        node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
        return node

    return _each(match, change)


def recompare(match: Match, by: Type[ast.cmpop]) -> Cut:
    """Compare by another operator."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Compare)
        node.ops = [by()]
        return node

    return _each(match, change)


def value_of(name: str, text: str) -> Cut:
    """Assign another value to that name or attribute."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Assign)
        node.value = _expression(text, node.value)
        return node

    return _each(assigning(name), change)


def bound(name: str, text: str) -> Cut:
    """Move the upper bound of each slice that ends at that name."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Slice)
        assert node.upper is not None
        node.upper = _expression(text, node.upper)
        return node

    return _each(lambda n: isinstance(n, ast.Slice) and name_of(n.upper) == name, change)


def default(parameter: str, text: str) -> Cut:
    """Change the default of a parameter."""

    def cut(function: ast.AST) -> int:
        a = _function(function).args
        plain = a.args[len(a.args) - len(a.defaults) :]
        found = 0
        for at, one in enumerate(plain):
            if one.arg == parameter:
                a.defaults[at] = _expression(text, a.defaults[at])
                found += 1
        for at, one in enumerate(a.kwonlyargs):
            old = a.kw_defaults[at]
            if one.arg == parameter and old is not None:
                a.kw_defaults[at] = _expression(text, old)
                found += 1
        return found

    return cut


def losing_keyword(keyword: str) -> Cut:
    """Make the function lose one of the keywords that it takes as `**keywords`."""

    def cut(function: ast.AST) -> int:
        rest = _function(function).args.kwarg
        if rest is None:
            return 0
        return first(f"{rest.arg}.pop({keyword!r}, None)")(function)

    return cut


def without(name: str, keyword: str) -> Cut:
    """Drop a keyword argument from the calls of that name."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Call)
        node.keywords = [k for k in node.keywords if k.arg != keyword]
        return node

    return _each(lambda n: is_call(n, name) and keyword in keywords_of(n), change)


def argument(name: str, which: Union[int, str], text: str) -> Cut:
    """Change an argument, by position or keyword, of the calls of that name."""

    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Call)
        if isinstance(which, int):
            node.args[which] = _expression(text, node.args[which])
        for one in node.keywords:
            if one.arg == which:
                one.value = _expression(text, one.value)
        return node

    def match(node: ast.AST) -> bool:
        if not (isinstance(node, ast.Call) and is_call(node, name)):
            return False
        return len(node.args) > which if isinstance(which, int) else which in keywords_of(node)

    return _each(match, change)


# --- the instruments ----------------------------------------------------------------------------


class _Surgeon(ast.NodeTransformer):
    """Changes each node that matches; what was changed is not looked at again."""

    def __init__(self, match: Match, change: Change) -> None:
        self.match = match
        self.change = change
        self.places = 0

    def visit(self, node: ast.AST) -> object:
        if not self.match(node):
            return self.generic_visit(node)
        self.places += 1
        return self.change(node)


def _each(match: Match, change: Change) -> Cut:
    def cut(tree: ast.AST) -> int:
        surgeon = _Surgeon(match, change)
        surgeon.generic_visit(tree)
        return surgeon.places

    return cut


class _It(ast.NodeTransformer):
    def __init__(self, found: ast.expr) -> None:
        self.found = found

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.found) if node.id == "it" else node


def _expression(text: str, it: ast.AST) -> ast.expr:
    assert isinstance(it, ast.expr)
    made = _It(it).visit(ast.parse(text, mode="eval").body)
    assert isinstance(made, ast.expr)
    return made


def _statements(text: str) -> List[ast.stmt]:
    # Not ast.parse: what stands outside of a function may not await or return there.
    wrapped = ast.parse("async def wrapped():\n" + "\n".join(f"  {s}" for s in text.splitlines()))
    return _function(wrapped.body[0]).body


def _statement(node: ast.AST) -> ast.stmt:
    assert isinstance(node, ast.stmt)
    return node


def _function(node: ast.AST) -> Function:
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        raise TypeError(f"expected a function to cut, got {ast.dump(node)[:60]}")
    return node
