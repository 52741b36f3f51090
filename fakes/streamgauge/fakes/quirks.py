"""What asyncio's own transports and servers do differently from one Python to the next.

A fake has to be as the real thing is *on this Python*: each line is a fact of the running
version's asyncio, measured, and named by what it says when true. Nothing else lives here.
"""

from __future__ import annotations

import sys

#: `pause_reading()` inside `connection_made` is honoured (before: undone, gh-76002).
PAUSE_BEFORE_THE_BEGINNING_HOLDS = sys.version_info >= (3, 11, 4)

#: What can't be sent at once is kept by reference, not copied: a bytearray changed after
#: `write()` changes what is sent (gh-91166).
UNSENT_IS_KEPT_BY_REFERENCE = sys.version_info >= (3, 12)

#: A memoryview of items wider than a byte, of which only a part can be sent at once, is cut short:
#: what was sent is counted in bytes and taken off in items (gh-135862). By `writelines()` from 3.12
#: on there are not so many items then: an IndexError of asyncio's own ends the connection.
WIDE_VIEWS_ARE_CUT_SHORT = True

#: `writelines()` hands its pieces to sendmsg(2), at once and as they are (before: joins them and
#: writes that); what is unsent is kept as pieces, of which one call takes so many (gh-91166).
WRITELINES_SENDS_PIECES = sys.version_info >= (3, 12)
PIECES_IN_ONE_SEND = 1024 if WRITELINES_SENDS_PIECES else sys.maxsize  # Linux's IOV_MAX

#: An empty piece at the end of `writelines()` stays unsent, and EOF and `close()` wait behind it;
#: `writelines()` of an iterator that gives nothing fails an assertion (gh-155888).
EMPTY_PIECES_STAY = (3, 12) <= sys.version_info < (3, 14, 10)

#: `writelines()` after `close()` is a TypeError, of asyncio's own making, and an AttributeError
#: after the end (gh-136234).
WRITELINES_AFTER_CLOSE_FAILS = (3, 12) <= sys.version_info < (3, 13, 6)

#: `writelines()` never pauses the protocol, however large the backlog (gh-127655).
WRITELINES_NEVER_PAUSES = (3, 12) <= sys.version_info < (3, 12, 9) or (
    (3, 13) <= sys.version_info < (3, 13, 2)
)

#: `create_server()` leaves out addresses that this machine does not have; with none left its
#: error has no errno (gh-75128).
FOREIGN_ADDRESSES_ARE_LEFT_OUT = (3, 11, 8) <= sys.version_info < (3, 12) or (
    sys.version_info >= (3, 12, 2)
)

#: `Server.wait_closed()` waits for the connections that are left (gh-79033).
WAIT_CLOSED_WAITS_FOR_CLIENTS = sys.version_info >= (3, 12, 1)

#: Closing a unix server removes its path (gh-111246).
UNIX_PATH_IS_REMOVED = sys.version_info >= (3, 13)
