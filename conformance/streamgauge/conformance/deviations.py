"""Deviations: departures that a subject's owner has listed, and how results compare to them.

What an entry is, when it applies, and `classify`, which sorts a run's results into listed, new
and stale. Entries are read from files elsewhere (`deviation_files`). Nothing here runs a trial,
prints, or makes a claim: a listed departure changes the exit code only.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import DefaultDict, Iterable, List, Optional, Sequence, Tuple, TypeVar

from packaging.specifiers import SpecifierSet

from streamgauge.conformance import hygiene, interruptions
from streamgauge.conformance.plan import LINKS, Result
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
]

_Item = TypeVar("_Item", Result, "Deviation")

ANY_LINK = (*LINKS, "-")  # a trial that needs no link has the dash

# Clauses that the plays of every check speak for.
SHOWN_BY_ANY = frozenset([*interruptions.CLAUSES.values(), *hygiene.NOISE_IDS.values()])

# What an entry may list: what counts against a subject, and what could not be tried because an
# earlier step of the subject's is known to fail.
LISTABLE = tuple(v for v in Verdict if v in AGAINST or v is Verdict.PRECONDITION)


@dataclass(frozen=True)
class Here:
    """Where a run takes place, as far as `when` can ask.

    Args:
        python: three numbers; a pre-release counts as its release.
        platform: as `sys.platform` has it.
    """

    python: str = "{}.{}.{}".format(*sys.version_info[:3])
    platform: str = sys.platform


@dataclass(frozen=True)
class When:
    """Under which conditions an entry expects its departure.

    Args:
        python: version specifiers over the running Python; empty for any.
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

    def applies(self, here: Here, version: str) -> bool:
        """Whether the entry has a say in a run that takes place here, on that version."""
        return (
            SpecifierSet(self.python).contains(here.python)
            and fnmatchcase(here.platform, self.platform)
            and self.fits(version)
        )

    def fits(self, version: str) -> bool:
        """Whether the entry is about that version of the subject."""
        return not self.version or SpecifierSet(self.version).contains(version, prereleases=True)

    def covers(self, result: Result) -> bool:
        """Whether the departure is expected on this result's loop and link."""
        return fnmatchcase(result.loop, self.loop) and result.link in (self.links or [result.link])

    def overlaps(self, other: When) -> bool:
        """Whether one trial could meet both; patterns are compared with each other as text."""
        both = SpecifierSet(self.python) & SpecifierSet(other.python)
        return (
            any(both.contains(version) for version in _VERSIONS)
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

    def applies(self, here: Here) -> bool:
        """Whether the entry has a say in a run that takes place here."""
        return self.when.applies(here, self.version)

    def concerns(self, result: Result) -> bool:
        """Whether this result is one in which the departure is expected."""
        return (result.subject, result.clause) == (self.subject, self.clause) and (
            self.when.covers(result)
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
        untried: scored results whose clause could not be tried, and is not listed so.
        harness: results whose fault is the suite's, behaviour clauses included.
        stale: entries that concern trials of this run, none of which departed as listed.
    """

    listed: Tuple[Tuple[Result, Deviation], ...] = ()
    new: Tuple[Result, ...] = ()
    untried: Tuple[Result, ...] = ()
    harness: Tuple[Result, ...] = ()
    stale: Tuple[Deviation, ...] = ()


def classify(
    results: Sequence[Result],
    deviations: Iterable[Deviation],
    *,
    complete: bool = True,
    whole: bool = True,
    here: Optional[Here] = None,
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

    Returns:
        Every result that counts against its subject once, and the stale entries.
    """
    entries = [d for d in deviations if d.applies(here or Here())]
    tried = _by_clause(results)
    about = _by_clause(entries)
    matched = [(r, _entry_for(r, about[r.subject, r.clause])) for r in results if r.scored]
    used = {id(entry) for _, entry in matched}
    unlisted = [r for r, entry in matched if entry is None]
    return Sorted(
        listed=tuple((r, entry) for r, entry in matched if entry is not None),
        new=tuple(r for r in unlisted if r.verdict in AGAINST),
        untried=tuple(r for r in unlisted if r.verdict in UNTRIED),
        harness=tuple(r for r in results if r.verdict is Verdict.HARNESS),
        stale=tuple(
            d
            for d in entries
            if complete
            and id(d) not in used
            and not d.flaky
            and (whole or d.clause not in SHOWN_BY_ANY)
            and _was_tried(d, tried[d.subject, d.clause])
        ),
    )


def _by_clause(items: Iterable[_Item]) -> DefaultDict[Tuple[str, str], List[_Item]]:
    found: DefaultDict[Tuple[str, str], List[_Item]] = defaultdict(list)
    for item in items:
        found[item.subject, item.clause].append(item)
    return found


def _entry_for(result: Result, entries: Sequence[Deviation]) -> Optional[Deviation]:
    if result.verdict not in LISTABLE:
        return None
    return next((d for d in entries if d.lists(result)), None)


def _was_tried(entry: Deviation, results: Sequence[Result]) -> bool:
    # A trial that was not tried, or of the suite's own fault, says nothing about the entry; nor
    # does one that was played once about an entry of what shows under some plans only.
    silent = (Verdict.INAPPLICABLE, Verdict.HARNESS, *UNTRIED)
    plays = 2 if entry.verdict is Verdict.PARTIAL else 0
    return any(entry.concerns(r) and r.verdict not in silent and r.plays >= plays for r in results)
