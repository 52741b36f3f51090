"""The tutorial, followed to the letter: each file is written, each command run, in its order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

pytestmark = pytest.mark.any_python

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
RUN = {
    "streamgauge": [sys.executable, "-m", "streamgauge.conformance"],
    "python": [sys.executable],
}


def steps() -> Iterator[Tuple[str, str, str]]:
    """Give each step: ("file", name, text) or ("command", line, output)."""
    for name, language, text in BLOCK.findall(TUTORIAL):
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                yield "command", line, output
        else:
            yield "file", name, text


def follow(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of the tutorial."""
    program, *words = shlex.split(line)
    env = {**os.environ, "COLUMNS": "100"}
    return subprocess.run(
        [*RUN[program], *words], cwd=folder, env=env, capture_output=True, text=True
    )


def missing(output: str, expected: str) -> List[str]:
    """Give the lines that are not in the output, in their order; `...` stands for anything."""
    lines = iter(output.splitlines())
    found = []
    for wanted in expected.splitlines():
        start = wanted.partition("...")[0]
        if start and not any(line.startswith(start) for line in lines):
            found.append(wanted)
    return found


@pytest.mark.skipif(sys.version_info < (3, 9), reason="3.8's asyncio departs in other places")
def test_the_tutorial_can_be_followed(tmp_path: Path) -> None:
    """From an empty folder to a green run and a green test file, just as it is written."""
    seen = []
    for kind, name, text in steps():
        if kind == "file":
            assert name, f"a block without a file name: {text[:40]}"
            (tmp_path / name).write_text(text, encoding="utf-8")
            continue
        done = follow(name, tmp_path)
        assert [] == missing(done.stdout, text), f"{name}\n{done.stdout}{done.stderr}"
        expected = 1 if "exit 1: " in text else 0
        assert expected == done.returncode, f"{name}\n{done.stdout}{done.stderr}"
        seen.append(name.split()[1])
    assert ["new-subject", "run", "repro", "explain", "run", "run", "baseline", "run", "-m"] == seen
