"""Adapters: other projects' readers and writers as subjects, one small module for each.

A module here imports its project and is imported only by the subject's name. What the project
never offered is in `lacks`; what it offers is judged as it is.
"""

from __future__ import annotations

from typing import FrozenSet

__all__ = ["FUNCTIONS"]

#: The functions that no project with a connection of its own kind has.
FUNCTIONS: FrozenSet[str] = frozenset(
    {"open_connection", "start_server", "open_unix_connection", "start_unix_server"}
)
