"""Accounting: every clause has a check, every check has a clause, and both keep to the rules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from streamgauge.conformance import catalogue, checks, hygiene, registry
from streamgauge.conformance.registry import Check

pytestmark = pytest.mark.any_python

CLAUSES = catalogue.load()
CHECKS = registry.all_checks()
MODULES = sorted(Path(checks.__path__[0]).glob("[a-z]*.py"))
A_SCREEN = 40  # lines, decorator and blank lines included
FORBIDDEN = {"pytest", "uvloop", "asyncio.streams", "asyncio.base_events", "streamgauge.streams"}


def test_every_clause_is_tried() -> None:
    """A clause is tried by a check; those of hygiene are tried after each trial instead."""
    tried = {check.clause for check in CHECKS} | set(hygiene.NOISE_IDS.values())
    assert set() == set(CLAUSES) - tried


def test_every_check_has_a_clause() -> None:
    """A check tries a clause that exists."""
    assert set() == {check.clause for check in CHECKS} - set(CLAUSES)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: f"{c.clause}-{c.name}")
def test_a_check_reads_like_its_promise(check: Check) -> None:
    """A check fits a screen, needs only declared capabilities, and takes nothing but `t`."""
    assert len(check.source.splitlines()) <= A_SCREEN
    assert set(check.needs) <= set(CLAUSES.capabilities)
    assert ("t",) == check.function.__code__.co_varnames[: check.function.__code__.co_argcount]


def test_names_of_checks_are_unique_within_a_clause() -> None:
    """A clause and a name find one check, so that a report names exactly one function."""
    names = [(check.clause, check.name) for check in CHECKS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_checks_stay_outside(path: Path) -> None:
    """Checks import no pytest, no implementation and nothing of asyncio's inside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert set() == imported & FORBIDDEN


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.name)
def test_checks_judge_by_public_names(path: Path) -> None:
    """No check looks at a private attribute of anything."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = {
        f"{node.attr} (line {node.lineno})"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    }
    assert set() == private
