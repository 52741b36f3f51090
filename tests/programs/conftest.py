"""What the tests of real programs share: each runs on the selector loop and on uvloop."""

from __future__ import annotations

import asyncio

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
