"""Saboteurs of `StreamReader.readline` and of iterating over lines."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("reader.readline.returns-one-line", "expected [b'one\\n'")
def readline_strips_the_newline(s: Any) -> None:
    """Readline returns a line without its newline."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        line = await real(self)
        return line.rstrip(b"\n") if line != b"\n" else line


@saboteur("reader.readline.returns-one-line", "what follows the lines")
def readline_takes_the_next_byte_along(s: Any) -> None:
    """Readline drops the byte behind the newline: of the next line, or of the one after it."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        line = await real(self)
        if self._incoming.size < 3:
            self._incoming.take(1)
        return line


@saboteur("reader.readline.only-newline-ends-line", "expected [b'cr\\rcrlf")
def readline_ends_at_a_carriage_return(s: Any) -> None:
    """A carriage return ends a line, too."""

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await self.readuntil((b"\n", b"\r"))
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            self._incoming.take_all()
            raise ValueError(error.args[0]) from error


@saboteur("reader.readline.only-newline-ends-line", "got [b'")
def readline_turns_crlf_into_a_newline(s: Any) -> None:
    """Readline replaces a carriage return and a newline by a newline."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        return (await real(self)).replace(b"\r\n", b"\n")


@saboteur("reader.readline.waits-for-newline", "to wait, it ended with b'a'")
def readline_returns_what_is_there(s: Any) -> None:
    """Readline returns an unfinished line as soon as there is nothing more."""

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        if not (self._incoming.size or self._eof):
            await self._wait("readline", 0)
        found = self._incoming.search((b"\n",))
        return self._consume(found[1] if found else self._incoming.size)


@saboteur("reader.readline.partial-at-eof", "IncompleteReadError")
def readline_raises_for_an_unfinished_line(s: Any) -> None:
    """Readline lets IncompleteReadError pass for what is left at EOF."""

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return b""
        except asyncio.LimitOverrunError as error:
            self._incoming.take_all()
            raise ValueError(error.args[0]) from error


@saboteur("reader.readline.partial-at-eof", "got b''")
def eof_costs_a_waiting_readline_its_line(s: Any) -> None:
    """A readline that waits when EOF comes returns b"" and drops the unfinished line."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        if self._waiter is not None:
            self._incoming.take_all()
        real(self)


@saboteur("reader.readline.empty-at-eof", "None")
def readline_returns_none_at_eof(s: Any) -> None:
    """Readline returns None at EOF."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        return await real(self) or None


@saboteur("reader.readline.empty-at-eof", "expected [b'\\n', b'', b'']")
def readline_skips_empty_lines(s: Any) -> None:
    """Readline skips lines that are empty."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        while True:
            line = await real(self)
            if line != b"\n":
                return line


@saboteur("reader.readline.limit-length-fits", "raised ValueError")
def readline_counts_the_newline(s: Any) -> None:
    """The newline counts towards the limit of a line."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        limit, self._limit = self._limit, self._limit - 1
        try:
            return await real(self)
        finally:
            self._limit = limit


@saboteur("reader.readline.cancel-keeps-data", "cancelled")
def a_cancelled_readline_drops_the_line_so_far(s: Any) -> None:
    """A readline that is cancelled takes with it what had come of the line."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await real(self)
        except asyncio.CancelledError:
            self._incoming.take_all()
            raise


@saboteur("reader.readline.overrun-raises-value-error", "expected ValueError, nothing was raised")
def readline_knows_no_limit(s: Any) -> None:
    """Readline returns lines of any length."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        limit, self._limit = self._limit, 2**40
        try:
            return await real(self)
        finally:
            self._limit = limit


@saboteur("reader.readline.overrun-raises-value-error", "expected ValueError, got LimitOverrun")
def readline_raises_limit_overrun_error(s: Any) -> None:
    """Readline raises readuntil's LimitOverrunError for a line that is too long."""

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial


@saboteur("reader.readline.overrun-raises-value-error", "still waits")
def readline_minds_the_limit_at_the_newline_only(s: Any) -> None:
    """Readline waits for a newline however much has come without one."""
    real = s.StreamReader._check_overrun

    @instead(s.StreamReader)
    def _check_overrun(self: Any, found: Any, longest: int) -> None:
        if found is not None or longest > 1:
            real(self, found, longest)


@saboteur("reader.readline.overrun-drops-line", "next")
def readline_drops_all_behind_a_line_that_is_too_long(s: Any) -> None:
    """Readline drops everything that is buffered when a complete line is too long."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await real(self)
        except ValueError:
            self._incoming.take_all()
            raise


@saboteur("reader.readline.overrun-drops-buffer", "ValueError")
def readline_keeps_a_line_that_is_too_long(s: Any) -> None:
    """Readline raises for a line that is too long and leaves it to be met again."""

    @instead(s.StreamReader)
    async def readline(self: Any) -> Any:
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            raise ValueError(error.args[0]) from error


@saboteur("reader.iteration.yields-lines", "expected [b'one\\n', b'\\r\\n', b'\\n', b'last']")
def iterating_ends_at_an_empty_line(s: Any) -> None:
    """`async for` takes an empty line for the end."""

    @instead(s.StreamReader)
    async def __anext__(self: Any) -> Any:
        line = await self.readline()
        if not line.strip():
            raise StopAsyncIteration
        return line


@saboteur("reader.iteration.yields-lines", "expected [b'one\\n', b'\\r\\n', b'\\n', b'last']")
def iterating_drops_an_unfinished_line(s: Any) -> None:
    """`async for` leaves out a last line without a newline."""

    @instead(s.StreamReader)
    async def __anext__(self: Any) -> Any:
        line = await self.readline()
        if not line.endswith(b"\n"):
            raise StopAsyncIteration
        return line


@saboteur("reader.iteration.cancel-keeps-data", "expected b'half a line\\n'")
def a_cancelled_step_drops_the_line_so_far(s: Any) -> None:
    """A step of `async for` that is cancelled takes with it what had come of the line."""
    real = s.StreamReader.__anext__

    @instead(s.StreamReader)
    async def __anext__(self: Any) -> Any:
        try:
            return await real(self)
        except asyncio.CancelledError:
            self._incoming.take_all()
            raise


@saboteur("reader.iteration.yields-lines", "the next line to wait")
def iterating_ends_when_nothing_is_there(s: Any) -> None:
    """`async for` ends when no complete line is buffered."""

    @instead(s.StreamReader)
    async def __anext__(self: Any) -> Any:
        if self._incoming.search((b"\n",)) is None and not self._eof:
            raise StopAsyncIteration
        line = await self.readline()
        if not line:
            raise StopAsyncIteration
        return line


@saboteur("reader.iteration.yields-lines", "__aiter__")
def iterating_is_not_offered(s: Any) -> None:
    """`async for` over a reader raises TypeError."""

    @instead(s.StreamReader)
    def __aiter__(self: Any) -> Any:
        raise TypeError("the reader has no __aiter__")


@saboteur("reader.readline.only-newline-ends-line", "behind byte 0x09")
def a_tab_that_came_last_ends_a_line(s: Any) -> None:
    """A readline that finds no newline gives what there is if its last byte is a tab."""
    real = s.StreamReader.readline

    @instead(s.StreamReader)
    async def readline(self: Any) -> bytes:
        held = bytes(self._buffer)
        if held.endswith(b"\t") and b"\n" not in held:
            return bytes(await self.read(len(held)))
        return bytes(await real(self))


@saboteur("reader.readline.waits-for-newline", "still waits")
def a_newline_behind_a_long_line_is_passed_by(s: Any) -> None:
    """What was read of a long piece is let go of, and the search goes on that much further."""
    real = s.buffer.ReceiveBuffer.release

    @instead(s.buffer.ReceiveBuffer)
    def release(self: Any) -> None:
        gone = self.stream.tell()
        real(self)
        self.before -= gone
