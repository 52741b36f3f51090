"""Saboteurs of writers that a program builds by hand, over a protocol that is asyncio's own."""

from __future__ import annotations

import warnings
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("writer.built.over-a-pipe", "is_closing() after close()")
def a_writer_by_hand_does_not_close(s: Any) -> None:
    """A writer over another protocol than ours leaves its transport open."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        if self._flow is self._protocol:
            real(self)


@saboteur("writer.built.over-a-pipe", "drain() of a full pipe to wait")
def a_writer_by_hand_never_waits(s: Any) -> None:
    """A drain over another protocol than ours returns at once."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        if self._flow is self._protocol:
            await real(self)


@saboteur("writer.built.pipe-wait-closed", "wait_closed() of an open pipe to wait")
def a_pipe_is_taken_for_closed(s: Any) -> None:
    """A protocol that cannot be asked is taken for one that has ended."""

    @instead(s.closing.ForeignFlow)
    async def _get_close_waiter(self: Any, writer: Any) -> None:
        pass


@saboteur("writer.built.pipe-wait-closed", "nothing was raised")
def what_broke_a_pipe_is_forgotten(s: Any) -> None:
    """The end of a connection is noted and its error is not, over another protocol than ours."""
    real = s.closing.ForeignFlow._note

    @instead(s.closing.ForeignFlow)
    def _note(self: Any, exc: Any) -> None:
        real(self, None)


@saboteur("writer.built.over-asyncios-protocol", "wait_closed() of an open connection to wait")
def asyncios_protocol_is_not_asked(s: Any) -> None:
    """wait_closed over asyncio's protocol returns at once."""

    @instead(s.closing.ForeignFlow)
    async def _get_close_waiter(self: Any, writer: Any) -> None:
        pass


@saboteur("writer.built.over-asyncios-protocol", "nothing was raised")
def asyncios_reader_is_not_asked(s: Any) -> None:
    """A drain does not look for the exception of a reader that is not ours."""
    real = s.StreamWriter.__init__

    @instead(s.StreamWriter)
    def __init__(self: Any, transport: Any, protocol: Any, reader: Any, loop: Any) -> None:
        real(self, transport, protocol, reader, loop)
        if self._state is not reader:
            self._state = s.StreamReader()


@saboteur("writer.built.reader-checked", "nothing was raised")
def anything_is_taken_for_a_reader(s: Any) -> None:
    """A writer is built with anything in its reader's place."""
    real = s.StreamWriter.__init__

    @instead(s.StreamWriter)
    def __init__(self: Any, transport: Any, protocol: Any, reader: Any, loop: Any) -> None:
        real(self, transport, protocol, reader if hasattr(reader, "exception") else None, loop)


@saboteur("writer.built.pipe-wait-closed", "it still waits")
def what_ended_before_is_waited_for(s: Any) -> None:
    """wait_closed over another protocol than ours does not see that the connection has ended."""
    asked = s.closing._can_be_asked

    @instead(s.closing.ForeignFlow)
    def start(self: Any) -> None:
        if not (self._listening or asked(self._protocol)):
            self._listening = True
            self._listen()


@saboteur("writer.built.upgrades", "raised AttributeError")
def an_upgrade_needs_a_reader(s: Any) -> None:
    """Over another protocol than ours, only a writer with a reader can be upgraded."""
    real = s.StreamWriter._go_on_with

    @instead(s.StreamWriter)
    def _go_on_with(self: Any, transport: Any) -> None:
        real(self, transport)
        if self._flow is not self._protocol:
            self._reader._transport = transport


@saboteur("writer.collected.after-its-loop", "what the transport was told")
def a_writer_closes_when_its_loop_is_gone(s: Any) -> None:
    """A writer that is collected closes its transport, though the loop for it is closed."""

    @instead(s.StreamWriter)
    def __del__(self: Any) -> None:
        if not self._transport.is_closing():
            self._transport.close()
            warnings.warn("unclosed", ResourceWarning, stacklevel=2)


@saboteur("writer.repr.tells-its-parts", "<StreamReader")
def a_writer_shows_no_reader(s: Any) -> None:
    """A writer's repr has its transport alone."""

    @instead(s.StreamWriter)
    def __repr__(self: Any) -> str:
        return f"<StreamWriter transport={self._transport!r}>"
