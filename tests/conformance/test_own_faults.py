"""Faults of the suite itself: each is `harness` with its traceback, and no crash of the subject's.

A module of the user's folder plants each of them, in the processes that play the trials: it
takes away, or breaks, something that the suite calls there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

pytestmark = pytest.mark.oldest_and_newest

ONE_TRIAL = ("--clause", "reader.readexactly.beyond-limit", "--link", "feed", "--workers", "1")
COMMAND = (str(Path(sys.executable).with_name("streamgauge")), "run")
# The suite forks by the copy of `os` that it kept: no patch of the real one reaches that.
HEAD = "from asyncio import *\nfrom streamgauge.conformance.unix import os\n"
PLANTED = {
    "a fork that the machine refuses": (
        "def fork():\n    raise BlockingIOError(11, 'no room')\nos.fork = fork",
        "BlockingIOError: [Errno 11] no room",
    ),
    "a fork whose warning is an error": (
        "real = os.fork\n"
        "def fork():\n    child = real()\n    if child: raise DeprecationWarning('threads')\n"
        "    return 0\n"
        "os.fork = fork",
        "DeprecationWarning: threads",
    ),
    "an exception before the first line of the check": (
        "import faulthandler\n"
        "def enable(*_): raise LookupError('planted')\nfaulthandler.enable = enable",
        "LookupError: planted",
    ),
    "a bound that the kernel cannot count": (
        "import resource\nreal = resource.setrlimit\n"
        "resource.setrlimit = lambda which, limits: real(which, (1 << 80, limits[1]))",
        "OverflowError: ",
    ),
}


def outcome(folder: Path, *words: str, **environment: str) -> List[Dict[str, Any]]:
    """Run one trial; return the results and, last, the exit code."""
    done = subprocess.run(
        [*COMMAND, *words, *ONE_TRIAL, "--jsonl", "-"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [*(line for line in lines if line["type"] == "result"), {"code": done.returncode}]


@pytest.mark.parametrize("what", PLANTED)
def test_a_fault_of_the_suites_is_told_with_its_traceback(tmp_path: Path, what: str) -> None:
    """The verdict is `harness`, its detail names the error and the line, and the code is 3."""
    body, says = PLANTED[what]
    (tmp_path / "broken.py").write_text(f"{HEAD}{body}\n")
    result, end = outcome(tmp_path, "broken")
    assert ("harness", 3) == (result["verdict"], end["code"])
    assert says in result["detail"]
    assert re.search(r"engine.(keeper|player)\.py", result["detail"])


def test_a_collector_that_sets_nothing_aside_is_no_fault(tmp_path: Path) -> None:
    """Without `gc.freeze`, as on PyPy, each trial has the verdict that it has with it."""
    (tmp_path / "unfrozen.py").write_text(
        "from asyncio import *\nimport gc\n"
        "for name in ('freeze', 'unfreeze', 'get_freeze_count'):\n    delattr(gc, name)\n"
    )
    (tmp_path / "sitecustomize.py").write_text("import unfrozen\n")
    found = outcome(tmp_path, "streams", PYTHONPATH=os.pathsep.join((str(tmp_path), *sys.path)))
    assert ["pass", 0] == [found[0]["verdict"], found[1]["code"]]


def test_warnings_as_errors_change_no_verdict(tmp_path: Path) -> None:
    """Python's own word on forks and threads, from 3.12 on, is none about the subject."""
    found = outcome(tmp_path, "streams", PYTHONWARNINGS="error")
    assert ["pass", 0] == [found[0]["verdict"], found[1]["code"]]
