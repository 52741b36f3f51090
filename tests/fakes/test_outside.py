"""About streamgauge/fakes/outside.py: what of the real world may be reached."""

from __future__ import annotations

import socket

import pytest

from streamgauge.fakes import ForbiddenConnectError
from streamgauge.fakes.names import Names
from streamgauge.fakes.outside import Outside


def outside(*addresses):
    """Let addresses be reached, from a network with a machine of its own."""
    made = Outside(Names({"db": ["10.0.0.7", "fd00::7"]}))
    made.passthrough(*addresses)
    return made


@pytest.mark.parametrize(
    ("allowed", "host", "port", "passes"),
    [
        ("127.0.0.1:80", "127.0.0.1", 80, True),
        ("127.0.0.1:80", "127.0.0.1", "80", True),
        ("127.0.0.1:80", b"127.0.0.1", b"80", True),
        ("127.0.0.1:80", "127.0.0.1", 81, False),
        ("127.0.0.1:80", "127.0.0.2", 80, False),
        ("127.0.0.1", "127.0.0.1", 81, True),
        ("127.0.0.1:*", "127.0.0.1", 81, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "0:0:0:0:0:0:0:1", 80, True),
        (("127.0.0.1", 80), "127.0.0.1", 80, True),
        ("Web.Example:80", "web.example", 80, True),
        ("web.example:80", "elsewhere.example", 80, False),
        ("localhost:80", "127.0.0.1", 80, True),
        ("localhost:80", "::1", 80, True),
        ("db:80", "fd00::7", 80, True),
        ("/run/A", "/run/A", None, True),
        ("/run/A", "/run/a", None, False),
        ("127.0.0.1:80", None, 80, False),
        ("127.0.0.1:80", ["127.0.0.1"], 80, False),
    ],
)
def test_what_is_named_passes_and_nothing_else(allowed, host, port, passes):
    """An address is allowed as it is written or spelled, and a known name for all it stands for."""
    assert passes is outside(allowed).passes(host, port)


def test_nothing_passes_until_it_is_named():
    """A fresh network lets nothing out."""
    made = Outside(Names({}))
    assert (False, False) == (made.passes("127.0.0.1", 80), made.knows("127.0.0.1"))


def test_what_a_name_resolves_to_may_be_reached_on_the_ports_of_the_name():
    """The addresses that a resolver gave for an allowed name are allowed with its ports alone."""
    made = outside("web.example:80", "web.example:443", "other.example:*")
    for host, ip in (("WEB.example", "192.0.2.1"), ("other.example", "192.0.2.2")):
        assert made.knows(host)
        made.resolved(host, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80))])
    ports = (80, 443, 81)
    assert [True, True, False] == [made.passes("192.0.2.1", port) for port in ports]
    assert [True, True, True] == [made.passes("192.0.2.2", port) for port in ports]


@pytest.mark.parametrize("wrong", [80, None, b"127.0.0.1:80"])
def test_what_is_no_address_is_refused(wrong):
    """A thing that is no address is a TypeError that says how one is written."""
    with pytest.raises(TypeError, match=r"address got .*, expected 'host:port'"):
        outside(wrong)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (("192.0.2.1", 80), "192.0.2.1:80"),
        (("2001:db8::1", 80, 0, 0), "[2001:db8::1]:80"),
        ("/run/a", "/run/a"),
    ],
)
def test_the_refusal_names_the_address_and_how_to_allow_it(where, text):
    """What the error proposes to pass through is exactly what would let it pass."""
    error = ForbiddenConnectError(where)
    assert where == error.address
    assert f"connecting to {text} is forbidden" in str(error)
    proposed = str(error).partition("passthrough('")[2].partition("'")[0]
    assert outside(proposed).passes(*(where[:2] if isinstance(where, tuple) else (where, None)))
    assert not isinstance(error, OSError)
