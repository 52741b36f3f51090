"""Playing cases: each on the subject and on the kernel, in the same run, and the score of it.

`check_stream_pair` is what a test suite calls. Every case has a loop of its own, twice: one for
the subject, one for the reference, which is asyncio's selector loop over real sockets. What was
seen is compared; a difference is looked at again with more patience before it counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
import warnings
from functools import partial
from importlib.util import find_spec
from typing import Any, AsyncContextManager, Callable, Dict, Iterable, List, NamedTuple, Optional

from ..pairs import (
    socketpair_stream_pair,
    tcp_stream_pair,
    tls_stream_pair,
    unix_stream_pair,
)
from .cases import Case, all_cases
from .seen import Pair, Raised, raised

__all__ = ["REFERENCES", "Difference", "Score", "check_network", "check_stream_pair", "play"]

Maker = Callable[[], AsyncContextManager[Any]]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Reference(NamedTuple):
    """A link of the kernel's.

    Attributes:
        kind: which cases can be played on it.
        maker: makes a pair of stream ends.
    """

    kind: str
    maker: Maker


REFERENCES: Dict[str, Reference] = {
    "tcp4": Reference("tcp", tcp_stream_pair),
    "tcp6": Reference("tcp", partial(tcp_stream_pair, family=socket.AF_INET6)),
    "unix": Reference("unix", unix_stream_pair),
    "socketpair": Reference("unix", socketpair_stream_pair),
    "tls": Reference("tls", tls_stream_pair),
}

#: Each is tried until both sides agree: how much longer to wait until all is quiet.
PATIENCE = (1, 10, 30)
#: Nobody cancels a case; asyncio's `wait_closed` raises it once another was cancelled.
SUBJECTS_FAULTS = (Exception, asyncio.CancelledError)
HUNG = Raised("TimeoutError")
DEADLINE_S = 10  # for a subject that hangs, or asks its executor


class NoPairError(TypeError):
    """What is to be compared is no maker of pairs: no case can be played on it."""

    def __init__(self, got: object) -> None:
        super().__init__(
            f"maker got {got}, expected a callable that gives an async context manager of (client,"
            " server), each with reader and writer, as memory_stream_pair does; or, for"
            " check_network, of a network"
        )


class Difference(NamedTuple):
    """A case in which the subject was seen to do something else than the kernel.

    Attributes:
        case: the case.
        expected: what was seen on the kernel.
        actual: what was seen on the subject.
    """

    case: Case
    expected: Any
    actual: Any

    def __str__(self) -> str:
        return (
            f"{self.case.name} (line {self.case.line}): {self.case.text}\n"
            f"    kernel:  {self.expected!r}\n"
            f"    subject: {self.actual!r}"
        )


class Score(NamedTuple):
    """How a subject compares with the kernel.

    Attributes:
        reference: the link that it was compared with.
        agreed: the names of the cases in which both did the same.
        differences: the others.
        not_played: the names of the cases for which trustme would have to be installed.
    """

    reference: str
    agreed: List[str]
    differences: List[Difference]
    not_played: List[str]

    @property
    def total(self) -> int:
        """How many cases were played."""
        return len(self.agreed) + len(self.differences)

    def __str__(self) -> str:
        head = f"as {self.reference} in {len(self.agreed)} of {self.total} cases"
        if self.not_played:
            head += f"; {len(self.not_played)} not played, as trustme is not installed"
        return "\n".join([head, *map(str, self.differences)])


def check_stream_pair(
    maker: Maker,
    *,
    reference: str = "tcp4",
    loop: LoopFactory = asyncio.SelectorEventLoop,
    reference_loop: LoopFactory = asyncio.SelectorEventLoop,
    cases: Optional[Iterable[Case]] = None,
) -> Score:
    """Compare a stream pair, case by case, with what the kernel does in the same run.

    Call it from a plain function, where no loop is running:
    ``assert not check_stream_pair(my_pair).differences``.

    Args:
        maker: gives an async context manager of (client, server); each side has `reader` and
            `writer`, or is that tuple. What it says on leaving is not judged.
        reference: one of `REFERENCES`.
        loop: makes the loop that the subject is played on.
        reference_loop: makes the loop that the kernel is played on.
        cases: which cases; all that fit the reference if None.

    Returns:
        The score; ``str`` of it is a report with both outcomes of each difference.

    Raises:
        KeyError: no such reference.
        RuntimeError: a loop is running.
        TypeError: the maker makes no pairs.
    """
    real = REFERENCES[reference]
    chosen = all_cases(real.kind) if cases is None else list(cases)
    return _compare(
        reference,
        chosen,
        lambda case, patience: play(case, real.maker, reference_loop, patience),
        lambda case, patience: play(case, maker, loop, patience),
    )


def check_network(
    maker: Maker,
    *,
    loop: LoopFactory = asyncio.SelectorEventLoop,
    reference_loop: LoopFactory = asyncio.SelectorEventLoop,
    cases: Optional[Iterable[Case]] = None,
) -> Score:
    """Compare a network, case by case, with the kernel's; see `check_stream_pair`.

    Args:
        maker: gives an async context manager; while it is entered, the running loop's connections
            and servers are the subject's.
        loop: makes the loop that the subject is played on.
        reference_loop: makes the loop that the kernel is played on.
        cases: which cases; all about networks if None.
    """
    chosen = all_cases("network") if cases is None else list(cases)
    return _compare(
        "the kernel's network",
        chosen,
        lambda case, patience: play(case, _kernel, reference_loop, patience),
        lambda case, patience: play(case, maker, loop, patience),
    )


@contextlib.asynccontextmanager
async def _kernel() -> Any:
    yield None


def play(case: Case, maker: Maker, loop: LoopFactory, patience: int = 1) -> Any:
    """Play one case on a loop of its own and give what was seen.

    Args:
        case: the case.
        maker: what it is played on.
        loop: makes the loop.
        patience: how much longer than usual to wait until all is quiet.

    Returns:
        What the case gives; a `Raised` if it raised, or could not even be started.

    Raises:
        TypeError: the maker makes no pairs.
    """
    gc_was = gc.isenabled()
    gc.collect(1)  # what the case before has left, whose loop was still known at its end
    made = loop()
    gc.disable()  # what a case leaves in cycles would warn in the middle of the next
    try:
        with _silence():
            return made.run_until_complete(_played(case, maker, patience))
    finally:
        with _silence():
            made.run_until_complete(_cancel_all())
            for name in ("shutdown_asyncgens", "shutdown_default_executor"):
                if case.needs_threads or name == "shutdown_asyncgens":
                    with contextlib.suppress(Exception):  # a loop that hasn't it has no need of it
                        made.run_until_complete(getattr(made, name)())
            made.close()
            gc.collect(0)  # all of the case is young: its cycles end here, in silence
        if gc_was:
            gc.enable()


async def _played(case: Case, maker: Maker, patience: int) -> Any:
    context = maker() if callable(maker) else None
    if not hasattr(context, "__aenter__"):
        raise NoPairError(f"{maker!r}")
    try:
        ends = await asyncio.wait_for(context.__aenter__(), DEADLINE_S)
    except SUBJECTS_FAULTS as exc:
        return raised(exc)
    try:
        return await asyncio.wait_for(_observed(case, ends, patience), DEADLINE_S)
    except NoPairError:
        raise
    except SUBJECTS_FAULTS as exc:
        return raised(exc)
    finally:
        with contextlib.suppress(*SUBJECTS_FAULTS):
            await asyncio.wait_for(context.__aexit__(None, None, None), DEADLINE_S)


async def _observed(case: Case, ends: Any, patience: int) -> Any:
    if case.kinds == frozenset({"network"}):
        return await case.play(patience)
    try:
        pair = Pair(ends, patience)
    except (AttributeError, TypeError, ValueError) as exc:
        raise NoPairError(f"one whose pair is {ends!r} ({exc})") from exc
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: pair.handled.append(type(context.get("exception")).__name__)
    )
    with _listening(pair.logged):
        try:
            await pair.settle()  # TLS has words of its own after the handshake
            return await case.play(pair)
        finally:
            for side in pair.sides:
                with contextlib.suppress(Exception):
                    side.transport.abort()
            await pair.settle()
            for tap in pair.taps:
                tap.give_back()


class _Listener(logging.Handler):
    def __init__(self, levels: List[str]) -> None:
        super().__init__()
        self.levels = levels

    def emit(self, record: logging.LogRecord) -> None:
        self.levels.append(record.levelname)


@contextlib.contextmanager
def _listening(levels: List[str]) -> Any:
    logger = logging.getLogger("asyncio")
    handler, before = _Listener(levels), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


@contextlib.contextmanager
def _silence() -> Any:
    """Say nothing of what a case leaves to be collected: it was seen, or is a fault of asyncio's.

    On 3.13 a transport whose server is closed as it is made trips over itself when collected.
    """
    hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook = hook


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


Player = Callable[[Case, int], Any]


def _compare(name: str, cases: List[Case], reference: Player, subject: Player) -> Score:
    able = find_spec("trustme") is not None
    playable = [case for case in cases if able or not case.needs_certificates]
    score = Score(name, [], [], [case.name for case in cases if case not in playable])
    for case in playable:
        for patience in PATIENCE:
            expected, actual = reference(case, patience), subject(case, patience)
            if expected == actual:
                score.agreed.append(case.name)
                break
            if actual == HUNG:  # that was all the patience there is
                score.differences.append(Difference(case, expected, actual))
                break
        else:
            score.differences.append(Difference(case, expected, actual))
    return score
