"""Readers and writers that go astray, each in one way, for the generated histories to find.

They are named as subjects, `astray:loses_what_a_cancelled_call_had`, and stand on our own streams,
which have no fault that a history finds. One that a saboteur is already is that saboteur.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, Dict

import streamgauge.streams as sound
from streamgauge.conformance import saboteurs


def _reader(**methods: Any) -> SimpleNamespace:
    reader = type("Astray", (sound.StreamReader,), methods)
    return SimpleNamespace(**{**vars(sound), "StreamReader": reader})


def _writer(**methods: Any) -> SimpleNamespace:
    writer_class: Any = type("Astray", (sound.StreamWriter,), methods)

    async def open_connection(*args: Any, **kwargs: Any) -> Any:
        reader, writer = await sound.open_connection(*args, **kwargs)
        writer.__class__ = writer_class
        return reader, writer

    changed = {"StreamWriter": writer_class, "open_connection": open_connection}
    return SimpleNamespace(**{**vars(sound), **changed})


async def _stripped(self: Any) -> bytes:
    return (await sound.StreamReader.readline(self)).rstrip(b"\n")


async def _until_short(self: Any, separator: Any = b"\n") -> bytes:
    try:
        return bytes(await sound.StreamReader.readuntil(self, separator))
    except asyncio.IncompleteReadError as short:
        return short.partial


async def _until_unlimited(self: Any, separator: Any = b"\n") -> bytes:
    while True:
        try:
            return bytes(await sound.StreamReader.readuntil(self, separator))
        except asyncio.LimitOverrunError as overrun:
            return bytes(await sound.StreamReader.readexactly(self, overrun.consumed or 1))


async def _one_more(self: Any, n: int = -1) -> bytes:
    return bytes(await sound.StreamReader.read(self, n + 1 if n > 0 else n))


async def _next(self: Any) -> bytes:
    line = await self.readline()
    if line in (b"", b"\n"):
        raise StopAsyncIteration
    return bytes(line)


def _deaf(self: Any, error: BaseException) -> None:
    pass


READERS: Dict[str, Any] = {
    "loses_what_a_cancelled_call_had": saboteurs.readexactly_gathers_by_itself,
    "strips_newlines": _reader(readline=_stripped),
    "returns_unfinished_records": _reader(readuntil=_until_short),
    "hands_out_what_is_beyond_the_limit": _reader(readuntil=_until_unlimited),
    "reads_more_than_it_was_asked_for": _reader(read=_one_more),
    "ends_an_iteration_at_an_empty_line": _reader(__anext__=_next),
    "is_at_eof_with_bytes_left": _reader(at_eof=lambda self: True),
    "takes_no_notice_of_errors": _reader(set_exception=_deaf),
}


async def _returns(self: Any) -> None:
    return None


async def _never(self: Any) -> None:
    await asyncio.get_running_loop().create_future()


def _reversed(self: Any, lines: Any) -> None:
    sound.StreamWriter.writelines(self, [*lines][::-1])


def _short(self: Any, data: Any) -> None:
    sound.StreamWriter.write(self, data[: 200 * 1024 - 1])


def _twice(self: Any, data: Any) -> None:
    for _ in range(1 + (len(data) == 1)):
        sound.StreamWriter.write(self, data)


WRITERS: Dict[str, SimpleNamespace] = {
    "drains_at_once": _writer(drain=_returns),
    "drains_for_ever": _writer(drain=_never),
    "sends_lines_in_reverse": _writer(writelines=_reversed),
    "cuts_long_writes_short": _writer(write=_short),
    "sends_single_bytes_twice": _writer(write=_twice),
}

globals().update(READERS)
globals().update(WRITERS)
