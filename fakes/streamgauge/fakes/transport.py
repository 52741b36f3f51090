"""`MemoryTransport`: an asyncio transport over one end of a wire, on any event loop.

It does what asyncio's socket transport does, in the same turn of the loop and in the same order,
and asks nothing of the loop but `call_soon`, `call_exception_handler` and `get_debug`. Its
writing side is in `writing`. Everything about bytes, FIN and RST is the wire's; names and options
are in `sockets`; what differs between Python versions is a line in `quirks`.

Theory of operation. A transport that reads sets the hook of its wire end; the hook schedules one
delivery for the next turn, unless one is due; after it, if more is there, the transport schedules
the next turn's. So there is one delivery a turn, and a paused transport costs nothing. Deliveries
run in the context in which reading was begun, as a socket's do, and not in that of whoever wrote;
on Pythons whose connections keep one context, all callbacks run in it. The end is a single
callback, `_finish`.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import warnings
from asyncio import constants
from typing import Any, Dict, Optional

from . import quirks
from .names import family_at
from .sockets import MemorySocket
from .wire import MAX_DELIVERY_BYTES, WireEnd
from .writing import NOTHING, WritingSide

__all__ = ["MemoryTransport"]

logger = logging.getLogger("asyncio")  # a program that watches transports watches this one


class MemoryTransport(WritingSide):
    """A transport over a wire in memory.

    Args:
        loop: the loop that the protocol is called on.
        end: the end of the wire.
        protocol: an `asyncio.Protocol` or `asyncio.BufferedProtocol`; its `connection_made` is
            called in the next turn of the loop, and deliveries begin after it.
        waiter: a future that is resolved once `connection_made` was called.
        extra: what `get_extra_info` knows; with ``"sockname"`` and ``"peername"`` in it, a
            ``"socket"`` as well.
        holder: what is told, by ``closing(transport)`` (not by an abort) and
            ``detach(transport)``, how the connection ends.

    Attributes:
        wire: the end of the wire.
    """

    _start_tls_compatible = True  # asyncio's start_tls asks for it
    _sendfile_compatible = constants._SendfileMode.FALLBACK  # and its sendfile for this
    __slots__ = (
        "_buffered",
        "_context",
        "_due",
        "_ended",
        "_holder",
        "_paused",
        "_watching",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: WireEnd,
        protocol: asyncio.BaseProtocol,
        waiter: Optional[asyncio.Future[None]] = None,
        extra: Optional[Dict[str, Any]] = None,
        holder: Any = None,
    ) -> None:
        self._extra = {} if extra is None else extra
        self._loop = end.loop = loop
        self.wire = end
        self._closing = self._eof = self._ended = self._paused = False
        self._lost = 0
        self._backlog = NOTHING
        self._watching = False  # whether the wire is watched; a socket would be in the selector
        self._due = False  # a delivery is scheduled
        self._context = contextvars.copy_context()
        if quirks.CONNECTION_KEEPS_ITS_CONTEXT:
            self._kept_context = self._context
        self._holder = holder
        self.set_protocol(protocol)
        loop.call_soon(self._connection_made, waiter, context=self._kept_context)

    def __repr__(self) -> str:
        state = "closed" if self._ended else "closing" if self._closing else "open"
        return (
            f"<{type(self).__name__} {state} {self.get_extra_info('sockname')} to"
            f" {self.get_extra_info('peername')} unsent={self.get_write_buffer_size()}>"
        )

    def __del__(self) -> None:
        if not getattr(self, "_ended", True) and not self._loop.is_closed():
            what = f"unclosed transport {self!r}"
            warnings.warn(what, ResourceWarning, stacklevel=2, source=self)
            self.wire.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Give what is known of the connection; its socket is made when it is asked for.

        Args:
            name: ``"sockname"``, ``"peername"``, ``"socket"``, or whatever ``extra`` had.
            default: what is given for anything else.
        """
        extra = self._extra
        if name == "socket" and name not in extra and "sockname" in extra:
            own = extra["sockname"]
            extra[name] = MemorySocket(family_at(own), own, extra["peername"], self.wire)
        return extra.get(name, default)

    # The protocol, and the end

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the connection to another protocol, which is not told by `connection_made`.

        Args:
            protocol: an `asyncio.Protocol` or `asyncio.BufferedProtocol`.
        """
        self._protocol: Any = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give the protocol that the connection belongs to."""
        return self._protocol  # type: ignore[no-any-return]

    def is_closing(self) -> bool:
        """Whether `close` or `abort` was called, or the connection was lost."""
        return self._closing

    def close(self) -> None:
        """Stop reading, send what is written, then end the connection.

        `connection_lost(None)` comes in a later turn of the loop. Bytes that have arrived and
        were not delivered make it a reset for the peer.
        """
        self._lines_fail = quirks.LINES_FAIL_AFTER_CLOSE
        if not self._closing:
            if self._holder is not None:
                self._holder.closing(self)
            self._stop_reading()
            if not self._backlog:
                self._end_soon(None)

    def abort(self) -> None:
        """End the connection without sending what is still in the write buffer."""
        self._force_close(None)

    def _force_close(self, exc: Optional[BaseException]) -> None:  # asyncio's TLS calls it so
        if not self._lost:
            self._stop_reading()
            self._drop_backlog()
            self._end_soon(exc)

    def _stop_reading(self) -> None:
        self._closing = True
        self._watching = False
        self.wire.on_readable = None

    def _end_soon(self, exc: Optional[BaseException]) -> None:
        self._lost += 1
        self._loop.call_soon(self._finish, exc, context=self._kept_context)

    def _finish(self, exc: Optional[BaseException]) -> None:
        try:
            self._protocol.connection_lost(exc)
        finally:
            self._ended = True
            self.wire.close()
            self._protocol = None
            holder, self._holder = self._holder, None
            if holder is not None:
                holder.detach(self)

    def _fail(self, exc: BaseException, message: str) -> None:
        """End the connection for an error; the network's are expected, a protocol's are not."""
        if not isinstance(exc, OSError):
            context = {"message": message, "exception": exc}
            context.update(transport=self, protocol=self._protocol)
            self._loop.call_exception_handler(context)
        elif self._loop.get_debug():
            logger.debug("%r: %s", self, message, exc_info=exc)
        self._force_close(exc)

    # Reading

    def is_reading(self) -> bool:
        """Whether deliveries are made: neither paused nor closing."""
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        """Make no more deliveries, not even one that is due; a second call does nothing."""
        if not self._closing and not self._paused:
            self._paused = True
            self._unwatch()

    def resume_reading(self) -> None:
        """Make deliveries again, from the next turn of the loop on, never before it returns."""
        if not self._closing and self._paused:
            self._paused = False
            self._context = self._context_now()
            self._watch()

    def _connection_made(self, waiter: Optional[asyncio.Future[None]]) -> None:
        try:
            self._protocol.connection_made(self)
        finally:  # what it raises is for the loop's exception handler, and the connection goes on
            held = self._paused and quirks.PAUSE_BEFORE_THE_BEGINNING_HOLDS
            if not self._closing and not held:
                self._watch()
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _watch(self) -> None:
        self._watching = True
        self.wire.on_readable = self._input_soon
        self._input_if_readable()

    def _unwatch(self) -> None:
        self._watching = False
        self.wire.on_readable = None

    def _input_if_readable(self) -> None:
        into = self.wire.into
        if into.queue or into.fin or self.wire.dead:  # as `readable` has it, and no property
            self._input_soon()

    def _input_soon(self) -> None:
        if not self._due:
            self._due = True
            self._loop.call_soon(self._on_input, context=self._context)

    def _on_input(self) -> None:
        self._due = False
        if not self._watching:
            return
        if self._buffered:
            self._fill_buffer()
        else:
            data = self._receive(MAX_DELIVERY_BYTES)
            if data:
                try:
                    self._protocol.data_received(data)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as exc:
                    self._fail(exc, "Fatal error: protocol.data_received() call failed.")
        if self._watching:
            self._input_if_readable()

    def _receive(self, limit_bytes: int) -> Optional[bytes]:
        """Take what has arrived; the end of it is dealt with here, and gives nothing."""
        try:
            data = self.wire.recv(limit_bytes)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:  # a chunks policy can raise anything
            self._fail(exc, "Fatal read error on memory transport")
            return None
        if data == b"":
            self._on_eof()
        return data

    def _fill_buffer(self) -> None:
        buffer: Any = self._ask("get_buffer", -1)
        if buffer is _FAILED:
            return
        room = len(buffer)
        if not room:
            self._fail(RuntimeError("get_buffer() returned an empty buffer"), "get_buffer() failed")
            return
        data = self._receive(room)
        if data:
            memoryview(buffer)[: len(data)] = data
            self._ask("buffer_updated", len(data))

    def _on_eof(self) -> None:
        keep_open = self._ask("eof_received")
        if keep_open is _FAILED:
            return
        if keep_open:
            self._unwatch()
        else:
            self.close()

    def _ask(self, method: str, *args: int) -> object:
        try:
            return getattr(self._protocol, method)(*args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._fail(exc, f"Fatal error: protocol.{method}() call failed.")
            return _FAILED


_FAILED = object()
