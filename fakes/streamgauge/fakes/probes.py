"""Probes: how the running asyncio's own selector transport behaves, observed once on stand-ins.

Each function drives one `_SelectorSocketTransport` for a few calls and returns what it did. The
loop and the socket are stand-ins that note what they are asked. So a probe opens no descriptor,
needs no loop, is safe in any thread and inside any running loop, and takes some 20 microseconds.
The names of the facts are in `quirks`.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
from asyncio import base_events, selector_events
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Type

__all__ = ["PROBES"]

#: More pieces than one sendmsg(2) of asyncio's takes: it asks the system, Linux says 1024.
MANY_PIECES = getattr(selector_events, "SC_IOV_MAX", 1024) + 1
MORE_THAN_ITS_MARK = bytes(100_000)
EVERYTHING = sys.maxsize


class _Loop:
    """What a selector transport asks of its loop, noted instead of done."""

    def __init__(self) -> None:
        self._transports: Dict[int, Any] = {}
        self._soon: List[Callable[[], Any]] = []
        self.reader: Optional[Callable[[], Any]] = None
        self.writer: Optional[Callable[[], Any]] = None

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> None:
        self._soon.append(lambda: callback(*args))

    def run(self) -> None:
        """Run all that was scheduled; what fails is asyncio's own, and goes on as in a loop."""
        while self._soon:
            with contextlib.suppress(Exception):
                self._soon.pop(0)()

    def _add_reader(self, fd: int, callback: Any, *args: Any, context: Any = None) -> None:
        self.reader = callback

    def _add_writer(self, fd: int, callback: Any, *args: Any, context: Any = None) -> None:
        self.writer = callback

    def _remove_reader(self, fd: int) -> None:
        self.reader = None

    def _remove_writer(self, fd: int) -> None:
        self.writer = None

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: Any) -> None:
        pass


class _Socket:
    """A socket that sends as many bytes a call as it is told to."""

    family = type = proto = 0

    def __init__(self) -> None:
        self.takes = EVERYTHING
        self.sent = bytearray()
        self.calls: List[Tuple[str, int]] = []  # the method, and how many pieces

    def send(self, data: Any) -> int:
        return self._take("send", [data])

    def sendmsg(self, pieces: Iterable[Any]) -> int:
        return self._take("sendmsg", [*pieces])

    def _take(self, method: str, pieces: List[Any]) -> int:
        self.calls.append((method, len(pieces)))
        if not self.takes:
            raise BlockingIOError
        taken = b"".join(bytes(piece) for piece in pieces)[: self.takes]
        self.sent += taken
        return len(taken)

    def fileno(self) -> int:
        return -1

    def getsockname(self) -> str:
        return ""

    def getpeername(self) -> str:
        return ""

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        pass


class _Protocol(asyncio.Protocol):
    """Notes what it is told, and reacts as a probe wants."""

    def __init__(self, **reactions: Callable[[], Any]) -> None:
        self.told: List[str] = []
        self.reactions: Dict[str, Callable[[], Any]] = dict(reactions)

    def _note(self, what: str) -> None:
        self.told.append(what)
        self.reactions.get(what, int)()

    def connection_made(self, transport: Any) -> None:
        self._note("made")

    def pause_writing(self) -> None:
        self._note("pause")

    def resume_writing(self) -> None:
        self._note("resume")

    def connection_lost(self, exc: Any) -> None:
        self._note("lost")


class _Bench:
    """A selector transport between stand-ins."""

    def __init__(self) -> None:
        self.loop, self.sock, self.protocol = _Loop(), _Socket(), _Protocol()
        made: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined, unused-ignore]
        self.transport = made(self.loop, self.sock, self.protocol)

    def end(self) -> None:
        """End the connection, so that no ResourceWarning speaks of it."""
        self.transport.abort()
        self.loop.run()


@contextlib.contextmanager
def _bench(begun: bool = True) -> Iterator[_Bench]:
    bench = _Bench()
    if begun:
        bench.loop.run()
    try:
        yield bench
    finally:
        bench.end()
        bench.transport._sock = None  # whatever happened: it is no socket to be warned about


def _error_of(call: Callable[..., Any], *args: Any) -> Optional[Type[BaseException]]:
    try:
        call(*args)
    except Exception as exc:
        return type(exc)
    return None


def pause_before_the_beginning_holds() -> bool:
    with _bench(begun=False) as bench:
        bench.protocol.reactions["made"] = bench.transport.pause_reading
        bench.loop.run()
        return bench.loop.reader is None


def unsent_is_kept_by_reference() -> bool:
    with _bench() as bench:
        data = bytearray(b"abc")
        bench.sock.takes = 1
        bench.transport.write(data)
        data[2] = ord("x")
        _flush(bench)
        return bench.sock.sent == b"abx"


def _flush(bench: _Bench) -> None:
    bench.sock.takes = EVERYTHING
    if bench.loop.writer is not None:
        bench.loop.writer()


def _wide() -> Any:
    return memoryview(bytes(16)).cast("I")


def wide_views_are_cut_short() -> bool:
    with _bench() as bench:
        bench.sock.takes = 4
        bench.transport.write(_wide())
        _flush(bench)
        return len(bench.sock.sent) < int(_wide().nbytes)


def wide_lines_are_miscounted() -> bool:
    with _bench() as bench:
        bench.transport.writelines([_wide()])
        bench.loop.run()
        return "lost" in bench.protocol.told


def writelines_sends_pieces() -> bool:
    with _bench() as bench:
        bench.transport.writelines([b"a", b"b"])
        return bench.sock.calls[0] == ("sendmsg", 2)


def pieces_in_one_send() -> int:
    with _bench() as bench:
        bench.transport.writelines([b"x"] * MANY_PIECES)
        method, count = bench.sock.calls[0]
        return count if method == "sendmsg" and count < MANY_PIECES else sys.maxsize


def empty_pieces_stay() -> bool:
    with _bench() as bench:
        bench.transport.writelines([b"x", b""])
        return bench.loop.writer is not None


def no_pieces_fail() -> bool:
    with _bench() as bench:
        return _error_of(bench.transport.writelines, iter(())) is AssertionError


def late_lines_are_counted() -> bool:
    with _bench() as bench:
        bench.transport.abort()
        bench.transport.writelines([b"x"])
        return bench.loop.writer is None


def lines_fail_after_close() -> bool:
    with _bench() as bench:
        bench.transport.close()
        return _error_of(bench.transport.writelines, [b"x"]) is not None


def lines_fail_after_the_end() -> Optional[Type[BaseException]]:
    with _bench() as bench:
        bench.end()
        return _error_of(bench.transport.writelines, [b"x"])


def writelines_never_pauses() -> bool:
    with _bench() as bench:
        bench.sock.takes = 0
        bench.transport.writelines([MORE_THAN_ITS_MARK])
        return "pause" not in bench.protocol.told


def abort_while_resumed_ends_twice() -> bool:
    with _bench() as bench:
        bench.protocol.reactions["resume"] = bench.transport.abort
        bench.sock.takes = 0
        bench.transport.write(MORE_THAN_ITS_MARK)
        bench.transport.close()
        _flush(bench)
        return "lost" in bench.protocol.told  # in the midst of it; the abort's own comes later


def connection_keeps_its_context() -> bool:
    made: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined, unused-ignore]
    return "context" in _parameters(made.__init__)


def server_is_told_which() -> bool:
    server: Any = base_events.Server
    return len(_parameters(server._attach)) > 1


def tls_has_a_shutdown_timeout() -> bool:
    from asyncio import sslproto  # noqa: PLC0415  # where nobody speaks TLS it is not needed

    return "ssl_shutdown_timeout" in _parameters(sslproto.SSLProtocol.__init__)


def unix_path_is_removed() -> bool:
    from asyncio import unix_events  # noqa: PLC0415  # not on Windows

    loop: Any = unix_events._UnixSelectorEventLoop  # type: ignore[attr-defined, unused-ignore]
    cleanup = _parameters(loop.create_unix_server).get("cleanup_socket")
    return bool(cleanup and cleanup.default)


def sendfile_of_nothing_moves() -> bool:
    from asyncio import unix_events  # noqa: PLC0415  # not on Windows

    loop: Any = unix_events._UnixSelectorEventLoop  # type: ignore[attr-defined, unused-ignore]
    move = getattr(loop, "_sock_sendfile_update_filepos", None)
    if move is None:
        return True
    no_file, offset, sent = -1, 0, 0
    arguments = (None, no_file, offset, sent)[: len(_parameters(move))]
    return _error_of(move, *arguments) is OSError  # it went to move it, and found no file


def _parameters(function: Any) -> Any:
    return inspect.signature(function).parameters


def foreign_addresses_are_left_out() -> bool:
    create: Any = asyncio.BaseEventLoop.create_server
    return "EADDRNOTAVAIL" in create.__code__.co_names  # it looks which error binding met


#: The name of each fact to what finds it out.
PROBES: Dict[str, Callable[[], Any]] = {
    probe.__name__.upper(): probe
    for probe in (
        pause_before_the_beginning_holds,
        unsent_is_kept_by_reference,
        wide_views_are_cut_short,
        wide_lines_are_miscounted,
        writelines_sends_pieces,
        pieces_in_one_send,
        empty_pieces_stay,
        no_pieces_fail,
        late_lines_are_counted,
        lines_fail_after_close,
        lines_fail_after_the_end,
        writelines_never_pauses,
        abort_while_resumed_ends_twice,
        connection_keeps_its_context,
        server_is_told_which,
        tls_has_a_shutdown_timeout,
        unix_path_is_removed,
        sendfile_of_nothing_moves,
        foreign_addresses_are_left_out,
    )
}
