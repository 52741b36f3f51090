"""About streamgauge/streams/closing.py: the end of connections with protocols not ours."""

from __future__ import annotations

import asyncio
import asyncio.streams

import pytest

from streamgauge.streams import StreamWriter
from streamgauge.streams.closing import ForeignFlow


class Deaf(asyncio.Protocol):
    """A protocol that can't be asked."""

    lost = 0

    def connection_lost(self, exc):
        """Count."""
        self.lost += 1


class Asked(asyncio.Protocol):
    """A protocol that shares one future, as asyncio's do."""

    def __init__(self):
        self.closed = asyncio.get_running_loop().create_future()

    def _get_close_waiter(self, stream):
        return self.closed


@pytest.mark.parametrize("protocol", [Deaf, asyncio.streams.FlowControlMixin])
@pytest.mark.parametrize("error", [None, OSError("broken")])
async def test_a_protocol_that_cannot_be_asked_is_listened_to(protocol, error):
    """Its connection_lost runs as ever, and ends every wait, with the error if there is one."""
    protocol = protocol()
    flow = ForeignFlow(protocol)
    flow.start()
    tasks = [asyncio.ensure_future(flow._get_close_waiter(None)) for _ in range(2)]
    await asyncio.sleep(0)
    protocol.connection_lost(error)
    assert await asyncio.gather(*tasks, return_exceptions=True) == [error] * 2
    assert getattr(protocol, "lost", 1) == 1
    assert "connection_lost" not in protocol.__dict__


async def test_an_end_before_the_first_wait_is_known():
    """Asyncio's FlowControlMixin remembers that the connection was lost."""
    protocol = asyncio.streams.FlowControlMixin()
    protocol.connection_lost(None)
    await asyncio.wait_for(ForeignFlow(protocol)._get_close_waiter(None), 10)


async def test_cancelling_a_wait_cancels_nothing_shared():
    """The protocol's future lives on, and the next wait ends with it."""
    protocol = Asked()
    flow = ForeignFlow(protocol)
    task = asyncio.ensure_future(flow._get_close_waiter(None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not protocol.closed.done()
    protocol.closed.set_exception(OSError("broken"))
    with pytest.raises(OSError, match="broken"):
        await flow._get_close_waiter(None)


async def test_waits_that_were_given_up_are_forgotten_by_the_next():
    """Who waits under a timeout, again and again, leaves no more than one behind."""
    flow = ForeignFlow(Deaf())
    for _ in range(5):
        task = asyncio.ensure_future(flow._get_close_waiter(None))
        await asyncio.sleep(0)
        assert [False] == [waiter.done() for waiter in flow._waiters]
        task.cancel()
        await asyncio.sleep(0)


async def test_somebody_elses_cancelling_is_not_ours():
    """If another program cancelled the shared future, a wait returns, uncancelled."""
    protocol = Asked()
    protocol.closed.cancel()
    assert await ForeignFlow(protocol)._get_close_waiter(None) is None


async def test_a_protocol_may_answer_with_a_coroutine():
    """What is not a future is awaited."""
    protocol = Asked()

    async def answer():
        return None

    protocol.closed = answer()
    assert await ForeignFlow(protocol)._get_close_waiter(None) is None


async def test_a_protocol_that_is_never_told_can_be_closed(transport):
    """A writer built by hand over no protocol at all closes its transport, as asyncio's does."""
    writer = StreamWriter(transport, None, None, asyncio.get_running_loop())
    writer.close()
    assert transport.closing
