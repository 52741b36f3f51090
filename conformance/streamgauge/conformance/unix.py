"""Calls and constants of Unix, for modules that other platforms import and never run.

Type checkers of those platforms do not know these names, so they are looked up untyped. A command
that needs them is refused by `machine.need_unix` before it comes here.
"""

from __future__ import annotations

import contextlib
import importlib
import signal as _signal
from typing import Any

from streamgauge.conformance import kept

__all__ = ["fcntl", "os", "resource", "select", "signal", "socket"]

os: Any = kept.os
select: Any = kept.select
socket: Any = kept.socket
signal: Any = _signal
fcntl: Any = None
resource: Any = None
with contextlib.suppress(ImportError):
    fcntl = importlib.import_module("fcntl")
    resource = importlib.import_module("resource")
