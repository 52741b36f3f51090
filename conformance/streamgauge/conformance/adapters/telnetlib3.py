"""telnetlib3's `TelnetReader` and `TelnetWriter` for bytes: a client of a plain socket.

The peer negotiates nothing. The byte 0xFF is Telnet's own and is doubled on the way, which checks
that send it will see.
"""

from __future__ import annotations

import socket
from importlib import metadata
from typing import Any, Tuple

import telnetlib3

from streamgauge.conformance.adapters import FUNCTIONS
from streamgauge.conformance.subjects import Subject

__all__ = ["Telnetlib3"]


class Telnetlib3(Subject):
    """telnetlib3's streams of bytes. They take one separator at a time."""

    version = metadata.version("telnetlib3")
    lacks = FUNCTIONS | {
        "StreamReader",
        "StreamWriter",
        "feed",
        "ssl",
        "start_tls",
        "tuple-separators",
    }

    async def pair(self, limit: int) -> Tuple[Any, Any, socket.socket]:
        """Connect to a socket of the peer's and wait for no negotiation."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            host, port = listener.getsockname()
            reader, writer = await telnetlib3.open_connection(
                host, port, encoding=False, connect_minwait=0, connect_maxwait=0, limit=limit
            )
            peer, _ = listener.accept()
        return reader, writer, peer
