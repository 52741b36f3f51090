"""Looking for a history that departs, and for the smallest one that still does."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Iterable, Iterator, Optional

from streamgauge.conformance.expectations import CheckFailedError
from streamgauge.conformance.histories.events import History
from streamgauge.conformance.histories.reader_model import DepartureError
from streamgauge.conformance.histories.telling import told
from streamgauge.conformance.trial import Trial

__all__ = ["no_history_departs", "smaller"]

Play = Callable[[Trial, History], Awaitable[None]]
MOST_PLAYS = 400  # while looking for the smallest; then what was found so far has to do


async def no_history_departs(t: Trial, histories: Iterable[History], play: Play) -> None:
    """Play histories until one departs.

    Args:
        t: the trial.
        histories: one after the other.
        play: plays one.

    Raises:
        CheckFailedError: one departs; the smallest that was found stands there as a script.
    """
    for history in histories:
        error = await _departure(t, history, play)
        if error is not None:
            smallest, error = await _smallest(t, history, error, play)
            script = told(smallest, t.subject.name, error)
            raise CheckFailedError(f"{error}, after this:\n{script}")


async def _departure(t: Trial, history: History, play: Play) -> Optional[DepartureError]:
    try:
        await play(t, history)
    except DepartureError as error:
        return error
    return None


async def _smallest(t: Trial, history: History, error: DepartureError, play: Play) -> Any:
    """Give the smallest history that departs, and its departure."""
    plays = 0
    found = True
    while found:
        found = False
        for candidate in smaller(history):
            plays += 1
            departure = await _departure(t, candidate, play)
            if departure is not None:
                history, error, found = candidate, departure, True
                break
            if plays > MOST_PLAYS:
                return history, error
    return history, error


def smaller(history: History) -> Iterator[History]:
    """Give histories that are a step smaller: an event less, or one that says less."""
    limit, events = history
    for size in (len(events) // 2, 2, 1):
        for begin in range(0, len(events), size or 1):
            if size:
                yield History(limit, events[:begin] + events[begin + size :])
    for at, event in enumerate(events):
        for simpler in _simpler(event):
            yield History(limit, (*events[:at], simpler, *events[at + 1 :]))


def _simpler(event: Any) -> Iterator[Any]:
    value = event.value
    if isinstance(value, bytes) and len(value) > 1:
        yield event._replace(value=value[: len(value) // 2])
        yield event._replace(value=value[1:])
        yield event._replace(value=value[:-1])
    if event.name == "writelines" and value:
        yield event._replace(value=value[1:])
    if event.name in ("write", "take") and value > 1:
        yield event._replace(value=value // 2)
    if not getattr(event, "settled", True):
        yield event._replace(settled=True)
