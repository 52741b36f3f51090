"""About streamgauge/fakes/parity: it tells every saboteur of the fakes from the kernel."""

from __future__ import annotations

from functools import partial

import pytest

from streamgauge.fakes import MemoryNetwork, memory_stream_pair
from streamgauge.fakes.parity import all_cases, check_network, check_stream_pair

from .saboteurs import SABOTEURS

CASES = {each.name: each for each in all_cases()}


def differing(names):
    """Play cases on the fakes and give the names of those that differ."""
    cases = [CASES[name] for name in names]
    network = [each for each in cases if "network" in each.kinds]
    pair = [each for each in cases if each not in network]
    found = check_stream_pair(memory_stream_pair, cases=pair).differences
    found += check_network(partial(MemoryNetwork, ignore_leaks="all"), cases=network).differences
    return {difference.case.name for difference in found}


@pytest.mark.parametrize("name", SABOTEURS)
def test_the_suite_catches_it(name):
    """Every case that the saboteur names differs under it; `test_parity` plays them without."""
    saboteur = SABOTEURS[name]
    with saboteur.at_work():
        assert set(saboteur.cases) == differing(saboteur.cases)


def test_every_line_has_its_saboteurs():
    """Lines 1 to 13 are each broken by some, each by way of a case of that line."""
    assert set(range(1, 14)) == {each.line for each in SABOTEURS.values()}
    strangers = [
        each.name
        for each in SABOTEURS.values()
        if each.line not in {CASES[name].line for name in each.cases}
    ]
    assert [] == strangers
