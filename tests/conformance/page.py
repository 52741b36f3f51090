"""The specification's page, cut into sentences: a deterministic splitter, and where the text is.

The ledger (`clauses/sentences.toml`) names each sentence by what this module says: its section, its
ordinal there and the digest of its words. So the cutting may change only together with the ledger.
Nothing here knows of clauses; the page's words are read from outside the repository.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

__all__ = ["digest_of", "find_page", "split_page"]

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "STREAMGAUGE_SPEC"
PILCROW = "\N{PILCROW SIGN}"  # the page's permalink mark ends each heading and each signature
# The two headings that lost their mark when the page became text.
BARE_HEADINGS = ("Stream Functions", "Unix Sockets")
# Sentences end at these when a capital follows; "New in version 3.7: The ..." is one sentence.
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")

Sentence = Tuple[str, int, str]


def find_page() -> Optional[Path]:
    """Tell where the page's text is, or None.

    The environment variable STREAMGAUGE_SPEC comes first; failing that, a folder beside the
    checkout that holds `spec/python-3.8-streams.txt`.
    """
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    return next(iter(sorted(ROOT.parent.glob("*/spec/python-3.8-streams.txt"))), None)


def digest_of(sentence: str) -> str:
    """Give the first 12 hex digits of the SHA-256 of a sentence, its white space normalised."""
    return hashlib.sha256(" ".join(sentence.split()).encode()).hexdigest()[:12]


def split_page(text: str) -> List[Sentence]:
    """Cut the page into sentences.

    Args:
        text: the page as text, one paragraph or part of one a line.

    Returns:
        Section, ordinal in it (from 1) and sentence, in the page's order. A section is a heading
        or a documented name (`StreamReader.read`); headings, signatures and each line of code are
        sentences too.
    """
    counts: Dict[str, int] = {}
    found = []
    for section, sentence in _sentences([s.strip() for s in text.splitlines() if s.strip()]):
        counts[section] = counts.get(section, 0) + 1
        found.append((section, counts[section], sentence))
    return found


def _sentences(lines: List[str]) -> Iterator[Tuple[str, str]]:
    """Yield section and sentence: a heading, a signature, a line of code, or a piece of prose."""
    section, owner, paragraph, in_code = "Streams", "", "", False
    at = 0
    while at < len(lines):
        signature = _signature_length(lines, at)
        line = " ".join(lines[at : at + max(signature, 1)])
        at += max(signature, 1)
        titled = bool(signature) or line.endswith(PILCROW) or line in BARE_HEADINGS
        in_code = _is_code(line, paragraph, in_code) and not titled
        if paragraph and (titled or in_code or not _continues(paragraph, line)):
            yield from ((section, sentence) for sentence in _SENTENCE_END.split(paragraph))
            paragraph = ""
        if titled:
            section, owner = _section_after(line, owner, bool(signature))
        if titled or in_code:
            yield section, line
        else:
            paragraph = f"{paragraph} {line}".strip()
    yield from ((section, sentence) for sentence in _SENTENCE_END.split(paragraph) if sentence)


def _signature_length(lines: List[str], at: int) -> int:
    """Count the lines of the signature that starts here: [what it is,] name, (arguments)."""
    for length in (2, 3):
        last = lines[at + length - 1 : at + length]
        prefixed = length == 2 or lines[at] in ("coroutine asyncio.", "class asyncio.")
        if prefixed and last and last[0].endswith(PILCROW) and last[0][0] in f"({PILCROW}":
            return length
    return 0


def _section_after(line: str, owner: str, is_signature: bool) -> Tuple[str, str]:
    """Name the section that a heading or signature opens, and the class that it stands in."""
    if not is_signature:
        return line.rstrip(PILCROW), ""
    name = line.split("(", 1)[0].rstrip(PILCROW).split()[-1]
    if line.startswith("class "):
        return name, name
    return (f"{owner}.{name}" if owner else name), owner


def _is_code(line: str, before: str, in_code: bool) -> bool:
    """Tell code from prose: it starts after a colon and ends where a line starts with a capital."""
    return not line[0].isupper() and (in_code or before.endswith(":"))


def _continues(paragraph: str, line: str) -> bool:
    """Tell whether a line goes on with a paragraph that the page's mark-up had broken."""
    return not line[0].isupper() and paragraph[-1] not in ".?!:"
