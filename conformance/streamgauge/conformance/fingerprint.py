"""The state of the process that a trial may not change: read before a trial and after it."""

from __future__ import annotations

import os
import sys
from typing import Dict, List, Tuple

__all__ = ["differences", "taken"]


def taken() -> Dict[str, object]:
    """Return what is compared."""
    return {
        "recursion limit": sys.getrecursionlimit(),
        "folder": os.getcwd(),
    }


def differences(before: Dict[str, object], after: Dict[str, object]) -> List[Tuple[str, str]]:
    """Return what differs, each with its name."""
    return [(n, f"{n}: {before[n]}, then {after[n]}") for n in before if before[n] != after[n]]
