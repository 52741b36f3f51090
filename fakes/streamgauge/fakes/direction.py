"""One direction of a wire: what is on its way, what has arrived, and what is done to it.

A `Direction` moves bytes, FIN and RST from one `wire.WireEnd` to the other. It knows how much
may be under way, whether it is held, where it will be cut, and how arrivals are cut into pieces.
What FIN and RST mean to an end, and what the end's owner may call, is in `wire`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, List, Optional, Tuple, Union

from .chunks import ChunksLike, sizer_for

if TYPE_CHECKING:
    from .wire import WireEnd

__all__ = ["RST", "Direction"]

FIN = "FIN"
RST = "RST"

REPORTED_BYTES = 64

Piece = Union[bytes, memoryview]  # a memoryview is always of bytes: nobody can change it
Item = Union[Piece, str]

#: What is on its way where nothing is held, and what has arrived where nothing has yet: a queue is
#: made for the first thing that is put there, as most connections of a test have little to say.
NOTHING: Any = ()


def frozen(data: Union[bytes, bytearray, memoryview], n: int) -> Piece:
    """Take the first ``n`` bytes, without a copy where nobody can change them."""
    if type(data) is bytes and n == len(data):
        return data
    view = memoryview(data)[:n]
    return view if type(view.obj) is bytes and view.c_contiguous else bytes(view)


class Direction:
    """The bytes from one end to the other.

    Args:
        sender: the end that sends in this direction.
        receiver: the end that they go to.
        window: bytes that may be sent and not taken.
        chunks: how arrivals are cut into deliveries.

    Attributes:
        room: bytes that may still be sent.
        sent: bytes sent since the beginning.
        queue: what has arrived and was not taken; the first piece from `head` on.
        fin: FIN has arrived.
        open: nothing stands in the way of a send: not held, not cut, not closed, and not the first.
        starved: the sender was told that there is no room for all it has.
        last: the last delivery that was taken, for reports.
        courier: called for each thing that is sent while the direction is held, see `arrive_one`.
    """

    __slots__ = (
        "_cut",
        "_flight",
        "_flying",
        "_held",
        "_sizer",
        "courier",
        "fin",
        "head",
        "last",
        "open",
        "queue",
        "receiver",
        "room",
        "sender",
        "sent",
        "starved",
        "window",
    )

    def __init__(
        self, sender: WireEnd, receiver: WireEnd, window: int, chunks: Optional[ChunksLike]
    ) -> None:
        self.sender = sender
        self.receiver = receiver
        self.window = self.room = window
        self.sent = 0
        self.queue: Deque[Piece] = NOTHING
        self.head = 0
        self.fin = False
        self.open = False
        self.starved = False
        self.last = b""
        self.courier: Optional[Callable[[], object]] = None
        self._flight: Deque[Item] = NOTHING
        self._flying = 0
        self._held = False
        self._cut: Optional[Tuple[int, str]] = None
        self._sizer = None if chunks is None else sizer_for(chunks)

    @property
    def unread(self) -> int:
        """Bytes that have arrived and were not taken."""
        return self.window - self.room - self._flying

    @property
    def held(self) -> bool:
        """Whether what is sent stays on its way."""
        return self._held

    @property
    def planned(self) -> Optional[Tuple[int, str]]:
        """The cut that waits: how many more bytes arrive, and how it ends; None without one."""
        return self._cut

    @property
    def over(self) -> bool:
        """Whether nothing can arrive any more: FIN or RST has, or was met."""
        return self.fin or self.sender.dead or self.receiver.dead

    @property
    def waiting(self) -> int:
        """How many things are on their way: writes, FIN, RST."""
        return len(self._flight)

    def report(self) -> str:
        """Say, for a failure, what was taken last, and what was sent last and not taken."""
        flight = [item for item in self._flight if not isinstance(item, str)]
        waiting = b"".join([*self.queue, *flight])[self.head :]
        said = f"last {self.last[-REPORTED_BYTES:]!r}"
        return f"{said}, not taken {waiting[-REPORTED_BYTES:]!r}" if waiting else said

    # The sender's side

    def send(self, data: Union[bytes, bytearray, memoryview]) -> int:
        """Take as many bytes as there is room for, and say how many."""
        n = min(len(data), self.room)
        self.starved = n < len(data)
        if n:
            self.room -= n
            self.sent += n
            self.put(frozen(data, n))
        return n

    def put(self, item: Item) -> None:
        """Send bytes, FIN or RST behind whatever is on its way."""
        if not (self._held or self._flight):
            self._arrive(item)
            return
        if not self._flight:
            self._flight = deque()
        self._flight.append(item)
        if not isinstance(item, str):
            self._flying += len(item)
        if self.courier is not None:
            self.courier()

    def finish(self) -> None:
        """Send FIN behind whatever is on its way."""
        self.open = False
        if self._held or self._flight:
            self.put(FIN)
        elif not self.fin:
            self.receiver.take_fin()

    # The way

    def hold(self) -> None:
        """Keep what is sent on its way."""
        self._held = True
        self.open = False

    def release(self) -> None:
        """Let what is held arrive, and all that is sent from now on."""
        self._held = False
        while self._flight and not self._held:  # a cut on the way may hold again
            self.arrive_one()
        self._reopen()

    def deliver(self, n_bytes: Optional[int]) -> int:
        """Let held bytes arrive; None means all, with FIN or RST."""
        arrived = 0
        while self._flight and (n_bytes is None or arrived < n_bytes):
            item = self._flight[0]
            if isinstance(item, str):
                self.arrive_one()
                continue
            n = len(item) if n_bytes is None else min(len(item), n_bytes - arrived)
            self._split_first(item, n)
            self.arrive_one()
            arrived += n
        return arrived

    def arrive_one(self) -> None:
        """Let the first thing that is on its way arrive, as it was sent."""
        if self._flight:
            item = self._flight.popleft()
            if not isinstance(item, str):
                self._flying -= len(item)
            self._arrive(item)

    def cut(self, after: int, how: str) -> None:
        """End this direction once ``after`` more bytes have arrived."""
        self._cut = (after, how)
        self.open = False
        if after == 0:
            self._end()

    def drop_flight(self) -> None:
        """Lose what is on its way: the sender sent RST, or met it."""
        self._flight = NOTHING
        self._recount()

    def drop_arrived(self) -> None:
        """Lose what has arrived and was not taken: the receiver is closed."""
        self.queue = NOTHING
        self.open = False
        self.head = 0
        self._recount()

    # The receiver's side

    def take(self, limit_bytes: int) -> Optional[bytes]:
        """Take arrived bytes, as many as the policy and the limit allow; None if not yet."""
        queue = self.queue
        data = queue[0]
        n = len(data)
        if (
            n <= limit_bytes
            and len(queue) == 1
            and type(data) is bytes
            and self._sizer is None
            and not self.head
        ):  # the usual case: one write, taken whole
            queue.clear()
            self.room += n
        else:
            n = min(self._size(), limit_bytes)
            if not n:
                return None
            data = self._cut_off(n)
            self.room += n
        self.last = data
        if self.starved:
            self._feed_sender()
        return data

    def _size(self) -> int:
        available = self.unread
        if self._sizer is None:
            return available
        return min(self._sizer(available, len(self.queue[0]) - self.head), available)

    def _cut_off(self, n: int) -> bytes:
        queue, head = self.queue, self.head
        parts: List[Piece] = []
        while n:
            first = queue[0]
            part = memoryview(first)[head : head + n] if head or len(first) > n else first
            parts.append(part)
            n -= len(part)
            head += len(part)
            if head == len(first):
                queue.popleft()
                head = 0
        self.head = head
        return b"".join(parts)

    def _feed_sender(self) -> None:
        self.starved = False
        if self.sender.on_writable is not None:
            self.sender.on_writable()

    # Arrivals

    def _arrive(self, item: Item) -> None:
        if isinstance(item, str):
            if item is RST:
                self.receiver.take_reset()
            elif not self.fin:
                self.receiver.take_fin()
        elif self._cut is None:
            self._arrive_bytes(item)
        else:
            self._arrive_cut(item, *self._cut)

    def _arrive_bytes(self, piece: Piece) -> None:
        receiver = self.receiver
        if receiver.closed or receiver.dead:
            self.room += len(piece)
            receiver.out.put(RST)
            return
        if self.queue is NOTHING:
            self.queue = deque()
            self._reopen()
        self.queue.append(piece)
        if receiver.on_readable is not None:
            receiver.on_readable()

    def _arrive_cut(self, piece: Piece, left: int, how: str) -> None:
        head, tail = memoryview(piece)[:left], memoryview(piece)[left:]
        self._cut = (left - len(head), how)
        if head:
            self._arrive_bytes(head)
        if tail:
            if not self._flight:
                self._flight = deque()
            self._flight.appendleft(tail)
            self._flying += len(tail)
        if left == len(head):
            self._end()

    def _end(self) -> None:
        assert self._cut is not None
        how, self._cut = self._cut[1], None
        if how == "stall":
            self.hold()
        elif how == "rst":
            self.sender.wire.reset()
        else:
            self.drop_flight()
            self.receiver.take_fin()
            self.sender.take_reset()

    def _split_first(self, item: Piece, n: int) -> None:
        if n < len(item):
            self._flight[0] = memoryview(item)[n:]
            self._flight.appendleft(memoryview(item)[:n])

    def _recount(self) -> None:
        self._flying = sum(len(item) for item in self._flight if not isinstance(item, str))
        arrived = sum(map(len, self.queue)) - self.head
        self.room = self.window - self._flying - arrived

    def _reopen(self) -> None:
        ends = (self.sender, self.receiver)
        self.open = not (
            self._held
            or self.queue is NOTHING
            or self._flight
            or self._cut
            or self.sender.finished
            or any(end.closed or end.dead for end in ends)
        )
