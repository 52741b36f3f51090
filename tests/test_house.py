"""The house itself: its arrows, its size, its promises about style, held by reading the files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parent.parent
HOMES: Dict[str, Path] = {
    "streams": ROOT / "impl" / "streamgauge" / "streams",
    "fakes": ROOT / "fakes" / "streamgauge" / "fakes",
    "conformance": ROOT / "conformance" / "streamgauge" / "conformance",
}
ARROWS: Dict[str, Set[str]] = {"streams": set(), "fakes": set(), "conformance": {"fakes"}}
MAX_LINES = 400  # a module longer than this is two rooms that share a door
MODULES = [path for home in HOMES.values() for path in sorted(home.rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def imported(path: Path) -> Iterator[str]:
    """Give the dotted names that a module imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def owner(path: Path) -> str:
    """Give the package that a module belongs to."""
    return next(name for name, home in HOMES.items() if home in path.parents)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    """A package imports itself and what its arrows lead to, nothing else of the house."""
    home = owner(path)
    allowed = {home, *ARROWS[home]}
    reached = {name.split(".")[1] for name in imported(path) if re.match(r"streamgauge\.\w", name)}
    assert reached <= allowed


def test_the_namespace_has_no_init() -> None:
    """`streamgauge` is a PEP 420 namespace: an `__init__.py` in it would hide two packages."""
    assert [] == [home.parent for home in HOMES.values() if (home.parent / "__init__.py").exists()]


@pytest.mark.parametrize("name", sorted(HOMES))
def test_each_package_is_typed(name: str) -> None:
    """Each package carries the marker that lets type checkers use its annotations."""
    assert (HOMES[name] / "py.typed").exists()


def test_streams_and_fakes_need_nothing() -> None:
    """Both import with the standard library alone, on an interpreter without site-packages."""
    paths = [str(home.parent.parent) for home in (HOMES["streams"], HOMES["fakes"])]
    code = f"import sys; sys.path[:0] = {paths!r}; import streamgauge.streams, streamgauge.fakes"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_lives_there(path: Path) -> None:
    """Every module begins with a docstring and is short enough to be one room."""
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", TESTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_each_test_states_its_property(path: Path) -> None:
    """Every test function has a docstring: the property that it holds."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    silent: List[str] = [
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, functions)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert [] == silent


@pytest.mark.parametrize("path", [*MODULES, *TESTS], ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_waits_on_the_wall_clock(path: Path) -> None:
    """Nobody sleeps for a guessed time: waits end by events, idleness or virtual time."""
    sleeps = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("time", "asyncio")
        and not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0)
    ]
    assert [] == sleeps
