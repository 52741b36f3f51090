"""About streamgauge/fakes/leaks.py: names, the error, what is ignored."""

from __future__ import annotations

import pytest

from streamgauge.fakes import LEAKS, Leak, LeakError
from streamgauge.fakes.leaks import check, ignored


def test_the_error_says_what_and_what_to_do():
    """Each leak is in the message with what to do about it and how to ignore it."""
    leaks = [Leak("unread-bytes", "7 bytes"), Leak("server-not-closed", "port 80")]
    with pytest.raises(LeakError) as caught:
        check("the network", leaks, frozenset())
    for part in ("left with 2 leak(s)", "7 bytes", LEAKS["unread-bytes"], "port 80"):
        assert part in str(caught.value)
    assert "ignore_leaks=['server-not-closed', 'unread-bytes']" in str(caught.value)
    assert leaks == caught.value.leaks


def test_what_is_ignored_is_no_error():
    """Ignored leaks are neither raised nor told of with others."""
    leaks = [Leak("unread-bytes", "7 bytes"), Leak("server-not-closed", "port 80")]
    check("the network", leaks, ignored(["unread-bytes", "server-not-closed"]))
    check("the network", leaks, ignored("all"))
    with pytest.raises(LeakError) as caught:
        check("the network", leaks, ignored("unread-bytes"))
    assert leaks[1:] == caught.value.leaks


def test_an_unknown_name_is_refused():
    """A leak that does not exist is a ValueError that lists those that do."""
    with pytest.raises(ValueError, match=r"got \['unread'\], expected some of .*unread-bytes"):
        ignored(["unread"])
