"""What lies outside of a memory network: which real destinations may be reached, and the refusal.

An `Outside` only answers questions; who asks them is in `dialing`, `serving` and `fences`, and
for sockets that no network knows of in `plugin`.
"""

from __future__ import annotations

from typing import Any, Iterable, Optional, Set, Tuple, Union

from .names import AddressLike, AddrInfo, Names, is_path, numeric, shown, split

__all__ = ["STREAMS_ONLY", "ForbiddenConnectError", "Outside"]

Host = Union[str, bytes, None]
NOT_HERE = "it is not in the memory network. Start a server there, name it in hosts=, or allow"
STREAMS_ONLY = "a memory network carries streams only. Allow"


class ForbiddenConnectError(RuntimeError):
    """A program tried to reach something that is neither in the network nor passed through.

    It is no OSError, so that code which expects the network to fail does not hide it.

    Attributes:
        address: what it tried to reach.
    """

    def __init__(self, where: Any, *, did: str = "connecting to", why: str = NOT_HERE) -> None:
        self.address = where
        text = where if isinstance(where, str) else shown(where)
        super().__init__(
            f"{did} {text} is forbidden: {why} the real one with passthrough({text!r})"
        )


class Outside:
    """The real destinations that may be reached: none, until they are named.

    Args:
        names: the names of the network, which stand for all of their addresses.

    Attributes:
        allowed: hosts with a port, or None for all of them.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self.allowed: Set[Tuple[str, Optional[int]]] = set()

    def passthrough(self, *addresses: AddressLike) -> None:
        """Let some real destinations be reached.

        Args:
            addresses: ``"127.0.0.1:5432"``, ``"[::1]:80"``, ``"db.example:*"`` or a path; without
                a port, all of them. A name stands for itself and for what it resolves to.

        Raises:
            ValueError: the port is not a number.
            TypeError: it is no address at all.
        """
        for where in addresses:
            host, port = split(where)
            for name in (host, *self._names.known(host)):
                self.allowed.add((_key(name), port))

    def passes(self, host: Host, port: Any) -> bool:
        """Whether a destination may be reached.

        Args:
            host: a name, an address or a path.
            port: its number, also as a string; None for a path.
        """
        if not self.allowed or not isinstance(host, (str, bytes)):
            return False
        name = _key(host)
        number = int(port) if isinstance(port, (str, bytes)) and port.isdigit() else port
        return (name, number) in self.allowed or (name, None) in self.allowed

    def knows(self, host: Host) -> bool:
        """Whether a name is one of a destination that may be reached, on whatever port."""
        if not self.allowed or not isinstance(host, (str, bytes)):
            return False
        name = _key(host)
        return any(name == allowed for allowed, _ in self.allowed)

    def resolved(self, host: Host, infos: Iterable[AddrInfo]) -> None:
        """Take note of what a name stands for, so that its addresses may be reached as well.

        Args:
            host: the name, of which `knows` is true.
            infos: what `getaddrinfo` gave for it.
        """
        assert host is not None
        ports = [port for name, port in self.allowed if name == _key(host)]
        self.allowed.update((_key(info[4][0]), port) for info in infos for port in ports)


def _key(host: Union[str, bytes]) -> str:
    text = host.decode() if isinstance(host, bytes) else host
    return text if is_path(text) else numeric(text) or text.lower()
