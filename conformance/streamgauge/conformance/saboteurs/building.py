"""Saboteurs of writers that a program builds by hand, over a protocol that is asyncio's own."""

from __future__ import annotations

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
