"""About streamgauge/fakes/sockets.py: a socket's answers, without a descriptor."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from streamgauge.fakes import Wire
from streamgauge.fakes.sockets import MemorySocket


def test_names_and_kind():
    """It tells family, type, protocol and names, and has no descriptor."""
    sock = MemorySocket(socket.AF_INET, ("127.0.0.1", 1), ("127.0.0.1", 2))
    assert (socket.AF_INET, socket.SOCK_STREAM, 6) == (sock.family, sock.type, sock.proto)
    assert (("127.0.0.1", 1), ("127.0.0.1", 2)) == (sock.getsockname(), sock.getpeername())
    assert (-1, 0.0) == (sock.fileno(), sock.gettimeout())
    assert 0 == MemorySocket(socket.AF_UNIX, "/a").proto


def test_a_listener_has_no_peer():
    """Asking a listener for its peer is ENOTCONN, as with a real one."""
    with pytest.raises(OSError, match="not connected") as caught:
        MemorySocket(socket.AF_INET, ("127.0.0.1", 1)).getpeername()
    assert errno.ENOTCONN == caught.value.errno


def test_options_are_kept():
    """What was set is what is got, as a number and as bytes; a fresh socket answers as real."""
    sock = MemorySocket(socket.AF_INET, ("127.0.0.1", 1))
    assert 1 == sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert socket.SOCK_STREAM == sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert 1 == sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert struct.pack("i", 1) == sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 4)


@pytest.mark.parametrize(("linger", "state"), [((1, 0), "CLOSED"), ((1, 5), "CLOSE_WAIT")])
def test_linger_zero_makes_the_close_a_reset(linger, state):
    """SO_LINGER with 0 seconds resets the peer, any other time leaves it an orderly EOF."""
    end, peer = Wire().ends
    sock = MemorySocket(socket.AF_INET, ("127.0.0.1", 1), ("127.0.0.1", 2), end)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *linger))
    end.close()
    assert state == peer.state


def test_linger_zero_of_the_listener_is_the_connections():
    """A connection has the option of the socket that it came in by, and what it does as well."""
    end, peer = Wire().ends
    listener = MemorySocket(socket.AF_INET, ("127.0.0.1", 1))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    listener.hand_down(end)
    end.close()
    assert "CLOSED" == peer.state


def test_it_never_blocks():
    """Making it blocking is refused; saying that it does not block is accepted."""
    sock = MemorySocket(socket.AF_INET, ("127.0.0.1", 1))
    sock.setblocking(False)
    sock.settimeout(0)
    with pytest.raises(ValueError, match="expected False"):
        sock.setblocking(True)
