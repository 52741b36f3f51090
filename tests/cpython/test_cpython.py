"""CPython's own tests of asyncio's streams, on ours: the script beside this one says which fail."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")


@pytest.mark.skipif(
    sys.implementation.name != "cpython", reason="the tests are CPython's, of its own asyncio"
)
def test_no_test_fails_that_is_not_listed():
    """What fails on this Python is what `expected.toml` lists for it, no more and no less."""
    if importlib.util.find_spec("test") is None or not importlib.util.find_spec(
        "test.test_asyncio"
    ):
        pytest.skip("test.test_asyncio is not installed: Debian's libpython3.x-testsuite has it")
    command = [sys.executable, "-W", "ignore", str(RUN)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
