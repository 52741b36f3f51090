"""Cases about readers and writers on a pair: the documented behaviour of streams (line 0)."""

from __future__ import annotations

import asyncio
from typing import Any

from .cases import PLAIN, TCP, case
from .seen import Pair, raised, tried

FLOOD = b"x" * (8 * 1024 * 1024)
#: Where asyncio's protocol has room for one drain, a second trips over an assertion (gh-74116).
MANY_DRAINS = "_drain_waiters" in asyncio.streams.FlowControlMixin.__init__.__code__.co_names
DRAINS = 3 if MANY_DRAINS else 1


@case(0)
async def bytes_go_both_ways(pair: Pair) -> Any:
    """What one side writes the other reads, both ways at once."""
    for side, data in zip(pair.sides, (b"ping\n", b"pong\n")):
        side.writer.write(data)
    drained = [await pair.outcome(side.writer.drain()) for side in pair.sides]
    return drained, [await pair.outcome(side.reader.readline()) for side in pair.sides]


@case(0)
async def a_read_waits(pair: Pair) -> Any:
    """A read with nothing to be had waits until a byte comes."""
    task = asyncio.ensure_future(pair.server.reader.read(100))
    before = await pair.peek(task)
    pair.client.writer.write(b"x")
    return before, await pair.peek(task)


@case(0)
async def every_way_to_read(pair: Pair) -> Any:
    """`read(n)`, `readexactly`, `readuntil`, `readline` and `read()` take what is theirs."""
    reader = pair.server.reader
    pair.client.writer.write(b"abcdefgh;line\nthe rest")
    await pair.settle()
    seen = [
        await pair.outcome(reader.read(3)),
        await pair.outcome(reader.readexactly(2)),
        await pair.outcome(reader.readuntil(b";")),
        await pair.outcome(reader.readline()),
        reader.at_eof(),
    ]
    pair.client.writer.close()
    seen.append(await pair.outcome(reader.read()))
    return seen, reader.at_eof(), await pair.outcome(reader.read(5))


@case(0)
async def what_eof_cuts_short(pair: Pair) -> Any:
    """EOF in the middle of what is asked for is an IncompleteReadError with the part."""
    pair.client.writer.write(b"half")
    pair.client.writer.close()
    await pair.settle()
    try:
        await asyncio.wait_for(pair.server.reader.readexactly(10), 5)
    except Exception as exc:
        return raised(exc), getattr(exc, "partial", None), pair.server.reader.at_eof()
    return "no error"


@case(0)
async def reading_by_lines(pair: Pair) -> Any:
    """`async for` gives lines until EOF, the last one without its newline."""
    pair.client.writer.writelines([b"one\n", b"two\n", b"thr"])
    pair.client.writer.close()

    async def lines() -> Any:
        return [line async for line in pair.server.reader]

    return await pair.outcome(lines())


@case(0, PLAIN)
async def half_close(pair: Pair) -> Any:
    """After `write_eof` the other side reads EOF and can still answer."""
    pair.client.writer.write(b"question")
    pair.client.writer.write_eof()
    question = await pair.outcome(pair.server.reader.read())
    pair.server.writer.write(b"answer")
    pair.server.writer.close()
    answer = await pair.outcome(pair.client.reader.read())
    return pair.client.writer.can_write_eof(), question, answer


@case(0)
async def drain_waits_for_the_reader(pair: Pair) -> Any:
    """`drain` waits while the peer doesn't read, and ends when it has."""
    pair.client.writer.write(FLOOD)
    drain = asyncio.ensure_future(pair.client.writer.drain())
    before = await pair.peek(drain)
    got = await pair.outcome(pair.server.reader.readexactly(len(FLOOD)))
    return before, got == FLOOD, await pair.peek(drain)


@case(0)
async def closing_a_writer(pair: Pair) -> Any:
    """`close`, `is_closing` and `wait_closed`, and what the other side reads."""
    writer = pair.client.writer
    states = [writer.is_closing()]
    writer.write(b"bye")
    writer.close()
    states.append(writer.is_closing())
    read = await pair.outcome(pair.server.reader.read())
    pair.server.writer.close()
    waited = [await pair.outcome(side.writer.wait_closed()) for side in pair.sides]
    return states, read, waited


@case(0)
async def wait_closed_waits(pair: Pair) -> Any:
    """`wait_closed` waits while there is something to be sent to a peer that doesn't read."""
    pair.client.writer.write(FLOOD)
    pair.client.writer.close()
    waiting = asyncio.ensure_future(pair.client.writer.wait_closed())
    before = await pair.peek(waiting)
    got = await pair.outcome(pair.server.reader.readexactly(len(FLOOD)))
    pair.server.writer.close()
    return before, got == FLOOD, await pair.peek(waiting)


@case(0, TCP)
async def a_reset_reaches_the_reader(pair: Pair) -> Any:
    """A reader whose peer resets gets a ConnectionResetError, again and again."""
    pair.client.transport.pause_reading()
    pair.server.writer.write(b"never read")
    await pair.settle()
    pair.client.transport.abort()
    reads = [await pair.outcome(pair.server.reader.read(10)) for _ in range(2)]
    drained = await pair.outcome(pair.server.writer.drain())
    return reads, drained, await pair.outcome(pair.server.writer.wait_closed())


@case(0)
async def text_is_no_bytes(pair: Pair) -> Any:
    """`StreamWriter.write` refuses text."""
    return tried(pair.client.writer.write, "text"), tried(pair.client.writer.writelines, ["text"])


@case(0)
async def two_reads_at_once(pair: Pair) -> Any:
    """A second read while one is waiting is a RuntimeError."""
    first = asyncio.ensure_future(pair.server.reader.read(1))
    await pair.settle()
    second = await pair.outcome(pair.server.reader.read(1))
    first.cancel()
    return second


@case(0, TCP)
async def a_reader_at_its_limit_holds_the_writer(pair: Pair) -> Any:
    """A reader that nobody reads takes in twice its limit and a delivery at most."""
    pair.client.writer.write(FLOOD)
    await pair.settle()
    return pair.server.transport.is_reading()


@case(1)
async def a_read_beyond_the_limit(pair: Pair) -> Any:
    """`readexactly` of far more than the limit pauses and resumes the transport and ends."""
    pair.client.writer.write(FLOOD)
    read = asyncio.ensure_future(pair.server.reader.readexactly(len(FLOOD)))
    await pair.settle()
    return await pair.peek(read) == FLOOD


@case(0)
async def a_line_beyond_the_limit(pair: Pair) -> Any:
    """`readline` past the limit is a ValueError, and the stream can be read on."""
    pair.client.writer.write(b"x" * 200_000 + b"\n")
    await pair.settle()
    first = await pair.outcome(pair.server.reader.readline())
    pair.client.writer.write(b"short\n")
    for _ in range(10):  # what is left of the long line depends on how it came
        if await pair.outcome(pair.server.reader.readline()) == b"short\n":
            return first, "read on"
    return first, "stuck"


@case(0)
async def a_separator_beyond_the_limit(pair: Pair) -> Any:
    """`readuntil` past the limit is a LimitOverrunError that leaves the data."""
    data = b"x" * 100_000 + b";"
    pair.client.writer.write(data)
    await pair.settle()
    first = await pair.outcome(pair.server.reader.readuntil(b";"))
    again = await pair.outcome(pair.server.reader.readexactly(len(data)))
    return first, again == data


@case(0)
async def writes_after_a_close(pair: Pair) -> Any:
    """A closed writer drops writes, and a `drain` says whether that is an error."""
    writer = pair.client.writer
    writer.close()
    said = tried(writer.write, b"late")
    drained = [await pair.outcome(writer.drain()) for _ in range(2)]
    again = [await pair.outcome(writer.wait_closed()) for _ in range(2)]
    return said, drained, again, await pair.outcome(pair.server.reader.read())


@case(0)
async def closing_twice(pair: Pair) -> Any:
    """A second `close` does nothing."""
    writer = pair.client.writer
    said = [tried(writer.close), tried(writer.close)]
    waited = await pair.outcome(writer.wait_closed())
    return said, waited, tried(writer.close), writer.is_closing()


@case(0)
async def eof_by_a_writer(pair: Pair) -> Any:
    """`can_write_eof` tells whether `write_eof` works, and after it a write is refused."""
    writer = pair.client.writer
    able = writer.can_write_eof()
    said = tried(writer.write_eof), tried(writer.write, b"x") if able else None
    return able, said, await pair.outcome(pair.server.reader.read(1))


@case(0, PLAIN)
async def drains_of_several(pair: Pair) -> Any:
    """Several drains wait at once, and all end when the peer has read."""
    pair.client.writer.write(FLOOD)
    drains = [asyncio.ensure_future(pair.client.writer.drain()) for _ in range(DRAINS)]
    before = [await pair.peek(drain) for drain in drains]
    await pair.outcome(pair.server.reader.readexactly(len(FLOOD)))
    return before, [await pair.peek(drain) for drain in drains]


@case(0)
async def a_drain_that_the_peer_ends(pair: Pair) -> Any:
    """A `drain` that waits ends with the connection's error when the peer goes."""
    pair.client.writer.write(FLOOD)
    drain = asyncio.ensure_future(pair.client.writer.drain())
    before = await pair.peek(drain)
    pair.server.transport.abort()
    await pair.settle()
    return before, await pair.peek(drain), pair.client.writer.is_closing()


@case(0)
async def a_read_of_a_side_that_closes(pair: Pair) -> Any:
    """A read that waits ends with EOF when its own side is closed."""
    read = asyncio.ensure_future(pair.client.reader.read(1))
    await pair.settle()
    pair.client.writer.close()
    return await pair.peek(read), pair.client.reader.at_eof()


@case(0)
async def information_of_a_writer(pair: Pair) -> Any:
    """`StreamWriter.get_extra_info` and `transport` are the transport's own."""
    writer = pair.client.writer
    keys = ("peername", "sockname", "socket")
    own = [writer.get_extra_info(key) == writer.transport.get_extra_info(key) for key in keys]
    return own, type(writer.get_extra_info("socket")).__name__ != "NoneType"


@case(0, TCP)
async def what_the_exception_of_a_reader_is(pair: Pair) -> Any:
    """`StreamReader.exception` is None until the connection is reset."""
    before = pair.server.reader.exception()
    pair.client.transport.pause_reading()
    pair.server.writer.write(b"never read")
    await pair.settle()
    pair.client.transport.abort()
    await pair.settle()
    return before, type(pair.server.reader.exception()).__name__
