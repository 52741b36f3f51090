"""Parity: does a fake do what the kernel does? Cases that are played on both in the same run.

`check_stream_pair` scores any stream pair, `check_network` any network. The cases are in one
module a theme: `reading`, `ending`, `dying`, `writing`, `lines`, `swapping`, `securing`, `naming`,
`streaming`, `cancelling` on a pair; `serving`, `connecting`, `resolving` on a network; `contexts`
on both. They hold no expectations.
"""

from __future__ import annotations

from . import (  # noqa: F401  # each registers its cases
    cancelling,
    connecting,
    contexts,
    dying,
    ending,
    lines,
    naming,
    reading,
    resolving,
    securing,
    serving,
    streaming,
    swapping,
    writing,
)
from .cases import Case, all_cases, case
from .running import REFERENCES, Difference, Score, check_network, check_stream_pair, play
from .seen import PENDING, Pair, Raised, Side

__all__ = [
    "PENDING",
    "REFERENCES",
    "Case",
    "Difference",
    "Pair",
    "Raised",
    "Score",
    "Side",
    "all_cases",
    "case",
    "check_network",
    "check_stream_pair",
    "play",
]
