"""The writer: what a program does with the sending side of a connection.

Here live checking and handing on what is to be sent, ``drain``, closing, and the upgrade to TLS.
Nothing is buffered here: bytes go to the transport at once. Whether it is time to wait is the
protocol's knowledge (``flow``); ours is asked without a coroutine when there is nothing to wait
for, and any other through the names that asyncio's protocols have.
"""

from __future__ import annotations

import asyncio
import warnings
from contextlib import suppress
from functools import partial
from typing import Any, Iterable

from .arguments import BytesLike, checked_data, checked_lines, checked_tls
from .closing import AskedReader, ForeignFlow
from .flow import FlowControlMixin
from .landing import Landing
from .reader import StreamReader
from .transports import disown_tls, is_closing, start_tls

# The protocol's method that asyncio's own start_tls calls in the end, by its name on this Python.
_REPLACE = (
    "_replace_writer"
    if hasattr(asyncio.StreamReaderProtocol, "_replace_writer")
    else "_replace_transport"
)

# Drains over TLS, with nothing to wait for, of which one gives the loop a turn.
TLS_DRAINS_A_TURN = 128


class StreamWriter(asyncio.StreamWriter):
    """A stream of bytes to be sent.

    It is a kind of asyncio's writer for ``isinstance`` and type checkers only: nothing of that is
    used.

    A writer that is collected without having been closed closes the connection, with a
    ResourceWarning.

    Args:
        transport: Where bytes go.
        protocol: The transport's protocol: this package's, asyncio's, or asyncio.subprocess's.
        reader: The other half, whose exception ``drain`` raises; None if there is none.
        loop: The loop of the transport.

    Raises:
        AssertionError: ``reader`` is neither None nor has an ``exception()`` to ask for.

    Source: edition 3.8, StreamWriter.
    """

    __slots__ = (
        "_flow",
        "_loop",
        "_protocol",
        "_reader",
        "_state",
        "_touched",
        "_transport",
    )

    _tls_drains = 0

    def __init__(
        self, transport: Any, protocol: Any, reader: Any, loop: asyncio.AbstractEventLoop
    ) -> None:
        # Ours keep their state as plain values, which are looked at without a call.
        self._state = reader if reader.__class__ is StreamReader else AskedReader(reader)
        if isinstance(protocol, FlowControlMixin):
            self._flow: Any = protocol
        else:
            self._flow = ForeignFlow(protocol)
        self._transport = transport
        self._protocol = protocol
        self._reader = reader
        self._loop = loop
        # Written to or closed since a drain has asked the transport whether it is closing.
        self._touched = True

    def __repr__(self) -> str:
        shown = [f"transport={self._transport!r}"]
        if self._reader is not None:
            shown.append(f"reader={self._reader!r}")
        return f"<{' '.join(['StreamWriter', *shown])}>"

    @property
    def transport(self) -> Any:
        """The underlying transport."""
        self._flow._shares_transport = True
        self._flow._calm = False
        return self._transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport knows under ``name``, else ``default``.

        Source: edition 3.8, StreamWriter.get_extra_info.
        """
        return self._transport.get_extra_info(name, default)

    def write(self, data: BytesLike) -> None:
        """Send bytes: at once as far as the socket takes them, the rest from a buffer.

        Args:
            data: Bytes, bytearray or memoryview. Changing it afterwards never changes what is
                sent.

        Raises:
            TypeError: ``data`` is of another type; nothing is sent.
            RuntimeError: :meth:`write_eof` was called before.

        Source: edition 3.8, StreamWriter.write.
        """
        self._touched = True
        try:
            self._transport.write(data if data.__class__ is bytes else checked_data(data))
        except RuntimeError:
            # What is written to a connection that is gone is dropped, as asyncio's transports do
            # it, where uvloop's would raise; `drain` tells.
            if not self._flow._connection_lost:
                raise

    def writelines(self, data: Iterable[BytesLike]) -> None:
        """Send the items of an iterable, in order, as one :meth:`write` of them all would.

        Raises:
            TypeError: ``data`` is not an iterable of bytes, bytearray or memoryview objects;
                nothing is sent.
            RuntimeError: :meth:`write_eof` was called before.

        Source: edition 3.8, StreamWriter.writelines.
        """
        self._touched = True
        try:
            self._transport.write(checked_lines(data))
        except RuntimeError:
            if not self._flow._connection_lost:  # as in `write`
                raise

    def can_write_eof(self) -> bool:
        """Return whether the transport can close its sending side alone; under TLS it can't."""
        return bool(self._transport.can_write_eof())

    def write_eof(self) -> None:
        """Close the sending side once what was written is sent; reading goes on.

        After :meth:`close`, and when the connection is lost, it does nothing: `drain` tells.

        Raises:
            NotImplementedError: The transport can't, see :meth:`can_write_eof`.

        Source: edition 3.8, StreamWriter.write_eof.
        """
        transport = self._transport
        if self._flow._connection_lost:
            return  # `drain` tells; what transports that are gone do here differs
        if is_closing(transport) and transport.can_write_eof():
            return
        with suppress(OSError):  # the peer has gone, and the loop has not told yet
            transport.write_eof()

    def close(self) -> None:
        """Close the connection once what was written is sent.

        Source: edition 3.8, StreamWriter.close.
        """
        self._touched = True
        if self._flow._over_ssl:
            self._flow._close(self._transport)
        else:
            self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or being closed."""
        # A transport that is gone may not say so: asyncio's TLS up to 3.10 doesn't.
        return self._flow._connection_lost or is_closing(self._transport)

    async def wait_closed(self) -> None:
        """Wait until the connection is closed; :meth:`close` is to be called before.

        Raises:
            TimeoutError: A TLS peer did not answer the shutdown (30 seconds unless told).
            Exception: What ended the connection, if an error did; each call raises it.

        Cancelling it cancels nothing but this wait.

        Source: edition 3.8, StreamWriter.wait_closed.
        """
        flow = self._flow
        if flow._over_ssl:
            flow._bound_tls_close(self._transport)
        if flow._asked:
            await flow._get_close_waiter(self)
        elif not flow._connection_lost:
            try:
                await flow._get_close_waiter(self)
            except BaseException as error:
                if error is flow._connection_error:
                    raise flow._kept_error()  # noqa: B904  # it is the same
                raise
        elif flow._connection_error is not None:
            raise flow._kept_error()

    async def drain(self) -> None:
        """Wait until it is appropriate to write more; return at once if it is so now.

        Any number of tasks may wait. Returning at once, it does not let other tasks run, but for
        one call in 128 over TLS.

        Raises:
            ConnectionResetError: The connection is lost.
            Exception: What ended the connection, or the reader's exception.

        Cancelling it loses nothing and leaves other drains waiting.

        Source: edition 3.8, StreamWriter.drain.
        """
        if self._state._failure is not None:
            raise self._state._kept_failure()
        if not self._touched and self._flow._calm:
            return
        flow = self._flow
        try:
            closing = self._transport.is_closing()
        except AttributeError:
            closing = is_closing(self._transport)
        if closing:
            # Let the loop tell the protocol what it may know already: else a program that only
            # writes and drains would never learn that the connection is gone.
            await asyncio.sleep(0)
        elif flow._calm:  # nothing has happened but what this writer did, which went well
            self._touched = False
            return
        if flow._paused or flow._connection_lost or flow._asked:
            await self._protocol._drain_helper()
        elif flow._over_ssl:
            # A TLS transport does not see that the one below it is closing (gh-80982): the loop
            # needs a turn now and then to tell a program that does nothing but write and drain.
            self._tls_drains += 1
            if self._tls_drains % TLS_DRAINS_A_TURN == 0:
                await asyncio.sleep(0)
        elif not (closing or flow._shares_transport):
            flow._calm = True
            self._touched = False

    async def start_tls(
        self,
        sslcontext: Any,
        *,
        server_hostname: str | None = None,
        ssl_handshake_timeout: float | None = None,
        ssl_shutdown_timeout: float | None = None,
    ) -> None:
        """Upgrade the connection to TLS, on every Python whose loop can.

        On a server, what was received but not read belongs to the handshake and goes to the TLS
        layer. On a client it came in the clear, from anybody, and would pass for the peer's
        encrypted word: it is discarded, with a RuntimeWarning. Programs that use a plain reader and
        writer find both upgraded.

        Args:
            sslcontext: The SSL context to use.
            server_hostname: The host that the server's certificate has to name; clients only.
            ssl_handshake_timeout: Seconds the handshake may take; the loop's default is 60.
            ssl_shutdown_timeout: Seconds closing may take; the loop's default is 30. Only where
                the loop knows it.

        Raises:
            TypeError: ``sslcontext`` is not a context, or the transport can't be upgraded; the
                connection is untouched.
            ValueError: The client's context checks host names and there is no
                ``server_hostname``; nothing was sent.
            Exception: What broke the handshake; then the connection is closed.

        Cancelling it closes the connection.

        Source: edition 3.11, StreamWriter.start_tls.
        """
        protocol = self._protocol
        server_side = getattr(protocol, "_client_connected_cb", None) is not None
        checked_tls(sslcontext, server_hostname, server_side)
        timeouts = {
            "ssl_handshake_timeout": ssl_handshake_timeout,
            "ssl_shutdown_timeout": ssl_shutdown_timeout,
        }
        await self.drain()
        plain, lent = self._transport, getattr(self._reader, "_lent", None)
        clear: list[bytes] = []
        with self._flow._shaking_hands():
            try:
                upgraded = await start_tls(
                    self._loop,
                    plain,
                    protocol,
                    sslcontext,
                    received=self._take_received if server_side else partial(self._discard, clear),
                    server_side=server_side,
                    server_hostname=server_hostname,
                    **{name: value for name, value in timeouts.items() if value is not None},
                )
            except BaseException as error:
                receiver = plain.get_protocol()
                if receiver is not protocol and not isinstance(receiver, Landing):  # but TLS is
                    self._lose(plain, error)
                raise
        if lent is False:  # asyncio has looked into the buffer, and is done with it
            self._reader._lent = False
            self._reader._stop_lending()
        self._go_on_with(upgraded)
        if clear:
            warnings.warn(
                f"start_tls() discarded {len(clear[0])} bytes that came in the clear, before the "
                "handshake, and that nobody had read",
                RuntimeWarning,
                stacklevel=2,
            )

    def _discard(self, clear: list[bytes]) -> bytes:
        """Take what came in the clear to ``clear``; none of it is the TLS layer's."""
        data = self._take_received()
        if data:
            clear.append(data)
        return b""

    def _take_received(self) -> bytes:
        """Take what the reader has received and nobody has read."""
        if isinstance(self._reader, StreamReader):
            return self._reader._take_all()
        buffer: Any = getattr(self._reader, "_buffer", b"")
        data = bytes(buffer)
        if data:
            buffer.clear()
        return data

    def _go_on_with(self, transport: Any) -> None:
        self._flow._calm = False
        self._transport = transport
        protocol = self._protocol
        if hasattr(protocol, _REPLACE):
            getattr(protocol, _REPLACE)(self if _REPLACE == "_replace_writer" else transport)
            return
        protocol._transport = transport
        protocol._over_ssl = True
        if self._reader is not None:
            self._reader._transport = transport

    def _lose(self, transport: Any, error: BaseException) -> None:
        """Close a connection whose handshake failed and tell everybody who waits for it.

        The TLS layer of some Pythons tells the protocol itself, of others it does not.
        """
        disown_tls(transport)
        transport.close()
        known = error if isinstance(error, Exception) else None
        self._flow._end(known)

    @property
    def _complete_fut(self) -> asyncio.Future[None]:
        """A future that is done; asyncio keeps one here."""
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        return done

    def __del__(self, warn: Any = warnings.warn) -> None:
        try:
            flow = self._flow
        except AttributeError:  # the constructor has not accepted the reader
            return
        if flow._connection_lost or is_closing(self._transport):
            return
        if self._loop.is_closed():
            warn("loop is closed", ResourceWarning)
            return
        self.close()  # before anything else that may fail
        if flow._over_ssl:
            flow._bound_tls_close(self._transport)
        warn(f"unclosed {self!r}", ResourceWarning)
