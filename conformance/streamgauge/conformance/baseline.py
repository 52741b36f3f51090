"""Baselines: a deviation file written from a run, and stale entries taken out of one.

Pure text in, text out: what stands in a file, comments and order included, stays as it stands.
An entry written here has a reason and an issue to be filled in, and a run refuses it until then.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from typing import Collection, Dict, Iterator, List, Sequence, Tuple

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import Result
from streamgauge.conformance.report.account import in_order
from streamgauge.conformance.verdicts import Verdict

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["TODO_ISSUE", "TODO_REASON", "added", "head", "pruned"]

TODO_REASON = "TODO: why does it depart?"
TODO_ISSUE = 'TODO: where is it followed up? ("no upstream issue known" if nowhere)'
ENTRY = re.compile(r"^\[\[\s*deviation\s*\]\]", re.MULTILINE)
SEEN_AT_MOST = 160  # characters of a detail in the comment above its entry

_Key = Tuple[str, Verdict]


def head(subject: str) -> str:
    """Give the beginning of a new file."""
    return (
        f"# Where {subject} is known to depart from what the documentation promises.\n"
        f"subject = {_quoted(subject)}\n"
    )


def added(
    text: str,
    departures: Sequence[Result],
    tried: Sequence[Result],
    *,
    every_link: bool,
    reason: str,
    issue: str,
) -> str:
    """Give a file's text with an entry for each departure behind it.

    Args:
        text: what stands in the file.
        departures: of one subject, none of them listed yet.
        tried: all results of the run, to see whether a clause departs on each of its links.
        every_link: whether the run took every link; else entries name theirs.
        reason: for every entry.
        issue: for every entry.
    """
    of_all_links = tried if every_link else ()
    blocks = [
        _block(key, group, _links(group, of_all_links), _loops(group, tried), reason, issue)
        for key, group in _by_clause(departures).items()
    ]
    return "\n".join([text.rstrip("\n") + "\n", *blocks]) if blocks else text


def _by_clause(departures: Sequence[Result]) -> Dict[Tuple[_Key, str], List[Result]]:
    """Group departures: one entry for a clause and verdict, on each loop unless all agree."""
    groups: Dict[_Key, Dict[str, List[Result]]] = defaultdict(lambda: defaultdict(list))
    for result in departures:
        groups[result.clause, result.verdict][result.loop].append(result)
    found: Dict[Tuple[_Key, str], List[Result]] = {}
    for key, by_loop in groups.items():
        alike = len({frozenset(r.link for r in group) for group in by_loop.values()}) == 1
        for loop, group in by_loop.items():
            found.setdefault((key, "" if alike else loop), []).extend(group)
    return found


def _links(group: Sequence[Result], tried: Sequence[Result]) -> Sequence[str]:
    """Name the links on which the clause departs so; none if these are all it was tried on."""
    mine = {r.link for r in group}
    loops = {r.loop for r in group}
    every = {r.link for r in tried if r.clause == group[0].clause and r.loop in loops and r.scored}
    return () if mine == every else in_order([*mine])


def _loops(group: Sequence[Result], tried: Sequence[Result]) -> Sequence[str]:
    mine = {r.loop for r in group}
    return () if mine == {r.loop for r in tried} else sorted(mine)


def _block(
    key: Tuple[_Key, str],
    group: Sequence[Result],
    links: Sequence[str],
    loops: Sequence[str],
    reason: str,
    issue: str,
) -> str:
    (clause, verdict), _ = key
    seen = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", group[0].detail).split())
    short = seen if len(seen) <= SEEN_AT_MOST else f"{seen[:SEEN_AT_MOST]}..."
    blocks = []
    for loop in loops or ("",):
        when = [f"loop = {_quoted(loop)}"] if loop else []
        when += [f"link = [{', '.join(map(_quoted, links))}]"] if links else []
        lines = [f"# seen: {short}"] if short else []
        lines += ["[[deviation]]", f"clause = {_quoted(clause)}", f"verdict = {_quoted(verdict)}"]
        lines += [f"when = {{ {', '.join(when)} }}"] if when else []
        lines += [f"reason = {_quoted(reason)}", f"issue = {_quoted(issue)}"]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def pruned(text: str, numbers: Collection[int]) -> str:
    """Give a file's text without some of its entries, everything else as it stands.

    Args:
        text: what stands in the file.
        numbers: of the entries to take out, the first is 1. Comment lines right above an entry go
            with it; those with a blank line between are taken for a section's and stay.

    Raises:
        UsageError: the entries cannot be told apart safely, and the file is left alone.
    """
    head_of_file, *entries = _split(text)
    kept = [_section(e) if n in numbers else e for n, e in enumerate(entries, 1)]
    result = head_of_file + "".join(kept)
    before = tomllib.loads(text).get("deviation", [])
    expected = [entry for n, entry in enumerate(before, 1) if n not in numbers]
    if len(before) != len(entries) or tomllib.loads(result).get("deviation", []) != expected:
        raise UsageError(
            "its entries cannot be taken apart line by line; delete the stale ones by hand: "
            + ", ".join(f"deviation {n} ({before[n - 1]['clause']})" for n in sorted(numbers))
        )
    return re.sub(r"\n{3,}", "\n\n", result) if numbers else text


def _split(text: str) -> Iterator[str]:
    """Cut a file before each entry, comment lines right above it included."""
    cuts = [_with_comments(text, match.start()) for match in ENTRY.finditer(text)]
    for begin, end in zip([0, *cuts], [*cuts, len(text)]):
        yield text[begin:end]


def _section(entry: str) -> str:
    """Give what follows an entry after a blank line: the comments of the next section."""
    lines = entry.splitlines(keepends=True)
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    blank = next((n for n in range(end, len(lines)) if not lines[n].strip()), len(lines))
    return "".join(lines[blank:])


def _with_comments(text: str, at: int) -> int:
    lines = text[:at].splitlines(keepends=True)
    while lines and lines[-1].lstrip().startswith("#"):
        at -= len(lines.pop())
    return at


def _quoted(text: object) -> str:
    # A JSON string is a TOML basic string too, but for the one control character JSON lets pass.
    return json.dumps(str(text), ensure_ascii=False).replace("\x7f", "\\u007f")
