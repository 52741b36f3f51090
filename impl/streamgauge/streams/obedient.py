"""What subclasses of the reader stand on: reads that ask the instance, as asyncio's do.

In asyncio ``readline`` is a call of ``readuntil``, which waits by ``_wait_for_data`` and then calls
``_maybe_resume_transport``; programs override one of these and get the others changed with it. The
ready paths of ``reader`` ask nobody. So a class that is made of ``StreamReader`` gets this class
between itself and that one, and every call that asyncio makes on ``self`` is made here.
"""

from __future__ import annotations

import asyncio
import sys

from .arguments import BytesLike, Separators, checked_count, checked_data, checked_separators
from .reader import StreamReader


class ObedientReader(StreamReader):
    """A reader each of whose methods calls the others through the instance."""

    __slots__ = ()

    def feed_data(self, data: BytesLike) -> None:  # type: ignore[override]  # as in Intake
        """Put received bytes behind the others; see :meth:`StreamReader.feed_data`."""
        if self._eof:
            super().feed_data(data)  # for the error
        data = checked_data(data)
        if not data:
            return
        self._incoming.append(data)
        self._wakeup_waiter()
        if self._incoming.size > self._high_bytes:
            self._pause()

    def feed_eof(self) -> None:
        """Acknowledge the end of the stream; see :meth:`StreamReader.feed_eof`."""
        self._eof = True
        self._wakeup_waiter()

    async def read(self, n: int = -1) -> bytes:
        """Read as :meth:`StreamReader.read` does; to EOF, by calls for a limit's worth each."""
        return await self._read_waiting(min(checked_count("read", n), sys.maxsize))

    async def _read_to_eof(self) -> bytes:
        most = max(1, int(min(self._limit, sys.maxsize)))
        blocks: list[bytes] = []
        try:
            while True:
                block = await self.read(most)
                if not block:
                    return b"".join(blocks)
                blocks.append(block)
        except BaseException:
            if type(self).read is ObedientReader.read:  # else who knows what these bytes are
                self._incoming.replace(b"".join(blocks) + bytes(self._incoming))
            raise

    async def readline(self) -> bytes:
        """Read as :meth:`StreamReader.readline` does, by a call of ``readuntil``."""
        if self._incoming.skipped:
            await self._skip_rest()
        try:
            return await self.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            return error.partial
        except asyncio.LimitOverrunError as error:
            self._skip_line()
            raise ValueError(error.args[0])  # noqa: B904  # as in StreamReader

    async def readexactly(self, n: int) -> bytes:
        """Read as :meth:`StreamReader.readexactly` does."""
        return await self._readexactly_waiting(checked_count("readexactly", n))

    async def readuntil(  # type: ignore[override]  # as in StreamReader
        self, separator: Separators = b"\n"
    ) -> bytes:
        """Read as :meth:`StreamReader.readuntil` does."""
        return await self._readuntil_waiting(checked_separators(separator), "readuntil")

    async def _wait(self, method: str, needed: float, sought: bytes | None = None) -> None:
        await self._wait_for_data(method)

    def _consume(self, n: int) -> bytes:
        data = self._incoming.take(n)
        self._maybe_resume_transport()
        return data


StreamReader._for_subclasses = ObedientReader
