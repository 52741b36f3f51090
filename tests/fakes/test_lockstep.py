"""About the memory pair as a whole: random histories on it and on the kernel, in lock-step.

`python -m tests.fakes.lockstep` plays many more of them. The wire alone is in `test_wire`.
"""

from __future__ import annotations

import pytest

from .conftest import LOOPS
from .lockstep import LINKS, replay, run
from .saboteurs import SABOTEURS

#: Saboteur to a history that tells it from the kernel: the shortest that were found.
SHORTEST = {
    "pause_does_nothing": [("read_or_not", 1, "pause_reading"), ("write", 0, b"x")],
    "eof_always_closes": [("write_eof", 0)],
    "write_after_close_raises": [("close", 0), ("write", 0, b"x")],
    "the_first_closed_write_is_warned_of": [("close", 0), ("write", 0, b"x")],
    "close_drops_the_backlog": [("flood", 0), ("close", 0), ("read_the_flood", 1)],
    "abort_is_always_a_reset": [("abort", 0)],
    "unread_bytes_are_forgiven": [
        ("read_or_not", 0, "pause_reading"),
        ("write", 1, b"x"),
        ("close", 0),
    ],
    "linger_is_ignored": [("reset", 0)],
    "options_are_forgotten": [("reset", 0)],
    "the_first_write_fails": [("abort", 0), ("write", 1, b"x")],
    "a_dead_peer_takes_all": [("abort", 0), ("write", 1, b"x"), ("write", 1, b"x")],
    "never_paused": [("flood", 0)],
    "never_resumed": [("flood", 0), ("read_the_flood", 1)],
    "bytes_in_the_kernel_are_counted": [
        ("read_or_not", 1, "pause_reading"),
        ("write", 0, b"x"),
    ],
    "what_no_drain_waits_for_is_lost": [
        ("flood", 0),
        ("drain", 0),
        ("cancel_drain", 0),
        ("close", 0),
        ("read_the_flood", 1),
    ],
}
#: On the fake as it was, each of them was told from the kernel.
ONCE_WRONG = [
    # the FIN was still behind the flood, and the error another one
    ("tcp4", [("flood", 1), ("abort", 1), ("flood", 0)]),
    # more than a unix socket holds was under way, and lost when the backlog met the reset
    ("unix", [("flood", 0), ("flood", 1), ("close", 0), ("read_the_flood", 1)]),
    # an empty piece was sent, where asyncio keeps it, and EOF behind it
    ("tcp4", [("writelines", 0, [b""]), ("write_eof", 0)]),
    ("unix", [("writelines", 0, [b"c", b""]), ("close", 0), ("write", 0, b"x")]),
    ("socketpair", [("writelines", 1, [b""]), ("abort", 0)]),
    # what `writelines` fails to send after a close that still flushes is sent all the same
    ("unix", [("writelines", 0, [b""]), ("close", 0), ("writelines", 0, [b"c"])]),
    # the pieces behind an empty one went one by one, and the second met the reset of the first
    ("tcp4", [("writelines", 0, [b""]), ("abort", 1), ("writelines", 0, [b"c", b"c"])]),
    # an empty piece behind bytes that a reset answers met it never
    ("tcp4", [("abort", 0), ("writelines", 1, [b"c", b""])]),
    # `writelines` on a lost connection was another error than asyncio's
    ("tcp4", [("abort", 0), ("writelines", 0, [b"c"])]),
]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("link", LINKS)
def test_no_step_differs(link, loop):
    """After every step of every history the kernel's pair and the fake, on any loop, are alike."""
    assert run(link, examples=12, derandomize=True, loop_factory=LOOPS[loop]) >= 200


@pytest.mark.parametrize(("link", "history"), ONCE_WRONG)
def test_what_was_found_once(link, history):
    """Histories that once told the fake from the kernel do no more."""
    replay(link, history)


@pytest.mark.parametrize("name", SHORTEST)
def test_a_wrong_fake_is_found_by_its_history(name):
    """The history tells the wrong fake from the kernel, and the right one not."""
    with SABOTEURS[name].at_work(), pytest.raises(AssertionError, match=r"kernel"):
        replay("tcp4", SHORTEST[name])
    replay("tcp4", SHORTEST[name])


@pytest.mark.parametrize("name", ["pause_does_nothing", "eof_always_closes", "never_paused"])
def test_a_wrong_fake_is_found_at_random(name):
    """A random history comes to tell a wrong fake from the kernel."""
    with SABOTEURS[name].at_work(), pytest.raises(AssertionError, match=r"kernel"):
        run("tcp4", examples=100, shrink=False, derandomize=True)
