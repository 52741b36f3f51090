"""The link `memory`: the subject's functions on a network of `fakes`, on the trial's own loop.

The subject is called as on the kernel's link of the same kind; what it reaches is a wire whose
other end the check holds. No socket, no thread and no other process takes part.
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any, Optional

from streamgauge.conformance.idleness import Watch
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.links import Link, TcpLink, TlsLink, UnixLink
from streamgauge.conformance.memory_peer import Doorstep, Line, MemoryListener, MemoryPeer
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.speech import Speech
from streamgauge.conformance.subjects import Subject
from streamgauge.fakes import MemoryNetwork

__all__ = ["MemoryTcpLink", "MemoryTlsLink", "MemoryUnixLink"]

WINDOW_BYTES = 128 * 1024  # as much as a narrowed kernel takes: few bytes fill it


class InMemory(Link):
    """What the links in memory have in common; the subject's part is the kernel's link's."""

    def __init__(self, subject: Subject, bench: Bench) -> None:
        super().__init__(subject, bench)
        self.network = MemoryNetwork(window=WINDOW_BYTES, ignore_leaks="all")

    def refusal(self, loop: asyncio.AbstractEventLoop) -> str:
        """Say that a loop's instances take no attributes, so that nothing can be put on it."""
        if hasattr(loop, "__dict__"):
            return ""
        return f"{type(loop).__qualname__} instances take no attributes: no memory network fits"

    async def enter(self) -> None:
        """Put the network, and the watch for idleness, on the running loop."""
        await self.network.__aenter__()
        self.bench.watch = Watch(asyncio.get_running_loop())
        self.bench.watch.put()

    async def leave(self) -> None:
        """Take both away; a transport that nobody closed is warned of, as asyncio's are."""
        for connection in self.network.connections:
            for transport in connection.transports:
                if not transport.is_closing():
                    warnings.warn(
                        f"unclosed transport {transport!r}", ResourceWarning, stacklevel=2
                    )
        await self.network.__aexit__(None, None, None)
        if self.bench.watch is not None:
            self.bench.watch.take_back()
            self.bench.watch = None

    async def dial(self, address: Any, speech: Optional[Speech] = None) -> MemoryPeer:
        """Connect a new peer to an address; it speaks as the link does unless told."""
        end, connection = await self.network.connect(address)
        names = connection.client, connection.server
        peer = MemoryPeer(Line(end, connection), names, self.bench)
        await peer.speak(speech or self.client_speech)
        return peer


class MemoryTcpLink(InMemory, TcpLink):
    """What `TcpLink` is, in memory."""

    def listen(self) -> MemoryListener:
        """Listen on a port that the network chooses."""
        doorstep = Doorstep()
        address = self.network.listeners.bind(self.host, 0, doorstep)
        return MemoryListener(doorstep, address, self.bench, self.server_speech)

    def spare_address(self, host: str = "", port: int = 0) -> Any:
        """Give a port of the network's, which it gives out again only when all others were."""
        return host or self.host, port or self.network.listeners.free_port()


class MemoryTlsLink(MemoryTcpLink, TlsLink):
    """What `TlsLink` is, in memory."""


class MemoryUnixLink(InMemory, UnixLink):
    """What `UnixLink` is, in memory: a path that is in no file system."""

    def __init__(self, subject: Subject, bench: Bench) -> None:
        super().__init__(subject, bench)
        self._numbers = itertools.count(1)

    def path(self) -> str:
        """Give a path of the network's that does not exist yet."""
        return f"/gauge-in-memory-{next(self._numbers)}"  # a folder has to be there

    def listen(self) -> MemoryListener:
        """Listen on a new path."""
        doorstep, path = Doorstep(), self.path()
        self.network.listeners.bind_path(path, doorstep)
        return MemoryListener(doorstep, path, self.bench, self.server_speech)
