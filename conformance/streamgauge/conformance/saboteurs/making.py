"""What a saboteur is, how one is registered, and how it becomes a subject.

A saboteur is a patch on a private copy of `streamgauge.streams`: the package is imported once
more under a name of its own, and the patch changes that copy. So nothing that anybody else uses
is touched, and two saboteurs know nothing of each other. The streams are reached by name only.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import pkgutil
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, TypeVar

__all__ = ["SABOTEURS", "Saboteur", "instead", "private_copy", "saboteur"]

TARGET = "streamgauge.streams"

Patch = Callable[[Any], None]
# Python leaves docstrings out with -OO: nobody is told of the fault then.
UNDOCUMENTED = "not told with -OO" if sys.flags.optimize > 1 else ""
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Saboteur:
    """One deliberately wrong implementation.

    Args:
        name: the patch's name; unique.
        clause: id of the clause that it breaks.
        message: a piece of the text with which a check of that clause has to find it.
        fault: what is wrong with it, one sentence.
        theme: the module that it stands in.
        links: where it shows; empty for wherever the clause's checks run first.
        patch: takes the private copy and spoils it.
    """

    name: str
    clause: str
    message: str
    fault: str
    theme: str
    links: Tuple[str, ...]
    patch: Patch

    def streams(self) -> Any:
        """Make the wrong implementation: a module shaped like asyncio."""
        streams = private_copy(f"sabotaged_{self.name}")
        streams.__doc__ = self.fault
        self.patch(streams)
        return streams


SABOTEURS: Dict[str, Saboteur] = {}


def saboteur(
    clause: str, message: str, *, links: Tuple[str, ...] = (), name: str = "", fault: str = ""
) -> Callable[[Patch], Patch]:
    """Register a patch as a saboteur.

    Args:
        clause: id of the clause that it breaks.
        message: a piece of the text with which it has to be found.
        links: where it shows; empty for wherever the clause's checks run first.
        name: the function's own unless told.
        fault: the function's docstring unless told.

    Raises:
        ValueError: at import, for a name that is taken or a fault that is not told.
    """

    def register(patch: Patch) -> Patch:
        called = name or patch.__name__
        told = fault or (patch.__doc__ or UNDOCUMENTED).strip()
        if called in SABOTEURS or not told:
            raise ValueError(f"saboteur {called}: expected a name of its own and a docstring")
        theme = patch.__module__.rsplit(".", 1)[-1]
        SABOTEURS[called] = Saboteur(called, clause, message, told, theme, links, patch)
        return patch

    return register


def instead(owner: Any) -> Callable[[F], F]:
    """Put the decorated function in the place of what `owner` has under its name."""

    def put(function: F) -> F:
        setattr(owner, function.__name__, function)
        return function

    return put


class _Again(importlib.machinery.SourceFileLoader):
    """Loads a module of the streams, which is compiled once however often it is loaded."""

    code: Optional[CodeType] = None  # what to load instead of the file

    def get_code(self, fullname: str) -> Any:
        """Give the file's code, or what stands in its place."""
        return self.code or _code(self.path)


@lru_cache(maxsize=None)
def _code(path: str) -> CodeType:
    return compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)


def private_copy(name: str, instead_of: Optional[Mapping[str, CodeType]] = None) -> Any:
    """Import the streams once more, as a package called `name` that nobody else knows.

    Args:
        name: the package's name.
        instead_of: code to execute in the place of a module's own, by the module's name.

    Raises:
        ModuleNotFoundError: the streams are not installed, or not as files.
    """
    spec = importlib.util.find_spec(TARGET)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{TARGET} is not installed as files; saboteurs are made of it")
    folders = list(spec.submodule_search_locations or ())
    module = _unexecuted(name, spec.origin, _Again(name, spec.origin), folders)
    for one in pkgutil.iter_modules(folders):
        path = str(Path(folders[0]) / f"{one.name}.py")
        fullname = f"{name}.{one.name}"
        # Lazy, so that they can be there before the first of them imports another.
        loader = _Again(fullname, path)
        loader.code = (instead_of or {}).get(one.name)
        lazy = importlib.util.LazyLoader(loader)
        part = _unexecuted(fullname, path, lazy, None)
        lazy.exec_module(part)
        setattr(module, one.name, part)
    _Again(name, spec.origin).exec_module(module)
    return module


def _unexecuted(name: str, path: str, loader: Any, folders: Optional[List[str]]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, path, loader=loader, submodule_search_locations=folders
    )
    assert spec is not None  # there is a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its own modules import each other through it
    return module
