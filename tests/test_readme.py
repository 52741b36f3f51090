"""The README: its commands, its examples and its tables do what they say."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from streamgauge.conformance import catalogue, commands, deviation_files
from streamgauge.conformance.verdicts import EXIT_CODES, Verdict

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> List[str]:
    """Give the README's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def streamgauge_commands() -> List[str]:
    """Give each `streamgauge …` line of the README, without its comment."""
    lines = "\n".join(blocks("sh")).splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.startswith("streamgauge ")]


@pytest.mark.parametrize("name", ["run", "test"])
def test_each_main_command_is_one_line(name: str) -> None:
    """Both set-up commands stand behind their marks, where `.ci/run` finds them."""
    found = re.search(rf"<!-- {name} command -->\n```sh\n(.*)\n```", README)
    assert found
    assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install -q ")


@pytest.mark.parametrize("command", streamgauge_commands())
def test_commands_are_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option and argument in the README's examples exists."""
    words = [w.strip("'") for w in command.split()[1:]]
    commands.invoke([words[0], "--help"])
    help_text = capsys.readouterr().out
    assert [] == [w for w in words if w.startswith("--") and w not in help_text]


def test_the_table_of_exit_codes_is_the_codes() -> None:
    """The README's table has the exit codes of `verdicts`, each once."""
    rows = re.findall(r"^\| (\d) \|", README, re.MULTILINE)
    assert sorted(EXIT_CODES.values()) == sorted(map(int, rows))


def test_the_table_of_verdicts_is_the_verdicts() -> None:
    """The README's table has every verdict, each once, in the order of `verdicts`."""
    rows = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert [str(verdict) for verdict in Verdict] == rows


def test_the_deviation_example_is_a_deviation_file(tmp_path: Path) -> None:
    """The TOML in the README is accepted as it stands."""
    (block,) = blocks("toml")
    path = tmp_path / "known.toml"
    path.write_text(block)
    (entry,) = deviation_files.gather(("mypkg.streams",), (path,), catalogue.load())
    assert ("<3.12", ("tls",)) == (entry.when.python, entry.when.links)


def test_the_subject_example_runs(tmp_path: Path) -> None:
    """The README's adapter, with an implementation behind it, is judged."""
    (adapter,) = (b for b in blocks("python") if "class Mine" in b)
    package = tmp_path / "mypkg"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import asyncio\n\n\nasync def connect(sock, limit):\n"
        "    return await asyncio.open_connection(sock=sock, limit=limit)\n"
    )
    (package / "adapter.py").write_text(adapter)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "streamgauge.conformance", "run", "mypkg.adapter:Mine"),
            *("--clause", "reader.readexactly.*", "--workers", "1"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "mypkg.adapter:Mine" in done.stdout


def test_the_streams_example_imports() -> None:
    """The names that the README imports from the streams are there."""
    (imports,) = (b for b in blocks("python") if b.startswith("from streamgauge.streams"))
    exec(imports, {})


def test_the_matrix_shows_every_object() -> None:
    """The README's picture of a run has the rows that a run has."""
    (picture,) = re.findall(r"<!-- matrix -->\n```\n(.*?)```", README, re.DOTALL)
    objects = {c.object for c in catalogue.load().values() if c.scored} - {"Hygiene"}
    assert set() == {name for name in objects if not re.search(rf"^{name} ", picture, re.MULTILINE)}


def test_the_example_of_the_fakes_passes() -> None:
    """The server and client in the README are a test that passes, in under 15 lines."""
    (example,) = (b for b in blocks("python") if "MemoryNetwork" in b)
    names: Dict[str, Any] = {}
    exec(example, names)
    asyncio.run(names["test_shouting"]())
    assert 15 > len([line for line in example.partition("async def")[2].splitlines() if line])
