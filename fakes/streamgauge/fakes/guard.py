"""The audit hook behind the fixture `no_real_network`: who leaves the machine is stopped by name.

It sees what Python code does with sockets and resolvers, in every thread and on every loop, and
patches nothing. What a loop written in C does by itself, as uvloop's connects, it does not see.
"""

from __future__ import annotations

import socket
import sys
from typing import Any, Callable, Dict, Optional

from .names import AddressLike, Names, is_path, is_this_machine, numeric, split
from .outside import ForbiddenConnectError, Outside

__all__ = ["Guard"]

GUARDED = "the test asks for no_real_network. Serve it in a memory network, or allow"
INTERNET = (socket.AF_INET, socket.AF_INET6)


class Guard:
    """While it is `up`, connecting, sending datagrams and looking names up is an error."""

    _hooked = False
    _up: Optional[Guard] = None

    def __init__(self) -> None:
        self._outside = Outside(Names({}))

    def passthrough(self, *addresses: AddressLike) -> None:
        """Let some real destinations be reached, see `MemoryNetwork.passthrough`.

        A name that is not this machine's is looked up, now.

        Raises:
            ValueError: the port is not a number.
            socket.gaierror: the name is unknown.
        """
        self._outside.passthrough(*addresses)
        for host, _ in map(split, addresses):
            if not (is_path(host) or numeric(host)):
                self._outside.resolved(host, socket.getaddrinfo(host, None))

    def up(self) -> None:
        """Stop from now on who is not let through."""
        if not Guard._hooked:  # a hook can't be taken away, so there is one, which looks who is up
            sys.addaudithook(_hook)
            Guard._hooked = True
        Guard._up = self

    def down(self) -> None:
        """Stop nobody any more."""
        Guard._up = None

    def check_address(self, sock: Any, where: Any) -> None:
        """Look at what a socket is joined to, or sends to; None is whom it is joined to."""
        anywhere = where is not None and getattr(sock, "family", None) in INTERNET
        if anywhere and not self._outside.passes(*where[:2]):
            raise ForbiddenConnectError(where, why=GUARDED)

    def check_name(self, host: Any, *rest: Any) -> None:
        """Look at a name that is looked up; numbers and this machine's own names are no secret."""
        name = host.decode() if isinstance(host, bytes) else host or "localhost"
        own = name in ("localhost", socket.gethostname())
        if not (own or numeric(name) or self._outside.knows(name)):
            raise ForbiddenConnectError(name, did="looking up", why=GUARDED)

    def check_reverse(self, host: Any) -> None:
        """Look at what a name is asked for: of numbers, only this machine's own are no secret."""
        ip = numeric(host) if isinstance(host, str) else None
        if ip is None:
            self.check_name(host)
        elif not (is_this_machine(ip) or self._outside.knows(ip)):
            raise ForbiddenConnectError(host, did="looking up", why=GUARDED)

    def check_sockaddr(self, where: Any) -> None:
        """Look at an address whose names are asked for; that numbers will do, nobody tells."""
        self.check_reverse(where[0])


#: What looks at each of Python's audit events.
CHECKS: Dict[str, Callable[..., None]] = {
    "socket.connect": Guard.check_address,
    "socket.sendto": Guard.check_address,
    "socket.sendmsg": Guard.check_address,
    "socket.getaddrinfo": Guard.check_name,
    "socket.gethostbyname": Guard.check_name,
    "socket.gethostbyaddr": Guard.check_reverse,
    "socket.getnameinfo": Guard.check_sockaddr,
}


def _hook(event: str, args: Any) -> None:
    guard = Guard._up
    if guard is not None and event in CHECKS:
        CHECKS[event](guard, *args)
