"""What can be mutated: our own streams, and the running Python's `asyncio/streams.py`.

A mutant becomes a subject without touching what the suite itself uses: our streams are imported
once more as a private copy with one changed module; asyncio's module is executed under a name of
its own, within the package (so that its relative imports work), and takes the place of asyncio's
names; each mutant has a process of its own.
"""

from __future__ import annotations

import asyncio.streams
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, List, Optional

from streamgauge.conformance.saboteurs.making import private_copy

from .explaining import OURS, STDLIBS
from .mutants import HOME, Mutant, mutants_of

__all__ = ["Ours", "Stdlib", "Target"]

FIRST = ["reader", "buffer", "intake", "writer", "flow", "protocol", "functions"]
STREAMS = "asyncio._mutant_streams"


class Target:
    """Something whose mutants can be judged."""

    name = ""
    every_edition = False  # whether what any edition promises is asked for
    explained = Path()  # why some survive
    has_one_text = False  # whether a mutant that is explained and not found is one no more

    def paths(self) -> List[Path]:
        """Give the files that can be mutated."""
        raise NotImplementedError

    def mutants(self, path: Path) -> List[Mutant]:
        """Give the mutants of one of the files."""
        return mutants_of(path)

    def load(self, mutant: Optional[Mutant]) -> Any:
        """Make a module shaped like asyncio of a mutant; of the sound code for None."""
        raise NotImplementedError

    def take_place(self, shaped: Any) -> None:
        """Put what was made last where others look for it, in this process for good."""


class Ours(Target):
    """`streamgauge.streams`, module by module."""

    name = "streams"
    every_edition = True  # it has on every Python what any of them has
    explained = OURS
    has_one_text = True

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
    explained = STDLIBS

    def paths(self) -> List[Path]:
        """Give the one module."""
        return [Path(asyncio.streams.__file__)]

    def mutants(self, path: Path) -> List[Mutant]:
        """Give its mutants, named by digests: none of its text is kept here."""
        return [replace(mutant, masked=True) for mutant in mutants_of(path)]

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
        for name in asyncio.streams.__all__:
            del shaped.__dict__[name]
        shaped.__dict__.update({name: getattr(module, name) for name in module.__all__})
        return shaped

    def take_place(self, shaped: Any) -> None:
        """Put a mutant into asyncio itself: checks build writers over asyncio's own protocols."""
        made = vars(sys.modules[STREAMS])
        vars(asyncio.streams).update({n: made[n] for n in made if not n.startswith("__")})
        for name in asyncio.streams.__all__:
            vars(asyncio).pop(name, None)
        vars(asyncio).update({name: vars(shaped)[name] for name in made["__all__"]})
