"""Loops by name for the bench: those of `subjects.resolve_loop`, and some that need more than that.

Only loops live here whose factory is not a plain `module:function` that returns a loop.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Callable, Mapping

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.subjects import resolve_loop

__all__ = ["SHORT_NAMES", "loop_factory"]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

# name -> name for `resolve_loop`
SHORT_NAMES: Mapping[str, str] = {"uvloop": "uvloop:new_event_loop"}

FASTNET = "aiofastnet"  # alone around the stock loop, or `aiofastnet+LOOP` around another


def loop_factory(name: str) -> LoopFactory:
    """Find the loop factory of that name.

    Raises:
        UsageError: it is not installed, or is not a factory.
    """
    around, _, inner = name.partition("+")
    if around != FASTNET:
        return resolve_loop(SHORT_NAMES.get(name, name))
    try:
        fastnet: Any = importlib.import_module(FASTNET)
    except ImportError as error:
        raise UsageError(f"loop {name!r}: cannot import {FASTNET!r}; install it") from error
    made: LoopFactory = fastnet.loop_factory(*([loop_factory(inner)] if inner else []))
    return made
