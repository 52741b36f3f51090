"""Blocking wires: what the peer's thread holds in its hands, plain or under TLS.

A wire is a socket with the few verbs that checks need. Everything blocks; nothing here knows
asyncio. What is spoken on it is in `speech`.
"""

from __future__ import annotations

import contextlib
import struct
import sys
from typing import Any, Callable, TypeVar, Union

from streamgauge.conformance.kept import os, socket, ssl, threading
from streamgauge.conformance.speech import Records, Speech

__all__ = [
    "AF_UNIX",
    "PlainWire",
    "TlsWire",
    "Wire",
    "abandon",
    "family_of",
    "pass_through_loopback",
    "wait_acknowledged",
    "wire_of",
]

T = TypeVar("T")

AF_UNIX: socket.AddressFamily = getattr(socket, "AF_UNIX", socket.AF_UNSPEC)  # else no such link
RECV_SIZE = 256 * 1024  # bytes; what asyncio's own transports ask for at most
SPINS = 1_000  # looks at the kernel's queue before the thread begins to wait in between
PAUSE_S = 0.001  # seconds between looks at a queue that only the kernel's timers will empty
SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes that have not left the socket yet
_LINGER_0 = struct.pack("ii", 1, 0)


def abandon(sock: socket.socket) -> None:
    """Close a socket for good; a thread that blocks on it is woken."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def family_of(address: Any) -> socket.AddressFamily:
    """Tell an address's family by its shape: a path, or a tuple of two or of four."""
    if isinstance(address, (str, bytes)):
        return AF_UNIX
    return socket.AF_INET if len(address) == 2 else socket.AF_INET6


def arrived(sock: socket.socket) -> bool:
    """Say whether the other end's kernel holds everything sent from here; true where unknown.

    Unix sockets hand bytes over within send(); only TCP has a distance to cover, and on the
    loopback interface that distance is one queue. What has been acknowledged is there. So is
    what has left this socket, once a datagram sent later has come out of the same queue: to
    wait for the acknowledgement instead would cost the 40 ms by which kernels delay it.
    """
    if sys.platform != "linux":
        return True
    if sock.family == AF_UNIX:
        return True
    if not _unacknowledged(sock):
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
    if sys.platform != "linux":
        return True
    if sock.family == AF_UNIX:
        return True
    return _unacknowledged(sock) == _queued(sock, SIOCOUTQNSD)


def wait_acknowledged(sock: socket.socket) -> None:
    """Return once all that has left a socket, of whosever, is acknowledged."""
    _look_until(acknowledged, sock, threading.Event())


def _look_until(
    done: Callable[[socket.socket], bool], sock: socket.socket, gone: threading.Event
) -> None:
    for look in range(sys.maxsize):
        try:
            if gone.is_set() or done(sock):
                return
        except (OSError, ValueError):  # reset, or closed meanwhile: nothing is on its way
            return
        if look < SPINS:
            _yield()
        else:
            gone.wait(PAUSE_S)


def _yield() -> None:
    """Let other threads run, the kernel's among them."""
    if sys.platform == "linux":  # nowhere else is anything waited for
        os.sched_yield()


def _unacknowledged(sock: socket.socket) -> int:
    import termios  # noqa: PLC0415 - Unix alone has it

    if sys.platform != "linux":
        raise NotImplementedError
    return _queued(sock, termios.TIOCOUTQ)


def _queued(sock: socket.socket, request: int) -> int:
    import fcntl  # noqa: PLC0415 - Unix alone has it

    if sys.platform != "linux":
        raise NotImplementedError
    return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), request, b"\0\0\0\0"))[0])


def pass_through_loopback() -> None:
    """Return once a datagram has come out behind everything in the loopback interface's queue.

    On a machine whose interface is down nothing is on its way there.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
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
        if sock.family != AF_UNIX:  # each send leaves at once, none waits for the last
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

    def stop_receiving(self) -> None:
        """End the receiving: whatever thread waits in `recv` is woken, with nothing."""
        self.sock.shutdown(socket.SHUT_RD)

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
        if self.sock.family != AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self.sock.close()

    def settle(self) -> None:
        """Return once the other end's kernel holds everything sent, FIN included."""
        self._look_until(arrived)

    def wait_acknowledged(self) -> None:
        """Return once all that has left here is acknowledged."""
        self._look_until(acknowledged)

    def _look_until(self, done: Callable[[socket.socket], bool]) -> None:
        _look_until(done, self.sock, self._gone)


class TlsWire:
    """TLS over a blocking socket, its records in our own hands.

    Args:
        sock: connected; owned by the wire from now on.
        speech: TLS, and as whom.

    Raises:
        OSError: (ssl.SSLError included) if the handshake fails.
    """

    def __init__(self, sock: socket.socket, speech: Speech) -> None:
        self.plain = PlainWire(sock)
        # Verbs may run in two threads, and the trial may close meanwhile: OpenSSL's objects bear
        # one thread at a time, and records have to leave in the order in which they were made.
        self._engine, self._leaving = threading.Lock(), threading.Lock()
        self._records = Records(speech)
        self._pump(self._records.shake_hands)

    @property
    def sock(self) -> socket.socket:
        """The socket underneath."""
        return self.plain.sock

    def send(self, data: bytes) -> None:
        """Send all and return once the other end's kernel holds it."""
        self._pump(lambda: self._records.write(data))
        self.plain.settle()

    def send_some(self, data: bytes) -> int:
        """Send what the kernel takes at once; a begun record is finished by the next call."""
        with self._leaving, self._engine:
            if not self._records.pending:
                self._records.write(data)
            pending = self._records.made()
            sent = self.plain.send_some(pending)
            self._records.put_back(pending[sent:])
        return sent

    def recv(self, size: int = RECV_SIZE) -> bytes:
        """Receive up to `size` decrypted bytes; b"" at close_notify and at a bare FIN."""
        return self._pump(lambda: self._records.read(size), flush=False)

    def send_eof(self) -> None:
        """Send close_notify, TLS's own EOF, and do not wait for the answer."""
        self._say_close_notify()
        self._flush()
        self.plain.settle()

    def stop_receiving(self) -> None:
        """End the receiving; see `PlainWire`."""
        self.plain.stop_receiving()

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

    def _pump(self, step: Callable[[], T], *, flush: bool = True) -> T:
        """Repeat `step` until it has what it needs from the socket.

        Reading must not flush: it would wait for a send that waits for the other end to read.
        """
        while True:
            done = []
            with contextlib.suppress(ssl.SSLWantReadError), self._engine:
                done.append(step())
            if flush:
                self._flush()
            if done:
                return done[0]
            self._receive()

    def _flush(self) -> None:
        with self._leaving:
            pending = self._made()
            if pending:
                self.plain.sock.sendall(pending)

    def _made(self) -> bytes:
        with self._engine:
            return self._records.made()

    def _receive(self) -> None:
        data = self.plain.recv()
        with self._engine:
            self._records.take_in(data)

    def _say_close_notify(self) -> None:
        with self._engine:
            self._records.say_close_notify()


Wire = Union[PlainWire, TlsWire]


def wire_of(sock: socket.socket, speech: Speech) -> Wire:
    """Make the wire of a connected socket that speaks so; a handshake is made at once."""
    return PlainWire(sock) if speech.context is None else TlsWire(sock, speech)
