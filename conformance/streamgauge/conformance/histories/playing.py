"""Playing a history on a subject, event by event, with the model looking on.

Nothing is judged here but by the model; a call that is under way is looked at whenever the loop is
idle, so that no wait of the subject can hold up the check.
"""

from __future__ import annotations

from typing import Any, Optional

from streamgauge.conformance.calls import awaited, called
from streamgauge.conformance.histories.events import History, ReaderEvent, WriterEvent
from streamgauge.conformance.histories.reader_model import (
    CANCELLED,
    WAITS,
    DepartureError,
    Outcome,
    Read,
    ReaderModel,
)
from streamgauge.conformance.histories.writer_model import WriterModel
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.showing import kinds_of, name_of, shown
from streamgauge.conformance.trial import Trial

__all__ = ["HIGH", "LOW", "HistoryError", "outcome_of", "play_reader", "play_writer"]

DEFAULT_LIMIT = 64 * 1024  # bytes; the page's
HIGH, LOW = 64 * 1024, 16 * 1024  # bytes; the water marks of asyncio's transports
WINDOW = 128 * 1024  # bytes; the memory link's
ASKING = ("begin", "at_eof")  # events that say how things stand, before they do something
PATTERN = bytes(range(251)) * 8  # a prime: no piece looks like its neighbour


class HistoryError(Exception):
    """What a history sets as a reader's error."""


# What a call may raise, by the name that the models have for it; a subclass is as good.
ERRORS = (
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    ValueError,
    StopAsyncIteration,
    HistoryError,
)
PARTIAL = "IncompleteReadError"  # the error that holds what has come


def outcome_of(call: asyncio.Future[Any]) -> Outcome:
    """Say how a call stands; what it gave is looked at without asking it anything."""
    if not call.done():
        return WAITS
    if call.cancelled():
        return CANCELLED
    error = call.exception()
    if error is not None:
        how = _kind_of(error)
        partial = called(lambda: getattr(error, "partial", b"")) if how == PARTIAL else b""
        return _held(how, partial)
    return _held("returned", call.result())


def _end_of(call: asyncio.Future[Any]) -> str:
    """Say how a call stands of which only that counts."""
    if not call.done():
        return WAITS.how
    if call.cancelled():
        return CANCELLED.how
    return "returned" if call.exception() is None else "raised"


def _kind_of(error: BaseException) -> str:
    kinds = kinds_of(error)
    known = next((kind for kind in kinds if kind in ERRORS), None)
    # A stranger of the same name is none of them.
    return known.__name__ if known else f"{kinds[0].__module__}.{name_of(kinds[0])}"


def _held(how: str, data: Any) -> Outcome:
    """Return an outcome with its bytes; whatever is no bytes fits no model."""
    return Outcome(how, data) if type(data) is bytes else Outcome(f"{how} {shown(data)}")


class _ReaderPlay:
    """One history under way."""

    def __init__(self, t: Trial, reader: Any, limit: int) -> None:
        self._t = t
        self._reader = reader
        self._call: Optional[asyncio.Task[Any]] = None
        self._closed = False
        self.model = ReaderModel(limit)

    async def play(self, event: ReaderEvent) -> None:
        """Let something happen, if it can happen now."""
        if await getattr(self, f"_{event.name}")(event.value) and event.settled:
            await self.settle()

    async def settle(self) -> None:
        """Let the loop get idle, and compare."""
        await self._t.idle()
        seen = WAITS if self._call is None else outcome_of(self._call)
        if seen != WAITS:
            self._call = None
        self.model.settle(seen)

    async def finish(self) -> None:
        """End the stream, if it has not ended, and read what is left."""
        await self.settle()
        if not self._closed:
            await self.play(ReaderEvent("eof"))
        await self.play(ReaderEvent("begin", Read("read", 100)))

    async def _feed(self, data: bytes) -> bool:
        if not self._closed:
            self.model.feed(data)
            self._t.deliver_now(data)
        return not self._closed

    async def _eof(self, _: None) -> bool:
        if not self._closed:
            self._closed = True
            self.model.end()
            self._t.deliver_now(b"", eof=True)
        return True

    async def _error(self, _: None) -> bool:
        if not self._closed:
            self._closed = True
            self.model.fail()
            called(lambda: self._reader.set_exception(HistoryError()))
        return True

    async def _begin(self, read: Read) -> bool:
        if self._call is None:
            self.model.begin(read)
            self._call = self._t.start(self._called(read))
        return True

    async def _cancel(self, _: None) -> bool:
        if self._call is not None:
            self.model.cancel()
            self._call.cancel()
        return self._call is not None

    async def _at_eof(self, _: None) -> bool:
        if self._call is None:
            self.model.look_at_eof(called(lambda: self._reader.at_eof()))
        return False

    async def _called(self, read: Read) -> Any:
        arguments = () if read.argument is None else (read.argument,)
        return await awaited(lambda: getattr(self._reader, read.method)(*arguments))


async def play_reader(t: Trial, history: History) -> None:
    """Play a history on a new reader.

    Raises:
        DepartureError: something came of it that is not allowed.
    """
    fed = t.link == "feed"  # elsewhere a small limit would pause the transport between the two
    reader = await t.reader(**({"limit": history.limit} if fed else {}))
    play = _ReaderPlay(t, reader, history.limit if fed else DEFAULT_LIMIT)
    await _played(play, history)


class _WriterPlay:
    """One history under way."""

    def __init__(self, t: Trial, writer: Any) -> None:
        self._t = t
        self._writer = writer
        self._peer = t.peer
        self._drain: Optional[asyncio.Task[Any]] = None
        self.model = WriterModel(WINDOW, HIGH, LOW)

    async def play(self, event: WriterEvent) -> None:
        """Let something happen, if it can happen now, and compare."""
        model = self.model
        if not (model.lost or (model.ended and event.name.startswith("write"))):
            await getattr(self, f"_{event.name}_")(event.value)
        await self._t.idle()
        self._compare()

    async def finish(self) -> None:
        """End the sending and have the peer take all that is left, to the end."""
        if not self.model.lost:
            await self.play(WriterEvent("write_eof"))
            rest = await self._peer.recv_until_eof()
            expected = self.model.under_way
            if rest != self._sent(self.model.taken, expected):
                wrong = "other bytes" if len(rest) == expected else f"{len(rest)} bytes"
                raise DepartureError([f"{expected} bytes as written, and EOF"], wrong, "rest")
            self.model.take(expected)
            await self._t.idle()
            self._compare()

    def _compare(self) -> None:
        if self._drain is None:
            return
        raised = _end_of(self._drain)
        if raised != "waits":
            self._drain = None
        expected = self.model.drain()
        if raised not in (expected, "CancelledError"):
            raise DepartureError([expected], raised, "drain")

    async def _write_(self, size: int) -> None:
        data = self._sent(self.model.written, size)
        called(lambda: self._writer.write(data))
        self.model.write(size)

    async def _writelines_(self, sizes: Any) -> None:
        ends = [self.model.written + sum(sizes[: i + 1]) for i in range(len(sizes))]
        pieces = [self._sent(e - s, s) for e, s in zip(ends, sizes)]
        called(lambda: self._writer.writelines(pieces))
        self.model.write(sum(sizes))

    async def _take_(self, size: int) -> None:
        size = min(size, self.model.under_way)
        data = await self._peer.recv_exactly(size)
        if data != self._sent(self.model.taken, size):
            raise DepartureError([f"{size} bytes as written"], f"{data[:20]!r}...", "taken")
        self.model.take(size)

    async def _drain_(self, _: None) -> None:
        if self._drain is None:
            self._drain = self._t.start(called(lambda: self._writer.drain()))

    async def _cancel_(self, _: None) -> None:
        if self._drain is not None:
            self._drain.cancel()

    async def _write_eof_(self, _: None) -> None:
        if not self.model.ended:
            self.model.ended = True
            called(lambda: self._writer.write_eof())

    async def _reset_(self, _: None) -> None:
        self.model.lost = True
        await self._peer.reset()

    @staticmethod
    def _sent(begin: int, size: int) -> bytes:
        at = begin % 251
        return (PATTERN * ((size + at) // len(PATTERN) + 1))[at : at + size]


async def play_writer(t: Trial, history: History) -> None:
    """Play a history on a new writer.

    Raises:
        DepartureError: something came of it that is not allowed.
    """
    _, writer = await t.pair()
    await _played(_WriterPlay(t, writer), history)


async def _played(play: Any, history: History) -> None:
    """Play event after event; a departure is told how many of them had come."""
    at = 0
    try:
        for event in history.events:
            if event.name in ASKING:  # what went before is over first
                await play.settle()
            at += 1
            await play.play(event)
        at += 1
        await play.finish()
    except DepartureError as error:
        error.at = at
        raise
