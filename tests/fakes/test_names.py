"""About streamgauge/fakes/names.py: resolving, reading addresses, matching them."""

from __future__ import annotations

import socket

import pytest

from streamgauge.fakes.names import Names, shown, split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("127.0.0.1", ("127.0.0.1", None)),
        ("db:*", ("db", None)),
        ("db", ("db", None)),
        ("[::1]:80", ("::1", 80)),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
        ("/run/a:b", ("/run/a:b", None)),
        (("db", 5432), ("db", 5432)),
    ],
)
def test_addresses_are_read_as_they_are_written(text, expected):
    """Host and port come apart for names, both kinds of addresses, paths and pairs."""
    assert expected == split(text)


def test_a_port_that_is_none_is_refused():
    """Words behind the colon are an error that says how an address is written."""
    with pytest.raises(ValueError, match="address got 'db:http', expected host:port"):
        split("db:http")


@pytest.mark.parametrize("where", [("127.0.0.1", 80), ("::1", 80, 0, 0), "/run/a"])
def test_what_is_shown_can_be_read(where):
    """An address that is shown is read as the same."""
    host, port = split(shown(where))
    assert (where[:2] if isinstance(where, tuple) else (where, None)) == (host, port)


@pytest.mark.parametrize(
    "query",
    [
        {"host": "127.0.0.1", "port": 80},
        {"host": "::1", "port": "80", "type": socket.SOCK_STREAM},
        {"host": "127.0.0.1", "port": "http", "type": socket.SOCK_STREAM},
        {"host": b"127.0.0.1", "port": None, "family": socket.AF_INET},
        {"host": None, "port": 80, "family": socket.AF_INET, "type": socket.SOCK_STREAM},
        {
            "host": None,
            "port": 80,
            "family": socket.AF_INET,
            "type": socket.SOCK_DGRAM,
            "flags": socket.AI_PASSIVE,
        },
        {"host": "127.0.0.1", "port": 80, "proto": socket.IPPROTO_TCP},
    ],
)
def test_numbers_resolve_as_with_the_system(query):
    """For what needs no resolver the answer is that of the system's getaddrinfo."""
    query = dict(query)
    host, port = query.pop("host"), query.pop("port")
    assert socket.getaddrinfo(host, port, **query) == Names({}).getaddrinfo(host, port, **query)


@pytest.mark.parametrize(
    ("host", "port", "family", "number"),
    [
        ("nowhere.example", 80, 0, socket.EAI_NONAME),
        ("localhost", "no-such-service", 0, socket.EAI_SERVICE),
        ("127.0.0.1", 80, socket.AF_INET6, None),
    ],
)
def test_what_can_not_be_resolved(host, port, family, number):
    """An unknown host, service or family is a gaierror, with its number."""
    with pytest.raises(socket.gaierror) as caught:
        Names({}).getaddrinfo(host, port, family=family)
    assert number in (None, caught.value.errno)


def test_hosts_need_addresses():
    """A host that stands for a name is refused: the network resolves nothing further."""
    with pytest.raises(ValueError, match=r"hosts\['db'\] got \['elsewhere'\], expected numeric"):
        Names({"db": "elsewhere"})
