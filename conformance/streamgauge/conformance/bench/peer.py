"""The other end: a forked process that does what a connection's first line asks.

Blocking sockets in threads. It shares neither loop nor GIL with what is measured, and does as
little as it can, so that the subject is what the clock sees. No workload lives here.
"""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Callable, Dict, Mapping, Optional, Type

from streamgauge.conformance import certificates
from streamgauge.conformance.forking import start_forked
from streamgauge.conformance.machine import need_unix

__all__ = ["Peer", "data_of"]

CHUNK_BYTES = 2**18  # what the selector loop takes from a socket at once
BACKLOG = 2048  # more than the connections that any workload opens at once
DONE = b"."  # the answer of a sink


def data_of(kind: str, size: int) -> bytes:
    """Give one unit of what a peer sends: a line of `size` bytes, or bytes without structure."""
    return b"x" * (size - 1) + b"\n" if kind == "line" else bytes(size)


class Peer:
    """The peer process, as a context manager.

    Attributes:
        address: host and port to connect to.
        tls_address: the same for TLS.
        client_tls: keywords for `open_connection` of who is to connect over TLS.

    Raises:
        UsageError: the platform cannot fork.
        MissingError: TLS cannot be tried here.
    """

    def __init__(self) -> None:
        need_unix()
        self._listeners = [_listening(), _listening()]
        self.address, self.tls_address = (
            listener.getsockname()[:2] for listener in self._listeners
        )
        self.client_tls: Mapping[str, Any] = {
            "ssl": certificates.client_context(),
            "server_hostname": certificates.HOSTNAME,
        }
        certificates.server_context()  # made before the fork: both have the same authority

    def __enter__(self) -> Peer:
        self._process = start_forked(_serve, *self._listeners, daemon=True)
        for listener in self._listeners:
            listener.close()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._process.terminate()
        self._process.join()


def _listening() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(BACKLOG)
    return listener


def _serve(plain: socket.socket, tls: socket.socket) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the command's own way to end
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends this process when it ends
    threading.Thread(target=_accept, args=(tls, True), daemon=True).start()
    _accept(plain, False)


def _accept(listener: socket.socket, over_tls: bool) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection, over_tls), daemon=True).start()


def _answer(connection: socket.socket, over_tls: bool) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with connection:
            if over_tls:
                context = certificates.server_context()
                connection = context.wrap_socket(connection, server_side=True)
            verb, *words = _first_line(connection).split() or ["hold"]
            ORDERS[verb](connection, *words)
    except OSError:
        return  # whoever is measured may leave at any time


def _first_line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return ""
        line += byte
    return line.decode()


def _send(connection: socket.socket, kind: str, size: str, count: str) -> None:
    """Send `count` units of `size` bytes in chunks as large as may be, then wait for the end."""
    unit = data_of(kind, int(size))
    chunks, rest = divmod(len(unit) * int(count), len(unit) * max(1, CHUNK_BYTES // len(unit)))
    chunk = unit * max(1, CHUNK_BYTES // len(unit))
    for _ in range(chunks):
        connection.sendall(chunk)
    connection.sendall(memoryview(chunk)[:rest])
    if not isinstance(connection, ssl.SSLSocket):
        connection.shutdown(socket.SHUT_WR)
    _hold(connection)


def _echo(connection: socket.socket) -> None:
    while True:
        data = connection.recv(CHUNK_BYTES)
        if not data:
            return
        connection.sendall(data)


def _sink(connection: socket.socket, size: str) -> None:
    """Take `size` bytes and say so."""
    left = int(size)
    buffer = bytearray(CHUNK_BYTES)
    while left:
        got = connection.recv_into(buffer)
        if not got:
            return
        left -= got
    connection.sendall(DONE)
    _hold(connection)


def _hold(connection: socket.socket) -> None:
    while connection.recv(CHUNK_BYTES):
        pass


ORDERS: Dict[str, Callable[..., None]] = {
    "send": _send,
    "echo": _echo,
    "sink": _sink,
    "hold": _hold,
}
