"""About streamgauge/fakes/quirks.py and probes.py: facts of the running asyncio, observed."""

from __future__ import annotations

import ast
import asyncio
import gc
import os
import subprocess
import sys
import threading
import warnings
from asyncio import selector_events
from pathlib import Path

import pytest

import streamgauge.fakes
from streamgauge.fakes import quirks
from streamgauge.fakes.probes import PROBES

FAKES = Path(streamgauge.fakes.__file__).parent
#: What tells one Python from another by its number, or by the name of a branch.
NUMBERS = {"version_info", "hexversion", "python_version", "python_version_tuple", "api_version"}
#: Files that may compare them, each with its reason. A feature can be asked for in all of ours.
MAY_COMPARE = {}


@pytest.fixture(scope="module")
def facts():
    """Every fact, as it is probed here and now."""
    return {name: probe() for name, probe in PROBES.items()}


@pytest.mark.parametrize("path", sorted(FAKES.rglob("*.py")), ids=lambda p: p.stem)
def test_no_module_reads_a_version_number(path):
    """A fact of asyncio is probed, because distributions patch and branches differ."""
    names = {
        getattr(node, "attr", getattr(node, "id", getattr(node, "name", None)))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set() == names & NUMBERS - MAY_COMPARE.get(path.name, set())


def test_each_fact_that_is_declared_is_probed():
    """The names with their sentences and the probes are the same."""
    assert set(PROBES) == {*quirks.__annotations__}
    with pytest.raises(AttributeError, match="no attribute 'NO_SUCH_FACT'"):
        _ = quirks.NO_SUCH_FACT


def test_nothing_is_probed_at_import_and_each_fact_once():
    """Importing the fakes probes nothing; a fact that was asked for is a plain name."""
    code = """if True:
        import streamgauge.fakes
        from streamgauge.fakes import quirks
        from streamgauge.fakes.probes import PROBES
        assert not set(PROBES) & set(vars(quirks)), vars(quirks).keys()
        name, probe = next(iter(PROBES.items()))
        calls = []
        PROBES[name] = lambda: calls.append(name) or probe()
        assert getattr(quirks, name) is getattr(quirks, name)
        assert [name] == calls
        assert vars(quirks)[name] is getattr(quirks, name)
        assert name in dir(quirks)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)


def test_a_probe_sees_what_asyncio_does(monkeypatch, facts):
    """An asyncio that is patched has other facts than its version says."""
    transport = selector_events._SelectorSocketTransport

    def joined(self, pieces):
        self.write(b"".join(pieces))

    monkeypatch.setattr(transport, "writelines", joined)
    assert not PROBES["WRITELINES_SENDS_PIECES"]()
    assert not PROBES["EMPTY_PIECES_STAY"]()
    assert not PROBES["NO_PIECES_FAIL"]()
    assert not PROBES["WRITELINES_NEVER_PAUSES"]()
    assert sys.maxsize == PROBES["PIECES_IN_ONE_SEND"]()
    monkeypatch.setattr(transport, "pause_reading", lambda self: None)
    assert not PROBES["PAUSE_BEFORE_THE_BEGINNING_HOLDS"]()


async def test_probes_are_the_same_inside_any_loop_and_in_a_thread(facts):
    """A probe needs no loop, and does not mind one."""
    found = []

    def probe_all():
        found.append({name: probe() for name, probe in PROBES.items()})

    probe_all()
    thread = threading.Thread(target=probe_all)
    thread.start()
    thread.join()
    assert [facts, facts] == found
    await asyncio.sleep(0)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors in /proc")
def test_probes_leave_nothing_behind(facts):
    """No descriptor is opened, no warning is given, not even when all is collected."""
    before = os.listdir("/proc/self/fd")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for probe in PROBES.values():
            probe()
        gc.collect()
    assert [] == [str(each.message) for each in told]
    assert len(before) == len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="opcodes are CPython's")
def test_probes_are_cheap(facts):
    """All facts together take no more opcodes than a few dozen connections in memory do."""
    taken = []

    def look(frame, event, argument):
        frame.f_trace_opcodes = True
        taken.append(event == "opcode")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        for probe in PROBES.values():
            probe()
    finally:
        sys.settrace(before)
    assert sum(taken) < 100_000
