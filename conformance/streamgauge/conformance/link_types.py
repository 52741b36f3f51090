"""The links by their names, and which of them this machine has."""

from __future__ import annotations

import socket
from functools import lru_cache
from typing import Dict, Mapping

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

__all__ = ["LINK_TYPES", "MEMORY_TYPES", "available_links", "make_link"]

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
    """Say which links this machine has not got: name -> reason; empty for those it has."""
    missing = dict.fromkeys(LINKS, "")
    if not hasattr(socket, "AF_UNIX"):
        missing["unix"] = missing["socketpair"] = "this platform has no unix sockets"
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        missing["tcp6"] = f"no IPv6 on the loopback interface ({error})"
    return missing
