"""Which histories there are: events of each kind, drawn from a fixed seed.

The same histories are drawn on every Python and every machine, so that a release of the catalogue
demands the same of all. An event that makes no sense where it comes is passed over by whoever
plays it.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Iterator, List, NamedTuple, Sequence, Tuple

from streamgauge.conformance.histories.reader_model import Read

__all__ = ["History", "ReaderEvent", "WriterEvent", "reader_histories", "writer_histories"]

SEED = "streamgauge 1.1"  # the catalogue that demanded these histories first
MOST_EVENTS = 10
SIZES = (0, 1, 2, 3, 5, 9)
SEPARATORS = (b"\n", b"ab", b"aab")
TUPLES = ((b"\n", b"ab"), (b"b", b"ab"), (b"a\n", b"\n"), (b"aab", b"b\n"))
KIB = 1024  # bytes
WRITES = (1, 16 * KIB, 70 * KIB, 200 * KIB)  # the window is 128 KiB, the marks at 16 and 64


class ReaderEvent(NamedTuple):
    """Something that happens to a reader.

    Attributes:
        name: `feed`, `eof`, `error`, `begin`, `cancel` or `at_eof`.
        value: the bytes that come, or the call that begins.
        settled: whether the loop gets idle before anything else happens.
    """

    name: str
    value: Any = None
    settled: bool = True


class WriterEvent(NamedTuple):
    """Something that happens to a writer.

    Attributes:
        name: `write`, `writelines`, `take`, `drain`, `cancel`, `write_eof` or `reset`.
        value: bytes to write, to write in several pieces, or that the peer takes.
    """

    name: str
    value: Any = None


class History(NamedTuple):
    """What happens.

    Attributes:
        limit: the reader's, in bytes.
        events: one after the other.
    """

    limit: int
    events: Tuple[Any, ...]


def reader_histories(count: int, *extra: str, several: bool = False) -> Iterator[History]:
    """Draw histories of a reader.

    Args:
        count: how many.
        extra: what happens besides bytes, EOF and calls: `cancel`, `error`. It does so alone, and
            in the middle of a call that has got some of its bytes.
        several: every call is of `readuntil` with several separators.
    """
    draw = random.Random(f"{SEED} reader {extra} {several}")

    def fed() -> ReaderEvent:
        data = bytes(draw.choice(b"aab\n") for _ in range(draw.randrange(1, 8)))
        return ReaderEvent("feed", data, draw.random() < 0.5)

    def begun() -> ReaderEvent:
        return ReaderEvent("begin", _read(draw, several=several), draw.random() < 0.5)

    def other() -> ReaderEvent:
        return ReaderEvent(draw.choice(extra), None, draw.random() < 0.5)

    groups: List[Callable[[], Sequence[ReaderEvent]]] = [
        lambda: [fed()],
        lambda: [begun()],
        lambda: [fed(), begun()],
        lambda: [ReaderEvent(draw.choice(("eof", "at_eof", "at_eof")))],
    ]
    if extra:
        groups += [lambda: [other()], lambda: [begun(), fed(), other()]]
    for _ in range(count):
        drawn = [draw.choice(groups)() for _ in range(draw.randrange(1, MOST_EVENTS))]
        yield History(draw.randrange(1, 10), tuple(event for group in drawn for event in group))


def _read(draw: random.Random, *, several: bool) -> Read:
    if several:
        return Read("readuntil", draw.choice(TUPLES))
    methods = ("read", "readexactly", "readuntil", "readline", "__anext__", "all")
    method = draw.choice(methods)
    if method == "all":
        return Read("read", draw.choice((None, -1)))
    if method == "readuntil":
        return Read(method, draw.choice(SEPARATORS))
    return Read(method, draw.choice(SIZES) if method in ("read", "readexactly") else None)


def writer_histories(count: int) -> Iterator[History]:
    """Draw histories of a writer.

    Args:
        count: how many.
    """
    draw = random.Random(f"{SEED} writer")
    kinds = ("write", "write", "writelines", "take", "take", "drain", "drain", "cancel")
    for _ in range(count):
        names = [draw.choice(kinds) for _ in range(draw.randrange(1, MOST_EVENTS))]
        last = draw.choice(([], ["write_eof"], ["reset", "drain"]))
        yield History(0, tuple(_of_writer(draw, name) for name in [*names, *last]))


def _of_writer(draw: random.Random, name: str) -> WriterEvent:
    if name == "writelines":
        return WriterEvent(name, tuple(draw.choice(WRITES) for _ in range(draw.randrange(4))))
    return WriterEvent(name, draw.choice(WRITES) if name in ("write", "take") else None)
