"""About streamgauge/streams/reader.py: fed directly, without a transport or with a fake one."""

from __future__ import annotations

import asyncio
import inspect
import sys
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgauge.streams import (
    DEFAULT_LIMIT,
    IncompleteReadError,
    LimitOverrunError,
    StreamReader,
)
from streamgauge.streams.buffer import ReceiveBuffer
from streamgauge.streams.loops import set_loop


def fed(*chunks, limit=DEFAULT_LIMIT, eof=False, exc=None):
    """Return a reader that got these chunks, and EOF or an exception."""
    reader = StreamReader(limit=limit)
    for chunk in chunks:
        reader.feed_data(chunk)
    if eof:
        reader.feed_eof()
    if exc is not None:
        reader.set_exception(exc)
    return reader


def at_once(coroutine):
    """Run a coroutine that must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("it waited")


READS = {
    "read": lambda reader: reader.read(3),
    "read to EOF": lambda reader: reader.read(-1),
    "readline": lambda reader: reader.readline(),
    "readexactly": lambda reader: reader.readexactly(3),
    "readuntil": lambda reader: reader.readuntil(b"SEP"),
    "readuntil tuple": lambda reader: reader.readuntil((b"SEP", b"|")),
}
each_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


class TestRead:
    """read(n)."""

    @pytest.mark.parametrize(
        ("n", "expected"), [(0, b""), (3, b"abc"), (6, b"abcdef"), (100, b"abcdef"), (True, b"a")]
    )
    def test_up_to_n(self, n, expected):
        """At most n bytes of what is there are returned at once, over chunks; the rest stays."""
        for chunks in ([b"abcdef"], [b"ab", b"cd", b"ef"]):
            reader = fed(*chunks)
            assert at_once(reader.read(n)) == expected
            assert bytes(reader._buffer) == b"abcdef"[len(expected) :]

    @pytest.mark.parametrize("n", [None, "2", 1.5])
    def test_n_of_another_type(self, n):
        """TypeError, and nothing is consumed."""
        reader = fed(b"abc")
        with pytest.raises(TypeError, match="read"):
            at_once(reader.read(n))
        assert bytes(reader._buffer) == b"abc"

    def test_zero_never_waits(self):
        """read(0) is b"" on an empty buffer without EOF, too."""
        assert at_once(StreamReader().read(0)) == b""

    @pytest.mark.parametrize("n", [-1, -5])
    async def test_a_negative_number_means_until_eof(self, n):
        """Everything until EOF is returned, more than the limit as well."""
        reader = fed(b"abc", limit=2)
        task = asyncio.ensure_future(reader.read(n))
        await asyncio.sleep(0)
        reader.feed_data(b"def" * 10)
        reader.feed_eof()
        assert await task == b"abc" + b"def" * 10
        assert await reader.read() == b""

    async def test_it_takes_what_comes(self):
        """A read that waited returns the first bytes that come, not n of them."""
        reader = StreamReader()
        task = asyncio.ensure_future(reader.read(100))
        await asyncio.sleep(0)
        reader.feed_data(b"ab")
        assert await task == b"ab"

    async def test_a_size_that_no_buffer_has(self):
        """`read` of more bytes than there can be gives those there are, as ever."""
        reader = StreamReader()
        reader.feed_data(b"all")
        assert await reader.read(sys.maxsize + 1) == b"all"
        reader.feed_data(b"ab")
        reader.feed_data(b"cd")
        assert await reader.read(2**100) == b"abcd"
        waiting = asyncio.ensure_future(reader.read(2**100))
        await asyncio.sleep(0)
        reader.feed_data(b"later")
        assert await waiting == b"later"


class TestReadline:
    """readline()."""

    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_lines_and_the_rest(self, size):
        r"""Lines end with \n and keep \r; the last one may lack it; then b"" for ever."""
        data = b"one\r\n\ntwo\nrest"
        reader = fed(*(data[i : i + size] for i in range(0, len(data), size)), eof=True)
        lines = [at_once(reader.readline()) for _ in range(6)]
        assert lines == [b"one\r\n", b"\n", b"two\n", b"rest", b"", b""]

    def test_a_line_of_exactly_the_limit(self):
        """The newline does not count against the limit."""
        assert at_once(fed(b"x" * 10 + b"\n", limit=10).readline()) == b"x" * 10 + b"\n"

    @pytest.mark.parametrize("chunks", [[b"x" * 11 + b"\nnext\n"], [b"x" * 9, b"xx\nnext\n"]])
    def test_an_over_long_line_is_dropped_whole(self, chunks):
        """ValueError, in whose context the overrun stands; the next read has the next line."""
        reader = fed(*chunks, limit=10)
        with pytest.raises(ValueError, match="11 bytes") as raised:
            at_once(reader.readline())
        assert isinstance(raised.value.__context__, LimitOverrunError)
        assert raised.value.__cause__ is None
        assert at_once(reader.readline()) == b"next\n"

    @pytest.mark.parametrize(
        "rest", [[b"yy\nnext\n"], [b"y", b"y" * 30, b"y\nnext\n"], [b"\nnext\n"]]
    )
    def test_the_rest_of_an_over_long_line_is_no_line(self, rest):
        """ValueError; what comes later of the same line is dropped through its newline."""
        reader = fed(b"x" * 11, limit=10)
        with pytest.raises(ValueError, match="limit of 10"):
            at_once(reader.readline())
        for chunk in rest:
            reader.feed_data(chunk)
        assert at_once(reader.readline()) == b"next\n"
        reader.feed_data(b"last\n")
        assert at_once(reader.readline()) == b"last\n"
        assert type(reader._incoming) is ReceiveBuffer  # the quick kind again

    async def test_the_rest_of_an_over_long_line_is_waited_for(self):
        """A readline waits for the newline, loses nothing when cancelled, and then for its line."""
        reader = fed(b"x" * 11, limit=10)
        with pytest.raises(ValueError, match="limit of 10"):
            await reader.readline()
        for chunk in (b"yyy", b"yy\nne"):
            task = asyncio.ensure_future(reader.readline())
            await asyncio.sleep(0)
            reader.feed_data(chunk)
            for _ in range(3):
                await asyncio.sleep(0)
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
        reader.feed_data(b"xt\n")
        assert await reader.readline() == b"next\n"

    @pytest.mark.parametrize("end", ["eof", "exception"])
    def test_an_over_long_line_that_never_ends(self, end):
        """EOF ends it as a line does; an exception is raised."""
        reader = fed(b"x" * 11, limit=10)
        with pytest.raises(ValueError, match="limit of 10"):
            at_once(reader.readline())
        reader.feed_data(b"yyy")
        if end == "eof":
            reader.feed_eof()
            assert at_once(reader.readline()) == b""
            assert reader.at_eof()
        else:
            reader.set_exception(KeyError("k"))
            with pytest.raises(KeyError):
                at_once(reader.readline())

    def test_other_reads_get_the_rest_of_an_over_long_line(self):
        """They have no lines; one that takes its newline makes readline begin after it."""
        reader = fed(b"x" * 11, limit=10)
        with pytest.raises(ValueError, match="limit of 10"):
            at_once(reader.readline())
        reader.feed_data(b"yyy\nnext\n")
        assert at_once(reader.read(2)) == b"yy"
        assert at_once(reader.readuntil(b"\n")) == b"y\n"
        assert at_once(reader.readline()) == b"next\n"

    def test_over_long_data_at_eof(self):
        """ValueError and then b"": the data is dropped."""
        reader = fed(b"x" * 11, limit=10, eof=True)
        with pytest.raises(ValueError, match="limit of 10"):
            at_once(reader.readline())
        assert at_once(reader.readline()) == b""

    async def test_iteration_yields_lines(self):
        """`async for` gives every line and a last one without newline, and ends at EOF."""
        reader = fed(b"a\n\nb\r\nlast", eof=True)
        assert [line async for line in reader] == [b"a\n", b"\n", b"b\r\n", b"last"]
        assert reader.__aiter__() is reader


class TestReadexactly:
    """readexactly(n)."""

    @pytest.mark.parametrize("n", [0, 1, 3, 4, 6])
    def test_exactly_n(self, n):
        """N bytes are returned at once if they are there, over chunks; the rest stays."""
        reader = fed(b"abc", b"def")
        assert at_once(reader.readexactly(n)) == b"abcdef"[:n]
        assert bytes(reader._buffer) == b"abcdef"[n:]

    @pytest.mark.parametrize(
        ("n", "error"), [(-1, ValueError), (None, TypeError), (1.5, TypeError)]
    )
    def test_a_bad_n(self, n, error):
        """The error names the value and nothing is consumed, a stored exception or not."""
        reader = fed(b"abc", exc=KeyError("stored"))
        with pytest.raises(error, match=str(n)):
            at_once(reader.readexactly(n))
        assert bytes(reader._buffer) == b"abc"

    def test_eof_too_early(self):
        """IncompleteReadError has what there was and what was wanted; the buffer is empty."""
        reader = fed(b"ab", b"c", eof=True)
        with pytest.raises(IncompleteReadError) as raised:
            at_once(reader.readexactly(10))
        assert (raised.value.partial, raised.value.expected) == (b"abc", 10)
        assert reader.at_eof()

    async def test_it_waits_for_all(self):
        """It returns once the last byte has come, whatever the limit."""
        reader = StreamReader(limit=2)
        task = asyncio.ensure_future(reader.readexactly(50))
        for _ in range(49):
            await asyncio.sleep(0)
            reader.feed_data(b"x")
        await asyncio.sleep(0)
        assert not task.done()
        reader.feed_data(b"xy")
        assert await task == b"x" * 50
        assert bytes(reader._buffer) == b"y"


class TestReaduntil:
    """readuntil(separator)."""

    @pytest.mark.parametrize(
        "separator", [b"SEP", bytearray(b"SEP"), memoryview(b"SEP"), (b"SEP",)]
    )
    @pytest.mark.parametrize("size", [1, 2, 3, 100])
    def test_through_the_separator(self, separator, size):
        """The result ends with the separator, however both were cut; the rest stays."""
        data = b"abSESEPrest"
        reader = fed(*(data[i : i + size] for i in range(0, len(data), size)))
        assert at_once(reader.readuntil(separator)) == b"abSESEP"
        assert bytes(reader._buffer) == b"rest"

    @pytest.mark.parametrize(
        ("separators", "expected"),
        [
            ((b"\r\n", b"\n"), b"ab\r\n"),
            ((b"\n", b"X"), b"ab\r\n"),
            ((b"b\r", b"\n"), b"ab\r"),
            ((b"zz", b"d"), b"ab\r\ncd"),
        ],
    )
    def test_any_of_several(self, separators, expected):
        """With a tuple, the result is the shortest that ends with any of them."""
        assert at_once(fed(b"ab\r\ncd").readuntil(separators)) == expected

    def test_the_shorter_of_two_that_end_together_counts(self):
        """The carriage return counts against the limit when a bare newline would do."""
        with pytest.raises(LimitOverrunError) as raised:
            at_once(fed(b"ab\r\n", limit=2).readuntil((b"\r\n", b"\n")))
        assert raised.value.consumed == 3

    @pytest.mark.parametrize(
        ("separator", "error"), [(b"", ValueError), ((), ValueError), ("x", TypeError)]
    )
    def test_a_bad_separator(self, separator, error):
        """It is an error at once, before a stored exception, and nothing is consumed."""
        reader = fed(b"abc", exc=KeyError("stored"))
        with pytest.raises(error):
            at_once(reader.readuntil(separator))
        assert bytes(reader._buffer) == b"abc"

    @pytest.mark.parametrize("size", [10, 11, 12, 40])
    @pytest.mark.parametrize("cut", [1, 5, 100])
    def test_overrun_with_the_separator_there(self, size, cut):
        """More than the limit ahead of it raises; `consumed` is what is ahead; the data stays."""
        data = b"x" * size + b"SEPrest"
        reader = fed(*(data[i : i + cut] for i in range(0, len(data), cut)), limit=10)
        if size <= 10:
            assert at_once(reader.readuntil(b"SEP")) == data[:-4]
            return
        with pytest.raises(LimitOverrunError, match=f"{size} bytes") as raised:
            at_once(reader.readuntil(b"SEP"))
        assert raised.value.consumed == size
        assert bytes(reader._buffer) == data

    @pytest.mark.parametrize("size", [10, 12, 13, 40])
    async def test_overrun_without_the_separator(self, size):
        """What may be the beginning of the separator does not count; the data stays."""
        reader = fed(b"x" * size, limit=10)
        task = asyncio.ensure_future(reader.readuntil(b"SEP"))
        await asyncio.sleep(0)
        if size <= 12:
            assert not task.done()
            reader.feed_eof()
            with pytest.raises(IncompleteReadError):
                await task
            return
        with pytest.raises(LimitOverrunError) as raised:
            await task
        assert raised.value.consumed == size - 2
        assert len(reader._buffer) == size

    def test_recovery_from_an_overrun(self):
        """Reading what was consumed and asking again gives the separator."""
        reader = fed(b"x" * 25 + b"\ntail\n", limit=10)
        with pytest.raises(LimitOverrunError) as raised:
            at_once(reader.readuntil())
        assert at_once(reader.readexactly(raised.value.consumed)) == b"x" * 25
        assert at_once(reader.readuntil()) == b"\n"

    def test_eof_before_the_separator(self):
        """IncompleteReadError has all, a part of the separator too; the buffer is empty."""
        reader = fed(b"abcS", eof=True)
        with pytest.raises(IncompleteReadError) as raised:
            at_once(reader.readuntil(b"SEP"))
        assert (raised.value.partial, raised.value.expected) == (b"abcS", None)
        assert at_once(reader.read()) == b""

    @given(
        st.lists(st.sampled_from([b"a", b"b", b"ab", b"\n", b"", b"aab\n", b"b" * 9]), max_size=30),
        st.lists(st.sampled_from([b"\n", b"ab", b"ba", b"aab", b"b\n"]), min_size=1, unique=True),
        st.integers(1, 12),
    )
    def test_it_equals_a_model(self, chunks, separators, limit):
        """Over any chunks, separators and limit: the result, or the overrun, of a simple scan."""
        data = b"".join(chunks)
        reader = fed(*chunks, limit=limit, eof=True)
        ends = [(i + len(sep), len(sep)) for sep in separators for i in find_all(data, sep)]
        end, length = min(ends, default=(None, None))
        without = end - length if end else len(data) + 1 - max(map(len, separators))
        if without > limit:
            with pytest.raises(LimitOverrunError) as raised:
                at_once(reader.readuntil(tuple(separators)))
            assert raised.value.consumed == without
            assert bytes(reader._buffer) == data
        elif end:
            assert at_once(reader.readuntil(tuple(separators))) == data[:end]
            assert bytes(reader._buffer) == data[end:]
        else:
            with pytest.raises(IncompleteReadError) as raised:
                at_once(reader.readuntil(tuple(separators)))
            assert raised.value.partial == data


def find_all(data, sep):
    """Return every offset, overlapping ones too."""
    return [i for i in range(len(data)) if data.startswith(sep, i)]


class TestWaiting:
    """The one waiter."""

    @each_read
    @pytest.mark.parametrize("when", ["before anything came", "after a part came", "once woken"])
    async def test_cancelling_loses_nothing(self, read, when):
        """Whenever a read is cancelled, every byte is there for the next one."""
        reader = StreamReader()
        task = asyncio.ensure_future(read(reader))
        await asyncio.sleep(0)
        if when != "before anything came":
            reader.feed_data(b"a")
            if when == "once woken":
                reader.feed_data(b"bSEP\n")
            else:
                await asyncio.sleep(0)
        if task.done():
            assert await task == b"a"
            return
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        expected = {"before": b"", "after": b"a", "once": b"abSEP\n"}[when.split()[0]]
        reader.feed_data(b"|")
        reader.feed_eof()
        assert await reader.read() == expected + b"|"

    @each_read
    async def test_one_read_waits(self, read):
        """A second read that would have to wait is an error, named; the first goes on."""
        reader = StreamReader()
        first = asyncio.ensure_future(reader.readexactly(3))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"^read"):
            await read(reader)
        reader.feed_data(b"abc")
        assert await first == b"abc"

    async def test_the_error_names_the_method_that_was_called(self):
        """Of readline it says readuntil, as asyncio does."""
        reader = StreamReader()
        first = asyncio.ensure_future(reader.read(1))
        await asyncio.sleep(0)
        for name, named in (
            ("readline", "readuntil"),
            ("readuntil", "readuntil"),
            ("read", "read"),
        ):
            with pytest.raises(RuntimeError, match=rf"^{named}\(\)"):
                await getattr(reader, name)()
        with pytest.raises(RuntimeError, match=r"^readexactly\(\)"):
            await reader.readexactly(1)
        reader.feed_data(b"x")
        await first

    @pytest.mark.parametrize("name", ["read", "readline", "readexactly", "readuntil"])
    async def test_a_cancelled_read_gives_up_its_place_at_once(self, name):
        """A read that is called before the cancelled one has run takes over, undisturbed."""
        reader = StreamReader()
        for data in (b"one\n", b"two\n"):
            first = asyncio.ensure_future(reader.readline())
            await asyncio.sleep(0)
            first.cancel()
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, reader.feed_data, data)
            read = getattr(reader, name)(*{"read": (9,), "readexactly": (4,)}.get(name, ()))
            assert await asyncio.wait_for(read, 5) == data
            assert first.cancelled()
        second = asyncio.ensure_future(reader.read(9))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another read"):
            await reader.read(9)
        reader.feed_eof()
        await second

    async def test_a_read_that_need_not_wait_is_served(self):
        """While one waits for more, another takes what there is, and the first still gets its."""
        reader = fed(b"abc")
        first = asyncio.ensure_future(reader.readline())
        await asyncio.sleep(0)
        assert await reader.read(2) == b"ab"
        reader.feed_data(b"\n")
        assert await first == b"c\n"

    async def test_a_wait_ends_only_when_it_is_worth_it(self):
        """Bytes that can't complete a readexactly do not run its task."""
        reader = StreamReader()
        task = asyncio.ensure_future(reader.readexactly(3))
        await asyncio.sleep(0)
        reader.feed_data(b"ab")
        assert not reader._waiter.done()
        reader.feed_data(b"c")
        assert reader._waiter.done()
        assert await task == b"abc"

    @pytest.mark.parametrize(
        ("read", "chunks"),
        [
            (lambda r: r.readline(), [b"ab", b"c\n"]),
            (lambda r: r.readuntil(b"\r\n"), [b"ab\r", b"c\r", b"\n"]),
            (lambda r: r.readuntil((b";", b",;")), [b"ab,", b"c;"]),
        ],
    )
    async def test_a_wait_for_a_separator_ends_only_with_its_last_byte(self, read, chunks):
        """Chunks in which no separator can end do not run the task, in its second wait neither."""
        reader = StreamReader()
        for begun in (b"", b"x"):
            reader.feed_data(begun)
            task = asyncio.ensure_future(read(reader))
            await asyncio.sleep(0)
            for chunk in chunks[:-1]:
                reader.feed_data(chunk)
                assert not reader._waiter.done()
            reader.feed_data(chunks[-1])
            assert reader._waiter.done()
            assert await task == begun + b"".join(chunks)

    async def test_separators_with_different_ends_look_at_every_chunk(self):
        """Either of them may end in it."""
        reader = StreamReader()
        task = asyncio.ensure_future(reader.readuntil((b";", b"\n")))
        await asyncio.sleep(0)
        reader.feed_data(b"ab")
        assert reader._waiter.done()
        await asyncio.sleep(0)
        reader.feed_data(b"\n")
        assert await task == b"ab\n"

    @pytest.mark.parametrize(
        ("separator", "longest"), [(b"\n", 1), (b"SEP", 3), ((b"E", b"SE"), 2)]
    )
    @pytest.mark.parametrize("limit", [1, 10, 10.5])
    async def test_a_wait_for_a_separator_ends_with_the_byte_that_is_too_much(
        self, separator, longest, limit
    ):
        """Byte by byte, the overrun comes at the same byte as if all had come at once."""
        most = int(limit) + longest - 1
        reader = StreamReader(limit=limit)
        task = asyncio.ensure_future(reader.readuntil(separator))
        await asyncio.sleep(0)
        for _ in range(most):
            reader.feed_data(b"x")
            await asyncio.sleep(0)
        assert not reader._waiter.done()
        reader.feed_data(b"x")
        with pytest.raises(LimitOverrunError):
            await task

    async def test_a_limit_that_others_change_meanwhile(self):
        """It counts for the read that waits: what has come may be too much by now."""
        reader = StreamReader()
        task = asyncio.ensure_future(reader.readuntil())
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 100)
        reader._limit = 99
        with pytest.raises(LimitOverrunError):
            await task

    @pytest.mark.parametrize("came", [b"P", b"x"])
    async def test_a_separator_that_others_put_there(self, came):
        """The next chunk ends the wait, whatever is in it."""
        reader = fed(b"abc")
        task = asyncio.ensure_future(reader.readuntil(b"SEP"))
        await asyncio.sleep(0)
        reader._buffer.extend(b"SEP")
        reader.feed_data(came)
        assert await task == b"abcSEP"

    async def test_a_buffer_that_others_change_meanwhile(self):
        """Programs that clear or refill the buffer during a read do not confuse it."""
        reader = fed(b"abc")
        task = asyncio.ensure_future(reader.readuntil(b"SEP"))
        await asyncio.sleep(0)
        reader._buffer.clear()
        reader._buffer.extend(b"xSE")
        reader.feed_data(b"P")
        assert await task == b"xSEP"

    def test_reads_are_coroutine_functions(self):
        """create_task(reader.read()) works, so each read gives a coroutine."""
        for name in ("read", "readline", "readexactly", "readuntil"):
            assert inspect.iscoroutinefunction(getattr(StreamReader, name))


class TestEofAndExceptions:
    """feed_eof, set_exception, at_eof."""

    def test_at_eof_needs_both(self):
        """at_eof() is true once the buffer is empty and EOF was fed."""
        reader = fed(b"a")
        reader_at_eof = [reader.at_eof()]
        reader.feed_eof()
        reader_at_eof.append(reader.at_eof())
        at_once(reader.read(1))
        reader_at_eof.append(reader.at_eof())
        assert reader_at_eof == [False, False, True]

    @pytest.mark.parametrize("data", [b"x", b""])
    def test_no_data_after_eof(self, data):
        """AssertionError, even for no bytes and with -O; feed_eof may be repeated."""
        reader = fed(eof=True)
        reader.feed_eof()
        with pytest.raises(AssertionError, match="feed_eof"):
            reader.feed_data(data)

    @each_read
    async def test_an_exception_ends_a_wait(self, read):
        """A waiting read and every later one raise it; at_eof() stays false."""
        reader = StreamReader()
        task = asyncio.ensure_future(read(reader))
        await asyncio.sleep(0)
        reader.set_exception(KeyError("set"))
        for attempt in (task, read(reader), reader.read(0), reader.readexactly(0)):
            with pytest.raises(KeyError, match="set"):
                await attempt
        assert not reader.at_eof()

    @each_read
    async def test_data_comes_before_the_connections_end(self, read):
        """What the buffer serves is served; then the exception, and the rest can be read."""
        reader = fed(b"abSEP\n", b"12")
        reader._end_by(ConnectionResetError)
        if read is not READS["read to EOF"]:
            data = await read(reader)
            assert b"abSEP\n12".startswith(data)
            rest = b"abSEP\n12"[len(data) :]
        else:
            rest = b"abSEP\n12"
            with pytest.raises(ConnectionResetError):
                await read(reader)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(100)
        assert await reader.read(100) == rest
        with pytest.raises(ConnectionResetError):
            await reader.read(100)

    @each_read
    @pytest.mark.parametrize("by_hand", [False, True])
    async def test_a_programs_exception_wins_at_once(self, read, by_hand):
        """Whatever is buffered, and comes later, every read raises it; nothing is lost."""
        reader = fed(b"abSEP\n", b"12")
        if by_hand:
            reader._exception = KeyError("set")
        else:
            reader.set_exception(KeyError("set"))
        for _ in range(2):
            with pytest.raises(KeyError, match="set"):
                await read(reader)
            reader.feed_data(b"more SEP\n")
        reader.set_exception(None)
        assert await reader.read(100) == b"abSEP\n12" + 2 * b"more SEP\n"
        assert type(reader._incoming) is ReceiveBuffer  # the quick kind again

    async def test_a_programs_exception_wins_over_the_data_that_came_with_it(self):
        """A read that was woken and has not run yet raises it too."""
        reader = StreamReader()
        task = asyncio.ensure_future(reader.readline())
        await asyncio.sleep(0)
        reader.feed_data(b"line\n")
        reader.set_exception(KeyError("set"))
        with pytest.raises(KeyError, match="set"):
            await task

    def test_a_poisoned_reader_still_pauses_its_transport(self, transport):
        """What comes after set_exception, and nobody can read, does not pile up."""
        reader = StreamReader(limit=10)
        reader.set_transport(transport)
        reader.set_exception(KeyError("k"))
        for _ in range(3):
            reader.feed_data(b"x" * 9)
        assert transport.log == ["pause"]

    def test_an_exception_can_be_taken_back(self):
        """set_exception(None) makes the reader what it was."""
        reader = fed(b"abc", exc=KeyError("k"), eof=True)
        reader.set_exception(None)
        assert at_once(reader.read()) == b"abc"

    @pytest.mark.parametrize("by", ["set_exception", "_end_by"])
    def test_an_exception_that_is_raised_again_does_not_grow(self, by):
        """It is the same object, with a traceback of the same length, each time."""
        reader = fed()
        try:
            raise ConnectionResetError("x")
        except ConnectionResetError as error:
            getattr(reader, by)(error)
        first = raised_by(reader)
        assert [raised_by(reader) for _ in range(3)] == [first] * 3
        assert first[1][-1] == "test_an_exception_that_is_raised_again_does_not_grow"

    @each_read
    async def test_eof_ends_a_wait(self, read):
        """A waiting read ends with what the page says of EOF, never hangs."""
        reader = StreamReader()
        task = asyncio.ensure_future(read(reader))
        await asyncio.sleep(0)
        reader.feed_eof()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        assert getattr(result, "partial", result) == b""


def raised_by(reader):
    """Return what a read raises, and the functions in its traceback."""
    try:
        at_once(reader.read(1))
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        return error, [frame.name for frame in frames if frame.name != "raised_by"]
    return None


class TestFlowControl:
    """Pausing and resuming the transport."""

    def attached(self, transport, limit=10):
        """Return a reader with a transport."""
        reader = StreamReader(limit=limit)
        reader.set_transport(transport)
        return reader

    def test_paused_once_above_twice_the_limit(self, transport):
        """Strictly above, and once."""
        reader = self.attached(transport)
        logs = []
        for size in (19, 1, 1, 5):
            reader.feed_data(b"x" * size)
            logs.append(list(transport.log))
        assert logs == [[], [], ["pause"], ["pause"]]

    def test_resumed_at_the_limit(self, transport):
        """The read that leaves no more than the limit resumes, the one before does not."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 30)
        at_once(reader.read(19))
        assert transport.log == ["pause"]
        at_once(reader.read(1))
        assert transport.log == ["pause", "resume"]

    @pytest.mark.parametrize(
        "read",
        [
            lambda r: r.read(15),
            lambda r: r.readexactly(15),
            lambda r: r.readuntil(b"SEP"),
            lambda r: r.readuntil((b"SEP",)),
        ],
    )
    def test_every_consuming_read_resumes(self, transport, read):
        """Whichever read takes the bytes."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 10 + b"SEP" + b"y" * 5)
        reader.feed_data(b"SEP")
        at_once(read(reader))
        assert transport.log == ["pause", "resume"]

    def test_an_over_long_line_resumes_and_an_overrun_does_not(self, transport):
        """Readline drops the line, so it resumes; readuntil keeps the data, so it doesn't."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 30)
        with pytest.raises(LimitOverrunError):
            at_once(reader.readuntil())
        assert transport.log == ["pause"]
        with pytest.raises(ValueError, match="limit"):
            at_once(reader.readline())
        assert transport.log == ["pause", "resume"]

    @pytest.mark.parametrize("read", [lambda r: r.readexactly(100), lambda r: r.read(-1)])
    async def test_a_read_that_needs_more_keeps_it_flowing(self, transport, read):
        """It resumes before it waits, and no pause comes before what it needs is there."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 30)
        task = asyncio.ensure_future(read(reader))
        await asyncio.sleep(0)
        assert transport.log == ["pause", "resume"]
        reader.feed_data(b"x" * 60)
        assert transport.log == ["pause", "resume"]
        reader.feed_data(b"x" * 10)
        reader.feed_eof()
        assert await task == b"x" * 100

    @pytest.mark.parametrize("takes", [lambda r: r.read(100), lambda r: r.readexactly(50)])
    async def test_what_a_woken_read_takes_is_no_reason_to_pause(self, prompt, takes):
        """A transport that delivers once a turn is not paused for it, but for what is left."""
        reader = self.attached(prompt)
        task = asyncio.ensure_future(takes(reader))
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 50)
        assert (await task, prompt.log) == (b"x" * 50, [])
        task = asyncio.ensure_future(reader.read(10))
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 50)
        assert (await task, prompt.log) == (b"x" * 10, ["pause"])

    async def test_a_transport_that_may_deliver_again_at_once_is_paused(self, transport):
        """Where more can come before the woken read runs, the bound holds as ever."""
        reader = self.attached(transport)
        task = asyncio.ensure_future(reader.read(100))
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 50)
        assert transport.log == ["pause"]
        assert await task == b"x" * 50
        assert transport.log == ["pause", "resume"]

    async def test_a_woken_read_that_is_cancelled_leaves_the_bound_in_force(self, prompt):
        """What it was woken for and did not take is above the bound: the transport is paused."""
        reader = self.attached(prompt)
        task = asyncio.ensure_future(reader.read(100))
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 50)
        assert prompt.log == []
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert prompt.log == ["pause"]

    async def test_the_waiter_stands_before_the_transport_is_resumed(self, transport):
        """A transport that delivers from within resume_reading() finds the read waiting."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 30)
        transport.resume_reading = lambda: reader.feed_data(b"y" * 10)
        assert await asyncio.wait_for(reader.readexactly(40), 10) == b"x" * 30 + b"y" * 10

    async def test_a_cancelled_read_leaves_the_bound_in_force(self, transport):
        """What was let in for it is above the bound, so the transport is paused again."""
        reader = self.attached(transport)
        task = asyncio.ensure_future(reader.readexactly(100))
        await asyncio.sleep(0)
        reader.feed_data(b"x" * 50)
        assert transport.log == []
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert transport.log == ["pause"]
        assert await reader.readexactly(50) == b"x" * 50
        assert transport.log == ["pause", "resume"]

    def test_a_transport_that_cannot_pause(self, transport):
        """It is not asked twice, and everything is buffered."""

        def unable():
            transport.log.append("asked")
            raise NotImplementedError

        transport.pause_reading = unable
        reader = self.attached(transport)
        for _ in range(3):
            reader.feed_data(b"x" * 30)
        assert transport.log == ["asked"]
        assert at_once(reader.read(100)) == b"x" * 90

    @pytest.mark.parametrize("end", ["eof", "exception", "closing"])
    def test_an_ended_transport_is_left_alone(self, transport, end):
        """Once EOF or an exception came, or it is closing, it is not resumed."""
        reader = self.attached(transport)
        reader.feed_data(b"x" * 30)
        if end == "eof":
            reader.feed_eof()
        elif end == "exception":
            reader._end_by(OSError())
        else:
            transport.closing = True
        assert at_once(reader.read(30)) == b"x" * 30
        assert transport.log == ["pause"]

    def test_one_transport(self, transport):
        """A second set_transport is an AssertionError, the same one again is not."""
        reader = self.attached(transport)
        reader.set_transport(transport)
        with pytest.raises(AssertionError, match=r"^Transport already set"):
            reader.set_transport(object())


class TestObject:
    """Construction, names, repr."""

    @pytest.mark.parametrize("limit", [0, -1, "10", float("nan")])
    def test_a_bad_limit(self, limit):
        """It is refused by the constructor."""
        with pytest.raises((TypeError, ValueError), match=r"[Ll]imit"):
            StreamReader(limit=limit)

    def test_no_loop_is_needed(self):
        """Made outside a running loop, it takes the one that is set; a given one is kept."""
        assert StreamReader()._loop is set_loop()
        loop = object()
        assert StreamReader(loop=loop)._loop is loop

    async def test_the_running_loop_is_known(self):
        """Made inside a loop, a reader knows it."""
        assert StreamReader()._loop is asyncio.get_running_loop()

    def test_the_signature(self):
        """Parameters and defaults are asyncio's."""
        shown = str(inspect.signature(StreamReader)).replace(" ", "")
        assert shown.startswith("(limit:'float|None'=65536,loop:")

    def test_repr(self, transport):
        """It has asyncio's layout."""
        reader = fed(b"abc", limit=10, eof=True, exc=KeyError("k"))
        assert repr(reader) == "<StreamReader 3 bytes eof limit=10 exception=KeyError('k')>"
        assert repr(StreamReader()) == "<StreamReader>"
        reader = StreamReader()
        reader.set_transport(transport)
        reader.feed_data(b"x" * 140000)
        assert repr(reader) == f"<StreamReader 140000 bytes transport={transport!r} paused>"

    def test_attributes_can_be_set(self):
        """Programs put names of their own on readers, and subclass them."""

        class Mine(StreamReader):
            pass

        reader = Mine()
        reader.mine = 1
        assert reader.mine == 1

    @pytest.mark.parametrize("kind", [bytearray, memoryview])
    def test_fed_data_is_copied(self, kind):
        """Results are bytes, and what was fed can be changed afterwards."""
        data = bytearray(b"ab")
        reader = fed(kind(data))
        data[:] = b"xy"
        assert at_once(reader.read(2)) == b"ab"

    @pytest.mark.parametrize("data", ["ab", 3, None])
    def test_fed_data_of_another_type(self, data):
        """TypeError, where bytes(3) would have made three zeros."""
        with pytest.raises(TypeError):
            StreamReader().feed_data(data)
