"""The judge of mutants: it kills what departs, hangs or dies, and lets the sound code live."""

from __future__ import annotations

import ast
import asyncio
import asyncio.streams
from typing import Optional

import pytest

from streamgauge.conformance import registry
from streamgauge.conformance.runner import TrialSpec

from . import judging
from .judging import Sound, Trial, _killed_by
from .mutants import HOME, Mutant, _functions
from .targets import Ours, Stdlib, Target

PATH = HOME / "reader.py"
METHOD = "StreamReader.readexactly"


def _known(line: int) -> Sound:
    """Give two trials, as if the second alone had run the line."""
    checks = [c for c in registry.all_checks() if c.clause == "reader.readexactly.returns-n"][:2]
    trials = [Trial(TrialSpec(check, "must", "mutant", "asyncio", "feed")) for check in checks]
    trials[1].ran = frozenset({(str(PATH), line)})
    return Sound(trials)


def _judged(first: str) -> str:
    """Judge readexactly with a statement put in front."""
    text = PATH.read_text(encoding="utf-8")
    lines = next(lines for name, lines in _functions(ast.parse(text)) if name == METHOD)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "readexactly":
            node.body[:0] = ast.parse(first).body
    mutant = Mutant("reader", PATH, METHOD, lines, first, 1, ast.fix_missing_locations(tree))
    known = _known(lines[0])
    second = known.trials[1]
    killer = _killed_by(Ours(), mutant, known)
    assert bool(killer.startswith("reader.")) == (known.trials[0] is second)
    return killer


def test_a_departure_kills_and_is_tried_first_from_then_on() -> None:
    """The clause, the link and what came are told."""
    assert _judged("return b''").startswith("reader.readexactly.returns-n on feed: fail expected")


def test_what_behaves_survives() -> None:
    """A statement that does nothing changes nothing."""
    assert _judged("pass") == ""


@pytest.mark.parametrize(
    ("first", "killer"),
    [
        ("while True: pass", "held its loop in reader.readexactly.returns-n"),
        ("import os; os._exit(3)", "the process died"),
    ],
)
def test_a_process_that_ends_or_stands_still_is_killed(
    first: str, killer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither can take the run along."""
    monkeypatch.setattr(judging, "LEAST_PATIENCE_S", 1.0)
    assert _judged(first).startswith(killer)


def test_a_module_that_cannot_be_imported_is_killed() -> None:
    """What a mutant breaks while it is loaded counts."""
    mutant = Mutant("reader", PATH, "", range(0), "everything", 1, ast.parse("pass"))
    assert _killed_by(Ours(), mutant, _known(0)).startswith("import: ImportError")


@pytest.mark.parametrize("target", [Ours(), Stdlib()])
def test_a_target_loads_a_module_of_its_own(target: Target) -> None:
    """What is judged is a copy, from the files that are mutated, with all of asyncio's names."""
    before = [dict(vars(module)) for module in (asyncio, asyncio.streams)]
    loaded = target.load(None)
    assert before == [dict(vars(module)) for module in (asyncio, asyncio.streams)]
    path = target.paths()[0]
    names = ("StreamReader", "StreamWriter", "open_connection", "start_server")
    files = {getattr(loaded, name).__dict__.get("__module__") for name in names[:1]}
    assert all(hasattr(loaded, name) for name in names)
    assert files <= {"mutant.reader", "asyncio._mutant_streams"}
    assert loaded.StreamReader.read.__code__.co_filename == str(path)
    again: Optional[object] = target.load(None)
    assert again is not loaded


def test_what_speaks_against_the_sound_code_is_excused() -> None:
    """A trial that the sound implementation fails kills no mutant by the same failure."""
    text = PATH.read_text(encoding="utf-8")
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "readexactly":
            node.body[:0] = ast.parse("return b''").body
    mutant = Mutant("reader", PATH, "", range(0), "", 1, ast.fix_missing_locations(tree))
    known = _known(0)
    for trial in known.trials:
        trial.excused = frozenset({("reader.readexactly.returns-n", "fail")})
    assert _killed_by(Ours(), mutant, known) == ""
