"""About streamgauge/fakes/direction.py: no byte is lost, doubled or miscounted on its way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streamgauge.fakes import Chunks, Wire

WINDOW = 50
SIZES = st.integers(0, 30)
STEPS = st.one_of(
    st.tuples(st.just("send"), SIZES),
    st.tuples(st.just("take"), st.integers(1, 30)),
    st.tuples(st.just("deliver"), SIZES),
    st.tuples(st.just("hold")),
    st.tuples(st.just("release")),
)


@settings(deadline=None)
@given(st.lists(STEPS, max_size=40), st.sampled_from([Chunks.WHOLE, Chunks.HALF, None]))
def test_bytes_are_counted_and_kept_in_order(steps, chunks):
    """Whatever is held and let go, room and bytes under way add up, and what is taken was sent."""
    way = Wire(window=WINDOW, chunks=chunks).ends[0].out
    sent, taken = b"", b""
    for name, *args in steps:
        if name == "send":
            data = bytes((len(sent) + i) % 256 for i in range(args[0]))
            sent += data[: way.send(data)]
        elif name == "take":
            taken += (way.take(args[0]) or b"") if way.queue else b""
        else:
            getattr(way, name)(*args)
        under_way = len(sent) - len(taken)
        assert (WINDOW - under_way, len(sent)) == (way.room, way.sent)
        assert way.unread == sum(map(len, way.queue)) - way.head
    way.release()
    while way.queue:
        taken += way.take(WINDOW) or b""
    assert sent == taken
    assert WINDOW == way.room


def test_a_courier_is_told_of_each_thing_that_is_held():
    """While the direction is held each write, and FIN, is one call; each arrival is one thing."""
    wire = Wire()
    end, peer = wire.ends
    told = []
    end.stall()
    end.out.courier = lambda: told.append(end.out.waiting)
    end.send(b"ab")
    end.send(b"c")
    end.shutdown()
    assert [1, 2, 3] == told
    got = []
    for _ in range(3):
        end.out.arrive_one()
        got.append(peer.recv())
    assert [b"ab", b"c", b""] == got


def test_the_sender_is_told_once_when_there_is_room_again():
    """A send that took less than all is answered by one call, at the next take."""
    end, peer = Wire(window=4).ends
    told = []
    end.on_writable = lambda: told.append(end.out.room)
    assert (4, 0) == (end.send(b"abcdef"), end.send(b"x"))
    peer.recv(1)
    peer.recv(1)
    assert [1] == told


def test_what_arrives_at_an_end_that_is_gone_gives_its_room_back():
    """The peer answers it with RST, and it does not count as under way."""
    end, peer = Wire(window=4).ends
    peer.close()
    assert (4, 4) == (end.send(b"abcd"), end.out.room)
    assert end.dead


def test_the_last_delivery_is_remembered():
    """Reports show what was taken last."""
    end, peer = Wire(chunks=Chunks.SIZES([2])).ends
    end.send(b"abc")
    peer.recv()
    assert b"ab" == end.out.last
    peer.recv()
    assert b"c" == end.out.last
