"""The account of a run: what its results come to for each subject, as plain data.

Counting, merging and the claims stand here, so every report says the same. Nothing here prints.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from streamgauge.conformance.deviations import Deviation, Here, Sorted
from streamgauge.conformance.plan import LINKS, STOCK_LOOP, Result, RunPlan
from streamgauge.conformance.verdicts import AGAINST, UNTRIED, Claim, Verdict, claim_of, exit_code

if TYPE_CHECKING:
    from streamgauge.conformance.catalogue import Clause

__all__ = ["Account", "Entry", "Judged", "Status", "Tally"]


class Status:
    """How a departure stands to what is listed; the order is that of the reports."""

    NEW = "new"
    STALE = "stale"
    HARNESS = "harness"
    UNTRIED = "untried"
    UNSEEN = "unseen"  # a note: a departure of what is built in, where it was never judged
    BETTER = "better"  # a note: a shipped entry that would be stale
    LISTED = "listed"
    ORDER = (NEW, STALE, HARNESS, UNTRIED, UNSEEN, BETTER, LISTED)
    NOTES = (UNSEEN, BETTER)


@dataclass(frozen=True)
class Judged:
    """One column of the matrix: a subject on an event loop."""

    subject: str
    loop: str

    @property
    def label(self) -> str:
        """The subject's name, and `@LOOP` where the loop is not the stock one."""
        return self.subject if self.loop == STOCK_LOOP else f"{self.subject}@{self.loop}"

    def owns(self, result: Result) -> bool:
        """Whether the result is about this subject on this loop."""
        return result.subject == self.subject and result.loop == self.loop


@dataclass(frozen=True)
class Tally:
    """Clauses counted, for one cell of the matrix: a clause holds if every trial of it passed.

    Args:
        held: clauses that hold.
        tried: scored clauses with at least one trial that was applicable.
        new: clauses with an unlisted departure.
        listed: clauses whose departures are all listed.
        untried: clauses that could not be tried, and of which nothing worse is known.
        unseen: clauses that depart where nobody had looked.
    """

    held: int = 0
    tried: int = 0
    new: int = 0
    listed: int = 0
    untried: int = 0
    unseen: int = 0


@dataclass(frozen=True)
class Entry:
    """One departure as reported: links whose details tell the same are one.

    Args:
        judged: whose.
        status: one of `Status.ORDER`.
        clause: its id.
        verdict: what came; for a stale entry what was listed.
        links: on which links, in the order of `LINKS`; for a stale entry what it names.
        detail: what was expected and what came, on the first of the trials.
        deviation: the entry that lists it; None unless listed, stale or better.
        varies: whether the links' details differ, in figures only.
        check: name of the check that departs first; empty for a stale entry.
        tried: the clause whose check showed it, if that is not `clause`.
        plan: the delivery plan that shows it; empty for the check as written.
    """

    judged: Judged
    status: str
    clause: str
    verdict: Verdict
    links: Tuple[str, ...] = ()
    detail: str = ""
    deviation: Deviation | None = None
    varies: bool = False
    check: str = ""
    tried: str = ""
    plan: str = ""

    @property
    def reason(self) -> str:
        """The reason that several clauses may have in common; empty for any other departure."""
        if self.status == Status.UNTRIED:
            return self.detail
        return self.deviation.reason if self.deviation and self.status == Status.LISTED else ""


@dataclass(frozen=True)
class Account:
    """All that a report may tell about a run.

    Args:
        plan: what was asked.
        clauses: the clauses of the edition, by id, in the order of the matrix.
        edition: the edition judged by.
        catalogue: the catalogue's version.
        results: in the order in which they came.
        sorted: the same results compared with what is listed.
        complete: whether the run ended by itself.
        due: ids of the clauses that an unrestricted run has to try.
        seconds: wall time of the run.
        broken: what broke the run, to be raised once the account has been given; None if nothing.
        left_out: links that this machine has not got, each with the reason.
        here: where it took place.
        notes: remarks on what is newer than the suite knows.
    """

    plan: RunPlan
    clauses: Mapping[str, Clause]
    edition: str
    catalogue: str
    results: Sequence[Result]
    sorted: Sorted
    complete: bool
    due: FrozenSet[str] = frozenset()
    seconds: float = 0.0
    broken: BaseException | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    here: Here = field(default_factory=Here)
    notes: Tuple[str, ...] = ()
    judged: Tuple[Judged, ...] = field(init=False)
    _of: Mapping[Judged, Sequence[Result]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = [Judged(s, loop) for s in self.plan.subjects for loop in self.plan.loops]
        found = {judged: [r for r in self.results if judged.owns(r)] for judged in pairs}
        object.__setattr__(self, "judged", tuple(found))
        object.__setattr__(self, "_of", found)

    # --- claims and the exit code ---

    @property
    def restricted(self) -> bool:
        """Whether only a part of the catalogue was asked for."""
        return bool(self.plan.clauses or self.plan.links or self.plan.plans)

    def missing(self, judged: Judged) -> FrozenSet[str]:
        """Give the clauses that an unrestricted run should have tried on it, and did not."""
        return self.due - {r.clause for r in self._of[judged]}

    def claim(self, judged: Judged) -> Claim:
        """Say what the subject may claim on that loop."""
        mine = self._of[judged]
        whole = self.complete and not self.restricted and not self.missing(judged)
        claim = claim_of((r.verdict for r in mine if r.scored), whole)
        # A fault of the suite in a clause that is not scored spoils the run just as well.
        return Claim.INVALID if any(r.verdict is Verdict.HARNESS for r in mine) else claim

    @property
    def claims(self) -> Dict[str, str]:
        """The claims by label, for the footer of the results file."""
        return {judged.label: str(self.claim(judged)) for judged in self.judged}

    @property
    def incomplete(self) -> bool:
        """Whether something that was asked for did not come to a verdict."""
        gaps = any(self._nothing_ran(j) or self._left_out(j) for j in self.judged)
        return not self.complete or bool(self.sorted.untried) or gaps

    def _nothing_ran(self, judged: Judged) -> bool:
        return all(r.verdict is Verdict.INAPPLICABLE for r in self._of[judged])

    def _left_out(self, judged: Judged) -> bool:
        return not self.restricted and bool(self.missing(judged))

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        return exit_code(
            harness=bool(self.sorted.harness),
            departed=bool(self.sorted.new or self.sorted.stale),
            incomplete=self.incomplete,
        )

    # --- counting ---

    def tally(self, judged: Judged, documented: str | None = None) -> Tally:
        """Count the clauses of one documented object; of all objects for None."""
        verdicts = self._verdicts(judged, documented)
        new = {r.clause for r in self.sorted.new if judged.owns(r)}
        unseen = {r.clause for r in self.sorted.unseen if judged.owns(r)} - new
        departed = {c for c, seen in verdicts.items() if seen.intersection(AGAINST)}
        stopped = {c for c, seen in verdicts.items() if seen.intersection(UNTRIED)} - departed
        return Tally(
            held=sum(seen == {Verdict.PASS} for seen in verdicts.values()),
            tried=len(verdicts),
            new=len(departed & new),
            listed=len(departed - new - unseen),
            untried=len(stopped - unseen),
            unseen=len(unseen.intersection(verdicts)),
        )

    def _verdicts(self, judged: Judged, documented: str | None) -> Dict[str, set[Verdict]]:
        verdicts: Dict[str, set[Verdict]] = {}
        for result in self._of[judged]:
            if result.scored and documented in (None, self.object_of(result.clause)):
                verdicts.setdefault(result.clause, set()).add(result.verdict)
        return verdicts

    def object_of(self, clause: str) -> str:
        """Give the documented object that a clause belongs to."""
        return self.clauses[clause].object if clause in self.clauses else clause.partition(".")[0]

    @property
    def objects(self) -> List[str]:
        """The documented objects with a scored trial, in the catalogue's order."""
        seen = {self.object_of(r.clause) for r in self.results if r.scored}
        order = dict.fromkeys(clause.object for clause in self.clauses.values())
        return [*(o for o in order if o in seen), *sorted(seen - set(order))]

    def behaviour(self, judged: Judged, clause: str) -> Dict[Verdict, Tuple[str, ...]]:
        """Give what a behaviour clause came to: verdict -> links, without inapplicable ones."""
        found: Dict[Verdict, List[str]] = {}
        for r in self._of[judged]:
            if r.clause == clause and r.verdict is not Verdict.INAPPLICABLE:
                found.setdefault(r.verdict, []).append(r.link)
        return {verdict: in_order(links) for verdict, links in found.items()}

    @property
    def behaviours(self) -> List[str]:
        """The behaviour clauses that were tried, in the catalogue's order."""
        applicable = [r for r in self.results if r.verdict is not Verdict.INAPPLICABLE]
        seen = {r.clause for r in applicable if r.level == "behaviour"}
        return [*(c for c in self.clauses if c in seen), *sorted(seen - set(self.clauses))]

    # --- departures ---

    def entries(self, judged: Judged) -> List[Entry]:
        """Give the departures of one subject on one loop, in the order of the report."""
        found = self._from_results(judged) + self._stale(judged)
        rank = {clause: n for n, clause in enumerate(self.clauses)}
        found.sort(key=lambda e: rank.get(e.clause, len(rank)))
        # Those with one reason stand together, where the first of them stands.
        reasons = {e.reason: n for n, e in reversed([*enumerate(found)]) if e.reason}
        return sorted(found, key=lambda e: (Status.ORDER.index(e.status), reasons.get(e.reason, 0)))

    def _from_results(self, judged: Judged) -> List[Entry]:
        kinds: List[Tuple[str, List[Tuple[Result, Deviation | None]]]] = [
            (Status.NEW, [(r, None) for r in self.sorted.new]),
            (Status.HARNESS, [(r, None) for r in self.sorted.harness]),
            (Status.UNTRIED, [(r, None) for r in self.sorted.untried]),
            (Status.UNSEEN, [(r, None) for r in self.sorted.unseen]),
            (Status.LISTED, list(self.sorted.listed)),
        ]
        groups: Dict[Tuple[object, ...], List[Tuple[Result, Deviation | None]]] = {}
        for status, pairs in kinds:
            for r, deviation in pairs:
                if judged.owns(r):
                    # A listed departure is told by its reason; details do not keep it apart.
                    apart = deviation or _FIGURES.sub("#", r.detail)
                    key = (status, r.clause, r.verdict, apart)
                    groups.setdefault(key, []).append((r, deviation))
        return [_merged(judged, str(key[0]), group) for key, group in groups.items()]

    def _stale(self, judged: Judged) -> List[Entry]:
        # An entry that no loop of the run confirmed is told once, at the first loop it names.
        return [
            Entry(judged, status, d.clause, d.verdict, d.when.links, deviation=d)
            for status, idle in (
                (Status.STALE, self.sorted.stale),
                (Status.BETTER, self.sorted.better),
            )
            for d in idle
            if judged == self._first_concerned(d)
        ]

    def _first_concerned(self, deviation: Deviation) -> Judged | None:
        concerned = (j for j in self.judged if any(deviation.concerns(r) for r in self._of[j]))
        return next(concerned, None)


# Ports, sizes and the like: two details that differ in these alone tell the same.
_FIGURES = re.compile(r"\d[\d,.]*")


def _merged(judged: Judged, status: str, group: Sequence[Tuple[Result, Deviation | None]]) -> Entry:
    # Workers end in any order; what is shown is that of the first link and check.
    group = sorted(group, key=lambda pair: (_rank(pair[0].link), pair[0].check))
    (first, deviation), links = group[0], [r.link for r, _ in group]
    varies = any(r.detail != first.detail for r, _ in group)
    where = in_order(links)
    return Entry(
        *(judged, status, first.clause, first.verdict, where, first.detail, deviation, varies),
        check=first.check,
        tried=first.tried,
        plan=first.plan,
    )


def in_order(links: Sequence[str]) -> Tuple[str, ...]:
    """Give each link once, in the order of `LINKS`."""
    return tuple(sorted(set(links), key=_rank))


def _rank(link: str) -> int:
    return (*LINKS, link).index(link)
