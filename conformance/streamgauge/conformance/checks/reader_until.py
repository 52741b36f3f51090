"""Checks of `StreamReader.readuntil`."""

from __future__ import annotations

from asyncio import LimitOverrunError

from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial


@check("reader.readuntil.overrun-keeps-data")
async def overrun_leaves_the_data_to_be_read_again(t: Trial) -> None:
    reader = await t.reader(limit=3)
    await t.deliver(b"abcdSEPx")
    with t.raises(LimitOverrunError):
        await reader.readuntil(b"SEP")
    t.equal(await reader.readexactly(8), b"abcdSEPx")


@check("reader.readuntil.waits-for-separator")
async def waits_while_the_separator_is_missing(t: Trial) -> None:
    reader = await t.reader()
    await t.deliver(b"abcSE")
    reading = t.start(reader.readuntil(b"SEP"))
    await t.still_waits(reading, "readuntil()")
    await t.deliver(b"Px")
    t.equal(await t.is_done(reading, "readuntil()"), b"abcSEP")
