"""Spoils: faults put on purpose into a copy of the running Python's own asyncio.

What a spoil is, how a spoiled copy is made and how the suite is run on it. The spoils themselves
stand in `spoils_reader`, `spoils_writer`, `spoils_protocol` and `spoils_functions`. The copy is
made when it is asked for, in a temporary folder; no line of CPython's source stands here.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from streamgauge.conformance import verdicts

from . import anatomy, surgery

__all__ = ["Outcome", "Spoil", "gauge", "spoil", "spoiled", "spoiled_source"]

ORIGINAL = Path(asyncio.__path__[0])
MODULE = "streams.py"
COMMAND = Path(sysconfig.get_path("scripts")) / "streamgauge"
# CPython 3.11 keeps the depth of the tree that it makes in one place for all threads. A collection
# in the middle calls whoever watches it, as Hypothesis does, and so lets another thread in.
PARSING = threading.Lock()
AGAINST = tuple(map(str, verdicts.AGAINST))


@dataclass(frozen=True)
class Spoil:
    """One fault.

    Args:
        name: what was done, in words joined by dashes; unique.
        clause: id of the clause that it breaks.
        breaks: what a user sees of it, one sentence.
        cuts: where in the module, and what to do there.
        since: the first Python whose asyncio has what is cut.
        until: the first Python whose asyncio no longer has it; empty for none.
    """

    name: str
    clause: str
    breaks: str
    cuts: Tuple[Tuple[str, surgery.Cut], ...]
    since: str = "3.8"
    until: str = ""

    @property
    def skipped(self) -> str:
        """Why it does not apply to the running Python; empty where it does."""
        here = sys.version_info[:3]
        if here < _version(self.since):
            return f"asyncio has had nothing to spoil here before {self.since}"
        if self.until and here >= _version(self.until):
            return f"asyncio has had nothing to spoil here since {self.until}"
        return ""


def spoil(
    name: str,
    clause: str,
    breaks: str,
    *cuts: Tuple[str, surgery.Cut],
    since: str = "3.8",
    until: str = "",
) -> Spoil:
    """Make a spoil; its cuts are given one after the other."""
    return Spoil(name, clause, breaks, cuts, since, until)


def _version(text: str) -> Tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def spoiled_tree(one: Spoil) -> ast.Module:
    """Give the syntax tree of asyncio's streams with the fault in it.

    Raises:
        LookupError: the spoil found nothing to change; it is a fault of the spoil.
    """
    with PARSING:
        return _spoiled_tree(one)


def _spoiled_tree(one: Spoil) -> ast.Module:
    tree = ast.parse((ORIGINAL / MODULE).read_text(encoding="utf-8"))
    whole = ast.dump(tree)
    for where, cut in one.cuts:
        if not cut(anatomy.find(tree, where)):
            raise LookupError(f"spoil {one.name}: expected something to change in {where}")
    if one.cuts and ast.dump(tree) == whole:
        raise LookupError(f"spoil {one.name}: expected a change, the module is as it was")
    return ast.fix_missing_locations(tree)


def spoiled_source(one: Spoil) -> str:
    """Give the spoiled module as text, for a look at what a spoil does; Python 3.9 and later."""
    return ast.unparse(spoiled_tree(one))


@contextlib.contextmanager
def spoiled(one: Spoil) -> Iterator[Path]:
    """Make a spoiled copy of asyncio; gives the folder to put first on PYTHONPATH.

    The spoiled module is there as bytecode only: Python 3.8 cannot turn a tree into text.
    """
    code = compile(spoiled_tree(one), str(ORIGINAL / MODULE), "exec")
    with tempfile.TemporaryDirectory(prefix="spoiled-") as folder:
        copied = Path(folder) / "asyncio"
        shutil.copytree(ORIGINAL, copied, ignore=shutil.ignore_patterns("streams.*"))
        # The magic number, then flags, time and size, which a module without source has no use for
        header = importlib.util.MAGIC_NUMBER + bytes(12)
        (copied / f"{MODULE}c").write_bytes(header + marshal.dumps(code))
        yield Path(folder)


@dataclass(frozen=True)
class Outcome:
    """What `streamgauge run stdlib` came to.

    Args:
        code: its exit code.
        verdicts: by clause, check and link.
        said: what it printed.
    """

    code: int
    verdicts: Dict[Tuple[str, str, str], str]
    said: str

    @property
    def last_line(self) -> str:
        """The last thing that the command said."""
        return (self.said.strip().splitlines() or [""])[-1]

    def departures_from(self, sound: Outcome) -> Dict[str, List[str]]:
        """Give the verdicts against asyncio that an unspoiled run does not have, by clause."""
        found: Dict[str, List[str]] = {}
        for trial, verdict in self.verdicts.items():
            if verdict in AGAINST and sound.verdicts.get(trial) != verdict:
                found.setdefault(trial[0], []).append(verdict)
        return found


def gauge(folder: Path, *words: str) -> Outcome:
    """Run `streamgauge run stdlib` with a folder first on PYTHONPATH.

    Args:
        folder: from `spoiled`; an empty one judges the interpreter's own asyncio.
        words: further words of the command line.
    """
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl", encoding="utf-8") as lines:
        ran = subprocess.run(
            [str(COMMAND), "run", "stdlib", "--quiet", "--jsonl", lines.name, *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        results = [json.loads(line) for line in lines]
    return Outcome(ran.returncode, dict(_verdicts(results)), ran.stdout)


def _verdicts(
    results: Sequence[Dict[str, str]],
) -> Iterator[Tuple[Tuple[str, str, str], str]]:
    for r in results:
        if r["type"] == "result":
            yield (r["clause"], r["check"], r["link"]), r["verdict"]
