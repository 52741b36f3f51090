"""The deadline of the tests: what swallows it once, or goes on, is told again."""

from __future__ import annotations

import asyncio
import signal

import pytest

uvloop = pytest.importorskip("uvloop")


def test_the_deadline_is_raised_until_the_test_ends(deadline):
    """The alarm comes again and again, and each raises: a loop may swallow the first."""
    left_s, again_s = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < again_s < left_s
    for _ in range(2):
        with pytest.raises(SystemExit, match="the test was not over after"):
            signal.raise_signal(signal.SIGALRM)


@pytest.mark.parametrize("factory", [asyncio.SelectorEventLoop, uvloop.new_event_loop])
def test_no_loop_swallows_the_deadline(deadline, factory):
    """A wait without end is over when the alarm has come, on whichever loop it is."""
    loop = factory()
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    with pytest.raises(SystemExit, match="the test was not over after"):
        loop.run_until_complete(loop.create_future())
    loop.close()
