"""Memory: what a process may hold, and what it is told when a trial kept too much."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from streamgauge.conformance.memory import MemoryBound, _held
if not _held():
    raise SystemExit(77)
bound = MemoryBound({allowance})
assert bound.overrun() == 0
{body}
"""


def run(body: str, allowance: int = 256 << 20) -> None:
    """Run a body in a bounded process of its own; skips where nothing can be bounded."""
    script = SCRIPT.format(allowance=allowance, body=body)
    done = subprocess.run([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    if done.returncode == 77:
        pytest.skip("this platform does not tell what a process holds")
    assert (0, "") == (done.returncode, done.stderr)


def test_what_goes_beyond_the_allowance_is_refused():
    """The kernel refuses it, Python raises, and what was taken before can be given back."""
    run(
        "try:\n"
        "    kept = [bytes(1 << 24) for _ in range(17)]\n"
        "    raise SystemExit('272 MiB of 256 were given')\n"
        "except MemoryError:\n"
        "    pass\n"
        "assert bound.overrun() == 0"
    )


def test_what_is_kept_is_told_once_it_is_half_of_the_allowance():
    """A trial that has kept more than half leaves too little for the next."""
    run(
        "kept = [bytes(1 << 24) for _ in range(7)]\n"
        "assert bound.overrun() == 0\n"
        "kept += [bytes(1 << 24) for _ in range(2)]\n"
        "assert bound.overrun() >= 9 << 24"
    )


def test_what_is_kept_is_told_of_the_trial_that_kept_it():
    """Trials that keep a quarter each spend the process together, and overrun nothing alone."""
    run(
        "kept = []\n"
        "for trial in range(3):\n"
        "    assert not bound.spent\n"
        "    bound.begin()\n"
        "    kept += [bytes(1 << 24) for _ in range(3)]\n"
        "    assert bound.overrun() == 0\n"
        "assert bound.spent"
    )


def test_a_trial_that_begins_with_too_little_left_has_its_half():
    """Where no other process can be had, the bound begins anew with what is held by then."""
    run(
        "kept = []\n"
        "for trial in range(6):\n"
        "    bound.begin()\n"
        "    assert not bound.spent\n"
        "    kept += [bytes(1 << 24) for _ in range(7)]\n"
        "    assert bound.overrun() == 0"
    )


def test_a_lower_bound_that_is_there_already_stays():
    """Who has bounded the process before us meant it."""
    run(
        "import resource\n"
        "lower = (_held() + (64 << 20), resource.getrlimit(resource.RLIMIT_DATA)[1])\n"
        "resource.setrlimit(resource.RLIMIT_DATA, lower)\n"
        "MemoryBound(1 << 30)\n"
        "assert resource.getrlimit(resource.RLIMIT_DATA)[0] == lower[0]"
    )
