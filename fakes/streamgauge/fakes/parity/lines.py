"""Cases about `writelines` (lines 4 to 7): pieces, empty ones too, and what is left of them."""

from __future__ import annotations

import contextlib
from typing import Any, List

from .cases import PLAIN, case
from .seen import Pair, tried
from .writing import FLOOD


@case(4)
async def writelines_is_one_write(pair: Pair) -> Any:
    """`writelines` takes any iterable of bytes-like objects; text is refused."""
    tap = pair.server.tap()
    said = [
        tried(pair.client.transport.writelines, [b"a", bytearray(b"b"), memoryview(b"c")]),
        tried(pair.client.transport.writelines, iter([b"d"])),
        tried(pair.client.transport.writelines, []),
        tried(pair.client.transport.writelines, ["text"]),
    ]
    await pair.settle()
    return said, tap.data


@case(4)
async def writelines_after_close(pair: Pair) -> Any:
    """`writelines` after `close` is dropped and counted like a write; an empty write is not."""
    transport = pair.client.transport
    transport.close()
    said = [tried(transport.write, b"") for _ in range(10)]
    before = list(pair.logged)
    said += [tried(transport.writelines, [b"a", b"b"]) for _ in range(7)]
    await pair.settle()
    return said, before, pair.logged


@case(7, PLAIN)
async def a_flood_by_writelines(pair: Pair) -> Any:
    """Whether `writelines` past the high-water mark pauses, in this version of Python."""
    tap, other = pair.client.tap(), pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.writelines([FLOOD, FLOOD])
    await pair.settle()
    before = tap.events, pair.client.transport.get_write_buffer_size() > 0
    pair.client.transport.write(b"y")
    pair.server.transport.resume_reading()
    await pair.settle()
    return before, tap.log, len(other.data)


@case(4, PLAIN)
async def writelines_of_nothing(pair: Pair) -> Any:
    """`writelines` of an empty list does nothing; of an empty iterator, what this Python does."""
    tap = pair.server.tap()
    nothings: List[Any] = [[], (), iter([])]
    said = [tried(pair.client.transport.writelines, nothing) for nothing in nothings]
    await pair.settle()
    return said, tap.data


@case(4, PLAIN)
async def writelines_of_wide_items(pair: Pair) -> Any:
    """What comes of `writelines` with a memoryview of items wider than a byte, in this Python."""
    tap, own, transport = pair.server.tap(), pair.client.tap(), pair.client.transport
    wide = memoryview(b"abcdefgh").cast("I")
    said = [tried(transport.writelines, [b"x", wide, b"y"])]
    await pair.settle()
    said.append(tried(transport.write, b"z"))
    await pair.settle()
    return said, transport.is_closing(), tap.log, own.log


@case(4, PLAIN)
async def writelines_of_a_view_in_parts(pair: Pair) -> Any:
    """What comes of `writelines` with a memoryview that skips items, in this Python."""
    tap, own, transport = pair.server.tap(), pair.client.tap(), pair.client.transport
    said = [tried(transport.writelines, [memoryview(b"abcdef")[::2]])]
    await pair.settle()
    return said, transport.is_closing(), tap.log, own.log


@case(4, PLAIN)
async def an_empty_piece_at_the_end(pair: Pair) -> Any:
    """Whether EOF comes behind `writelines` that ends in an empty piece, in this Python."""
    tap, transport = pair.server.tap(), pair.client.transport
    said = [tried(transport.writelines, pieces) for pieces in ([b"a", b""], [b"", b"b"], [b""])]
    await pair.settle()
    before = tap.data, transport.get_write_buffer_size()
    said += [tried(transport.write_eof), tried(transport.write, b"c")]
    await pair.settle()
    return said, before, tap.log


@case(5, PLAIN)
async def a_close_behind_an_empty_piece(pair: Pair) -> Any:
    """Whether `close` ends the connection behind an empty piece, and what `abort` does then."""
    tap, own = pair.server.tap(), pair.client.tap()
    pair.client.transport.writelines([b""])
    pair.client.transport.close()
    await pair.settle()
    before = own.events, tap.events
    with contextlib.suppress(AttributeError):  # where it is closed by now, asyncio trips
        pair.client.transport.abort()
    await pair.settle()
    return before, own.log, tap.log


@case(4, PLAIN)
async def an_empty_piece_goes_with_what_follows(pair: Pair) -> Any:
    """Anything that is written behind an empty piece takes it along, and then EOF comes."""
    tap, size = pair.server.tap(), pair.client.transport.get_write_buffer_size
    pair.client.transport.writelines([b""])
    await pair.settle()
    pair.client.transport.write(b"x")
    sizes = [size()]
    await pair.settle()
    sizes.append(size())
    for pieces in ([b""], [b"y"]):
        pair.client.transport.writelines(pieces)
        sizes.append(size())
    pair.client.transport.write_eof()
    await pair.settle()
    return sizes, tap.log


@case(6, PLAIN)
async def a_peer_that_goes_behind_an_empty_piece(pair: Pair) -> Any:
    """What a side with nothing but an empty piece to send is told when its peer goes."""
    pair.server.tap()
    tap = pair.client.tap()
    pair.client.transport.writelines([b""])
    await pair.settle()
    pair.server.transport.abort()
    await pair.settle()
    return tap.log, pair.client.transport.is_closing()


@case(6, PLAIN)
async def a_reset_behind_an_empty_piece(pair: Pair) -> Any:
    """What a side that doesn't read, with an empty piece to send, is told of a reset."""
    tap = pair.client.tap()
    pair.client.transport.pause_reading()
    pair.client.transport.writelines([b""])
    pair.server.transport.pause_reading()
    pair.client.transport.write(b"unread")
    await pair.settle()
    pair.client.transport.writelines([b""])
    pair.server.transport.abort()
    await pair.settle()
    return tap.log, pair.client.transport.is_closing()


@case(7, PLAIN)
async def a_great_many_pieces(pair: Pair) -> Any:
    """How much of more pieces than one system call takes is sent at once, and that all is."""
    tap = pair.server.tap()
    pair.client.transport.writelines([b"x"] * 3000)
    size = pair.client.transport.get_write_buffer_size()
    pair.client.transport.write_eof()
    await pair.settle()
    return size, tap.log


@case(7, PLAIN)
async def pieces_behind_a_backlog(pair: Pair) -> Any:
    """Pieces that are written while there is a backlog go behind it, in their order."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    pair.client.transport.write(FLOOD)
    pair.client.transport.writelines([b"a", b"", bytearray(b"b")])
    pair.client.transport.write_eof()
    pair.server.transport.resume_reading()
    await pair.settle()
    return len(tap.data), tap.data[-3:], tap.told


@case(4, PLAIN)
async def unsent_pieces_that_are_changed(pair: Pair) -> Any:
    """Whether a bytearray of which a part has to wait can be changed after `writelines`."""
    tap = pair.server.tap()
    pair.server.transport.pause_reading()
    data = bytearray(FLOOD)
    pair.client.transport.writelines([data, b"end"])
    data[-1:] = b"y"
    pair.server.transport.resume_reading()
    await pair.settle()
    return len(tap.data), tap.data[-4:]


@case(4, PLAIN)
async def writelines_after_abort(pair: Pair) -> Any:
    """`writelines` after `abort` is dropped, in the way of this version of Python."""
    transport = pair.client.transport
    transport.abort()
    said = [tried(transport.writelines, [b"ab", b""]), transport.get_write_buffer_size()]
    said += [tried(transport.writelines, [])]
    await pair.settle()
    return said, pair.logged


@case(4, PLAIN)
async def writelines_after_the_end(pair: Pair) -> Any:
    """`writelines` on a lost connection is dropped or refused, in the way of this Python."""
    transport = pair.client.transport
    transport.abort()
    await pair.settle()
    said = [tried(transport.writelines, [b"ab"]) for _ in range(7)]
    return said, pair.logged
