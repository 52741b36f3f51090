"""The clause catalogue: what the documentation promises, read from `clauses/*.toml` and validated.

Here live the shape of a clause and the rules that the data must keep. Which checks try a clause,
and what came of them, is no business of this module: it imports no check, no subject, no runner.
Every mistake in the data is a `CatalogueError` that names the file, the clause and the remedy.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NoReturn, Optional, Tuple

from streamgauge.conformance.errors import HarnessError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["EDITIONS", "LEVELS", "Catalogue", "CatalogueError", "Clause", "load"]

LEVELS = ("must", "should", "behaviour")
EDITIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
FOLDER = Path(__file__).parent / "clauses"
INDEX = "catalogue.toml"  # what the catalogue is, as opposed to what it says
LEDGER = "sentences.toml"  # which sentence became which clause; read by the tests alone
CHANGES = "changes.toml"  # what later editions changed; read by the tests alone
RELEASES = "releases.toml"  # what each release demanded; read by `releases`

# object.promise or object.member.promise; the promise in kebab-case.
_ID = re.compile(r"[a-z_]+(\.[a-z_-]+)?\.[a-z0-9]+(-[a-z0-9]+)*")
# An edition, then the section in the documentation's own terms: "3.8 StreamReader.read".
_SOURCE = re.compile(r"3\.\d+ \S.*")


class CatalogueError(HarnessError):
    """The catalogue's data breaks its rules; the message names file, clause and remedy."""


@dataclass(frozen=True)
class Clause:
    """One thing that the documentation promises.

    Attributes:
        id: the stable name, `object.member.promise`; never renumbered, never reused.
        level: `must` (the page's own words decide), `should` (a reasonable reading, or documented
            elsewhere), `behaviour` (a yes/no fact that the page leaves open; never scored).
        text: the promise, in our words.
        source: edition and section, one string for each place.
        since: first edition that promises it.
        until: last edition that promises it, inclusive; None while it stands.
        needs: capabilities without which it is inapplicable.
        means: what goes wrong for a user when it is broken.
        hints: what an implementer should look at first.
        object: the documented object, as the matrix names it.
        file: the data file that it stands in.
    """

    id: str
    level: str
    text: str
    source: Tuple[str, ...]
    since: str
    until: Optional[str]
    needs: Tuple[str, ...]
    means: str
    hints: Tuple[str, ...]
    object: str
    file: str

    @property
    def scored(self) -> bool:
        """Whether the clause counts; a `behaviour` is reported only."""
        return self.level != "behaviour"

    def applies_to(self, edition: str) -> bool:
        """Tell whether an edition makes this promise.

        Args:
            edition: one of `EDITIONS`.

        Raises:
            UsageError: there is no such edition.
        """
        last = EDITIONS[-1] if self.until is None else self.until
        return _rank(self.since) <= _rank(edition) <= _rank(last)


class Catalogue(Mapping[str, Clause]):
    """Clauses by id, in the order of the matrix.

    Attributes:
        version: the catalogue's version, which every claim names.
        complete_for: the editions all of whose sentences are accounted for.
        capabilities: what a subject may declare it lacks, and what each word means.
    """

    def __init__(
        self,
        clauses: Iterable[Clause],
        version: str,
        complete_for: Tuple[str, ...] = (),
        capabilities: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._clauses = {clause.id: clause for clause in clauses}
        self.version = version
        self.complete_for = complete_for
        self.capabilities: Mapping[str, str] = dict(capabilities or {})

    def __getitem__(self, clause_id: str) -> Clause:
        return self._clauses[clause_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clauses)

    def __len__(self) -> int:
        return len(self._clauses)

    def __repr__(self) -> str:
        return f"<Catalogue {self.version}: {len(self)} clauses>"

    @property
    def objects(self) -> Tuple[str, ...]:
        """The documented objects, in the order of the matrix."""
        return tuple(dict.fromkeys(clause.object for clause in self.values()))

    def for_edition(self, edition: str) -> Catalogue:
        """Give the clauses that an edition makes.

        Args:
            edition: one of `EDITIONS`.

        Raises:
            UsageError: there is no such edition.
        """
        _rank(edition)  # here too, so that an empty selection does not hide the mistake
        return self._only(clause for clause in self.values() if clause.applies_to(edition))

    def matching(self, pattern: str) -> Catalogue:
        """Give the clauses whose id matches a shell pattern, case-sensitively; maybe none.

        Args:
            pattern: as in `fnmatch`: `reader.*`, `*.cancel-*`, or one clause id.
        """
        return self._only(c for c in self.values() if fnmatchcase(c.id, pattern))

    def _only(self, clauses: Iterable[Clause]) -> Catalogue:
        return Catalogue(clauses, self.version, self.complete_for, self.capabilities)


@lru_cache(maxsize=None)
def load(folder: Path = FOLDER) -> Catalogue:
    """Read and validate the catalogue; the same folder is read once.

    Args:
        folder: where the TOML files are; the package's own by default.

    Returns:
        The whole catalogue, every edition.

    Raises:
        CatalogueError: a file is missing, unlisted or no TOML, or an entry breaks a rule.
    """
    index = _read(folder / INDEX)
    _keep_to(_INDEX_KEYS, index, INDEX)
    _all_files_listed(folder, index["files"])
    clauses: Dict[str, Clause] = {}
    for name in index["files"]:
        for clause in _clauses_of(folder / name, index["capabilities"]):
            if clause.id in clauses:
                _refuse(name, clause.id, f"stands in {clauses[clause.id].file} too; rename one")
            clauses[clause.id] = clause
    complete_for = tuple(index["complete-for"])
    return Catalogue(clauses.values(), index["version"], complete_for, index["capabilities"])


def _rank(edition: str) -> int:
    if edition not in EDITIONS:
        raise UsageError(f"edition {edition!r} is unknown; the editions are {', '.join(EDITIONS)}")
    return EDITIONS.index(edition)


def _read(path: Path) -> Dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(
            f"{path.name}: cannot be read ({error}); restore it, or take it out of `files`"
        ) from error
    except ValueError as error:
        raise CatalogueError(f"{path.name}: no TOML ({error}); correct it there") from error


def _all_files_listed(folder: Path, files: List[str]) -> None:
    unlisted = {p.name for p in folder.glob("*.toml")} - {INDEX, LEDGER, CHANGES, RELEASES, *files}
    if unlisted:
        _refuse(INDEX, None, f"{', '.join(sorted(unlisted))} not in `files`; add or delete it")


def _clauses_of(path: Path, capabilities: Mapping[str, str]) -> Iterator[Clause]:
    """Yield the clauses of one file: its `[object.x]` tables first, then `[[clause]]` by entry."""
    data = _read(path)
    _keep_to(_FILE_KEYS, data, path.name)
    for name, entry in data["object"].items():
        _keep_to(_OBJECT_KEYS, entry, path.name, f"object {name}")
    for number, entry in enumerate(data["clause"], 1):
        name = entry.get("id", f"clause number {number}")
        _keep_to(_CLAUSE_KEYS, entry, path.name, name)
        prefix, member = name.split(".")[0], name.split(".")[1]
        if prefix not in data["object"]:
            _refuse(
                path.name, name, f"no [object.{prefix}] in this file; add it or move the clause"
            )
        clause = _clause(entry, data["object"][prefix], member, path.name)
        unknown = sorted(set(clause.needs) - set(capabilities))
        if unknown:
            remedy = f"list it under [capabilities] in {INDEX}, or correct it"
            _refuse(
                path.name, name, f"needs {', '.join(unknown)}, which is no capability; {remedy}"
            )
        yield clause


def _clause(entry: Dict[str, Any], owner: Dict[str, Any], member: str, file: str) -> Clause:
    """Build a clause; it needs what its object needs, its member if that can lack, and its own."""
    implied = [member] if member in owner.get("members", ()) else []
    needs = dict.fromkeys([*owner.get("needs", ()), *implied, *entry.get("needs", ())])
    editions = entry.get("editions", {})
    source = entry["source"]
    return Clause(
        id=entry["id"],
        level=entry["level"],
        text=entry["text"],
        source=(source,) if isinstance(source, str) else tuple(source),
        since=editions.get("since", EDITIONS[0]),
        until=editions.get("until"),
        needs=tuple(needs),
        means=entry["means"],
        hints=tuple(entry.get("hints", ())),
        object=owner["name"],
        file=file,
    )


# --- the rules of the data: key -> required, what a value has to be, and the test for it --------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value == value.strip()


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_some_texts(value: Any) -> bool:
    return _is_texts(value) and bool(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _is_source(value: Any) -> bool:
    sources = [value] if isinstance(value, str) else value
    return _is_some_texts(sources) and all(map(_SOURCE.fullmatch, sources))


def _is_known_editions(value: Any) -> bool:
    return _is_some_texts(value) and set(value) <= set(EDITIONS)


def _is_span(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) <= {"since", "until"}:
        return False
    first, last = value.get("since", EDITIONS[0]), value.get("until", EDITIONS[-1])
    known = first in EDITIONS and last in EDITIONS
    return known and _rank(first) <= _rank(last)


def _is_meanings(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_tables(value: Any) -> bool:
    tables = value.values() if isinstance(value, dict) else value
    return isinstance(value, (dict, list)) and bool(value) and all(type(t) is dict for t in tables)


_Rules = Dict[str, Tuple[bool, str, Callable[[Any], bool]]]

_INDEX_KEYS: _Rules = {
    "version": (True, "a text such as '1.0'", _is_text),
    "complete-for": (True, f"a list of editions among {', '.join(EDITIONS)}", _is_known_editions),
    "files": (True, "a list of file names", _is_some_texts),
    "capabilities": (True, "a table of words and their meanings", _is_meanings),
}
_FILE_KEYS: _Rules = {
    "object": (True, "tables [object.PREFIX]", _is_tables),
    "clause": (True, "tables [[clause]]", _is_tables),
}
_OBJECT_KEYS: _Rules = {
    "name": (True, "the object's name in the matrix", _is_text),
    "needs": (False, "a list of capabilities", _is_texts),
    "members": (False, "a list of members that are capabilities", _is_texts),
}
_CLAUSE_KEYS: _Rules = {
    "id": (True, "object.member.promise, the promise in kebab-case", _is_id),
    "level": (True, f"one of {', '.join(LEVELS)}", lambda v: v in LEVELS),
    "text": (True, "the promise in a sentence or two", _is_text),
    "source": (True, "edition and section, such as '3.8 StreamReader.read'", _is_source),
    "editions": (False, f"since and until among {', '.join(EDITIONS)}, in this order", _is_span),
    "needs": (False, "a list of capabilities", _is_texts),
    "means": (True, "what goes wrong for a user, in a sentence", _is_text),
    "hints": (False, "a list of questions to an implementer", _is_texts),
}


def _keep_to(rules: _Rules, entry: Dict[str, Any], file: str, name: Optional[str] = None) -> None:
    """Hold an entry against its table of keys."""
    for key in entry:
        if key not in rules:
            _refuse(file, name, f"unknown key {key!r}; the keys are {', '.join(rules)}")
    for key, (required, shape, fits) in rules.items():
        if key not in entry and required:
            _refuse(file, name, f"{key} is missing; give {shape}")
        if key in entry and not fits(entry[key]):
            _refuse(file, name, f"{key} is {entry[key]!r}; give {shape}")


def _refuse(file: str, name: Any, what: str) -> NoReturn:
    raise CatalogueError(": ".join(str(part) for part in (file, name, what) if part))
