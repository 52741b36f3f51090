"""Loops: a known name, a loop around another, or MODULE:FACTORY becomes a factory, or one line."""

from __future__ import annotations

import asyncio
import ssl
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from streamgauge.conformance import catalogue
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.loops import KNOWN, KnownLoop, lacks_of, resolve_loop
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.selection import Selection


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # rloop's of its own sockets
@pytest.mark.parametrize("name", KNOWN)
def test_a_known_loop_is_made_or_its_absence_told(name: str) -> None:
    """Each known name gives a loop where its module is there, and else says what is missing."""
    known = KNOWN[name]
    missing = find_spec(known.module) is None
    if missing or (name == "asyncio-eager" and sys.version_info < (3, 12)):
        with pytest.raises(UsageError, match=f"loop '{name}'"):
            resolve_loop(name)
        return
    loop = resolve_loop(name)()
    try:
        assert 7 == loop.run_until_complete(asyncio.sleep(0, 7))
    finally:
        loop.close()


def test_a_debug_loop_is_one() -> None:
    """The loop of that name is in debug mode."""
    loop = resolve_loop("asyncio-debug")()
    assert loop.get_debug()
    loop.close()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_an_eager_loop_is_one() -> None:
    """A task that needs no waiting is done as soon as it is made."""

    async def nothing() -> None:
        pass

    async def main() -> bool:
        return asyncio.ensure_future(nothing()).done()

    loop = resolve_loop("asyncio-eager")()
    assert loop.run_until_complete(main())
    loop.close()


def test_a_loop_goes_around_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outer one's module makes the factory, from that of whatever stands behind the plus."""
    around = KnownLoop("asyncio", lambda _: asyncio.new_event_loop, "", wraps=lambda *both: both)
    monkeypatch.setattr("streamgauge.conformance.loops.KNOWN", {**KNOWN, "around": around})
    assert (asyncio, asyncio.SelectorEventLoop) == resolve_loop("around+asyncio:SelectorEventLoop")


def test_any_factory_may_be_named() -> None:
    """MODULE:FACTORY gives what stands there."""
    assert asyncio.SelectorEventLoop is resolve_loop("asyncio:SelectorEventLoop")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "loop 'nowhere': expected one of asyncio, .*or MODULE:FACTORY"),
        ("nowhere:loop", "loop 'nowhere:loop': cannot import 'nowhere'"),
        ("asyncio:nothing", "loop 'asyncio:nothing': 'asyncio' has no 'nothing'"),
        ("asyncio:__name__", "loop 'asyncio:__name__': expected a callable"),
        ("uvloop+asyncio", "'uvloop' goes around no other loop; aiofastnet does"),
    ],
)
def test_a_slip_is_one_line(name: str, says: str) -> None:
    """What cannot be a loop is a usage error that says so."""
    with pytest.raises(UsageError, match=says):
        resolve_loop(name)


def test_what_a_loop_lacks_is_in_the_catalogues_words() -> None:
    """A loop can lack what the catalogue knows as a capability, and nothing else."""
    lacking = {word for known in KNOWN.values() for word in known.lacks}
    assert lacking
    assert lacking <= {*catalogue.load().capabilities}


async def _tried(loop: asyncio.AbstractEventLoop, word: str, path: str) -> object:
    """Ask a loop for what it is said to lack."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if word == "open_unix_connection":
        return await loop.create_unix_connection(asyncio.Protocol, path)
    if word == "start_unix_server":
        return await loop.create_unix_server(asyncio.Protocol, path)
    if word == "ssl":
        return await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
    return await loop.start_tls(asyncio.Transport(), asyncio.Protocol(), context)


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # rloop's of its own sockets
@pytest.mark.parametrize("name", [name for name, known in KNOWN.items() if known.lacks])
def test_a_loop_says_itself_what_it_lacks(name: str, tmp_path: Path) -> None:
    """Else the list would hide what it does otherwise."""
    pytest.importorskip(KNOWN[name].module, reason="a loop that is not installed says nothing")
    loop = resolve_loop(name)()
    try:
        for word in sorted(lacks_of(name)):
            with pytest.raises(NotImplementedError):
                loop.run_until_complete(_tried(loop, word, str(tmp_path / "socket")))
    finally:
        loop.close()


def test_what_a_loop_never_offered_is_inapplicable(monkeypatch: pytest.MonkeyPatch) -> None:
    """No trial is made where it is needed; a clause that has no other is told to be so."""
    lacking = KnownLoop("asyncio", lambda _: asyncio.new_event_loop, "", lacks=KNOWN["rloop"].lacks)
    monkeypatch.setattr("streamgauge.conformance.loops.KNOWN", {**KNOWN, "poor": lacking})
    links = ("socketpair", "unix", "tls")
    found = Selection(RunPlan(("stdlib",), ("asyncio", "poor"), links)).trials
    of = {loop: [spec for spec in found if spec.loop == loop] for loop in ("asyncio", "poor")}
    assert {"-", *links} == {spec.link for spec in of["asyncio"]} | {"-"}
    assert {"socketpair", "-"} == {spec.link for spec in of["poor"]}
    told = {spec.check.clause: spec.inapplicable for spec in of["poor"] if spec.inapplicable}
    assert "the loop poor never offered ssl" == told["open_connection.ssl.context-encrypts"]
