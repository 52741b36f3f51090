"""Spoils of `StreamReaderProtocol` and its flow control: data, as told by `spoil`.

Each breaks what stands between a transport and its streams: what the transport says does not
reach reader, writer or handler.
"""

from __future__ import annotations

from typing import Tuple

from .anatomy import calling, named, when
from .spoil import Spoil, spoil
from .surgery import argument, body, drop, first, last, negate, result, swap, value_of

__all__ = ["PROTOCOL"]

MADE = "StreamReaderProtocol.connection_made"
LOST = "StreamReaderProtocol.connection_lost"
DATA = "StreamReaderProtocol.data_received"
EOF = "StreamReaderProtocol.eof_received"
PAUSE = "FlowControlMixin.pause_writing"
RESUME = "FlowControlMixin.resume_writing"
FLOW_LOST = "FlowControlMixin.connection_lost"
HELPER = "FlowControlMixin._drain_helper"

PROTOCOL: Tuple[Spoil, ...] = (
    # --- data and EOF ---
    spoil(
        "data-not-forwarded",
        "open_connection.connect.establishes-connection",
        "Nothing that the peer sends can be read.",
        (DATA, drop(calling("feed_data"))),
    ),
    spoil(
        "data-forwarded-twice",
        "reader.read.up-to-n",
        "Everything is read twice.",
        (DATA, argument("feed_data", 0, "it * 2")),
    ),
    spoil(
        "data-cut",
        "reader.read.until-eof-beyond-limit",
        "What comes in large pieces is cut.",
        (DATA, argument("feed_data", 0, "it[:1000]")),
    ),
    spoil(
        "eof-not-forwarded",
        "reader.read.empty-at-eof",
        "A read at EOF waits for ever.",
        (EOF, drop(calling("feed_eof"))),
    ),
    spoil(
        "eof-closes-the-connection",
        "writer.write.after-peer-eof",
        "A peer that ends its sending gets no answer.",
        (EOF, result("False")),
    ),
    spoil(
        "eof-aborts-the-connection",
        "writer.write.after-peer-eof",
        "A peer that ends its sending is cut off.",
        (EOF, first("self._transport.abort()")),
    ),
    spoil(
        "eof-clears-the-buffer",
        "reader.read.data-before-eof",
        "What was not read before EOF is lost.",
        (EOF, first("self._stream_reader._buffer.clear()")),
    ),
    # --- the end of the connection ---
    spoil(
        "close-does-not-end-reads",
        "reader.closed.waiting-read-ends",
        "A read that waits when the writer is closed never returns.",
        (LOST, drop(calling("feed_eof"))),
    ),
    spoil(
        "close-clears-the-buffer",
        "reader.closed.buffered-data-readable",
        "What had arrived before the writer was closed is lost.",
        (LOST, first("if self._stream_reader:\n    self._stream_reader._buffer.clear()")),
    ),
    spoil(
        "reset-looks-like-eof",
        "reader.lost.wakes-waiting-read",
        "A broken transfer is taken for a complete one.",
        (LOST, first("exc = None")),
    ),
    spoil(
        "reset-does-not-end-reads",
        "reader.lost.wakes-waiting-read",
        "A read that waits at a reset never returns.",
        (LOST, drop(calling("reader.set_exception"))),
    ),
    spoil(
        "reset-does-not-end-wait-closed",
        "writer.wait_closed.returns-after-close",
        "wait_closed after a reset never returns.",
        (LOST, drop(calling("_closed.set_exception"))),
    ),
    spoil(
        "close-does-not-end-wait-closed",
        "writer.wait_closed.returns-after-close",
        "wait_closed never returns.",
        (LOST, drop(calling("_closed.set_result"))),
    ),
    spoil(
        "close-waiter-is-done",
        "writer.wait_closed.waits-while-open",
        "wait_closed returns while the connection is open.",
        ("StreamReaderProtocol._get_close_waiter", result("sleep(0)")),
    ),
    spoil(
        "reset-does-not-reach-drain",
        "writer.drain.lost-connection-wakes",
        "A drain that blocks at a reset never returns.",
        (LOST, drop(calling("connection_lost"))),
    ),
    # --- flow control ---
    spoil(
        "reset-wakes-no-drain",
        "writer.drain.lost-connection-wakes",
        "A drain that blocks at a reset never returns.",
        (FLOW_LOST, drop(calling("set_result"))),
        (FLOW_LOST, drop(calling("set_exception"))),
    ),
    spoil(
        "reset-ends-drain-without-error",
        "writer.drain.lost-connection-wakes",
        "A drain that blocks at a reset returns as if all were well.",
        (FLOW_LOST, first("exc = None")),
    ),
    spoil(
        "loss-forgotten",
        "writer.drain.raises-after-close",
        "drain on a closed writer is silent.",
        (FLOW_LOST, value_of("_connection_lost", "False")),
    ),
    spoil(
        "pause-ignored",
        "writer.drain.blocks-above-high-water",
        "A peer that does not read fills the memory.",
        (PAUSE, body("pass")),
        (RESUME, body("pass")),
    ),
    spoil(
        "resume-wakes-nobody",
        "writer.drain.wakes-at-low-water",
        "A drain that has blocked never returns.",
        (RESUME, drop(calling("set_result"))),
    ),
    spoil(
        "resume-wakes-one",
        "writer.drain.several-waiters",
        "Of several tasks in drain only one goes on.",
        (RESUME, swap(named("_drain_waiters"), "list(it)[:1]")),
        since="3.10.8",
    ),
    spoil(
        "resume-forgotten",
        "writer.drain.wakes-at-low-water",
        "After the first pause every drain waits.",
        (RESUME, value_of("_paused", "True")),
    ),
    spoil(
        "drain-waits-when-not-paused",
        "writer.drain.returns-when-nothing-to-wait-for",
        "drain waits just when it need not.",
        (HELPER, negate(when("_paused"))),
    ),
    spoil(
        "low-water-is-high-water",
        "writer.drain.not-before-low-water",
        "drain returns while the buffer is still nearly full.",
        (
            MADE,
            first(
                "limits = transport.set_write_buffer_limits\n"
                "limits(high=65536, low=65535)\n"
                "transport.set_write_buffer_limits = lambda high=None, low=None: limits(\n"
                "    high=high or 65536, low=(high or 65536) - 1)"
            ),
        ),
    ),
    # --- the connection's beginning, and the handler ---
    spoil(
        "reader-not-told-of-transport",
        "reader.limit.bounds-buffer",
        "A peer that sends without end fills the memory.",
        (MADE, drop(calling("set_transport"))),
    ),
    spoil(
        "handler-not-called",
        "handler.call.once-for-each-connection",
        "A server takes connections and serves none.",
        (MADE, swap(calling("_client_connected_cb"), "None")),
    ),
    spoil(
        "handler-called-twice",
        "handler.call.once-for-each-connection",
        "Each client is served twice.",
        (MADE, swap(calling("_client_connected_cb"), "(it, it)[1]")),
    ),
    spoil(
        "handler-gets-no-reader",
        "handler.call.receives-pair",
        "The handler cannot read.",
        (MADE, argument("_client_connected_cb", 0, "None")),
    ),
    spoil(
        "handler-gets-transport",
        "handler.call.receives-pair",
        "The handler gets a transport for its writer.",
        (MADE, argument("_client_connected_cb", 1, "transport")),
    ),
    spoil(
        "reader-not-kept-for-handler",
        "handler.call.receives-pair",
        "The reader is collected before the handler gets it.",
        ("StreamReaderProtocol.__init__", value_of("_strong_reader", "None")),
    ),
    spoil(
        "coroutine-handler-not-run",
        "handler.callable.coroutine-function",
        "A coroutine function is called and never awaited.",
        (MADE, swap(calling("iscoroutine"), "False")),
    ),
    spoil(
        "plain-handler-refused",
        "handler.callable.plain",
        "A plain callable raises.",
        (MADE, swap(calling("iscoroutine"), "True")),
    ),
    spoil(
        "handler-closes-when-it-returns",
        "handler.callable.plain",
        "What a plain callable started finds its connection closed.",
        (MADE, last("if self._client_connected_cb and self._task is None:\n    transport.close()")),
        since="3.10.8",
    ),
    spoil(
        "handler-task-not-kept",
        "handler.task.kept-alive",
        "A handler that waits is collected.",
        (MADE, last("self._task = None")),
        since="3.10.8",
    ),
    spoil(
        "handler-error-swallowed",
        "handler.exception.coroutine-function-reported",
        "Nobody learns that a handler failed.",
        (f"{MADE}.callback", drop(calling("call_exception_handler"))),
        since="3.11.7",
    ),
    spoil(
        "handler-error-leaves-connection",
        "handler.exception.coroutine-function-closes",
        "The client of a handler that failed waits for ever.",
        (f"{MADE}.callback", drop(calling("close"))),
        since="3.11.7",
    ),
)
