"""About streamgauge/fakes/listeners.py: binding, releasing, finding."""

from __future__ import annotations

import errno

import pytest

from streamgauge.fakes.listeners import EPHEMERAL_PORTS, Listeners
from streamgauge.fakes.names import Names


@pytest.fixture
def listeners():
    """The listeners of a network with nothing but loopback."""
    return Listeners(Names({}))


def test_an_address_is_found_until_it_is_released(listeners):
    """The owner is found at its address, and only the owner can give it back."""
    where = listeners.bind("127.0.0.1", 80, "owner")
    assert "owner" == listeners.find(where)
    listeners.release(where, "somebody else")
    assert "owner" == listeners.find(where)
    listeners.release(where, "owner")
    assert listeners.find(where) is None


def test_free_ports_are_free(listeners):
    """A port that is given out is never one that somebody has."""
    taken = listeners.free_port() + 1
    listeners.bind("127.0.0.1", taken, "owner")
    assert taken not in [listeners.free_port() for _ in range(5)]


def test_a_shared_address_belongs_to_all_who_share(listeners):
    """With SO_REUSEPORT a second bind is no error, and it is found once the first has gone."""
    where = ("127.0.0.1", 80)
    for owner in ("one", "two", "three"):
        listeners.bind(*where, owner, shared=True)
    found = [listeners.find(where)]
    for owner in ("two", "one", "three"):
        listeners.release(where, owner)
        found.append(listeners.find(where))
    assert ["one", "one", "three", None] == found
    listeners.bind(*where, "alone")


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("wanted", ["127.0.0.1", "0.0.0.0"])
def test_both_have_to_share(listeners, first, second, wanted):
    """One who shares and one who does not can't have the same address, nor a wildcard over it."""
    listeners.bind("127.0.0.1", 80, "one", shared=first)
    with pytest.raises(OSError, match="already in use") as caught:
        listeners.bind(wanted, 80, "two", shared=second)
    assert errno.EADDRINUSE == caught.value.errno


def test_a_path_can_outlive_its_listener(listeners):
    """A path that is kept has nobody listening; one that is not is gone; a new owner takes over."""
    listeners.bind_path("/a", "one")
    listeners.bind_path("/a", "two")
    assert "two" == listeners.find("/a")
    listeners.release("/a", "two", keep_path=True)
    assert listeners.find("/a") is None
    listeners.release("/a", "two")
    with pytest.raises(FileNotFoundError):
        listeners.find("/a")


def test_free_ports_come_round(listeners):
    """Ports stay those that Linux gives out: after the last comes the first, unless it is taken."""
    first = listeners.free_port()
    listeners.bind("127.0.0.1", first, "owner")
    for _ in EPHEMERAL_PORTS[1:]:
        last = listeners.free_port()
    assert (EPHEMERAL_PORTS[0], EPHEMERAL_PORTS[-1]) == (first, last)
    assert first + 1 == listeners.free_port()


def test_no_port_is_free_when_all_are_taken(listeners):
    """Asking for a port when there is none is EADDRINUSE, as from the kernel, not a search."""
    for port in EPHEMERAL_PORTS:
        listeners.bind("127.0.0.1", port, "owner")
    with pytest.raises(OSError, match="in use") as caught:
        listeners.bind("::1", 0, "owner")
    assert errno.EADDRINUSE == caught.value.errno
