"""How the bytes on a wire are cut into deliveries: the policies of `Chunks`.

A stream has no message boundaries: what was written in one call may be read in three pieces, and
what was written in three calls may be read in one. On loopback it seldom happens, in production
always. A policy makes it happen on purpose. It sees sizes only, never bytes, knows nothing of
loops, and is asked once for each delivery. What cuts a connection short is in `wire`, not here.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Iterable, Optional, Sequence, Tuple, Union

__all__ = ["Chunks", "ChunksLike", "Policy", "Sizer", "sizer_for"]

#: What a wire asks: (bytes that have arrived, bytes left of the oldest write) to the size of the
#: next delivery; 0 puts it off until the next turn of the loop, which COALESCE alone may do.
Sizer = Callable[[int, int], int]


class Policy:
    """One way of cutting, which each direction of each wire starts afresh.

    Args:
        name: how the policy is written, for messages.
        start: gives a new `Sizer`, with its own state, or None to take all that has arrived.
    """

    __slots__ = ("name", "start")

    def __init__(self, name: str, start: Callable[[], Optional[Sizer]]) -> None:
        self.name = name
        self.start = start

    def __repr__(self) -> str:
        return f"Chunks.{self.name}"


ChunksLike = Union[Policy, Callable[[int], int]]


def _sizes(sizes: Sequence[int]) -> Sizer:
    turn = 0

    def size(available: int, oldest: int) -> int:
        nonlocal turn
        turn += 1
        return sizes[(turn - 1) % len(sizes)]

    return size


def _random(seed: object) -> Sizer:
    dice = random.Random(repr(seed))
    return lambda available, oldest: dice.randint(1, available)


def _coalesce() -> Sizer:
    before = 0

    def size(available: int, oldest: int) -> int:
        nonlocal before
        grown = available > before
        before = available if grown else 0
        return 0 if grown else available

    return size


def _checked_sizes(sizes: Iterable[int]) -> Tuple[int, ...]:
    if not isinstance(sizes, Iterable):
        raise TypeError(f"Chunks.SIZES got {sizes!r}, expected several: Chunks.SIZES([3, 1])")
    checked = tuple(sizes)
    if not checked or not all(isinstance(n, int) and n > 0 for n in checked):
        raise ValueError(f"Chunks.SIZES got {checked!r}, expected one or more sizes of 1 or more")
    return checked


class Chunks:
    """The policies by name; any callable from bytes available to bytes delivered will do as well.

    A callable is given 1 or more and returns 1 or more; anything else is an error on the wire, a
    ValueError that the reading end is lost with.

    No delivery is ever longer than 256 KiB, and there is one in each turn of the loop, as on a
    socket. Policies count bytes, not messages.
    """

    #: All that has arrived, at once: what loopback does. The default.
    WHOLE = Policy("WHOLE", lambda: None)
    #: Byte by byte: finds code that takes one read for one message.
    ONE_BYTE = Policy("ONE_BYTE", lambda: lambda available, oldest: 1)
    #: Half of what has arrived, rounded up: finds code that expects the rest to come at once.
    HALF = Policy("HALF", lambda: lambda available, oldest: (available + 1) // 2)
    #: Each write by itself, never two together: what a naive test imagines.
    AS_WRITTEN = Policy("AS_WRITTEN", lambda: lambda available, oldest: oldest)
    #: Nothing until a turn of the loop brings no more, then all: several writes become one read.
    COALESCE = Policy("COALESCE", _coalesce)

    @staticmethod
    def SIZES(sizes: Iterable[int]) -> Policy:  # noqa: N802  # one of the policies' names
        """Cut into the given sizes, one after the other, over and over.

        Args:
            sizes: bytes of each delivery; a size beyond what has arrived takes what there is.

        Raises:
            ValueError: no size was given, or one that is not a whole number of 1 or more.
            TypeError: the sizes are not several.
        """
        checked = _checked_sizes(sizes)
        return Policy(f"SIZES({list(checked)})", lambda: _sizes(checked))

    @staticmethod
    def RANDOM(seed: object) -> Policy:  # noqa: N802  # one of the policies' names
        """Cut at random, between one byte and all that has arrived.

        Args:
            seed: anything with a repr; the same seed cuts the same bytes alike, in every process.
        """
        return Policy(f"RANDOM({seed!r})", lambda: _random(seed))


def sizer_for(chunks: Optional[ChunksLike]) -> Optional[Sizer]:
    """Start a policy for one direction of one wire.

    Args:
        chunks: a policy, a callable from bytes available to bytes delivered, or None for WHOLE.

    Returns:
        What the direction asks before each delivery; None if it need not ask.

    Raises:
        TypeError: it is neither.
    """
    if chunks is None:
        return None
    if isinstance(chunks, Policy):
        return chunks.start()
    made_by: Any = (Chunks.SIZES, Chunks.RANDOM)  # callables as well, of something else
    if not callable(chunks) or chunks in made_by:
        raise TypeError(
            f"chunks got {chunks!r}, expected Chunks.WHOLE, Chunks.SIZES([1, 2]) or another policy"
            " of Chunks, or a callable that is given the bytes available and returns how many of"
            " them to deliver"
        )
    return _asking(chunks)


def _asking(call: Callable[[int], int]) -> Sizer:
    def size(available: int, oldest: int) -> int:
        n = call(available)
        if not isinstance(n, int) or n < 1:
            raise ValueError(
                f"the chunks policy gave {n!r} for {available} bytes, expected a number from 1 to"
                f" {available}: how many of them to deliver"
            )
        return n

    return size
