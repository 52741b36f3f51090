"""In-memory wires, stream pairs and networks for testing code that uses asyncio streams.

Real stream readers and writers over a wire in memory that behaves as the kernel's TCP does, and
that can be told to behave worse. Nothing but names lives here: wires are in `wire`, `direction`
and `chunks`; the transport in `transport` and `writing`; pairs in `pairs` and `ends`; the
network in `network` and the modules that it names; what may not be left behind in `leaks`. The
package needs nothing but Python.
"""

from __future__ import annotations

from .chunks import Chunks, Policy
from .connections import Connection
from .ends import MemoryStreamEnd, StreamEnd
from .leaks import LEAKS, Leak, LeakError
from .network import MemoryNetwork
from .outside import ForbiddenConnectError
from .pairs import (
    memory_stream_pair,
    socketpair_stream_pair,
    tcp_stream_pair,
    tls_stream_pair,
    unix_stream_pair,
)
from .transport import MemoryTransport
from .wire import TCP, UNIX, Kind, Wire, WireEnd

__all__ = [
    "LEAKS",
    "TCP",
    "UNIX",
    "Chunks",
    "Connection",
    "ForbiddenConnectError",
    "Kind",
    "Leak",
    "LeakError",
    "MemoryNetwork",
    "MemoryStreamEnd",
    "MemoryTransport",
    "Policy",
    "StreamEnd",
    "Wire",
    "WireEnd",
    "memory_stream_pair",
    "socketpair_stream_pair",
    "tcp_stream_pair",
    "tls_stream_pair",
    "unix_stream_pair",
]
