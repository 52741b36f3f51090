"""The writing side of a memory transport: the backlog, its watermarks, EOF.

What the wire has no room for waits in a backlog in user space; the protocol is told to pause when
that grows past the high-water mark and to go on when it has shrunk to the low one. How a
connection begins, is read and ends is in `transport`.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from asyncio import transports
from collections import deque
from itertools import islice
from typing import Any, Deque, Iterable, List, Optional, Tuple, Union

from . import quirks
from .wire import WireEnd

__all__ = ["WritingSide"]

logger = logging.getLogger("asyncio")

BytesLike = Union[bytes, bytearray, memoryview]
HIGH_WATER_BYTES = 64 * 1024  # asyncio's default; the low-water mark is a quarter of it
NOTHING: Any = ()  # the backlog of who has none
SILENT_WRITES = 5  # so often the end may be met in silence; every write after that is logged


class WritingSide(transports._FlowControlMixin):  # asyncio's sendfile asks for that class
    """What a memory transport does with bytes that are written; `transport` makes it."""

    __slots__ = (
        "__dict__",  # for what programs hang on a transport; what each write asks is faster without
        "__weakref__",
        "_backlog",
        "_closing",
        "_context_of_writing",
        "_eof",
        "_lost",
        "_protocol",
        "wire",
    )

    _loop: asyncio.AbstractEventLoop
    _protocol: Any
    wire: WireEnd
    _closing: bool
    _eof: bool
    _lost: int  # how often the end was met, by close, abort, an error or a write
    _backlog: Deque[BytesLike]
    #: The context of every callback, on the Pythons whose connections keep theirs; else None.
    _kept_context: Optional[contextvars.Context] = None
    # What few transports come to change is the class's until then.
    _backlog_bytes = 0
    _low, _high = HIGH_WATER_BYTES // 4, HIGH_WATER_BYTES
    _protocol_paused = False  # asyncio's name: its TLS transports ask for it
    _lines_fail = False  # `close` was called, on a Python whose writelines trips over it

    def write(self, data: BytesLike) -> None:
        """Send bytes, now as far as the window allows, the rest as the peer reads.

        After `close`, `abort` or a lost connection it does nothing, and from the fifth time on
        logs a warning.

        Args:
            data: what to send. It may be changed afterwards, except that from Python 3.12 on
                asyncio, and so this transport, keeps what is unsent by reference.

        Raises:
            TypeError: it is not bytes-like.
            RuntimeError: `write_eof` was called.
        """
        given = data
        if type(data) is not bytes:
            data = _as_bytes(data)
        if self._eof:
            raise RuntimeError("Cannot call write() after write_eof()")
        if not data:
            return
        if self._lost:
            self._count_silent_write()
            return
        if not self._backlog:
            try:
                sent = self.wire.send(data)
            except OSError as exc:
                self._fail(exc, "Fatal write error on memory transport")
                return
            if sent == len(data):
                return
            data = _after(sent, data, given)
            if not data:
                return
            self._context_of_writing = self._context_now()
        self._keep([data])
        self._pause_if_full()

    def writelines(self, list_of_data: Iterable[BytesLike]) -> None:
        """Write several pieces as one, as the running Python's asyncio does it.

        Args:
            list_of_data: what to send. On Pythons that keep an empty last piece (gh-155888), EOF
                and `close` wait for ever behind it, until something else is written.

        Raises:
            TypeError: a piece is not bytes-like; or, on Pythons that fail so, `close` was called.
            AttributeError, TypeError: on some Pythons, the connection has ended.
            RuntimeError: `write_eof` was called.
            AssertionError: an iterator gave nothing (on the Pythons that keep an empty piece).
        """
        if not quirks.WRITELINES_SENDS_PIECES:
            self.write(b"".join(list_of_data))
            return
        if self._eof:
            raise RuntimeError("Cannot call writelines() after write_eof()")
        if list_of_data:
            pieces = [_checked(piece) for piece in list_of_data]
            if not quirks.EMPTY_PIECES_STAY:
                pieces = [piece for piece in pieces if piece]
            self._write_pieces(pieces)

    def _write_pieces(self, pieces: List[BytesLike]) -> None:
        if self._lines_fail or self._lost:
            self._write_too_late(pieces)
        elif self._backlog:
            self._context_of_writing = self._context_now()
            self._keep(pieces)
            self._on_output()
            self._pause_after_lines()
        else:
            if not pieces and quirks.NO_PIECES_FAIL:
                raise AssertionError("Data should not be empty")
            self._send_pieces(pieces)

    def _write_too_late(self, pieces: List[BytesLike]) -> None:
        if quirks.LATE_LINES_ARE_COUNTED:
            self._count_silent_write()
            return
        self._keep(pieces)  # asyncio's accident leaves them there, and sends them if it still can
        if self._lines_fail:
            raise TypeError("writelines() after close(), which this Python can't take")
        if self._protocol is None:
            fail: Any = quirks.LINES_FAIL_AFTER_THE_END
            raise fail("writelines() after the end, which this Python can't take")
        self._pause_after_lines()

    def _send_pieces(self, pieces: List[BytesLike]) -> None:
        try:
            sent = self.wire.send(_joined(pieces[: quirks.PIECES_IN_ONE_SEND]))
            left = _left_of(pieces, sent)
        except (OSError, BufferError, IndexError) as exc:
            self._fail(exc, "Fatal write error on memory transport")
            return
        if left:
            self._context_of_writing = self._context_now()
            self._keep(left)
            self._pause_after_lines()

    def _pause_after_lines(self) -> None:
        if not quirks.WRITELINES_NEVER_PAUSES:
            self._pause_if_full()

    def write_eof(self) -> None:
        """Send FIN behind what is written; reading goes on. Does nothing after `close`.

        Raises:
            OSError: ENOTCONN, if the connection is gone and nobody has noticed yet.
        """
        if not self._closing and not self._eof:
            self._eof = True
            if not self._backlog:
                self.wire.shutdown()

    def can_write_eof(self) -> bool:
        """Whether `write_eof` works: it does."""
        return True

    def get_write_buffer_size(self) -> int:
        """Count the bytes written that the wire had no room for yet."""
        return self._backlog_bytes

    def get_write_buffer_limits(self) -> Tuple[int, int]:
        """Give the low- and the high-water mark, in bytes."""
        return self._low, self._high

    def set_write_buffer_limits(
        self, high: Optional[int] = None, low: Optional[int] = None
    ) -> None:
        """Set the watermarks, and pause the protocol if the backlog is past the new one.

        Args:
            high: bytes past which the protocol is paused; 64 KiB, or four times ``low``.
            low: bytes at which it goes on; a quarter of ``high``.

        Raises:
            ValueError: not ``high >= low >= 0``.
        """
        if high is None:
            high = HIGH_WATER_BYTES if low is None else 4 * low
        if low is None:
            low = high // 4
        if not high >= low >= 0:
            raise ValueError(
                f"write buffer limits got high={high!r} and low={low!r}, expected high >= low >= 0"
            )
        self._low, self._high = low, high
        self._pause_if_full()

    def _context_now(self) -> contextvars.Context:
        kept = self._kept_context
        return contextvars.copy_context() if kept is None else kept

    def _keep(self, pieces: List[BytesLike]) -> None:
        pieces = [_as_bytes(piece) for piece in pieces]
        if not quirks.UNSENT_IS_KEPT_BY_REFERENCE:
            pieces = [_unchangeable(piece) for piece in pieces]
        awaited = self._backlog_bytes  # none, if there are but empty pieces
        if not self._backlog:
            self._backlog = deque()
        self._backlog.extend(pieces)
        self._backlog_bytes += sum(map(len, pieces))
        if not (awaited or self._lost):
            self._await_room()

    def _drop_backlog(self) -> None:
        self._backlog = NOTHING
        self._backlog_bytes = 0
        self.wire.on_writable = None

    def _count_silent_write(self) -> None:
        if self._lost >= SILENT_WRITES:
            logger.warning("socket.send() raised exception.")
        self._lost += 1

    def _await_room(self) -> None:
        self.wire.on_writable = self._output_soon
        there_is_room = self._backlog_bytes and self.wire.writable
        if there_is_room or self.wire.dead:  # the answer can be there already
            self._output_soon()

    def _output_soon(self) -> None:
        self.wire.on_writable = None
        self._loop.call_soon(self._on_output, context=self._context_of_writing)

    def _on_output(self) -> None:
        if self._lost or not self._backlog:
            return
        try:
            self._send_backlog()
        except OSError as exc:
            self._fail(exc, "Fatal write error on memory transport")
            return
        self._resume_if_drained()
        if self._backlog:
            return
        if self._closing and (not self._lost or quirks.ABORT_WHILE_RESUMED_ENDS_TWICE):
            self._lost += 1
            self._finish(None)
        elif self._eof:
            self.wire.shutdown()

    def _send_backlog(self) -> None:
        backlog = self._backlog
        sent = self.wire.sendmsg(islice(backlog, quirks.PIECES_IN_ONE_SEND))
        self._backlog_bytes -= sent
        while sent and sent >= len(backlog[0]):
            sent -= len(backlog.popleft())  # an empty piece goes with a later one only
        if sent:
            backlog[0] = memoryview(backlog[0])[sent:]
        if backlog:
            self._await_room()

    def _pause_if_full(self) -> None:
        if self._backlog_bytes > self._high and not self._protocol_paused:
            self._protocol_paused = True
            self._tell("pause_writing")

    def _resume_if_drained(self) -> None:
        if self._protocol_paused and self._backlog_bytes <= self._low:
            self._protocol_paused = False
            self._tell("resume_writing")

    def _tell(self, method: str) -> None:
        try:
            getattr(self._protocol, method)()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            context = {"message": f"protocol.{method}() failed", "exception": exc}
            context.update(transport=self, protocol=self._protocol)
            self._loop.call_exception_handler(context)

    def _finish(self, exc: Optional[BaseException]) -> None:
        raise NotImplementedError

    def _fail(self, exc: BaseException, message: str) -> None:
        raise NotImplementedError


def _checked(data: BytesLike) -> BytesLike:
    """Check what is written."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(
            f"write() got {type(data).__name__!r}, expected a bytes-like object: bytes, bytearray"
            " or memoryview; text has to be encoded first"
        )
    return data


def _joined(pieces: Iterable[BytesLike]) -> bytes:
    """Put pieces together as sendmsg(2) does.

    Raises:
        BufferError: one of them does not lie in memory as a whole.
    """
    return b"".join(memoryview(p).cast("B") if _is_wide(p) else _whole(p) for p in pieces)


def _whole(data: BytesLike) -> BytesLike:
    if isinstance(data, memoryview) and not data.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return data


def _is_wide(data: BytesLike) -> bool:
    return isinstance(data, memoryview) and data.c_contiguous and len(data) != data.nbytes


def _as_bytes(data: BytesLike) -> BytesLike:
    """Check what is written, and see it as single bytes."""
    data = _checked(data)
    if isinstance(data, memoryview) and (data.itemsize != 1 or data.ndim != 1):
        return data.cast("B") if data.c_contiguous else data.tobytes()
    return data


def _after(sent: int, data: BytesLike, given: BytesLike) -> BytesLike:
    """Give what is left of `data`, which was `given` in other items perhaps."""
    wide = isinstance(given, memoryview) and given.itemsize != 1 and given.ndim == 1
    if wide and quirks.WIDE_VIEWS_ARE_CUT_SHORT:
        return _as_bytes(memoryview(given)[sent:])
    return memoryview(data)[sent:]


def _left_of(pieces: List[BytesLike], sent: int) -> List[BytesLike]:
    """Give what is left once so many bytes were sent: an empty piece goes with a later one only.

    Raises:
        IndexError: more were sent than there are items, as asyncio counts (see `quirks`).
    """
    if not quirks.WIDE_LINES_ARE_MISCOUNTED:
        pieces = [_as_bytes(piece) for piece in pieces]
    for i, piece in enumerate(pieces):
        if not sent or sent < len(piece):
            return [memoryview(piece)[sent:], *pieces[i + 1 :]]
        sent -= len(piece)
    if sent:
        raise IndexError("pop from an empty deque")
    return []


def _unchangeable(data: BytesLike) -> BytesLike:
    view = memoryview(data)
    return data if isinstance(view.obj, bytes) else bytes(view)
