"""Saboteurs of `StreamReader.readuntil`: its separator, its limit, its errors."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


def _with_limit(s: Any, change: int) -> None:
    """Have readuntil go by another limit than the reader's."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        self._limit_bytes += change
        try:
            return await real(self, separator)
        finally:
            self._limit_bytes -= change


@saboteur("reader.readuntil.includes-separator", "expected b'some SEcSEP', got b'some SEc'")
def readuntil_leaves_out_the_separator(s: Any) -> None:
    """Readuntil returns the record without its separator."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        return (await real(self, separator))[: -len(separator)]


@saboteur("reader.readuntil.includes-separator", "got b'some SEcSEPdef")
def readuntil_goes_on_to_the_last_separator(s: Any) -> None:
    """Readuntil returns all up to the last separator that is buffered."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        data = await real(self, separator)
        while self._incoming.search((bytes(separator),)):
            data += await real(self, separator)
        return data


@saboteur("reader.readuntil.includes-separator", "IncompleteReadError")
def readuntil_wants_more_behind_the_separator(s: Any) -> None:
    """A record whose separator is the last thing before EOF is taken for incomplete."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        data = await real(self, separator)
        if self.at_eof():
            raise asyncio.IncompleteReadError(data, None)
        return data


@saboteur("reader.readuntil.default-newline", "expected [b'one\\r\\n', b'two\\n']")
def readuntil_looks_for_a_carriage_return(s: Any) -> None:
    """readuntil() without a separator looks for a carriage return as well."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = (b"\n", b"\r")) -> Any:
        return await real(self, separator)


@saboteur("reader.readuntil.default-newline", "TypeError")
def readuntil_has_to_be_given_a_separator(s: Any) -> None:
    """readuntil() without a separator raises TypeError."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any) -> Any:
        return await real(self, separator)


@saboteur("reader.readuntil.consumes-record", "expected [b'aSEP', b'bSEP', b'SEP']")
def readuntil_leaves_the_separator_in_the_buffer(s: Any) -> None:
    """Readuntil returns record and separator and takes only the record off the buffer."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        data = await real(self, separator)
        rest = self._incoming.take_all()
        self._incoming.append((bytes(separator) if rest else b"") + rest)
        return data


@saboteur("reader.readuntil.consumes-record", "what follows the records")
def readuntil_drops_what_follows(s: Any) -> None:
    """Readuntil drops what is buffered behind a record, unless another one is complete."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        data = await real(self, separator)
        if not self._incoming.search((bytes(separator),)):
            self._incoming.take_all()
        return data


@saboteur("reader.readuntil.waits-for-separator", "to wait, it ended with")
def readuntil_ends_at_the_separators_first_byte(s: Any) -> None:
    """The first byte of the separator is taken for all of it."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        return await real(self, separator[:1] if isinstance(separator, bytes) else separator)


@saboteur("reader.readuntil.split-separator", "never ended")
def a_split_separator_is_missed(s: Any) -> None:
    """A separator is found only within what arrived in one piece."""

    @instead(s.buffer.ReceiveBuffer)
    def find(self: Any, separator: bytes, start: int, stop: int) -> int:
        for base, chunk in self._chunks_from(start):
            found = chunk.find(separator, max(0, start - base), max(0, stop - base))
            if found >= 0:
                return int(base + found)
        return -1


@saboteur("reader.readuntil.split-separator", "never ended")
def a_search_resumes_behind_a_half_separator(s: Any) -> None:
    """A search goes on where the last one stopped, and forgets that a separator had begun."""
    real = s.buffer.ReceiveBuffer.search

    @instead(s.buffer.ReceiveBuffer)
    def search(self: Any, separators: Any, since: int = 0) -> Any:
        found = real(self, separators, since)
        searched = max(0, since - (self.received - self.size))
        return None if found and found[0] < searched else found


@saboteur("reader.readuntil.limit-length-fits", "LimitOverrunError")
def readuntil_limit_is_one_byte_short(s: Any) -> None:
    """A record of exactly the limit's length overruns."""
    _with_limit(s, -1)


@saboteur("reader.readuntil.overrun-raises", "expected LimitOverrunError, nothing was raised")
def readuntil_limit_is_one_byte_long(s: Any) -> None:
    """A record may be one byte longer than the limit."""
    _with_limit(s, 1)


@saboteur("reader.readuntil.overrun-raises", "expected LimitOverrunError, nothing was raised")
def readuntil_minds_no_limit_once_it_waits(s: Any) -> None:
    """A readuntil that has waited returns a record of any length."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        if self._waiter is not None and b";" in data:
            self._limit_bytes = 2**40
        real(self, data)


@saboteur("reader.readuntil.overrun-raises-without-separator", "still waits")
def readuntil_minds_the_limit_at_the_separator_only(s: Any) -> None:
    """Readuntil waits for a separator however much has come without one."""
    real = s.StreamReader._check_overrun

    @instead(s.StreamReader)
    def _check_overrun(self: Any, found: Any, longest: int) -> None:
        if found is not None:
            real(self, found, longest)


@saboteur("reader.readuntil.overrun-keeps-data", "IncompleteReadError")
def an_overrun_drops_the_data(s: Any) -> None:
    """Readuntil drops what is buffered when it raises LimitOverrunError."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.LimitOverrunError:
            self._incoming.take_all()
            self._incoming.append(b"x")
            self.feed_eof()
            raise


@saboteur("reader.readuntil.overrun-consumed", "1 to 10, the bytes before SEP, not 0")
def an_overrun_says_that_nothing_was_looked_at(s: Any) -> None:
    """The LimitOverrunError's consumed is 0, so that skipping it leads nowhere."""
    _with_consumed(s, lambda consumed: 0)


@saboteur("reader.readuntil.overrun-consumed", "1 to 10, the bytes before SEP, not 13")
def an_overruns_consumed_takes_the_separator_in(s: Any) -> None:
    """The LimitOverrunError's consumed leads behind the separator."""
    _with_consumed(s, lambda consumed: consumed + 3)


@saboteur("reader.readuntil.overrun-consumed", "1 to 10, the bytes before SE, not 12")
def an_overruns_consumed_takes_half_a_separator_in(s: Any) -> None:
    """The LimitOverrunError's consumed counts the beginning of a separator."""
    real = s.StreamReader._check_overrun

    @instead(s.StreamReader)
    def _check_overrun(self: Any, found: Any, longest: int) -> None:
        real(self, found, longest if found else 1)


def _with_consumed(s: Any, change: Any) -> None:
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.LimitOverrunError as error:
            error.consumed = change(error.consumed)
            raise


@saboteur("reader.readuntil.eof-raises", "expected IncompleteReadError, nothing was raised")
def readuntil_returns_what_is_left_at_eof(s: Any) -> None:
    """Readuntil returns what there is when EOF comes before the separator."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.IncompleteReadError as error:
            return error.partial


@saboteur("reader.readuntil.eof-raises", "never ended")
def eof_wakes_no_readuntil(s: Any) -> None:
    """EOF leaves a readuntil that waits asleep."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        self.in_readuntil = True
        data = await real(self, separator)
        self.in_readuntil = False
        return data

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        self._eof = True
        if not getattr(self, "in_readuntil", False):
            self._wake()


@saboteur("reader.readuntil.eof-partial-has-data", "partial: expected b'abcdefSE', got b'abcdef'")
def readuntil_leaves_half_a_separator_out_of_its_partial(s: Any) -> None:
    """The IncompleteReadError's partial lacks the beginning of a separator."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.IncompleteReadError as error:
            error.partial = error.partial.rstrip(bytes(separator))
            raise


@saboteur("reader.readuntil.eof-resets-buffer", "at_eof()")
def readuntil_leaves_its_partial_in_the_buffer(s: Any) -> None:
    """After an IncompleteReadError of readuntil the partial is still buffered."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.IncompleteReadError as error:
            self._incoming.append(error.partial)
            raise


@saboteur("reader.readuntil.empty-separator-rejected", "expected ValueError, nothing was raised")
def readuntil_finds_nothing_at_once(s: Any) -> None:
    """readuntil(b"") returns b""."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        return await real(self, separator) if separator else b""


@saboteur("reader.readuntil.cancel-keeps-data", "cancelled")
def a_cancelled_readuntil_drops_the_record_so_far(s: Any) -> None:
    """A readuntil that is cancelled spoils what had come of the record."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.CancelledError:
            self._incoming.append(b"?" + self._incoming.take_all())
            raise


@saboteur("reader.readuntil.separator-not-counted", "LimitOverrunError")
def readuntil_counts_the_separator(s: Any) -> None:
    """The separator counts towards the limit, but for its first byte."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        limit = self._limit_bytes
        self._limit_bytes -= len(separator) - 1
        try:
            return await real(self, separator)
        finally:
            self._limit_bytes = limit


@saboteur("reader.readuntil.separator-not-counted", "LimitOverrunError")
def readuntil_counts_half_a_separator(s: Any) -> None:
    """Bytes that may be the beginning of a separator count towards the limit."""

    @instead(s.StreamReader)
    def _check_overrun(self: Any, found: Any, longest: int) -> None:
        without = found[0] if found else self._incoming.size
        if without > self._limit_bytes:
            raise asyncio.LimitOverrunError("too much", without - (0 if found else longest - 1))


@saboteur("reader.readuntil.eof-expected-none", "expected: expected None")
def readuntil_expects_one_byte_more(s: Any) -> None:
    """The IncompleteReadError of readuntil expects one byte more than came."""
    real = s.StreamReader.readuntil

    @instead(s.StreamReader)
    async def readuntil(self: Any, separator: Any = b"\n") -> Any:
        try:
            return await real(self, separator)
        except asyncio.IncompleteReadError as error:
            error.expected = len(error.partial) + 1
            raise
