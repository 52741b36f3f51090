"""About streamgauge/fakes/wire.py and direction.py: the kernel's part, in lock-step with it."""

# ruff: noqa: D102, D103  # the doubles' methods are asyncio's and the socket's

from __future__ import annotations

import errno
import random
import select
import socket
import struct

import pytest

from streamgauge.fakes import TCP, UNIX, Chunks, Wire

LINGER_ZERO = struct.pack("ii", 1, 0)


def tcp_sockets():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


class Real:
    """A real socket with the calls of a wire's end."""

    def __init__(self, sock):
        self.sock = sock
        sock.setblocking(False)
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        return self.sock.send(data)

    def recv(self, limit):
        return self.sock.recv(limit)

    def shutdown(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.sock.close()

    def settle(self, readable):
        """Give the kernel time to bring what the wire says is there."""
        if readable:
            select.select([self.sock], [], [], 0.5)


class Fake:
    """A wire's end, closing by reset as the real one does."""

    def __init__(self, end):
        self.end = end
        self.send, self.recv, self.shutdown, self.close = (
            end.send,
            end.recv,
            end.shutdown,
            end.close,
        )

    def reset(self):
        self.end.linger_zero = True
        self.end.close()


def outcome(call, *args):
    """Do it, and say what came: the value, None for nothing yet, or the error's name."""
    try:
        return call(*args)
    except BlockingIOError:
        return None
    except OSError as exc:
        return errno.errorcode[exc.errno]


def history(dice):
    """Make a list of (side, operation, arguments) at random."""
    for _ in range(dice.randint(4, 14)):
        verb = dice.choice(["send", "send", "recv", "recv", "peek", "shutdown", "close", "reset"])
        args = {"send": (b"x" * dice.randint(1, 5),), "recv": (100,), "peek": (1,)}.get(verb, ())
        yield dice.randrange(2), "recv" if verb == "peek" else verb, args


@pytest.mark.parametrize("kind", [TCP, UNIX], ids=lambda kind: kind.name)
def test_every_history_goes_as_on_the_kernel(kind):
    """Sends, reads, half-closes, closes and resets at random: the same values and errnos."""
    for seed in range(400):
        sockets = tcp_sockets() if kind is TCP else socket.socketpair()
        real = [Real(sock) for sock in sockets]
        fake = [Fake(end) for end in Wire(kind=kind).ends]
        gone, seen, expected = set(), [], []
        for side, verb, args in history(random.Random(seed)):
            if side in gone:
                continue
            real[side].settle(fake[side].end.readable)
            expected.append((side, verb, outcome(getattr(real[side], verb), *args)))
            seen.append((side, verb, outcome(getattr(fake[side], verb), *args)))
            if verb in ("close", "reset"):
                gone.add(side)
        for sock in sockets:
            sock.close()
        assert (seed, expected) == (seed, seen)


def test_the_window_holds_the_sender():
    """A send takes what the window has room for; reading makes room and says so once."""
    a, b = Wire(window=10).ends
    told = []
    a.on_writable = lambda: told.append(a.in_flight())
    assert [7, 3, 0] == [a.send(b"1234567"), a.send(b"890abc"), a.send(b"abc")]
    assert (b"1234", [6]) == (b.recv(4), told)
    assert ([4], [10]) == ([a.send(b"abcdef")], [a.in_flight()])


def test_what_was_sent_is_copied():
    """Changing a bytearray after it was sent changes nothing, as with the kernel."""
    a, b = Wire().ends
    data = bytearray(b"good")
    a.send(data)
    data[:] = b"evil"
    assert b"good" == b.recv()
    a, b = Wire(window=2).ends
    data = bytearray(b"good")
    a.send(data)
    data[:] = b"evil"
    assert b"go" == b.recv()


def test_a_stalled_direction_holds_bytes_and_fin():
    """Nothing arrives in a stall; the other direction goes on; `resume` brings all of it."""
    a, b = Wire().ends
    a.stall()
    a.send(b"held")
    a.shutdown()
    b.send(b"back")
    assert (None, b"back", 4) == (b.recv(), a.recv(), a.in_flight())
    a.resume()
    assert (b"held", b"") == (b.recv(), b.recv())


def test_a_stall_holds_a_reset_as_well():
    """The reset that answers bytes to a closed end is held like anything that it sends."""
    a, b = Wire().ends
    b.stall()
    b.close()
    assert [2, 2] == [a.send(b"no"), a.send(b"ne")]
    b.resume()
    with pytest.raises(BrokenPipeError):
        a.send(b"x")


def test_deliver_brings_so_many_bytes_and_no_fin():
    """Held bytes arrive by count, across the bounds of writes; FIN comes with `deliver()`."""
    a, b = Wire().ends
    a.stall()
    a.send(b"abc")
    a.send(b"def")
    a.shutdown()
    assert (4, b"abcd") == (a.deliver(4), b.recv())
    assert (2, b"ef", None) == (a.deliver(2), b.recv(), b.recv())
    assert (0, b"") == (a.deliver(), b.recv())


@pytest.mark.parametrize("held", [False, True])
def test_a_cut_with_fin_is_eof_after_so_many_bytes(held):
    """The peer reads so many bytes and EOF, and meets EPIPE; this end meets a reset."""
    a, b = Wire().ends
    if held:
        a.stall()
        a.send(b"abc")
    a.cut(after=4, how="fin")
    a.send(b"abcdef")
    a.resume()
    expected = (b"abca", b"") if held else (b"abcd", b"")
    assert expected == (b.recv(), b.recv())
    assert ("ECONNRESET", 1, "EPIPE") == (
        outcome(a.send, b"x"),
        outcome(b.send, b"x"),
        outcome(b.send, b"x"),
    )


def test_a_cut_with_rst_resets_both_after_so_many_bytes():
    """The peer can read what arrived before the reset; then both ends meet it."""
    a, b = Wire().ends
    a.cut(after=2, how="rst")
    a.send(b"abc")
    assert (b"ab", "ECONNRESET", "ECONNRESET") == (b.recv(), outcome(b.recv), outcome(a.recv))


def test_a_cut_that_stalls_holds_the_rest():
    """So many bytes arrive, the rest stays in flight until `resume`."""
    a, b = Wire().ends
    a.cut(after=2, how="stall")
    a.send(b"abcd")
    assert (b"ab", None, 2) == (b.recv(), b.recv(), a.in_flight())
    a.resume()
    assert b"cd" == b.recv()


def test_a_cut_at_once():
    """With nothing more to come, the end is there when `cut` returns."""
    a, b = Wire().ends
    a.cut(how="fin")
    assert b"" == b.recv()


def test_reset_reaches_both_ends_through_a_stall():
    """`reset` is at once, and loses what was held."""
    wire = Wire()
    a, b = wire.ends
    wire.stall()
    a.send(b"lost")
    a.reset()
    assert ("ECONNRESET", "ECONNRESET") == (outcome(a.recv), outcome(b.recv))
    assert "CLOSED" == a.state == b.state


def test_states_are_those_of_netstat():
    """An orderly end goes through the states that a real connection shows."""
    a, b = Wire().ends
    states = [(a.state, b.state)]
    for step in (a.shutdown, b.shutdown):
        step()
        states.append((a.state, b.state))
    assert [
        ("ESTABLISHED", "ESTABLISHED"),
        ("FIN_WAIT2", "CLOSE_WAIT"),
        ("TIME_WAIT", "TIME_WAIT"),
    ] == states


@pytest.mark.parametrize(
    ("window", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("1", TypeError)]
)
def test_a_window_is_a_number_of_bytes(window, error):
    """What is no whole number of 1 or more is refused with the value and what was expected."""
    with pytest.raises(error, match=rf"window got {window!r}.*expected.* 1 or more"):
        Wire(window=window)


@pytest.mark.parametrize("chunks", [None, Chunks.HALF, Chunks.RANDOM(3), Chunks.SIZES([5])])
def test_bytes_keep_their_order_and_count(chunks):
    """Whatever window, pieces and stalls: what is read is what was sent."""
    dice = random.Random(repr(chunks))
    a, b = Wire(window=97, chunks=chunks).ends
    sent, got = bytearray(), bytearray()
    while len(sent) < 5000:
        data = bytes(dice.randrange(256) for _ in range(dice.randint(1, 60)))
        sent += data[: a.send(data)]
        getattr(a, dice.choice(["stall", "resume", "deliver", "in_flight"]))()
        if dice.random() < 0.7:
            got += b.recv(dice.randint(1, 80)) or b""
        assert len(sent) - len(got) == a.in_flight()
    a.resume()
    while a.in_flight():
        got += b.recv()
    assert sent == got
