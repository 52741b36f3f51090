"""The reports that go into files: which options there are, and how one is written."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.filing import write_whole
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.report.badge import badge, check_one_subject
from streamgauge.conformance.report.junit import junit
from streamgauge.conformance.report.markdown import markdown
from streamgauge.conformance.report.page import needs_jinja, page
from streamgauge.conformance.results import ResultsLostError

__all__ = ["REPORTS", "check_files", "write_files"]

# option -> (what makes the text, one line for the help)
REPORTS: Mapping[str, tuple[Callable[[Account], str], str]] = {
    "junit": (junit, "Write JUnit XML, for CI systems."),
    "markdown": (markdown, "Write the report as Markdown."),
    "html": (page, "Write the report as one HTML page."),
    "badge": (badge, "Write an SVG badge; for one subject."),
}
Files = Mapping[str, Optional[Path]]


def check_files(files: Files, plan: RunPlan) -> None:
    """Refuse what could not be written once the run is over.

    Args:
        files: by option.
        plan: of the run.

    Raises:
        UsageError: a file cannot be written, or a report cannot be made of such a run.
    """
    if files.get("badge"):
        check_one_subject(plan)
    if files.get("html"):
        needs_jinja()
    for option, path in _wanted(files).items():
        existed = path.exists()
        try:
            path.open("a", encoding="utf-8").close()
        except OSError as error:
            raise UsageError(f"--{option} {path}: {error.strerror}; name another file") from error
        if not existed:
            with contextlib.suppress(OSError):  # a device, or somebody was quicker
                path.unlink()


def write_files(files: Files, account: Account) -> None:
    """Write every report that was asked for.

    Raises:
        ResultsLostError: a file cannot be written any more.
    """
    for option, path in _wanted(files).items():
        make, _ = REPORTS[option]
        try:
            write_whole(path, make(account))
        except OSError as error:
            raise ResultsLostError(
                f"--{option} {path}: {error.strerror}; make room or name another file"
            ) from error


def _wanted(files: Files) -> Dict[str, Path]:
    return {option: path for option, path in files.items() if path is not None}
