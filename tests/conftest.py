"""What tests of several folders share: a deadline for those that could hang, and warnings."""

from __future__ import annotations

import signal
import sys

import pytest
from hypothesis.internal.conjecture import engine as hypothesis_engine

from streamgauge.conformance.clocks import unit

SHRINKING_S = 10  # hypothesis gives a failure up to 300, and takes the alarm for one more failure
AGAIN_S = 1  # what a loop or a test has swallowed is raised again

# asyncio's TLS of 3.10 and before says so of any transport that ended otherwise than by close()
TLS_UNCLOSED = "ignore:unclosed transport <asyncio.sslproto._SSLProtocolTransport:ResourceWarning"

# The last pytest-asyncio for 3.8 leaves a loop behind each test, and the socket pair that wakes it:
# both are found by whichever test collects next.
SPARE_LOOP = (
    "ignore:unclosed event loop:ResourceWarning",
    "ignore:unclosed <socket.socket fd=.*AF_UNIX:ResourceWarning",
)


class OverdueError(SystemExit):
    """A test was not over in time; every loop lets this through, and pytest goes on after it."""


def pytest_configure(config):
    """Let pass what asyncio itself warns of; have hypothesis shrink within any deadline."""
    hypothesis_engine.MAX_SHRINKING_SECONDS = SHRINKING_S
    if sys.version_info < (3, 11):
        config.addinivalue_line("filterwarnings", TLS_UNCLOSED)
    if sys.version_info < (3, 9):
        for line in SPARE_LOOP:
            config.addinivalue_line("filterwarnings", line)


@pytest.fixture
def deadline_s():
    """Seconds for a test that hangs, on a machine of 2024; those that pass take a hundredth."""
    return 60


@pytest.fixture
def deadline(deadline_s):
    """End a test that hangs, even one whose loop is blocked, or takes no notice at first.

    Its value is the seconds that it has on this machine.
    """
    return deadline_s * unit()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Keep the deadline while the test itself runs: no alarm disturbs pytest's report of it."""
    seconds = item.funcargs.get("deadline") if hasattr(item, "funcargs") else None
    if seconds is None:
        yield
        return

    def expired(signum, frame):
        raise OverdueError(f"the test was not over after {seconds:.3g} seconds")

    before = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def signals_heeded():
    """Let signals end what a test starts: in a background job a shell or nohup has some ignored."""
    numbers = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
