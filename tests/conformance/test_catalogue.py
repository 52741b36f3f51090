"""The catalogue: what it offers, and that each slip in its data is named with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Tuple

import pytest

from streamgauge.conformance import catalogue
from streamgauge.conformance.catalogue import Catalogue, CatalogueError, Clause, load
from streamgauge.conformance.errors import UsageError

pytestmark = pytest.mark.any_python

INDEX = """
version = "1.0"
complete-for = ["3.8"]
files = ["thing.toml"]
[capabilities]
spin = "spinning"
wind = "winding"
"""
OBJECT = """
[object.thing]
name = "Thing"
needs = ["spin"]
members = ["wind"]
"""
CLAUSE = """
[[clause]]
id = "thing.wind.turns-once"
level = "must"
text = "It turns once."
source = "3.8 Thing.wind"
means = "It stands still."
"""
Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Write:
    """Write a catalogue of one clause, with the files given in place of its own."""

    def write(thing: str = OBJECT + CLAUSE, index: str = INDEX, **others: str) -> Path:
        (tmp_path / "catalogue.toml").write_text(index, encoding="utf-8")
        (tmp_path / "thing.toml").write_text(thing, encoding="utf-8")
        for name, text in others.items():
            (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def shipped() -> Catalogue:
    """Give the catalogue that comes with the suite."""
    return load()


def test_a_clause_is_read_whole(folder: Write) -> None:
    """Every field of the data arrives, and what is optional has its documented default."""
    expected = Clause(
        id="thing.wind.turns-once",
        level="must",
        text="It turns once.",
        source=("3.8 Thing.wind",),
        since="3.8",
        until=None,
        needs=("spin", "wind"),
        means="It stands still.",
        hints=(),
        object="Thing",
        file="thing.toml",
    )
    assert [expected] == list(load(folder()).values())


def test_optional_fields_are_read(folder: Write) -> None:
    """Editions, needs, hints and several sources reach the clause."""
    more = (
        'editions = { since = "3.9", until = "3.10" }\nneeds = ["spin"]\nhints = ["Is it oiled?"]'
    )
    text = (OBJECT + CLAUSE + more).replace('"3.8 Thing.wind"', '["3.8 A", "3.9 B"]')
    clause = load(folder(text))["thing.wind.turns-once"]
    assert ("3.9", "3.10", ("spin", "wind"), ("Is it oiled?",), ("3.8 A", "3.9 B")) == (
        clause.since,
        clause.until,
        clause.needs,
        clause.hints,
        clause.source,
    )


def test_editions_are_inclusive(folder: Write) -> None:
    """A clause with since and until applies to both of them and to no edition outside."""
    clause = load(folder(OBJECT + CLAUSE + 'editions = { since = "3.9", until = "3.10" }'))
    applies = [e for e in catalogue.EDITIONS if clause["thing.wind.turns-once"].applies_to(e)]
    assert ["3.9", "3.10"] == applies


def test_an_unknown_edition_is_the_callers_mistake() -> None:
    """Asking for an edition that does not exist names it and those that do."""
    with pytest.raises(UsageError, match=r"'3\.7' is unknown; the editions are 3\.8, 3\.9"):
        shipped().for_edition("3.7")
    with pytest.raises(UsageError, match=r"'3\.7' is unknown"):
        shipped().matching("nothing").for_edition("3.7")


def test_for_edition_leaves_out_what_was_withdrawn() -> None:
    """The loop argument, documented until 3.9, is no clause of the 3.10 edition."""
    loops = "*.loop.accepted"
    assert 4 == len(shipped().for_edition("3.9").matching(loops))
    assert 0 == len(shipped().for_edition("3.10").matching(loops))


def test_matching_is_case_sensitive_and_keeps_the_order() -> None:
    """Patterns are shell patterns over ids; upper case matches nothing."""
    ids = list(shipped().matching("reader.at_eof.*"))
    assert [i for i in shipped() if i.startswith("reader.at_eof.")] == ids
    assert [] == list(shipped().matching("READER.*"))


def test_matching_keeps_what_the_catalogue_is() -> None:
    """A selection still names version, editions and capabilities."""
    some, whole = shipped().matching("reader.*"), shipped()
    assert (whole.version, whole.complete_for, whole.capabilities) == (
        some.version,
        some.complete_for,
        some.capabilities,
    )


def test_objects_come_in_the_order_of_the_matrix() -> None:
    """Functions first, then the classes, then what goes across them."""
    expected = (
        "open_connection",
        "start_server",
        "open_unix_connection",
        "start_unix_server",
        "StreamReader",
        "StreamWriter",
        "Server and handlers",
        "StreamReaderProtocol",
        "Examples",
        "Hygiene",
    )
    assert expected == shipped().objects


def test_the_catalogue_is_read_once() -> None:
    """Loading twice gives the same object."""
    assert load() is load()


def test_shipped_texts_are_sentences() -> None:
    """Promise and meaning are whole sentences; hints are questions."""
    clauses = shipped().values()
    texts = [text for clause in clauses for text in (clause.text, clause.means)]
    hints = [hint for clause in clauses for hint in clause.hints]
    assert [] == [text for text in texts if not text.endswith(".")]
    assert [] == [hint for hint in hints if not hint.endswith("?")]


@pytest.mark.parametrize(("edition", "sizes"), [("3.8", (134, 93, 75)), ("3.15", (154, 99, 83))])
def test_an_edition_has_the_expected_size(edition: str, sizes: Tuple[int, ...]) -> None:
    """The count is written here so that a clause is added or lost on purpose only."""
    levels = [clause.level for clause in shipped().for_edition(edition).values()]
    assert sizes == tuple(map(levels.count, catalogue.LEVELS))


def test_every_capability_is_needed_or_awaited() -> None:
    """No capability is declared in vain, save the one that checks alone need."""
    needed = {need for clause in shipped().values() for need in clause.needs}
    assert {"half-close"} == set(shipped().capabilities) - needed


# One line for each rule: what is replaced in the data, by what, and what the error says.
SLIPS = {
    "unknown clause key": ("means =", "maens =", "thing.wind.turns-once: unknown key 'maens'"),
    "unknown object key": ("members =", "member =", "object thing: unknown key 'member'"),
    "unknown file key": ("[[clause]]", "[[clauses]]", "thing.toml: unknown key 'clauses'"),
    "no text": ('text = "It turns once."', "", "text is missing; give the promise"),
    "no source": ('source = "3.8 Thing.wind"', "", "source is missing; give edition and section"),
    "no means": ('means = "It stands still."', "", "means is missing; give what goes wrong"),
    "no level": ('level = "must"', "", "level is missing; give one of must, should, behaviour"),
    "no id": ('id = "thing.wind.turns-once"', "", "clause number 1: id is missing"),
    "blank text": ("It turns once.", " ", "text is ' '; give the promise"),
    "blank means": ("It stands still.", "", "means is ''; give what goes wrong"),
    "bad level": ('"must"', '"shall"', "level is 'shall'; give one of must, should, behaviour"),
    "level no text": ('"must"', '["must"]', "level is ['must']; give one of"),
    "bad id": ("turns-once", "Turns_Once", "id is 'thing.wind.Turns_Once'; give object.member"),
    "id of one part": ("thing.wind.turns-once", "turns", "id is 'turns'; give object.member"),
    "id no text": ('"thing.wind.turns-once"', "7", "7: id is 7; give object.member.promise"),
    "source without edition": ("3.8 Thing", "Thing", "source is 'Thing.wind'; give edition"),
    "no object": ("thing.wind", "other.wind", "no [object.other] in this file; add it"),
    "no object name": ('name = "Thing"', "", "object thing: name is missing"),
    "unknown need": ('["spin"]', '["fly"]', "needs fly, which is no capability; list it under"),
    "no TOML": ("[[clause]]", "[[clause", "thing.toml: no TOML ("),
}
EDITIONS = {
    "unknown edition": '{ since = "3.7" }',
    "turned round": '{ since = "3.10", until = "3.9" }',
    "unknown key": '{ from = "3.8" }',
    "no table": '"3.8"',
    "no text": "{ since = [3, 8] }",
}
INDEX_SLIPS = {
    "no version": ('version = "1.0"', "", "catalogue.toml: version is missing; give a text"),
    "unknown edition": ('["3.8"]', '["3.7"]', "complete-for is ['3.7']; give a list of editions"),
    "no files": ('["thing.toml"]', "[]", "files is []; give a list of file names"),
    "absent file": ('["thing.toml"]', '["thing.toml", "b.toml"]', "b.toml: cannot be read ("),
    "unknown key": ("version", "edition", "catalogue.toml: unknown key 'edition'"),
    "blank capability": ('"spinning"', '""', "capabilities is {'spin': ''"),
}


def refusal(folder: Path) -> str:
    """Load a catalogue that breaks a rule and give what its error says."""
    with pytest.raises(CatalogueError) as caught:
        load(folder)
    return str(caught.value)


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_a_file_is_named(folder: Write, slip: str) -> None:
    """The error names the file, the entry and what to give instead."""
    old, new, message = SLIPS[slip]
    said = refusal(folder((OBJECT + CLAUSE).replace(old, new, 1)))
    assert ("thing.toml", True) == (said.split(":")[0], message in said), said


@pytest.mark.parametrize("slip", INDEX_SLIPS)
def test_a_slip_in_the_index_is_named(folder: Write, slip: str) -> None:
    """What the catalogue says of itself is held to its rules as well."""
    old, new, message = INDEX_SLIPS[slip]
    said = refusal(folder(index=INDEX.replace(old, new, 1)))
    assert message in said, said


@pytest.mark.parametrize("slip", EDITIONS)
def test_bad_editions_are_named(folder: Write, slip: str) -> None:
    """Both since and until have to be known editions in their order, and nothing else."""
    said = refusal(folder(OBJECT + CLAUSE + f"editions = {EDITIONS[slip]}"))
    assert "thing.wind.turns-once: editions is" in said, said


def test_an_id_stands_once_in_a_file(folder: Write) -> None:
    """A name that is used twice in one file is refused."""
    said = refusal(folder(OBJECT + CLAUSE + CLAUSE))
    assert "thing.toml: thing.wind.turns-once: stands in thing.toml too; rename one" == said


def test_an_id_stands_once_in_the_catalogue(folder: Write) -> None:
    """A name that is used in two files is refused, and both are named."""
    index = INDEX.replace('["thing.toml"]', '["thing.toml", "more.toml"]')
    said = refusal(folder(index=index, more=OBJECT + CLAUSE))
    assert "more.toml: thing.wind.turns-once: stands in thing.toml too; rename one" == said


def test_a_file_that_is_not_listed_is_named(folder: Write) -> None:
    """A file of clauses that nobody reads is an error, not a silence."""
    said = refusal(folder(stray=OBJECT + CLAUSE))
    assert "catalogue.toml: stray.toml not in `files`; add or delete it" == said


def test_the_ledger_is_no_file_of_clauses(folder: Write) -> None:
    """sentences.toml may stand in the folder without being listed."""
    assert 1 == len(load(folder(sentences="")))
