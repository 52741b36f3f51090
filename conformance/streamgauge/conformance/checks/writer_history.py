"""Checks of a writer by generated histories, on a connection whose every byte is accounted for."""

from __future__ import annotations

from streamgauge.conformance.histories.events import writer_histories
from streamgauge.conformance.histories.playing import play_writer
from streamgauge.conformance.histories.searching import no_history_departs
from streamgauge.conformance.registry import check
from streamgauge.conformance.trial import Trial

NEEDS = ("write", "writelines", "drain")
ONCE = {"*": "a history says itself what is taken when, and what is cancelled"}
COUNT = 200  # histories, some 0.3 ms each


@check("writer.history.flow-control", links=("memory",), needs=NEEDS, spares=ONCE)
async def no_sequence_of_writes_drains_and_ends_departs(t: Trial) -> None:
    await no_history_departs(t, writer_histories(COUNT), play_writer)
