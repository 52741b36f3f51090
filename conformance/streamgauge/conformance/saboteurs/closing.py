"""Saboteurs of `close`, `is_closing`, `wait_closed` and `write_eof`."""

from __future__ import annotations

import asyncio
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("writer.close.closes-connection", "never ended")
def close_does_nothing(s: Any) -> None:
    """Close leaves the connection open."""

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        """Do nothing."""


@saboteur("writer.close.closes-socket", "not to be the connection's")
def close_ends_the_sending_only(s: Any) -> None:
    """Close sends EOF and leaves the socket open; wait_closed returns all the same."""
    waited = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        self._half_closed = True
        self._transport.write_eof()

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if not getattr(self, "_half_closed", False):
            await waited(self)


@saboteur("writer.close.flushes-buffer", "(524,288 bytes), got b")
def close_drops_what_is_queued(s: Any) -> None:
    """Close aborts the connection: what is queued is never sent."""

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        self._transport.abort()


@saboteur("writer.close.returns-at-once", "expected None")
def close_has_to_be_awaited(s: Any) -> None:
    """Close returns something to await."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> Any:
        real(self)
        return asyncio.get_running_loop().create_future()


@saboteur("writer.close.twice", "raised RuntimeError")
def closing_twice_raises(s: Any) -> None:
    """A second close raises RuntimeError."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        if self._transport.is_closing():
            raise RuntimeError("closed already")
        real(self)


@saboteur("writer.close.twice", "(524,288 bytes), got b")
def closing_twice_drops_what_is_queued(s: Any) -> None:
    """A second close aborts what the first is still sending."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        if self._transport.is_closing():
            self._transport.abort()
        real(self)


# --- is_closing --------------------------------------------------------------------------------


@saboteur("writer.is_closing.false-while-open", "is_closing() to be false")
def is_closing_is_always_true(s: Any) -> None:
    """is_closing() is true on an open connection."""

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return True


@saboteur("writer.is_closing.true-while-closing", "true when close() returns")
def is_closing_is_true_once_closed(s: Any) -> None:
    """is_closing() is false until the connection is gone."""

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return bool(self._flow._connection_lost)


@saboteur("writer.is_closing.true-after-close", "is_closing() to be true")
def is_closing_is_false_once_closed(s: Any) -> None:
    """is_closing() is true while closing, and false again once the connection is closed."""

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return bool(self._transport.is_closing() and not self._flow._connection_lost)


@saboteur("writer.is_closing.true-after-reset", "is_closing() to be true")
def is_closing_knows_of_close_only(s: Any) -> None:
    """is_closing() is true after the program's own close, and not after a reset."""
    real = s.StreamWriter.is_closing

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return bool(real(self) and self._flow._connection_error is None)


@saboteur("writer.is_closing.false-after-peer-eof", "is_closing() to be false")
def is_closing_is_true_after_the_peers_eof(s: Any) -> None:
    """is_closing() is true once the peer has ended its sending."""
    real = s.StreamWriter.is_closing

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return bool(real(self) or self._reader._eof)


# --- wait_closed -------------------------------------------------------------------------------


@saboteur("writer.wait_closed.returns-after-close", "never ended")
def wait_closed_never_returns(s: Any) -> None:
    """wait_closed waits for ever."""

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        await asyncio.get_running_loop().create_future()


@saboteur("writer.wait_closed.returns-after-close", "never ended")
def wait_closed_misses_a_reset(s: Any) -> None:
    """wait_closed waits for ever after a reset."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if self._flow._connection_error is not None:
            await asyncio.get_running_loop().create_future()
        await real(self)


@saboteur("writer.wait_closed.returns-after-close", "never ended")
def wait_closed_wants_the_peer_to_close_first(s: Any) -> None:
    """wait_closed returns once the peer has closed as well."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._reader._eof and self._flow._connection_error is None:
            await asyncio.get_running_loop().create_future()
        await real(self)


@saboteur("writer.wait_closed.waits-for-flush", "expected wait_closed() to wait")
def wait_closed_returns_at_once(s: Any) -> None:
    """wait_closed does not wait."""

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        """Do nothing."""


@saboteur("writer.wait_closed.waits-while-open", "expected wait_closed() to wait")
def wait_closed_returns_on_an_open_connection(s: Any) -> None:
    """wait_closed returns at once unless close was called."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if self.is_closing():
            await real(self)


@saboteur("writer.wait_closed.again-returns-at-once", "still waits")
def wait_closed_can_be_awaited_once(s: Any) -> None:
    """wait_closed waits for ever on a connection that was closed before."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if self._flow._connection_lost:
            if getattr(self, "_waited", False):
                await asyncio.get_running_loop().create_future()
            self._waited = True
        await real(self)


@saboteur("writer.wait_closed.cancel-leaves-others", "wait_closed()")
def cancelling_one_wait_closed_cancels_all(s: Any) -> None:
    """Every wait_closed awaits the same future, which is cancelled with any of them."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        if not hasattr(self, "_closed"):
            self._closed = asyncio.ensure_future(real(self))
        await self._closed


@saboteur("writer.wait_closed.raises-connection-error", "expected ConnectionError, nothing")
def wait_closed_swallows_the_error(s: Any) -> None:
    """wait_closed returns after a reset as after an orderly end."""
    real = s.StreamWriter.wait_closed

    @instead(s.StreamWriter)
    async def wait_closed(self: Any) -> None:
        try:
            await real(self)
        except ConnectionError:
            return


@saboteur("writer.collected.closes-connection", "the connection to be closed")
def a_forgotten_writer_leaves_its_connection_open(s: Any) -> None:
    """A writer that is collected leaves its connection open (gh-106684)."""

    @instead(s.StreamWriter)
    def __del__(self: Any) -> None:
        """Do nothing."""


# --- write_eof ---------------------------------------------------------------------------------


@saboteur("writer.can_write_eof.true-where-supported", "expected True, got False")
def can_write_eof_is_always_false(s: Any) -> None:
    """can_write_eof() is false on a socket that can half-close."""

    @instead(s.StreamWriter)
    def can_write_eof(self: Any) -> bool:
        return False


@saboteur("writer.can_write_eof.false-on-tls", "expected False, got True")
def can_write_eof_is_always_true(s: Any) -> None:
    """can_write_eof() is true on TLS, which cannot half-close."""

    @instead(s.StreamWriter)
    def can_write_eof(self: Any) -> bool:
        return True


@saboteur("writer.write_eof.closes-write-end", "never ended")
def write_eof_does_nothing(s: Any) -> None:
    """write_eof sends no EOF."""

    @instead(s.StreamWriter)
    def write_eof(self: Any) -> None:
        """Do nothing."""


@saboteur("writer.write_eof.flushes-first", "(524,288 bytes), got b")
def write_eof_drops_what_is_queued(s: Any) -> None:
    """write_eof aborts the connection if something is queued."""
    real = s.StreamWriter.write_eof

    @instead(s.StreamWriter)
    def write_eof(self: Any) -> None:
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            real(self)


@saboteur("writer.write_eof.reading-goes-on", "raised ")
def write_eof_closes_the_connection(s: Any) -> None:
    """write_eof closes both directions."""

    @instead(s.StreamWriter)
    def write_eof(self: Any) -> None:
        self.close()


@saboteur("writer.write_eof.again-allowed", "raised RuntimeError")
def write_eof_may_be_called_once(s: Any) -> None:
    """A second write_eof raises RuntimeError."""
    real = s.StreamWriter.write_eof

    @instead(s.StreamWriter)
    def write_eof(self: Any) -> None:
        if getattr(self, "_ended", False):
            raise RuntimeError("ended already")
        self._ended = True
        real(self)


@saboteur("writer.write_eof.raises-on-tls", "expected NotImplementedError, nothing was raised")
def write_eof_on_tls_is_ignored(s: Any) -> None:
    """write_eof on TLS does nothing."""
    real = s.StreamWriter.write_eof

    @instead(s.StreamWriter)
    def write_eof(self: Any) -> None:
        if self.can_write_eof():
            real(self)
