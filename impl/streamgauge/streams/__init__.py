"""asyncio's streams once more: exactly as documented, the same on every Python.

Same names, signatures and exceptions as asyncio's. This file only gathers them. From the bottom
up: ``buffer`` keeps bytes, ``reader`` awaits them; ``flow`` remembers what writers wait for,
``writer`` sends; ``protocol`` joins both to a transport; ``functions`` makes connections and
servers; ``install`` puts it all in asyncio's place. ``arguments`` checks what callers give,
``transports`` levels what transports do differently, ``loops`` and ``eyeballs`` what a loop does
not know, ``closing`` and ``bufferview`` serve programs that mix these streams with asyncio's
protocols or look into their buffers.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, LimitOverrunError

from . import functions as _functions
from .arguments import DEFAULT_LIMIT
from .functions import open_connection, start_server
from .install import install, installed, uninstall
from .protocol import StreamReaderProtocol
from .reader import StreamReader
from .writer import StreamWriter

__all__ = [
    "DEFAULT_LIMIT",
    "IncompleteReadError",
    "LimitOverrunError",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "install",
    "installed",
    "open_connection",
    "start_server",
    "uninstall",
]

if hasattr(_functions, "open_unix_connection"):
    from .functions import open_unix_connection, start_unix_server

    __all__ += ["open_unix_connection", "start_unix_server"]
