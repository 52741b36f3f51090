"""The results file: JSON lines with a header, one result a trial, and a footer.

Writing it while a run goes on, and reading it back. The format is `schema.json`, which
describes one line; what the numbers mean for a subject is computed elsewhere.
"""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any, Dict, List, Mapping, Sequence

from streamgauge.conformance.errors import StreamgaugeError, UsageError
from streamgauge.conformance.observed import running
from streamgauge.conformance.plan import Listener, Result, RunPlan, trial_count
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome
from streamgauge.conformance.versions import versions_of

__all__ = [
    "FORMAT",
    "SCHEMA",
    "Report",
    "ResultsFileError",
    "ResultsLostError",
    "ResultsWriter",
    "footer_of",
    "header_of",
    "read",
    "suite_version",
]

FORMAT = 1  # raised when a reader of older files would go wrong
SCHEMA = Path(__file__).parent / "schema.json"


class ResultsFileError(UsageError):
    """A file is no results file, or was cut off before its footer."""


class ResultsLostError(StreamgaugeError):
    """A run can't go on writing its results, and so is cut short."""

    exit_code = EXIT_CODES[Outcome.INCOMPLETE]


def suite_version() -> str:
    """Give the version of the installed suite; `unknown` when it runs from a bare checkout."""
    try:
        return version("streamgauge")
    except PackageNotFoundError:
        return "unknown"


def header_of(plan: RunPlan, *, catalogue: str, edition: str) -> Dict[str, Any]:
    """Describe a run before it starts: what is judged, where, and by which suite.

    Args:
        plan: what the run is asked to do.
        catalogue: the catalogue's version.
        edition: the edition that the subjects are judged by, `plan.edition` resolved.
    """
    return {
        "type": "header",
        "format": FORMAT,
        "suite": suite_version(),
        "catalogue": catalogue,
        "edition": edition,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "release": running(),
        "versions": versions_of(plan.subjects, plan.loops),
        "platform": sys.platform,
        "subjects": list(plan.subjects),
        "loops": list(plan.loops),
        "links": list(plan.links),
        "clauses": list(plan.clauses),
        "workers": plan.workers,
        "timeout_factor": plan.timeout_factor,
        "thorough": plan.thorough,
        "plans": list(plan.plans),
        "repeat": plan.repeat,
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def footer_of(
    results: Sequence[Result],
    *,
    claims: Mapping[str, str],
    complete: bool,
    notes: Sequence[str] = (),
) -> Dict[str, Any]:
    """Describe a run that has ended.

    Args:
        results: all of them.
        claims: by subject; `SUBJECT@LOOP` where the loop is not the stock one.
        complete: whether the run ended by itself and was not cut short.
        notes: what a report says beside the results.
    """
    return {
        "type": "footer",
        "trials": len(results),
        "verdicts": trial_count(results),
        "claims": dict(claims),
        "complete": complete,
        "notes": list(notes),
    }


class ResultsWriter(Listener):
    """Writes each line as it comes, so what a run that dies has found is kept.

    Args:
        file: a text file; it stays the caller's to close.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: Mapping[str, Any]) -> None:
        """Write a header or a footer.

        Raises:
            ResultsLostError: the file can't take it (a full disk, a pipe that nobody reads).
        """
        # ASCII only, so the file reads the same under every locale; one write a line, so that a
        # cut leaves whole lines and at most one broken one.
        text = json.dumps(line, ensure_ascii=True) + "\n"
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            name = getattr(self._file, "name", "the results file")
            raise ResultsLostError(
                f"{name}: {error.strerror or error}; the run was cut short, give another --jsonl"
            ) from error

    def result(self, result: Result) -> None:
        """Write one trial's line."""
        self.write(result.to_dict())


@dataclass(frozen=True)
class Report:
    """A whole results file.

    Args:
        header: its first line.
        results: the trials, in the order in which they ended.
        footer: its last line.
    """

    header: Mapping[str, Any]
    results: Sequence[Result]
    footer: Mapping[str, Any]


def read(path: Path) -> Report:
    """Read a results file.

    Raises:
        ResultsFileError: it can't be read, is of another format, holds a line that is no JSON, or
            lacks its footer or some of its results: the run that wrote it did not end.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsFileError(f"{path}: {error}; give a file written by --jsonl") from error
    lines = [_parse(path, number, line) for number, line in enumerate(text.splitlines(), 1)]
    _refuse_other_formats(path, lines)
    _refuse_truncated(path, lines)
    results = [_result(path, number, line) for number, line in enumerate(lines[1:-1], 2)]
    return Report(lines[0], results, lines[-1])


def _parse(path: Path, number: int, line: str) -> Dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise ResultsFileError(
            f"{path}, line {number}: no JSON; the run that wrote it did not end, run it again"
        ) from error
    if not isinstance(data, dict):
        raise ResultsFileError(f"{path}, line {number}: expected an object, got {line[:40]!r}")
    return data


def _result(path: Path, number: int, line: Dict[str, Any]) -> Result:
    try:
        return Result.from_dict(line)
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsFileError(
            f"{path}, line {number}: no result ({error!r}); give a file written by --jsonl"
        ) from error


def _refuse_other_formats(path: Path, lines: List[Dict[str, Any]]) -> None:
    header = lines[0] if lines else {}
    if header.get("type") != "header":
        raise ResultsFileError(f"{path}: no header on line 1; give a file written by --jsonl")
    if header.get("format") != FORMAT:
        raise ResultsFileError(
            f"{path}: format {header.get('format')!r}, expected {FORMAT}; "
            "read it with the streamgauge that wrote it"
        )


def _refuse_truncated(path: Path, lines: List[Dict[str, Any]]) -> None:
    kinds = [line.get("type") for line in lines]
    if kinds[-1] != "footer":
        raise ResultsFileError(
            f"{path}: no footer; the run that wrote it did not end, run it again"
        )
    if set(kinds[1:-1]) - {"result"} or lines[-1].get("trials") != len(kinds[1:-1]):
        raise ResultsFileError(
            f"{path}: the footer counts {lines[-1].get('trials')} trials, got {len(kinds[1:-1])}; "
            "lines were lost, run it again"
        )
