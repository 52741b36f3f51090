"""The part of the heap that the garbage collector leaves alone, on Pythons that have one.

`gc.freeze` keeps everything alive now out of later collections, which are quick then and copy no
memory after a fork. PyPy's collector has no such part. There, nothing happens.
"""

from __future__ import annotations

import gc

__all__ = ["freeze", "frozen_count", "unfreeze"]

CAN_FREEZE = hasattr(gc, "freeze")


def freeze() -> None:
    """Keep everything alive now out of later collections."""
    if CAN_FREEZE:
        gc.freeze()


def frozen_count() -> int:
    """Return the number of objects that are kept out; 0 where none can be."""
    return gc.get_freeze_count() if CAN_FREEZE else 0


def unfreeze() -> None:
    """Let collections see every object again."""
    if CAN_FREEZE:
        gc.unfreeze()
