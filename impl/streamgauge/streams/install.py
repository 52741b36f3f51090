"""Put these streams in asyncio's place, for programs that can't be edited, and take them back.

The public names are exchanged on ``asyncio`` and on ``asyncio.streams``; asyncio's own
subprocess streams, and every program that looks the names up when it uses them, then run on this
package. A program that did ``from asyncio import open_connection`` earlier keeps what it has.
Nothing else of asyncio is touched.
"""

from __future__ import annotations

import asyncio
import asyncio.streams
import threading
from contextlib import contextmanager
from typing import Any, Iterator

from . import functions
from .protocol import StreamReaderProtocol
from .reader import StreamReader
from .writer import StreamWriter

_REPLACEMENTS: dict[str, Any] = {
    "StreamReader": StreamReader,
    "StreamWriter": StreamWriter,
    "StreamReaderProtocol": StreamReaderProtocol,
    **{
        name: getattr(functions, name)
        for name in (
            "open_connection",
            "start_server",
            "open_unix_connection",
            "start_unix_server",
        )
        if hasattr(functions, name)
    },
}

_originals: list[tuple[Any, str, Any]] = []
_installs = 0
_lock = threading.RLock()  # a signal's handler may install while its thread does


def install() -> None:
    """Put the four functions and three classes in place of asyncio's.

    Calls count: what is installed twice has to be uninstalled twice. Any thread may call.
    """
    global _installs  # noqa: PLW0603  # what is counted, asyncio's names, is global as well
    with _lock:
        _installs += 1
        if _installs > 1:
            return
        for module in (asyncio, asyncio.streams):
            for name, replacement in _REPLACEMENTS.items():
                if hasattr(module, name):
                    _originals.append((module, name, getattr(module, name)))
                    setattr(module, name, replacement)


def uninstall() -> None:
    """Undo one :func:`install`; with the last, asyncio's names are exactly what they were.

    Raises:
        RuntimeError: Nothing is installed.
    """
    global _installs  # noqa: PLW0603  # see install
    with _lock:
        if not _installs:
            raise RuntimeError(
                "uninstall() without install(): asyncio's streams are in their place"
            )
        _installs -= 1
        if _installs:
            return
        while _originals:
            setattr(*_originals.pop())


@contextmanager
def installed() -> Iterator[None]:
    """Install for the length of a ``with`` block; such blocks can be nested."""
    install()
    try:
        yield
    finally:
        uninstall()
