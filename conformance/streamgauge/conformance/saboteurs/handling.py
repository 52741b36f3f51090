"""Saboteurs of a server's handlers: how they are called, kept alive, and what ends with them."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import weakref
from functools import partial
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


def _calling(s: Any, call: Any) -> None:
    """Have handlers called otherwise: `call` is given callback, reader and writer."""
    real = s.StreamReaderProtocol._handle

    @instead(s.StreamReaderProtocol)
    def _handle(self: Any, callback: Any, reader: Any, transport: Any) -> None:
        real(self, partial(call, callback), reader, transport)


@saboteur("handler.call.once-for-each-connection", "expected 1, got 2")
def a_handler_is_called_twice(s: Any) -> None:
    """The callback is called twice for each client."""
    real = s.StreamReaderProtocol._handle

    @instead(s.StreamReaderProtocol)
    def _handle(self: Any, *args: Any) -> None:
        real(self, *args)
        real(self, *args)


@saboteur("handler.call.once-for-each-connection", "a reader of its own")
def clients_share_a_reader(s: Any) -> None:
    """Every handler is given the first client's reader."""
    readers = []

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        readers.append(reader)
        return callback(readers[0], writer)

    _calling(s, call)


@saboteur("handler.call.receives-pair", "arguments by position and by keyword")
def a_handler_is_given_keywords(s: Any) -> None:
    """The callback is given its writer by keyword."""
    _calling(s, lambda callback, reader, writer: callback(reader, writer=writer))


@saboteur("handler.call.receives-pair", "first argument")
def a_handler_is_given_the_writer_first(s: Any) -> None:
    """The callback is given writer and reader."""
    _calling(s, lambda callback, reader, writer: callback(writer, reader))


@saboteur("handler.callable.plain", "raised ")
def a_plain_callback_has_to_be_done_when_it_returns(s: Any) -> None:
    """The connection is closed when a plain callback returns."""

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        result = callback(reader, writer)
        if not asyncio.iscoroutine(result):
            writer.close()
        return result

    _calling(s, call)


@saboteur(
    "handler.callable.coroutine-function", "never ended: `t.equal(await t.peer.recv_exactly(6)"
)
def a_coroutine_function_is_called_and_not_run(s: Any) -> None:
    """The coroutine that a handler returns is dropped."""

    def call(callback: Any, reader: Any, writer: Any) -> None:
        reader.kept = writer
        result = callback(reader, writer)
        if asyncio.iscoroutine(result):
            result.close()

    _calling(s, call)


@saboteur("handler.callable.coroutine-function", "tasks")
def handlers_share_a_task(s: Any) -> None:
    """One task runs every handler, one after the other."""
    _one_after_the_other(s)


@saboteur("handler.callable.concurrent", "never ended")
def a_handler_waits_for_the_one_before(s: Any) -> None:
    """A handler begins when the one before has ended."""
    _one_after_the_other(s)


def _one_after_the_other(s: Any) -> None:
    queues: Any = weakref.WeakKeyDictionary()

    async def run(queue: Any) -> None:
        while True:
            await (await queue.get())

    def call(callback: Any, reader: Any, writer: Any) -> None:
        loop = asyncio.get_running_loop()
        if loop not in queues:
            queues[loop] = asyncio.Queue()
            queues[loop].runner = loop.create_task(run(queues[loop]))
        result = callback(reader, writer)
        if asyncio.iscoroutine(result):
            queues[loop].put_nowait(result)

    _calling(s, call)


@saboteur(
    "handler.callable.returning-coroutine", "never ended: `t.equal(await t.peer.recv_exactly(6)"
)
def a_coroutine_that_a_plain_callable_returns_is_dropped(s: Any) -> None:
    """Only a coroutine function's coroutine is run, not one that a plain callable returns."""

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        reader.kept = writer
        result = callback(reader, writer)
        if asyncio.iscoroutine(result) and not inspect.iscoroutinefunction(callback):
            result.close()
            return None
        return result

    _calling(s, call)


@saboteur("handler.callable.in-context-of-start-server", "what the handler saw")
def handlers_see_no_context(s: Any) -> None:
    """Handlers run in an empty context."""
    _calling(
        s,
        lambda callback, reader, writer: (
            contextvars.Context().run(
                asyncio.get_running_loop().create_task, callback(reader, writer)
            )
            and None
        ),
    )


@saboteur("handler.callable.pause-reading-honoured", "read() of a paused transport")
def a_pause_in_a_callback_is_undone(s: Any) -> None:
    """Reading goes on when a callback that paused it has returned (gh-76002)."""
    real = s.StreamReaderProtocol._handle

    @instead(s.StreamReaderProtocol)
    def _handle(self: Any, callback: Any, reader: Any, transport: Any) -> None:
        real(self, callback, reader, transport)
        if not transport.is_reading():
            asyncio.get_running_loop().call_soon(transport.resume_reading)


@saboteur("handler.task.kept-alive", "the waiting handler to survive")
def handlers_are_held_weakly(s: Any) -> None:
    """Nobody holds a handler's task but the loop, weakly (gh-90467)."""
    handlers_are_held_while_they_are_connected(s)
    real = s.StreamReaderProtocol._handle

    @instead(s.StreamReaderProtocol)
    def _handle(self: Any, *args: Any) -> None:
        real(self, *args)
        self._task = None


@saboteur("handler.task.kept-alive-after-connection", "the waiting handler to survive")
def handlers_are_held_while_they_are_connected(s: Any) -> None:
    """A handler's task is held by its connection, and by nobody once that is gone."""
    held: Any = weakref.WeakSet()
    s.protocol._handlers_of = lambda loop: held


@saboteur("handler.exception.coroutine-function-reported", "exception handler was told of")
def a_handlers_error_is_told_to_nobody(s: Any) -> None:
    """An error that leaves a coroutine handler is swallowed; its connection is closed."""

    @instead(s.StreamReaderProtocol)
    def _report(self: Any, transport: Any, error: Any) -> None:
        transport.close()


@saboteur("handler.exception.coroutine-function-closes", "closing after the crash, got False")
def a_handlers_error_leaves_the_connection_open(s: Any) -> None:
    """An error that leaves a coroutine handler is reported, and its connection stays open."""
    real = s.StreamReaderProtocol._report

    @instead(s.StreamReaderProtocol)
    def _report(self: Any, transport: Any, error: Any) -> None:
        transport.close = lambda: None
        real(self, transport, error)


@saboteur("handler.exception.plain-callable-reported", "exception handler was told of")
def a_plain_callbacks_error_is_told_to_nobody(s: Any) -> None:
    """An error that leaves a plain callback is swallowed."""

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        try:
            return callback(reader, writer)
        except Exception:
            writer.close()

    _calling(s, call)


@saboteur("handler.exception.plain-callable-closes", "closing after the crash, got False")
def a_plain_callbacks_error_leaves_the_connection_open(s: Any) -> None:
    """An error that leaves a plain callback is reported, its connection stays open (gh-155928)."""

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        try:
            return callback(reader, writer)
        except Exception as error:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "unhandled", "exception": error}
            )

    _calling(s, call)


@saboteur("handler.exception.plain-callable-closes", "closing after it has given up")
def a_callback_that_gives_up_leaves_the_connection_open(s: Any) -> None:
    """A plain callback that raises CancelledError ends nothing."""

    def call(callback: Any, reader: Any, writer: Any) -> Any:
        try:
            return callback(reader, writer)
        except asyncio.CancelledError:
            return None

    _calling(s, call)


@saboteur("handler.exception.after-upgrade-ends-tls", "what the client was told last")
def a_crash_ends_the_connection_below_tls(s: Any) -> None:
    """When a handler raises, the transport is closed that its connection began with."""
    real = s.StreamReaderProtocol._handler_done

    @instead(s.StreamReaderProtocol)
    def _handler_done(self: Any, transport: Any, writer: Any, handler: Any) -> None:
        self._transport = transport
        real(self, transport, writer, handler)


@saboteur("handler.return.keeps-connection", "the connection to stay open")
def a_connection_ends_with_its_handler(s: Any) -> None:
    """The connection is closed when its handler returns, whoever holds the writer."""
    real = s.StreamReaderProtocol._handler_done

    @instead(s.StreamReaderProtocol)
    def _handler_done(self: Any, transport: Any, writer: Any, handler: Any) -> None:
        real(self, transport, writer, handler)
        transport.close()


@saboteur("handler.return.closes-abandoned-connection", "the connection to be closed")
def the_protocol_holds_its_writer(s: Any) -> None:
    """A handler's writer is held by its protocol and never collected (gh-114914)."""
    real = s.StreamReaderProtocol._handle

    @instead(s.StreamReaderProtocol)
    def _handle(self: Any, *args: Any) -> None:
        real(self, *args)
        self._kept = self._stream_writer


@saboteur("handler.cancelled.closes-connection", "closing after the cancellation")
def a_cancelled_handler_leaves_its_connection_open(s: Any) -> None:
    """The connection of a handler that was cancelled stays open."""
    real = s.StreamReaderProtocol._handler_done

    @instead(s.StreamReaderProtocol)
    def _handler_done(self: Any, transport: Any, writer: Any, handler: Any) -> None:
        if not handler.cancelled():
            real(self, transport, writer, handler)
