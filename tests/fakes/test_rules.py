"""About streamgauge/fakes/rules.py: verdicts on two addresses."""

from __future__ import annotations

import pytest

from streamgauge.fakes.names import Names
from streamgauge.fakes.rules import Rule, Verdict, verdict

NAMES = Names({"db": ["10.0.0.7", "fd00::7"], "app": "10.0.0.1"})
CLIENT, SERVER = ("127.0.0.1", 40000), ("10.0.0.7", 80)


def rule(does, *places):
    """Write a rule as the network's verbs make it."""
    return Rule(does, *map(NAMES.place, places))


@pytest.mark.parametrize(
    ("places", "covered"),
    [
        (["db"], True),
        (["db:80"], True),
        (["db:81"], False),
        (["app"], False),
        (["localhost", "db"], True),
        (["db", "localhost"], True),
        (["app", "db"], False),
        (["localhost", "db:81"], False),
        ([("10.0.0.7", 80)], True),
        (["/run/socket"], False),
    ],
)
def test_a_rule_covers_its_places_in_both_directions(places, covered):
    """Either end may be the one that is meant; with two sides both have to fit."""
    rules = [rule(Verdict(lost=True), *places)]
    assert [covered] * 2 == [verdict(rules, *two).lost for two in (CLIENT_SERVER, SERVER_CLIENT)]


CLIENT_SERVER, SERVER_CLIENT = (CLIENT, SERVER), (SERVER, CLIENT)


def test_rules_add_up():
    """All rules that fit count; of delays, the longest."""
    rules = [
        rule(Verdict(delay_s=2.0), "db"),
        rule(Verdict(delay_s=1.0), "localhost"),
        rule(Verdict(refused=True), "db:80"),
        rule(Verdict(lost=True), "app"),
    ]
    assert Verdict(refused=True, lost=False, delay_s=2.0) == verdict(rules, CLIENT, SERVER)
    assert Verdict() == verdict([], CLIENT, SERVER)
