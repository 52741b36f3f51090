"""The protocol that joins a reader and a writer to a transport.

Here live the transport's callbacks and the life of a server's handler. Bytes go to the reader,
pauses and the connection's end to ``flow``; nothing is buffered here and nothing is written.

Who keeps whom alive: transport → protocol → reader → transport. Nothing refers to the writer but
its user, a handler's frame for instance; so an abandoned writer is collected, and closes the
connection. What is paid for it: a program that keeps only the reader loses the connection, as it
does with asyncio since 3.11.5.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from functools import partial
from typing import Any, Callable, Set

from .flow import FlowControlMixin
from .intake import Intake
from .loops import set_loop
from .reader import StreamReader
from .transports import is_reading, keep_paused
from .writer import StreamWriter

ClientConnectedCallback = Callable[[StreamReader, StreamWriter], Any]

_Handlers = Set["asyncio.Future[Any]"]
_homeless: _Handlers = set()  # of loops that take no attributes

# Up to 3.8 a cancelled handler's frame, and so its writer, is gone before the task is done: the
# writer would complain of not having been closed, just before it is.
_FRAMES_GO_FIRST = sys.version_info < (3, 9)


class StreamReaderProtocol(FlowControlMixin, asyncio.StreamReaderProtocol):
    """Feeds a reader from a transport and, for a server, starts the handler.

    It can be subclassed with asyncio's constructor and hooks. It is a kind of asyncio's protocol
    for ``isinstance`` and type checkers only: nothing of that is used.

    Args:
        stream_reader: The reader that is fed; held until the connection is lost.
        client_connected_cb: For servers: called with the reader and a new writer once the
            connection is made. If it returns a coroutine, that becomes a task, which is kept
            alive. An exception from either goes to the loop's exception handler, and closes the
            connection; so does cancelling the task.
        loop: The loop of the transport; the running one unless told.

    Source: undocumented by edition 3.8; the interface is asyncio's, which programs subclass.
    """

    # Class-level defaults, as in `flow`; some are asyncio's, which few programs ever set.
    _writer_ref: Any = None  # gives the writer, as long as there is one
    _stream_reader: Any = None  # a property there
    _strong_reader: Any = None
    _reject_connection = False
    _source_traceback: Any = None
    _task: Any = None  # the handler's, while it runs
    _guessed = False  # the loop was not running and may be another than the transport's

    def __init__(
        self,
        stream_reader: StreamReader | None,
        client_connected_cb: ClientConnectedCallback | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        # What FlowControlMixin sets, set here: each connection begins with a call less.
        if loop is None:
            loop = asyncio._get_running_loop()
            if loop is None:
                loop = set_loop()
                self._guessed = True
        self._loop: Any = loop
        self._calm = self._over_ssl = self._connection_lost = False
        self._stream_reader = stream_reader
        self._client_connected_cb = client_connected_cb
        self._transport: Any = None

    def __init_subclass__(cls, **kwds: Any) -> None:
        super().__init_subclass__(**kwds)
        cls._shares_transport = True  # its hooks have the transport too, and may close it
        asked = ("_drain_helper", "_get_close_waiter")
        cls._asked = any(
            getattr(cls, name) is not getattr(FlowControlMixin, name) for name in asked
        )

    @property
    def _stream_writer(self) -> Any:
        """The writer, as long as somebody uses it."""
        return self._writer_ref and self._writer_ref()

    @_stream_writer.setter
    def _stream_writer(self, writer: Any) -> None:
        """Hold a writer that a subclass has made, until the connection ends."""
        self._writer_ref = lambda: writer

    @property
    def _stream_reader_wr(self) -> Any:
        """What returns the reader when called, or None; set, it names another reader."""
        reader = self._stream_reader
        return None if reader is None else weakref.ref(reader)

    @_stream_reader_wr.setter
    def _stream_reader_wr(self, reference: Any) -> None:
        if isinstance(self._stream_reader, Intake):
            self._stream_reader._settle()  # what it receives in one place comes here again
        self._stream_reader = None if reference is None else reference()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the transport; for a server, start the handler.

        A second call, after an upgrade to TLS, exchanges the transport below reader and writer
        and starts nothing.
        """
        if self._transport is not None:
            self._replace_transport(transport)
            return
        if self._reject_connection:
            self._reject(transport)
            return
        self._transport = transport
        self._over_ssl = transport.get_extra_info("sslcontext") is not None
        if self._guessed:
            self._loop = asyncio._get_running_loop() or self._loop
        reader = self._stream_reader
        if reader is not None:
            reader.set_transport(transport)
        if self._client_connected_cb is not None:
            handle = partial(self._handle, self._client_connected_cb, reader, transport)
            if is_reading(transport):
                handle()
            else:
                # uvloop begins to read when this returns, and would undo a pause by the handler,
                # which therefore starts after that. What the socket held already may come first.
                self._loop.call_soon(handle)

    def data_received(self, data: bytes) -> None:
        """Feed the reader."""
        reader = self._stream_reader
        if reader is not None:
            reader.feed_data(data)

    def eof_received(self) -> bool:
        """Tell the reader of EOF; the sending side stays open, except under TLS, which can't."""
        reader = self._stream_reader
        if reader is not None:
            reader.feed_eof()
        return not self._over_ssl

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell all who wait, and the reader, of the end: of EOF, or of the error.

        Only the first call counts.

        Args:
            exc: What ended it; None after an orderly end.
        """
        FlowControlMixin.connection_lost(self, exc)
        reader = self._stream_reader
        if reader is not None:
            self._stream_reader = None
            if exc is None:
                reader.feed_eof()
            elif isinstance(reader, Intake):
                reader._end_by(exc)
            else:
                reader.set_exception(exc)
        self._transport = None
        self._writer_ref = None
        if self._task:
            self._task = None

    _end = connection_lost  # without a subclass's part in it

    def _feeds_only(self, reader: Any) -> bool:
        """Return whether received bytes are fed to ``reader`` here and nothing else is done."""
        hook = getattr(self.data_received, "__func__", None) is not _DATA_RECEIVED
        return self._stream_reader is reader and not (hook or self._over_ssl)

    def _reject(self, transport: Any) -> None:
        """Do what a program asks for that sets ``_reject_connection`` before there is one."""
        context = {
            "message": "An open stream was garbage collected prior to establishing network "
            "connection, or rejected"
        }
        if self._source_traceback:
            context["source_traceback"] = self._source_traceback
        loop: Any = self._loop
        loop.call_exception_handler(context)
        transport.abort()

    def _replace_writer(self, writer: Any) -> None:
        """Take a writer and its transport instead of the former."""
        self._writer_ref = weakref.ref(writer)
        self._replace_transport(writer._transport)

    def _replace_transport(self, transport: Any) -> None:
        """Take ``transport`` instead of the former: the connection was upgraded to TLS."""
        self._transport = transport
        self._over_ssl = transport.get_extra_info("sslcontext") is not None
        self._paused = False
        reader = self._stream_reader
        if reader is not None:
            reader._replace_transport(transport)
        writer = self._stream_writer
        if writer is not None:
            writer._transport = transport

    def _handle(self, callback: ClientConnectedCallback, reader: Any, transport: Any) -> None:
        loop: Any = self._loop
        writer = StreamWriter(transport, self, reader, loop)
        self._writer_ref = weakref.ref(writer)
        try:
            result = callback(reader, writer)
        except Exception as error:
            self._report(transport, error)
            return
        except asyncio.CancelledError:  # as a coroutine's: no error, and an end
            transport.close()
            return
        if asyncio.iscoroutine(result):
            handler = loop.create_task(result)
            _handlers_of(loop).add(handler)
            self._task = handler
            held = writer if _FRAMES_GO_FIRST else None
            handler.add_done_callback(partial(self._handler_done, transport, held))
        keep_paused(loop, transport)

    def _handler_done(self, transport: Any, held: Any, handler: asyncio.Future[Any]) -> None:
        _handlers_of(self._loop).discard(handler)
        self._task = None
        transport = self._transport or transport  # TLS may have been started meanwhile
        if handler.cancelled():
            transport.close()
        elif handler.exception() is not None:
            self._report(transport, handler.exception())

    def _report(self, transport: Any, error: BaseException | None) -> None:
        """Hand an exception of the callback to the loop's handler and close the connection."""
        loop: Any = self._loop
        loop.call_exception_handler(
            {
                "message": "Unhandled exception in client_connected_cb",
                "exception": error,
                "transport": transport,
            }
        )
        transport.close()

    # Instead of asyncio's, which looks at a future that may complain: there is none here. It is
    # called without arguments and returns None, without the steps of a function of Python.
    __del__ = type(None)


def _handlers_of(loop: Any) -> _Handlers:
    """Return where a loop's handlers are held until they are done, or the loop is gone.

    The loop refers to its tasks weakly: a handler that waits for something nobody else holds has
    to be held, even when its connection and its server are gone.
    """
    try:
        return loop.__dict__.setdefault("_streamgauge_handlers", set())  # type: ignore[no-any-return]
    except AttributeError:
        return _homeless


_DATA_RECEIVED = StreamReaderProtocol.data_received
