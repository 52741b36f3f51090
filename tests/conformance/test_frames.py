"""Frames: what a child says is taken as it is meant; anything else is garbage, no worse."""

from __future__ import annotations

import contextlib
import json
import os
import random
import threading

import pytest

from streamgauge.conformance.engine import frames
from streamgauge.conformance.engine.frames import HEADER, KINDS, MAGIC, Decoder, GarbageError

SAMPLES = {
    "offer": {"name": "s", "version": "1", "lacks": [], "links": ["feed"], "threads": 0},
    "refusal": {"text": "no"},
    "forked": {"pid": 7},
    "unforked": {"text": "no"},
    "stopped": {"pid": 7},
    "ended": {"pid": 7, "status": -9},
    "order": {"nonce": "n", "trial": "t"},
    "play": {"nonce": "n", "plan": "whole"},
    "answer": {
        "nonce": "n",
        "trial": "t",
        "results": [
            {"clause": "c", "verdict": "pass", "detail": "", "seconds": 0.5, "plan": "",
             "tried": "", "plays": 3}
        ],
        "fault": "",
        "spent": "",
    },
}  # fmt: skip


def raw(body: bytes, letter: bytes = b"A", length: int | None = None, magic: int = MAGIC) -> bytes:
    """Return a frame of any body."""
    return HEADER.pack(magic, letter, len(body) if length is None else length) + body


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_goes_across_in_any_pieces(kind):
    """What was sent is what is taken, byte by byte or together with another."""
    data = frames.encoded(kind, **SAMPLES[kind])
    decoder = Decoder()
    taken = [frame for n in range(len(data)) for frame in decoder.feed(data[n : n + 1])]
    assert [(kind, SAMPLES[kind])] == taken
    assert 2 == len(Decoder().feed(data * 2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_too_many_too_few_or_of_another_type_is_garbage(kind):
    """Every field is checked, of every kind."""
    sample, letter = SAMPLES[kind], KINDS[kind][0]
    changed = [{**sample, "more": 1}, *({**sample, name: None} for name in sample)]
    changed += [{n: v for n, v in sample.items() if n != name} for name in sample]
    for data in [*changed, [], 5, "text", None]:
        with pytest.raises(GarbageError):
            Decoder().feed(raw(json.dumps(data).encode(), letter))


@pytest.mark.parametrize(
    "data",
    [
        b"hello, world\n",
        raw(b"{}", magic=0),
        raw(b"{}", b"?"),
        raw(b"", length=frames.LONGEST + 1),
        raw(b"", length=2**31 - 1),
        raw(b"{"),
        raw(b"\xff\xfe"),
        raw(b"[" * 100_000),
        raw(b'{"pid": ' + b"9" * 100_000 + b"}", b"F"),
        raw(b'{"pid": NaN}', b"F"),
        raw(b'{"pid": 1e999}', b"F"),
        raw(b'{"pid": true}', b"F"),
        raw(b'{"pid": -1}', b"F"),
    ],
)
def test_what_is_no_frame_is_garbage_at_once(data):
    """No more is waited for than the longest frame has, and nothing else is raised."""
    with pytest.raises(GarbageError):
        Decoder().feed(data)


@pytest.mark.parametrize("seed", range(200))
def test_random_bytes_are_frames_or_garbage(seed):
    """Whatever comes, in whatever pieces: frames of known kinds, or `GarbageError`."""
    chance = random.Random(seed)
    data = b"".join(_scrap(chance) for _ in range(8))
    decoder = Decoder()
    with contextlib.suppress(GarbageError):
        while data:
            size = chance.randrange(1, 40)
            for frame in decoder.feed(data[:size]):
                assert frame.kind in KINDS
            data = data[size:]


def _scrap(chance):
    kind = chance.choice(list(KINDS))
    sound = frames.encoded(kind, **SAMPLES[kind])
    place = chance.randrange(len(sound))
    return chance.choice(
        [
            sound,
            sound[:place],
            sound[:place] + bytes([chance.randrange(256)]) + sound[place + 1 :],
            bytes(chance.randrange(256) for _ in range(chance.randrange(60))),
            raw(sound[6:], chance.choice(list(KINDS.values()))[0]),
        ]
    )


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("half a pair: \ud800", "half a pair: \\ud800"),
        ("a name: \udcff", "a name: \\udcff"),
        ("red: \x1b[31m", "red: \\x1b[31m"),
        ("turned: \u202e", "turned: \\u202e"),
        ("<object at 0x7f00deadbeef>", "<object at 0x...>"),
    ],
)
def test_texts_are_clean_on_both_sides(text, taken):
    """A sender cleans what it sends, and what another sent raw is cleaned where it is taken."""
    body = json.dumps({"text": text}).encode()
    assert [taken] == [f.data["text"] for f in Decoder().feed(raw(body, b"R"))]
    assert [taken] == [f.data["text"] for f in Decoder().feed(frames.encoded("refusal", text=text))]


def test_a_descriptor_that_does_not_block_is_waited_for():
    """`set_blocking(fd, False)` on the line loses nothing, however much is sent."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    sender = threading.Thread(target=frames.send, args=(writing, b"x" * (1 << 20)))
    sender.start()
    got = 0
    while got < 1 << 20:
        got += len(os.read(reading, 1 << 16))
    sender.join()
    os.close(reading)
    os.close(writing)
    assert 1 << 20 == got
