"""CPython's historic stream bugs, each with the clause that finds it: `history.toml`.

Which versions have a bug of a scored clause is told by the standard library's list of departures,
under the same issue, and by nothing else. A test runs the clauses on each Python there is.
Other rows carry the releases on which they were seen, and seen gone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Sequence, Tuple

from packaging.specifiers import SpecifierSet

from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.observed import base_of, expanded, observed
from streamgauge.conformance.plan import STOCK_LOOP, Result
from streamgauge.conformance.verdicts import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Bug", "bugs", "expected"]

FILE = Path(__file__).with_name("history.toml")


@dataclass(frozen=True)
class Bug:
    """One bug.

    Args:
        issue: its number in CPython's tracker, or where else it is described.
        what: what goes wrong, in a few words.
        clause: the clause that finds it.
        link: on which link it shows.
        fixed: the version that ended it everywhere; empty where a supported Python has it.
        python: for a behaviour, specifiers of the versions that have it; any of them.
        answers: for a behaviour, the verdict where a version has it; empty for a scored clause.
        seen: the releases on which it was seen; empty where the list of departures says it.
        gone: the releases on which its clause was seen to hold, likewise.
    """

    issue: str
    what: str
    clause: str
    link: str
    fixed: str = ""
    python: Tuple[str, ...] = ()
    answers: str = ""
    seen: Tuple[str, ...] = ()
    gone: Tuple[str, ...] = ()


def bugs() -> List[Bug]:
    """Read the list.

    Raises:
        HarnessError: an entry has a key too many or too few.
    """
    entries: List[Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))["bug"]
    known = observed().releases("stdlib", STOCK_LOOP)
    try:
        return [
            Bug(
                **{
                    **entry,
                    "python": tuple(entry.get("python", ())),
                    "seen": expanded(entry.get("seen", ()), known),
                    "gone": expanded(entry.get("gone", ()), known),
                }
            )
            for entry in entries
        ]
    except (TypeError, ValueError) as error:
        raise HarnessError(f"{FILE.name}: {error}; the keys are those of Bug") from error


def expected(bug: Bug, python: str, listed: Sequence[Deviation]) -> Verdict:
    """Say what the bug's clause comes to on a version of Python.

    Args:
        bug: which one.
        python: the release, as `observed.running` names it.
        listed: the standard library's known departures.
    """
    if bug.answers:
        has = any(SpecifierSet(one).contains(base_of(python)) for one in bug.python)
        has = python in bug.seen or (has and python not in bug.gone)
        return Verdict(bug.answers) if has else Verdict.PASS
    trial = Result("stdlib", STOCK_LOOP, bug.link, bug.clause, "", "must", Verdict.PASS)
    for entry in sources(bug, listed):
        if entry.expected(python) and entry.when.covers(trial):
            return entry.verdict
    return Verdict.PASS


def sources(bug: Bug, listed: Sequence[Deviation]) -> List[Deviation]:
    """Give the departures that are this bug's: same clause, same issue."""
    return [d for d in listed if d.clause == bug.clause and bug.issue in d.issue]
