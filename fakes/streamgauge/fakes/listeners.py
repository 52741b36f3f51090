"""Who listens where in a memory network: addresses taken, ports given out.

Binding fails as the kernel's does, with its errno. What a listener does with a connection is its
server's business, see `server`.
"""

from __future__ import annotations

import errno
import itertools
import os
from typing import Any, Dict, List, Optional, Tuple

from .names import WILDCARDS, Names, address, family_of
from .sockets import Address

__all__ = ["Listeners"]

#: Linux gives out ephemeral ports from here on.
FIRST_EPHEMERAL_PORT = 32768

Key = Tuple[str, int]


class Listeners:
    """The bound addresses of one network.

    Args:
        names: what the network's machines are.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._bound: Dict[Key, Any] = {}
        self._paths: Dict[str, Any] = {}  # None: the path is there, and nobody listens any more
        self._ephemeral = itertools.count(FIRST_EPHEMERAL_PORT)

    def free_port(self) -> int:
        """Give a port that nobody has."""
        taken = {port for _, port in self._bound}
        return next(port for port in self._ephemeral if port not in taken)

    def bind(self, ip: str, port: int, owner: Any, *, shared: bool = False) -> Address:
        """Take an address.

        Args:
            ip: a numeric address of this network, or a wildcard.
            port: 0 for a free one.
            owner: what `find` gives.
            shared: SO_REUSEPORT: another that shares may have it too; the first is found.

        Raises:
            OSError: EADDRINUSE, if it, or a wildcard's part of it, is taken; EADDRNOTAVAIL, if
                it is no address of this network.
        """
        if not self._names.is_ours(ip):
            raise _bind_error(errno.EADDRNOTAVAIL, address(ip, port))
        number = port or self.free_port()
        if not shared and any(self._clash(ip, number, *key) for key in self._bound):
            raise _bind_error(errno.EADDRINUSE, address(ip, port))
        self._bound.setdefault((ip, number), owner)
        return address(ip, number)

    def bind_path(self, path: str, owner: Any) -> None:
        """Take a path; one that was there is taken over in silence, as asyncio does."""
        self._paths[path] = owner

    def release(self, where: Address, owner: Any, *, keep_path: bool = False) -> None:
        """Give an address back, if it still belongs to this owner.

        Args:
            where: the address.
            owner: who had taken it.
            keep_path: a path stays there, with nobody listening.
        """
        if isinstance(where, tuple):
            if self._bound.get(where[:2]) is owner:
                del self._bound[where[:2]]
        elif keep_path and self._paths.get(where) is owner:
            self._paths[where] = None
        elif self._paths.get(where) is owner or not keep_path:
            self._paths.pop(where, None)

    def find(self, where: Address) -> Optional[Any]:
        """Give the owner of an address or of the wildcard that covers it; None for nobody.

        Raises:
            FileNotFoundError: the path is not there.
        """
        if not isinstance(where, tuple):
            if where not in self._paths:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), where)
            return self._paths[where]
        ip, port = where[:2]
        wildcard = WILDCARDS[":" in ip]
        return self._bound.get((ip, port)) or self._bound.get((wildcard, port))

    def addresses(self) -> List[Address]:
        """Give every address that somebody listens on."""
        bound = [address(*key) for key, owner in self._bound.items() if owner.is_serving()]
        return bound + [path for path, owner in self._paths.items() if owner is not None]

    @staticmethod
    def _clash(ip: str, port: int, other_ip: str, other_port: int) -> bool:
        same_family = family_of(ip) == family_of(other_ip)
        either = ip == other_ip or ip in WILDCARDS or other_ip in WILDCARDS
        return port == other_port and same_family and either


def _bind_error(number: int, where: Address) -> OSError:
    text = os.strerror(number).lower()
    return OSError(number, f"error while attempting to bind on address {where!r}: {text}")
