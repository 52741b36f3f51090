"""What can be mutated: our own streams, and the running Python's `asyncio/streams.py`.

A mutant becomes a subject without touching what the suite itself uses: our streams are imported
once more as a private copy with one changed module; asyncio's module is executed under a name of
its own, within the package (so that its relative imports work), and stands before asyncio's names.
"""

from __future__ import annotations

import asyncio.streams
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional

from streamgauge.conformance.saboteurs.making import private_copy

from .mutants import HOME, Mutant

__all__ = ["Ours", "Stdlib", "Target"]

FIRST = ["reader", "buffer", "intake", "writer", "flow", "protocol", "functions"]
STREAMS = "asyncio._mutant_streams"


class Target:
    """Something whose mutants can be judged."""

    name = ""
    every_edition = False  # whether what any edition promises is asked for

    def paths(self) -> List[Path]:
        """Give the files that can be mutated."""
        raise NotImplementedError

    def load(self, mutant: Optional[Mutant]) -> Any:
        """Make a module shaped like asyncio of a mutant; of the sound code for None."""
        raise NotImplementedError


class Ours(Target):
    """`streamgauge.streams`, module by module."""

    name = "streams"
    every_edition = True  # it has on every Python what any of them has

    def paths(self) -> List[Path]:
        """Give the modules, those first on which everything stands."""
        every = sorted(path.stem for path in HOME.glob("*.py"))
        return [HOME / f"{n}.py" for n in [*FIRST, *(n for n in every if n not in FIRST)]]

    def load(self, mutant: Optional[Mutant]) -> Any:
        """Import the streams once more."""
        return private_copy("mutant", {mutant.module: mutant.code()} if mutant else {})


class Stdlib(Target):
    """The running Python's `asyncio.streams`."""

    name = "stdlib"

    def paths(self) -> List[Path]:
        """Give the one module."""
        return [Path(asyncio.streams.__file__)]

    def load(self, mutant: Optional[Mutant]) -> Any:
        """Execute the module once more, and put its names before asyncio's."""
        path = self.paths()[0]
        code = mutant.code() if mutant else compile(path.read_bytes(), str(path), "exec")
        module = ModuleType(STREAMS)
        module.__package__, module.__file__ = "asyncio", str(path)
        sys.modules[STREAMS] = module
        exec(code, module.__dict__)
        shaped = ModuleType("mutant")
        shaped.__dict__.update(vars(asyncio))
        shaped.__dict__.update({name: getattr(module, name) for name in asyncio.streams.__all__})
        return shaped
