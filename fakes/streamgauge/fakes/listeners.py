"""Who listens where in a memory network: addresses taken, ports given out.

Binding fails as the kernel's does, with its errno. What a listener does with a connection is its
server's business, see `server`.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import stat
from typing import TYPE_CHECKING, Dict, List, Optional, Protocol, Tuple

from .names import PORT_MAX, WILDCARDS, Names, address, family_of
from .sockets import Address

if TYPE_CHECKING:
    from .connections import Connection
    from .wire import WireEnd

__all__ = ["Listeners", "Owner", "bind_error"]

#: What Linux gives out by itself (net.ipv4.ip_local_port_range).
EPHEMERAL_PORTS = range(32768, 61000)


class Owner(Protocol):
    """Who an address belongs to: a server, or whatever else takes connections."""

    def is_serving(self) -> bool:
        """Whether connections are taken; else they are refused."""

    def accept(
        self,
        connection: Connection,
        end: WireEnd,
        names: Tuple[Address, Address],
        connected: asyncio.Future[None],
    ) -> None:
        """Take a connection, in a later turn of the loop.

        Args:
            connection: what holds it.
            end: the owner's end of the wire.
            names: the owner's address and the client's.
            connected: to be resolved in the next turn, when a client's socket would be writable.
        """


class Listeners:
    """The bound addresses of one network.

    Args:
        names: what the network's machines are.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._bound: Dict[int, Dict[str, Owner]] = {}  # port to address to owner
        self._sharing: Dict[Tuple[str, int], List[Owner]] = {}  # all owners of an address, in order
        self._paths: Dict[str, Optional[Owner]] = {}  # None: there, and nobody listens
        self._ephemeral = itertools.cycle(EPHEMERAL_PORTS)

    def free_port(self) -> int:
        """Give a port that nobody listens on, each one as late again as can be.

        Raises:
            OSError: EADDRINUSE, if there is none left.
        """
        for _ in EPHEMERAL_PORTS:
            port = next(self._ephemeral)
            if port not in self._bound:
                return port
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def bind(self, ip: str, port: int, owner: Owner, *, shared: bool = False) -> Address:
        """Take an address.

        Args:
            ip: a numeric address of this network, or a wildcard.
            port: 0 for a free one.
            owner: what `find` gives.
            shared: SO_REUSEPORT: others that share may have it too; the first of them is found.

        Raises:
            OSError: EADDRINUSE, if it, or a wildcard's part of it, is taken; EADDRNOTAVAIL, if
                it is no address of this network.
            OverflowError: there is no such port.
        """
        self._check(ip, port)
        number = port or self.free_port()
        there = self._bound.setdefault(number, {})
        taken = (other for other in there if _clash(ip, other))
        if any(not shared or (other, number) not in self._sharing for other in taken):
            raise bind_error(errno.EADDRINUSE, address(ip, port))
        if shared:
            self._sharing.setdefault((ip, number), []).append(owner)
        there.setdefault(ip, owner)
        return address(ip, number)

    def source(self, ip: str, port: int) -> Address:
        """Give the address that a client connects from.

        Args:
            ip: a numeric address.
            port: 0 for a free one.

        Raises:
            OSError: EADDRINUSE, if somebody listens there; EADDRNOTAVAIL, if it is no address of
                this network.
            OverflowError: there is no such port.
        """
        self._check(ip, port)
        if any(_clash(ip, other) for other in self._bound.get(port, ())):
            raise bind_error(errno.EADDRINUSE, address(ip, port))
        return address(ip, port or self.free_port())

    def _check(self, ip: str, port: int) -> None:
        if not 0 <= port <= PORT_MAX:
            raise OverflowError("bind(): port must be 0-65535.")  # the socket module's words
        if not self._names.is_ours(ip):
            raise bind_error(errno.EADDRNOTAVAIL, address(ip, port))

    def bind_path(self, path: str, owner: Owner) -> None:
        """Take a path; one that was there is taken over in silence, as asyncio does.

        An abstract name is not: there is no file of which asyncio could make room.

        Raises:
            FileNotFoundError: there is no such folder.
            NotADirectoryError: what should be the folder is something else.
            OSError: EADDRINUSE, if there is a file that is no socket, or somebody has the name.
        """
        if path.startswith("\0"):
            if path in self._paths:
                raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use")
        else:
            os.lstat(os.path.join(os.path.dirname(path) or ".", ""))
            if os.path.lexists(path) and not stat.S_ISSOCK(os.lstat(path).st_mode):
                raise OSError(errno.EADDRINUSE, f"Address {path!r} is already in use")
        self._paths[path] = owner

    def release(self, where: Address, owner: Owner, *, keep_path: bool = False) -> None:
        """Give an address back, if it still belongs to this owner.

        Args:
            where: the address.
            owner: who had taken it.
            keep_path: a path stays there, with nobody listening.
        """
        if isinstance(where, bytes):
            where = os.fsdecode(where)  # an abstract name, as it is told
        if isinstance(where, tuple):
            self._release(where[:2], owner)
        elif keep_path and self._paths.get(where) is owner and not where.startswith("\0"):
            self._paths[where] = None
        elif self._paths.get(where) is owner or not keep_path:
            self._paths.pop(where, None)

    def _release(self, where: Tuple[str, int], owner: Owner) -> None:
        ip, port = where
        sharing = self._sharing.get(where, [])
        if owner in sharing:
            sharing.remove(owner)
        there = self._bound.get(port, {})
        if there.get(ip) is not owner:
            return
        if sharing:
            there[ip] = sharing[0]
            return
        self._sharing.pop(where, None)
        del there[ip]
        if not there:
            del self._bound[port]

    def find(self, where: Address) -> Optional[Owner]:
        """Give the owner of an address or of the wildcard that covers it; None for nobody.

        Raises:
            FileNotFoundError: the path is not there.
        """
        if not isinstance(where, tuple):
            if where not in self._paths and not where.startswith("\0"):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), where)
            return self._paths.get(where)
        ip, port = where[:2]
        there = self._bound.get(port)
        if there is None:
            return None
        return there.get(ip) or there.get(WILDCARDS[":" in ip])

    def addresses(self) -> List[Address]:
        """Give every address that somebody listens on."""
        bound = [
            address(ip, port)
            for port, there in self._bound.items()
            for ip, owner in there.items()
            if owner.is_serving()
        ]
        return bound + [path for path, owner in self._paths.items() if owner is not None]


def _clash(ip: str, other: str) -> bool:
    """Whether two addresses can't have the same port."""
    either = ip == other or ip in WILDCARDS or other in WILDCARDS
    return either and family_of(ip) == family_of(other)


def bind_error(number: int, where: Address) -> OSError:
    """Make the error of a bind that failed, in the words that asyncio puts to the kernel's."""
    text = os.strerror(number).lower()
    return OSError(number, f"error while attempting to bind on address {where!r}: {text}")
