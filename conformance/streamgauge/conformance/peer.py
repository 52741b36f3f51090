"""The peer: the other end of the subject's connection, in the check's own hands.

Every verb is carried out by a blocking wire in a thread and awaited by the check, so that a
fault of the subject's loop or transports cannot hide behind the same fault on this side.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from typing import Any, Callable, Iterable, List, Optional, TypeVar

from streamgauge.conformance.fingerprint import exempt_this_thread
from streamgauge.conformance.idleness import Watch
from streamgauge.conformance.kept import asyncio, os, selectors, socket, threading
from streamgauge.conformance.speech import Speech
from streamgauge.conformance.wires import Wire, abandon, pass_through_loopback, wire_of

__all__ = ["Bench", "Listener", "Peer"]

T = TypeVar("T")

IDLE_TURNS = 16  # turns of the loop, each with a poll; a delivery needs about four
QUIET_ROUNDS = 3  # looks at a full pipe, an idle loop in between, before it counts as full
FILL_CHUNK = bytes(64 * 1024)
MAX_THREADS = 16  # a trial has a handful of peers, each with one verb at a time; each holds memory
LET_GO_S = 1.0  # how long to wait, once all is closed, for a thread that nothing has woken

_THREADS = concurrent.futures.ThreadPoolExecutor(
    MAX_THREADS, thread_name_prefix="peer", initializer=exempt_this_thread
)


class Bench:
    """Where a trial's peers stand: it lends them threads and clears everything away.

    Args:
        loop: the subject's loop, on which verbs are awaited.

    Attributes:
        watch: tells when the loop is idle, where no kernel takes part; None where one does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.watch: Optional[Watch] = None
        self._closers: List[Callable[[], None]] = []
        self._errands: List[threading.Event] = []

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a blocking function in a thread and await its result."""
        answer: asyncio.Future[T] = self._loop.create_future()
        over = threading.Event()
        self._errands.append(over)
        _THREADS.submit(_run_errand, [self._loop, answer, function, arguments], over)
        return await answer

    def on_exit(self, closer: Callable[[], None]) -> None:
        """Have `closer` called when the trial is over."""
        self._closers.append(closer)

    def clear(self) -> None:
        """Close everything, last made first; threads that block are woken by it.

        It returns once they have let go of the trial's objects: what is garbage then is garbage
        of this trial, and none of the next.
        """
        while self._closers:
            self._closers.pop()()
        while self._errands:
            self._errands.pop().wait(LET_GO_S)

    async def idle(self) -> None:
        """Turn the loop until everything that has arrived has been dealt with.

        Whoever calls this has the kernel's word that the bytes have arrived (`Peer.send`): they
        are found by the next poll, and each later step takes one turn more.
        """
        if self.watch is not None:
            await self.watch.idle()
            return
        for _ in range(IDLE_TURNS):
            await asyncio.sleep(0)

    @property
    def calls(self) -> int:
        """How many calls the loop was seen to schedule; 0 where nobody watches."""
        return self.watch.calls if self.watch is not None else 0

    @property
    def dead_when_quiet(self) -> bool:
        """Whether nothing can happen any more once the loop is idle: nobody waits for a timer."""
        return self.watch is not None and not self.watch.outside

    async def settle(self) -> None:
        """Wait until the kernel has done with what was sent, acknowledgements included."""
        if self.watch is None:
            await self.run(pass_through_loopback)  # the data
            await self.run(pass_through_loopback)  # what it was answered with
        await self.idle()


def _wait_readable(sock: socket.socket) -> None:
    # select.select refuses descriptors from 1024 on, where a loop that leaks them ends up
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.select()


def _run_errand(errand: List[Any], over: threading.Event) -> None:
    try:
        _run_and_answer(*errand)
    finally:
        errand.clear()  # the pool may refer to it for some time yet
        over.set()


def _run_and_answer(
    loop: asyncio.AbstractEventLoop,
    answer: asyncio.Future[T],
    function: Callable[..., T],
    arguments: Iterable[Any],
) -> None:
    settle: Callable[[Any], None] = answer.set_result
    outcome: Any = None
    try:
        outcome = function(*arguments)
    except Exception as error:
        settle, outcome = answer.set_exception, error
    with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody asks any more
        loop.call_soon_threadsafe(_settle, answer, settle, outcome)


def _settle(answer: asyncio.Future[T], settle: Callable[[Any], None], outcome: Any) -> None:
    if not answer.done():  # cancelled, where the check no longer waits
        settle(outcome)


class Peer:
    """The other end of one connection.

    Args:
        wire: plain or TLS, connected.
        bench: the trial's.
    """

    def __init__(self, wire: Wire, bench: Bench) -> None:
        self._wire = wire
        self._bench = bench
        bench.on_exit(wire.close)

    @property
    def sock(self) -> socket.socket:
        """The blocking socket, for its names and options."""
        return self._wire.sock

    async def speak(self, speech: Speech) -> None:
        """Go on in another speech on the same connection, with a handshake if it is TLS.

        Raises:
            OSError: (ssl.SSLError included) the handshake failed.
        """
        self._wire = await self._bench.run(wire_of, self.sock, speech)
        self._bench.on_exit(self._wire.close)

    async def send(self, data: bytes, *, eof: bool = False) -> None:
        """Send all of `data`, and EOF after it if told to; returns once the kernel holds it."""
        await self._bench.run(self._wire.send, data)
        if eof:
            await self.send_eof()

    def send_now(self, data: bytes, *, eof: bool = False) -> None:
        """Send a few bytes without leaving this turn of the loop; more could block it."""
        self._wire.send(data)
        if eof:
            self._wire.send_eof()

    async def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send piece by piece; the subject's loop takes each before the next leaves."""
        for piece in pieces:
            await self.send(piece)
            await self._bench.idle()

    async def send_eof(self) -> None:
        """Half-close (under TLS: close_notify); returns once the subject's kernel knows."""
        await self._bench.run(self._wire.send_eof)

    async def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes, waiting for the first; b"" at EOF."""
        return await self._bench.run(self._wire.recv, size)

    async def recv_exactly(self, size: int) -> bytes:
        """Receive `size` bytes, fewer only if EOF comes first."""
        return await self._bench.run(self._recv_exactly, size)

    async def recv_until_eof(self) -> bytes:
        """Receive everything up to EOF."""
        return await self._bench.run(self._recv_exactly, None)

    async def fill(self, at_most: int) -> int:
        """Send until neither the kernel nor the subject takes more.

        Args:
            at_most: bytes after which to stop in any case.

        Returns:
            The bytes sent; `at_most` or more says that the subject never held the peer back.
        """
        total = quiet = 0
        while quiet < QUIET_ROUNDS and total < at_most:
            sent = await self._bench.run(self._wire.send_some, FILL_CHUNK)
            total += sent
            quiet = 0 if sent else quiet + 1
            if not sent:
                await self._bench.run(self._wire.wait_acknowledged)
                await self._bench.idle()
        return total

    async def close(self) -> None:
        """Close both directions: FIN, or RST where bytes were left unread."""
        await self._bench.run(self._wire.close)

    async def reset(self) -> None:
        """Reset the connection (see `PlainWire.reset` for unix sockets)."""
        await self._bench.run(self._wire.reset)

    def reset_unseen(self) -> None:
        """Reset the connection without a turn of the loop, so that it cannot have noticed yet."""
        self._wire.reset()

    async def readable(self) -> None:
        """Return once bytes wait to be received here."""
        await self._bench.run(_wait_readable, self.sock)

    def stop_receiving(self) -> None:
        """End the receiving: what waits in `recv` gets b""; sending goes on."""
        self._wire.stop_receiving()

    def end_subjects_sending(self, number: int) -> None:
        """Send FIN from the subject's end, behind its back.

        Args:
            number: the descriptor of the subject's socket.
        """
        with socket.socket(fileno=os.dup(number)) as again:
            again.shutdown(socket.SHUT_WR)

    def _recv_exactly(self, size: Optional[int]) -> bytes:
        received: List[bytes] = []
        missing = size
        while missing is None or missing > 0:
            data = self._wire.recv() if missing is None else self._wire.recv(missing)
            if not data:
                break
            received.append(data)
            missing = None if missing is None else missing - len(data)
        return b"".join(received)


class Listener:
    """A peer that listens: a blocking server socket.

    Args:
        sock: bound and listening; owned by the listener from now on.
        bench: the trial's.
        speech: what is spoken on an accepted connection.
    """

    def __init__(self, sock: socket.socket, bench: Bench, speech: Speech) -> None:
        self.sock = sock
        self._bench = bench
        self._speech = speech
        bench.on_exit(lambda: abandon(sock))

    async def accept(self, speech: Optional[Speech] = None) -> Peer:
        """Await the next connection and give its peer, once it has shaken hands.

        Args:
            speech: spoken instead of the link's own; `PLAIN` leaves a handshake unanswered.
        """
        wire = await self._bench.run(self._accept, speech or self._speech)
        return Peer(wire, self._bench)

    def _accept(self, speech: Speech) -> Wire:
        sock, _ = self.sock.accept()
        self._bench.on_exit(lambda: abandon(sock))  # a handshake may wait for a subject for ever
        return wire_of(sock, speech)
