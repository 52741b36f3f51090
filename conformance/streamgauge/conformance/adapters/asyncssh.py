"""asyncssh's `SSHReader` and `SSHWriter`: a TCP connection that is forwarded through SSH.

The client opens a connection through a server on the loopback interface, in the same loop; the
server connects to the peer's socket. Both verify: the client the server's key.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Any, List, Tuple

import asyncssh

from streamgauge.conformance.adapters import FUNCTIONS
from streamgauge.conformance.subjects import Subject

__all__ = ["Asyncssh"]

LOOPBACK = "127.0.0.1"


@lru_cache(maxsize=None)
def _host_key() -> Any:
    return asyncssh.generate_private_key("ssh-ed25519")


class _Forwarding(asyncssh.SSHServer):
    """A server that lets anybody in and forwards whatever is asked for: it is the loopback's."""

    def begin_auth(self, username: str) -> bool:
        """Ask for no password."""
        return False

    def connection_requested(self, *where: Any) -> bool:
        """Connect to wherever the client wants."""
        return True


class Asyncssh(Subject):
    """asyncssh's streams. Their bound is the channel's window, not a limit of the reader's."""

    version = asyncssh.__version__
    lacks = FUNCTIONS | {
        "StreamReader",
        "StreamWriter",
        "feed",
        "limit",
        "ssl",
        "start_tls",
        "transport",
    }

    def __init__(self) -> None:
        self._connections: List[Tuple[Any, Any]] = []

    async def pair(self, limit: int) -> Tuple[Any, Any, socket.socket]:
        """Connect through SSH to a socket of the peer's."""
        server = await asyncssh.listen(
            LOOPBACK, 0, server_host_keys=[_host_key()], server_factory=_Forwarding
        )
        client = await asyncssh.connect(
            LOOPBACK,
            server.sockets[0].getsockname()[1],
            username="gauge",
            known_hosts=([_host_key().convert_to_public()], [], []),
            config=None,
            agent_path=None,
            client_keys=None,
        )
        self._connections.append((client, server))
        with socket.create_server((LOOPBACK, 0)) as listener:
            reader, writer = await client.open_connection(*listener.getsockname(), encoding=None)
            peer, _ = listener.accept()
        return reader, writer, peer

    async def finish(self) -> None:
        """End both sides of each SSH connection."""
        while self._connections:
            client, server = self._connections.pop()
            client.abort()
            server.close()
            await client.wait_closed()
            await server.wait_closed()
