"""Runs CPython's own tests of asyncio's streams on ours: `python tests/cpython/run.py`.

The tests are the installed Python's (`test.test_asyncio`); where they are missing, that is said.
Failures are compared with `expected.toml`: a new one, and one that is listed and passes, end it
with exit code 1.
"""

# ruff: noqa: T201  # a script: it prints

from __future__ import annotations

import importlib.util
import re
import sys
import unittest
from pathlib import Path

from streamgauge import streams

MODULES = ("test_streams", "test_pep492", "test_server")
EXPECTED = Path(__file__).with_name("expected.toml")
MOST = 6  # names in that file


def expected() -> dict[str, str]:
    """Return the tests that are expected to fail on this Python, with their reasons."""
    entries = re.findall(
        r'\[\[failure\]\]\ntest = "(.*)"\n'
        r'(?:since = "(.*)"\n)?(?:until = "(.*)"\n)?reason = "(.*)"',
        EXPECTED.read_text(),
    )
    if len(entries) > MOST:
        raise SystemExit(f"{EXPECTED} has {len(entries)} names, expected no more than {MOST}")
    here = sys.version_info[:2]
    return {
        name: reason
        for name, since, until, reason in entries
        if _release(since or "3.8") <= here <= _release(until or "3.99")
    }


def _release(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def main() -> int:
    """Run them, and compare."""
    if importlib.util.find_spec("test") is None or not importlib.util.find_spec(
        "test.test_asyncio"
    ):
        print(
            "CPython's tests are not installed with this Python (Debian has them in "
            "libpython3.x-testsuite): nothing was tried"
        )
        return 0
    with streams.installed():
        names = [f"test.test_asyncio.{name}" for name in MODULES]
        suite = unittest.defaultTestLoader.loadTestsFromNames(names)
        result = unittest.TextTestRunner(verbosity=0, stream=sys.stdout).run(suite)
    failed = {str(test).split()[0] for test, _ in (*result.failures, *result.errors)}
    listed = expected()
    for name in sorted(failed - set(listed)):
        print(f"NEW    {name}")
    for name in sorted(set(listed) - failed):
        print(f"STALE  {name}: delete it from {EXPECTED.name}")
    for name in sorted(failed & set(listed)):
        print(f"listed {name}: {listed[name]}")
    print(f"{result.testsRun} tests of CPython {sys.version.split()[0]}, {len(failed)} failed")
    return int(failed != set(listed))


if __name__ == "__main__":
    sys.exit(main())
