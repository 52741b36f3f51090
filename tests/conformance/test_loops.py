"""Loops: a known name, a loop around another, or MODULE:FACTORY becomes a factory, or one line."""

from __future__ import annotations

import asyncio
import sys
from importlib.util import find_spec

import pytest

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.loops import KNOWN, KnownLoop, resolve_loop


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
