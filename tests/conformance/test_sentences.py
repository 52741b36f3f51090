"""Total accounting: each sentence of the 3.8 page is a clause or an exclusion with its reason.

The page's words are not in the repository. Where they are at hand (`page.find_page`) the ledger is
held against them in both directions; without them its inner consistency is tested all the same.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Dict, Iterable, List, Mapping, Set, Tuple

import pytest

from streamgauge.conformance.catalogue import FOLDER, LEDGER, Clause, load

from . import page

pytestmark = pytest.mark.any_python

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Entry = Dict[str, Any]
Key = Tuple[str, int, str]
COPIED_WORDS = 10  # this many words of the page in a row are its sentence, not its subject


def ledger() -> List[Entry]:
    """Read the ledger that comes with the suite."""
    entries: List[Entry] = tomllib.loads((FOLDER / LEDGER).read_text(encoding="utf-8"))["sentence"]
    return entries


def text_of_page() -> str:
    """Read the page, or skip with a word."""
    path = page.find_page()
    if path is None:
        pytest.skip(f"the text of the page is not here; name it in {page.VARIABLE}")
    return path.read_text(encoding="utf-8")


def keys_of_page(text: str) -> Set[Key]:
    """Give what the ledger knows each sentence by."""
    return {(where, n, page.digest_of(words)) for where, n, words in page.split_page(text)}


def key_of(entry: Entry) -> Key:
    """Give what an entry says which sentence it is about."""
    return entry["section"], entry["ordinal"], entry["digest"]


def unaccounted(sentences: Set[Key], entries: Iterable[Entry]) -> List[str]:
    """List sentences without an entry, and entries without a sentence."""
    known = {key_of(entry) for entry in entries}
    missing = [f"no entry for the sentence {key}" for key in sorted(sentences - known)]
    return missing + [f"no sentence for the entry {key}" for key in sorted(known - sentences)]


def inconsistent(entries: Iterable[Entry], clauses: Mapping[str, Clause]) -> List[str]:
    """List entries that account for nothing, and clauses on one side only."""
    named: Set[str] = set()
    faults = []
    for entry in entries:
        if bool(entry.get("clauses")) == bool(entry.get("excluded", "").strip()):
            faults.append(f"{key_of(entry)}: give either clauses or a reason for excluding it")
        named.update(entry.get("clauses", ()))
    faults += [f"{name}: the catalogue has no such clause" for name in sorted(named - set(clauses))]
    musts = {c.id for c in clauses.values() if c.level == "must" and c.since == "3.8"}
    return faults + [f"{name}: a must that no sentence says" for name in sorted(musts - named)]


def runs_of_words(text: str) -> Set[Tuple[str, ...]]:
    """Give all runs of words that are long enough to be copied."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + COPIED_WORDS]) for i in range(len(words) - COPIED_WORDS + 1)}


def test_every_sentence_is_accounted_for() -> None:
    """A sentence without an entry and an entry without a sentence are both faults."""
    assert [] == unaccounted(keys_of_page(text_of_page()), ledger())


def test_the_ledger_is_consistent() -> None:
    """Entries name known clauses or a reason, and every must of 3.8 is said by a sentence."""
    assert [] == inconsistent(ledger(), load())


def test_no_sentence_has_two_entries() -> None:
    """A place in the page stands once in the ledger."""
    places = [(entry["section"], entry["ordinal"]) for entry in ledger()]
    assert len(set(places)) == len(places)


def test_entries_have_a_digest_and_no_words() -> None:
    """An entry is a place, a digest, and what became of the sentence; nothing quotes the page."""
    known = {"section", "ordinal", "digest", "clauses", "excluded"}
    assert [] == [key_of(entry) for entry in ledger() if not set(entry) <= known]
    assert [] == [e for e in ledger() if not re.fullmatch("[0-9a-f]{12}", e["digest"])]


def test_the_texts_are_our_own() -> None:
    """No clause repeats the page's words at length."""
    copied = runs_of_words(text_of_page())
    texts = {c.id: " ".join([c.text, c.means, *c.hints]) for c in load().values()}
    assert [] == [name for name, text in texts.items() if runs_of_words(text) & copied]


def test_behaviours_are_no_words_of_the_page() -> None:
    """A sentence is never accounted for by behaviours alone: those are what it leaves open."""
    scored = {c.id for c in load().values() if c.scored}
    assert [] == [key_of(e) for e in ledger() if "clauses" in e and not scored & set(e["clauses"])]


# --- the accounting itself, on made-up pages ----------------------------------------------------

PAGE = """A thing (raw)
Unix Sockets
It turns. It stops when
told
. Here it is used:
import thing
thing.turn()
Then it rests.
Thing\N{PILCROW SIGN}
class asyncio.
Thing
\N{PILCROW SIGN}
Is a thing. It is one.
coroutine turn
(n=-1)\N{PILCROW SIGN}
New in version 3.7: The n parameter.
"""
SENTENCES = [
    ("Streams", 1, "A thing (raw)"),
    ("Unix Sockets", 1, "Unix Sockets"),
    ("Unix Sockets", 2, "It turns."),
    ("Unix Sockets", 3, "It stops when told ."),
    ("Unix Sockets", 4, "Here it is used:"),
    ("Unix Sockets", 5, "import thing"),
    ("Unix Sockets", 6, "thing.turn()"),
    ("Unix Sockets", 7, "Then it rests."),
    ("Thing", 1, "Thing\N{PILCROW SIGN}"),
    ("Thing", 2, "class asyncio. Thing \N{PILCROW SIGN}"),
    ("Thing", 3, "Is a thing."),
    ("Thing", 4, "It is one."),
    ("Thing.turn", 1, "coroutine turn (n=-1)\N{PILCROW SIGN}"),
    ("Thing.turn", 2, "New in version 3.7: The n parameter."),
]


def test_the_page_is_cut_where_sentences_end() -> None:
    """Headings, signatures, lines of code and sentences come out singly, broken lines joined."""
    assert SENTENCES == page.split_page(PAGE)


def test_a_digest_ignores_white_space_only() -> None:
    """The same words have one digest, other words another."""
    assert page.digest_of("It  turns.\n") == page.digest_of("It turns.")
    assert page.digest_of("It turns.") != page.digest_of("It turned.")


def test_a_changed_page_is_noticed_in_both_directions() -> None:
    """One word changed makes one sentence without an entry and one entry without a sentence."""
    entries = [dict(zip(("section", "ordinal", "digest"), key)) for key in keys_of_page(PAGE)]
    faults = unaccounted(keys_of_page(PAGE.replace("rests", "sleeps")), entries)
    assert ["no entry for", "no sentence for"] == [f.split(" the ")[0] for f in faults]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"clauses": ["reader.nothing.of-the-kind"]}, "reader.nothing.of-the-kind: the catalogue"),
        ({"clauses": []}, "give either clauses or a reason"),
        ({"excluded": "advice", "clauses": ["reader.read.up-to-n"]}, "give either clauses or"),
        ({"excluded": " "}, "give either clauses or a reason"),
    ],
)
def test_an_entry_that_accounts_for_nothing_is_named(change: Entry, fault: str) -> None:
    """An unknown clause, an empty entry, a blank reason, or both at once are faults."""
    entry = {"section": "Streams", "ordinal": 1, "digest": "0" * 12, **change}
    assert 1 == sum(fault in said for said in inconsistent([*ledger(), entry], load()))


def test_a_must_without_a_sentence_is_named() -> None:
    """Taking one clause out of the ledger everywhere is noticed."""
    name = "reader.readexactly.waits-for-n"
    entries = [
        {**e, "clauses": [c for c in e["clauses"] if c != name]} if "clauses" in e else e
        for e in ledger()
    ]
    assert [f"{name}: a must that no sentence says"] == inconsistent(entries, load())
