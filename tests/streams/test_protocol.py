"""About streamgauge/streams/protocol.py: a transport's callbacks and a server's handlers."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import inspect
import warnings
import weakref

import pytest

from streamgauge.streams import StreamReader, StreamReaderProtocol, StreamWriter, start_server
from streamgauge.streams import protocol as protocol_module
from streamgauge.streams.loops import set_loop


def joined(transport, **kwds):
    """Return a reader and its protocol, joined to a transport."""
    reader = StreamReader()
    protocol = StreamReaderProtocol(reader, **kwds)
    protocol.connection_made(transport)
    return reader, protocol


class TestCallbacks:
    """What a transport calls."""

    async def test_bytes_and_eof_reach_the_reader(self, transport):
        """data_received feeds it, eof_received ends it and keeps the sending side open."""
        reader, protocol = joined(transport)
        protocol.data_received(b"ab")
        assert protocol.eof_received() is True
        assert await reader.read() == b"ab"
        assert reader._transport is transport

    async def test_eof_under_tls_closes(self, transport):
        """Under TLS there is no half-close: eof_received is false."""
        transport._extra["sslcontext"] = object()
        _, protocol = joined(transport)
        assert protocol.eof_received() is False

    @pytest.mark.parametrize("error", [None, OSError("broken")])
    async def test_the_end_reaches_the_reader(self, transport, error):
        """It is EOF, or the error; the reader is let go of."""
        reader, protocol = joined(transport)
        protocol.connection_lost(error)
        assert (reader.at_eof(), reader.exception()) == (error is None, error)
        assert protocol._stream_reader is None
        assert protocol.data_received(b"late") is None

    async def test_a_second_connection_made_exchanges_the_transport(self, transport):
        """After TLS, reader and writer go on with the new one, and no second handler starts."""
        calls = []
        reader, protocol = joined(transport, client_connected_cb=lambda *pair: calls.append(pair))
        second = copy.copy(transport)
        protocol.connection_made(second)
        assert len(calls) == 1
        assert reader._transport is calls[0][1].transport is second
        second.closing = True

    async def test_its_dict_can_be_copied(self, transport):
        """Programs make a second protocol of the first one's attributes."""
        reader, protocol = joined(transport)
        other = StreamReaderProtocol(None)
        other.__dict__.update(protocol.__dict__)
        other.data_received(b"x")
        assert await reader.read(1) == b"x"

    def test_subclasses(self):
        """The constructor's parameters are asyncio's; no running loop is needed to call it."""
        parameters = list(inspect.signature(StreamReaderProtocol).parameters)
        assert parameters == ["stream_reader", "client_connected_cb", "loop"]

        class Mine(StreamReaderProtocol):
            pass

        assert Mine(StreamReader())._loop is set_loop()

    async def test_the_writer_can_be_read_and_assigned(self, transport):
        """A writer that a subclass makes and assigns is held until the connection ends."""
        reader, protocol = joined(transport)
        assert protocol._stream_writer is None
        writer = StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
        protocol._stream_writer = writer
        assert protocol._stream_writer is writer
        del writer
        gc.collect()
        assert protocol._stream_writer is not None
        assert not transport.closing
        protocol._stream_writer.close()
        protocol.connection_lost(None)
        assert protocol._stream_writer is None

    async def test_nothing_but_its_user_keeps_our_own_writer(self, transport):
        """`_stream_writer` gives the writer that we made as long as somebody uses it."""
        reader, protocol = joined(transport)
        loop = asyncio.get_running_loop()
        writer = StreamWriter(transport, protocol, reader, loop)
        protocol._writer_ref = weakref.ref(writer)
        assert protocol._stream_writer is writer
        transport.closing = True
        del writer
        assert protocol._stream_writer is None

    async def test_a_subclass_that_shares_its_transport_is_asked_at_each_drain(self, transport):
        """What a hook kept and aborts is seen by the very next drain."""

        class Keeping(StreamReaderProtocol):
            def connection_made(self, transport):
                super().connection_made(transport)
                self.kept = transport

        loop = asyncio.get_running_loop()
        reader = StreamReader()
        protocol = Keeping(reader, loop=loop)
        protocol.connection_made(transport)
        writer = StreamWriter(transport, protocol, reader, loop)
        await writer.drain()
        protocol.kept.closing = True
        loop.call_soon(protocol.connection_lost, None)
        with pytest.raises(ConnectionResetError):
            await writer.drain()


async def plain_coroutine(reader, writer):
    """Answer and close."""
    writer.write(b"ran")
    writer.close()


class AsyncCallable:
    """A callback that is an object."""

    async def __call__(self, reader, writer):
        """Answer and close."""
        await plain_coroutine(reader, writer)


def plain_function(reader, writer):
    """Answer and close."""
    writer.write(b"ran")
    writer.close()


CALLBACKS = {
    "coroutine function": plain_coroutine,
    "plain function": plain_function,
    "object with async call": AsyncCallable(),
    "partial": functools.partial(plain_coroutine),
    "function returning a coroutine": lambda *pair: plain_coroutine(*pair),  # noqa: PLW0108
    "function returning a task": lambda r, w: asyncio.ensure_future(plain_coroutine(r, w)),
}


async def _waiting_for_ever(reader, writer):
    await asyncio.get_running_loop().create_future()


async def _handlers_that_wait():
    handlers = protocol_module._handlers_of(asyncio.get_running_loop())
    server = await start_server(_waiting_for_ever, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    while not handlers:
        await asyncio.sleep(0)
    writer.close()
    server.close()
    return [weakref.ref(handler) for handler in handlers]


def test_a_handler_does_not_outlive_its_loop(caplog):
    """What waits in a loop that was closed is collected with it, and its descriptor closed."""
    loop = asyncio.new_event_loop()
    tasks = loop.run_until_complete(_handlers_that_wait())
    loop.close()
    del loop
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # nobody closed the handler's writer
        gc.collect()
    assert [None] == [task() for task in tasks]


class TestHandlers:
    """client_connected_cb."""

    @pytest.mark.parametrize("callback", CALLBACKS.values(), ids=CALLBACKS)
    async def test_each_kind_of_callback_runs(self, kit, callback):
        """Plain callables and everything that returns a coroutine."""
        async with kit.server(callback) as address:
            assert await kit.connect(address).receive_all() == b"ran"

    async def test_it_gets_a_reader_and_a_writer(self, kit):
        """Our classes, once for each connection."""
        pairs = []

        def callback(reader, writer):
            pairs.append((type(reader), type(writer)))
            writer.close()

        async with kit.server(callback) as address:
            for _ in range(2):
                await kit.connect(address).receive_all()
        assert pairs == [(StreamReader, StreamWriter)] * 2

    @pytest.mark.parametrize("kind", ["coroutine", "plain"])
    async def test_an_exception_is_reported_and_closes(self, kit, kind):
        """The loop's handler is told what and where; the client sees EOF."""

        def raising(reader, writer):
            raise ValueError("handler")

        async def raising_later(reader, writer):
            await asyncio.sleep(0)
            raise ValueError("handler")

        async with kit.server(raising if kind == "plain" else raising_later) as address:
            assert await kit.connect(address).receive_all() == b""
        (context,) = kit.noise
        kit.noise.clear()
        assert context["message"] == "Unhandled exception in client_connected_cb"
        assert repr(context["exception"]) == "ValueError('handler')"
        assert context["transport"] is not None

    async def test_a_plain_callback_that_raises_cancelled_error_closes(self, kit):
        """As a cancelled coroutine does: the client sees EOF, and nothing is reported."""

        def cancelled(reader, writer):
            raise asyncio.CancelledError

        async with kit.server(cancelled) as address:
            assert await kit.connect(address).receive_all() == b""
        assert kit.noise == []

    async def test_a_cancelled_handler_closes(self, kit):
        """Cancelling is no error: the client sees EOF, and nothing is reported."""

        async def cancelled(reader, writer):
            asyncio.current_task().cancel()
            await reader.read()

        async with kit.server(cancelled) as address:
            assert await kit.connect(address).receive_all() == b""

    async def test_a_suspended_handler_is_kept_alive(self, kit):
        """A handler that waits for something nobody else holds survives collection, until done."""
        suspended = []

        async def waiting(reader, writer):
            suspended.append(True)
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                suspended.append("cancelled")
                raise

        async with kit.server(waiting) as address:
            peer = kit.connect(address)
            await kit.until(lambda: suspended)
            for _ in range(3):
                gc.collect()
                await kit.turns()
            assert suspended == [True]
            (task,) = protocol_module._handlers_of(asyncio.get_running_loop())
            task.cancel()
            assert await peer.receive_all() == b""
        assert protocol_module._handlers_of(asyncio.get_running_loop()) == set()

    async def test_an_eager_task_factory(self, kit):
        """Handlers that run, or fail, before their task is returned do what others do."""
        if not hasattr(asyncio, "eager_task_factory"):
            pytest.skip("eager tasks came with 3.12")
        if kit.on_uvloop():
            pytest.skip("uvloop 0.23 does not work with asyncio's eager task factory")
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with kit.server(plain_coroutine) as address:
            assert await kit.connect(address).receive_all() == b"ran"
        assert protocol_module._handlers_of(asyncio.get_running_loop()) == set()
