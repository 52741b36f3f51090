"""Spoils of `StreamWriter`: data, as told by `spoil`. Each breaks one thing for whoever writes."""

from __future__ import annotations

from typing import Tuple

from .anatomy import calling, raising
from .spoil import Spoil, spoil
from .surgery import argument, body, drop, first, instead, result

__all__ = ["WRITER"]

WRITE = "StreamWriter.write"
WRITELINES = "StreamWriter.writelines"
DRAIN = "StreamWriter.drain"
CLOSE = "StreamWriter.close"
WAIT_CLOSED = "StreamWriter.wait_closed"
EXTRA = "StreamWriter.get_extra_info"

WRITER: Tuple[Spoil, ...] = (
    # --- write ---
    spoil(
        "write-sends-twice",
        "writer.write.order-kept",
        "Everything is sent twice.",
        (WRITE, argument("write", 0, "bytes(it) * 2")),
    ),
    spoil(
        "write-cuts-large-data",
        "writer.write.queued-when-blocked",
        "Of a large write only the first 64 KiB are sent.",
        (WRITE, argument("write", 0, "it[:65536]")),
    ),
    spoil(
        "write-loses-last-byte",
        "writer.write.immediate",
        "Every write lacks its last byte.",
        (WRITE, argument("write", 0, "it[:-1]")),
    ),
    spoil(
        "write-waits-a-turn",
        "writer.write.immediate",
        "Nothing is sent before the loop runs again.",
        (WRITE, body("self._loop.call_soon(self._transport.write, data)")),
    ),
    spoil(
        "write-takes-bytes-only",
        "writer.write.accepts-bytes-like",
        "A bytearray is refused.",
        (WRITE, first("if not isinstance(data, bytes):\n    raise TypeError('expected bytes')")),
    ),
    spoil(
        "write-takes-str",
        "writer.write.str-rejected",
        "A str is sent in an encoding nobody chose.",
        (WRITE, argument("write", 0, "it.encode() if isinstance(it, str) else it")),
    ),
    spoil(
        "write-silent-after-peer-eof",
        "writer.write.after-peer-eof",
        "An answer to a peer that has ended its sending is thrown away.",
        (WRITE, first("if self._reader.at_eof():\n    return")),
    ),
    # --- writelines ---
    spoil(
        "writelines-sends-the-first",
        "writer.writelines.list",
        "Only the first item is sent.",
        (WRITELINES, argument("writelines", 0, "list(it)[:1]")),
    ),
    spoil(
        "writelines-adds-newlines",
        "writer.writelines.list",
        "Newlines stand between the items.",
        (WRITELINES, argument("writelines", 0, "[b'\\n'.join(it)]")),
    ),
    spoil(
        "writelines-backwards",
        "writer.writelines.list",
        "The items are sent in reverse order.",
        (WRITELINES, argument("writelines", 0, "list(it)[::-1]")),
    ),
    spoil(
        "writelines-takes-lists-only",
        "writer.writelines.any-iterable",
        "A generator is refused.",
        (
            WRITELINES,
            first("if not isinstance(data, (list, tuple)):\n    raise TypeError('a list')"),
        ),
    ),
    spoil(
        "writelines-looks-twice",
        "writer.writelines.any-iterable",
        "The first item of a generator is lost.",
        (WRITELINES, first("next(iter(data), None)")),
    ),
    spoil(
        "writelines-fails-on-nothing",
        "writer.writelines.empty-iterable",
        "An empty list raises.",
        (WRITELINES, first("data = list(data)\ndata[0]")),
    ),
    spoil(
        "writelines-takes-str",
        "writer.writelines.str-item-rejected",
        "A str is sent in an encoding nobody chose.",
        (
            WRITELINES,
            argument("writelines", 0, "[i.encode() if isinstance(i, str) else i for i in it]"),
        ),
    ),
    spoil(
        "writelines-waits-a-turn",
        "writer.writelines.immediate",
        "Nothing is sent before the loop runs again.",
        (WRITELINES, body("self._loop.call_soon(self._transport.writelines, list(data))")),
    ),
    spoil(
        "writelines-sends-what-fits",
        "writer.writelines.queued-when-blocked",
        "What the socket does not take at once is lost.",
        (
            WRITELINES,
            first("if self._transport.get_write_buffer_size():\n    return"),
        ),
    ),
    # --- drain ---
    spoil(
        "drain-does-nothing",
        "writer.drain.blocks-above-high-water",
        "A peer that does not read fills the memory.",
        (DRAIN, body("return None")),
    ),
    spoil(
        "drain-yields-only",
        "writer.drain.blocks-above-high-water",
        "A peer that does not read fills the memory, a little slower.",
        (DRAIN, body("await sleep(0)")),
    ),
    spoil(
        "drain-never-returns",
        "writer.drain.returns-when-nothing-to-wait-for",
        "The first drain is the last.",
        (DRAIN, body("await self._loop.create_future()")),
    ),
    spoil(
        "drain-waits-below-high-water",
        "writer.drain.returns-when-nothing-to-wait-for",
        "drain waits as soon as anything is buffered.",
        (
            DRAIN,
            first(
                "if self._transport.get_write_buffer_size():\n    await self._loop.create_future()"
            ),
        ),
    ),
    spoil(
        "drain-hides-a-lost-connection",
        "writer.drain.lost-connection-raises",
        "A program goes on writing to a peer that is gone.",
        (DRAIN, drop(raising("exc"))),
        (
            DRAIN,
            instead(
                calling("_drain_helper"),
                "try:\n    await self._protocol._drain_helper()\nexcept ConnectionError:\n    pass",
            ),
        ),
    ),
    spoil(
        "drain-never-lets-the-loop-run",
        "writer.drain.lost-connection-raises",
        "A loop of write and drain never notices that the peer is gone.",
        (DRAIN, drop(calling("sleep"))),
    ),
    spoil(
        "drain-cancelled-aborts",
        "writer.drain.cancel-loses-nothing",
        "A timeout around drain breaks the connection.",
        (
            DRAIN,
            instead(
                calling("_drain_helper"),
                "try:\n"
                "    await self._protocol._drain_helper()\n"
                "except BaseException:\n"
                "    self._transport.abort()\n"
                "    raise",
            ),
        ),
    ),
    # --- close, is_closing, wait_closed ---
    spoil(
        "close-does-nothing",
        "writer.close.closes-connection",
        "Connections are never closed.",
        (CLOSE, body("pass")),
    ),
    spoil(
        "close-aborts",
        "writer.close.flushes-buffer",
        "The end of a long answer is lost.",
        (CLOSE, body("self._transport.abort()")),
    ),
    spoil(
        "close-half-closes",
        "writer.close.closes-socket",
        "Descriptors leak.",
        (CLOSE, body("self._transport.write_eof()")),
    ),
    spoil(
        "close-twice-raises",
        "writer.close.twice",
        "Closing in a `finally` hides the error that led there.",
        (CLOSE, first("if self._transport.is_closing():\n    raise RuntimeError('closed')")),
    ),
    spoil(
        "close-waits-a-turn",
        "writer.is_closing.true-while-closing",
        "A writer that was closed is taken for an open one.",
        (CLOSE, body("self._loop.call_soon(self._transport.close)")),
    ),
    spoil(
        "is-closing-never",
        "writer.is_closing.true-after-close",
        "A writer that was closed is taken for an open one.",
        ("StreamWriter.is_closing", result("False")),
    ),
    spoil(
        "is-closing-always",
        "writer.is_closing.false-while-open",
        "An open writer is taken for a closed one.",
        ("StreamWriter.is_closing", result("True")),
    ),
    spoil(
        "wait-closed-returns-at-once",
        "writer.wait_closed.waits-for-flush",
        "A program ends while its last bytes are still to be sent.",
        (WAIT_CLOSED, body("pass")),
    ),
    spoil(
        "wait-closed-never-returns",
        "writer.wait_closed.returns-after-close",
        "A program never ends.",
        (WAIT_CLOSED, body("await self._loop.create_future()")),
    ),
    spoil(
        "wait-closed-closes",
        "writer.wait_closed.waits-while-open",
        "Who waits for the end brings it about.",
        (WAIT_CLOSED, first("self.close()")),
    ),
    spoil(
        "wait-closed-works-once",
        "writer.wait_closed.again-returns-at-once",
        "The second wait_closed never returns.",
        (
            WAIT_CLOSED,
            first(
                "if hasattr(self, 'waited'):\n"
                "    await self._loop.create_future()\n"
                "self.waited = True"
            ),
        ),
    ),
    # --- write_eof ---
    spoil(
        "write-eof-does-nothing",
        "writer.write_eof.closes-write-end",
        "The peer waits for an end that never comes.",
        ("StreamWriter.write_eof", body("pass")),
    ),
    spoil(
        "write-eof-closes",
        "writer.write_eof.reading-goes-on",
        "The answer cannot be read.",
        ("StreamWriter.write_eof", body("self._transport.close()")),
    ),
    spoil(
        "write-eof-loses-the-buffer",
        "writer.write_eof.flushes-first",
        "What was buffered before EOF is lost.",
        (
            "StreamWriter.write_eof",
            body("self._transport.get_extra_info('socket').shutdown(1)"),
        ),
    ),
    spoil(
        "can-write-eof-never",
        "writer.can_write_eof.true-where-supported",
        "Programs that ask never half-close.",
        ("StreamWriter.can_write_eof", result("False")),
    ),
    spoil(
        "can-write-eof-always",
        "writer.can_write_eof.false-on-tls",
        "Programs that ask fail under TLS.",
        ("StreamWriter.can_write_eof", result("True")),
    ),
    # --- transport, get_extra_info ---
    spoil(
        "transport-is-none",
        "writer.transport.underlying-transport",
        "The transport cannot be reached.",
        ("StreamWriter.transport", result("None")),
    ),
    spoil(
        "extra-info-ignores-default",
        "writer.get_extra_info.default-returned",
        "An unknown name gives None whatever the default.",
        (EXTRA, argument("get_extra_info", 1, "None")),
    ),
    spoil(
        "extra-info-is-the-default",
        "writer.get_extra_info.peername",
        "The peer's address is never known.",
        (EXTRA, result("default")),
    ),
    spoil(
        "extra-info-mixes-the-ends",
        "writer.get_extra_info.sockname",
        "The own address is the peer's.",
        (EXTRA, argument("get_extra_info", 0, "'peername' if it == 'sockname' else it")),
    ),
    spoil(
        "extra-info-raises",
        "writer.get_extra_info.unknown-is-none",
        "An unknown name raises KeyError.",
        (EXTRA, result("self._transport._extra[name]")),
    ),
    spoil(
        "extra-info-hides-tls",
        "writer.get_extra_info.tls-details",
        "Whether a connection is encrypted cannot be seen.",
        (EXTRA, first("if name == 'cipher':\n    return default")),
    ),
)
