"""Planted subjects whose misdeeds are at the judge: blame, liars, and the process they are in.

Each is asyncio with one thing changed. `planted.py` has one for every verdict; these look for the
suite's own weak places. `apart.py` plays them, each in a process of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import logging
import operator
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from types import SimpleNamespace
from typing import Any, Callable, List, Type
from unittest import mock

from streamgauge.conformance.expectations import AdapterError, CheckFailedError, PreconditionError


def _asyncio_with(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(asyncio), **changes})


def _reader_with(**methods: Any) -> SimpleNamespace:
    reader: Type[asyncio.StreamReader] = type("Planted", (asyncio.StreamReader,), methods)
    return _asyncio_with(StreamReader=reader)


def _on_connecting(change: Callable[[Any, Any], Any]) -> SimpleNamespace:
    async def open_connection(*args: Any, **kwargs: Any) -> Any:
        reader, writer = await asyncio.open_connection(*args, **kwargs)
        change(reader, writer)
        return reader, writer

    return _asyncio_with(open_connection=open_connection)


def _writer_with(**methods: Any) -> SimpleNamespace:
    return _on_connecting(lambda _, writer: [setattr(writer, *pair) for pair in methods.items()])


def _reading(act: Callable[[], Any]) -> SimpleNamespace:
    """A reader that does something whenever it reads exactly, and then reads."""

    async def readexactly(self: Any, n: int) -> bytes:
        act()
        return await asyncio.StreamReader.readexactly(self, n)

    return _reader_with(readexactly=readexactly)


def _giving(change: Callable[[bytes], Any]) -> SimpleNamespace:
    """A reader of which every read gives something else than the bytes that it has read."""

    def wrapped(name: str) -> Any:
        real = getattr(asyncio.StreamReader, name)

        async def read(self: Any, *args: Any, **kwargs: Any) -> Any:
            depth = self.__dict__.setdefault("depth", [])
            depth.append(name)
            try:
                data = await real(self, *args, **kwargs)
            finally:
                depth.pop()
            return data if depth else change(data)  # one read may stand on another

        return read

    names = ("read", "readline", "readexactly", "readuntil")
    return _reader_with(**{name: wrapped(name) for name in names})


def _raising(make: Callable[[], BaseException]) -> SimpleNamespace:
    def act() -> None:
        raise make()

    return _reading(act)


# --- calls into C, which leave no frame --------------------------------------------------------

_IN_C = staticmethod(functools.partial(int, "planted"))  # raises, whatever it is called with

c_reads = _reader_with(readexactly=_IN_C)
c_feeds = _reader_with(feed_data=_IN_C)
c_ends = _reader_with(feed_eof=_IN_C)
c_says_at_eof = _reader_with(at_eof=_IN_C)
c_takes_an_error = _reader_with(set_exception=_IN_C)
c_is_built = _reader_with(__init__=_IN_C)
c_looks_up = _reader_with(feed_data=property(operator.itemgetter(0)))
c_connects = _asyncio_with(open_connection=_IN_C.__func__)
c_serves = _asyncio_with(start_server=_IN_C.__func__)
c_writes = _writer_with(write=_IN_C.__func__)
c_writes_lines = _writer_with(writelines=_IN_C.__func__)
c_drains = _writer_with(drain=_IN_C.__func__)
c_ends_writing = _writer_with(write_eof=_IN_C.__func__)
c_tells_no_socket = _writer_with(get_extra_info=_IN_C.__func__)
c_gives_no_pair = _asyncio_with(open_connection=None)


def _failed_future(self: Any, n: int) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(LookupError("planted"))
    return future


c_awaits = _reader_with(readexactly=_failed_future)


async def _set_no_timer(self: Any, n: int) -> bytes:
    asyncio.get_running_loop().call_later("soon", print)  # type: ignore[arg-type]  # the fault
    return b""


misuses_the_loop = _reader_with(readexactly=_set_no_timer)


class _Iterating:
    """A pair that cannot be taken apart."""

    def __iter__(self) -> Any:
        raise LookupError("planted: no pair")


async def _connect_to_nothing(*_: Any, **__: Any) -> Any:
    return _Iterating()


gives_a_strange_pair = _asyncio_with(open_connection=_connect_to_nothing)


# --- the loop, and errors that cannot be shown --------------------------------------------------


def _stop() -> None:
    asyncio.get_running_loop().stop()


def _cancel_everything() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


def _exit_in_a_callback() -> None:
    asyncio.get_running_loop().call_soon(sys.exit, 0)


stops_the_loop = _reading(_stop)
cancels_everything = _reading(_cancel_everything)
cancels_itself = _reading(lambda: asyncio.current_task().cancel())  # type: ignore[union-attr]
exits_in_a_callback = _reading(_exit_in_a_callback)


def _stop_when_closed(_: Any, writer: Any) -> None:
    close, loop = writer.close, asyncio.get_running_loop()
    writer.close = lambda: (loop.stop(), close())


stops_the_loop_when_closed = _on_connecting(_stop_when_closed)


class _Unshowable:
    def __repr__(self) -> str:
        raise LookupError("planted: no repr")


class _ExitsWhenShown:
    def __repr__(self) -> str:
        sys.exit(0)


class _MuteError(Exception):
    def __str__(self) -> str:
        raise LookupError("planted: no str")


class _SealedError(Exception):
    __traceback__ = property(lambda self: None)  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        raise LookupError("planted: nothing is set")


def _of_itself() -> BaseException:
    error = ValueError()
    error.args = (error,)
    return error


raises_the_unshowable = _raising(lambda: ValueError(_Unshowable()))
raises_what_exits = _raising(lambda: ValueError(_ExitsWhenShown()))
raises_an_error_of_itself = _raising(_of_itself)
raises_the_mute = _raising(_MuteError)
raises_the_sealed = _raising(_SealedError)
raises_half_a_character = _raising(lambda: ValueError("planted \udce4 \ud83d"))
raises_control_characters = _raising(lambda: ValueError("planted \x1b[31m \u202e \x00 \x9b"))
raises_at_length = _raising(lambda: ValueError("planted " * (1 << 20)))
raises_an_address = _raising(lambda: ValueError("at 0x7f3a2b1c9d40"))
raises_generator_exit = _raising(GeneratorExit)
raises_an_adapter_error = _raising(lambda: AdapterError("planted: not my fault"))
raises_a_precondition = _raising(lambda: PreconditionError("reader.a", ValueError("planted")))
raises_a_failed_check = _raising(lambda: CheckFailedError("planted: our own word"))
complains_without_a_dict = _reading(
    lambda: asyncio.get_running_loop().call_exception_handler("planted")  # type: ignore[arg-type]
)


# --- liars -------------------------------------------------------------------------------------


class Liar(bytes):
    """Bytes that equal everything, are as long as you like, and are not empty."""

    count = 0

    def __new__(cls, *args: Any) -> Any:  # noqa: D102 - it counts
        Liar.count += 1
        return super().__new__(cls, *args)

    __eq__ = __contains__ = lambda self, other: True  # type: ignore[assignment]
    __ne__ = lambda self, other: False  # type: ignore[assignment]  # noqa: E731
    __hash__ = bytes.__hash__
    __len__ = lambda self: 1  # type: ignore[assignment]  # noqa: E731
    __add__ = __radd__ = lambda self, other: self  # type: ignore[assignment]
    lstrip = strip = lambda self, *_: self  # type: ignore[assignment]


class Honest(bytes):
    """Bytes of another class, and nothing else."""


class _LyingInt(int):
    __eq__ = lambda self, other: True  # type: ignore[assignment]  # noqa: E731
    __hash__ = int.__hash__


class _Undecided:
    """What is true now and false then."""

    turn = False

    def __bool__(self) -> bool:
        _Undecided.turn = not _Undecided.turn
        return _Undecided.turn

    __eq__ = lambda self, other: True  # type: ignore[assignment]  # noqa: E731
    __hash__ = None  # type: ignore[assignment]


equals_everything = _giving(lambda data: Liar(b"other bytes"))
equals_everything_truly = _giving(Liar)
gives_anything = _giving(lambda data: mock.ANY)
gives_a_subclass = _giving(Honest)
gives_a_bytearray = _giving(bytearray)
gives_a_view = _giving(memoryview)
says_at_eof_by_number = _reader_with(
    at_eof=lambda self: _LyingInt(asyncio.StreamReader.at_eof(self))
)
says_at_eof_by_chance = _reader_with(at_eof=lambda self: _Undecided())
says_at_eof_by_one = _reader_with(at_eof=lambda self: int(asyncio.StreamReader.at_eof(self)))
says_closing_by_chance = _writer_with(is_closing=_Undecided)


class _Incomplete(asyncio.IncompleteReadError):
    """An error of its own, as an implementation may have."""


class IncompleteReadError(Exception):
    """A stranger of the same name."""

    partial, expected = b"abcde", 6


class _PretenderError(Exception):
    """No IncompleteReadError, though it says so."""

    partial, expected = b"abcde", 6
    __class__ = asyncio.IncompleteReadError  # type: ignore[assignment]


def _incomplete_as(make: Callable[[asyncio.IncompleteReadError], BaseException]) -> Any:
    async def readexactly(self: Any, n: int) -> bytes:
        try:
            return await asyncio.StreamReader.readexactly(self, n)
        except asyncio.IncompleteReadError as error:
            raise make(error) from None

    return _reader_with(readexactly=readexactly)


raises_a_subclass = _incomplete_as(lambda error: _Incomplete(error.partial, error.expected))
raises_a_namesake = _incomplete_as(lambda _: IncompleteReadError())
raises_a_pretender = _incomplete_as(lambda _: _PretenderError())
raises_a_lying_partial = _incomplete_as(lambda error: _Incomplete(Liar(b"other"), error.expected))


class _PretendsToBeAReader:
    __class__ = asyncio.StreamReader  # type: ignore[assignment]

    def __init__(self, reader: Any) -> None:
        self.__dict__["reader"] = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["reader"], name)


async def _connect_to_a_pretender(*args: Any, **kwargs: Any) -> Any:
    reader, writer = await asyncio.open_connection(*args, **kwargs)
    return _PretendsToBeAReader(reader), writer


pretends_to_be_a_reader = _asyncio_with(open_connection=_connect_to_a_pretender)


# --- the process -------------------------------------------------------------------------------


def _never(*_: Any, **__: Any) -> Any:
    raise LookupError("planted: what the suite must not call")


def _lower_the_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _remove_the_folder() -> None:
    if os.path.exists(tempfile.gettempdir()):
        tempfile.tempdir = tempfile.mkdtemp()
        shutil.rmtree(tempfile.tempdir)


def _leave_a_thread() -> None:
    threading.Thread(target=threading.Event().wait, name="planted", daemon=True).start()


def _leave_a_child() -> None:
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)


_POOL = concurrent.futures.ThreadPoolExecutor(4)


def _start_a_short_thread() -> None:
    threading.Thread(target=time.sleep, args=(0.05,)).start()


lowers_the_recursion_limit = _reading(lambda: sys.setrecursionlimit(200))
lowers_the_number_of_files = _reading(_lower_the_limit)
patches_wait = _reading(lambda: setattr(asyncio, "wait", _never))
patches_the_clock = _reading(lambda: setattr(time, "perf_counter", lambda: 0.0))
patches_the_reader = _reading(lambda: setattr(asyncio, "StreamReader", _never))
patches_a_method = _reading(lambda: setattr(asyncio.StreamReader, "feed_data", _never))
patches_sockets = _reading(lambda: setattr(socket, "socketpair", _never))
patches_fstat = _reading(lambda: setattr(os, "fstat", _never))
patches_len = _reading(lambda: setattr(sys.modules["builtins"], "len", len.__call__))
changes_the_folder = _reading(lambda: os.chdir("/"))
removes_the_folder = _reading(_remove_the_folder)
changes_the_umask = _reading(lambda: os.umask(0o077))
sets_a_variable = _reading(lambda: os.environ.update(PLANTED="1"))
handles_a_signal = _reading(lambda: signal.signal(signal.SIGUSR1, _never))
ignores_a_signal = _reading(lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN))
blocks_a_signal = _reading(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]))
sets_a_timer = _reading(lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 1000))
sets_a_default_timeout = _reading(lambda: socket.setdefaulttimeout(3))
unblocks_its_output = _reading(lambda: os.set_blocking(2, False))
silences_logging = _reading(lambda: logging.disable(logging.CRITICAL))
filters_warnings = _reading(lambda: warnings.simplefilter("ignore"))
hooks_exceptions = _reading(lambda: setattr(sys, "excepthook", _never))
leaves_a_thread = _reading(_leave_a_thread)
leaves_a_child = _reading(_leave_a_child)
goes_on_twice = _reading(os.fork)
has_a_pool = _reading(lambda: _POOL.submit(int))
starts_a_short_thread = _reading(_start_a_short_thread)


# --- what only a behaviour shows -----------------------------------------------------------------


def _never_end(_: Any, writer: Any) -> None:
    async def wait_closed() -> None:
        await asyncio.get_running_loop().create_future()

    close, end = writer.close, writer.write_eof
    ended: List[bool] = []

    def write_eof() -> None:
        ended.append(True)
        end()

    def closing() -> None:
        if ended:  # the peer's FIN would do it, if it came
            writer.wait_closed = wait_closed
        else:
            close()

    writer.write_eof, writer.close = write_eof, closing


never_closes_after_its_eof = _on_connecting(_never_end)
