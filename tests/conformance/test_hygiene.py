"""Hygiene: a stream is kept if collections do not end it, however many an interpreter needs."""

from __future__ import annotations

import gc
import weakref
from typing import List

import pytest

from streamgauge.conformance import heap
from streamgauge.conformance.hygiene import COLLECTIONS, NOISE_IDS, Noise

pytestmark = pytest.mark.oldest_and_newest


class Stream:
    """What a check was given."""


@pytest.mark.parametrize("needed", range(COLLECTIONS + 2))
def test_what_collections_end_is_not_kept(monkeypatch: pytest.MonkeyPatch, needed: int) -> None:
    """PyPy's finalizers keep what they reach for one collection more, each of them."""
    holders: List[Stream] = [Stream()]
    stream = weakref.ref(holders[0])
    collected: List[int] = []

    def collect() -> None:
        collected.append(1)
        if len(collected) == needed:
            holders.clear()

    if not needed:
        holders.clear()
    monkeypatch.setattr(gc, "collect", collect)
    noise = Noise()
    noise.kept([stream])
    assert (needed > COLLECTIONS) == bool(noise.breaches)
    assert min(needed, COLLECTIONS) == len(collected)


@pytest.mark.parametrize(("quick", "holder"), [(True, "list"), (False, "?")])
def test_who_keeps_a_stream_is_told_where_that_is_quick(
    monkeypatch: pytest.MonkeyPatch, quick: bool, holder: str
) -> None:
    """PyPy looks through the whole heap for it, which takes longer than a trial may."""
    monkeypatch.setattr(heap, "CAN_FREEZE", quick and heap.CAN_FREEZE)
    kept = [Stream()]
    noise = Noise()
    noise.kept([weakref.ref(kept[0])])
    assert [(NOISE_IDS["kept"], f"Stream kept alive by {holder}")] == noise.breaches
