"""What a memory network does to traffic: refuse it, lose it, delay it, keep two sides apart.

A rule is a value; the verdict on two addresses is a pure function of the rules. What a verdict
does to a connection is in `connections`.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple, Optional

from .names import Place
from .sockets import Address

__all__ = ["NOTHING_HAPPENS", "Rule", "Verdict", "verdict"]


class Verdict(NamedTuple):
    """What happens between two addresses.

    Attributes:
        refused: connections are refused, and open ones reset.
        lost: nothing arrives, until the rule is taken back.
        delay_s: seconds that everything takes, each way.
    """

    refused: bool = False
    lost: bool = False
    delay_s: float = 0.0


NOTHING_HAPPENS = Verdict()


class Rule(NamedTuple):
    """What happens to traffic that touches one place, or that goes between two.

    Attributes:
        does: what happens.
        place: where.
        other: the other side; None for anywhere.
    """

    does: Verdict
    place: Place
    other: Optional[Place] = None

    def covers(self, a: Address, b: Address) -> bool:
        """Whether traffic between two addresses, in either direction, is meant."""
        if self.other is None:
            return self.place.covers(a) or self.place.covers(b)
        return (self.place.covers(a) and self.other.covers(b)) or (
            self.place.covers(b) and self.other.covers(a)
        )


def verdict(rules: Iterable[Rule], a: Address, b: Address) -> Verdict:
    """Put all rules that cover two addresses together; delays do not add up, the longest counts."""
    found = [rule.does for rule in rules if rule.covers(a, b)]
    return Verdict(
        refused=any(does.refused for does in found),
        lost=any(does.lost for does in found),
        delay_s=max((does.delay_s for does in found), default=0.0),
    )
