"""Bad arguments of the fakes' own are refused at once, with what was got and what was expected."""

from __future__ import annotations

import math
import socket

import pytest

from streamgauge.fakes import (
    Chunks,
    MemoryNetwork,
    Wire,
    memory_stream_pair,
    socketpair_stream_pair,
    tcp_stream_pair,
)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: MemoryNetwork(hosts={"a": 5}), TypeError, r"hosts\['a'\] got 5, expected numer"),
        (lambda: MemoryNetwork(hosts={"a": [5]}), ValueError, r"hosts\['a'\] got \[5\], expected"),
        (lambda: MemoryNetwork(hosts={5: "10.0.0.1"}), TypeError, "hosts got 5 for a name, expect"),
        (lambda: MemoryNetwork(ignore_leaks=5), TypeError, "ignore_leaks got 5, expected some of"),
        (lambda: Chunks.SIZES(5), TypeError, r"SIZES got 5, expected several: Chunks.SIZES\(\["),
        (lambda: Wire(kind="tcp"), TypeError, "kind got 'tcp', expected TCP or UNIX"),
    ],
)
def test_nothing_is_made_of_it(call, error, words):
    """The constructor itself refuses."""
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    ("maker", "options", "error", "words"),
    [
        (memory_stream_pair, {"kind": "tcp"}, TypeError, "kind got 'tcp', expected TCP or UNIX"),
        (memory_stream_pair, {"family": 99}, ValueError, "family got 99, expected AF_INET or"),
        (memory_stream_pair, {"family": socket.AF_UNIX}, ValueError, "kind=UNIX"),
        (tcp_stream_pair, {"family": socket.AF_UNIX}, ValueError, "family got .*, expected AF_I"),
        (memory_stream_pair, {"ignore_leaks": 5}, TypeError, "ignore_leaks got 5, expected"),
        (socketpair_stream_pair, {"ignore_leaks": 5}, TypeError, "ignore_leaks got 5, expected"),
        (socketpair_stream_pair, {"ignore_leaks": "x"}, ValueError, "ignore_leaks got"),
    ],
)
async def test_a_pair_is_not_begun(maker, options, error, words):
    """Entering refuses, before an end is there that somebody would have to end."""
    with pytest.raises(error, match=words):
        async with maker(**options):
            pytest.fail("it was entered")


@pytest.mark.parametrize(
    ("where", "error"),
    [
        (("db", "http"), ValueError),
        (("db", 70000), ValueError),
        (("db", -1), ValueError),
        (("db", 1.5), ValueError),
        (("db",), TypeError),
        ((5, 80), TypeError),
        ("db:70000", ValueError),
        ("db:\u00b2", ValueError),
        ("", ValueError),
        (5, TypeError),
    ],
    ids=repr,
)
def test_an_address_that_nothing_is_at(where, error):
    """A rule or a passage that could never match is refused, by each of a network's verbs."""
    net = MemoryNetwork(hosts={"db": "10.0.0.7"})
    calls = (
        net.refuse,
        net.blackhole,
        net.passthrough,
        lambda at: net.latency(at, 1),
        lambda at: net.partition("db", at),
    )
    for call in calls:
        with pytest.raises(error, match=r"address got .*, expected"):
            call(where)
    assert not net.rules


def test_a_port_may_be_text():
    """A pair with a port in digits means what it says."""
    net = MemoryNetwork(hosts={"db": "10.0.0.7"})
    net.refuse(("db", "5432"))
    assert net.verdict(("127.0.0.1", 1), ("10.0.0.7", 5432)).refused
    assert not net.verdict(("127.0.0.1", 1), ("10.0.0.7", 5433)).refused


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -1, "1"])
def test_a_latency_without_end(seconds):
    """A time that never comes is refused, with the verb that is meant."""
    net = MemoryNetwork(hosts={"db": "10.0.0.7"})
    with pytest.raises(ValueError, match=r"latency got .* seconds, expected 0 or more; blackhole"):
        net.latency("db", seconds)
