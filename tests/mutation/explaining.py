"""Why a mutant may survive, and how many of each kind there are.

`survivors.txt` is of our own streams, `survivors-stdlib.txt` of asyncio's on every Python. Each has
headings `= KIND: REASON`, each followed by the names of mutants; one that ends in `*` stands for
all that begin so. A kind is `same` (it does what the original does), or `unpromised` (what it
changes is none of the page's and no behaviour that the suite describes; the house's own tests look
at it, where it is ours).
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Set

from .mutants import Mutant

__all__ = ["KINDS", "OURS", "STDLIBS", "Tally", "explanations"]

OURS = Path(__file__).with_name("survivors.txt")
STDLIBS = OURS.with_name("survivors-stdlib.txt")
KINDS = SAME, UNPROMISED = ("same", "unpromised")
KILLED, SURVIVES = "killed", ""


class Explanations(Dict[str, str]):
    """Kinds by names, and by beginnings of names."""

    def kind(self, name: str) -> str:
        """Give the kind of a mutant, empty if it is not explained."""
        rules = (rule for rule in self if rule.endswith("*") and name.startswith(rule[:-1]))
        return self.get(name) or self.get(next(rules, ""), SURVIVES)


def explanations(path: Path = OURS) -> Explanations:
    """Give the kind of each mutant that is explained.

    Args:
        path: the file.

    Raises:
        ValueError: a name stands under no heading, or a heading has no kind or no reason.
    """
    found = Explanations()
    kind = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("="):
            kind, _, reason = line[1:].partition(":")
            kind = kind.strip()
            if kind not in KINDS or not reason.strip():
                raise ValueError(f"{path.name}: expected `= KIND: REASON`, got {line!r}")
        elif line and not line.startswith(("#", " ")):
            if not kind:
                raise ValueError(f"{path.name}: {line!r} stands under no heading")
            found[line] = kind
    return found


@dataclass
class Tally:
    """Counts mutants by what became of them.

    Args:
        explained: what is known of some.
    """

    explained: Explanations
    counts: Dict[str, Counter[str]] = field(default_factory=dict)
    unexplained: List[str] = field(default_factory=list)
    names: Set[str] = field(default_factory=set)

    def add(self, mutant: Mutant, killer: str) -> str:
        """Count one; gives what became of it, empty if it survives without an explanation."""
        self.names.add(mutant.name)
        kind = KILLED if killer else self.explained.kind(mutant.name)
        self.counts.setdefault(mutant.module, Counter())[kind] += 1
        if kind == SURVIVES:
            self.unexplained.append(mutant.name)
        return kind

    def stale(self) -> List[str]:
        """Give what is explained of the modules that were tried, and is no mutant any more."""
        mine = [
            name for name in self.explained if name.partition(":")[0].split(".")[0] in self.counts
        ]
        return [name for name in mine if name[-1] != "*" and name not in self.names]

    def told(self) -> str:
        """Say it, a line for each module."""
        return "\n".join(self._told(name, count) for name, count in self.counts.items())

    def record(self, path: Path, target: str) -> None:
        """Put the counts into a file that keeps those of every target, Python and module.

        Args:
            path: JSON; made if it is not there.
            target: `streams` or `stdlib`.
        """
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        modules = kept.setdefault(target, {}).setdefault(platform.python_version(), {})
        modules.update({name: dict(count) for name, count in self.counts.items()})
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")

    @staticmethod
    def _told(name: str, count: Counter[str]) -> str:
        total = sum(count.values())
        different = total - count[SAME]
        share = 100 * count[KILLED] / max(1, different)
        return (
            f"{name}: {count[KILLED]} of {total} killed, {count[SAME]} the same program, "
            f"{count[UNPROMISED]} unpromised, {count[SURVIVES]} not explained: {share:.1f} % of "
            f"{different} that differ"
        )
