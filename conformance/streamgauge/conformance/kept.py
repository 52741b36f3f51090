"""Kept: modules of the standard library as they were when the suite was imported.

A subject that puts a function of its own in `asyncio.wait`'s place, or in `time.perf_counter`'s,
changes what programs call, and `fingerprint` tells so; it does not change what judges it. The
suite's modules that run in a trial take these copies by name instead of importing the modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["asyncio", "os", "select", "selectors", "socket", "ssl", "threading", "time"]

if TYPE_CHECKING:
    import asyncio
    import os
    import select
    import selectors
    import socket
    import ssl
    import threading
    import time
else:
    import importlib
    from types import ModuleType

    def _copy(name: str) -> ModuleType:
        real = importlib.import_module(name)
        copy = ModuleType(name, real.__doc__)
        copy.__dict__.update(vars(real))
        return copy

    globals().update((name, _copy(name)) for name in __all__)
