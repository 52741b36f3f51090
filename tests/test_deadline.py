"""The deadline of the tests: what swallows it once, or goes on, is told again."""

from __future__ import annotations

import signal

import pytest


def test_the_deadline_is_raised_until_the_test_ends(deadline):
    """The alarm comes again and again, and each raises: a loop may swallow the first."""
    left_s, again_s = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < again_s < left_s
    for _ in range(2):
        with pytest.raises(AssertionError, match="the test was not over after"):
            signal.raise_signal(signal.SIGALRM)
