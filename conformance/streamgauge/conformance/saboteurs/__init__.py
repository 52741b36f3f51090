"""The saboteurs: deliberately wrong implementations, each of which the suite has to find.

One file a theme, one function a fault. Each is an ordinary subject, made when it is asked for:
`streamgauge run streamgauge.conformance.saboteurs:drain_does_nothing`. What came of all of them
is the kill matrix, `streamgauge saboteurs`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Dict

from streamgauge.conformance.saboteurs.making import SABOTEURS, Saboteur

__all__ = ["all_saboteurs"]

MACHINERY = ("making", "matrix", "page", "printing")


def all_saboteurs() -> Dict[str, Saboteur]:
    """Give every saboteur by its name, theme by theme, in the order of their lines."""
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        if name not in MACHINERY:
            importlib.import_module(f"{__name__}.{name}")
    return SABOTEURS


def __getattr__(name: str) -> Any:
    """Make the saboteur of that name."""
    if name.startswith("_") or name not in all_saboteurs():
        raise AttributeError(f"no saboteur {name!r}; `streamgauge saboteurs --list` has them all")
    made = globals()[name] = SABOTEURS[name].streams()
    return made
