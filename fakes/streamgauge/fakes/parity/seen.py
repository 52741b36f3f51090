"""What a case sees with: outcomes as data, a protocol that notes what it is told, a pair's sides.

Everything here turns what happens into values that can be compared between two runs: no object,
no address, no port and no time is left in it. No case and no judgement lives here.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from typing import Any, Awaitable, Callable, List, NamedTuple, Optional, Tuple

__all__ = ["PENDING", "BufferedTap", "Pair", "Raised", "Side", "Tap", "raised", "tried"]

#: What is seen of something that is awaited and has not ended by the time all is quiet.
PENDING = "pending"
#: So many turns of the loop without an event, and loopback has nothing more to bring.
QUIET_TURNS = 12
#: What forwarding may meet: no stream protocol there, or one that is told the same twice.
NOT_FOR_STREAMS = (AttributeError, AssertionError)
MOST_TURNS = 20_000


class Raised(NamedTuple):
    """An exception, as far as it can be compared.

    Attributes:
        type: the name of its class.
        errno: the name of its number, for an OSError that has one.
    """

    type: str
    errno: str = ""


def raised(exc: BaseException) -> Raised:
    """Describe an exception."""
    number = getattr(exc, "errno", None) if type(exc).__module__ != "ssl" else None
    return Raised(type(exc).__name__, "" if number is None else errno.errorcode.get(number, "?"))


def tried(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call something and give what came of it: its value, or a `Raised`."""
    try:
        return call(*args, **kwargs)
    except Exception as exc:
        return raised(exc)


class _Noting:
    """What both kinds of tap do: note events, react to them, hand on what streams must know."""

    def __init__(self, original: Any, keep_open: Any = True, **reactions: Callable[[Any], Any]):
        self._log: List[Tuple[Any, ...]] = []
        self.keep_open = keep_open
        self.reactions = reactions
        self.largest = self.deliveries = self.most_in_a_turn = self._in_turn = 0
        self.transport: Any = None
        self._original = original

    def note(self, what: str, *args: Any) -> None:
        """Note an event, and do what is to be done at it."""
        self._log.append((what, *args))
        self._react(what)

    def note_data(self, data: bytes) -> None:
        """Note bytes; those that come one behind the other are one event."""
        self._count(len(data))
        if self._log and self._log[-1][0] == "data":
            self._log[-1][1].extend(data)
            self._react("data")
        else:
            self.note("data", bytearray(data))

    def _react(self, what: str) -> None:
        if what in self.reactions:
            self.reactions[what](self)

    def connection_made(self, transport: Any) -> None:
        """Note the beginning."""
        self.transport = transport
        self.note("made")

    def eof_received(self) -> Any:
        """Note EOF, and keep the connection open or not."""
        self.note("eof")
        return self.keep_open

    def connection_lost(self, exc: Optional[BaseException]) -> None:
        """Note the end."""
        with contextlib.suppress(AttributeError):
            self._original.connection_lost(exc)
        self.note("lost", None if exc is None else raised(exc))

    def pause_writing(self) -> None:
        """Note that the backlog is past the high-water mark."""
        with contextlib.suppress(*NOT_FOR_STREAMS):
            self._original.pause_writing()
        self.note("pause")

    def resume_writing(self) -> None:
        """Note that the backlog is at the low-water mark."""
        with contextlib.suppress(*NOT_FOR_STREAMS):
            self._original.resume_writing()
        self.note("resume")

    def give_back(self) -> None:
        """Tell the stream protocol of the end, if nobody told the tap (a failed `start_tls`)."""
        if "lost" not in self.events:
            self.connection_lost(None)

    @property
    def log(self) -> List[Tuple[Any, ...]]:
        """What happened so far."""
        return [("data", bytes(entry[1])) if entry[0] == "data" else entry for entry in self._log]

    @property
    def events(self) -> List[str]:
        """What happened, without the bytes."""
        return [entry[0] for entry in self._log]

    @property
    def data(self) -> bytes:
        """All bytes so far."""
        return b"".join(entry[1] for entry in self._log if entry[0] == "data")

    @property
    def told(self) -> List[Tuple[Any, ...]]:
        """What happened, with long data given as its length: for large transfers."""
        return [(entry[0], len(entry[1])) if entry[0] == "data" else entry for entry in self._log]

    def _count(self, size: int) -> None:
        self.largest = max(self.largest, size)
        self.deliveries += 1
        self._in_turn += 1
        self.most_in_a_turn = max(self.most_in_a_turn, self._in_turn)
        asyncio.get_running_loop().call_soon(self._turn_over)

    def _turn_over(self) -> None:
        self._in_turn = 0


class Tap(_Noting, asyncio.Protocol):
    """A protocol that notes what it is told.

    Args:
        original: the stream protocol in whose place it stands, or None.
        keep_open: what `eof_received` gives.
        reactions: event to what is done at it, called with the tap.
    """

    def data_received(self, data: bytes) -> None:
        """Note bytes."""
        self.note_data(data)


class BufferedTap(_Noting, asyncio.BufferedProtocol):
    """A `Tap` that is filled through a buffer of its own.

    Args:
        original: see `Tap`.
        size: bytes of the buffer.
        keep_open: see `Tap`.
        reactions: see `Tap`.
    """

    def __init__(self, original: Any, size: int = 1024, **kwargs: Any):
        super().__init__(original, **kwargs)
        self._room = bytearray(size)

    def get_buffer(self, sizehint: int) -> bytearray:
        """Give the buffer."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Note the bytes that were put there."""
        self.note_data(bytes(self._room[:nbytes]))


class Side:
    """One side of a pair, as a case sees it.

    Attributes:
        reader: the stream reader.
        writer: the stream writer.
        end: what the maker gave.
    """

    def __init__(self, end: Any) -> None:
        self.end = end
        try:
            self.reader, self.writer = end.reader, end.writer
        except AttributeError:
            self.reader, self.writer = end
        self.taps: List[Any] = []

    @property
    def transport(self) -> Any:
        """The writer's transport."""
        return self.writer.transport

    @property
    def socket(self) -> Any:
        """The transport's socket."""
        return self.writer.get_extra_info("socket")

    def tap(self, **kwargs: Any) -> Any:
        """Put a `Tap` in the place of the stream protocol, from now on."""
        return self._put(Tap(self.transport.get_protocol(), **kwargs))

    def buffered_tap(self, size: int = 1024, **kwargs: Any) -> Any:
        """Put a `BufferedTap` in the place of the stream protocol, from now on."""
        return self._put(BufferedTap(self.transport.get_protocol(), size, **kwargs))

    def _put(self, tap: Any) -> Any:
        self.transport.set_protocol(tap)
        tap.transport = self.transport
        self.taps.append(tap)
        return tap


async def turn() -> None:
    """Let the loop go round once and have nothing to do: a simulated clock goes on only then."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(0, _set, done)
    await done


def _set(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


class Pair:
    """What a case is given: two sides, and ways to wait that need no clock.

    Args:
        ends: what the maker gave.
        patience: how much longer than usual to wait until all is quiet.

    Attributes:
        client: one side.
        server: the other.
        logged: the levels of what asyncio's logger was told.
        handled: the messages' exceptions that the loop's exception handler was told of.
    """

    def __init__(self, ends: Any, patience: int = 1) -> None:
        self.client, self.server = (Side(end) for end in ends)
        self.patience = patience
        self.logged: List[str] = []
        self.handled: List[str] = []

    @property
    def sides(self) -> Tuple[Side, Side]:
        """Both sides."""
        return self.client, self.server

    @property
    def taps(self) -> List[Any]:
        """The taps of both sides."""
        return [tap for side in self.sides for tap in side.taps]

    async def settle(self) -> None:
        """Let the loop go round until nothing happens any more."""
        before, quiet = self._state(), 0
        for _ in range(MOST_TURNS):
            await turn()
            now = self._state()
            quiet = quiet + 1 if now == before else 0
            before = now
            if quiet >= QUIET_TURNS * self.patience:
                break

    async def outcome(self, awaitable: Awaitable[Any]) -> Any:
        """Wait for something: its value, a `Raised`, or `PENDING` when all is quiet before it."""
        task = asyncio.ensure_future(awaitable)
        seen = await self.peek(task)
        if seen == PENDING:
            task.cancel()
            await self.settle()
        return seen

    async def peek(self, task: asyncio.Future[Any]) -> Any:
        """Say how a task stands when all is quiet, and leave it as it is."""
        await self.settle()
        return standing(task)

    def _state(self) -> Tuple[Any, ...]:
        seen = [(len(tap.events), tap.deliveries) for tap in self.taps]
        buffers = [len(getattr(side.reader, "_buffer", b"")) for side in self.sides]
        sizes = [_backlog(side) for side in self.sides]
        return (seen, buffers, sizes)


def _backlog(side: Side) -> Any:
    return tried(lambda: side.transport.get_write_buffer_size())  # noqa: PLW0108  # may lack it


def standing(task: asyncio.Future[Any]) -> Any:
    """Say how a future stands: its value, a `Raised`, or `PENDING`."""
    if not task.done():
        return PENDING
    if task.cancelled():
        return Raised("CancelledError")
    exc = task.exception()
    return task.result() if exc is None else raised(exc)
