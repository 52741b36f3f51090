"""Names and addresses of a memory network: resolving them, reading and matching them.

The answers are those of `getaddrinfo` with an /etc/hosts of loopback's names and the given ones;
no resolver is asked. Who listens where is in `listeners`, what is done to traffic in `rules`.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import os
import re
import socket
from typing import (
    Any,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from .sockets import AF_UNIX, Address

__all__ = ["AddrInfo", "AddressLike", "Hosts", "Names", "Place", "shown"]

Hosts = Mapping[str, Union[str, Iterable[str]]]
AddressLike = Union[str, "os.PathLike[str]", Tuple[str, int]]
AddrInfo = Tuple[int, int, int, str, Address]

LOOPBACK = ("127.0.0.1", "::1")
PORT_MAX = 65535
ADDRESSES = "host:port, host:*, host or a path"
ATON = re.compile(r"[0-9a-fA-FxX.]+")
WILDCARDS = ("0.0.0.0", "::")
#: An address is of the other family; not every platform has a number for it.
NO_SUCH_FAMILY = getattr(socket, "EAI_ADDRFAMILY", socket.EAI_FAMILY)
#: What getaddrinfo gives for each socket type: (type, protocol).
SOCKET_TYPES = (
    (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    (socket.SOCK_RAW, 0),
)


def family_of(ip: str) -> int:
    """Give the address family of a numeric address."""
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def family_at(where: Address) -> int:
    """Give the address family of a socket's address: a tuple's, or that of paths."""
    return family_of(where[0]) if isinstance(where, tuple) else AF_UNIX or 0


def address(ip: str, port: int) -> Address:
    """Give an address as sockets do: two items for IPv4, four for IPv6."""
    return (ip, port, 0, 0) if ":" in ip else (ip, port)


def shown(where: Address) -> str:
    """Write an address as a program would: ``127.0.0.1:80``, ``[::1]:80``, a path."""
    if not isinstance(where, tuple):
        return os.fsdecode(where) if isinstance(where, bytes) else str(where)
    host, port = where[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@functools.lru_cache(maxsize=1024)
def numeric(host: str) -> Optional[str]:
    """Give the address in its one spelling, or None for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        return None


@functools.lru_cache(maxsize=1024)
def spelled_out(host: str) -> Optional[str]:
    """Give the IPv4 address that the C library reads from another spelling; None for a name.

    inet_aton(3) takes ``127.1``, ``0`` and ``0x7f.1``, and so does getaddrinfo; asyncio, which asks
    nobody about an address, takes none of these for one.
    """
    if not ATON.fullmatch(host):  # inet_aton itself would take anything behind a space
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


@functools.lru_cache(maxsize=1024)
def is_this_machine(ip: str) -> bool:
    """Whether an address is a wildcard or in loopback's networks."""
    return ip in WILDCARDS or ipaddress.ip_address(ip).is_loopback


class Place(NamedTuple):
    """Where something is: addresses or a path, with a port or all of them."""

    hosts: FrozenSet[str]
    port: Optional[int]

    def covers(self, where: Address) -> bool:
        """Whether an address is in this place."""
        if not isinstance(where, tuple):
            return where in self.hosts
        return where[0] in self.hosts and self.port in (None, where[1])


def _as_text(host: Any) -> Optional[str]:
    if isinstance(host, bytes):
        return host.decode("ascii")  # as the socket module does
    if not (host is None or isinstance(host, str)):
        raise TypeError(f"host got {host!r}, expected a name or an address, as text, or None")
    return host


def _error(number: int, text: str) -> socket.gaierror:
    return socket.gaierror(number, text)


def is_path(text: str) -> bool:
    """Whether an address is that of a unix socket: a path with a slash or a dot, or abstract."""
    return text.startswith(("/", "\0", "."))


def split(where: AddressLike) -> Tuple[str, Optional[int]]:
    """Take ``host:port``, ``[v6]:port``, a host, a path or a pair apart.

    Args:
        where: the address; without a port, or with ``*`` for one, all ports are meant.

    Raises:
        ValueError: the port is not a number, or none that a port can have, or nothing is named.
        TypeError: it is no address at all.
    """
    if isinstance(where, tuple):
        return _split_pair(where)
    if not isinstance(where, (str, os.PathLike)):
        raise TypeError(f"address got {where!r}, expected 'host:port', 'host', a path or a pair")
    text = os.fspath(where)
    if not text:
        raise ValueError(f"address got {where!r}, expected {ADDRESSES}")
    if is_path(text) or numeric(text):
        return text, None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip("[]"), None
    return host.strip("[]"), None if port == "*" else _port_named(port, where)


def _split_pair(where: Tuple[Any, ...]) -> Tuple[str, Optional[int]]:
    if len(where) < 2 or not isinstance(where[0], str):
        raise TypeError(f"address got {where!r}, expected a pair of a host and a port")
    return where[0], None if where[1] is None else _port_named(where[1], where)


def _port_named(port: Any, where: AddressLike) -> int:
    text = str(port)
    if not (text.isascii() and text.isdigit() and int(text) <= PORT_MAX):
        raise ValueError(
            f"address got {where!r}, expected {ADDRESSES}, with a port from 0 to {PORT_MAX}"
        )
    return int(text)


def _numeric_addresses(name: str, ips: Any) -> Tuple[str, ...]:
    """Read what a name of `hosts=` stands for."""
    expected = "expected numeric addresses"
    if not isinstance(ips, Iterable):
        raise TypeError(f"hosts[{name!r}] got {ips!r}, {expected}")
    given = [ips] if isinstance(ips, str) else [*ips]
    found = [(ip, numeric(ip) if isinstance(ip, str) else None) for ip in given]
    wrong = [ip for ip, fine in found if fine is None]
    if wrong or not found:
        raise ValueError(f"hosts[{name!r}] got {wrong}, {expected}")
    return tuple(fine for _, fine in found if fine is not None)


class Names:
    """The names of one network.

    Args:
        hosts: name to one address or several.

    Raises:
        ValueError: what a name stands for is not a numeric address.
        TypeError: it is no mapping of text to text, or to several.
    """

    def __init__(self, hosts: Hosts) -> None:
        if not isinstance(hosts, Mapping):
            raise TypeError(f"hosts got {hosts!r}, expected a mapping of names to addresses")
        self._hosts: Dict[str, Tuple[str, ...]] = {"localhost": LOOPBACK}
        for name, ips in hosts.items():
            if not isinstance(name, str):
                raise TypeError(f"hosts got {name!r} for a name, expected text")
            self._hosts[name.lower()] = _numeric_addresses(name, ips)
        self._ours = frozenset(ip for ips in self._hosts.values() for ip in ips)
        #: `resolve_all`, remembered: a name means the same as long as the network lives.
        self.addresses = functools.lru_cache(maxsize=1024)(self.resolve_all)

    def known(self, host: str) -> Tuple[str, ...]:
        """Give the addresses of a name, none for one that is unknown here."""
        return self._hosts.get(host.lower().rstrip("."), ())

    def is_ours(self, ip: str) -> bool:
        """Whether a numeric address is a machine of this network: loopback, or in `hosts`."""
        return ip in self._ours or is_this_machine(ip)

    def resolve(self, host: Union[str, bytes, None], family: int = 0, flags: int = 0) -> List[str]:
        """Give the numeric addresses of a name.

        Args:
            host: a name, an address, or None for this machine.
            family: `socket.AF_INET`, `AF_INET6`, or 0 for both.
            flags: `AI_PASSIVE`: None means every address of this machine, not loopback.
                `AI_NUMERICHOST`: no name is looked up. The others change nothing.

        Raises:
            socket.gaierror: the name is unknown, or has no address of that family.
            TypeError: the host is neither text, nor bytes, nor None.
        """
        host = _as_text(host)
        if not host:
            found: Tuple[str, ...] = WILDCARDS if flags & socket.AI_PASSIVE else LOOPBACK
        else:
            ip = numeric(host) or spelled_out(host)
            known = () if flags & socket.AI_NUMERICHOST else self.known(host)
            found = (ip,) if ip else known
            if not found:
                raise _error(socket.EAI_NONAME, f"Name or service not known: {host!r}")
        fitting = [ip for ip in found if family in (0, family_of(ip))] if family else [*found]
        if not fitting:
            raise _error(NO_SUCH_FAMILY, f"No address of that family: {host!r}")
        return fitting

    def resolve_all(self, host: Optional[str], port: Any, family: int = 0) -> Tuple[Address, ...]:
        """Give the addresses of a name with a port or a service, see `resolve` and `port_at`."""
        number = self.port_at(host, port)
        return tuple(address(ip, number) for ip in self.resolve(host, family))

    def place(self, where: AddressLike) -> Place:
        """Read an address as the name of a place.

        Raises:
            socket.gaierror: the name is unknown.
            ValueError: the port is not a number, or none that a port can have.
        """
        host, port = split(where)
        if is_path(host):
            return Place(frozenset([host]), None)
        return Place(frozenset(self.resolve(host)), port)

    def port(self, port: Any) -> int:
        """Give the number of a port or a service, as the C library does: beyond 65535 it wraps.

        Raises:
            socket.gaierror: the service is unknown.
            OSError: it is neither a number nor text.
        """
        text = port.decode() if isinstance(port, bytes) else port
        if text is None or text == "":
            return 0
        if not isinstance(text, (str, int)):
            raise OSError("Int or String expected")  # the socket module's words
        try:
            return int(text) % (PORT_MAX + 1)
        except ValueError:
            return self._service(text)

    def port_at(self, host: Any, port: Any) -> int:
        """Give the number of a port as asyncio does, which asks nobody if the host is a number.

        The number may be none of a port's; whoever binds or connects refuses it then.

        Raises:
            socket.gaierror: the service is unknown.
            OSError: it is neither a number nor text.
        """
        if isinstance(host, str) and numeric(host) and port not in (None, "", b""):
            with contextlib.suppress(TypeError, ValueError):
                return int(port)
        return self.port(port)

    def _service(self, name: Any) -> int:
        try:
            return socket.getservbyname(name, "tcp")
        except OSError:
            raise _error(socket.EAI_SERVICE, f"Servname not supported: {name!r}") from None

    def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  # getaddrinfo's own name for it
        proto: int = 0,
        flags: int = 0,
    ) -> List[AddrInfo]:
        """Answer as `socket.getaddrinfo` does, with its arguments.

        Raises:
            socket.gaierror: the host or the service is unknown, or no socket of that type speaks
                the protocol.
        """
        host, number = _as_text(host), self.port(port)
        kinds = [k for k in SOCKET_TYPES if type in (0, k[0]) and proto in (0, k[1])]
        if not kinds:
            raise _error(socket.EAI_SOCKTYPE, f"No socket of type {type} speaks protocol {proto}")
        canonical = (host or "") if flags & socket.AI_CANONNAME else ""
        return [
            (socket.AddressFamily(family_of(ip)), kind, protocol, canonical, address(ip, number))
            for ip in self.resolve(host, family, flags)
            for kind, protocol in kinds
        ]

    def stream_addresses(
        self, host: Any, port: Any, options: Mapping[str, Any]
    ) -> Sequence[Address]:
        """Give the addresses of a name for a stream socket.

        Args:
            host: see `resolve`.
            port: a number or a service.
            options: `family`, `proto` and `flags` are looked at.

        Raises:
            socket.gaierror: there are none.
        """
        if not ("proto" in options or "flags" in options):  # as good as always
            try:
                return self.addresses(host, port, options.get("family", 0))
            except TypeError:  # nothing that could be remembered: let it be refused
                return self.resolve_all(host, port, options.get("family", 0))
        hints = {name: options[name] for name in ("family", "proto", "flags") if name in options}
        number = self.port_at(host, port)
        found = self.getaddrinfo(host, None, type=socket.SOCK_STREAM, **hints)
        return [address(info[-1][0], number) for info in found]

    def getnameinfo(self, sockaddr: Address, flags: int = 0) -> Tuple[str, str]:
        """Answer as `socket.getnameinfo` does: the first name of the address, or its number.

        Raises:
            socket.gaierror: a name is required, and there is none.
        """
        ip, port = sockaddr[:2]
        names = [name for name, ips in self._hosts.items() if ip in ips]
        if flags & socket.NI_NAMEREQD and not names:
            raise _error(socket.EAI_NONAME, f"Name or service not known: {ip!r}")
        wanted = not flags & socket.NI_NUMERICHOST and names
        return (names[0] if wanted else ip), str(port)
