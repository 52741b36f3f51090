"""Whether a subject offers what it declares to lack: such a declaration would hide its failures.

What a subject offers is told by its names, the documented ones alone. A capability that is no
name (`limit`, `ssl`, `half-close`) is taken at the adapter's word.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import Any, Callable, FrozenSet, Iterable

from streamgauge.conformance.adapting import Adapter
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.subjects import ShapedSubject, Subject, answers_everything

__all__ = ["NAMES", "offered"]

# fmt: off
NAMES = frozenset((
    "open_connection", "start_server", "open_unix_connection", "start_unix_server",
    "StreamReader", "StreamWriter", "read", "readline", "readexactly", "readuntil", "at_eof",
    "write", "writelines", "drain", "close", "wait_closed", "is_closing", "write_eof",
    "can_write_eof", "get_extra_info", "transport",
))
# fmt: on
DEFAULT_LIMIT = 64 * 1024  # bytes


def offered(
    subject: Subject, loop_factory: Callable[[], asyncio.AbstractEventLoop], timeout_s: float
) -> FrozenSet[str]:
    """Give the documented names that a subject answers to.

    Args:
        subject: what is judged; one that brings its own pair is asked for one, to look at.
        loop_factory: makes the loop for that.
        timeout_s: seconds after which the pair is given up.

    Returns:
        The names; none where the subject makes no pair, which its trials will tell.
    """
    if isinstance(subject, ShapedSubject):
        classes = (getattr(subject.namespace, n, None) for n in ("StreamReader", "StreamWriter"))
        return _names_of((subject.namespace, *classes))
    loop = loop_factory()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pair that is only looked at is no trial
            loop.set_exception_handler(lambda *_: None)
            return loop.run_until_complete(asyncio.wait_for(_of_a_pair(subject), timeout_s))
    except Exception:
        return frozenset()
    finally:
        loop.close()


async def _of_a_pair(subject: Subject) -> FrozenSet[str]:
    adapter = Adapter(subject)
    reader, writer, sock = await adapter.pair(DEFAULT_LIMIT)
    try:
        return _names_of((reader, writer))
    finally:
        sock.close()
        with contextlib.suppress(Exception):  # judged by the clauses on close, not here
            writer.close()
            await writer.wait_closed()
        await adapter.finish()


def _names_of(things: Iterable[Any]) -> FrozenSet[str]:
    return frozenset(name for thing in things for name in NAMES if _answers(thing, name))


def _answers(thing: Any, name: str) -> bool:
    # What answers to any name at all offers only what it lists.
    return name in dir(thing) if answers_everything(thing) else hasattr(thing, name)
