"""The wire format between the supervisor and a child: framed, bounded and checked.

A frame is a magic byte, a byte for its kind, four bytes for the length and that many bytes of
JSON. A subject shares its process with the code that writes frames, so any bytes may arrive:
`Decoder` raises `GarbageError` for all that is no frame of a known kind, and never anything else.
"""

from __future__ import annotations

import struct
from json import dumps, loads  # kept here, as those below: a subject may put others there
from os import read, write
from select import select
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from streamgauge.conformance.showing import clean
from streamgauge.conformance.verdicts import Verdict

__all__ = ["CHUNK", "RESULT", "Decoder", "Frame", "GarbageError", "encoded", "receive", "send"]

HEADER = struct.Struct(">BcI")
MAGIC = 0xA7
LONGEST = 1 << 20  # bytes of one frame's JSON; details are cut long before
CHUNK = 1 << 16  # bytes that are read at a time
DIGITS = 18  # of a number; more would cost time before they are refused


class GarbageError(Exception):
    """The bytes are no frame; the message says why."""


class Frame(NamedTuple):
    """One message.

    Args:
        kind: one of `KINDS`.
        data: its fields, checked against that kind's.
    """

    kind: str
    data: Dict[str, Any]


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _seconds(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1e12


def _text(value: Any) -> bool:
    return isinstance(value, str)


_Checks = Mapping[str, Callable[[Any], bool]]
# The fields of a `plan.Result` that are the trial's to say; all others the supervisor knows.
RESULT: _Checks = {
    "clause": _text,
    "verdict": lambda value: value in list(map(str, Verdict)),
    "detail": _text,
    "seconds": _seconds,
    "plan": _text,
    "tried": _text,
    "plays": _count,
}


def _results(value: Any) -> bool:
    return isinstance(value, list) and all(_fits(one, RESULT) for one in value)


# kind -> its name and what its fields have to be
KINDS: Mapping[str, Tuple[bytes, _Checks]] = {
    # what a child offers: its subject and loop are imported
    "offer": (b"O", {"name": _text, "version": _text, "lacks": _texts, "links": _texts,
                     "threads": _count}),
    "refusal": (b"R", {"text": _text}),  # they cannot be
    "forked": (b"F", {"pid": _count}),  # a process for trials
    "unforked": (b"U", {"text": _text}),  # the machine refused one
    "stopped": (b"S", {"pid": _count}),  # somebody stopped that process, or let it go on
    "ended": (b"E", {"pid": _count, "status": lambda value: type(value) is int}),
    "order": (b"T", {"nonce": _text, "trial": _text}),  # play this trial
    "play": (b"P", {"nonce": _text, "plan": _text}),  # heartbeat: a play begins, or goes on
    "answer": (b"A", {"nonce": _text, "trial": _text, "results": _results, "fault": _text,
                      "spent": _text}),
}  # fmt: skip
_NAMES = {letter: kind for kind, (letter, _) in KINDS.items()}


def _fits(value: Any, checks: _Checks) -> bool:
    if not isinstance(value, dict) or value.keys() != checks.keys():
        return False
    return all(check(value[name]) for name, check in checks.items())


def encoded(kind: str, **data: Any) -> bytes:
    """Return a frame's bytes; its texts are cleaned, whatever they were."""
    body = dumps(_cleaned(data), ensure_ascii=True).encode("ascii")
    return HEADER.pack(MAGIC, KINDS[kind][0], len(body)) + body


class Decoder:
    """Takes bytes as they come and returns the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> List[Frame]:
        """Take some bytes.

        Raises:
            GarbageError: they are no frame, or one of another shape.
        """
        self._buffer += data
        return list(self._frames())

    def _frames(self) -> Iterator[Frame]:
        while len(self._buffer) >= HEADER.size:
            magic, letter, length = HEADER.unpack_from(self._buffer)
            if magic != MAGIC or letter not in _NAMES or length > LONGEST:
                raise GarbageError(f"got {clean(repr(bytes(self._buffer[:40])))}, no frame")
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            yield Frame(_NAMES[letter], _parsed(_NAMES[letter], body))


def _number(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError("a number too long")
    return int(digits)


def _parsed(kind: str, body: bytes) -> Dict[str, Any]:
    try:
        data = loads(body.decode("utf-8"), parse_int=_number)
        fits = _fits(data, KINDS[kind][1])
    except (ValueError, RecursionError, OverflowError, TypeError) as error:
        raise GarbageError(f"got {kind!r} with {clean(repr(body[:40]))}: {error}") from None
    if not fits:
        raise GarbageError(f"got {kind!r} with other fields: {clean(repr(body[:200]))}")
    cleaned: Dict[str, Any] = _cleaned(data)
    return cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return {key: _cleaned(one) for key, one in value.items()} if isinstance(value, dict) else value


def send(descriptor: int, data: bytes) -> None:
    """Write all bytes, from a child; a descriptor that was set non-blocking is waited for.

    Raises:
        OSError: the descriptor is closed, or nobody reads.
    """
    while data:
        try:
            data = data[write(descriptor, data) :]
        except BlockingIOError:
            select([], [descriptor], [])


def receive(descriptor: int, decoder: Decoder) -> List[Frame]:
    """Wait for some bytes, in a child; returns the frames that they complete.

    Raises:
        EOFError: the supervisor has hung up.
    """
    while True:
        try:
            data = read(descriptor, CHUNK)
        except BlockingIOError:
            select([descriptor], [], [])
        except ConnectionError:
            raise EOFError from None
        else:
            if not data:
                raise EOFError
            return decoder.feed(data)
