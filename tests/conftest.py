"""What tests of several folders share: a deadline for those that could hang."""

from __future__ import annotations

import signal

import pytest

DEADLINE_S = 60  # for a test that hangs; those that pass take a hundredth of it


@pytest.fixture
def deadline():
    """End a test that hangs, even one whose loop is blocked."""

    def expired(signum, frame):
        raise AssertionError(f"the test was not over after {DEADLINE_S} seconds")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(DEADLINE_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
