"""The open connections of a memory network: what holds them, what rules do to them, netstat.

A `Connection` is a wire with two addresses and the transports on it. It outlives neither: once
both ends are closed it is gone. How connections come to be is in `dialing`.
"""

from __future__ import annotations

import asyncio
from asyncio.sslproto import SSLProtocol
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from .direction import Direction
from .leaks import Leak, unread_bytes
from .names import shown
from .rules import NOTHING_HAPPENS, Verdict
from .sockets import Address, as_told
from .tls import app_protocol, app_transport, protocol_for
from .transport import MemoryTransport
from .wire import Wire, WireEnd

__all__ = ["Connection", "Unread", "netstat"]

COLUMNS = ("Proto", "Recv-Q", "Send-Q", "Local Address", "Foreign Address", "State", "Sent", "Got")
ROW = "{:<5} {:>9} {:>9} {:<22} {:<22} {:<12} {:>10} {:>10}"


class Unread(NamedTuple):
    """What one end of a connection had not read when it was looked at.

    Attributes:
        own: the end's address.
        undelivered: bytes that no protocol was given; with TLS, which has words of its own on the
            wire, they are not counted.
        reader: the stream reader, which can still be read; None if there is none.
    """

    own: Address
    undelivered: int
    reader: Any

    @classmethod
    def of(cls, transport: MemoryTransport, undelivered: int) -> Unread:
        """Look at a transport, with or without TLS above it."""
        protocol: Optional[asyncio.BaseProtocol] = transport.get_protocol()
        if isinstance(protocol, SSLProtocol):
            protocol, undelivered = app_protocol(protocol), 0
        reader = getattr(protocol, "_stream_reader", None)
        return cls(transport.get_extra_info("sockname"), undelivered, reader)

    def total(self) -> int:
        """Count the bytes that are unread by now."""
        return self.undelivered + unread_bytes(self.reader)

    def leaks(self) -> List[Leak]:
        """Say what is unread by now."""
        n = self.total()
        return [Leak("unread-bytes", f"{n} bytes that {shown(self.own)} never read")] if n else []


class Connection:
    """One connection of a network.

    Args:
        loop: the loop that delays are made with.
        wire: the wire; its first end is the client's.
        client: the client's address.
        server: the server's address.
        open_ones: what it is put in, and taken out of once both ends are closed.
        unread: where an end notes what it had not read when it was closed.

    Attributes:
        transports: those that are on its ends and have not come to their end.
        acceptor: the server, which is told of the transport on its end as this is of both.
    """

    __slots__ = (
        "_does",
        "_loop",
        "_open",
        "_unread",
        "acceptor",
        "client",
        "server",
        "transports",
        "wire",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wire: Wire,
        client: Address,
        server: Address,
        open_ones: Dict[Connection, None],
        unread: List[Unread],
    ) -> None:
        self._loop = loop
        self.wire = wire
        self.client = client
        self.server = server
        self.transports: List[Any] = []  # as a selector would hold them
        self.acceptor: Any = None
        self._open = open_ones
        self._unread = unread
        self._does = NOTHING_HAPPENS
        open_ones[self] = None

    def transport_on(
        self,
        end: WireEnd,
        protocol: asyncio.BaseProtocol,
        tls_options: Optional[Dict[str, Any]],
        waiter: Optional[asyncio.Future[None]],
    ) -> Any:
        """Put a transport, with TLS or without, on one of the wire's ends.

        Args:
            end: the end.
            protocol: the user's protocol.
            tls_options: what `tls.protocol_for` takes, or None for no TLS.
            waiter: a future that is resolved once `connection_made` was called, or failed with TLS.

        Returns:
            The transport for the user.
        """
        own, other = self.client, self.server
        of_server = end is not self.wire.ends[0]
        if of_server:
            own, other = other, own
        if not isinstance(own, tuple):
            own, other = as_told(own), as_told(other)
        extra = {"sockname": own, "peername": other}
        below = protocol
        if tls_options is not None:
            below = protocol_for(self._loop, protocol, waiter=waiter, **tls_options)
            waiter = None
        transport = MemoryTransport(self._loop, end, below, waiter, extra, self)
        self.transports.append(transport)
        if of_server:
            self.acceptor.attach(transport)
        return transport if tls_options is None else app_transport(below)

    def closing(self, transport: MemoryTransport) -> None:
        """A transport is closed, not aborted: note what it has not read."""
        into, protocol = transport.wire.into, transport.get_protocol()
        reader = getattr(protocol, "_stream_reader", None)
        if into.queue or unread_bytes(reader) or isinstance(protocol, SSLProtocol):
            unread = Unread.of(transport, into.unread)
            if unread.total():
                self._unread.append(unread)

    def detach(self, transport: MemoryTransport) -> None:
        """A transport has come to its end."""
        self.transports.remove(transport)
        if transport.wire is not self.wire.ends[0]:
            self.acceptor.detach(transport)
        if transport.wire.peer.closed:
            del self._open[self]

    def closed(self) -> None:
        """An end was closed; when both are, the connection is gone."""
        a, b = self.wire.ends
        if a.closed and b.closed:
            del self._open[self]

    def apply(self, does: Verdict) -> None:
        """Do what the rules say from now on; hands on the wire are left alone if they say nothing.

        Args:
            does: the verdict on the two addresses.
        """
        if does == self._does:
            return
        self._does = does
        if does.refused:
            self.wire.reset()
            return
        for end in self.wire.ends:
            direction = end.out
            direction.courier = None
            if does.lost:
                direction.hold()
            elif does.delay_s:
                self._delay(direction, does.delay_s)
            else:
                direction.release()

    def _delay(self, direction: Direction, seconds: float) -> None:
        direction.hold()
        last = 0.0

        def arrive() -> None:
            if direction.courier is courier:  # else the rule is another by now
                direction.arrive_one()

        def courier() -> None:
            nonlocal last
            last = max(last, self._loop.time() + seconds)
            self._loop.call_at(last, arrive)

        direction.courier = courier
        for _ in range(direction.waiting):
            courier()

    def leaks(self) -> List[Leak]:
        """Say what is left of it: writers that are open, bytes that they did not read."""
        found = []
        for transport in self.transports:
            if not transport.is_closing():
                found.append(Leak("unclosed-writer", f"{transport!r}"))
                found += Unread.of(transport, transport.wire.peer.in_flight()).leaks()
        return found

    def rows(self) -> List[str]:
        """Give one line of netstat for each end that is not closed."""
        sides = zip(self.wire.ends, (self.client, self.server), (self.server, self.client))
        return [self._row(end, own, other) for end, own, other in sides if not end.closed]

    def last_bytes(self) -> List[str]:
        """Say what each direction carried last, and what is on its way."""
        lines = []
        sides = zip(self.wire.ends, (self.client, self.server), (self.server, self.client))
        for end, own, other in sides:
            way = f"{shown(own)} -> {shown(other)}"
            lines.append(f"{way}: {end.out.sent} bytes, {end.out.report()}")
        return lines

    def _row(self, end: WireEnd, own: Address, other: Address) -> str:
        unsent = sum(t.get_write_buffer_size() for t in self.transports if t.wire is end)
        return ROW.format(
            self.wire.kind.name,
            end.into.unread,
            end.in_flight() - end.out.unread + unsent,
            shown(own),
            shown(other),
            end.state,
            end.out.sent,
            end.into.sent - end.peer.in_flight(),
        ).rstrip()


def netstat(listening: Iterable[Address], connections: Iterable[Connection]) -> str:
    """Print listeners and connections as a table, one line an end, with bytes both ways."""
    lines = [ROW.format(*COLUMNS).rstrip()]
    for where in listening:
        kind = "tcp" if isinstance(where, tuple) else "unix"
        lines.append(ROW.format(kind, 0, 0, shown(where), "*", "LISTEN", "", "").rstrip())
    for connection in connections:
        lines.extend(connection.rows())
    return "\n".join(lines)
