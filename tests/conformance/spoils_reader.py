"""Spoils of `StreamReader` beyond its reads: EOF, errors, sharing, the limit, iteration.

Data, as told by `spoil`.
"""

from __future__ import annotations

from typing import Tuple

from .anatomy import assigning, awaiting, calling, comparing, raising, when
from .spoil import Spoil, spoil
from .surgery import (
    body,
    drop,
    instead,
    result,
    swap,
    value_of,
)

__all__ = ["READER"]

READ = "StreamReader.read"
READLINE = "StreamReader.readline"
READEXACTLY = "StreamReader.readexactly"
READUNTIL = "StreamReader.readuntil"
WAIT = "StreamReader._wait_for_data"

READER: Tuple[Spoil, ...] = (
    # --- EOF, errors, sharing ---
    spoil(
        "at-eof-ignores-buffer",
        "reader.at_eof.false-with-data",
        "A loop until at_eof() loses the last bytes.",
        ("StreamReader.at_eof", result("self._eof")),
    ),
    spoil(
        "at-eof-ignores-eof",
        "reader.at_eof.false-before-eof",
        "A loop until at_eof() ends while the peer is silent.",
        ("StreamReader.at_eof", result("not self._buffer")),
    ),
    spoil(
        "at-eof-never",
        "reader.at_eof.true-once-empty",
        "A loop until at_eof() never ends.",
        ("StreamReader.at_eof", result("False")),
    ),
    spoil(
        "eof-wakes-nobody",
        "reader.feed_eof.wakes-waiting-read",
        "A read that waits at EOF never returns.",
        ("StreamReader.feed_eof", drop(calling("_wakeup_waiter"))),
    ),
    spoil(
        "data-wakes-nobody",
        "reader.read.waits-for-data",
        "A read that waits for data never returns.",
        ("StreamReader.feed_data", drop(calling("_wakeup_waiter"))),
    ),
    spoil(
        "error-wakes-nobody",
        "reader.lost.wakes-waiting-read",
        "A read that waits at a reset never returns.",
        ("StreamReader.set_exception", drop(calling("set_exception"))),
    ),
    spoil(
        "error-forgotten",
        "reader.lost.later-read-ends",
        "A read after a reset waits for ever.",
        ("StreamReader.set_exception", value_of("_exception", "None")),
    ),
    spoil(
        "cancelled-read-blocks-the-next",
        "reader.read.cancel-keeps-data",
        "After a timeout no read works any more.",
        (WAIT, value_of("_waiter", "it or self._waiter")),
    ),
    spoil(
        "cancelled-read-clears",
        "reader.readexactly.cancel-keeps-data",
        "A timeout loses what had arrived.",
        (
            WAIT,
            instead(
                awaiting("_waiter"),
                "try:\n"
                "    await self._waiter\n"
                "except exceptions.CancelledError:\n"
                "    self._buffer.clear()\n"
                "    raise",
            ),
        ),
    ),
    spoil(
        "second-reader-accepted",
        "reader.shared.second-waiting-read-rejected",
        "Of two reads that wait at once, one never returns.",
        (WAIT, drop(raising("RuntimeError"))),
    ),
    # --- the limit and the transport ---
    spoil(
        "limit-halved",
        "reader.readuntil.limit-length-fits",
        "Records within the limit are refused.",
        ("StreamReader.__init__", value_of("_limit", "it // 2")),
    ),
    spoil(
        "limit-zero-accepted",
        "reader.limit.not-positive-rejected",
        "A reader is built that can read no record.",
        ("StreamReader.__init__", drop(raising("ValueError"))),
    ),
    spoil(
        "pause-never-called",
        "reader.limit.bounds-buffer",
        "A peer that sends without end fills the memory.",
        ("StreamReader.feed_data", drop(calling("pause_reading"))),
    ),
    spoil(
        "pause-works-once",
        "reader.limit.bounds-buffer",
        "A peer that was stopped once can fill the memory afterwards.",
        ("StreamReader._maybe_resume_transport", drop(assigning("_paused"))),
    ),
    spoil(
        "pause-far-too-late",
        "reader.limit.bounds-buffer",
        "A peer fills two hundred times the memory that the limit allows.",
        (
            "StreamReader.feed_data",
            swap(comparing("_limit"), "len(self._buffer) > 200 * self._limit"),
        ),
    ),
    spoil(
        "resume-never-called",
        "reader.limit.reading-resumes",
        "A peer that was stopped once is stopped for ever.",
        ("StreamReader._maybe_resume_transport", body("pass")),
        (WAIT, drop(when("_paused"))),
    ),
    spoil(
        "wait-does-not-resume",
        "reader.readexactly.beyond-limit",
        "A read of more than twice the limit never returns.",
        (WAIT, drop(when("_paused"))),
    ),
    # --- async for ---
    spoil(
        "iteration-ends-at-empty-line",
        "reader.iteration.yields-lines",
        "async for ends at the first empty line.",
        (
            "StreamReader.__anext__",
            body(
                "line = await self.readline()\n"
                "if not line.strip():\n"
                "    raise StopAsyncIteration\n"
                "return line"
            ),
        ),
    ),
    spoil(
        "iteration-impossible",
        "reader.iteration.yields-lines",
        "async for raises TypeError.",
        ("StreamReader.__aiter__", body("return None")),
    ),
)
