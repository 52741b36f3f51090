"""A drop-in for asyncio's streams: its types, its names, its words, its hooks.

What asyncio has and says is taken from the running asyncio.
"""

from __future__ import annotations

import asyncio
import asyncio.streams
import gc
import re
import socket
import sys
import threading
import warnings
import weakref
from contextlib import suppress

import pytest

from streamgauge import streams

KINDS = ("StreamReader", "StreamReaderProtocol", "StreamWriter")

# Names of asyncio's that are not here, each with its reason.
ABSENT = {
    "_on_reader_gc": "a callback of asyncio's weak reference; here the reader is held",
}


def theirs_and_ours():
    """Return the standard library's module and ours, with no name exchanged."""
    return asyncio.streams, streams


@pytest.fixture
def connection(transport):
    """Build reader, protocol and writer of a module over a transport that only notes."""
    built = []

    def build(module):
        loop = asyncio.get_running_loop()
        reader = module.StreamReader(loop=loop, limit=10)
        protocol = module.StreamReaderProtocol(reader, loop=loop)
        protocol.connection_made(transport)
        built.append((reader, protocol, module.StreamWriter(transport, protocol, reader, loop)))
        return built[-1]

    yield build
    transport.closing = True  # so that no writer complains
    built.clear()


class TestTypes:
    """isinstance, with and without install()."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_ours_are_kinds_of_asyncios(self, kind):
        """A library that has bound asyncio's class takes ours."""
        assert issubclass(getattr(streams, kind), getattr(asyncio, kind))

    async def test_a_connection_is_of_asyncios_types(self, kit):
        """Reader and writer that were opened are asyncio's to whoever asks."""
        async with kit.pair() as (reader, writer, _):
            assert isinstance(reader, asyncio.StreamReader)
            assert isinstance(writer, asyncio.StreamWriter)
            assert isinstance(writer._protocol, asyncio.streams.FlowControlMixin)


class TestNames:
    """Every attribute of asyncio's classes and of their instances."""

    @pytest.mark.parametrize("kind", KINDS)
    async def test_each_is_there_and_ours(self, connection, kind):
        """Of the class it is defined here, not inherited; of the instance it can be asked for."""
        ours, theirs = (connection(m)[KINDS.index(kind)] for m in (streams, asyncio.streams))
        cls = getattr(streams, kind)
        mine = {n for base in cls.__mro__ if "streamgauge" in base.__module__ for n in vars(base)}
        plain = re.compile(r"__(?!del|repr|init__|aiter|anext)")
        for base in getattr(asyncio, kind).__mro__:
            if base.__module__ == "asyncio.streams":
                for name in vars(base):
                    assert plain.match(name) or name in ABSENT or name in mine, name
        for name in vars(theirs):
            if name not in ABSENT:
                assert hasattr(ours, name), name

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_absent_is_there(self, kind):
        """The list of what is absent is true."""
        assert not [name for name in ABSENT if hasattr(getattr(streams, kind), name)]

    @pytest.mark.parametrize("reference", [weakref.ref, lambda reader: lambda: reader])
    async def test_the_protocols_reader_can_be_exchanged(self, connection, reference):
        """Setting `_stream_reader_wr` sends what comes to the other reader."""
        reader, protocol, _ = connection(streams)
        assert protocol._stream_reader_wr() is reader
        other = streams.StreamReader()
        protocol._stream_reader_wr = reference(other)
        protocol.data_received(b"x")
        assert await other.read(1) == b"x"
        protocol._stream_reader_wr = None
        protocol.data_received(b"x")
        assert (protocol._stream_reader_wr, len(reader._buffer)) == (None, 0)

    @pytest.mark.parametrize("name", ["_replace_writer", "_replace_transport"])
    async def test_a_transport_can_be_replaced(self, connection, name):
        """Both of the names that releases of asyncio have take a hand-made upgrade."""
        reader, protocol, writer = connection(streams)
        other = type(writer._transport)({"sslcontext": "a context"})
        writer._transport = other
        getattr(protocol, name)(writer if name == "_replace_writer" else other)
        assert (protocol._transport, protocol._over_ssl) == (other, True)
        assert reader._transport is other
        other.closing = True

    async def test_a_parser_of_ones_own(self, connection):
        """A read over `_buffer`, `_eof`, `_wait_for_data` and `_maybe_resume_transport` works."""
        reader, protocol, writer = connection(streams)

        async def read_to(ends):
            while not (place := re.search(ends, reader._buffer)) and not reader._eof:
                await reader._wait_for_data("read_to")
            data = bytes(reader._buffer[: place.end()])
            del reader._buffer[: place.end()]
            reader._maybe_resume_transport()
            return data

        read = asyncio.ensure_future(read_to(rb"[.!]"))
        for data in (b"a" * 30, b"b!c."):
            await asyncio.sleep(0)
            protocol.data_received(data)
        assert await read == b"a" * 30 + b"b!"
        assert writer._transport.log[-1] == "resume"
        protocol.eof_received()
        with pytest.raises(AssertionError, match="_wait_for_data after EOF"):
            await reader._wait_for_data("x")

    async def test_data_is_put_in_by_hand_and_a_read_woken(self):
        """`_buffer` and `_wakeup_waiter` feed a read that waits."""
        reader = streams.StreamReader()
        read = asyncio.ensure_future(reader.readline())
        await asyncio.sleep(0)
        reader._buffer.extend(b"line\n")
        reader._wakeup_waiter()
        assert await read == b"line\n"

    async def test_the_end_as_a_future(self, connection):
        """`_closed` is done at the connection's end, and complains of nothing."""
        _, protocol, _ = connection(streams)
        closed = protocol._closed
        assert closed is protocol._closed
        assert not closed.done()
        protocol.connection_lost(KeyError("x"))
        assert isinstance(closed.exception(), KeyError)


def said_by(module, connection, case):
    """Return the message with which a module refuses something."""
    try:
        result = CASES[case](module, *connection(module))
        if asyncio.iscoroutine(result):
            with suppress(StopIteration):
                result.send(None)
    except Exception as error:
        return str(error)
    raise AssertionError("nothing was refused")


def overrun(method, data):
    """A read of too much without a newline."""

    def case(module, reader, protocol, writer):
        reader.feed_data(data)
        return getattr(reader, method)()

    return case


def second(method, *args):
    """A read while another waits."""

    def case(module, reader, protocol, writer):
        reader._waiter = asyncio.get_running_loop().create_future()
        return getattr(reader, method)(*args)

    return case


def fed_after_eof(module, reader, protocol, writer):
    """Feed behind the end."""
    reader.feed_eof()
    reader.feed_data(b"x")


def drained_after_loss(module, reader, protocol, writer):
    """Drain when there is no connection."""
    protocol.connection_lost(None)
    return writer.drain()


CASES = {
    "limit": lambda module, *_: module.StreamReader(limit=0),
    "line": overrun("readline", b"x" * 11),
    "whole line": overrun("readline", b"x" * 11 + b"\n"),
    "until": overrun("readuntil", b"x" * 11),
    "until found": overrun("readuntil", b"x" * 11 + b"\n"),
    "empty separator": lambda module, reader, *_: reader.readuntil(b""),
    "negative": lambda module, reader, *_: reader.readexactly(-1),
    "two reads": second("read", 1),
    "two readlines": second("readline"),
    "two readexactlys": second("readexactly", 1),
    "two readuntils": second("readuntil"),
    "fed after EOF": fed_after_eof,
    "second transport": lambda module, reader, *_: reader.set_transport(object()),
    "drain": drained_after_loss,
}


class TestWords:
    """A message begins with asyncio's words."""

    @pytest.mark.parametrize("case", CASES)
    async def test_the_running_asyncios_words_come_first(self, connection, case):
        """Programs look for these words, and branch on them."""
        said = said_by(asyncio.streams, connection, case)
        assert said_by(streams, connection, case).startswith(said)

    @pytest.mark.parametrize("data", ["text", None, 5])
    async def test_write_refuses_in_asyncios_words(self, data):
        """So does write, whose words are asyncio's transport's, up to 3.14 exactly."""
        said = {}
        for module in (asyncio.streams, streams):
            left, right = socket.socketpair()
            with right:
                _, writer = await module.open_connection(sock=left)
                if "uvloop" in type(writer.transport).__module__:
                    writer.close()
                    pytest.skip("uvloop has words of its own")
                with pytest.raises(TypeError) as raised:
                    writer.write(data)
                said[module] = str(raised.value)
                writer.close()
                await writer.wait_closed()
        begin, end = said[asyncio.streams].split("bytes", 1)
        if end.startswith("-like"):
            assert said[streams].startswith(said[asyncio.streams])
        else:  # it names the three types, which ours does behind asyncio's former words
            assert said[streams].startswith(f"{begin}bytes-like object, {end.split(', ')[-1]}")


def spied(module, kind, overridden, log):
    """Return a subclass of a module's class that notes calls of one method and goes on."""
    base = getattr(module, kind)
    real = getattr(base, overridden)
    if asyncio.iscoroutinefunction(real):

        async def method(self, *args):
            log.append((overridden, *[a for a in args if isinstance(a, (bytes, int, str))]))
            return await real(self, *args)
    else:

        def method(self, *args):
            log.append((overridden, *[a for a in args if isinstance(a, (bytes, int, str))]))
            return real(self, *args)

    return type(f"Spied{kind}", (base,), {overridden: method})


async def used(reader, protocol, writer):
    """Do with a connection all that can be done."""
    loop = asyncio.get_running_loop()
    for data, read in (
        (b"line\n", reader.readline),
        (b"line\n", reader.__anext__),
        (b"abcd", lambda: reader.read(4)),
        (b"abcd", lambda: reader.readexactly(4)),
        (b"ab;", lambda: reader.readuntil(b";")),
    ):
        protocol.data_received(data)
        await read()
        loop.call_soon(protocol.data_received, data)
        await read()
    protocol.data_received(b"x" * 11 + b"\n")
    with suppress(ValueError):
        await reader.readline()
    protocol.data_received(b"x" * 25)
    protocol.eof_received()
    await reader.read()
    writer.write(b"x")
    await writer.drain()
    protocol.pause_writing()
    loop.call_soon(protocol.resume_writing)
    await writer.drain()
    writer.can_write_eof, writer.get_extra_info("x"), writer.is_closing()
    writer.close()
    protocol.connection_lost(None)
    await writer.wait_closed()


HOOKS = [
    (kind, name)
    for kind in KINDS
    for name, value in {
        **(vars(asyncio.streams.FlowControlMixin) if kind == "StreamReaderProtocol" else {}),
        **vars(getattr(asyncio, kind)),
    }.items()
    if callable(value) and name not in (*ABSENT, "__init__", "__del__", "__aiter__")
]


class TestHooks:
    """What a subclass overrides is called as asyncio calls it."""

    @pytest.mark.parametrize(("kind", "name"), HOOKS)
    @pytest.mark.filterwarnings("ignore:.*iscoroutinefunction")
    async def test_overridden_methods_are_called_as_by_asyncio(self, transport, kind, name):
        """Each method of each class, overridden in turn: the same calls, in the same order."""
        logs = []
        for module in theirs_and_ours():
            log = []
            loop = asyncio.get_running_loop()
            cls = {k: getattr(module, k) for k in KINDS}
            cls[kind] = spied(module, kind, name, log)
            reader = cls["StreamReader"](loop=loop, limit=10)
            protocol = cls["StreamReaderProtocol"](reader, loop=loop)
            fake = type(transport)()
            protocol.connection_made(fake)
            writer = cls["StreamWriter"](fake, protocol, reader, loop)
            await used(reader, protocol, writer)
            logs.append(log)
        assert logs[0] == logs[1]

    async def test_del_closes_by_close(self, transport):
        """A dropped writer's own close is called, before anything is described."""
        log = []

        class Own(streams.StreamWriter):
            def close(self):
                log.append("close")
                super().close()

            def __repr__(self):
                log.append("repr")
                return super().__repr__()

        protocol = streams.StreamReaderProtocol(None)
        protocol.connection_made(transport)
        writer = Own(transport, protocol, None, asyncio.get_running_loop())
        dropped = [writer]
        del writer
        with pytest.warns(ResourceWarning, match="unclosed"):
            dropped.clear()
        assert log == ["close", "repr"]

    async def test_a_subclass_keeps_the_promises(self):
        """It reads lines, skips over-long ones, and loses nothing when cancelled."""

        class Own(streams.StreamReader):
            """With nothing overridden."""

        reader = Own(limit=4)
        reader.feed_data(b"one\nx too long")
        assert await reader.readline() == b"one\n"
        with pytest.raises(ValueError, match=r"longer|exceed"):
            await reader.readline()
        reader.feed_data(b" tail\ntwo\n12")
        assert await reader.readline() == b"two\n"
        read = asyncio.ensure_future(reader.read())
        await asyncio.sleep(0)
        reader.feed_data(b"34")
        for _ in range(3):
            await asyncio.sleep(0)
        read.cancel()
        await asyncio.wait([read])
        reader.feed_eof()
        assert await reader.read() == b"1234"


class TestHandler:
    """Nothing holds the handler's writer."""

    @pytest.mark.skipif(sys.version_info < (3, 9), reason="3.8 drops a cancelled handler's frame")
    async def test_a_handler_that_drops_its_writer_closes(self, kit):
        """The client sees EOF while the handler goes on."""
        going_on = asyncio.Event()

        async def handler(reader, writer):
            del writer
            await going_on.wait()

        async with kit.server(handler) as address:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                assert await kit.connect(address).receive_all() == b""
            going_on.set()
            await kit.turns()
        assert [str(each.message)[:8] for each in caught] == ["unclosed"]


class TestCollected:
    """Objects of a connection, asked in somebody's __del__."""

    async def test_a_reader_in_a_cycle_can_still_be_asked(self):
        """at_eof, repr and the length of the buffer, while the collector finalises it."""
        seen = []

        class Holder:
            def __del__(self):
                reader = self.reader
                seen.append((reader.at_eof(), repr(reader), len(reader._buffer)))

        for last in (False, True):
            reader = streams.StreamReader()
            holder = None if last else Holder()
            reader.feed_data(b"12345")
            await reader.read(2)
            holder = holder or Holder()
            holder.reader, reader.holder = reader, holder
            del holder, reader
            gc.collect()
        assert seen == [(False, "<StreamReader 3 bytes>", 3)] * 2


class TestThreads:
    """install() and uninstall() from many threads."""

    def test_pairs_from_eight_threads(self):
        """Ours stand between a thread's install and uninstall, asyncio's after the last."""
        before = asyncio.open_connection
        problems = []

        def work():
            try:
                for _ in range(2000):
                    streams.install()
                    if asyncio.open_connection is not streams.open_connection:
                        problems.append("asyncio's name")
                    streams.uninstall()
            except Exception as error:
                problems.append(repr(error))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (problems, asyncio.open_connection) == ([], before)
