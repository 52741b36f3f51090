"""Anatomy of a syntax tree: what a cut may look for in a function, told by its structure.

"The statement that calls resume_reading", "the comparison with _limit": so one spoil fits every
Python that has the structure. Nothing here changes a tree (`surgery` does) or knows asyncio.
"""

from __future__ import annotations

import ast
from typing import Callable, Iterator, Sequence, Type

__all__ = [
    "Match",
    "assigning",
    "awaiting",
    "calling",
    "comparing",
    "find",
    "handling",
    "is_call",
    "keywords_of",
    "name_of",
    "named",
    "of",
    "raising",
    "when",
]

Match = Callable[[ast.AST], bool]


def find(tree: ast.AST, path: str) -> ast.AST:
    """Find a class or function by its path, `StreamReader.read`, under whatever `if` it stands.

    Raises:
        LookupError: nothing of that name is there.
    """
    for name in path.split("."):
        inside = (n for n in ast.walk(tree) if n is not tree and getattr(n, "name", None) == name)
        found = next((n for n in inside if hasattr(n, "body")), None)
        if found is None:
            raise LookupError(f"expected {path!r} in the module, there is no {name!r}")
        tree = found
    return tree


def calling(name: str) -> Match:
    """Match a call of that name, or a statement that is nothing but such a call.

    Args:
        name: of the function or method, or with its owner's: `_closed.set_result`.
    """
    return lambda node: (
        is_call(node, name) or (isinstance(node, ast.Expr) and is_call(_awaited(node.value), name))
    )


def awaiting(name: str) -> Match:
    """Match a statement that awaits that name or attribute and does nothing else."""
    return lambda node: (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Await)
        and name_of(node.value.value) == name
    )


def named(name: str) -> Match:
    """Match a name or attribute itself."""
    return lambda node: name_of(node) == name


def comparing(name: str, by: Type[ast.cmpop] = ast.cmpop) -> Match:
    """Match a comparison in which that name occurs, `by` one operator or by any."""
    return lambda node: (
        isinstance(node, ast.Compare) and isinstance(node.ops[0], by) and _mentions(node, name)
    )


def when(name: str) -> Match:
    """Match an `if` whose test mentions that name."""
    return lambda node: isinstance(node, ast.If) and _mentions(node.test, name)


def handling(name: str) -> Match:
    """Match the `except` clause for that exception."""
    return lambda node: (
        isinstance(node, ast.ExceptHandler) and node.type is not None and _mentions(node.type, name)
    )


def raising(name: str) -> Match:
    """Match a `raise` that mentions that exception."""
    return lambda node: isinstance(node, ast.Raise) and _mentions(node, name)


def assigning(name: str) -> Match:
    """Match an assignment to that name or attribute."""
    return lambda node: (
        isinstance(node, ast.Assign) and any(name_of(target) == name for target in node.targets)
    )


def of(kind: Type[ast.AST]) -> Match:
    """Match nodes of a kind: `of(ast.Delete)`."""
    return lambda node: isinstance(node, kind)


def name_of(node: object) -> str:
    """Give the last part of a name or attribute, "" for anything else."""
    return getattr(node, "id", None) or getattr(node, "attr", None) or ""


def _names(node: ast.AST) -> Iterator[str]:
    return (name_of(n) for n in ast.walk(node))


def _mentions(node: ast.AST, name: str) -> bool:
    return name in _names(node)


def keywords_of(node: ast.AST) -> Sequence[object]:
    """Give the names of the keywords that a call passes."""
    return [k.arg for k in getattr(node, "keywords", ())]


def is_call(node: ast.AST, name: str) -> bool:
    """Tell whether a node is a call of `name`, or of `owner.name`."""
    if not isinstance(node, ast.Call):
        return False
    owner, _, own = name.rpartition(".")
    return name_of(node.func) == own and owner in ("", name_of(getattr(node.func, "value", None)))


def _awaited(node: ast.AST) -> ast.AST:
    return node.value if isinstance(node, ast.Await) else node
