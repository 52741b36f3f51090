"""Calls into a subject's adapter: what goes wrong in one is the adapter's fault, and no clause's.

An adapter brings a connection by `pair` and clears up by `finish`. A clause that covers making a
connection is not tried on such a subject, so there is none to look at first.
"""

from __future__ import annotations

import inspect
from typing import Any, Tuple

from streamgauge.conformance.blame import described
from streamgauge.conformance.expectations import AdapterError, shown
from streamgauge.conformance.kept import asyncio, socket
from streamgauge.conformance.subjects import Subject

__all__ = ["Adapter"]


class Adapter:
    """A subject's own two methods, as the suite calls them.

    Args:
        subject: what is judged.

    Attributes:
        under_way: the call that has not come back, empty if there is none. A call that is
            cancelled leaves it as it is: the deadline reads it.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.under_way = ""

    async def pair(self, limit: int) -> Tuple[Any, Any, socket.socket]:
        """Ask for one connection: reader, writer and the peer's socket.

        Args:
            limit: the reader's limit in bytes.

        Raises:
            AdapterError: whatever it raises, and whatever else it gives.
        """
        call = self.under_way = f"{self._subject.name}: pair({limit})"
        try:
            asked: Any = self._subject.pair(limit)
            made = await asked if inspect.isawaitable(asked) else asked
        except (Exception, SystemExit) as error:  # of the adapter, or of what it stands on
            raise AdapterError(f"{call} {described(error)}") from error
        self.under_way = ""
        if not _is_connection(made):
            raise AdapterError(f"{call} gave {_told(made)}; expected reader, writer and a socket")
        reader, writer, peer = made
        return reader, writer, peer

    async def finish(self) -> None:
        """Have it close what its pairs needed beside the streams.

        Raises:
            AdapterError: whatever it raises.
        """
        call = self.under_way = f"{self._subject.name}: finish()"
        try:
            await self._subject.finish()
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise AdapterError(f"{call} {described(error)}") from error
        self.under_way = ""


def _is_connection(made: Any) -> bool:
    if not isinstance(made, (tuple, list)) or len(made) != 3:
        return False
    return hasattr(made[1], "write") and isinstance(made[2], socket.socket)


def _told(made: Any) -> str:
    if isinstance(made, (tuple, list)):
        return f"({', '.join(type(each).__name__ for each in made)})"
    return shown(made)
