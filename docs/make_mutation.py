"""Writes `mutation.md` beside it: how many mechanical mutants the suite kills, as tables.

python docs/make_mutation.py            # write the page
python docs/make_mutation.py --check    # exit 1 if it is not up to date

`mutation.json` has what runs of `python -m tests.mutation.trying --record docs/mutation.json` saw.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List

PAGE = Path(__file__).with_name("mutation.md")
KEPT = Path(__file__).with_name("mutation.json")
# What CPython's own test_streams.py kills of such mutants of its own streams.py: killed, all. An
# outside timer ended each test; the operators were much like ours, but not one by one the same.
CPYTHONS_OWN = {"3.8": (248, 371), "3.13": (280, 387)}
KINDS = ("killed", "same", "unpromised", "")
HEAD = """\
# Who tests the tests: mechanical mutants

Made by `python docs/make_mutation.py` from what `python -m tests.mutation.trying` saw.

A mutant is a module with one small change: an operator exchanged, a constant moved by one, a
condition turned round, a statement deleted, a returned value emptied. It is killed if the
conformance suite, and nothing else, sees it depart. What changes nothing that runs (annotations,
docstrings, `__all__`, `__slots__`) is not made. Some do the **same** as the original, if not as
fast: a threshold of speed, a short cut not taken. What some change is **unpromised**: no sentence
of the page and no behaviour of the catalogue speaks of it, so the suite cannot. Both kinds are
listed by name or by rule, each with its reason, in `tests/mutation/survivors.txt`. What is **left**
is neither killed nor explained: a gap of the suite.

"""
OURS = """\
## Our own streams

On CPython {python}, stock event loop. The shares are of those that do not do the same, and of those
that do not and change something promised.

| module | mutants | killed | same | unpromised | left | of what differs | of what is promised |
|---|---|---|---|---|---|---|---|
"""
STDLIBS = """\

## The standard library's

`asyncio/streams.py` of the running Python, judged by the same suite (`--stdlib`). What it is known
to do otherwise than documented counts against no mutant. Those explained are named, by digests, in
`tests/mutation/survivors-stdlib.txt`. Beside it what CPython's own `test_streams.py` kills, of a
set of mutants of its own, with a timer outside to end what hangs; which of those do the same is
not known.

| Python | mutants | killed | same | unpromised | left | of what differs | of what is promised \
| CPython's own tests |
|---|---|---|---|---|---|---|---|---|
"""


def table(modules: Dict[str, Dict[str, int]]) -> Iterable[str]:
    """Give a row for each module, and one for all."""
    total = {kind: sum(count.get(kind, 0) for count in modules.values()) for kind in KINDS}
    for name, count in (*((f"`{n}`", c) for n, c in modules.items()), ("all", total)):
        yield f"| {' | '.join([name, *cells(count)])} |"


def cells(count: Dict[str, int]) -> Iterable[str]:
    """Give how many there are, how many of each kind, and the shares killed."""
    killed, same, unpromised, left = (count.get(kind, 0) for kind in KINDS)
    yield from map(str, (killed + same + unpromised + left, killed, same, unpromised, left))
    for rest in (unpromised + left, left):
        yield f"{100 * killed / max(1, killed + rest):.1f} %"


def stdlib_rows(kept: Dict[str, Any]) -> Iterable[str]:
    """Give a row for each Python."""
    for python, modules in kept.items():
        own = CPYTHONS_OWN.get(python.rpartition(".")[0])
        theirs = f"{own[0]} of {own[1]}, {100 * own[0] / own[1]:.0f} %" if own else "not measured"
        yield f"| {' | '.join([python, *cells(modules['streams']), theirs])} |"


def page() -> str:
    """Make the page."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    rows: List[str] = []
    for python, modules in kept["streams"].items():
        rows += [OURS.format(python=python), *(f"{row}\n" for row in table(modules))]
    if kept.get("note"):
        rows.append(f"\n{kept['note']}\n")
    if kept.get("stdlib"):
        rows += [STDLIBS, *(f"{row}\n" for row in stdlib_rows(kept["stdlib"]))]
    return HEAD + "".join(rows)


def main() -> int:
    """Write the page, or compare it; gives the exit code."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is not up to date: run python {sys.argv[0]}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
