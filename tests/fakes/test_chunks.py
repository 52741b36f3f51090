"""About streamgauge/fakes/chunks.py: sizes of deliveries, from sizes of writes."""

from __future__ import annotations

import pytest

from streamgauge.fakes import Chunks, Wire


def deliveries(chunks, *writes, limit=262144):
    """Write, then read until nothing is left; None stands for a turn that brought nothing."""
    client, server = Wire(chunks=chunks).ends
    for data in writes:
        client.send(data)
    got = []
    while client.in_flight():
        got.append(server.recv(limit))
    return got


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (None, [b"abcdefg"]),
        (Chunks.WHOLE, [b"abcdefg"]),
        (Chunks.ONE_BYTE, [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]),
        (Chunks.HALF, [b"abcd", b"ef", b"g"]),
        (Chunks.AS_WRITTEN, [b"abc", b"de", b"fg"]),
        (Chunks.COALESCE, [None, b"abcdefg"]),
        (Chunks.SIZES([1, 3]), [b"a", b"bcd", b"e", b"fg"]),
        pytest.param(lambda available: 5, [b"abcde", b"fg"], id="any callable"),
    ],
    ids=repr,
)
def test_each_policy_cuts_as_its_name_says(chunks, expected):
    """Three writes of 3, 2 and 2 bytes are delivered in the policy's pieces, in order."""
    assert expected == deliveries(chunks, b"abc", b"de", b"fg")


def test_random_cuts_are_the_same_for_the_same_seed():
    """A seed fixes the cuts, another seed gives others, and no byte is lost or moved."""
    data = bytes(range(200))
    one, again, other = (deliveries(Chunks.RANDOM(seed), data) for seed in (1, 1, 2))
    assert one == again != other
    assert [data, data] == [b"".join(one), b"".join(other)]


def test_each_direction_starts_the_policy_afresh():
    """What one direction, or one wire, has used up of the sizes is not missing in another."""
    a, b = Wire(chunks=Chunks.SIZES([1, 2])).ends
    a.send(b"xyz")
    b.send(b"xyz")
    assert (b"x", b"x") == (a.recv(), b.recv())


def test_coalescing_waits_for_a_turn_without_news():
    """As long as each turn brings more nothing is delivered, then all of it is."""
    client, server = Wire(chunks=Chunks.COALESCE).ends
    got = []
    for data in (b"a", b"b", b""):
        client.send(data)
        got.append(server.recv())
    assert [None, None, b"ab"] == got


def test_the_limit_of_a_delivery_is_kept():
    """A policy that would give more than was asked for gives what was asked for."""
    assert [b"ab", b"cd", b"e"] == deliveries(lambda available: 1000, b"abcde", limit=2)


@pytest.mark.parametrize("answer", [-1, 0, 1.5, None, "2"])
def test_an_answer_that_is_no_size_is_named(answer):
    """A policy that answers nonsense is an error that says what came and what was expected."""
    with pytest.raises(ValueError, match=rf"gave {answer!r} for 3 bytes, expected a number from 1"):
        deliveries(lambda available: answer, b"abc")


@pytest.mark.parametrize("sizes", [[], [0], [3, -1], [1.5]])
def test_sizes_have_to_be_sizes(sizes):
    """No size, or one below a byte, is refused when the policy is made, with the sizes."""
    with pytest.raises(ValueError, match="expected one or more sizes of 1 or more"):
        Chunks.SIZES(sizes)


@pytest.mark.parametrize("chunks", [3, Chunks.SIZES, Chunks.RANDOM])
def test_chunks_have_to_be_a_policy(chunks):
    """What is no policy, or one that was not called yet, is refused when the wire is made."""
    with pytest.raises(TypeError, match=r"chunks got .*, expected Chunks\.WHOLE, Chunks\.SIZES"):
        Wire(chunks=chunks)


def test_a_policy_shows_how_it_is_written():
    """The repr of a policy is the expression that makes it."""
    assert [
        "Chunks.HALF",
        "Chunks.SIZES([1, 2])",
        "Chunks.RANDOM(7)",
    ] == [repr(p) for p in (Chunks.HALF, Chunks.SIZES([1, 2]), Chunks.RANDOM(7))]
