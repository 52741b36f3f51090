"""Which trials a plan asks for: the product of checks, subjects, loops and links, in order.

Pure: nothing is run here. What does not exist is a `UsageError`; what exists and cannot be
tried becomes a trial that says so, so that no clause drops out of sight.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import (
    Any,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Set,
    Tuple,
    Union,
)

from streamgauge.conformance import catalogue, registry
from streamgauge.conformance.catalogue import EDITIONS, Catalogue, Clause
from streamgauge.conformance.deliveries import named
from streamgauge.conformance.errors import NothingToRunError, UsageError
from streamgauge.conformance.link_types import missing_links
from streamgauge.conformance.loops import LoopFactory, lacks_of, module_of_loop, resolve_loop
from streamgauge.conformance.plan import LINKS, LOOPLESS, RunPlan
from streamgauge.conformance.registry import Check
from streamgauge.conformance.releases import in_release
from streamgauge.conformance.runner import Sweep, TrialSpec
from streamgauge.conformance.subjects import Subject, module_of, resolve
from streamgauge.conformance.witness import note

__all__ = ["Offer", "Selection", "edition_of"]

SERVING = {"start_server", "start_unix_server"}  # what needs these is tried on a server


@dataclass(frozen=True)
class Offer:
    """The offers of a subject, as reported by a child that imported it.

    Args:
        name: of the subject.
        lacks: capabilities that it does not have.
        links: the links that it can be joined by.
    """

    name: str
    lacks: FrozenSet[str] = frozenset()
    links: Tuple[str, ...] = LINKS

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any]) -> Offer:
        """Make one of what a child has told."""
        return cls(name, frozenset(data["lacks"]), tuple(data["links"]))


class Selection:
    """A plan, resolved: its subjects, its loops and its trials.

    Args:
        plan: what was asked for.
        offers: what each subject offers; None to import subjects and loops into this process.

    Raises:
        UsageError: for a subject, loop, link, edition, pattern or plan that does not exist.
        NothingToRunError: if no trial is left.
    """

    def __init__(self, plan: RunPlan, offers: Optional[Mapping[str, Offer]] = None) -> None:
        self.plan = plan
        self.subjects: Dict[str, Subject] = {}
        self.loops: Dict[str, LoopFactory] = {}
        if offers is None:
            self._import()
        self._offers: Mapping[str, Union[Offer, Subject]] = offers or self.subjects
        self.links = _links(plan)
        self.sweep = _sweep(plan)
        self.clauses = _clauses(plan)
        self.trials: List[TrialSpec] = list(self._trials())
        if not self.trials:
            raise NothingToRunError(
                "nothing to run: no check of the clauses asked for uses the links asked for; "
                "`streamgauge list` shows which links each clause has"
            )

    def _import(self) -> None:
        for folder in self.plan.search_path:
            if folder not in sys.path:
                sys.path.append(folder)  # last, so that nothing of ours is shadowed by it
        for name in self.plan.subjects:
            note(f"subject {name!r}: importing {module_of(name)!r}")
            self.subjects[name] = resolve(name)
        for name in self.plan.loops:
            note(f"loop {name!r}: importing {module_of_loop(name)!r}")
            self.loops[name] = resolve_loop(name)

    def _trials(self) -> Iterator[TrialSpec]:
        scopes = dict(self.plan.scopes)
        for entry in registry.all_checks():
            if entry.clause in self.clauses:
                clause = self.clauses[entry.clause]
                for name, subject in self._offers.items():
                    if fnmatchcase(clause.id, scopes.get(name, "*")):
                        for loop in self.plan.loops:
                            yield from self._of_one(entry, clause, subject, loop)

    def _of_one(
        self, entry: Check, clause: Clause, subject: Union[Offer, Subject], loop: str
    ) -> Iterator[TrialSpec]:
        needs = {*clause.needs, *entry.needs}
        lacking = sorted(subject.lacks & needs)
        offered = [link for link in entry.links if link in subject.links]
        missing = {link: _lacking_there(loop, link, needs) for link in offered}
        possible = [link for link in offered if not missing[link]]
        if lacking:
            reason = f"{subject.name} declares that it lacks {', '.join(lacking)}"
        elif not offered:
            reason = f"{subject.name} can be joined by {', '.join(subject.links)} only"
        elif not possible:
            words = sorted(set().union(*missing.values()))
            reason = f"the loop {loop} never offered {', '.join(words)}"
        else:
            wanted = [link for link in self.links if link in possible]
            for link in wanted[:1] if self.plan.one_link else wanted:
                yield TrialSpec(entry, clause.level, subject.name, loop, link)
            return
        if set(entry.links) & set(self.links):
            yield TrialSpec(entry, clause.level, subject.name, loop, "-", reason)


def _lacking_there(loop: str, link: str, needs: Set[str]) -> Set[str]:
    """Give what a trial on the link would need of the loop, which never offered it."""
    unix = "start_unix_server" if needs & SERVING else "open_unix_connection"
    needed = {*needs, {"unix": unix, "tls": "ssl"}.get(link, "")}
    return set() if link in LOOPLESS else needed & lacks_of(loop)


def edition_of(plan: RunPlan) -> str:
    """Give the edition that the plan judges by: the one asked for, or the running Python's.

    Raises:
        UsageError: for an edition that the catalogue does not know.
    """
    edition = plan.edition or "{}.{}".format(*sys.version_info)
    if edition not in EDITIONS:
        if plan.edition is None:  # a Python newer than this release: its newest edition
            return EDITIONS[-1]
        raise UsageError(f"edition {edition!r}: expected one of {', '.join(EDITIONS)}")
    return edition


def _sweep(plan: RunPlan) -> Sweep:
    for name in plan.plans:
        named(name)  # one that does not exist is a usage error
    return Sweep(plan.thorough, plan.plans)


def _clauses(plan: RunPlan) -> Mapping[str, Clause]:
    every = in_release(catalogue.load(), plan.catalogue)
    chosen: Dict[str, Clause] = {}
    for pattern in plan.clauses or ("*",):
        matching = every.matching(pattern)
        if not matching:
            raise UsageError(
                f"no clause matches {pattern!r}; `streamgauge list` shows them all, and a pattern "
                "may hold * and ?"
            )
        chosen.update(matching)
    edition = edition_of(plan)
    within = [c for c in _in_order(every, chosen) if c.applies_to(edition)]
    if not within:
        raise NothingToRunError(
            f"nothing to run: edition {edition} promises none of the clauses asked for; "
            "choose another by --edition"
        )
    return {clause.id: clause for clause in within}


def _in_order(every: Catalogue, chosen: Iterable[str]) -> Iterator[Clause]:
    wanted = set(chosen)
    return (clause for clause in every.values() if clause.id in wanted)


def _links(plan: RunPlan) -> Tuple[str, ...]:
    unknown = [link for link in plan.links if link not in LINKS]
    if unknown:
        raise UsageError(f"unknown link {unknown[0]!r}; expected one of {', '.join(LINKS)}")
    missing = missing_links()
    for link in plan.links:
        if link in missing:
            raise UsageError(f"link {link!r} cannot be used on this machine: {missing[link]}")
    return tuple(link for link in plan.links or LINKS if link not in missing)
