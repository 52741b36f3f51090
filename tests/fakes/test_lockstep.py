"""About the memory pair as a whole: random histories on it and on the kernel, in lock-step.

`python -m tests.fakes.lockstep` plays many more of them. The wire alone is in `test_wire`.
"""

from __future__ import annotations

import pytest

from .lockstep import LINKS, run
from .saboteurs import SABOTEURS

#: One or two of each line that a pair's histories can show.
FOUND = (
    "pause_does_nothing",
    "eof_always_closes",
    "write_after_close_raises",
    "the_first_closed_write_is_warned_of",
    "close_drops_the_backlog",
    "abort_is_always_a_reset",
    "unread_bytes_are_forgiven",
    "linger_is_ignored",
    "the_first_write_fails",
    "a_dead_peer_takes_all",
    "never_paused",
    "never_resumed",
    "bytes_in_the_kernel_are_counted",
    "options_are_forgotten",
)


@pytest.mark.parametrize("link", LINKS)
def test_no_step_differs(link):
    """After every step of every history both pairs show the same."""
    assert run(link, examples=12, derandomize=True) > 200


@pytest.mark.parametrize("name", FOUND)
def test_a_wrong_fake_is_found(name):
    """A history is found in which a fake that is wrong in one thing differs."""
    with SABOTEURS[name].at_work(), pytest.raises(AssertionError):
        run("tcp4", examples=600, shrink=False, derandomize=True)
