"""The links by their names, and which of them this machine has."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Callable, Dict, Mapping

from streamgauge.conformance.links import (
    FeedLink,
    Link,
    OwnLink,
    SocketpairLink,
    Tcp6Link,
    TcpLink,
    TlsLink,
    UnixLink,
)
from streamgauge.conformance.memory_link import MemoryTcpLink, MemoryTlsLink, MemoryUnixLink
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.plan import LINKS
from streamgauge.conformance.subjects import Subject

__all__ = ["LINK_TYPES", "MEMORY_TYPES", "available_links", "make_link", "missing_links"]

UNIX = "AF_UNIX"  # a name, as not every platform has it

# `memory` is three links in one: which of them it is depends on the check.
MEMORY_TYPES: Mapping[str, type] = {
    "tcp": MemoryTcpLink,
    "unix": MemoryUnixLink,
    "tls": MemoryTlsLink,
}
LINK_TYPES: Mapping[str, type] = {
    "feed": FeedLink,
    "socketpair": SocketpairLink,
    "tcp": TcpLink,
    "tcp6": Tcp6Link,
    "unix": UnixLink,
    "tls": TlsLink,
    "own": OwnLink,
}


def make_link(name: str, like: str, subject: Subject, bench: Bench) -> Link:
    """Make a link for one trial.

    Args:
        name: the link's.
        like: what `memory` has to be like; the link's own name for any other.
        subject: what is judged.
        bench: the trial's.
    """
    link: Link = (MEMORY_TYPES if name == "memory" else LINK_TYPES)[like](subject, bench)
    return link


@lru_cache(maxsize=None)
def available_links() -> Dict[str, str]:
    """Return why this machine has not got a link, by its name; empty for those it has."""
    unix = _failure(_join_by_unix_sockets, "no unix sockets")
    tcp = _failure(lambda: _join_by(socket.AF_INET, "127.0.0.1"), "no loopback interface")
    tcp6 = _failure(lambda: _join_by(socket.AF_INET6, "::1"), "no IPv6 on the loopback interface")
    missing = {"socketpair": unix, "unix": unix, "tcp": tcp, "tls": tcp, "tcp6": tcp6}
    return {link: missing.get(link, "") for link in LINKS}


def missing_links() -> Dict[str, str]:
    """Return the links that this machine has not got, each with the reason."""
    return {link: reason for link, reason in available_links().items() if reason}


def _failure(probe: Callable[[], None], reason: str) -> str:
    try:
        probe()
    except (OSError, AttributeError) as error:  # a family that the platform does not know
        return f"{reason} ({error})"
    return ""


def _join_by_unix_sockets() -> None:
    for end in socket.socketpair(getattr(socket, UNIX)):
        end.close()


def _join_by(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind((host, 0))
        listener.listen()
        client.connect(listener.getsockname())
