"""Checks of what a server's callback, plain or a coroutine function, is promised.

How a server is started and stopped stands in `start_server`, `start_unix_server`, `serving`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import weakref
from typing import Any, Coroutine, List

from streamgauge.conformance.registry import SERVERS, check
from streamgauge.conformance.trial import Trial

SETTING: contextvars.ContextVar[str] = contextvars.ContextVar("SETTING")


class HandlerCrashedError(Exception):
    """What the handlers here raise."""


# --- the call ----------------------------------------------------------------------------------


@check("handler.call.once-for-each-connection", links=SERVERS)
async def each_client_has_one_call_with_streams_of_its_own(t: Trial) -> None:
    arrivals = t.arrivals()
    await t.serve(arrivals)
    first = await t.dial()
    first_reader, first_writer = await arrivals.get()
    await t.idle()
    t.equal(arrivals.count, 1, "calls of the handler for one client")
    second = await t.dial()
    second_reader, second_writer = await arrivals.get()
    t.false(second_reader is first_reader, "each client to have a reader of its own")
    await first.send(b"from the first")
    await second.send(b"from the second")
    t.equal(await first_reader.readexactly(14), b"from the first")
    t.equal(await second_reader.readexactly(15), b"from the second")
    second_writer.write(b"to the second")
    first_writer.write(b"to the first")
    t.equal(await first.recv_exactly(12), b"to the first")
    t.equal(await second.recv_exactly(13), b"to the second")
    await t.idle()
    t.equal(arrivals.count, 2, "calls of the handler for two clients")


@check("handler.call.receives-pair", links=SERVERS)
async def the_callback_is_given_a_stream_reader_and_a_stream_writer(t: Trial) -> None:
    given: asyncio.Queue[Any] = asyncio.Queue()

    def note(*arguments: Any, **keywords: Any) -> None:
        given.put_nowait((arguments, keywords))
        t.writers.extend(arguments[1:])

    await t.serve(note)
    await t.dial()
    arguments, keywords = await given.get()
    t.equal((len(arguments), keywords), (2, {}), "arguments by position and by keyword")
    t.is_instance(arguments[0], t.subject.StreamReader, "first argument")
    t.is_instance(arguments[1], t.subject.StreamWriter, "second argument")


# --- what may be called ------------------------------------------------------------------------


@check("handler.callable.plain", links=SERVERS)
async def what_a_plain_callback_started_goes_on_after_it_has_returned(t: Trial) -> None:
    async def answer(reader: Any, writer: Any) -> None:
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    def callback(reader: Any, writer: Any) -> None:
        t.start(answer(reader, writer))

    await t.serve(callback)
    await t.dial()
    await t.peer.send(b"ping")
    t.equal(await t.peer.recv_exactly(6), b"<ping>")


@check("handler.callable.coroutine-function", links=SERVERS)
async def a_coroutine_function_runs_as_a_task_of_its_own(t: Trial) -> None:
    tasks: List[Any] = []

    async def answer(reader: Any, writer: Any) -> None:
        tasks.append(asyncio.current_task())
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    await t.serve(answer)
    for _ in range(2):
        await t.dial()
        await t.peer.send(b"ping")
        t.equal(await t.peer.recv_exactly(6), b"<ping>")
    t.false(None in tasks, "each handler to run in a task")
    t.equal(len({*tasks, asyncio.current_task()}), 3, "tasks: two handlers' and the check's")


@check("handler.callable.concurrent", links=SERVERS)
async def a_handler_that_waits_keeps_no_other_from_its_client(t: Trial) -> None:
    async def answer(reader: Any, writer: Any) -> None:
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    await t.serve(answer)
    slow = await t.dial()
    quick = await t.dial()
    await quick.send(b"ping")
    t.equal(await quick.recv_exactly(6), b"<ping>")
    await slow.send(b"pong")
    t.equal(await slow.recv_exactly(6), b"<pong>")


@check("handler.callable.returning-coroutine", links=SERVERS)
async def a_coroutine_that_a_plain_callable_returns_is_run(t: Trial) -> None:
    async def answer(reader: Any, writer: Any) -> None:
        writer.write(b"<" + await reader.readexactly(4) + b">")
        writer.close()

    def callback(reader: Any, writer: Any) -> Coroutine[Any, Any, None]:
        return answer(reader, writer)

    await t.serve(callback)
    await t.dial()
    await t.peer.send(b"ping")
    t.equal(await t.peer.recv_exactly(6), b"<ping>")


@check("handler.callable.in-context-of-start-server", links=SERVERS)
async def handlers_see_the_context_in_which_the_server_was_started(t: Trial) -> None:
    async def tell(reader: Any, writer: Any) -> None:
        writer.write(SETTING.get("nothing").encode())
        writer.close()

    SETTING.set("at start_server")
    await t.serve(tell)
    SETTING.set("ever after")
    await t.dial()
    t.equal(await t.peer.recv_until_eof(), b"at start_server", "what the handler saw")


@check("handler.callable.pause-reading-honoured", links=SERVERS)
async def a_callback_that_pauses_reading_is_given_no_data_until_it_resumes(t: Trial) -> None:
    arrivals = t.arrivals()

    def hold(reader: Any, writer: Any) -> None:
        writer.transport.pause_reading()
        arrivals(reader, writer)

    await t.serve(hold)
    await t.dial()
    reader, writer = await arrivals.get()
    await t.peer.send(b"data")
    reading = t.start(reader.read(4))
    await t.still_waits(reading, "read() of a paused transport")
    writer.transport.resume_reading()
    t.equal(await reading, b"data")


# --- the handler's task ------------------------------------------------------------------------


@check("handler.task.kept-alive", links=SERVERS)
async def a_handler_that_nothing_else_refers_to_survives_the_garbage_collector(t: Trial) -> None:
    waits: List[Any] = []
    entered = asyncio.Event()

    async def wait(reader: Any, writer: Any) -> None:
        future = asyncio.get_running_loop().create_future()
        waits.append(weakref.ref(future))
        entered.set()
        await future
        writer.write(b"still here")
        writer.close()

    await t.serve(wait)
    await t.dial()
    await entered.wait()
    await t.idle()
    gc.collect()
    future = waits[0]()
    t.true(future is not None, "the waiting handler to survive a garbage collection")
    future.set_result(None)
    t.equal(await t.peer.recv_exactly(10), b"still here")


@check("handler.task.kept-alive-after-connection", links=SERVERS)
async def a_handler_survives_the_garbage_collector_when_its_connection_is_gone(t: Trial) -> None:
    waits: List[Any] = []
    entered, left = asyncio.Event(), asyncio.Event()

    async def outlive(reader: Any, writer: Any) -> None:
        await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        future = asyncio.get_running_loop().create_future()
        waits.append(weakref.ref(future))
        entered.set()
        await future
        left.set()

    await t.serve(outlive)
    await t.dial()
    await t.peer.close()
    await entered.wait()
    await t.idle()
    gc.collect()
    future = waits[0]()
    t.true(future is not None, "the waiting handler to survive a garbage collection")
    future.set_result(None)
    await t.idle()
    t.true(left.is_set(), "the handler to go on after its wait")


# --- how a handler ends ------------------------------------------------------------------------


@check("handler.exception.coroutine-function-reported", links=SERVERS)
async def what_leaves_a_coroutine_handler_reaches_the_loops_exception_handler(t: Trial) -> None:
    reported = t.expect_loop_errors()
    arrivals = t.arrivals()

    async def crash(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)
        raise HandlerCrashedError

    await t.serve(crash)
    await t.dial()
    await arrivals.get()
    await t.idle()
    kinds = [type(context.get("exception")) for context in reported]
    t.equal(kinds, [HandlerCrashedError], "what the loop's exception handler was told of")


@check("handler.exception.coroutine-function-closes", links=SERVERS)
async def a_coroutine_handler_that_crashes_has_its_connection_closed(t: Trial) -> None:
    t.expect_loop_errors()
    arrivals = t.arrivals()

    async def crash(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)
        raise HandlerCrashedError

    await t.serve(crash)
    await t.dial()
    _reader, writer = await arrivals.get()
    await t.idle()
    t.true(writer.transport.is_closing(), "the transport to be closing after the crash")
    t.equal(await t.peer.recv_until_eof(), b"")


@check("handler.exception.plain-callable-reported", links=SERVERS)
async def what_leaves_a_plain_callback_reaches_the_loops_exception_handler(t: Trial) -> None:
    reported = t.expect_loop_errors()
    arrivals = t.arrivals()

    def crash(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)
        raise HandlerCrashedError

    await t.serve(crash)
    await t.dial()
    await arrivals.get()
    await t.idle()
    kinds = [type(context.get("exception")) for context in reported]
    t.equal(kinds, [HandlerCrashedError], "what the loop's exception handler was told of")


@check("handler.exception.plain-callable-closes", links=SERVERS)
async def a_plain_callback_that_crashes_has_its_connection_closed(t: Trial) -> None:
    t.expect_loop_errors()
    arrivals = t.arrivals()

    def crash(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)
        raise HandlerCrashedError

    await t.serve(crash)
    await t.dial()
    _reader, writer = await arrivals.get()
    await t.idle()
    t.true(writer.transport.is_closing(), "the transport to be closing after the crash")
    t.equal(await t.peer.recv_until_eof(), b"")


@check("handler.exception.plain-callable-closes", links=SERVERS)
async def a_plain_callback_that_ends_as_if_cancelled_has_its_connection_closed(t: Trial) -> None:
    t.expect_loop_errors()
    arrivals = t.arrivals()

    def give_up(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)
        raise asyncio.CancelledError

    await t.serve(give_up)
    await t.dial()
    _reader, writer = await arrivals.get()
    await t.idle()
    t.true(writer.transport.is_closing(), "the transport to be closing after it has given up")
    t.equal(await t.peer.recv_until_eof(), b"")


@check("handler.cancelled.closes-connection", links=SERVERS)
async def a_handler_that_is_cancelled_has_its_connection_closed(t: Trial) -> None:
    arrivals = t.arrivals()
    tasks: List[Any] = []

    async def wait(reader: Any, writer: Any) -> None:
        tasks.append(asyncio.current_task())
        arrivals(reader, writer)
        await asyncio.get_running_loop().create_future()

    await t.serve(wait)
    await t.dial()
    _reader, writer = await arrivals.get()
    await t.idle()
    tasks[0].cancel()
    await t.idle()
    t.true(writer.transport.is_closing(), "the transport to be closing after the cancellation")
    t.equal(await t.peer.recv_until_eof(), b"")


@check("handler.return.keeps-connection", links=SERVERS)
async def a_connection_outlives_its_handler_while_its_writer_is_held(t: Trial) -> None:
    arrivals = t.arrivals()

    async def hand_over(reader: Any, writer: Any) -> None:
        arrivals(reader, writer)

    await t.serve(hand_over)
    await t.dial()
    reader, writer = await arrivals.get()
    await t.idle()
    gc.collect()
    t.false(writer.transport.is_closing(), "the connection to stay open")
    await t.peer.send(b"ping")
    t.equal(await reader.readexactly(4), b"ping")
    writer.write(b"pong")
    t.equal(await t.peer.recv_exactly(4), b"pong")


@check("handler.return.closes-abandoned-connection", links=SERVERS)
async def a_connection_ends_with_its_handler_when_nobody_holds_its_writer(t: Trial) -> None:
    t.expect_resource_warnings()
    transports: List[Any] = []
    entered = asyncio.Event()

    async def forget(reader: Any, writer: Any) -> None:
        transports.append(writer.transport)
        entered.set()

    await t.serve(forget)
    await t.dial()
    with t.warnings():
        await entered.wait()
        await t.idle()
        gc.collect()
    await t.idle()
    t.true(transports[0].is_closing(), "the connection to be closed")
    t.equal(await t.peer.recv_until_eof(), b"")
