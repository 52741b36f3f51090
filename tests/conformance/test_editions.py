"""Later editions: each change of the page since 3.8 became a clause, or has its reason."""

from __future__ import annotations

import sys
from typing import Any, Dict, List

from streamgauge.conformance.catalogue import CHANGES, EDITIONS, FOLDER, load

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CLAUSES = load()


def changes() -> List[Dict[str, Any]]:
    """Read the ledger."""
    text = (FOLDER / CHANGES).read_text(encoding="utf-8")
    entries: List[Dict[str, Any]] = tomllib.loads(text)["change"]
    return entries


def test_a_change_is_clauses_or_has_a_reason() -> None:
    """Each entry names clauses that exist, or says why there is none, and never both."""
    for entry in changes():
        assert bool(entry.get("clauses")) != bool(entry.get("excluded", "").strip()), entry
        assert set() == set(entry.get("clauses", ())) - set(CLAUSES), entry


def test_every_later_edition_is_accounted_for() -> None:
    """The editions after 3.8 stand in the ledger, in order, and the catalogue says so."""
    told = [entry["edition"] for entry in changes()]
    assert sorted(told, key=EDITIONS.index) == told
    assert set(EDITIONS[1:]) == set(told)
    assert EDITIONS == CLAUSES.complete_for


def test_what_later_editions_brought_is_told_as_a_change() -> None:
    """A clause that begins or ends after 3.8 stands under a change of the edition that did it."""
    told = {(name, e["edition"]) for e in changes() for name in e.get("clauses", ())}
    began = {(c.id, c.since) for c in CLAUSES.values() if c.since != EDITIONS[0]}
    after_last = dict(zip(EDITIONS, EDITIONS[1:]))
    ended = {(c.id, after_last[c.until]) for c in CLAUSES.values() if c.until}
    assert set() == (began | ended) - told


def test_a_clause_names_the_edition_that_changed_it() -> None:
    """What an entry names stands in the clause's own sources, unless the clause ended there."""
    for entry in changes():
        for name in entry.get("clauses", ()):
            clause, edition = CLAUSES[name], entry["edition"]
            sources = {source.split()[0] for source in clause.source}
            earlier = {e for e in EDITIONS if EDITIONS.index(e) <= EDITIONS.index(edition)}
            assert clause.until or sources & earlier, (name, edition)
