"""asyncio's streams once more: exactly as documented, the same on every Python.

Same names, signatures and exceptions as asyncio's. This file only gathers them. From the bottom
up: ``buffer`` keeps bytes, ``intake`` takes them in, ``landing`` receives large messages,
``reader`` awaits them; ``flow`` remembers what writers wait for, ``writer`` sends; ``protocol``
joins both to a transport; ``functions`` makes connections and servers; ``install`` puts it all in
asyncio's place. ``arguments`` checks what callers give, ``errors`` keeps what is raised again,
``transports`` levels what transports do differently, ``loops`` and ``eyeballs`` what a loop does
not know.

For programs that go beyond the page: ``names`` and ``lending`` are asyncio's private names and its
buffer, ``obedient`` is what subclasses of the reader stand on, and ``closing`` serves writers over
protocols of others.
"""

from __future__ import annotations

from asyncio import IncompleteReadError, LimitOverrunError

from . import functions as _functions
from . import obedient as _obedient  # noqa: F401  # subclasses of the reader need it to be there
from .arguments import DEFAULT_LIMIT
from .arguments import DEFAULT_LIMIT as _DEFAULT_LIMIT  # noqa: F401  # by its name in asyncio
from .flow import FlowControlMixin as FlowControlMixin  # asyncio has it there, unlisted too
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
