"""Memory: the highest use of a workload, and how many bytes it copied. Untimed runs of their own.

Both count what Python allocates (tracemalloc), so what a loop in C keeps for itself is not seen.
"""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from dataclasses import replace
from types import FrameType
from typing import Any, Callable, Optional

from streamgauge.conformance.bench.scene import Scene, Work

__all__ = ["LEAST_COPY_BYTES", "bytes_copied", "peak_bytes"]

# Allocations below this are frames, integers and the like, and not worth calling a copy.
LEAST_COPY_BYTES = 1024

Run = Callable[[Work, Scene, Callable[[], asyncio.AbstractEventLoop]], None]


def peak_bytes(run: Run, work: Work, scene: Scene, new_loop: Callable[[], Any]) -> int:
    """Give the most bytes that were allocated at once, beyond what was there before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        run(work, replace(scene), new_loop)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def bytes_copied(run: Run, work: Work, scene: Scene, new_loop: Callable[[], Any]) -> int:
    """Give the bytes that were allocated in pieces of 1 KiB or more, opcode by opcode.

    A copy goes to memory that is allocated for it, so this counts them all but those into a
    bytearray's spare room; receiving from the kernel counts as one.
    """
    meter = _Meter()
    before = sys.gettrace()
    # CPython 3.12 looks at opcodes only if some frame had asked for it before settrace
    sys._getframe().f_trace_opcodes = True
    tracemalloc.start()
    sys.settrace(meter.look)
    try:
        run(work, replace(scene), new_loop)
    finally:
        sys.settrace(before)
        tracemalloc.stop()
    return meter.copied


class _Meter:
    """Looks at the allocated memory whenever an opcode of Python begins."""

    def __init__(self) -> None:
        self.copied = 0
        self._last = sys.maxsize

    def look(self, frame: FrameType, event: str, argument: Any) -> Optional[Callable[..., Any]]:
        """Count what has grown since the last look (a trace function)."""
        frame.f_trace_opcodes = True
        now, _ = tracemalloc.get_traced_memory()
        grown = now - self._last
        if grown >= LEAST_COPY_BYTES:
            self.copied += grown
        self._last = now
        return self.look
