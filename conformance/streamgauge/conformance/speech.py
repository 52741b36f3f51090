"""How a peer speaks on its connection: plain bytes, or TLS as a machine that knows no socket.

`Speech` is the choice, as data; `Records` is TLS with bytes going in and bytes coming out, so that
a peer can say close_notify, or leave it out, and go on reading, which a wrapped socket cannot.
What carries the bytes is in `wires` (blocking sockets) and `memory_peer` (wires in memory).
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple, Optional

from streamgauge.conformance.kept import ssl

__all__ = ["PLAIN", "Records", "Speech"]


class Speech(NamedTuple):
    """What a peer speaks.

    Attributes:
        context: its TLS context; None for plain bytes.
        server_hostname: the name to verify, for a client; None makes the peer the server.
        ahead: plain bytes that leave in one piece with the handshake's first record.
    """

    context: Optional[ssl.SSLContext] = None
    server_hostname: Optional[str] = None
    ahead: bytes = b""


PLAIN = Speech()


class Records:
    """TLS between two heaps of bytes: what has come in, and what has to leave.

    `shake_hands` and `read` raise `ssl.SSLWantReadError` where more has to come in first.

    Args:
        speech: the context, verified on the client's side, the name to check, and what goes ahead.
    """

    def __init__(self, speech: Speech) -> None:
        assert speech.context is not None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._outgoing.write(speech.ahead)
        self._tls = speech.context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=speech.server_hostname is None,
            server_hostname=speech.server_hostname,
        )

    def shake_hands(self) -> None:
        """Go on with the handshake.

        Raises:
            OSError: (ssl.SSLError included) it failed.
        """
        self._tls.do_handshake()

    def write(self, data: bytes) -> None:
        """Encrypt; the records are there to be taken by `made`."""
        self._tls.write(data)

    def read(self, size: int) -> bytes:
        """Decrypt up to `size` bytes; b"" at close_notify and at a bare FIN."""
        try:
            return self._tls.read(size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def say_close_notify(self) -> None:
        """Make TLS's own EOF, without waiting for the answer."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()

    def take_in(self, data: bytes) -> None:
        """Take what came; b"" is the end of it."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    @property
    def pending(self) -> int:
        """How many bytes have to leave."""
        return self._outgoing.pending

    def made(self) -> bytes:
        """Give the bytes that have to leave, once."""
        return self._outgoing.read()

    def put_back(self, rest: bytes) -> None:
        """Put back what did not leave, before anything else is made."""
        self._outgoing.write(rest)
