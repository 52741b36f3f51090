"""Connections between `sock_connect` and `create_connection(sock=)`: each waits under its socket.

The socket itself is real, and never connected. A socket that the program closes, or forgets,
gives its connection up; the first is noticed at the next look, see `drop_closed`.
"""

from __future__ import annotations

import errno
import os
import weakref
from typing import Any, NamedTuple

from .connections import Connection
from .wire import WireEnd

__all__ = ["Parking"]


class _Parked(NamedTuple):
    end: WireEnd
    connection: Connection
    giving_up: Any  # what gives the connection up when the socket is forgotten


class Parking:
    """The connections of one network that wait to be claimed."""

    def __init__(self) -> None:
        self._parked: weakref.WeakKeyDictionary[Any, _Parked] = weakref.WeakKeyDictionary()

    def holds(self, sock: Any) -> bool:
        """Whether a socket has a connection that waits."""
        return sock in self._parked

    def check_free(self, sock: Any) -> None:
        """Refuse a second connection for a socket.

        Raises:
            OSError: EISCONN, as the kernel says.
        """
        if self.holds(sock):
            raise OSError(errno.EISCONN, os.strerror(errno.EISCONN))

    def park(self, sock: Any, end: WireEnd, connection: Connection) -> None:
        """Keep a connection until its socket is claimed, closed or forgotten."""
        self.drop_closed()  # of two sockets that race, the program closes one
        giving_up = weakref.finalize(sock, _give_up, end, connection)
        giving_up.atexit = False
        self._parked[sock] = _Parked(end, connection, giving_up)

    def claim(self, sock: Any) -> _Parked:
        """Give a socket's connection out, and close the socket."""
        parked = self._parked.pop(sock)
        parked.giving_up.detach()
        sock.close()
        return parked

    def drop_closed(self) -> None:
        """Give up the connections whose sockets were closed."""
        for sock in [sock for sock in self._parked if sock.fileno() < 0]:
            self._parked.pop(sock).giving_up()

    def drop_all(self) -> None:
        """Give all connections up."""
        for parked in [*self._parked.values()]:
            parked.giving_up()
        self._parked.clear()


def _give_up(end: WireEnd, connection: Connection) -> None:
    end.close()
    connection.closed()
