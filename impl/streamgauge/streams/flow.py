"""Flow control of the sending side, and waiting for the connection's end.

Here lives what a protocol has to remember for writers: whether the transport asks for a pause,
whether the connection is lost and by what, and who waits for either. Nothing here reads, writes
or knows of stream objects. A writer asks through ``_drain_helper()`` and
``_get_close_waiter()``, the two names that asyncio's own writers and protocols speak to each
other, so that each works with the other's counterpart.

Theory of operation. State is kept as plain values, and a future exists only while somebody waits
on it, one for each wait. So a cancelled wait leaves the others alone, and a connection that ends
with an error nobody asks about leaves nothing behind that could complain of never having been
retrieved.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Any, Awaitable, Iterator

from .errors import as_kept, traceback_of
from .transports import closes_unbounded, is_closing

# How long a TLS peer may take to answer when this side closes: what asyncio allows since 3.11.
TLS_SHUTDOWN_TIMEOUT_S = 30.0


# What stands for those who wait while there are none. Never changed.
_NOBODY: dict[asyncio.Future[None], None] = {}


class FlowControlMixin(asyncio.BaseProtocol):
    """The writer's half of a protocol: pausing, draining, the end of the connection.

    Args:
        loop: The loop that wakes those who wait; the running one unless told.
    """

    # Class-level defaults for attributes that few connections ever set, or but once.
    _paused = False
    _close_waiters: tuple[asyncio.Future[None], ...] = ()
    _closed_future: asyncio.Future[None] | None = None
    _connection_error: BaseException | None = None
    _connection_traceback: Any = None
    _asked = False  # a subclass has its own part in what a writer looks up here
    _tls_close_timer: asyncio.TimerHandle | None = None
    _shares_transport = False  # others have the transport, too, and may close it
    _drain_waiters = _NOBODY  # or their futures, in the order of their calls

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop if loop is not None else asyncio._get_running_loop()
        # A drain found nothing to wait for, and since then the transport has told neither of a
        # pause nor of the connection's loss. (What a writer did since, it knows itself.)
        self._calm = False
        self._over_ssl = False
        self._connection_lost = False

    def pause_writing(self) -> None:
        """Note that the transport's buffer passed its high-water mark: drains block."""
        self._paused = True
        self._calm = False

    def resume_writing(self) -> None:
        """Note that the transport's buffer fell to its low-water mark: all drains go on."""
        self._paused = False
        _wake(self._drain_waiters)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note the end of the connection and wake everybody who waits for it.

        Only the first call counts.

        Args:
            exc: What ended it; None after an orderly end.
        """
        if self._connection_lost:
            return
        self._connection_lost = True
        self._calm = False
        if exc is not None and self._connection_error is None:  # else closing was given up
            self._connection_error = exc
            self._connection_traceback = traceback_of(exc)
        if self._tls_close_timer:
            self._tls_close_timer.cancel()
            self._tls_close_timer = None
        if self._drain_waiters:
            _wake(self._drain_waiters)
        if self._close_waiters:
            for waiter in self._close_waiters:
                if not waiter.done():
                    if self._connection_error is None:
                        waiter.set_result(None)
                    else:
                        waiter.set_exception(self._kept_error())
            self._close_waiters = ()

    _end = connection_lost  # without a subclass's part in it

    async def _drain_helper(self) -> None:
        """Wait until the transport takes more; any number of tasks may.

        Raises:
            ConnectionResetError: The connection was lost before.
            BaseException: What ended the connection, if an error ended it during the wait.
        """
        if self._connection_lost:
            raise ConnectionResetError("Connection lost")
        if not self._paused:
            return
        self._drain_waiters = waiters = self._drain_waiters or {}
        waiter = (self._loop or asyncio.get_running_loop()).create_future()
        waiters[waiter] = None
        try:
            await waiter
        finally:
            waiters.pop(waiter, None)
        if self._connection_lost and self._connection_error is not None:
            raise self._kept_error()

    def _kept_error(self) -> Any:
        """Return what ended the connection, to be raised."""
        return as_kept(self._connection_error, self._connection_traceback)

    def _get_close_waiter(self, stream: Any) -> Awaitable[None]:
        """Return what waits until the connection has ended, for one who waits.

        Raises, when awaited:
            BaseException: What ended the connection, if an error did.
        """
        if self._connection_lost:
            return self._ended()
        waiter = (self._loop or asyncio.get_running_loop()).create_future()
        if not self._close_waiters:
            self._close_waiters = (waiter,)
        else:  # without those that were given up
            waiting = (other for other in self._close_waiters if not other.done())
            self._close_waiters = (*waiting, waiter)
        return waiter

    async def _ended(self) -> None:
        if self._connection_error is not None:
            raise self._kept_error()

    @property
    def _closed(self) -> asyncio.Future[None]:
        """The end of the connection, one future for all who look at it; asyncio's name for it."""
        closed = self._closed_future
        if closed is None:
            closed = (self._loop or asyncio.get_running_loop()).create_future()
            closed.add_done_callback(_retrieve)
            self._closed_future = closed
            if not self._connection_lost:
                self._close_waiters = (*self._close_waiters, closed)
            elif self._connection_error is None:
                closed.set_result(None)
            else:
                closed.set_exception(self._kept_error())
        return closed

    @property
    def _drain_waiter(self) -> Any:
        """The first that waits in a drain, or None: asyncio up to 3.9 has but one."""
        return next(iter(self._drain_waiters), None)

    @contextmanager
    def _shaking_hands(self) -> Iterator[None]:
        """Be one over TLS from now on, unless that fails.

        The peer may end the connection in the turn in which the handshake is done, and the TLS
        layer logs a complaint of a protocol that would then keep its side open.
        """
        before = self._over_ssl
        self._over_ssl = True
        try:
            yield
        except BaseException:
            self._over_ssl = before
            raise

    def _close(self, transport: Any) -> None:
        """Close a TLS transport, which asyncio's is broken by if it is closing already."""
        if not is_closing(transport):
            transport.close()
        self._bound_tls_close(transport)

    def _bound_tls_close(self, transport: Any) -> None:
        """See to it that closing a TLS connection ends even if the peer never answers.

        asyncio up to 3.10 waits for the peer's close_notify for ever. Later versions, and other
        loops, have a bound of their own.
        """
        if self._connection_lost or self._tls_close_timer or not closes_unbounded(transport):
            return
        loop = self._loop or asyncio.get_running_loop()
        self._tls_close_timer = loop.call_later(
            TLS_SHUTDOWN_TIMEOUT_S, self._give_up_closing, transport
        )

    def _give_up_closing(self, transport: Any) -> None:
        self._connection_error = TimeoutError(
            f"TLS shutdown: no answer from the peer in {TLS_SHUTDOWN_TIMEOUT_S} seconds, aborted"
        )
        transport.abort()


def _retrieve(future: asyncio.Future[None]) -> None:
    """Look at a future's exception, so that none complains of not having been looked at."""
    if not future.cancelled():
        future.exception()


def _wake(waiters: dict[asyncio.Future[None], None]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
