"""What the tests of real programs share: both loops, and a deadline."""

from __future__ import annotations

import asyncio
import gc

import pytest
import pytest_asyncio

LOOPS = {"asyncio": asyncio.SelectorEventLoop}
try:
    import uvloop
except ImportError:  # no wheel for this Python: the selector loop alone
    pass
else:
    LOOPS["uvloop"] = uvloop.new_event_loop


if hasattr(pytest_asyncio.plugin, "PytestAsyncioSpecs"):

    def pytest_asyncio_loop_factories(config, item):
        """Run every async test on every loop (pytest-asyncio 1.4 and later)."""
        return LOOPS

else:

    @pytest.fixture(params=sorted(LOOPS))
    def event_loop_policy(request):
        """Run every async test on every loop (pytest-asyncio before 1.4)."""
        if request.param == "uvloop":
            return uvloop.EventLoopPolicy()
        return asyncio.DefaultEventLoopPolicy()


@pytest.fixture(autouse=True)
def _every_test_ends(deadline):
    """Each test of this folder has the deadline."""


@pytest.fixture
def collect_garbage():
    """Collect garbage while the test's own filter of warnings still holds."""
    yield
    gc.collect()
