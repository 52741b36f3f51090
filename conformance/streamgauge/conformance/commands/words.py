"""Words that several commands' help has in common."""

from __future__ import annotations

__all__ = ["EPILOG"]

EPILOG = (
    "Exit codes: 0 as expected, 1 new failures or stale entries, 2 usage, 3 harness or adapter, "
    "4 incomplete or nothing ran."
)
