"""aiohttp's `StreamReader`, fed by hand: the reader of its requests' and responses' bodies."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import aiohttp
from aiohttp.base_protocol import BaseProtocol

from streamgauge.conformance.adapters import FUNCTIONS
from streamgauge.conformance.subjects import Subject

__all__ = ["Aiohttp"]

PARSES = "parser" in inspect.signature(BaseProtocol).parameters  # since 3.14
DEFAULT_LIMIT = 2**16  # bytes, as the page has it; aiohttp's own has to be given


class _Connected(asyncio.Transport):
    """Stands for a connection and its parser: aiohttp's reader waits for nothing without them."""

    def pause_reading(self) -> None:
        """Do nothing: what is fed by hand cannot be held back."""

    def resume_reading(self) -> None:
        """Do nothing."""


class Aiohttp(Subject):
    """aiohttp's reader. It has no writer of this kind, and takes one separator at a time."""

    version = aiohttp.__version__
    links = ("feed",)
    lacks = FUNCTIONS | {"StreamWriter", "StreamReader", "tuple-separators"}

    def StreamReader(self, limit: int = DEFAULT_LIMIT) -> Any:  # noqa: N802 - the page's name
        """Make a reader of an open connection."""
        loop = asyncio.get_running_loop()
        connection: Any = _Connected()
        parser = (connection,) if PARSES else ()  # which can be paused
        protocol = BaseProtocol(loop, *parser)
        protocol.connection_made(connection)
        return aiohttp.StreamReader(protocol, limit, loop=loop)
