"""Waiting for the end of a connection whose protocol is not this package's.

A writer can be built over any protocol: asyncio's own, asyncio.subprocess's, or the bare
``asyncio.streams.FlowControlMixin`` of the recipe that makes a stream of standard output. Here
lives how such a protocol is asked whether the connection has ended, and what a writer sees of it
where it would look at our own (``flow``).
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import Any, Iterator

from .reader import StreamReader

# asyncio's FlowControlMixin has the method and raises NotImplementedError in it.
_UNIMPLEMENTED = getattr(
    getattr(asyncio.streams, "FlowControlMixin", None), "_get_close_waiter", None
)


class ForeignFlow:
    """A foreign protocol's connection, as a writer looks at one of ours.

    Args:
        protocol: The protocol. If it can't be asked, its ``connection_lost`` is listened to from
            :meth:`start` on, until it was called.
    """

    # A writer can't know: its drains ask the protocol, each time, and it closes by `_close`.
    _calm = False
    _paused = True
    _connection_lost = False
    _over_ssl = True
    _shares_transport = True
    _asked = True

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._listening = False
        self._ended = False
        self._error: BaseException | None = None
        self._waiters: list[asyncio.Future[None]] = []

    def _close(self, transport: Any) -> None:
        """Listen for the end, and close the transport."""
        self.start()
        transport.close()

    def _bound_tls_close(self, transport: Any) -> None:
        """Leave the bound to the protocol."""

    @contextmanager
    def _shaking_hands(self) -> Iterator[None]:
        """Let the protocol take itself for one over TLS; see `flow`."""
        before = getattr(self._protocol, "_over_ssl", None)
        if before is None:
            yield
            return
        self._protocol._over_ssl = True
        try:
            yield
        except BaseException:
            self._protocol._over_ssl = before
            raise

    def _end(self, exc: BaseException | None) -> None:
        """Tell the protocol that the connection has ended."""
        self._protocol.connection_lost(exc)

    def start(self) -> None:
        """Listen, if that is needed and not done yet; to be called before closing."""
        if self._listening or _can_be_asked(self._protocol) or _is_never_told(self._protocol):
            return
        self._listening = True
        if getattr(self._protocol, "_connection_lost", False):
            self._ended = True
            return
        self._listen()

    async def _get_close_waiter(self, writer: Any) -> None:
        """Wait for the end; cancelling it cancels nothing that others wait for.

        Raises:
            Exception: What ended the connection, if an error did.
        """
        self.start()
        if not self._listening:
            await _shared(self._protocol._get_close_waiter(writer))
            return
        if not self._ended:
            waiter = asyncio.get_running_loop().create_future()
            waiting = (other for other in self._waiters if not other.done())
            self._waiters = [*waiting, waiter]  # without those that were given up
            await waiter
        if self._error is not None:
            raise self._error

    def _listen(self) -> None:
        # Put before the method on this one instance; the class, and what it does, stay.
        protocol = self._protocol
        connection_lost = protocol.connection_lost

        def listening(exc: BaseException | None) -> None:
            protocol.__dict__.pop("connection_lost", None)
            self._note(exc)
            connection_lost(exc)

        protocol.connection_lost = listening

    def _note(self, exc: BaseException | None) -> None:
        self._ended = True
        self._error = exc
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


class AskedReader:
    """A reader whose exception has to be asked for, as one that keeps it as a plain value.

    Args:
        reader: The reader, or None.

    Raises:
        AssertionError: It has no ``exception()`` to ask for.
    """

    def __init__(self, reader: Any) -> None:
        if reader is not None and not callable(getattr(reader, "exception", None)):
            raise AssertionError(
                f"reader has to be None or a stream reader with exception(), got {reader!r}"
            )
        self._reader = reader

    @property
    def _failure(self) -> Any:
        return None if self._reader is None else self._reader.exception()

    def _kept_failure(self) -> Any:
        error = self._failure
        kept = isinstance(self._reader, StreamReader) and error is self._reader._failure
        return self._reader._kept_failure() if kept else error


def _is_never_told(protocol: Any) -> bool:
    return getattr(protocol, "connection_lost", None) is None


def _can_be_asked(protocol: Any) -> bool:
    method = getattr(protocol, "_get_close_waiter", None)
    return method is not None and getattr(method, "__func__", method) is not _UNIMPLEMENTED


async def _shared(waiter: Any) -> None:
    """Wait for a future that may be everybody's, without cancelling it when cancelled."""
    if not asyncio.isfuture(waiter):
        await waiter
        return
    if not waiter.done():
        await asyncio.wait([waiter])
    if not waiter.cancelled():  # else some other wait took it along: nothing more is known
        waiter.result()
