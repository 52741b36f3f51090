"""The peer on a wire in memory: what `peer.Peer` is on a socket, without a thread.

A verb awaits nothing but the wire's own events, so that a loop on which nothing happens any more
is idle, and not merely waiting for a kernel.
"""

from __future__ import annotations

import contextlib
from typing import Callable, Iterable, List, Optional, Set, Tuple, TypeVar

from streamgauge.conformance.kept import asyncio, ssl
from streamgauge.conformance.peer import FILL_CHUNK, Bench
from streamgauge.conformance.speech import Records, Speech
from streamgauge.conformance.wires import RECV_SIZE, family_of
from streamgauge.fakes.connections import Connection
from streamgauge.fakes.sockets import Address, MemorySocket
from streamgauge.fakes.wire import WireEnd

__all__ = ["Doorstep", "Line", "MemoryListener", "MemoryPeer"]

T = TypeVar("T")


class Line:
    """One end of a wire, to be awaited.

    Args:
        end: the end; owned by the line from now on.
        connection: what keeps account of it in the network.
    """

    def __init__(self, end: WireEnd, connection: Connection) -> None:
        self.end = end
        self._connection = connection
        self._waiting: Set[asyncio.Future[None]] = set()
        self._deaf = False
        end.on_readable = end.on_writable = self._wake

    async def send(self, data: bytes) -> None:
        """Send all; waits where the window is full."""
        left = memoryview(data)
        while left:
            left = left[self.end.send(left) :]
            if left:
                await self._change()

    async def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes; b"" at EOF."""
        while not self.end.closed and not self._deaf:
            data = self.end.recv(size)
            if data is not None:
                return data
            await self._change()
        return b""

    async def readable(self) -> None:
        """Return once something has arrived."""
        while not self.end.readable:
            await self._change()

    def stop_receiving(self) -> None:
        """End the receiving: what waits in `recv` gets b""."""
        self._deaf = True
        self._wake()

    def close(self) -> None:
        """Close both directions: FIN, or RST where bytes were left unread."""
        with contextlib.suppress(OSError):  # nothing is left of the connection
            self.end.shutdown()
        self._end()

    def reset(self) -> None:
        """Reset the connection: RST on TCP; on a unix socket a close with unread bytes."""
        self.end.linger_zero = True
        self._end()

    def _end(self) -> None:
        if not self.end.closed:
            self.end.close()
            self._connection.closed()
            self._wake()

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiting:
            _resolve(waiter)


class MemoryPeer:
    """The other end of one connection; its verbs are `peer.Peer`'s.

    Args:
        line: its end of the wire.
        names: its own address and the subject's.
        bench: the trial's.
    """

    def __init__(self, line: Line, names: Tuple[Address, Address], bench: Bench) -> None:
        self._line = line
        self._bench = bench
        self._records: Optional[Records] = None
        self._leaving = asyncio.Lock()  # records leave in the order in which they were made
        self.sock = MemorySocket(family_of(names[0]), *names, line.end)
        bench.on_exit(line.close)

    async def speak(self, speech: Speech) -> None:
        """Begin to speak, with a handshake if it is TLS.

        Raises:
            OSError: (ssl.SSLError included) the handshake failed.
        """
        if speech.context is not None:
            self._records = Records(speech)
            await self._pump(self._records.shake_hands)

    async def send(self, data: bytes, *, eof: bool = False) -> None:
        """Send all of `data`, and EOF after it if told to; returns once the wire holds it."""
        if self._records is None:
            await self._line.send(data)
        else:
            self._records.write(data)
            await self._flush()
        if eof:
            await self.send_eof()

    def send_now(self, data: bytes, *, eof: bool = False) -> None:
        """Send a few bytes without leaving this turn of the loop; there has to be room."""
        if self._records is not None:
            self._records.write(data)
            data = self._records.made()
        self._push(data)
        if eof:
            self._push_eof()

    async def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send piece by piece; the subject's loop takes each before the next leaves."""
        for piece in pieces:
            await self.send(piece)
            await self._bench.idle()

    async def send_eof(self) -> None:
        """Half-close (under TLS: close_notify)."""
        await self._flush()
        self._push_eof()

    async def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes, waiting for the first; b"" at EOF."""
        records = self._records
        if records is None:
            return await self._line.recv(size)
        return await self._pump(lambda: records.read(size), flush=False)

    async def recv_exactly(self, size: int) -> bytes:
        """Receive `size` bytes, fewer only if EOF comes first."""
        received: List[bytes] = []
        while size > 0:
            data = await self.recv(size)
            if not data:
                break
            received.append(data)
            size -= len(data)
        return b"".join(received)

    async def recv_until_eof(self) -> bytes:
        """Receive everything up to EOF."""
        received: List[bytes] = []
        while data := await self.recv(RECV_SIZE):
            received.append(data)
        return b"".join(received)

    async def fill(self, at_most: int) -> int:
        """Send until neither the wire nor the subject takes more.

        Args:
            at_most: bytes after which to stop in any case.

        Returns:
            The bytes sent; `at_most` or more says that the subject never held the peer back.
        """
        total, idle = 0, False
        while total < at_most:
            sent = self._push_some(FILL_CHUNK)
            total += sent
            if not sent and idle:
                break
            idle = not sent
            if idle:
                await self._bench.idle()
        return total

    async def close(self) -> None:
        """Close both directions: FIN, or RST where bytes were left unread."""
        if self._records is not None:
            with contextlib.suppress(OSError, ValueError):  # the connection takes no more
                self._records.say_close_notify()
                self._line.end.send(self._records.made())
        self._line.close()

    async def reset(self) -> None:
        """Reset the connection."""
        self._line.reset()

    def reset_unseen(self) -> None:
        """Reset the connection without a turn of the loop, so that it cannot have noticed yet."""
        self._line.reset()

    async def readable(self) -> None:
        """Return once bytes wait to be received here."""
        await self._line.readable()

    def stop_receiving(self) -> None:
        """End the receiving: what waits in `recv` gets b""; sending goes on."""
        self._line.stop_receiving()

    def end_subjects_sending(self, _number: int) -> None:
        """Send FIN from the subject's end, behind its back."""
        self._line.end.peer.shutdown()

    def _push(self, data: bytes) -> None:
        sent = self._line.end.send(data)
        if sent < len(data):
            raise BlockingIOError(f"expected room for {len(data)} bytes on the wire, got {sent}")

    def _push_some(self, data: bytes) -> int:
        records, send = self._records, self._line.end.send
        if records is None:
            return send(data)
        if not records.pending:
            records.write(data)
        pending = records.made()
        sent = send(pending)
        records.put_back(pending[sent:])
        return sent

    def _push_eof(self) -> None:
        if self._records is None:
            self._line.end.shutdown()
        else:
            self._records.say_close_notify()
            self._push(self._records.made())

    async def _flush(self) -> None:
        if self._records is not None:
            async with self._leaving:
                await self._line.send(self._records.made())

    async def _pump(self, step: Callable[[], T], *, flush: bool = True) -> T:
        """Repeat `step` until it has what it needs from the wire; see `wires.TlsWire`."""
        assert self._records is not None
        while True:
            done = []
            with contextlib.suppress(ssl.SSLWantReadError):
                done.append(step())
            if flush:
                await self._flush()
            if done:
                return done[0]
            self._records.take_in(await self._line.recv(RECV_SIZE))


class Doorstep:
    """Where connections to a peer wait until it accepts them: a `listeners.Owner`."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Tuple[Line, Tuple[Address, Address]]] = asyncio.Queue()

    def is_serving(self) -> bool:
        """Say that connections are taken."""
        return True

    def accept(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        """Take a connection; it waits for the peer's `accept`."""
        self.waiting.put_nowait((Line(end, connection), names))
        connected.get_loop().call_soon(_resolve, connected)


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class MemoryListener:
    """A peer that listens; its verb is `peer.Listener`'s.

    Args:
        doorstep: bound to the address.
        address: where it listens.
        bench: the trial's.
        speech: what is spoken on an accepted connection.
    """

    def __init__(self, doorstep: Doorstep, address: Address, bench: Bench, speech: Speech) -> None:
        self.sock = MemorySocket(family_of(address), address)
        self._doorstep = doorstep
        self._bench = bench
        self._speech = speech
        bench.on_exit(self._close)

    async def accept(self, speech: Optional[Speech] = None) -> MemoryPeer:
        """Await the next connection and give its peer, once it has shaken hands.

        Args:
            speech: spoken instead of the link's own; `PLAIN` leaves a handshake unanswered.
        """
        line, names = await self._doorstep.waiting.get()
        peer = MemoryPeer(line, names, self._bench)
        await peer.speak(speech or self._speech)
        return peer

    def _close(self) -> None:
        while not self._doorstep.waiting.empty():  # the kernel resets what was not accepted
            self._doorstep.waiting.get_nowait()[0].reset()
