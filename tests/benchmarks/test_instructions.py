"""About benchmarks/instructions: the work is done between marks, and counts are read rightly."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def instructions(monkeypatch):
    """Give the module, as `python -m` in the project's root has it."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("benchmarks.instructions")


def test_each_work_is_done_by_each_subject_between_two_marks(instructions, monkeypatch):
    """A hundredth of the work, with nothing that counts."""
    marks = []
    monkeypatch.setattr(instructions.os, "getsid", marks.append)
    with instructions.Peer() as peer:
        instructions.play("asyncio", peer.address, share=0.01)
    assert {each.name for each in instructions.COUNTED} == {*instructions.OPERATIONS}
    assert len(marks) == 2 * len(instructions.OPERATIONS) * len(instructions.SUBJECTS)


def test_what_lies_between_two_marks_is_read(instructions, tmp_path):
    """Every second file is of a part; ten comes after two."""
    for number in range(1, 13):
        text = f"version: 1\nsummary: {number}\n"
        (tmp_path / f"counts.{number}").write_text(text, encoding="utf-8")
    assert instructions._totals(tmp_path) == [2, 4, 6, 8, 10, 12]


def test_without_valgrind_it_says_so(instructions, monkeypatch, capsys):
    """It is one line and exit code 2."""
    monkeypatch.setattr(instructions.shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["instructions"])
    assert instructions.main() == 2
    assert "valgrind" in capsys.readouterr().err
