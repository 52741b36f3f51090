"""Checks of `StreamReader.readuntil`."""

from __future__ import annotations

import asyncio
from asyncio import IncompleteReadError, LimitOverrunError

from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial

TURNS = range(5)  # of the loop: from before bytes arrive until after a waiting read has ended


@check("reader.readuntil.includes-separator")
async def gives_the_data_up_to_and_with_the_first_separator(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"some SEcSEPdef and more of itSEP")
    t.equal(await reader.readuntil(b"SEP"), b"some SEcSEP")


@check("reader.readuntil.includes-separator")
async def gives_a_record_whose_separator_is_the_last_thing_before_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcSEP")
    await t.deliver_eof()
    t.equal(await reader.readuntil(b"SEP"), b"abcSEP")


@check("reader.readuntil.default-newline")
async def looks_for_a_newline_unless_told_otherwise(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\r\ntwo\n")
    t.equal([await reader.readuntil(), await reader.readuntil()], [b"one\r\n", b"two\n"])


@check("reader.readuntil.consumes-record")
async def takes_each_record_off_the_buffer_and_no_more(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"aSEPbSEPSEPrest")
    records = [await reader.readuntil(b"SEP") for _ in range(3)]
    t.equal(records, [b"aSEP", b"bSEP", b"SEP"])
    t.equal(await reader.read(100), b"rest", "what follows the records")


@check("reader.readuntil.waits-for-separator")
async def waits_while_the_separator_is_missing(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcSE")
    reading = t.start(reader.readuntil(b"SEP"))
    await t.still_waits(reading, "readuntil()")
    await t.deliver(b"Px")
    t.equal(await t.is_done(reading, "readuntil()"), b"abcSEP")


@check("reader.readuntil.split-separator")
async def finds_a_separator_that_is_split_anywhere(t: Trial) -> None:
    reader = await t.reader()
    for record in (b"abSEP", b"xSESEP", b"SEEPSEP"):
        for cut in range(1, len(record)):
            reading = t.start(reader.readuntil(b"SEP"))
            await t.deliver(record[:cut])
            await t.deliver(record[cut:])
            t.equal(await reading, record, f"split after {cut} bytes")


@check("reader.readuntil.split-separator")
async def finds_a_separator_that_comes_byte_by_byte(t: Trial) -> None:
    reader = await t.reader()
    for separator, record in ((b"aab", b"caaaab"), (b"abac", b"ababac"), (b"\r\n", b"\r\r\n")):
        reading = t.start(reader.readuntil(separator))
        for at in range(len(record)):
            await t.deliver(record[at : at + 1])
        t.equal(await t.is_done(reading, f"readuntil({separator!r})"), record)


@check("reader.readuntil.split-separator")
async def finds_a_separator_that_lies_over_several_pieces(t: Trial) -> None:
    reader = await t.reader()
    for first in (1, 2):
        for begun in (True, False):
            reading = t.start(reader.readuntil(b"abcabd")) if begun else None
            await t.deliver(b"xabcabcabd"[:first])
            for at in range(first, 10, 2):
                await t.deliver(b"xabcabcabd"[at : at + 2])
            reading = reading or t.start(reader.readuntil(b"abcabd"))
            t.equal(await t.is_done(reading, "readuntil()"), b"xabcabcabd")


@check("reader.readuntil.limit-length-fits", needs=("limit",))
async def a_record_as_long_as_the_limit_is_returned(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678;abcdefgh;")
    records = [await reader.readuntil(b";"), await reader.readuntil(b";")]
    t.equal(records, [b"12345678;", b"abcdefgh;"])


@check("reader.readuntil.limit-length-fits", needs=("limit",))
async def a_record_as_long_as_the_limit_may_come_before_its_separator(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678")
    reading = t.start(reader.readuntil(b";"))
    await t.still_waits(reading, "readuntil() with as many bytes as the limit")
    await t.deliver(b";")
    t.equal(await reading, b"12345678;")


@check("reader.readuntil.overrun-raises", needs=("limit",))
async def a_complete_record_beyond_the_limit_raises(t: Trial) -> None:
    for record in (b"123456789;", b"a very long record indeed;next;"):
        reader = await t.reader(limit=8)
        await t.deliver(record)
        with t.raises(LimitOverrunError):
            await reader.readuntil(b";")


@check("reader.readuntil.overrun-raises", needs=("limit",))
async def a_complete_record_beyond_the_limit_raises_in_a_wait(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"1234567")
    reading = t.start(reader.readuntil(b";"))
    await t.still_waits(reading, "readuntil()")
    await t.deliver(b"89;")
    with t.raises(LimitOverrunError):
        await t.is_done(reading, "readuntil()")


@check("reader.readuntil.overrun-raises-without-separator", needs=("limit",))
async def raises_as_soon_as_more_than_the_limit_has_come(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678")
    reading = t.start(reader.readuntil(b";"))
    await t.still_waits(reading, "readuntil() with as many bytes as the limit")
    await t.deliver(b"9")
    with t.raises(LimitOverrunError):
        await t.is_done(reading, "readuntil() with more bytes than the limit")


@check("reader.readuntil.overrun-raises-without-separator", needs=("limit",))
async def raises_at_once_when_too_much_is_there_already(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"a very long record indeed")
    with t.raises(LimitOverrunError):
        await t.is_done(t.start(reader.readuntil(b"SEP")), "readuntil() beyond the limit")


@check("reader.readuntil.overrun-keeps-data", needs=("limit", "readexactly"))
async def overrun_leaves_the_data_to_be_read_again(t: Trial) -> None:
    reader = await t.reader(limit=3)
    await t.deliver(b"abcdSEPx")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"SEP")
    t.equal(await reader.readexactly(8), b"abcdSEPx")


@check("reader.readuntil.overrun-keeps-data", needs=("limit", "readexactly"))
async def overrun_without_separator_leaves_the_data_to_be_read_again(t: Trial) -> None:
    reader = await t.reader(limit=3)
    reading = t.start(reader.readuntil(b"SEP"))
    await t.deliver(b"abc")
    await t.deliver(b"defSE")
    with t.raises(LimitOverrunError):
        await t.is_done(reading, "readuntil() beyond the limit")
    t.equal(await reader.readexactly(8), b"abcdefSE")


@check("reader.readuntil.overrun-consumed", needs=("limit", "readexactly"))
async def consumed_leads_up_to_a_separator_that_is_there(t: Trial) -> None:
    reader = await t.reader(limit=4)
    await t.deliver(b"0123456789SEPnext")
    with t.raises(LimitOverrunError) as overrun:
        await reader.readuntil(b"SEP")
    consumed = overrun.value.consumed
    t.equal(type(consumed), int, "the type of consumed")
    t.true(0 < consumed <= 10, f"consumed to be 1 to 10, the bytes before SEP, not {consumed}:")
    skipped = await reader.readexactly(consumed)
    await t.deliver_eof()
    t.equal(skipped + await reader.read(), b"0123456789SEPnext", "skipped and left")


@check("reader.readuntil.overrun-consumed", needs=("limit", "readexactly"))
async def consumed_spares_the_beginning_of_a_separator(t: Trial) -> None:
    reader = await t.reader(limit=4)
    await t.deliver(b"0123456789SE")
    with t.raises(LimitOverrunError) as overrun:
        await t.is_done(t.start(reader.readuntil(b"SEP")), "readuntil() beyond the limit")
    consumed = overrun.value.consumed
    t.equal(type(consumed), int, "the type of consumed")
    t.true(0 < consumed <= 10, f"consumed to be 1 to 10, the bytes before SE, not {consumed}:")
    skipped = await reader.readexactly(consumed)
    await t.deliver(b"Pnext")
    await t.deliver_eof()
    t.equal(skipped + await reader.read(), b"0123456789SEPnext", "skipped and left")


@check("reader.readuntil.eof-raises")
async def eof_in_the_middle_of_a_separator_raises(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcSE")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reader.readuntil(b"SEP")


@check("reader.readuntil.eof-raises")
async def eof_raises_in_a_readuntil_that_waits(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.readuntil(b"SEP"))
    await t.still_waits(reading, "readuntil()")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reading


@check("reader.readuntil.eof-partial-has-data")
async def the_error_holds_what_came_before_eof(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    reading = t.start(reader.readuntil(b"SEP"))
    await t.deliver(b"defSE")
    await t.deliver_eof()
    with t.raises(IncompleteReadError) as short:
        await reading
    t.equal(short.value.partial, b"abcdefSE", "partial")


@check("reader.readuntil.eof-resets-buffer", needs=("at_eof", "read"))
async def nothing_is_left_behind_the_error(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcSE")
    await t.deliver_eof()
    with t.raises(IncompleteReadError):
        await reader.readuntil(b"SEP")
    t.equal(reader.at_eof(), True, "at_eof()")
    t.equal(await reader.read(), b"", "read()")


@check("reader.readuntil.empty-separator-rejected", needs=("readexactly",))
async def refuses_an_empty_separator_and_keeps_the_data(t: Trial) -> None:
    reader = await t.reader()
    with t.raises(ValueError):
        await t.is_done(t.start(reader.readuntil(b"")), "readuntil(b'') on an empty buffer")
    await t.deliver(b"abc")
    with t.raises(ValueError):
        await t.is_done(t.start(reader.readuntil(b"")), "readuntil(b'')")
    t.equal(await reader.readexactly(3), b"abc")


@check("reader.readuntil.cancel-keeps-data")
async def a_cancelled_readuntil_leaves_the_record_to_the_next(t: Trial) -> None:
    reader = await t.reader()
    for turns in TURNS:
        await t.deliver(b"recordSE")
        reading = t.start(reader.readuntil(b"SEP"))
        await t.still_waits(reading, "readuntil()")
        t.deliver_now(b"P")
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await t.idle()
        received = await (reader.readuntil(b"SEP") if reading.cancelled() else reading)
        t.equal(received, b"recordSEP", f"cancelled {turns} turns after its end was sent")


@check("reader.readuntil.separator-not-counted", needs=("limit",))
async def the_separator_comes_on_top_of_the_limit(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678SEP")
    t.equal(await reader.readuntil(b"SEP"), b"12345678SEP")


@check("reader.readuntil.separator-not-counted", needs=("limit",))
async def the_beginning_of_a_separator_comes_on_top_of_the_limit(t: Trial) -> None:
    reader = await t.reader(limit=8)
    await t.deliver(b"12345678SE")
    reading = t.start(reader.readuntil(b"SEP"))
    await t.still_waits(reading, "readuntil()")
    await t.deliver(b"P")
    t.equal(await reading, b"12345678SEP")


@check("reader.readuntil.eof-expected-none")
async def the_error_expects_no_certain_length(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    await t.deliver_eof()
    with t.raises(IncompleteReadError) as short:
        await reader.readuntil(b"SEP")
    t.equal(short.value.expected, None, "expected")


# --- several separators (edition 3.13) ---------------------------------------------------------


@check("reader.readuntil.tuple-any-separator")
async def a_record_ends_with_whichever_separator_comes(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"one\ntwo;three\nrest")
    records = [await reader.readuntil((b";", b"\n")) for _ in range(3)]
    t.equal(records, [b"one\n", b"two;", b"three\n"])
    t.equal(await reader.read(100), b"rest", "what follows the records")


@check("reader.readuntil.tuple-shortest-record")
async def the_record_is_the_shortest_in_whatever_order_they_are_given(t: Trial) -> None:
    reader = await t.reader()
    for separators in ((b"\r\n", b"\r"), (b"\r", b"\r\n")):
        await t.deliver(b"abc\r\nd")
        t.equal(await reader.readuntil(separators), b"abc\r")
        t.equal(await reader.readexactly(2), b"\nd", "what follows the record")
    for separators in ((b"cdef", b"d"), (b"d", b"cdef")):
        await t.deliver(b"abcdefg")
        t.equal(await reader.readuntil(separators), b"abcd", "though the other begins earlier")
        t.equal(await reader.readexactly(3), b"efg", "what follows the record")


@check("reader.readuntil.tuple-split-separator")
async def each_of_several_is_found_wherever_it_is_split(t: Trial) -> None:
    reader = await t.reader()
    for record in (b"abc--", b"ab-END", b"ab-EN--", b"xENEND"):
        for cut in range(1, len(record)):
            reading = t.start(reader.readuntil((b"--", b"END")))
            await t.deliver(record[:cut])
            await t.still_waits(reading, f"readuntil() with {record[:cut]!r} there")
            await t.deliver(record[cut:])
            t.equal(await t.is_done(reading, "readuntil()"), record, f"split at {cut}")


@check("reader.readuntil.tuple-overrun-shortest-separator")
async def the_limit_is_compared_with_what_lies_before_the_shortest_match(t: Trial) -> None:
    reader = await t.reader(limit=4)
    await t.deliver(b"abc\r\n")
    t.equal(await reader.readuntil((b"\n", b"\r\n")), b"abc\r\n", "4 bytes before the newline")
    await t.deliver(b"abcd\r\n")
    with t.raises(LimitOverrunError) as overrun:  # 4 before CRLF, but 5 before LF, which counts
        await reader.readuntil((b"\n", b"\r\n"))
    t.equal(overrun.value.consumed, 5, "consumed")
    t.equal(await reader.readexactly(6), b"abcd\r\n", "what is still there")
    await t.deliver(b"abc\r-\n")
    with t.raises(LimitOverrunError) as overrun:  # 3 before the other, which ends there, too
        await reader.readuntil((b"\n", b"\r-\n"))
    t.equal(overrun.value.consumed, 5, "consumed")


@check("reader.readuntil.empty-tuple-rejected")
async def no_separator_and_an_empty_one_are_rejected_and_nothing_is_lost(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abc")
    for separators in ((), (b"",), (b"c", b"")):
        with t.raises(ValueError):
            await reader.readuntil(separators)
    t.equal(await reader.read(10), b"abc")
