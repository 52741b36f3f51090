"""Deviations: departures that a subject's owner has listed, and how results compare to them.

What an entry is, when it applies, and `classify`, which sorts a run's results into listed, new
and stale. Entries are read from files elsewhere (`deviation_files`). Nothing here runs a trial,
prints, or makes a claim: a listed departure changes the exit code only.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import DefaultDict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, TypeVar

from packaging.specifiers import SpecifierSet

from streamgauge.conformance import hygiene, interruptions
from streamgauge.conformance.loops import strangers_of
from streamgauge.conformance.observed import Observed, base_of, neighbours, running
from streamgauge.conformance.plan import LINKS, Result
from streamgauge.conformance.subjects import BUILTIN
from streamgauge.conformance.verdicts import AGAINST, UNTRIED, Verdict

__all__ = [
    "ANY_LINK",
    "LISTABLE",
    "SHOWN_BY_ANY",
    "Deviation",
    "Here",
    "Sorted",
    "When",
    "classify",
    "was_tried",
]

_Item = TypeVar("_Item", Result, "Deviation")

ANY_LINK = (*LINKS, "-")  # a trial that needs no link has the dash
OR = " or "  # between specifiers of which one has to hold

# Clauses that the plays of every check speak for.
SHOWN_BY_ANY = frozenset([*interruptions.CLAUSES.values(), *hygiene.NOISE_IDS.values()])

# What an entry may list: what counts against a subject, and what could not be tried because an
# earlier step of the subject's is known to fail.
LISTABLE = tuple(v for v in Verdict if v in AGAINST or v is Verdict.PRECONDITION)


@dataclass(frozen=True)
class Here:
    """Where a run takes place.

    Args:
        python: the release, as `observed.running` names it.
        platform: as `sys.platform` has it.
        versions: those of the packages of subjects and loops, by name of either.
    """

    python: str = field(default_factory=running)
    platform: str = sys.platform
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class When:
    """Under which conditions an entry expects its departure.

    Args:
        python: version specifiers over the running Python, a pre-release counting as its
            release; alternatives have ` or ` between them; empty for any.
        loop: fnmatch pattern over the loop's name.
        links: links on which it is expected, every other must pass; empty for all.
        platform: fnmatch pattern over `sys.platform`.
        version: version specifiers over the subject's own version; empty for any.
    """

    python: str = ""
    loop: str = "*"
    links: Tuple[str, ...] = ()
    platform: str = "*"
    version: str = ""

    def meets(self, python: str) -> bool:
        """Whether the specifiers over Python hold for a release."""
        numbers = base_of(python)
        return any(SpecifierSet(one).contains(numbers) for one in self.python.split(OR))

    def fits(self, version: str) -> bool:
        """Whether the entry is about that version; a pre-release counts as its release too."""
        asked = SpecifierSet(self.version)
        return not self.version or any(
            asked.contains(one, prereleases=True) for one in {version, base_of(version or "0")}
        )

    def covers(self, result: Result) -> bool:
        """Whether the departure is expected on this result's loop and link."""
        return fnmatchcase(result.loop, self.loop) and result.link in (self.links or [result.link])

    def overlaps(self, other: When) -> bool:
        """Whether one trial could meet both; patterns are compared with each other as text."""
        return (
            any(self.meets(version) and other.meets(version) for version in _VERSIONS)
            and _patterns_meet(self.loop, other.loop)
            and _patterns_meet(self.platform, other.platform)
            and bool({*(self.links or ANY_LINK)}.intersection(other.links or ANY_LINK))
        )


# Every version that two specifier sets could share, for `overlaps`: far more than exist.
_VERSIONS = [f"3.{minor}.{micro}" for minor in range(8, 21) for micro in range(40)]


def _patterns_meet(one: str, other: str) -> bool:
    return fnmatchcase(one, other) or fnmatchcase(other, one)


@dataclass(frozen=True)
class Deviation:
    """One entry.

    Args:
        subject: whose departure it is.
        clause: id of a scored clause.
        verdict: the verdict that is expected.
        when: under which conditions.
        reason: why the subject departs, in the owner's words.
        issue: where it is followed up.
        where: file and number of the entry, for messages.
        match: regular expression searched for in the result's detail; None for any detail.
        version: the subject's own version; empty where nothing asks for it.
        check: name of the one check of the clause that departs; empty for all of them.
        shipped: whether it stands in a list of the suite's own.
        seen: of a shipped entry, the releases of Python on which it was seen.
        gone: those on which its trials were played, and none departed so.
    """

    subject: str
    clause: str
    verdict: Verdict
    when: When
    reason: str
    issue: str
    where: str
    match: Optional[str] = None
    version: str = ""
    check: str = ""
    shipped: bool = False
    seen: Tuple[str, ...] = ()
    gone: Tuple[str, ...] = ()

    def applies(self, here: Here) -> bool:
        """Whether the entry has a say in a run that takes place here."""
        return (
            fnmatchcase(here.platform, self.when.platform)
            and self.when.fits(self.version)
            and self.expected(here.python) is not False
        )

    def expected(self, python: str) -> Optional[bool]:
        """Whether the departure is expected on a release of Python.

        An observation decides. A release that was not observed goes by `when`, unless it lies
        between two of its branch of which one departs and the other does not.

        Returns:
            True or False; None for a release between two that differ: nobody knows.
        """
        if python in self.seen or python in self.gone:
            return python in self.seen
        around = neighbours(python, [*self.seen, *self.gone])
        if None not in around and len({release in self.seen for release in around}) > 1:
            return None
        return self.when.meets(python)

    def concerns(self, result: Result) -> bool:
        """Whether this result is one in which the departure is expected."""
        return (
            (result.subject, result.clause) == (self.subject, self.clause)
            and self.check in ("", result.check)
            and self.when.covers(result)
        )

    @property
    def flaky(self) -> bool:
        """Whether it lists what departs now and then, in whatever way.

        No run can show such an entry to be stale: what passed may fail the next time.
        """
        return self.verdict is Verdict.FLAKY

    def lists(self, result: Result) -> bool:
        """Whether the result departs just as the entry says."""
        return (
            self.concerns(result)
            and (result.verdict is self.verdict or (self.flaky and result.verdict in AGAINST))
            and (self.match is None or re.search(self.match, result.detail) is not None)
        )

    def overlaps(self, other: Deviation) -> bool:
        """Whether both could list one and the same result."""
        told_apart = self.match != other.match and None not in (self.match, other.match)
        told_apart = told_apart or (
            self.check != other.check and "" not in (self.check, other.check)
        )
        return (
            (self.subject, self.clause) == (other.subject, other.clause)
            and (self.verdict is other.verdict or self.flaky or other.flaky)
            and not told_apart
            and self.when.fits(self.version)
            and other.when.fits(other.version)
            and self.when.overlaps(other.when)
        )


@dataclass(frozen=True)
class Sorted:
    """The results of a run that are no plain pass, and the entries that came to nothing.

    Args:
        listed: departures with the entry that lists each.
        new: departures that no entry lists, or that depart otherwise than listed.
        unseen: the same of built-in subjects and loops, where they were never judged: on another
            release of Python, or another version of their package. They are notes.
        untried: scored results whose clause could not be tried, and is not listed so.
        harness: results whose fault is the suite's, behaviour clauses included.
        stale: entries of the user's that concern trials of this run, none of which departed as
            listed.
        better: the same of shipped entries. They are notes: the file is not the user's to mend.
    """

    listed: Tuple[Tuple[Result, Deviation], ...] = ()
    new: Tuple[Result, ...] = ()
    unseen: Tuple[Result, ...] = ()
    untried: Tuple[Result, ...] = ()
    harness: Tuple[Result, ...] = ()
    stale: Tuple[Deviation, ...] = ()
    better: Tuple[Deviation, ...] = ()


def classify(
    results: Sequence[Result],
    deviations: Iterable[Deviation],
    *,
    complete: bool = True,
    whole: bool = True,
    here: Optional[Here] = None,
    observed: Optional[Observed] = None,
) -> Sorted:
    """Compare a run's results with what is listed.

    Args:
        results: of all subjects.
        deviations: of all subjects, from `gather`.
        complete: whether the run ended by itself; after a cut nothing is called stale, as the
            departing trial may be among those that never ran.
        whole: whether all clauses were selected; if not, nothing is called stale whose departure
            the checks of any clause may show, those that were left out among them.
        here: where the run took place; None for this very process.
        observed: where built-in subjects and loops were judged; None for everywhere.

    Returns:
        Every result that counts against its subject once, and the entries that came to nothing.
    """
    here = here or Here()
    entries = [d for d in deviations if d.applies(here)]
    about = _by_clause(entries)
    matched = [(r, _entry_for(r, about[r.subject, r.clause])) for r in results if r.scored]
    unlisted = [r for r, entry in matched if entry is None]
    foreign = {id(r) for r in unlisted if observed and _never_judged(r, here, observed)}
    against = [r for r in unlisted if r.verdict in AGAINST]
    used = {id(entry) for _, entry in matched}
    idle = _idle(entries, used, results, here, whole) if complete else []
    return Sorted(
        listed=tuple((r, entry) for r, entry in matched if entry is not None),
        new=tuple(r for r in against if id(r) not in foreign),
        unseen=tuple(r for r in unlisted if id(r) in foreign),
        untried=tuple(r for r in unlisted if r.verdict in UNTRIED and id(r) not in foreign),
        harness=tuple(r for r in results if r.verdict is Verdict.HARNESS),
        stale=tuple(d for d in idle if not d.shipped),
        better=tuple(d for d in idle if d.shipped),
    )


def _never_judged(result: Result, here: Here, observed: Observed) -> bool:
    """Whether it is a departure of what is built in, where that was never judged."""
    if result.verdict not in LISTABLE or result.subject not in BUILTIN:
        return False
    if strangers_of(result.loop):
        return False
    row = observed.row(result.subject, result.loop)
    package = here.versions.get(result.subject) or here.versions.get(result.loop)
    return (
        row is None
        or here.python not in row.python
        or bool(row.versions and package and package not in row.versions)
    )


def _idle(
    entries: Sequence[Deviation],
    used: Set[int],
    results: Sequence[Result],
    here: Here,
    whole: bool,
) -> List[Deviation]:
    """Return the entries that are expected here, and whose trials did not depart so."""
    tried = _by_clause(results)
    return [
        d
        for d in entries
        if id(d) not in used
        and not d.flaky
        and d.expected(here.python)
        and (whole or d.clause not in SHOWN_BY_ANY)
        and was_tried(d, tried[d.subject, d.clause])
    ]


def _by_clause(items: Iterable[_Item]) -> DefaultDict[Tuple[str, str], List[_Item]]:
    found: DefaultDict[Tuple[str, str], List[_Item]] = defaultdict(list)
    for item in items:
        found[item.subject, item.clause].append(item)
    return found


def _entry_for(result: Result, entries: Sequence[Deviation]) -> Optional[Deviation]:
    if result.verdict not in LISTABLE:
        return None
    return next((d for d in entries if d.lists(result)), None)


def was_tried(entry: Deviation, results: Sequence[Result]) -> bool:
    """Whether results say something about an entry: one that it concerns was played."""
    # A trial that was not tried, or of the suite's own fault, says nothing about the entry; nor
    # does one that was played once about an entry of what shows under some plans only.
    silent = (Verdict.INAPPLICABLE, Verdict.HARNESS, *UNTRIED)
    plays = 2 if entry.verdict is Verdict.PARTIAL else 0
    return any(entry.concerns(r) and r.verdict not in silent and r.plays >= plays for r in results)
