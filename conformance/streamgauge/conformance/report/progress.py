"""What is seen while a run goes on: a bar on a terminal, and warnings; never on stdout."""

from __future__ import annotations

from types import TracebackType
from typing import Type

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from streamgauge.conformance.plan import Listener, Result
from streamgauge.conformance.verdicts import Verdict

__all__ = ["ProgressBar"]

QUIET_VERDICTS = (Verdict.PASS, Verdict.INAPPLICABLE)


class ProgressBar(Listener):
    """A bar that vanishes when the run has ended.

    Args:
        console: of stderr.
        shown: whether to draw it; where not, warnings still come through.
    """

    def __init__(self, console: Console, *, shown: bool) -> None:
        self._console = console
        self._departures = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None, complete_style="good", finished_style="good"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[departures]}", style="listed"),
            console=console,
            transient=True,
            disable=not shown,
            expand=True,
        )
        self._task = self._bar.add_task("collecting", total=None, departures="")

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: Type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def started(self, total: int) -> None:
        """Set the number of trials to come."""
        self._bar.update(self._task, description="running", total=total)

    def result(self, result: Result) -> None:
        """Advance by one trial; count it if it departs, listed or not."""
        self._departures += result.scored and result.verdict not in QUIET_VERDICTS
        departures = f"{self._departures} departing" if self._departures else ""
        self._bar.update(self._task, advance=not result.aside, departures=departures)

    def warning(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text.assemble(("streamgauge: ", "listed"), text), soft_wrap=True)
