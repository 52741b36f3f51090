"""Checks of a reader by generated histories, each against the set of what the page allows.

What a single promise is tried by stands in the modules on the reads; here what no author of a
check thought of is looked for, and the smallest history that departs is shown.
"""

from __future__ import annotations

from streamgauge.conformance.histories.events import reader_histories
from streamgauge.conformance.histories.long_streams import long_streams, play_long_stream
from streamgauge.conformance.histories.playing import play_reader
from streamgauge.conformance.histories.searching import no_history_departs
from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

COUNT = 300  # histories of each kind, some 0.2 ms each
STREAMS = 25  # long ones, some 3 ms each
NEEDS = ("read", "readline", "readexactly", "readuntil", "async-for", "at_eof", "limit")
ONCE = {"*": "a history says itself how bytes come, and what is cancelled"}
FEED_AND_MEMORY = (*FEED, "memory")


@check("reader.history.reads", links=FEED_AND_MEMORY, needs=NEEDS, spares=ONCE)
async def no_sequence_of_reads_departs(t: Trial) -> None:
    await no_history_departs(t, reader_histories(COUNT), play_reader)


@check("reader.history.reads", links=FEED, needs=(*NEEDS, "feed"), spares=ONCE)
async def no_read_of_a_long_stream_departs(t: Trial) -> None:
    for stream in long_streams(STREAMS):
        await play_long_stream(t, stream)


@check("reader.history.cancelled-reads", links=FEED_AND_MEMORY, needs=NEEDS, spares=ONCE)
async def no_sequence_of_reads_and_cancellations_departs(t: Trial) -> None:
    await no_history_departs(t, reader_histories(COUNT, "cancel"), play_reader)


@check("reader.history.failed-reads", links=FEED, needs=(*NEEDS, "feed"), spares=ONCE)
async def no_sequence_of_reads_and_errors_departs(t: Trial) -> None:
    await no_history_departs(t, reader_histories(COUNT, "error"), play_reader)


@check(
    "reader.history.several-separators", links=FEED, needs=(*NEEDS, "tuple-separators"), spares=ONCE
)
async def no_sequence_of_records_with_several_separators_departs(t: Trial) -> None:
    await no_history_departs(t, reader_histories(COUNT, several=True), play_reader)


@check(
    "reader.history.several-separators",
    links=FEED,
    needs=("readuntil", "limit", "feed", "tuple-separators"),
    spares=ONCE,
)
async def no_record_of_a_long_stream_with_several_separators_departs(t: Trial) -> None:
    for stream in long_streams(STREAMS):
        await play_long_stream(t, stream, several=True)
