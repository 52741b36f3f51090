"""Facts in which asyncio's own transports and servers differ from one Python to the next.

A fake behaves as the real thing does *on this Python*. Distributions patch theirs, and a fix comes
to several branches at different times, so no fact is read off a version number: each is probed on
the running asyncio when it is first asked for, once in a process (`probes`).
"""

from __future__ import annotations

from typing import Any, List, Optional, Type

from .probes import PROBES

#: `pause_reading()` inside `connection_made` is honoured (before: undone, gh-76002).
PAUSE_BEFORE_THE_BEGINNING_HOLDS: bool

#: Unsent bytes are kept by reference, not copied: a bytearray changed after `write()` changes
#: the bytes that are sent (gh-91166).
UNSENT_IS_KEPT_BY_REFERENCE: bool

#: A memoryview of items wider than a byte, of which only a part can be sent at once, is cut short:
#: the part is counted in bytes and taken off in items (gh-135862).
WIDE_VIEWS_ARE_CUT_SHORT: bool

#: The same miscount in `writelines()`: there are not so many items, and an IndexError of asyncio's
#: own ends the connection.
WIDE_LINES_ARE_MISCOUNTED: bool

#: `writelines()` hands its pieces to sendmsg(2), at once and as they are (before: joins them and
#: writes that); unsent pieces are kept apart, and one call takes so many (gh-91166).
WRITELINES_SENDS_PIECES: bool
PIECES_IN_ONE_SEND: int

#: An empty piece at the end of `writelines()` stays unsent; EOF and `close()` wait behind it
#: (gh-155888).
EMPTY_PIECES_STAY: bool

#: `writelines()` of an iterator without items fails an assertion (gh-155888).
NO_PIECES_FAIL: bool

#: `writelines()` on a lost connection is counted and logged, as `write()` is (gh-136234). Before,
#: its pieces are kept, and sent if the connection still flushes.
LATE_LINES_ARE_COUNTED: bool

#: `writelines()` after `close()` is a TypeError of asyncio's own making.
LINES_FAIL_AFTER_CLOSE: bool

#: The class of the error of `writelines()` after `connection_lost`, if it is one.
LINES_FAIL_AFTER_THE_END: Optional[Type[BaseException]]

#: `writelines()` never pauses the protocol, however large the backlog (gh-127655).
WRITELINES_NEVER_PAUSES: bool

#: `abort()` inside `resume_writing()`, while `close()` flushes, ends the connection twice: the
#: second time is an AttributeError for the loop's exception handler (gh-156512).
ABORT_WHILE_RESUMED_ENDS_TWICE: bool

#: Every callback of a connection runs in the one context that the connection began in; before, each
#: in a copy of the context of the call that led to it.
CONNECTION_KEEPS_ITS_CONTEXT: bool

#: `Server._attach` and `_detach` take the transport (before: count).
SERVER_IS_TOLD_WHICH: bool

#: `SSLProtocol` takes a shutdown timeout.
TLS_HAS_A_SHUTDOWN_TIMEOUT: bool

#: `sendfile()` of a file with a descriptor leaves its position where sending stopped, also if
#: nothing was sent (before: then where it was).
SENDFILE_OF_NOTHING_MOVES: bool

#: `create_server()` leaves out addresses that this machine does not have; with none left its
#: error has no errno (gh-75128).
FOREIGN_ADDRESSES_ARE_LEFT_OUT: bool

#: Closing a unix server removes its path (gh-111246).
UNIX_PATH_IS_REMOVED: bool


def __getattr__(name: str) -> Any:
    """Probe a fact when it is first asked for; from then on it is a plain name of this module.

    Raises:
        AttributeError: there is no such fact.
    """
    if name not in PROBES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    fact = PROBES[name]()
    globals()[name] = fact
    return fact


def __dir__() -> List[str]:
    return [*globals(), *PROBES]
