"""Deviation files: reading and checking them; those of known subjects and loops are in `known/`.

A file is TOML: `subject`, where nothing else says whose it is, and one `[[deviation]]` an entry,
with the keys of `deviation_keys`. One that has `loop` instead, a pattern, is about an
event loop: its entries are of whatever subjects the run judges on it, or of those that an entry
names. What ships of loops is said of `SHAPED` subjects alone. Every slip is a `DeviationError` that
names file, entry and remedy. What an entry means for a run's results stands in `deviations`.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from streamgauge.conformance import registry
from streamgauge.conformance.deviation_keys import (
    DRAFT_KEYS,
    ENTRY_KEYS,
    OF_LOOP_KEYS,
    OF_SHIPPED_KEYS,
    WHEN_KEYS,
    Keys,
    broken_key,
    is_loop,
    is_text,
)
from streamgauge.conformance.deviations import Deviation, When
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.observed import KNOWN, SHAPED, Observed, expanded, observed
from streamgauge.conformance.verdicts import Verdict
from streamgauge.conformance.versions import version_of, version_of_loop

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from streamgauge.conformance.catalogue import Clause

    Clauses = Mapping[str, Clause]

__all__ = ["DeviationError", "gather", "load"]

LOOPS = "loops"  # folder in `known`


class DeviationError(UsageError):
    """A deviation file can't be used; the message names file, entry and remedy."""


def gather(
    subjects: Sequence[str], files: Sequence[Path], clauses: Clauses, known: Path = KNOWN
) -> List[Deviation]:
    """Collect all that is listed for the subjects of a run.

    Args:
        subjects: their names; what ships in `known/` is found by name, and all that of loops.
        files: the caller's own, on top.
        clauses: the catalogue, to check ids and levels against.
        known: the folder of shipped files.

    Raises:
        DeviationError: a file can't be read or breaks a rule, an entry overlaps another one, or a
            file without `subject` meets a run of several subjects.
    """
    table = observed(known)
    shipped = [(known / f"{name}.toml", name) for name in subjects if name.isidentifier()]
    found = [
        entry
        for path, name in shipped
        if path.is_file()
        for entry in load(path, clauses, name, table=table)
    ]
    shaped = [name for name in subjects if name in SHAPED]
    for path in sorted((known / LOOPS).glob("*.toml")) if shaped else ():
        found += load(path, clauses, *shaped, table=table)
    for path in files:
        entries = load(path, clauses, *subjects)
        strangers = sorted({d.subject for d in entries} - {*subjects})
        if strangers and len(strangers) == len({d.subject for d in entries}):
            raise DeviationError(
                f"{path}: lists departures of {strangers[0]!r}, and the run judges "
                f"{', '.join(subjects)}; name it on the command line, or mend `subject`"
            )
        found += [d for d in entries if d.subject in subjects]
    _refuse_overlaps(found)
    return found


def load(
    path: Path,
    clauses: Clauses,
    *subjects: str,
    drafts: bool = False,
    table: Optional[Observed] = None,
) -> List[Deviation]:
    """Read one file.

    Args:
        path: a TOML file.
        clauses: the catalogue, to check ids and levels against.
        subjects: whom the run judges: whose file it is where that is one and the file's own
            `subject` key does not say so; all of them where it is a loop's.
        drafts: take entries whose reason or issue is still a TODO.
        table: for a shipped file, where its subject or loop was judged; None for a user's.

    Raises:
        DeviationError: it can't be read, is no TOML, or breaks a rule; the message says which.
    """
    data = _parse(path)
    unknown = sorted(set(data) - {"subject", "loop", "deviation"})
    if unknown:
        raise DeviationError(
            f"{path}: unknown key {unknown[0]!r}; use subject or loop, and [[deviation]]"
        )
    entries = data.get("deviation", [])
    if not isinstance(entries, list):
        raise DeviationError(f"{path}: `deviation` is no list; write [[deviation]], two brackets")
    whose, loop = _about(path, data, subjects)
    keys = {
        **ENTRY_KEYS,
        **(DRAFT_KEYS if drafts else {}),
        **(OF_LOOP_KEYS if loop else {}),
        **({} if table is None else OF_SHIPPED_KEYS),
    }
    made = [
        (entry, one)
        for number, entry in enumerate(entries, 1)
        for one in _entries(_Place(path, number, subjects), entry, whose, loop, clauses, keys)
    ]
    return [one if table is None else _shipped(one, entry, table) for entry, one in made]


def _shipped(made: Deviation, entry: Mapping[str, Any], table: Observed) -> Deviation:
    """Return an entry of a shipped file with the releases on which it was seen, and seen gone."""
    known = table.releases(made.subject, made.when.loop)
    try:
        seen, gone = (expanded(entry.get(key, ()), known) for key in ("seen", "gone"))
    except ValueError as error:
        raise DeviationError(
            f"{made.where} ({made.clause}): {error}; observed.toml has, for it: "
            f"{', '.join(known) or 'none'}"
        ) from error
    return replace(made, shipped=True, seen=seen, gone=gone)


def is_of_a_loop(path: Path) -> bool:
    """Whether a file lists what a loop does, under whichever subjects.

    Raises:
        DeviationError: it can't be read, or is no TOML.
    """
    return "loop" in _parse(path)


def _about(
    path: Path, data: Mapping[str, Any], subjects: Sequence[str]
) -> Tuple[Sequence[str], Optional[str]]:
    """Say whose departures a file lists, and on which loop if it is a loop's."""
    loop = data.get("loop")
    if loop is not None:
        if not is_text(loop) or "subject" in data:
            raise DeviationError(
                f'{path}: expected `loop = "PATTERN"` and no `subject` beside it, got '
                f"loop = {loop!r}; an entry may name subjects, in a list"
            )
        if not is_loop(loop):
            raise DeviationError(f"{path}: loop = {loop!r}; expected {WHEN_KEYS['loop'][1]}")
        return subjects, str(loop)
    whose = data.get("subject", subjects[0] if len(subjects) == 1 else None)
    if not isinstance(whose, str) or not whose:
        raise DeviationError(
            f'{path}: whose departures are these? Put `subject = "NAME"` on its first line'
        )
    return [whose], None


def _parse(path: Path) -> Dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviationError(f"{path}: {error.strerror or error}; give a readable file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeviationError(f"{path}: not valid TOML ({error}); mend the file") from error


class _Place(NamedTuple):
    """Where an entry stands, and whom the run judges whose file it is in."""

    path: Path
    number: int
    judged: Sequence[str]


def _entries(
    place: _Place,
    entry: Any,
    subjects: Sequence[str],
    loop: Optional[str],
    clauses: Clauses,
    keys: Keys,
) -> List[Deviation]:
    """Read one entry, once for each subject and each clause that it is about."""
    name = entry.get("clause", "no clause") if isinstance(entry, dict) else entry
    where = f"{place.path.name}, deviation {place.number}"
    problem = _problem(entry, clauses, keys)
    if problem:
        raise DeviationError(f"{place.path}, deviation {place.number} ({name}): {problem}")
    when = entry.get("when", {})
    return [
        Deviation(
            subject=subject,
            clause=clause,
            verdict=Verdict(entry["verdict"]),
            when=When(
                python=when.get("python", ""),
                loop=when.get("loop", loop or "*"),
                links=tuple(when.get("link", ())),
                platform=when.get("platform", "*"),
                version=when.get("version", ""),
            ),
            reason=" ".join(entry["reason"].split()),
            issue=entry["issue"],
            where=where,
            match=entry.get("match"),
            check=entry.get("check", ""),
            # A stranger's entry is none of the run's, and asking would import the stranger.
            version=_version(subject, loop, where)
            if "version" in when and subject in (place.judged or subjects)
            else "",
        )
        for subject in subjects
        if subject in entry.get("subject", subjects)
        for clause in _listed(entry["clause"])
    ]


def _listed(clauses: Any) -> Sequence[str]:
    return [clauses] if isinstance(clauses, str) else clauses


def _version(subject: str, loop: Optional[str], where: str) -> str:
    version = version_of_loop(loop) if loop else version_of(subject)
    if version:
        return version
    if loop:
        raise DeviationError(
            f"{where}: asks for the version of {loop!r}, of which no package of that name is "
            "installed; leave it out of `when`"
        )
    raise DeviationError(
        f"{where}: asks for the version of {subject!r}, which nothing tells; give the subject "
        'an attribute `version = "1.2"`, or leave it out of `when`'
    )


def _problem(entry: Any, clauses: Clauses, keys: Keys) -> Optional[str]:
    """Say what breaks a rule first, and the remedy; None for a sound entry."""
    if not isinstance(entry, dict):
        return "expected a table; write [[deviation]], two brackets"
    problem = broken_key(entry, keys) or broken_key(entry.get("when", {}), WHEN_KEYS)
    if problem:
        return problem
    for clause in _listed(entry["clause"]):
        if clause not in clauses:
            return f"the catalogue has no such clause as {clause}; see `streamgauge list`"
        if clauses[clause].level == "behaviour":
            return f"a behaviour such as {clause} is never scored: nothing departs; take it out"
        checks = [check.name for check in registry.checks_for(clause)]
        if entry.get("check") not in (None, *checks):
            return f"{clause} has no check {entry['check']}; it has {', '.join(checks) or 'none'}"
    return None


def _refuse_overlaps(deviations: Sequence[Deviation]) -> None:
    for at, one in enumerate(deviations):
        for other in deviations[:at]:
            if one.overlaps(other):
                raise DeviationError(
                    f"{one.where} ({one.clause}): overlaps {other.where}; "
                    "keep one, or tell them apart by `when` or `match`"
                )
