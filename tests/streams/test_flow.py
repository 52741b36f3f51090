"""About streamgauge/streams/flow.py: pausing, draining and the connection's end, no transport."""

from __future__ import annotations

import asyncio
import gc

import pytest

from streamgauge.streams import StreamReaderProtocol, flow
from streamgauge.streams.flow import FlowControlMixin


async def waiting(coroutine, turns=3):
    """Start a coroutine as a task and see that it waits."""
    task = asyncio.ensure_future(coroutine)
    for _ in range(turns):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_nothing_to_wait_for():
    """Unpaused, a drain returns without giving the loop a turn."""
    protocol = FlowControlMixin()
    with pytest.raises(StopIteration):
        protocol._drain_helper().send(None)


async def test_every_drain_waits_and_every_drain_goes_on():
    """Three drains of a paused transport wait, and one resume wakes them all."""
    protocol = FlowControlMixin()
    protocol.pause_writing()
    drains = [await waiting(protocol._drain_helper()) for _ in range(3)]
    protocol.resume_writing()
    assert await asyncio.gather(*drains) == [None] * 3


async def test_those_who_wait_are_their_own_connections():
    """What is done for the waits of one connection is not done for another's."""
    ours, other = FlowControlMixin(), FlowControlMixin()
    ours.pause_writing()
    waits = [await waiting(ours._drain_helper()), await waiting(ours._get_close_waiter(None))]
    other.resume_writing()
    other.connection_lost(None)
    for _ in range(3):
        await asyncio.sleep(0)
    assert [wait.done() for wait in waits] == [False, False]
    ours.connection_lost(None)
    assert await asyncio.gather(*waits) == [None, None]


async def test_cancelling_one_drain_leaves_the_others():
    """The cancelled one ends, the other goes on waiting and is woken."""
    protocol = FlowControlMixin()
    protocol.pause_writing()
    first, second = [await waiting(protocol._drain_helper()) for _ in range(2)]
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not second.done()
    protocol.resume_writing()
    assert await second is None
    assert not protocol._drain_waiters


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset by peer")])
async def test_the_end_wakes_drains(error):
    """An orderly end lets waiting drains return, an error is raised by each; later ones fail."""
    protocol = FlowControlMixin()
    protocol.pause_writing()
    drains = [await waiting(protocol._drain_helper()) for _ in range(2)]
    protocol.connection_lost(error)
    assert await asyncio.gather(*drains, return_exceptions=True) == [error] * 2
    with pytest.raises(ConnectionResetError, match="Connection lost"):
        await protocol._drain_helper()


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset by peer")])
async def test_the_end_wakes_those_who_wait_for_it(error):
    """Before and after the end, each wait for it ends, with the error if there is one."""
    protocol = FlowControlMixin()
    early = [await waiting(protocol._get_close_waiter(None)) for _ in range(2)]
    protocol.connection_lost(error)
    late = protocol._get_close_waiter(None)
    assert await asyncio.gather(*early, late, return_exceptions=True) == [error] * 3


async def test_only_the_first_end_counts():
    """A second connection_lost changes nothing."""
    protocol = FlowControlMixin()
    protocol.connection_lost(None)
    protocol.connection_lost(OSError("late"))
    assert await protocol._get_close_waiter(None) is None


async def test_an_error_nobody_asked_about_is_no_noise(kit):
    """A future that was given an error and dropped does not complain."""
    kit.listen()
    protocol = FlowControlMixin()
    wait = await waiting(protocol._get_close_waiter(None))
    wait.cancel()
    protocol.connection_lost(OSError("unnoticed"))
    await asyncio.wait([wait])
    del wait
    gc.collect()


async def test_a_cancelled_wait_for_the_end_is_forgotten():
    """It does not disturb the others, and is kept no longer than until the next one begins."""
    protocol = FlowControlMixin()
    first, second = (protocol._get_close_waiter(None) for _ in range(2))
    for _ in range(3):
        first.cancel()
        first = protocol._get_close_waiter(None)
        assert (second, first) == protocol._close_waiters
    first.cancel()
    protocol.connection_lost(None)
    assert await second is None
    assert () == protocol._close_waiters


def test_a_protocol_begins_as_the_mixin_does():
    """What the mixin's constructor would set is set, without its being called."""
    loop = asyncio.new_event_loop()
    loop.close()
    begins = vars(StreamReaderProtocol(None, loop=loop))
    assert vars(FlowControlMixin(loop)).items() <= begins.items()


@pytest.fixture
def unbounded(monkeypatch, transport):
    """A closing transport taken for one whose TLS shutdown has no bound."""
    monkeypatch.setattr(flow, "closes_unbounded", lambda transport: True)
    monkeypatch.setattr(flow, "TLS_SHUTDOWN_TIMEOUT_S", 0)
    return transport


async def test_an_unbounded_shutdown_is_given_up(unbounded):
    """When the bound has passed, the transport is aborted and the end is a TimeoutError."""
    protocol = FlowControlMixin()
    aborted = asyncio.get_running_loop().create_future()
    unbounded.abort = lambda: aborted.set_result(None)
    protocol._bound_tls_close(unbounded)
    waiter = protocol._get_close_waiter(None)
    await aborted
    protocol.connection_lost(None)
    with pytest.raises(TimeoutError, match="TLS shutdown"):
        await waiter


async def test_the_bound_ends_with_the_connection(unbounded):
    """A connection that ends in time leaves no timer behind; asking twice makes one timer."""
    protocol = FlowControlMixin()
    protocol._bound_tls_close(unbounded)
    timer = protocol._tls_close_timer
    protocol._bound_tls_close(unbounded)
    assert protocol._tls_close_timer is timer
    protocol.connection_lost(None)
    assert timer.cancelled()
    protocol._bound_tls_close(unbounded)
    assert protocol._tls_close_timer is None
