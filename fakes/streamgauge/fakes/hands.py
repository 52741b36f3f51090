"""The hands on a wire: what a test does, one call at a time, to what one end sends.

Each hand checks at once what it was given, that it can still do something, and that it is called
where the connection lives. How a direction is held, cut and let go is in `direction`, what FIN
and RST mean in `wire`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Optional

from .direction import Direction

if TYPE_CHECKING:
    from .wire import Wire

__all__ = ["ENDINGS", "Hands", "check_count"]

#: How `cut` can end a direction.
ENDINGS = ("fin", "rst", "stall")


def check_count(what: str, n: object, least: int = 0) -> None:
    """Refuse what is not a number of bytes.

    Args:
        what: the argument as the caller knows it, for the message.
        n: what was given.
        least: the least that is taken.

    Raises:
        TypeError: it is not a whole number.
        ValueError: it is below the least.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"{what} got {n!r}, expected a whole number of bytes, {least} or more")
    if n < least:
        raise ValueError(f"{what} got {n!r} bytes, expected {least} or more")


class Hands:
    """The hands of one end: they are about the bytes, FIN and RST that this end sends.

    Attributes:
        loop: the loop of the transport on this end; None without one, when any caller will do.

    Raises:
        RuntimeError: called from another thread or loop while the end's own loop is running; or
            nothing that this end sends can arrive any more, and the call would do nothing.
    """

    __slots__ = ()

    wire: Wire
    out: Direction
    loop: Optional[asyncio.AbstractEventLoop]

    def stall(self) -> None:
        """Hold what this end sends, FIN and RST included, until `resume` or `deliver`."""
        self._check_place("stall()")
        self._check_use("stall()")
        self.out.hold()

    def resume(self) -> None:
        """Let go what `stall`, or a `cut` that stalls, has held; does nothing if nothing is."""
        self._check_place("resume()")
        self.out.release()

    def deliver(self, n_bytes: Optional[int] = None) -> int:
        """Let some of what is held arrive, and go on holding the rest.

        Args:
            n_bytes: how many bytes; a FIN or RST behind the last of them stays held. None lets
                all of it arrive, with FIN or RST.

        Returns:
            How many bytes arrived: fewer than asked for, if no more were held.

        Raises:
            TypeError: not a whole number.
            ValueError: a negative number.
        """
        if n_bytes is not None:
            check_count("deliver()", n_bytes)
        self._check_place("deliver()")
        return self.out.deliver(n_bytes)

    def cut(self, after: int = 0, how: str = "fin") -> None:
        """End what this end sends, once some more bytes have arrived at the peer.

        Args:
            after: bytes that still arrive; those that are held now are among them.
            how: ``"fin"``: the peer sees EOF there, this end a reset, and what the peer goes on
                to send meets a reset, as if this end's process had gone. ``"rst"``: both ends
                see a reset. ``"stall"``: nothing more arrives, until `resume`.

        Raises:
            TypeError: ``after`` is not a whole number.
            ValueError: a negative number, or another ``how``.
            RuntimeError: a cut is already waiting for its bytes.
        """
        check_count("cut(after=...)", after)
        if how not in ENDINGS:
            raise ValueError(f"cut(how=...) got {how!r}, expected 'fin', 'rst' or 'stall'")
        self._check_place("cut()")
        self._check_use("cut()")
        planned = self.out.planned
        if planned is not None:
            raise RuntimeError(
                f"cut(after={after}, how={how!r}) was called while another waits: this end is to"
                f" be cut with {planned[1]!r} after {planned[0]} more bytes"
            )
        self.out.cut(after, how)

    def reset(self) -> None:
        """Reset the connection: both ends see RST, at once, even if the wire is stalled."""
        self._check_place("reset()")
        if all(end.closed or end.dead for end in self.wire.ends):
            raise RuntimeError("reset() was called on a connection that is over at both ends")
        self.wire.reset()

    def in_flight(self) -> int:
        """Count the bytes that this end has sent and that the peer has not taken yet."""
        return self.out.window - self.out.room

    def _check_place(self, call: str) -> None:
        loop = self.loop
        if loop is not None and loop.is_running() and asyncio._get_running_loop() is not loop:
            raise RuntimeError(
                f"{call} was called from another thread or loop while this connection's loop runs:"
                f" call it there, or by loop.call_soon_threadsafe"
            )

    def _check_use(self, call: str) -> None:
        if self.out.over:
            raise RuntimeError(
                f"{call} was called on an end whose FIN or RST has arrived, or that was reset:"
                " nothing that it sends can arrive any more"
            )
