"""`MemorySocket`: what `get_extra_info("socket")` gives and a server's `sockets` are made of.

It answers the questions that programs ask of a connection's socket, names and options, and has
no descriptor: reading and writing are the transport's alone.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any, Dict, Optional, Tuple, Union

from .wire import NO_OPTIONS, Options, WireEnd

__all__ = ["AF_UNIX", "Address", "MemorySocket", "as_told"]

AF_UNIX: Optional[int] = getattr(socket, "AF_UNIX", None)  # not every platform has it

Address = Any  # ("127.0.0.1", port), ("::1", port, 0, 0), a path, or an abstract name

#: What a fresh socket says of itself on Linux: (level, option) to value.
DEFAULTS: Dict[Tuple[int, int], int] = {
    (socket.SOL_SOCKET, socket.SO_ERROR): 0,
    (socket.SOL_SOCKET, socket.SO_TYPE): socket.SOCK_STREAM,
    (socket.SOL_SOCKET, socket.SO_RCVBUF): 131072,
    (socket.SOL_SOCKET, socket.SO_SNDBUF): 2626560,
    (socket.IPPROTO_TCP, socket.TCP_NODELAY): 1,  # asyncio sets it on every TCP connection
}

INTERNET = (socket.AF_INET, socket.AF_INET6)
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)


def as_told(name: str) -> Union[str, bytes]:
    """Give a unix socket's name as the kernel tells it: an abstract one in bytes."""
    return os.fsencode(name) if name.startswith("\0") else name


class MemorySocket:
    """A socket without a descriptor.

    Args:
        family: `socket.AF_INET`, `AF_INET6` or `AF_UNIX`.
        sockname: its own address.
        peername: the other end's address; None for a listener.
        end: the wire's end, which SO_LINGER is about; None for a listener.
    """

    __slots__ = ("_end", "_family", "_options", "_peername", "_sockname")

    type = socket.SOCK_STREAM

    def __init__(
        self,
        family: int,
        sockname: Address,
        peername: Optional[Address] = None,
        end: Optional[WireEnd] = None,
    ) -> None:
        self._family = family
        self._sockname = sockname
        self._peername = peername
        self._end = end
        self._options: Options = NO_OPTIONS if end is None else end.options

    def __repr__(self) -> str:
        return f"<MemorySocket {self.family.name} {self._sockname} to {self._peername}>"

    @property
    def family(self) -> socket.AddressFamily:
        """The address family."""
        return socket.AddressFamily(self._family)

    @property
    def proto(self) -> int:
        """The protocol number: TCP's, or 0 for a unix socket."""
        return socket.IPPROTO_TCP if self.family in INTERNET else 0

    def fileno(self) -> int:
        """Give -1, as a socket without a descriptor does."""
        return -1

    def getsockname(self) -> Address:
        """Give this end's address.

        Raises:
            OSError: EBADF, once the connection is closed; so do the other calls.
        """
        self._check_open()
        return self._sockname

    def getpeername(self) -> Address:
        """Give the other end's address.

        Raises:
            OSError: ENOTCONN, for a listener.
        """
        self._check_open()
        if self._peername is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._peername

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Union[int, bytes]:
        """Give what was set, or what a fresh socket says.

        Args:
            level: `socket.SOL_SOCKET`, `IPPROTO_TCP`, ...
            optname: the option.
            buflen: bytes of the answer; 0 for a number.
        """
        self._check_open()
        value = self._options.get((level, optname), DEFAULTS.get((level, optname), 0))
        if buflen and isinstance(value, int):
            return struct.pack("i", value).ljust(buflen, b"\0")[:buflen]
        if not buflen and isinstance(value, bytes):
            return int.from_bytes(value[:4], "little")
        return value

    def setsockopt(
        self, level: int, optname: int, value: Any, optlen: Optional[int] = None
    ) -> None:
        """Set an option. SO_LINGER with 0 seconds makes the close a reset; others are kept.

        Args:
            level: `socket.SOL_SOCKET`, `IPPROTO_TCP`, ...
            optname: the option.
            value: a number or bytes.
            optlen: bytes of an option that is set to None.
        """
        self._check_open()
        kept = value if value is not None else bytes(optlen or 0)
        self._options = {**self._options, (level, optname): kept}  # others may have the old ones
        if (level, optname) == LINGER and self._end is not None:
            self._end.linger_zero = _is_zero(value)

    def hand_down(self, end: WireEnd) -> None:
        """Give an end that came in by this listener the options that are set, as Linux does it.

        Args:
            end: the connection's end at the server; its socket is not made yet.
        """
        end.options = self._options
        if LINGER in self._options:  # it does something besides being there
            end.linger_zero = _is_zero(self._options[LINGER])

    def listen(self, backlog: int = 0) -> None:
        """Do nothing: the network takes connections as soon as its server serves.

        Args:
            backlog: connections that may wait; none does.
        """

    def setblocking(self, flag: bool) -> None:
        """Accept False: the socket never blocks.

        Raises:
            ValueError: it was told to block.
        """
        if flag:
            raise ValueError("setblocking() got True, expected False: the loop reads and writes")

    def settimeout(self, value: Optional[float]) -> None:
        """Accept 0 seconds, see `setblocking`."""
        self.setblocking(value != 0)

    def gettimeout(self) -> float:
        """Give 0 seconds: the socket never blocks."""
        return 0.0

    def _check_open(self) -> None:
        if self._end is not None and self._end.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def _is_zero(linger: Any) -> bool:
    on, seconds = struct.unpack("ii", bytes(linger)[:8])
    return bool(on) and seconds == 0
