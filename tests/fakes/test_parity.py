"""About streamgauge/fakes/parity: the fakes and the kernel do the same, case by case, in one run.

What the kernel does is seen on asyncio's selector loop, whose transports the memory transport is
to be taken for on every loop. Differences that can't be helped are in parity_ledger.toml.
"""

from __future__ import annotations

# ruff: noqa: D103  # the makers' names say it
import asyncio
import socket
import subprocess
import sys
import weakref
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

import streamgauge.fakes
from streamgauge.fakes import UNIX, MemoryNetwork, memory_stream_pair
from streamgauge.fakes.certificates import tls_contexts
from streamgauge.fakes.parity import (
    all_cases,
    check_network,
    check_stream_pair,
    play,
    running,
)
from streamgauge.fakes.parity.running import REFERENCES, _kernel

from .conftest import LOOPS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LEDGER = tomllib.loads((Path(__file__).with_name("parity_ledger.toml")).read_text())


@asynccontextmanager
async def memory_tls_pair():
    server_context, client_context = tls_contexts("localhost")
    accepted = asyncio.get_running_loop().create_future()
    async with MemoryNetwork(ignore_leaks="all"):
        server = await asyncio.start_server(
            lambda *streams: accepted.set_result(streams), "127.0.0.1", 7, ssl=server_context
        )
        client = await asyncio.open_connection(
            "127.0.0.1", 7, ssl=client_context, server_hostname="localhost"
        )
        yield client, await accepted
        server.close()


unix_pair = partial(memory_stream_pair, kind=UNIX)
SUBJECTS = {
    "memory as tcp4": (memory_stream_pair, "tcp4"),
    "memory as tcp6": (partial(memory_stream_pair, family=socket.AF_INET6), "tcp6"),
    "memory as unix": (unix_pair, "unix"),
    "memory as socketpair": (unix_pair, "socketpair"),
    "memory as tls": (memory_tls_pair, "tls"),
}


def listed(subject):
    entries = LEDGER.get("difference", [])
    here = [each for each in entries if each["platform"] == sys.platform]
    assert all(each["reason"] for each in here)
    return {each["case"] for each in here if each["subject"] == subject}


def assert_as_listed(subject, score):
    found = {difference.case.name for difference in score.differences}
    assert listed(subject) == found, str(score)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_memory_pair_does_what_the_kernel_does(subject, loop):
    """Every case has the same outcome on the memory pair and on the kernel's link."""
    maker, reference = SUBJECTS[subject]
    score = check_stream_pair(maker, reference=reference, loop=LOOPS[loop])
    assert_as_listed(subject, score)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_memory_network_does_what_the_kernel_does(loop):
    """Every case about servers and connecting has the same outcome on both."""
    network = partial(MemoryNetwork, ignore_leaks="all")
    assert_as_listed("memory network", check_network(network, loop=LOOPS[loop]))


def test_every_line_of_the_contract_has_cases():
    """Lines 1 to 13 and the behaviour of streams (0) have a case each, with a sentence."""
    cases = all_cases()
    assert set(range(14)) == {each.line for each in cases}
    assert [] == [each.name for each in cases if not each.text.endswith(".")]


def test_a_case_leaves_no_memory_to_the_second_next():
    """Its loop, and all that hangs on it, is gone when another case has been played."""
    loops = []

    def make_loop():
        loop = asyncio.SelectorEventLoop()
        loops.append(weakref.ref(loop))
        return loop

    played = all_cases("tls")[:4]
    for each in played:
        play(each, REFERENCES["tls"].maker, make_loop)
    assert [None] * (len(played) - 1) == [loop() for loop in loops[:-1]]


@pytest.mark.parametrize("reference", REFERENCES)
def test_no_case_breaks_on_the_kernel(reference):
    """A case gives what it saw; on the kernel none of them ends by an exception of its own."""
    real = REFERENCES[reference]
    broken = {}
    for each in all_cases(real.kind):
        seen = play(each, real.maker, asyncio.SelectorEventLoop)
        if type(seen).__name__ == "Raised" and each.name not in RAISE_ON_PURPOSE:
            broken[each.name] = seen
    assert {} == broken


#: Their outcome is the exception.
RAISE_ON_PURPOSE = {"streaming.two_reads_at_once"}


def test_the_network_cases_hold_no_expectations_of_the_loop():
    """A network case that is played on the kernel twice gives the same."""
    cases = [each for each in all_cases("network") if not each.needs_threads]
    score = check_network(_kernel, cases=cases)
    assert (len(cases), []) == (score.total, score.differences)


def test_a_mock_is_told_from_a_connection():
    """A pair of mocks is scored far below the kernel, and the report has both outcomes."""

    @asynccontextmanager
    async def mocks():
        reader, writer = asyncio.StreamReader, asyncio.StreamWriter
        yield [(mock.MagicMock(spec=reader), mock.MagicMock(spec=writer)) for _ in range(2)]

    names = {"streaming.bytes_go_both_ways", "naming.names_match_crosswise"}
    cases = [each for each in all_cases("tcp") if each.name in names]
    score = check_stream_pair(mocks, cases=cases)
    assert names == {difference.case.name for difference in score.differences}
    assert "kernel:" in str(score)
    assert "subject:" in str(score)


def test_the_suite_needs_nothing_but_python():
    """The parity package imports with the standard library alone."""
    roots = [str(Path(streamgauge.fakes.__file__).parents[2])]
    code = f"import sys; sys.path[:0] = {roots!r}; import streamgauge.fakes.parity"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)


def test_without_trustme_the_cases_of_tls_are_not_played(monkeypatch):
    """What can't be tried counts for nothing, and the report says so."""
    monkeypatch.setattr(running, "find_spec", lambda name: None)
    names = {"securing.tls_on_a_connection_in_use", "reading.pausing_twice_is_once"}
    cases = [each for each in all_cases("tcp") if each.name in names]
    score = check_stream_pair(memory_stream_pair, cases=cases)
    assert ["reading.pausing_twice_is_once"] == score.agreed
    assert ["securing.tls_on_a_connection_in_use"] == score.not_played
    assert "1 not played" in str(score)


@asynccontextmanager
async def no_pair():
    yield "neither", "nor"


@asynccontextmanager
async def one_end():
    yield object()


@pytest.mark.parametrize(
    "maker",
    [5, None, object, lambda: 5, no_pair, one_end],
    ids=["5", "None", "object", "gives 5", "no pair", "one end"],
)
def test_what_makes_no_pairs_is_refused_once(maker):
    """It is no score of differences but one error, which says what was got and expected."""
    expected = r"maker got .*, expected a callable that gives an async context manager"
    with pytest.raises(TypeError, match=expected):
        check_stream_pair(maker)
    if maker not in (no_pair, one_end):
        with pytest.raises(TypeError, match=expected):
            check_network(maker)
