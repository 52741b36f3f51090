"""Spoils of the four reads: data, as told by `spoil`. Each breaks one thing for whoever reads."""

from __future__ import annotations

import ast
from typing import Tuple

from .anatomy import calling, comparing, handling, named, of, raising, when
from .spoil import Spoil, spoil
from .surgery import (
    argument,
    before,
    default,
    drop,
    first,
    instead,
    recompare,
    result,
    swap,
    value_of,
)

__all__ = ["READS"]

READ = "StreamReader.read"
READLINE = "StreamReader.readline"
READEXACTLY = "StreamReader.readexactly"
READUNTIL = "StreamReader.readuntil"
WAIT = "StreamReader._wait_for_data"

# What is returned, and put back in front of what is left: when, and which part of it.
AGAIN = "({} and self._buffer.__setitem__(slice(0), {}), it)[1]"

READS: Tuple[Spoil, ...] = (
    # --- read ---
    spoil(
        "read-ignores-n",
        "reader.read.up-to-n",
        "read(n) returns all that is buffered.",
        (READ, first("if n > 0:\n    n = max(n, len(self._buffer))")),
    ),
    spoil(
        "read-takes-one-more",
        "reader.read.up-to-n",
        "read(n) returns up to n + 1 bytes.",
        (READ, first("n += n > 0")),
    ),
    spoil(
        "read-gives-a-byte-again",
        "reader.read.up-to-n",
        "The last byte of a read is the first byte of the next.",
        (READ, result(AGAIN.format("0 < n == len(it)", "it[-1:]"))),
    ),
    spoil(
        "read-drops-the-rest",
        "reader.read.up-to-n",
        "What a read leaves in the buffer is lost.",
        (READ, result("(n > 0 and self._buffer.clear(), it)[1]")),
    ),
    spoil(
        "later-bytes-come-first",
        "reader.read.up-to-n",
        "What arrives before a read is returned in the wrong order.",
        ("StreamReader.feed_data", instead(calling("extend"), "self._buffer[:0] = data")),
    ),
    spoil(
        "read-waits-for-n",
        "reader.read.returns-what-is-there",
        "read(n) waits until n bytes have arrived.",
        (
            READ,
            first(
                "while len(self._buffer) < n and not self._eof:\n"
                "    await self._wait_for_data('read')"
            ),
        ),
    ),
    spoil(
        "read-takes-silence-for-eof",
        "reader.read.waits-for-data",
        'read(n) returns b"" when nothing has arrived yet.',
        (READ, drop(when("_eof"))),
    ),
    spoil(
        "read-zero-waits",
        "reader.read.zero-returns-empty",
        "read(0) waits for data.",
        (READ, swap(comparing("n", ast.Eq), "False")),
    ),
    spoil(
        "read-all-stops-at-a-block",
        "reader.read.omitted-reads-until-eof",
        "read() returns the first block only.",
        (READ, first("if n < 0:\n    return await self.read(self._limit)")),
    ),
    spoil(
        "read-all-stops-at-the-limit",
        "reader.read.until-eof-beyond-limit",
        "read() returns no more than the limit.",
        (
            READ,
            first(
                "if n < 0:\n"
                "    try:\n"
                "        return await self.readexactly(self._limit)\n"
                "    except exceptions.IncompleteReadError as short:\n"
                "        return short.partial"
            ),
        ),
    ),
    spoil(
        "read-fails-at-eof",
        "reader.read.empty-at-eof",
        'read(n) at EOF waits, instead of returning b"".',
        (READ, swap(of(ast.BoolOp), "not self._buffer")),
    ),
    spoil(
        "read-forgets-data-at-eof",
        "reader.read.data-before-eof",
        "The bytes that come just before EOF are lost.",
        (READ, first("if self._eof:\n    return b''")),
    ),
    spoil(
        "read-returns-bytearray",
        "reader.result.is-bytes",
        "What read returns cannot be a dictionary's key.",
        (READ, result("bytearray(it)")),
    ),
    spoil(
        "readexactly-returns-bytearray",
        "reader.result.is-bytes",
        "What readexactly returns cannot be a dictionary's key.",
        (READEXACTLY, result("bytearray(it)")),
    ),
    # --- readline ---
    spoil(
        "readline-strips-newline",
        "reader.readline.returns-one-line",
        "An empty line looks like EOF.",
        (READLINE, result("it.rstrip(b'\\n')")),
    ),
    spoil(
        "readline-ends-at-carriage-return",
        "reader.readline.only-newline-ends-line",
        "Lines are cut at carriage returns.",
        (READLINE, value_of("sep", "b'\\r'")),
    ),
    spoil(
        "readline-raises-at-eof",
        "reader.readline.partial-at-eof",
        "A last line without newline raises.",
        (READLINE, instead(handling("IncompleteReadError"), "raise")),
    ),
    spoil(
        "readline-loses-last-line",
        "reader.readline.partial-at-eof",
        "A last line without newline is lost.",
        (READLINE, instead(handling("IncompleteReadError"), "return b''")),
    ),
    spoil(
        "readline-keeps-the-error-type",
        "reader.readline.overrun-raises-value-error",
        "An over-long line raises LimitOverrunError, which is no ValueError.",
        (READLINE, instead(handling("LimitOverrunError"), "raise")),
    ),
    # --- readexactly ---
    spoil(
        "readexactly-one-short",
        "reader.readexactly.returns-n",
        "readexactly(n) returns n - 1 bytes.",
        (READEXACTLY, first("n -= n > 0")),
    ),
    spoil(
        "readexactly-returns-all",
        "reader.readexactly.returns-n",
        "readexactly(n) returns all that is buffered once n bytes are.",
        (READEXACTLY, result("(it + self._buffer, self._buffer.clear())[0]")),
    ),
    spoil(
        "readexactly-stops-at-the-limit",
        "reader.readexactly.beyond-limit",
        "readexactly(n) returns no more than the limit.",
        (READEXACTLY, first("n = min(n, self._limit)")),
    ),
    spoil(
        "readexactly-zero-waits",
        "reader.readexactly.zero-returns-empty",
        "readexactly(0) waits for data.",
        (
            READEXACTLY,
            first("if n == 0 and not self._buffer:\n    await self._wait_for_data('readexactly')"),
        ),
    ),
    spoil(
        "readexactly-returns-short",
        "reader.readexactly.short-raises",
        "readexactly(n) returns fewer bytes at EOF.",
        (READEXACTLY, instead(when("_eof"), "if self._eof:\n    return await self.read(n)")),
    ),
    spoil(
        "readexactly-looks-at-eof-first",
        "reader.readexactly.returns-n",
        "A whole record that came with EOF raises.",
        (
            READEXACTLY,
            first("if self._eof:\n    raise exceptions.IncompleteReadError(await self.read(), n)"),
        ),
    ),
    spoil(
        "readexactly-partial-empty",
        "reader.readexactly.partial-has-data",
        "The bytes before EOF are lost.",
        (READEXACTLY, argument("IncompleteReadError", 0, "b''")),
    ),
    spoil(
        "readexactly-partial-cut",
        "reader.readexactly.partial-has-data",
        "The last byte before EOF is lost.",
        (READEXACTLY, argument("IncompleteReadError", 0, "it[:-1]")),
    ),
    spoil(
        "readexactly-expects-otherwise",
        "reader.readexactly.expected-is-n",
        "The error tells another number than was asked for.",
        (READEXACTLY, argument("IncompleteReadError", 1, "it - 1")),
    ),
    spoil(
        "readexactly-takes-negative",
        "reader.readexactly.negative-rejected",
        "A negative number takes bytes off the buffer's end.",
        (READEXACTLY, drop(raising("ValueError"))),
    ),
    # --- readuntil ---
    spoil(
        "readuntil-drops-separator",
        "reader.readuntil.includes-separator",
        "The separator is missing from what is returned.",
        (READUNTIL, result("it[:-size]")),
        (READUNTIL, first("size = len(separator)")),
    ),
    spoil(
        "readuntil-ends-at-crlf",
        "reader.readuntil.default-newline",
        "Records that end in a newline alone run together.",
        (READUNTIL, default("separator", "b'\\r\\n'")),
    ),
    spoil(
        "readuntil-leaves-the-record",
        "reader.readuntil.consumes-record",
        "A record comes again, less its first byte.",
        (READUNTIL, result(AGAIN.format("it", "it[1:]"))),
    ),
    spoil(
        "readuntil-misses-split-separator",
        "reader.readuntil.split-separator",
        "A separator that comes in two pieces is not found.",
        (READUNTIL, value_of("offset", "it and len(self._buffer)")),
    ),
    spoil(
        "readuntil-scans-one-byte-late",
        "reader.readuntil.split-separator",
        "A separator of which all but one byte had come is not found.",
        (READUNTIL, value_of("offset", "it and it + 1")),
    ),
    spoil(
        "readuntil-forgets-the-limit",
        "reader.readuntil.overrun-raises",
        "A peer that never ends its record fills the memory.",
        (READUNTIL, swap(comparing("_limit"), "False")),
    ),
    spoil(
        "readuntil-forgets-the-limit-in-a-wait",
        "reader.readuntil.overrun-raises-without-separator",
        "A record without end is noticed only once it ends.",
        (READUNTIL, swap(comparing("offset", ast.Gt), "False")),
    ),
    spoil(
        "readuntil-limit-one-less",
        "reader.readuntil.limit-length-fits",
        "A record of just the limit's length raises.",
        (READUNTIL, recompare(comparing("_limit"), ast.GtE)),
    ),
    spoil(
        "readuntil-limit-one-more",
        "reader.readuntil.overrun-raises",
        "A record one byte longer than the limit is returned.",
        (READUNTIL, swap(named("_limit"), "it + 1")),
    ),
    spoil(
        "readuntil-overrun-clears",
        "reader.readuntil.overrun-keeps-data",
        "The data is gone after LimitOverrunError.",
        (READUNTIL, before(raising("LimitOverrunError"), "self._buffer.clear()")),
    ),
    spoil(
        "readuntil-overrun-consumes-all",
        "reader.readuntil.overrun-consumed",
        "Skipping `consumed` bytes skips the separator too.",
        (READUNTIL, argument("LimitOverrunError", 1, "len(self._buffer)")),
    ),
    spoil(
        "readuntil-returns-at-eof",
        "reader.readuntil.eof-raises",
        "Half a record is taken for a whole one.",
        (READUNTIL, instead(when("_eof"), "if self._eof:\n    return await self.read()")),
    ),
    spoil(
        "readuntil-looks-at-eof-first",
        "reader.readuntil.includes-separator",
        "A whole record that came with EOF raises.",
        (
            READUNTIL,
            first(
                "if self._eof:\n    raise exceptions.IncompleteReadError(await self.read(), None)"
            ),
        ),
    ),
    spoil(
        "readuntil-partial-empty",
        "reader.readuntil.eof-partial-has-data",
        "The bytes before EOF are lost.",
        (READUNTIL, argument("IncompleteReadError", 0, "b''")),
    ),
    spoil(
        "readuntil-keeps-the-partial",
        "reader.readuntil.eof-resets-buffer",
        "The bytes in the error can be read once more.",
        (READUNTIL, before(raising("IncompleteReadError"), "self._buffer[:0] = chunk")),
    ),
    spoil(
        "readuntil-takes-empty-separator",
        "reader.readuntil.empty-separator-rejected",
        "An empty separator returns nothing, for ever.",
        (READUNTIL, drop(raising("ValueError"))),
    ),
)
