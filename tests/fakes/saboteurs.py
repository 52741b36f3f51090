"""Deliberately wrong fakes: for each half of each line of the transport contract, one at least.

A saboteur is a small patch on the memory transport, its wire or its network, the line that it
breaks, and cases of the parity suite that have to differ under it. `test_saboteurs` sees to it
that they do. In brackets in the sentences: whose mistake it is, of those who were found to make it.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from asyncio import base_events
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, List, NamedTuple, Tuple
from unittest import mock

from streamgauge.fakes import (
    Chunks,
    MemoryTransport,
    WireEnd,
    dialing,
    pairs,
    quirks,
    transport,
    writing,
)
from streamgauge.fakes.acceptor import Acceptor
from streamgauge.fakes.connections import Connection
from streamgauge.fakes.dialing import Dialing
from streamgauge.fakes.direction import Direction
from streamgauge.fakes.listeners import Listeners
from streamgauge.fakes.names import Names
from streamgauge.fakes.server import MemoryServer
from streamgauge.fakes.sockets import MemorySocket

__all__ = ["SABOTEURS", "Saboteur"]


class Saboteur(NamedTuple):
    """A wrong fake.

    Attributes:
        name: what it does.
        line: the line of the contract that it breaks.
        cases: the parity cases that have to differ.
        patches: (object, attribute, what to put there).
    """

    name: str
    line: int
    cases: Tuple[str, ...]
    patches: Tuple[Tuple[Any, str, Any], ...]

    @contextmanager
    def at_work(self) -> Any:
        """Put the patches in place, and take them back."""
        with ExitStack() as stack:
            for where, name, wrong in self.patches:
                stack.enter_context(mock.patch.object(where, name, wrong))
            yield


SABOTEURS: Dict[str, Saboteur] = {}


def instead(where: Any, name: str, line: int, *cases: str) -> Callable[[Any], Any]:
    """Register a function as a saboteur that stands in the place of ``where.name``."""

    def register(wrong: Any) -> Any:
        _add(wrong.__name__, line, cases, (where, name, wrong))
        return wrong

    return register


def _add(name: str, line: int, cases: Any, *patches: Any) -> None:
    assert name not in SABOTEURS
    SABOTEURS[name] = Saboteur(name.replace("_", "-"), line, tuple(cases), patches)


T = MemoryTransport
_resume, _close, _abort = T.resume_reading, T.close, T.abort
_finish, _on_input, _connection_made = T._finish, T._on_input, T._connection_made
_write, _end_close, _send, _recv = T.write, WireEnd.close, WireEnd.send, WireEnd.recv
_direction, _bind = Direction.__init__, Listeners.bind
_transport_on, _detach = Connection.transport_on, Connection.detach
_find, _resolve, _connect = Listeners.find, Names.resolve, Dialing.connect
_server_close = MemoryServer.close

# 1. resume_reading() never calls data_received before it returns


@instead(
    T,
    "resume_reading",
    1,
    "reading.resume_never_delivers_before_it_returns",
    "reading.resume_never_tells_of_eof_before_it_returns",
    "reading.resume_never_fills_a_buffer_before_it_returns",
)
def resume_delivers_inside(self: Any) -> None:  # [simloop]
    _resume(self)
    if self.wire.readable:
        self._on_input()


@instead(T, "pause_reading", 1, "reading.pause_holds_back_eof", "reading.pausing_twice_is_once")
def pause_does_nothing(self: Any) -> None:
    pass


@instead(T, "_on_input", 1, "reading.a_pause_in_the_turn_of_the_resume")
def a_delivery_that_is_due_ignores_the_pause(self: Any) -> None:
    if not self._closing and self.wire.readable:
        self._watching = True
        _on_input(self)


# 2. connection_made first; nothing after connection_lost, which comes once, never inside close()


@instead(
    T,
    "_end_soon",
    2,
    "ending.connection_lost_never_comes_inside_close",
    "ending.connection_lost_never_comes_inside_abort",
)
def lost_inside_close(self: Any, exc: Any) -> None:
    self._lost += 1
    self._finish(exc)


@instead(T, "_finish", 2, "ending.connection_lost_never_comes_inside_close")
def lost_twice(self: Any, exc: Any) -> None:
    self._protocol.connection_lost(exc)
    _finish(self, exc)


@instead(T, "_stop_reading", 2, "reading.nothing_is_delivered_after_abort")
def deliveries_go_on_after_close(self: Any) -> None:
    self._closing = True


@instead(T, "_connection_made", 2, "connecting.a_server_that_speaks_first")
def data_before_the_beginning(self: Any, waiter: Any) -> None:
    if self.wire.readable:
        self._watching = True
        self._on_input()
    _connection_made(self, waiter)


# 3. eof_received once; a true return keeps the write side open


@instead(T, "_on_eof", 3, "ending.eof_comes_once_and_keeps_the_write_side")
def eof_twice(self: Any) -> None:
    self._protocol.eof_received()
    if self._protocol.eof_received():
        self._watching, self.wire.on_readable = False, None
    else:
        self.close()


@instead(T, "_on_eof", 3, "ending.eof_comes_once_and_keeps_the_write_side", "streaming.half_close")
def eof_always_closes(self: Any) -> None:
    self._protocol.eof_received()
    self.close()


@instead(T, "_on_eof", 3, "ending.eof_with_a_false_return_closes")
def eof_never_closes(self: Any) -> None:
    self._protocol.eof_received()
    self._watching, self.wire.on_readable = False, None


# 4. write() after close() is ignored, with a warning after five; after write_eof() RuntimeError


@instead(
    T, "write", 4, "writing.write_after_close_is_ignored", "writing.write_after_abort_is_ignored"
)
def write_after_close_raises(self: Any, data: Any) -> None:  # [simloop]
    if self._closing:
        raise RuntimeError("the transport is closed")
    _write(self, data)


_add(
    "closed_writes_are_never_warned_of",
    4,
    ["writing.write_after_close_is_ignored", "dying.the_writes_that_follow_a_failure"],
    (writing, "SILENT_WRITES", sys.maxsize),
)
_add(
    "the_first_closed_write_is_warned_of",
    4,
    ["writing.write_after_close_is_ignored"],
    (writing, "SILENT_WRITES", 0),
)


@instead(T, "write", 4, "writing.write_after_write_eof_is_an_error")
def write_after_eof_is_ignored(self: Any, data: Any) -> None:
    if not self._eof:
        _write(self, data)


@instead(T, "write", 4, "writing.what_can_be_written", "streaming.text_is_no_bytes")
def text_is_taken(self: Any, data: Any) -> None:  # [36 of 37 hand-written fakes]
    _write(self, data.encode() if isinstance(data, str) else data)


# 5. close() flushes, abort() drops; abort is FIN, unread bytes or linger 0 make it RST


@instead(T, "close", 5, "ending.close_flushes")
def close_drops_the_backlog(self: Any) -> None:
    self.abort()


@instead(T, "abort", 5, "ending.abort_drops_the_backlog")
def abort_flushes(self: Any) -> None:  # [Twisted's iosim]
    self.close()


@instead(T, "abort", 5, "ending.abort_with_nothing_unread_is_eof")
def abort_is_always_a_reset(self: Any) -> None:  # [simloop]
    self.wire.linger_zero = True
    _abort(self)


@instead(
    WireEnd,
    "close",
    5,
    "ending.close_with_bytes_unread_is_a_reset",
    "ending.abort_with_bytes_unread_is_a_reset",
    "streaming.a_reset_reaches_the_reader",
)
def unread_bytes_are_forgiven(self: Any) -> None:  # [async-solipsism]
    self.into.drop_arrived()
    _end_close(self)


@instead(WireEnd, "close", 5, "ending.linger_zero_is_a_reset")
def linger_is_ignored(self: Any) -> None:  # [async-solipsism]
    self.linger_zero = False
    _end_close(self)


# 6. The first write to a dead peer succeeds; the next ones meet ECONNRESET or EPIPE


@instead(WireEnd, "send", 6, "dying.the_first_write_to_a_dead_peer")
def the_first_write_fails(self: Any, data: Any) -> int:
    if self.peer.closed:
        raise BrokenPipeError(32, "Broken pipe")
    return _send(self, data)


@instead(
    WireEnd,
    "take_reset",
    6,
    "dying.the_first_write_to_a_dead_peer",
    "dying.drain_towards_a_dead_peer",
    "dying.a_peer_that_goes_while_there_is_a_backlog",
)
def a_dead_peer_takes_all(self: Any) -> None:  # [simloop]
    pass


@instead(WireEnd, "_reset_number", 6, "dying.the_first_write_to_a_dead_peer")
def every_end_is_econnreset(self: Any) -> int:
    return 104


# 7. pause_writing and resume_writing alternate; user-space bytes only


@instead(
    T,
    "_pause_if_full",
    7,
    "writing.pause_and_resume_alternate",
    "streaming.drain_waits_for_the_reader",
)
def never_paused(self: Any) -> None:  # [all 18 hand-written fakes with a drain]
    pass


@instead(T, "_pause_if_full", 7, "writing.pause_and_resume_alternate")
def paused_again_and_again(self: Any) -> None:
    if self._backlog_bytes > self._high:
        self._writing_paused = True
        self._tell("pause_writing")


@instead(T, "_resume_if_drained", 7, "writing.pause_and_resume_alternate_again_and_again")
def never_resumed(self: Any) -> None:
    pass


@instead(T, "_resume_if_drained", 7, "writing.what_is_seen_inside_pause_and_resume")
def resumed_too_early(self: Any) -> None:
    if self._writing_paused and self._backlog_bytes <= 20 * self._high:
        self._writing_paused = False
        self._tell("resume_writing")


@instead(
    T,
    "get_write_buffer_size",
    7,
    "writing.a_small_write_leaves_no_backlog",
)
def bytes_in_the_kernel_are_counted(self: Any) -> int:
    return self._backlog_bytes + self.wire.in_flight()


@instead(T, "_pause_if_full", 7, "writing.the_marks_are_exact")
def paused_at_the_mark(self: Any) -> None:
    if self._backlog_bytes >= self._high and not self._writing_paused:
        self._writing_paused = True
        self._tell("pause_writing")


# 8. At most 256 KiB a delivery, one a turn

_add(
    "deliveries_of_any_size",  # [simloop]
    8,
    ["reading.deliveries_are_of_256_kib_at_most"],
    (transport, "MAX_DELIVERY_BYTES", sys.maxsize),
)


@instead(
    T,
    "_on_input",
    8,
    "reading.one_delivery_a_turn",
    "reading.a_buffered_protocol_has_one_delivery_a_turn",
)
def all_deliveries_in_one_turn(self: Any) -> None:
    _on_input(self)
    while self._watching and self.wire.readable:
        _on_input(self)


@instead(Direction, "__init__", 8, "reading.what_has_arrived_comes_in_one_delivery")
def one_write_is_one_delivery(self: Any, a: Any, b: Any, window: int, chunks: Any) -> None:
    _direction(self, a, b, window, Chunks.AS_WRITTEN)  # [simloop]


# 9. BufferedProtocol, protocol swapping, start_tls on both sides


@instead(T, "set_protocol", 9, "swapping.a_buffered_protocol")
def buffered_protocols_are_unknown(self: Any, protocol: Any) -> None:
    self._protocol, self._buffered = protocol, False


@instead(
    T,
    "_fill_buffer",
    9,
    "swapping.a_buffer_without_room",
    "swapping.a_buffered_protocol_that_raises",
)
def a_buffer_is_taken_as_it_is(self: Any) -> None:
    buffer = self._protocol.get_buffer(-1)
    data = self.wire.recv(len(buffer))
    if data:
        buffer[: len(data)] = data
        self._protocol.buffer_updated(len(data))


@instead(T, "set_protocol", 9, "swapping.another_protocol_takes_over")
def the_first_protocol_stays(self: Any, protocol: Any) -> None:
    if not hasattr(self, "_protocol"):
        self._protocol, self._buffered = protocol, False


_add(
    "tls_cannot_be_started",
    9,
    ["securing.tls_on_a_connection_in_use", "securing.tls_started_by_the_server_first"],
    (T, "_start_tls_compatible", False),
)

# 10. Names match crosswise and are IP strings; the socket answers

_ports = itertools.count(1)
_add(
    "names_are_host_names",  # [simloop, async-solipsism]
    10,
    ["naming.names_are_numeric"],
    (pairs, "_memory_name", lambda kind, family: ("localhost", next(_ports))),
)


@instead(pairs, "_memory_connector", 10, "naming.names_match_crosswise")
def names_do_not_match(loop: Any, end: Any, own: Any, other: Any) -> Any:
    return _connector(loop, end, own, own)


_connector = pairs._memory_connector


@instead(MemorySocket, "getsockopt", 10, "naming.the_socket_answers", "naming.options_can_be_set")
def getsockopt_is_missing(self: Any, *args: Any) -> Any:  # [async-solipsism]
    raise AttributeError("getsockopt")


@instead(MemorySocket, "setsockopt", 10, "naming.options_can_be_set", "naming.options_as_bytes")
def options_are_forgotten(self: Any, *args: Any) -> None:
    pass


# 11. Server


@instead(Listeners, "bind", 11, "serving.a_port_in_use", "resolving.a_wildcard_and_a_port_in_use")
def a_port_can_be_taken_twice(self: Any, ip: str, port: int, owner: Any, **kwargs: Any) -> Any:
    return _bind(self, ip, port, owner, shared=True)


@instead(Listeners, "bind", 11, "serving.a_port_in_use")
def a_taken_port_has_no_errno(self: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        return _bind(self, *args, **kwargs)
    except OSError as exc:
        raise RuntimeError("in use") from exc  # [async-solipsism]


@instead(Listeners, "free_port", 11, "serving.port_0_is_another_each_time")
def port_0_is_always_the_same(self: Any) -> int:
    return 40_000


@instead(Listeners, "find", 11, "serving.a_wildcard_is_reached_by_any_name")
def a_wildcard_is_not_reached(self: Any, where: Any) -> Any:  # [async-solipsism]
    return self._bound.get(where[:2]) if isinstance(where, tuple) else _find(self, where)


@instead(Names, "resolve", 11, "serving.localhost_is_127_0_0_1")
def localhost_is_a_name_of_its_own(self: Any, host: Any, *args: Any, **kwargs: Any) -> Any:
    return ["127.9.9.9"] if host == "localhost" else _resolve(self, host, *args, **kwargs)


_add(
    "callbacks_run_in_the_contexts_of_other_pythons",
    2,
    ["contexts.contexts_on_a_pair", "contexts.contexts_on_a_network"],
    (quirks, "CONNECTION_KEEPS_ITS_CONTEXT", not quirks.CONNECTION_KEEPS_ITS_CONTEXT),
)
_add(
    "an_abort_while_resumed_ends_as_on_other_pythons",
    7,
    [
        "writing.an_abort_inside_resume_writing",
        "writing.an_abort_inside_resume_writing_while_closing",
    ],
    (quirks, "ABORT_WHILE_RESUMED_ENDS_TWICE", not quirks.ABORT_WHILE_RESUMED_ENDS_TWICE),
)


def _made_and_noted(self: Any, end: WireEnd, *args: Any) -> Any:
    made = _transport_on(self, end, *args)
    if end is not self.wire.ends[0]:
        ATTACHED.append(made)
    return made


def _close_with_connections(self: Any) -> None:
    _server_close(self)
    while ATTACHED:
        ATTACHED.pop().abort()


ATTACHED: List[Any] = []
_add(
    "close_ends_connections",
    11,
    ["serving.close_keeps_connections"],
    (Connection, "transport_on", _made_and_noted),
    (MemoryServer, "close", _close_with_connections),
)


@instead(MemoryServer, "close", 11, "serving.sockets_of_a_server")
def close_keeps_the_sockets(self: Any) -> None:
    self._serving = False


@instead(MemoryServer, "wait_closed", 11, "serving.wait_closed_before_close", "serving.wait_closed")
async def wait_closed_waits_for_ever(self: Any) -> None:
    await self._loop.create_future()


@instead(Acceptor, "is_serving", 11, "serving.serving_is_put_off")
def serving_at_once(self: Any) -> bool:
    return bool(self.sockets)


@instead(MemoryServer, "serve_forever", 11, "serving.serving_for_ever_until_it_is_closed")
async def serving_for_ever_outlives_the_server(self: Any) -> None:
    await self.start_serving()
    await self._loop.create_future()


async def _idle_clients_the_other_way(self: Any) -> None:
    sends_them_away = "close_clients" in _serve_forever.__code__.co_names  # gh-123720
    try:
        await self._loop.create_future()
    finally:
        if not sends_them_away:
            _close_with_connections(self)


_serve_forever: Any = MemoryServer.serve_forever
_add(
    "idle_clients_are_treated_the_other_way",
    11,
    ["serving.serving_for_ever_with_an_idle_client"],
    (Connection, "transport_on", _made_and_noted),
    (MemoryServer, "serve_forever", _idle_clients_the_other_way),
)


if hasattr(base_events.Server, "close_clients"):

    @instead(
        MemoryServer,
        "close_clients",
        11,
        "serving.close_and_abort_clients",
        "serving.clients_with_a_backlog_are_closed_or_aborted",
    )
    def close_clients_does_nothing(self: Any) -> None:
        pass

    @instead(
        MemoryServer, "abort_clients", 11, "serving.clients_with_a_backlog_are_closed_or_aborted"
    )
    def abort_clients_flushes(self: Any) -> None:
        self.close_clients()


# 12. Unknown host: gaierror. Nobody listening: ConnectionRefusedError. sock= passes through


@instead(Names, "resolve", 12, "connecting.an_unknown_host", "resolving.what_does_not_resolve")
def an_unknown_host_is_refused(self: Any, *args: Any, **kwargs: Any) -> Any:  # [async-solipsism]
    try:
        return _resolve(self, *args, **kwargs)
    except socket.gaierror as exc:
        raise ConnectionRefusedError(111, "refused") from exc


_add(
    "refused_without_a_number",
    12,
    ["connecting.nobody_listens", "connecting.nobody_listens_at_either_address"],
    (dialing, "_failed", lambda number, to: ConnectionRefusedError("refused")),
)


@instead(Dialing, "create_connection", 12, "connecting.a_socket_of_ones_own_passes_through")
async def sock_is_ignored(
    self: Any, factory: Any, host: Any = None, port: Any = None, **kwargs: Any
) -> Any:
    kwargs.pop("sock", None)
    return await _create_connection(self, factory, host, port, **kwargs)


_create_connection = Dialing.create_connection

# 13. Cancelling connect, accept, drain or read leaves no half-open wire and loses no byte


@instead(Dialing, "connect", 13, "connecting.a_connect_cancelled_at_any_turn")
async def a_cancelled_connect_goes_on(self: Any, *args: Any) -> Any:
    return await asyncio.shield(asyncio.ensure_future(_connect(self, *args)))


@instead(
    WireEnd,
    "recv",
    13,
    "cancelling.a_read_cancelled_as_its_bytes_arrive",
)
def bytes_of_a_cancelled_read_are_lost(self: Any, *args: Any) -> Any:
    data = _recv(self, *args)
    reader = _reader_of(self)
    waiter = getattr(reader, "_waiter", None)
    return None if data and waiter is not None and waiter.cancelled() else data


def _reader_of(end: Any) -> Any:
    protocol = getattr(getattr(end.on_readable, "__self__", None), "_protocol", None)
    return getattr(protocol, "_stream_reader", None)


@instead(T, "close", 13, "cancelling.a_cancelled_drain_sends_all_the_same")
def what_no_drain_waits_for_is_lost(self: Any) -> None:
    waiters = getattr(self._protocol, "_drain_waiters", None)
    if waiters is None:  # before 3.10.6 there is one, which stays where it was cancelled
        waiter = getattr(self._protocol, "_drain_waiter", None)
        waiters = waiter is not None and not waiter.cancelled()
    if self._writing_paused and not waiters:
        self._drop_backlog()
    _close(self)


@instead(Connection, "detach", 13, "connecting.a_cancelled_handler_ends_no_other")
def the_end_of_a_connection_ends_the_server(self: Any, gone: Any) -> None:
    _detach(self, gone)
    if gone.wire is not self.wire.ends[0]:
        self.acceptor.server.close()
