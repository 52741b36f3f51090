"""Telling a history as a script in plain asyncio that ends with an error where it departs.

Whoever reads a failure can paste the script and see the fault without the suite. A reader is fed
by hand; a writer stands on a stream pair of the fakes, whose peer takes bytes by hand.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from streamgauge.conformance.histories.events import History, ReaderEvent, WriterEvent
from streamgauge.conformance.histories.reader_model import DepartureError, Read
from streamgauge.conformance.subjects import BUILTIN

__all__ = ["told"]

HEAD = """import asyncio
{imports}
def outcome(call):
    if not call.done():
        return "waits"
    if call.cancelled():
        return "CancelledError"
    error = call.exception()
    if error is None:
        data = call.result()
        return f"returned {{(data if type(data) is bytes else type(data))!r}}"
    partial = f" {{error.partial!r}}" if hasattr(error, "partial") else ""
    return type(error).__name__ + partial

async def call_of(call):
    return await call

async def idle():
    for _ in range(20):
        await asyncio.sleep(0)
"""
TAKING = """
DATA = bytes(range(251)) * 100_000

async def take(peer, size):
    taken = b""
    for _ in range(1000):
        taken += peer.recv(size - len(taken)) or b"" if size > len(taken) else b""
        await asyncio.sleep(0)
    return taken
"""
READER_LINES = {
    "eof": "reader.feed_eof()",
    "error": 'reader.set_exception(type("HistoryError", (Exception,), {})())',
    "cancel": "call.cancel()",
}
WRITER_LINES = {
    "drain": "call = asyncio.ensure_future(call_of(writer.drain()))",
    "cancel": "call.cancel()",
    "write_eof": "writer.write_eof()",
    "reset": "peer.reset()",
}


def told(history: History, subject: str, error: DepartureError) -> str:
    """Write a script.

    Args:
        history: what happens.
        subject: name of the subject, as on the command line.
        error: what came of it.
    """
    imports, name = _imported(subject)
    events = history.events[: error.at]
    if any(isinstance(event, WriterEvent) for event in events):
        imports += "from streamgauge.fakes import memory_stream_pair\n"
        head, lines = HEAD + TAKING, _writer_lines(events, name, history, error)
    else:
        head, lines = HEAD, _reader_lines(events, name, history, error)
    body = "\n".join(f"    {line}" for line in lines)
    return f"{head.format(imports=imports)}\nasync def main():\n{body}\n\nasyncio.run(main())\n"


def _imported(subject: str) -> Tuple[str, str]:
    target = BUILTIN.get(subject, (subject, ""))[0]
    module, _, attribute = target.partition(":")
    if target == "asyncio":
        return "", "asyncio"
    if attribute:
        first, _, rest = attribute.partition(".")
        return f"from {module} import {first} as subject\n", f"subject.{rest}".rstrip(".")
    return f"import {module} as subject\n", "subject"


def _reader_lines(
    events: Sequence[Any], name: str, history: History, error: DepartureError
) -> List[str]:
    lines = [f"reader = {name}.StreamReader(limit={history.limit})"]
    happened = [*events]
    if error.at > len(history.events):  # it showed only when the rest was read
        ended = any(event.name in ("eof", "error") for event in events)
        happened += [] if ended else [ReaderEvent("eof")]
        happened.append(ReaderEvent("begin", Read("read", 100)))
    closed = busy = False
    for event in happened:
        if event.name == "begin" and busy:
            lines += ["await idle()", "print(outcome(call))"]
        if event.name in ("feed", "eof", "error") and closed:
            continue
        busy = busy or event.name == "begin"
        closed = closed or event.name in ("eof", "error")
        lines += _told(event) if event.name != "cancel" or busy else []
    shown = "outcome(call)" if error.of == "call" else f"str({error.of})"
    if lines[-1] != "await idle()":
        lines.append("await idle()")
    return [*lines, f"assert {shown} in {error.allowed}, {shown}"]


def _told(event: ReaderEvent) -> List[str]:
    wait = ["await idle()"] if event.settled else []
    if event.name == "feed":
        return [f"reader.feed_data({event.value!r})", *wait]
    if event.name == "begin":
        argument = "" if event.value.argument is None else repr(event.value.argument)
        call = f"call_of(reader.{event.value.method}({argument}))"
        return [f"call = asyncio.ensure_future({call})", *wait]
    return [READER_LINES[event.name], *wait] if event.name in READER_LINES else ["await idle()"]


def _writer_lines(
    events: Sequence[Any], name: str, _history: History, error: DepartureError
) -> List[str]:
    lines = ["writer, peer = client.writer, server.wire"]
    lines.append("server.transport.pause_reading()  # the peer takes by hand")
    written = taken = 0
    ended = begun = False
    for event in events:
        if event.name == "take":
            size = min(event.value, written - taken)
            piece = f"DATA[{taken}:{taken + size}]"
            lines.append(f"assert await take(peer, {size}) == {piece}, 'other bytes'")
            taken += size
        elif event.name in ("write", "writelines") and not ended:
            sizes = event.value if event.name == "writelines" else (event.value,)
            ends = [written + sum(sizes[: i + 1]) for i in range(len(sizes))]
            pieces = ", ".join(f"DATA[{end - s}:{end}]" for end, s in zip(ends, sizes))
            given = f"[{pieces}]" if event.name == "writelines" else pieces
            lines.append(f"writer.{event.name}({given})")
            written += sum(sizes)
        elif event.name in WRITER_LINES and (event.name != "cancel" or begun):
            lines.append(WRITER_LINES[event.name])
            ended, begun = ended or event.name == "write_eof", begun or event.name == "drain"
        lines.append("await idle()")
    lines += _verdict(error, written, taken, ended=ended)
    opening = f"pair = memory_stream_pair(streams={name}, window=128 * 1024, ignore_leaks='all')"
    return [opening, "async with pair as (client, server):", *(f"    {line}" for line in lines)]


def _verdict(error: DepartureError, written: int, taken: int, *, ended: bool) -> List[str]:
    if error.of == "drain":
        words = "('waits', 'returned', 'CancelledError')"
        return [
            "how = outcome(call).split()[0]",
            f"assert (how if how in {words} else 'raised') == {error.allowed[0]!r}, how",
        ]
    size = written - taken
    finish = [] if ended else ["writer.write_eof()"]
    return [
        *finish,
        f"assert await take(peer, {size + 1}) == DATA[{taken}:{written}], 'other bytes'",
    ]
