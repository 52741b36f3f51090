"""The deadline of the tests: what hangs is named, and what failed is not hidden by it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

uvloop = pytest.importorskip("uvloop")


def test_the_deadline_is_raised_until_the_test_ends(deadline):
    """The alarm comes again and again, and each raises: a loop may swallow the first."""
    left_s, again_s = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < again_s < left_s <= deadline
    for _ in range(2):
        with pytest.raises(SystemExit, match="the test was not over after"):
            signal.raise_signal(signal.SIGALRM)


@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_no_loop_swallows_the_deadline(deadline, factory):
    """A wait without end is over when the alarm has come, on whichever loop it is."""
    with contextlib.closing(factory()) as loop:
        # Set by the loop itself: it runs, and all that follows stands, when the alarm comes.
        loop.call_soon(signal.setitimer, signal.ITIMER_REAL, 0.01)
        with pytest.raises(SystemExit, match="the test was not over after"):
            loop.run_until_complete(loop.create_future())


OVERDUE = """
import asyncio, signal, threading
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


class Late(Exception):
    def __str__(self):
        return f"told with {signal.getitimer(signal.ITIMER_REAL)} to go"


@pytest.fixture
def deadline():
    return 0.2


def test_fails(deadline):
    assert 1 == 2, "as it should"


def test_hangs(deadline):
    threading.Event().wait()


def test_hangs_in_its_loop(deadline):
    asyncio.run(asyncio.wait_for(asyncio.Event().wait(), None))


def test_is_told_after_its_time(deadline):
    raise Late


@settings(deadline=None, database=None)
@given(st.lists(st.integers()))
def test_is_shrunk(numbers):
    assert sum(numbers) < 1000, "as it should too"
"""


def test_what_fails_and_what_hangs_are_named(tmp_path):
    """In workers of xdist both are failures with a name and a reason; the session goes on."""
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_overdue.py").write_text(OVERDUE)
    words = ["-q", "-n", "2", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "INTERNALERROR" not in done.stdout
    assert "5 failed" in done.stdout.splitlines()[-1]
    for name in ("fails", "hangs", "hangs_in_its_loop", "is_told_after_its_time", "is_shrunk"):
        assert f"FAILED test_overdue.py::test_{name} - " in done.stdout
    for says in ("as it should", "as it should too", "told with (0.0, 0.0) to go"):
        assert says in done.stdout
    assert 2 <= done.stdout.count("OverdueError: the test was not over after 0.2 seconds")
