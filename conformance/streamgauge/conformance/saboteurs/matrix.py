"""The kill matrix: which check finds which saboteur, and what follows from it.

Pure but for `tried`, which runs the engine. A saboteur is tried on the clause that it breaks, on
its object's (`reader.*` say) or on all, as asked for, and a check on the quickest link that it has:
what shows only on another link says so, and is tried there. Beside them runs the sound
implementation, in which nothing may be found.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from streamgauge.conformance import engine, registry
from streamgauge.conformance.catalogue import EDITIONS, Catalogue, Clause, load
from streamgauge.conformance.plan import LINKS, Listener, Result, RunPlan
from streamgauge.conformance.saboteurs.making import Saboteur
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.verdicts import AGAINST, Verdict

__all__ = ["CLAUSE", "EVERYTHING", "OBJECT", "SCOPES", "CheckId", "Matrix", "plans", "tried"]

PREFIX = "streamgauge.conformance.saboteurs:"
BEHAVIOUR = "behaviour"  # the level of clauses that are never scored
SOUND = "streams"  # the subject of which all of them are made
# From the quickest on: a check is tried on the first of these that it has.
_ORDER = ("feed", "memory", "socketpair", "unix", "tcp", "tls", "tcp6", "own")
QUICKEST = tuple(sorted(LINKS, key=_ORDER.index))
# How much is tried of a saboteur.
SCOPES = CLAUSE, OBJECT, EVERYTHING = ("clause", "object", "all")
# What breaks everywhere is looked for where trials are quick.
HYGIENE = ("hygiene", "reader")

CheckId = Tuple[str, str]  # a clause's id, and the name of one of its checks


def plans(saboteurs: Iterable[Saboteur], workers: int, scope: str = OBJECT) -> List[RunPlan]:
    """Say what to run.

    Args:
        saboteurs: whom to try.
        workers: worker processes.
        scope: `clause` to try each on the clause it breaks alone, `object` on all clauses of the
            same object, `all` on every clause.
    """
    groups: Dict[Tuple[str, Tuple[str, ...]], List[Saboteur]] = defaultdict(list)
    for one in saboteurs:
        groups[_edition(one), ()].append(one)
        if one.links:
            groups[_edition(one), one.links].append(one)
    return [
        _plan(group, workers, CLAUSE if links else scope, edition, links)
        for (edition, links), group in groups.items()
    ]


def _plan(
    group: Sequence[Saboteur], workers: int, scope: str, edition: str, links: Tuple[str, ...]
) -> RunPlan:
    scopes = {PREFIX + one.name: _pattern(one, scope) for one in group}
    return RunPlan(
        subjects=(SOUND, *scopes),
        links=links or QUICKEST,
        one_link=not links,
        clauses=tuple(dict.fromkeys(scopes.values())),
        edition=edition,
        scopes=tuple(scopes.items()),
        workers=workers,
    )


def _edition(one: Saboteur) -> str:
    """Give the edition to judge by: the running Python's, or one that has the clause."""
    clause, running = load()[one.clause], edition_of(RunPlan())
    return next(e for e in (running, *reversed(EDITIONS)) if clause.applies_to(e))


def _pattern(one: Saboteur, scope: str) -> str:
    """Give the clauses that a saboteur is tried on."""
    first = one.clause.partition(".")[0]
    if scope == EVERYTHING:
        return "*"
    if first == HYGIENE[0]:
        return f"{HYGIENE[1]}.*"
    return one.clause if scope == CLAUSE else f"{first}.*"


def tried(plan: RunPlan, progress: Listener) -> List[Result]:
    """Run one of the plans and give its results."""

    class Keeper(Listener):
        def started(self, total: int) -> None:
            progress.started(total)

        def result(self, result: Result) -> None:
            results.append(result)
            progress.result(result)

    results: List[Result] = []
    engine.run(plan, Keeper())
    return results


@dataclass(frozen=True)
class Matrix:
    """What came of all trials.

    Args:
        saboteurs: who was tried, by name.
        results: of all trials, those of the sound implementation among them.
        clauses: the catalogue.
        due: every check that was tried, in the suite's order.
    """

    saboteurs: Mapping[str, Saboteur]
    results: Sequence[Result]
    clauses: Catalogue
    due: Sequence[CheckId]

    @classmethod
    def of(
        cls, saboteurs: Mapping[str, Saboteur], results: Sequence[Result], clauses: Catalogue
    ) -> Matrix:
        """Make the matrix of what was tried."""
        seen = {(r.clause, r.check) for r in results if r.verdict is not Verdict.INAPPLICABLE}
        order = [(c.clause, c.name) for c in registry.all_checks()]
        return cls(saboteurs, results, clauses, [check for check in order if check in seen])

    def kills(self) -> Dict[str, List[Result]]:
        """Give, for each saboteur, the results that count against it and not against all."""
        sound = {_place(r) for r in self._of_sound()}
        found: Dict[str, List[Result]] = {name: [] for name in self.saboteurs}
        for result in self.results:
            name = result.subject[len(PREFIX) :]
            if result.verdict in AGAINST and name in found and _place(result) not in sound:
                found[name].append(result)
        return found

    def untestable(self) -> List[str]:
        """Give those whose clause even the sound implementation does not keep here.

        Such clauses are behaviours, some of which belong to the loop, and promises of editions
        later than the running Python's.
        """
        missing = self._missing_here()
        return [name for name, one in self.saboteurs.items() if one.clause in missing]

    def survivors(self) -> Dict[str, str]:
        """Give those that were not found as they have to be, each with what came instead."""
        kills, excused = self.kills(), set(self.untestable())
        reasons = {name: _missing(one, kills[name]) for name, one in self.saboteurs.items()}
        return {name: why for name, why in reasons.items() if why and name not in excused}

    def victims(self) -> Dict[CheckId, List[str]]:
        """Give, for each check that was due, the saboteurs that it finds."""
        found: Dict[CheckId, Dict[str, None]] = {check: {} for check in self.due}
        for name, results in self.kills().items():
            for result in results:
                found[result.tried or result.clause, result.check][name] = None
        return {check: list(names) for check, names in found.items()}

    def idle(self) -> List[CheckId]:
        """Give the checks that found nobody: nothing shows that they can fail."""
        excused = self._missing_here()
        return [
            check for check, names in self.victims().items() if not (names or check[0] in excused)
        ]

    def sole_killers(self) -> Dict[str, CheckId]:
        """Give the saboteurs that one check alone finds."""
        finders: Dict[str, List[CheckId]] = defaultdict(list)
        for check, names in self.victims().items():
            for name in names:
                finders[name].append(check)
        return {name: checks[0] for name, checks in finders.items() if len(checks) == 1}

    def false_alarms(self) -> List[Result]:
        """Give what was found in the sound implementation, where a clause is scored."""
        excused = self._missing_here()
        return [r for r in self._of_sound() if r.clause not in excused]

    def _missing_here(self) -> Set[str]:
        return {
            r.clause
            for r in self._of_sound()
            if r.level == BEHAVIOUR or _is_later(self.clauses[r.clause])
        }

    def _of_sound(self) -> List[Result]:
        return [r for r in self.results if r.subject == SOUND and r.verdict in AGAINST]

    def faults(self) -> List[Result]:
        """Give the trials in which the suite itself, or a saboteur's own code, went wrong."""
        return [r for r in self.results if r.verdict is Verdict.HARNESS]


def _is_later(clause: Clause) -> bool:
    """Whether only editions later than the running Python's make this promise."""
    running = EDITIONS.index(edition_of(RunPlan()))
    return not any(clause.applies_to(edition) for edition in EDITIONS[: running + 1])


def _place(result: Result) -> Tuple[str, str, str]:
    return result.clause, result.check, result.link


def _missing(one: Saboteur, kills: Sequence[Result]) -> str:
    """Say what is missing to have found a saboteur; empty if nothing is."""
    its_own = [r for r in kills if r.clause == one.clause]
    if any(one.message in r.detail for r in its_own):
        return ""
    if its_own:
        texts = sorted({r.detail.splitlines()[0] for r in its_own if r.detail})
        return f"expected {one.message!r} in a message, got: {' | '.join(texts)}"
    others = ", ".join(sorted({r.clause for r in kills}))
    return f"{one.clause} did not find it; {f'only {others} did' if others else 'nothing did'}"
