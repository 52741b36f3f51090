"""Saboteurs of `StreamWriter.drain`: flow control that does not control."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

from streamgauge.conformance.saboteurs.making import instead, saboteur

FIXED_MARK = 65536  # bytes: asyncio's default, here whatever the program has set


def _when_cancelled(s: Any, then: Callable[[Any], None]) -> None:
    """Do something to the flow whenever a wait in drain is cancelled."""
    real = s.flow.FlowControlMixin._drain_helper

    @instead(s.flow.FlowControlMixin)
    async def _drain_helper(self: Any) -> None:
        try:
            await real(self)
        except asyncio.CancelledError:
            then(self)
            raise


@saboteur("writer.drain.returns-when-nothing-to-wait-for", "still waits")
def drain_waits_until_nothing_is_queued(s: Any) -> None:
    """Drain waits for an empty buffer, not for the low-water mark."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        await real(self)
        if self._transport.get_write_buffer_size():
            await asyncio.get_running_loop().create_future()


@saboteur("writer.drain.returns-when-nothing-to-wait-for", "still waits")
def the_first_drain_waits(s: Any) -> None:
    """Drain waits for the transport to ask for more, also if it never asked for a pause."""

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        self._flow._paused = True
        await self._flow._drain_helper()


@saboteur("writer.drain.blocks-above-high-water", "it returned after")
def drain_does_nothing(s: Any) -> None:
    """Drain returns at once, whatever is queued."""

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        """Do nothing."""


@saboteur("writer.drain.blocks-above-high-water", "it returned after")
def drain_only_yields(s: Any) -> None:
    """Drain gives the loop one turn and returns, whatever is queued."""

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        await asyncio.sleep(0)


@saboteur("writer.drain.wakes-at-low-water", "still waits")
def resuming_wakes_no_drain(s: Any) -> None:
    """The transport's resume leaves a drain that waits asleep."""

    @instead(s.flow.FlowControlMixin)
    def resume_writing(self: Any) -> None:
        self._paused = False


@saboteur("writer.drain.wakes-at-low-water", "still waits")
def resuming_is_forgotten(s: Any) -> None:
    """After the first pause drain waits for ever: the resume does not reach it."""

    @instead(s.flow.FlowControlMixin)
    def resume_writing(self: Any) -> None:
        """Do nothing."""


@saboteur(
    "writer.drain.not-before-low-water",
    "bytes to be buffered when drain() returns",
    links=("unix",),
)
def drain_returns_below_the_high_water_mark(s: Any) -> None:
    """Drain returns as soon as the buffer is below the high-water mark."""

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        size = self._transport.get_write_buffer_size
        mark = (
            self._transport.get_write_buffer_limits()[1]
            if hasattr(self._transport, "get_write_buffer_limits")
            else FIXED_MARK
        )
        while size() > mark:  # noqa: ASYNC110 - it polls; by a timer it could miss the moment
            await asyncio.sleep(0)


def _wake(turn: Any) -> None:
    if not turn.done():
        turn.set_result(None)


@saboteur("writer.drain.follows-write-buffer-limits", "drain() not to wait with")
def drain_has_a_mark_of_its_own(s: Any) -> None:
    """Drain waits above 64 KiB, whatever mark the program has set."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        await real(self)
        while self._transport.get_write_buffer_size() > FIXED_MARK:
            turn = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.001, _wake, turn)
            await turn


@saboteur("writer.drain.several-waiters", "AssertionError")
def one_drain_may_wait(s: Any) -> None:
    """A second drain that has to wait raises AssertionError (gh-74116)."""
    real = s.flow.FlowControlMixin._drain_helper

    @instead(s.flow.FlowControlMixin)
    async def _drain_helper(self: Any) -> None:
        assert not self._drain_waiters
        await real(self)


@saboteur("writer.drain.several-waiters", "never ended")
def resuming_wakes_one_drain(s: Any) -> None:
    """Of several drains that wait, the transport's resume wakes the first only."""

    @instead(s.flow.FlowControlMixin)
    def resume_writing(self: Any) -> None:
        self._paused = False
        for waiter in list(self._drain_waiters)[:1]:
            _wake(waiter)


@saboteur("writer.drain.lost-connection-wakes", "never ended")
def a_reset_wakes_no_drain(s: Any) -> None:
    """A reset leaves a drain that waits asleep."""
    real = s.flow.FlowControlMixin.connection_lost

    @instead(s.flow.FlowControlMixin)
    def connection_lost(self: Any, exc: Any) -> None:
        self._drain_waiters.clear()
        real(self, exc)


@saboteur("writer.drain.lost-connection-wakes", "expected ConnectionError, nothing was raised")
def a_drain_that_waits_ends_well_after_a_reset(s: Any) -> None:
    """A drain that waits returns after a reset as if its bytes had been sent."""
    real = s.flow.FlowControlMixin._drain_helper

    @instead(s.flow.FlowControlMixin)
    async def _drain_helper(self: Any) -> None:
        lost = self._connection_lost
        try:
            await real(self)
        except ConnectionError:
            if lost:
                raise


@saboteur("writer.drain.lost-connection-raises", "expected ConnectionError, nothing was raised")
def drain_never_tells_of_a_reset(s: Any) -> None:
    """Drain returns on a connection that was reset."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        try:
            await real(self)
        except ConnectionError:
            return


@saboteur("writer.drain.lost-connection-raises", "expected ConnectionError, nothing was raised")
def drain_gives_the_loop_no_turn_to_notice(s: Any) -> None:
    """A program that only writes and drains never learns of a reset (bpo-25441)."""

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        if self._flow._connection_lost and self._transport.get_write_buffer_size() == 0:
            raise ConnectionResetError("lost")
        if self._flow._paused:
            await self._flow._drain_helper()


@saboteur("writer.drain.cancel-loses-nothing", "raised Connection")
def a_cancelled_drain_breaks_the_connection(s: Any) -> None:
    """A drain that is cancelled aborts the connection, and with it what is queued."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        try:
            await real(self)
        except asyncio.CancelledError:
            self._transport.abort()
            raise


@saboteur("writer.drain.cancel-leaves-other-waiters", "drain()")
def a_cancelled_drain_wakes_the_others(s: Any) -> None:
    """A drain that is cancelled wakes the others, though nothing was sent."""

    def wake(flow: Any) -> None:
        for waiter in flow._drain_waiters:
            _wake(waiter)

    _when_cancelled(s, wake)


@saboteur("writer.drain.cancel-leaves-other-waiters", "it ended with its cancellation")
def drains_share_what_they_wait_for(s: Any) -> None:
    """All drains wait for one future, which is cancelled with any of them."""
    real = s.flow.FlowControlMixin._drain_helper

    @instead(s.flow.FlowControlMixin)
    async def _drain_helper(self: Any) -> None:
        if self._connection_lost or not self._paused:
            await real(self)
            return
        if all(waiter.done() for waiter in self._drain_waiters):
            self._drain_waiters = {asyncio.get_running_loop().create_future(): None}
        await next(iter(self._drain_waiters))


@saboteur("writer.drain.no-turn-of-the-loop", "what ran meanwhile")
def drain_always_yields(s: Any) -> None:
    """Drain gives the loop a turn, though there is nothing to wait for."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        await real(self)
        await asyncio.sleep(0)


@saboteur("writer.drain.raises-reader-exception", "expected KeyError, nothing was raised")
def drain_does_not_ask_the_reader(s: Any) -> None:
    """Drain does not raise what was set on the reader."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        try:
            await real(self)
        except KeyError:
            return


@saboteur("writer.drain.raises-after-close", "expected ConnectionResetError, nothing was raised")
def drain_after_close_returns(s: Any) -> None:
    """Drain on a writer that is closed returns."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        if self._flow._connection_lost and self._flow._connection_error is None:
            return
        await real(self)


@saboteur("writer.drain.returns-when-aborted", "raised ConnectionAbortedError")
def aborting_is_an_error_for_drain(s: Any) -> None:
    """A drain that waits raises when the program itself aborts the transport."""
    real = s.flow.FlowControlMixin._drain_helper

    @instead(s.flow.FlowControlMixin)
    async def _drain_helper(self: Any) -> None:
        await real(self)
        if self._connection_lost:
            raise ConnectionAbortedError("aborted")


@saboteur("writer.drain.lost-connection-raises", "nothing was raised")
def a_drain_trusts_that_nobody_else_has_the_transport(s: Any) -> None:
    """A drain that once had nothing to wait for looks no more at a transport that others have."""
    real = s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def drain(self: Any) -> None:
        if self._touched or not self._flow._calm:
            await real(self)
            self._touched = False
            self._flow._calm = not self._transport.is_closing()


@saboteur("writer.drain.lost-connection-raises", "nothing was raised")
def a_drain_after_writelines_looks_no_more(s: Any) -> None:
    """After a writelines, a drain takes a connection that was quiet before for quiet still."""
    real = s.StreamWriter.writelines

    @instead(s.StreamWriter)
    def writelines(self: Any, data: Any) -> None:
        touched = self._touched
        real(self, data)
        self._touched = touched


@saboteur("writer.drain.cancel-leaves-nothing", "to leave nothing")
def a_drain_given_up_is_remembered(s: Any) -> None:
    """What a drain waited for is kept until the transport asks for more, cancelled or not."""

    def remember(flow: Any) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        flow._drain_waiters[future] = None

    _when_cancelled(s, remember)
