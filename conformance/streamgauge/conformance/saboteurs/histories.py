"""Saboteurs for the generated histories: right in what a check would think of, and else wrong."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur

KIB = 1024  # bytes


@saboteur("reader.history.reads", "after this:")
def readexactly_of_nine_is_one_short(s: Any) -> None:
    """A readexactly(9) takes nine bytes and returns eight of them."""
    real = s.StreamReader.readexactly

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        data = await real(self, n)
        return data[:8] if n == 9 else data


@saboteur("reader.history.cancelled-reads", "after this:")
def readexactly_gathers_by_itself(s: Any) -> None:
    """A readexactly keeps what has come in a variable of its own, which a cancellation drops."""

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        if n < 0:
            raise ValueError("readexactly() got a negative number")
        gathered = b""
        while len(gathered) < n:
            piece = await self.read(n - len(gathered))
            if not piece:
                raise asyncio.IncompleteReadError(gathered, n)
            gathered += piece
        return gathered


@saboteur("reader.history.failed-reads", "after this:")
def an_error_behind_bytes_is_dropped(s: Any) -> None:
    """A set_exception does nothing while there are bytes that nobody has read."""
    real = s.StreamReader.set_exception

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: BaseException) -> None:
        if not self._incoming.size:
            real(self, exc)


@saboteur("reader.history.several-separators", "after this:")
def the_last_separator_is_not_looked_for(s: Any) -> None:
    """A readuntil with several separators leaves the last of them out if it is a single byte."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        if isinstance(separator, tuple) and len(separator) > 1 and len(separator[-1]) == 1:
            separator = separator[:-1]
        return await real(self, separator)


@saboteur("writer.history.flow-control", "after this:")
def pieces_of_16_kib_are_sent_last(s: Any) -> None:
    """A writelines sends pieces of exactly 16 KiB behind all the others."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        real(self, sorted(data, key=lambda piece: len(piece) == 16 * KIB))


@saboteur("reader.history.reads", "at byte")
def a_run_of_tiny_pieces_is_joined_backwards(s: Any) -> None:
    """Of 64 tiny pieces that wait to be read, the last come first."""
    real = s.buffer.ReceiveBuffer.append

    @instead(s.buffer.ReceiveBuffer)
    def append(self: Any, data: bytes) -> int:
        bound = real(self, data)
        pile = self.tail[-1] if self.tail else b""
        if isinstance(pile, bytearray) and len(pile) == 64:
            pile.reverse()
        return int(bound)


@saboteur("reader.history.several-separators", "it still waits")
def a_record_with_several_separators_goes_on_far(s: Any) -> None:
    """A readuntil with several separators finds none beyond the first 32 KiB."""
    real = s.buffer.ReceiveBuffer.search

    @instead(s.buffer.ReceiveBuffer)
    def search(self: Any, separators: Any, since: int = 0) -> Any:
        found = real(self, separators, since)
        far = len(separators) > 1 and found is not None and found[0] > 32 * KIB
        return None if far else found
