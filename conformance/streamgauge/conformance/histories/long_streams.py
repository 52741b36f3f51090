"""Long streams: pieces from one byte to many KiB, hundreds in a row, read in every way.

The oracle is the stream itself: what a read gives has to be what stands there next. How an
implementation keeps received bytes, in one block or in many, and where its search for a separator
goes on when more has come, shows in nothing else.
"""

from __future__ import annotations

import random
from typing import Any, Iterator, List, NamedTuple, Tuple, Union

from streamgauge.conformance.calls import awaited, called
from streamgauge.conformance.trial import Trial

__all__ = ["LongStream", "long_streams", "play_long_stream"]

SEED = "streamgauge 1.1 long"
LIMIT = 2**24  # bytes; more than any stream here
# How pieces come: bytes from, to, and at most so many in a row. An implementation may treat each
# kind otherwise, and the change from one to the next.
RUNS = ((1, 3, 150), (50, 80, 90), (500, 1500, 12), (3000, 6000, 12), (60_000, 90_000, 2))
MANY = (3000, 4000, 300)  # more than 256 KiB of them at a time
MOST_RUNS = 5
SIZES = (1, 2, 63, 64, 65, 1000, 1025, 4096, 5000, 20_000, 70_000)  # bytes that a read asks for
METHODS = ("read", "readexactly", "readline", "readuntil")
SEPARATORS = (b"\n", b"\r\n", b"ab\r\n")
SEVERAL = ((b"\n", b"b\r"), (b"\r\n", b"ab\r\n"), (b"a\r", b"ab\r", b"\n\n"))
OFTEN, RARE, ONCE = 0.02, 0.0005, 0.0  # share of bytes behind which a record ends

Separators = Union[bytes, Tuple[bytes, ...]]


class LongStream(NamedTuple):
    """One stream and how it comes.

    Attributes:
        data: all of it.
        pieces: the same, as it comes.
        seed: of the reads; which there can be depends on what has come.
    """

    data: bytes
    pieces: Tuple[bytes, ...]
    seed: int


def long_streams(count: int) -> Iterator[LongStream]:
    """Draw streams, the same on every Python.

    Args:
        count: how many; the last one is a MiB of small pieces.
    """
    draw = random.Random(SEED)
    for number in range(count):
        kinds = [draw.choice(RUNS) for _ in range(draw.randrange(1, MOST_RUNS))]
        sizes: List[int] = []
        for least, most, at_most in [MANY] if number == count - 1 else kinds:
            times = at_most if number == count - 1 else draw.randrange(1, at_most + 1)
            sizes += [draw.randrange(least, most + 1) for _ in range(times)]
        data = _records(draw, sum(sizes))
        ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
        pieces = tuple(data[end - size : end] for size, end in zip(sizes, ends))
        yield LongStream(data, pieces, draw.randrange(2**32))


def _records(draw: random.Random, size: int) -> bytes:
    """Make records that end in every way, and halves of separators in between."""
    made = bytearray(draw.choice((b"x", b"ab\r", b"\ra")) * size)[:size]
    for _ in range(1 + int(size * draw.choice((OFTEN, RARE, ONCE)))):
        at = draw.randrange(size)
        end = draw.choice((*SEPARATORS, b"ab\r", b"b\r", b"\n\n"))
        made[at : at + len(end)] = end
    return bytes(made[:size])


async def play_long_stream(t: Trial, stream: LongStream, *, several: bool = False) -> None:
    """Feed a stream to a new reader and read it, with reads that wait and reads that do not.

    Args:
        t: the trial; its link is `feed`.
        stream: what comes.
        several: every read is of `readuntil` with several separators.

    Raises:
        CheckFailedError: something else came than what stood next in the stream.
    """
    play = _Play(t, await t.reader(limit=LIMIT), stream)
    while play.pieces:
        play.feed(play.draw.choice((1, 2, 5, 99)))
        for _ in range(play.draw.randrange(5)):
            await play.read(several=several)
    await play.finish()


class _Play:
    """One stream under way."""

    def __init__(self, t: Trial, reader: Any, stream: LongStream) -> None:
        self.draw = random.Random(stream.seed)
        self.pieces = list(stream.pieces)
        self._t = t
        self._reader = reader
        self._data = stream.data
        self._come = self._taken = 0

    def feed(self, count: int) -> None:
        """Bring the next pieces."""
        for piece in self.pieces[:count]:
            self._come += len(piece)
            self._t.deliver_now(piece)
        del self.pieces[:count]

    async def read(self, *, several: bool) -> None:
        """Read once, if there is such a read; bring what it has to wait for."""
        method = "readuntil" if several else self.draw.choice(METHODS)
        argument: Any = None
        if method == "readuntil":
            argument = self.draw.choice(SEVERAL if several else SEPARATORS)
            end = self._end_of(argument)
        elif method == "readline":
            end = self._end_of(b"\n")
        else:
            argument = self.draw.choice(SIZES)
            end = self._taken + (argument if method == "readexactly" else 1)
        if self._taken < end <= len(self._data):
            data = await self._called(method, () if argument is None else (argument,), end)
            if method == "read":  # it may give more than the one byte that it needs
                size = len(data) if type(data) is bytes else 0
                end = self._taken + min(max(1, size), argument, self._come - self._taken)
            self._take(data, end, f"{method}({'' if argument is None else repr(argument)})")

    async def finish(self) -> None:
        """End the stream and read what is left."""
        self._t.deliver_now(b"", eof=True)
        rest = await awaited(lambda: self._reader.read())
        self._take(rest, len(self._data), "read() at the end")
        at_eof = called(lambda: self._reader.at_eof())
        self._t.equal(at_eof, True, "at_eof() with all read")

    async def _called(self, method: str, arguments: Tuple[Any, ...], end: int) -> Any:
        call = self._t.start(called(lambda: getattr(self._reader, method)(*arguments)))
        await self._t.idle()
        while end > self._come:
            self.feed(self.draw.choice((1, 1, 2, 70)))
            await self._t.idle()
        return await self._t.is_done(call, f"{method}{arguments} with {self._come:,} bytes fed")

    def _end_of(self, separators: Separators) -> int:
        """Give where the shortest record ends that is still to be read; 0 for none."""
        several = separators if isinstance(separators, tuple) else (separators,)
        found = [(self._data.find(one, self._taken), len(one)) for one in several]
        return min((at + size for at, size in found if at >= 0), default=0)

    def _take(self, data: bytes, end: int, what: str) -> None:
        expected = self._data[self._taken : end]
        where = f"{what} at byte {self._taken:,} of {len(self._data):,}, {self._come:,} of them fed"
        self._t.equal(data, expected, where)
        self._taken = end
