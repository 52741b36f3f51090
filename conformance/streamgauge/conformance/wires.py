"""Blocking wires: what the peer's thread holds in its hands, plain or under TLS.

A wire is a socket with the few verbs that checks need. Everything blocks; nothing here knows
asyncio. TLS runs over memory BIOs, so that a peer can say close_notify, or leave it out, and
go on reading, which a wrapped socket cannot.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import sys
import threading
from typing import Callable, Optional, Union

if sys.platform != "win32":
    import fcntl
    import termios

__all__ = ["PlainWire", "TlsWire", "Wire", "abandon", "pass_through_loopback"]

RECV_SIZE = 256 * 1024  # bytes; what asyncio's own transports ask for at most
SPINS = 1_000  # looks at the kernel's queue before the thread begins to wait in between
PAUSE_S = 0.001  # seconds between looks at a queue that only the kernel's timers will empty
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that have not left the socket yet
_MORE = -1  # a TLS step that needs bytes from the socket first; no step returns it
_LINGER_0 = struct.pack("ii", 1, 0)


def abandon(sock: socket.socket) -> None:
    """Close a socket for good; a thread that blocks on it is woken."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def arrived(sock: socket.socket) -> bool:
    """Say whether the other end's kernel holds everything sent from here; true where unknown.

    Unix sockets hand bytes over within send(); only TCP has a distance to cover, and on the
    loopback interface that distance is one queue. What has been acknowledged is there. So is
    what has left this socket, once a datagram sent later has come out of the same queue: to
    wait for the acknowledgement instead would cost the 40 ms by which kernels delay it.
    """
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return True
    if not _queued(sock, termios.TIOCOUTQ):
        return True
    if _queued(sock, SIOCOUTQNSD):
        return False
    pass_through_loopback()
    return True


def acknowledged(sock: socket.socket) -> bool:
    """Say whether all that has left here is acknowledged; true where unknown.

    What has not left then is held back by the other end, and not by an acknowledgement that its
    kernel delays.
    """
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return True
    return _queued(sock, termios.TIOCOUTQ) == _queued(sock, SIOCOUTQNSD)


def _queued(sock: socket.socket, request: int) -> int:
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), request, b"\0\0\0\0"))[0])


def pass_through_loopback() -> None:
    """Return once a datagram has come out behind everything in the loopback interface's queue."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        probe.connect(probe.getsockname())
        probe.send(b"?")
        probe.recv(1)


class PlainWire:
    """A blocking socket.

    Args:
        sock: connected; owned by the wire from now on.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.setblocking(True)
        if sock.family != socket.AF_UNIX:  # each send leaves at once, none waits for the last
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._gone = threading.Event()

    def send(self, data: bytes) -> None:
        """Send all and return once the other end's kernel holds it."""
        self.sock.sendall(data)
        self.settle()

    def send_some(self, data: bytes) -> int:
        """Send what the kernel takes at once; give the number of bytes, 0 when it is full."""
        self.sock.setblocking(False)
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        finally:
            self.sock.setblocking(True)

    def recv(self, size: int = RECV_SIZE) -> bytes:
        """Receive up to `size` bytes; b"" at EOF."""
        return self.sock.recv(size)

    def send_eof(self) -> None:
        """Half-close: FIN after everything sent; receiving goes on."""
        self.sock.shutdown(socket.SHUT_WR)
        self.settle()

    def close(self) -> None:
        """Close; whatever thread waits in `recv` is woken."""
        self._gone.set()
        abandon(self.sock)

    def reset(self) -> None:
        """Reset the connection: RST on TCP; on a unix socket a close with unread bytes.

        A unix socket has no RST: its kernel reports ECONNRESET to the other end if bytes were
        left unread here. The caller has to see that there are some.
        """
        self._gone.set()
        if self.sock.family != socket.AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self.sock.close()

    def settle(self) -> None:
        """Return once the other end's kernel holds everything sent, FIN included."""
        self._look_until(arrived)

    def wait_acknowledged(self) -> None:
        """Return once all that has left here is acknowledged."""
        self._look_until(acknowledged)

    def _look_until(self, done: Callable[[socket.socket], bool]) -> None:
        for look in range(sys.maxsize):
            try:
                if self._gone.is_set() or done(self.sock):
                    return
            except (OSError, ValueError):  # reset, or closed meanwhile: nothing is on its way
                return
            if look < SPINS:
                os.sched_yield()
            else:
                self._gone.wait(PAUSE_S)


class TlsWire:
    """TLS over a blocking socket, its records in our own hands.

    Args:
        sock: connected; owned by the wire from now on.
        context: verified on the client's side.
        server_hostname: the name to check, for a client; None makes this the server.
        ahead: plain bytes that leave in one piece with the handshake's first record.

    Raises:
        OSError: (ssl.SSLError included) if the handshake fails.
    """

    def __init__(
        self,
        sock: socket.socket,
        context: ssl.SSLContext,
        server_hostname: Optional[str] = None,
        ahead: bytes = b"",
    ) -> None:
        self.plain = PlainWire(sock)
        # Verbs may run in two threads, and the trial may close meanwhile: OpenSSL's objects bear
        # one thread at a time, and records have to leave in the order in which they were made.
        self._engine, self._leaving = threading.Lock(), threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._outgoing.write(ahead)
        self._tls = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=server_hostname is None,
            server_hostname=server_hostname,
        )
        self._pump(self._tls.do_handshake)

    @property
    def sock(self) -> socket.socket:
        """The socket underneath."""
        return self.plain.sock

    def send(self, data: bytes) -> None:
        """Send all and return once the other end's kernel holds it."""
        self._pump(lambda: self._tls.write(data))
        self.plain.settle()

    def send_some(self, data: bytes) -> int:
        """Send what the kernel takes at once; a begun record is finished by the next call."""
        with self._leaving, self._engine:
            if not self._outgoing.pending:
                self._tls.write(data)
            pending = self._outgoing.read()
            sent = self.plain.send_some(pending)
            self._requeue(pending[sent:])
        return sent

    def recv(self, size: int = RECV_SIZE) -> bytes:
        """Receive up to `size` decrypted bytes; b"" at close_notify and at a bare FIN."""
        try:
            data: Union[bytes, int] = self._pump(lambda: self._tls.read(size), flush=False)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        return bytes(data) if isinstance(data, bytes) else b""

    def send_eof(self) -> None:
        """Send close_notify, TLS's own EOF, and do not wait for the answer."""
        self._say_close_notify()
        self._flush()
        self.plain.settle()

    def close(self) -> None:
        """Close with close_notify where the connection still takes it."""
        with contextlib.suppress(OSError, ValueError):
            self._say_close_notify()
            if self._leaving.acquire(blocking=False):  # else a send is stuck; closing wakes it
                try:
                    self.plain.send_some(self._made())
                finally:
                    self._leaving.release()
        self.plain.close()

    def reset(self) -> None:
        """Reset the TCP connection underneath."""
        self.plain.reset()

    def settle(self) -> None:
        """Return once the other end's kernel holds everything sent."""
        self.plain.settle()

    def wait_acknowledged(self) -> None:
        """Return once all that has left here is acknowledged."""
        self.plain.wait_acknowledged()

    def _pump(
        self, step: Callable[[], Union[bytes, int, None]], *, flush: bool = True
    ) -> Union[bytes, int]:
        """Repeat `step` until it has what it needs from the socket.

        Reading must not flush: it would wait for a send that waits for the other end to read.
        """
        while True:
            try:
                with self._engine:
                    result = step()
            except ssl.SSLWantReadError:
                result = _MORE
            if flush:
                self._flush()
            if result is not _MORE:
                return result if result is not None else 0
            self._receive()

    def _flush(self) -> None:
        with self._leaving:
            pending = self._made()
            if pending:
                self.plain.sock.sendall(pending)

    def _made(self) -> bytes:
        with self._engine:
            return self._outgoing.read()

    def _receive(self) -> None:
        data = self.plain.recv()
        with self._engine:
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _say_close_notify(self) -> None:
        with self._engine, contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()

    def _requeue(self, rest: bytes) -> None:
        if rest:
            self._outgoing.write(rest)


Wire = Union[PlainWire, TlsWire]
