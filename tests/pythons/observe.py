"""Writes into the shipped lists on which releases of Python each entry was seen, and seen gone.

python -m tests.pythons.observe RUN.jsonl ...           # take these runs in
python -m tests.pythons.observe --check RUN.jsonl ...   # exit 1 if the lists would change

A run is what `streamgauge run --jsonl` wrote. A whole one, of the standard library or of a subject
with a list of its own, puts its release into `known/observed.toml`. A run of some clauses only adds
to that: what the running Python's own edition does not promise, by `--edition`, and what shows
under some delivery plans only, by `--thorough`. `python -m tests.pythons.observe --further` prints
the arguments of these runs, one run a line.
Releases of earlier runs keep what the lists say of them.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from streamgauge.conformance import catalogue, deviation_files, history, results
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.deviations import Deviation, was_tried
from streamgauge.conformance.observed import (
    FILE,
    KNOWN,
    SHAPED,
    Observed,
    Row,
    as_ranges,
    in_version_order,
    observed,
)
from streamgauge.conformance.plan import STOCK_LOOP, Result, RunPlan
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.subjects import builtin
from streamgauge.conformance.verdicts import Verdict, over_trials

CLAUSES = catalogue.load()
WIDTH = 100  # columns, of a list in a file
ENTRY = re.compile(r"^\[\[(?:deviation|bug)\]\]$", re.MULTILINE)
LISTS = re.compile(r"^(?:seen|gone) = \[[^\]]*\]\n", re.MULTILINE)
LAST_KEY = re.compile(r"^(?:issue|fixed|answers) = .*\n", re.MULTILINE)
HEAD = """\
# Where whole runs were compared with the shipped lists: the releases of Python, by loop, and by
# subject where it has a list of its own; and the versions of the package that was judged.
# Written by `python -m tests.pythons.observe`, which also tells each entry where it was seen.
"""

Seen = Dict[str, bool]  # release -> whether it departed


class Place(NamedTuple):
    """Where results come from."""

    release: str
    loop: str


class Runs:
    """What was judged, and what came.

    Args:
        paths: results files.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self.results: Dict[Tuple[str, str], Dict[Place, List[Result]]] = {}
        self.rows: List[Tuple[str, str, str, str]] = []  # kind, name, release, version
        self.problems: List[str] = []
        for path in paths:
            self._take(results.read(path))

    def _take(self, report: results.Report) -> None:
        release, versions = report.header["release"], report.header["versions"]
        for result in report.results:
            places = self.results.setdefault((result.subject, result.clause), {})
            places.setdefault(Place(release, result.loop), []).append(result)
        if report.header["clauses"] or report.header["links"] or not report.footer["complete"]:
            return
        for loop in report.header["loops"] if "stdlib" in report.header["subjects"] else ():
            self.rows.append(("loop", loop, release, versions.get(loop, "")))
        for subject in report.header["subjects"]:
            if (KNOWN / f"{subject}.toml").is_file() and subject != "stdlib":
                self.rows.append(("subject", subject, release, versions.get(subject, "")))

    def of(self, entry: Deviation, rivals: Sequence[Deviation]) -> Seen:
        """Return on which releases an entry's trials departed as it says, or did not.

        Loops to which it applies and that disagree are a problem, and the first one counts.

        Args:
            entry: of a list.
            rivals: all that is listed. What two entries could list is that one's whose `when`
                holds for the release.
        """
        others = [d for d in rivals if (d.subject, d.clause) == (entry.subject, entry.clause)]
        found: Seen = {}
        for place, mine in sorted(self.results.get((entry.subject, entry.clause), {}).items()):
            if not was_tried(entry, mine):
                continue
            seen = entry.flaky or any(
                entry.lists(result) and not _taken(entry, result, place.release, others)
                for result in mine
            )
            if found.setdefault(place.release, seen) is not seen:
                self.problems.append(
                    f"{entry.where} ({entry.clause}), {place.release}: {place.loop} "
                    f"{'departs' if seen else 'does not depart'}, and another loop of its "
                    f"`when` {'does not' if seen else 'does'}; split it by loop"
                )
        return found

    def of_bug(self, bug: history.Bug) -> Seen:
        """Return on which releases a bug of the history was seen, by its own row."""
        found: Seen = {}
        for place, mine in self.results.get(("stdlib", bug.clause), {}).items():
            verdict = over_trials(r.verdict for r in mine if r.link == bug.link)
            if place.loop == STOCK_LOOP and verdict in (
                Verdict.PASS,
                Verdict(bug.answers or "fail"),
            ):
                found[place.release] = verdict is not Verdict.PASS
        return found


def _taken(entry: Deviation, result: Result, release: str, others: Sequence[Deviation]) -> bool:
    """Whether a departure that an entry could list is another entry's on that release."""
    return not entry.when.meets(release) and any(
        other.when.meets(release) and other.lists(result) for other in others if other is not entry
    )


def merged(table: Observed, runs: Runs) -> Observed:
    """Return the table with the rows of new runs."""
    kinds: Dict[str, Dict[str, Row]] = {"loop": dict(table.loop), "subject": dict(table.subject)}
    for kind, name, release, version in runs.rows:
        row = kinds[kind].get(name, Row(()))
        kinds[kind][name] = Row(
            tuple(in_version_order([*row.python, release])),
            tuple(in_version_order([*row.versions, *([version] if version else [])])),
        )
    return Observed(**kinds)


def table_text(table: Observed) -> str:
    """Return the text of `observed.toml`."""
    blocks = [HEAD]
    for kind, rows in (("loop", table.loop), ("subject", table.subject)):
        for name, row in rows.items():
            key = name if re.fullmatch(r"[\w-]+", name) else f'"{name}"'
            blocks.append(f"[{kind}.{key}]\n{_line('python', row.python)}")
            blocks[-1] += _line("versions", row.versions) if row.versions else ""
    return "\n".join(blocks)


def _line(key: str, values: Sequence[str]) -> str:
    quoted = [f'"{value}"' for value in values]
    line = f"{key} = [{', '.join(quoted)}]\n"
    if len(line) <= WIDTH + 1:
        return line
    rows, row = [], "   "
    for value in quoted:
        if len(row) + len(value) + 2 > WIDTH:
            rows.append(row)
            row = "   "
        row += f" {value},"
    return f"{key} = [\n" + "\n".join([*rows, row]) + "\n]\n"


def written(text: str, told: Sequence[Optional[Seen]], known: Sequence[Sequence[str]]) -> str:
    """Return a file's text with the lists of each entry that something is told of.

    Args:
        text: of the file.
        told: for each of its entries where it was seen; None leaves the entry alone.
        known: for each of them the releases that it can name.
    """
    head, *blocks = _cut(text)
    entries = [
        block if seen is None else _with_lists(block, seen, releases)
        for block, seen, releases in zip(blocks, told, known)
    ]
    return "".join([head, *entries])


def _with_lists(block: str, seen: Seen, releases: Sequence[str]) -> str:
    bare = LISTS.sub("", block)
    lists = "".join(
        _line(key, as_ranges([r for r in releases if seen.get(r) is departs], releases))
        for key, departs in (("seen", True), ("gone", False))
        if any(seen.get(r) is departs for r in releases)
    )
    at = max(found.end() for found in LAST_KEY.finditer(bare))
    return bare[:at] + lists + bare[at:]


def _cut(text: str) -> List[str]:
    cuts = [found.start() for found in ENTRY.finditer(text)]
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)])]


def list_of(path: Path, table: Observed, runs: Runs, every: Sequence[Deviation]) -> str:
    """Return a list's new text; a release that nothing is known of is a problem.

    Args:
        path: of the file.
        table: the releases it may name.
        runs: what was seen.
        every: all that is listed, in any file.
    """
    text = path.read_text(encoding="utf-8")
    # The lists that stand there name releases of the table that stands there.
    before = _loaded(path)
    told: List[Optional[Seen]] = []
    known: List[Sequence[str]] = []
    for number in range(1, len(_cut(text))):
        mine = [d for d in before if d.where.endswith(f"deviation {number}")]
        seen = _agreed([{**_said(d), **runs.of(d, every)} for d in mine], mine, runs.problems)
        releases = table.releases(mine[0].subject, mine[0].when.loop)
        told.append(seen)
        known.append(releases)
        missing = [release for release in releases if release not in seen]
        if missing:
            where = f"{mine[0].where} ({mine[0].clause})"
            runs.problems.append(f"{where}: not tried on {', '.join(missing)}")
    return written(text, told, known)


def _loaded(path: Path) -> List[Deviation]:
    whose = SHAPED if path.parent.name == deviation_files.LOOPS else (path.stem,)
    return deviation_files.load(path, CLAUSES, *whose, table=observed())


def _said(entry: Deviation) -> Seen:
    return {**dict.fromkeys(entry.seen, True), **dict.fromkeys(entry.gone, False)}


def _agreed(every: Sequence[Seen], entries: Sequence[Deviation], problems: List[str]) -> Seen:
    """Return what all that one entry stands for came to; it may be of several clauses."""
    found: Seen = {}
    for seen, entry in zip(every, entries):
        for release, departs in seen.items():
            if found.setdefault(release, departs) is not departs:
                problems.append(
                    f"{entry.where}, {release}: {entry.clause} of {entry.subject} "
                    f"{'departs' if departs else 'does not'}, and another that it names differs; "
                    "split it"
                )
    return found


def history_text(table: Observed, runs: Runs) -> str:
    """Return the new text of `history.toml`."""
    releases = table.releases("stdlib", STOCK_LOOP)
    told: List[Optional[Seen]] = []
    for bug in history.bugs():
        before = {**dict.fromkeys(bug.seen, True), **dict.fromkeys(bug.gone, False)}
        own = bug.answers or bug.fixed
        told.append({**before, **runs.of_bug(bug)} if own else None)
    text = history.FILE.read_text(encoding="utf-8")
    return written(text, told, [releases] * len(told))


def further() -> List[str]:
    """Return the arguments of `run` that try what a plain run on this Python leaves out."""
    own = edition_of(RunPlan())
    lines: List[str] = []
    asked: Set[str] = {c.id for c in CLAUSES.for_edition(own).values()}
    for edition in (EDITIONS[0], EDITIONS[-1]):
        others = [c.id for c in CLAUSES.for_edition(edition).values() if c.id not in asked]
        asked.update(others)
        words = [word for clause in others for word in ("--clause", clause)]
        lines += [shlex.join(["--edition", edition, *words])] if others else []
    for entry in deviation_files.gather(("stdlib",), (), CLAUSES):
        if entry.verdict is Verdict.PARTIAL:
            links = [word for link in entry.when.links for word in ("--link", link)]
            lines += [shlex.join(["--thorough", "--clause", entry.clause, *links])]
    return lines


def changed(runs: Runs) -> Mapping[Path, str]:
    """Return the new text of each file."""
    table = merged(observed(), runs)
    texts = {KNOWN / FILE: table_text(table), history.FILE: history_text(table, runs)}
    paths = [KNOWN / f"{name}.toml" for name in builtin() if (KNOWN / f"{name}.toml").is_file()]
    paths += sorted((KNOWN / deviation_files.LOOPS).glob("*.toml"))
    every = [entry for path in paths for entry in _loaded(path)]
    return {**texts, **{path: list_of(path, table, runs, every) for path in paths}}


def main(words: Optional[Sequence[str]] = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("files", nargs="*", type=Path, metavar="RUN.jsonl")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--further", action="store_true", help="print arguments for `run`")
    options = parser.parse_args(words)
    if options.further:
        print(*further(), sep="\n")  # noqa: T201
        return 0
    runs = Runs(options.files)
    texts = changed(runs)
    stale = [path for path, text in texts.items()
             if not path.exists() or path.read_text(encoding="utf-8") != text]  # fmt: skip
    for path in () if options.check else stale:
        path.write_text(texts[path], encoding="utf-8")
    told = [*(f"{path.name}: changed" for path in stale), *dict.fromkeys(runs.problems)]
    print(*told, sep="\n")  # noqa: T201
    return int(bool(runs.problems or (options.check and stale)))


if __name__ == "__main__":
    sys.exit(main())
