"""About streamgauge/fakes/hands.py: what a hand can't do is said at once, and where it was called.

What the hands do to bytes, FIN and RST is tried in test_wire.py.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from streamgauge.fakes import Wire, memory_stream_pair

HANDS = ("stall", "resume", "deliver", "cut", "reset")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda end: end.cut(after=-1),
            ValueError,
            r"cut\(after=...\) got -1 bytes, expected",
        ),
        (lambda end: end.cut(after=None), TypeError, r"got None, expected a whole number of bytes"),
        (lambda end: end.cut(after=0.5), TypeError, r"got 0.5, expected a whole number"),
        (lambda end: end.cut(how="axe"), ValueError, "got 'axe', expected 'fin', 'rst' or 'stall'"),
        (lambda end: end.cut(how=[]), ValueError, r"got \[\], expected 'fin', 'rst' or 'stall'"),
        (lambda end: end.deliver(-2), ValueError, r"deliver\(\) got -2 bytes, expected 0 or more"),
        (lambda end: end.deliver("2"), TypeError, r"deliver\(\) got '2', expected a whole"),
        (
            lambda end: end.deliver(True),
            TypeError,
            r"deliver\(\) got True, expected a whole",
        ),
    ],
)
def test_nonsense_is_refused_by_name(call, error, message):
    """A wrong argument is an error with the value and what was expected, and does nothing."""
    a, b = Wire().ends
    a.stall()
    a.send(b"held")
    with pytest.raises(error, match=message):
        call(a)
    assert (4, None) == (a.in_flight(), b.recv())
    assert 4 == a.deliver()


@pytest.mark.parametrize("how", ["fin", "rst", "stall"])
def test_a_cut_is_planned_once(how):
    """A second cut while one waits is refused and says which; the first is done as planned."""
    a, b = Wire().ends
    a.cut(after=3, how=how)
    a.send(b"1")
    with pytest.raises(RuntimeError, match=f"to be cut with '{how}' after 2 more bytes"):
        a.cut(after=9)
    a.send(b"2345")
    assert b"123" == b.recv()


def test_a_cut_that_has_stalled_can_be_followed_by_another():
    """Once it is done, a cut no longer waits."""
    a, b = Wire().ends
    a.cut(after=1, how="stall")
    a.send(b"12")
    a.cut(after=0)
    assert [b"1", b""] == [b.recv(), b.recv()]


@pytest.mark.parametrize("end_it", ["close", "shutdown", "reset"])
def test_what_can_do_nothing_any_more_is_refused(end_it):
    """After FIN or RST has arrived, stalling and cutting are errors; letting go never is."""
    a, b = Wire().ends
    getattr(a, end_it)()
    for hand in ("stall", "cut"):
        with pytest.raises(RuntimeError, match=rf"{hand}\(\) was called on an end whose FIN"):
            getattr(a, hand)()
    a.resume()
    assert 0 == a.deliver()
    if end_it != "reset":
        b.stall()  # the other direction goes on
        b.resume()


def test_what_is_held_can_be_cut_after_the_close():
    """A closed end whose FIN is held is still in everybody's hands."""
    a, b = Wire().ends
    a.stall()
    a.send(b"12")
    a.close()
    a.cut(after=1, how="stall")
    assert 1 == a.deliver(1)
    assert (b"1", None) == (b.recv(), b.recv())
    a.resume()
    assert (b"2", b"") == (b.recv(), b.recv())


def test_a_reset_needs_an_end_that_can_see_it():
    """Resetting what is reset already, or closed at both ends, is an error."""
    a, b = Wire().ends
    a.close()
    a.reset()
    with pytest.raises(RuntimeError, match=r"reset\(\) was called on a connection that is over"):
        b.reset()


@pytest.mark.parametrize("hand", HANDS)
async def test_another_thread_is_refused(hand):
    """While the loop runs, a call from another thread is an error and not a lost wake-up."""
    raised = []

    def call(end):
        try:
            getattr(end, hand)()
        except RuntimeError as exc:
            raised.append(str(exc))

    async with memory_stream_pair(ignore_leaks="all") as (client, server):
        thread = threading.Thread(target=call, args=(client.wire,))
        thread.start()
        thread.join()
        assert [True] == [text.startswith(f"{hand}() was called from another") for text in raised]
        client.writer.write(b"unharmed")
        assert b"unharmed" == await server.reader.read(100)
        asyncio.get_running_loop().call_soon(getattr(client.wire, hand))
        await asyncio.sleep(0)


def test_a_loop_that_is_not_running_takes_hands_from_anybody():
    """Between two runs of its loop, a test's synchronous part may use the hands."""
    loop = asyncio.SelectorEventLoop()
    pair = memory_stream_pair(ignore_leaks="all")
    client, server = loop.run_until_complete(pair.__aenter__())
    client.wire.stall()
    client.writer.write(b"held")
    assert 2 == client.wire.deliver(2)
    assert b"he" == loop.run_until_complete(server.reader.read(100))
    loop.run_until_complete(pair.__aexit__(None, None, None))
    loop.close()


@pytest.mark.parametrize("rubbish", [-1, 1.5, None, "4", b"x"])
async def test_a_policy_that_gives_rubbish_ends_the_connection_with_its_error(rubbish):
    """The reader gets a ValueError that has what the policy gave and what was expected."""
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    pair = memory_stream_pair(chunks=lambda available: rubbish, ignore_leaks="all")
    async with pair as (client, server):
        client.writer.write(b"12345")
        with pytest.raises(ValueError, match=f"gave {rubbish!r} for 5 bytes, expected a number"):
            await server.reader.read(100)
        assert server.transport.is_closing()
    assert [ValueError] == [type(context["exception"]) for context in told]


async def test_a_policy_that_raises_ends_the_connection_with_its_error():
    """Whatever a policy raises, the reader gets it, at once."""

    def policy(available):
        raise KeyError(available)

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with memory_stream_pair(chunks=policy, ignore_leaks="all") as (client, server):
        client.writer.write(b"12345")
        with pytest.raises(KeyError, match="5"):
            await server.reader.read(100)
