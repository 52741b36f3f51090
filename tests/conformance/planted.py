"""Planted subjects: each goes wrong in one known way, so that each verdict can be tried.

A planted subject is asyncio with one thing changed. They are named on the command line as
`planted:always_hangs` and so on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Type

from streamgauge.conformance.subjects import Subject


def _asyncio_with(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{**vars(asyncio), **changes})


def _reader_whose(name: str, method: Any) -> SimpleNamespace:
    reader: Type[asyncio.StreamReader] = type("Planted", (asyncio.StreamReader,), {name: method})
    return _asyncio_with(StreamReader=reader)


always_passes = _asyncio_with()


async def _without_limit(host: Any = None, port: Any = None) -> Any:
    return await asyncio.open_connection(host, port)


knows_no_limit = _asyncio_with(open_connection=_without_limit)
offers_no_function = SimpleNamespace(StreamReader=asyncio.StreamReader)


async def _wait_for_ever(self: Any, n: int) -> bytes:
    return bytes(await asyncio.get_running_loop().create_future())


always_hangs = _reader_whose("readexactly", _wait_for_ever)


async def _swallow_cancellation(self: Any, n: int) -> bytes:
    while True:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            continue


swallows_cancellation = _reader_whose("readexactly", _swallow_cancellation)


async def _busy_loop(self: Any, n: int) -> bytes:
    while True:
        pass


busy_loops = _reader_whose("readexactly", _busy_loop)


async def _hold_the_gil(self: Any, n: int) -> bytes:
    ctypes.pythonapi.sleep(3600)  # PyDLL keeps the GIL while libc sleeps
    return b""


holds_the_gil = _reader_whose("readexactly", _hold_the_gil)


async def _die_by_signal(self: Any, n: int) -> bytes:
    os.kill(os.getpid(), signal.SIGSEGV)
    return b""


dies_by_signal = _reader_whose("readexactly", _die_by_signal)


async def _exit_at_once(self: Any, n: int) -> bytes:
    os._exit(3)


exits_at_once = _reader_whose("readexactly", _exit_at_once)


async def _leave_a_process(self: Any, n: int) -> bytes:
    left = os.fork()
    if left == 0:  # it has all descriptors, and keeps them
        signal.pause()
    Path(os.environ["PLANTED_PID"]).write_text(str(left))
    os._exit(4)


leaves_a_process = _reader_whose("readexactly", _leave_a_process)


async def _exit_if_it_has_to_wait(self: Any, n: int) -> bytes:
    if len(self._buffer) < n:
        os._exit(3)
    return await asyncio.StreamReader.readexactly(self, n)


async def _busy_if_it_has_to_wait(self: Any, n: int) -> bytes:
    while len(self._buffer) < n:
        pass
    return await asyncio.StreamReader.readexactly(self, n)


async def _once_and_not_in_vain(self: Any, n: int) -> bytes:
    if not self._buffer or hasattr(self, "called"):
        raise LookupError("planted: called in vain, or once more")
    self.called = True
    return await asyncio.StreamReader.readexactly(self, n)


works_under_some_plans = _reader_whose("readexactly", _once_and_not_in_vain)
exits_under_some_plans = _reader_whose("readexactly", _exit_if_it_has_to_wait)
busy_under_some_plans = _reader_whose("readexactly", _busy_if_it_has_to_wait)


async def _raise_system_exit(self: Any, n: int) -> bytes:
    raise SystemExit(5)


raises_system_exit = _reader_whose("readexactly", _raise_system_exit)


async def _raise_keyboard_interrupt(self: Any, n: int) -> bytes:
    raise KeyboardInterrupt


raises_keyboard_interrupt = _reader_whose("readexactly", _raise_keyboard_interrupt)


async def _raise_base_exception(self: Any, n: int) -> bytes:
    raise BaseException("of no kind")


raises_base_exception = _reader_whose("readexactly", _raise_base_exception)


async def _lines_of(reader: Any) -> Any:
    while True:
        line = await reader.readline()
        if not line:
            return
        yield line


def _iterate_by_generator(self: Any) -> Any:
    return _lines_of(self)


iterates_by_generator = _reader_whose("__aiter__", _iterate_by_generator)


async def _leak_a_task(self: Any, n: int) -> bytes:
    async def forgotten() -> None:
        await asyncio.get_running_loop().create_future()

    self.leaked = asyncio.get_running_loop().create_task(forgotten())
    return await asyncio.StreamReader.readexactly(self, n)


leaks_a_task = _reader_whose("readexactly", _leak_a_task)


async def _forget_an_error(self: Any, n: int) -> bytes:
    asyncio.get_running_loop().create_future().set_exception(ValueError("forgotten"))
    return await asyncio.StreamReader.readexactly(self, n)


forgets_an_error = _reader_whose("readexactly", _forget_an_error)


async def _return_too_little(self: Any, n: int) -> bytes:
    return (await asyncio.StreamReader.readexactly(self, n))[:-1]


returns_too_little = _reader_whose("readexactly", _return_too_little)


class _RaisingReader(asyncio.StreamReader):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ValueError("planted: no reader today")


raises_in_constructor = _asyncio_with(StreamReader=_RaisingReader)


class _Less:
    """A reader that offers some of another's methods."""

    def __init__(self, reader: Any, *names: str) -> None:
        for name in names:
            setattr(self, name, getattr(reader, name))


class LacksReadexactly(Subject):
    """A pair of its own that declares what it does not offer."""

    lacks = frozenset({"readexactly"})

    async def pair(self, limit: int) -> Any:
        """Give asyncio's pair over a socketpair, without the one method."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs, limit=limit)
        return _Less(reader, "read", "readline", "readuntil", "at_eof"), writer, ours


class _Whole(Subject):
    async def pair(self, limit: int) -> Any:
        """Give asyncio's pair over a socketpair, whole."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs, limit=limit)
        return reader, writer, ours


class LiesAboutLacks(_Whole):
    """A pair of its own that offers what it declares to lack."""

    lacks = frozenset({"readexactly"})


lies_about_lacks = _asyncio_with(lacks={"readexactly"})
lacks_no_set = _asyncio_with(lacks=5)


class _AnswersAll:
    """Has every name there is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name, lambda *_: self)


answers_every_name = _AnswersAll()
reader_answers_every_name = _reader_whose("__getattr__", lambda self, name: name)


class _Unfed:
    """A reader that is read as the page says and fed in no way that others know."""

    def __init__(self, limit: int = 2**16, loop: Any = None) -> None:
        self._reader = asyncio.StreamReader(limit)

    read = lambda self, n=-1: self._reader.read(n)  # noqa: E731 - one line for each method
    readline = lambda self: self._reader.readline()  # noqa: E731
    readexactly = lambda self, n: self._reader.readexactly(n)  # noqa: E731
    readuntil = lambda self, separator=b"\n": self._reader.readuntil(separator)  # noqa: E731
    at_eof = lambda self: self._reader.at_eof()  # noqa: E731


cannot_be_fed = _asyncio_with(StreamReader=_Unfed)


class ForgetsPair(Subject):
    """A subject whose adapter forgot its one method."""


class RaisesInPair(Subject):
    """A subject whose adapter makes no connection."""

    async def pair(self, limit: int) -> Any:
        """Give up."""
        raise OSError("planted: no connection today")


class ExitsInPair(Subject):
    """A subject whose adapter wants to end the process."""

    async def pair(self, limit: int) -> Any:
        """Leave."""
        raise SystemExit(0)


class NeverPairs(Subject):
    """A subject whose adapter waits for a connection for ever."""

    async def pair(self, limit: int) -> Any:
        """Wait."""
        await asyncio.get_running_loop().create_future()


class PairsTwo(_Whole):
    """A subject whose adapter forgets the peer's socket."""

    async def pair(self, limit: int) -> Any:
        """Give reader and writer."""
        reader, writer, peer = await super().pair(limit)
        peer.close()
        return reader, writer


class RaisesInFinish(_Whole):
    """A subject whose adapter fails when it clears up."""

    async def finish(self) -> None:
        """Fail."""
        raise OSError("planted: not cleared up")


class NeverFinishes(_Whole):
    """A subject whose adapter clears up for ever."""

    async def finish(self) -> None:
        """Wait."""
        await asyncio.get_running_loop().create_future()


async def _leave_a_transport(self: Any, n: int) -> bytes:
    self.peer, theirs = socket.socketpair()
    await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=theirs)
    return await asyncio.StreamReader.readexactly(self, n)


leaves_a_transport = _reader_whose("readexactly", _leave_a_transport)


async def _fail_in_a_callback(self: Any, n: int) -> bytes:
    asyncio.get_running_loop().call_soon(int, "planted")
    await asyncio.sleep(0)
    return await asyncio.StreamReader.readexactly(self, n)


fails_in_a_callback = _reader_whose("readexactly", _fail_in_a_callback)


async def _leak_a_socket(self: Any, n: int) -> bytes:
    self.forgotten = socket.socket()
    return await asyncio.StreamReader.readexactly(self, n)


leaks_a_socket = _reader_whose("readexactly", _leak_a_socket)


async def _leak_a_descriptor(self: Any, n: int) -> bytes:
    for number in os.pipe():
        FORGOTTEN.append(number)
    return await asyncio.StreamReader.readexactly(self, n)


FORGOTTEN: List[int] = []
leaks_a_descriptor = _reader_whose("readexactly", _leak_a_descriptor)


async def _leave_a_timer(self: Any, n: int) -> bytes:
    asyncio.get_running_loop().call_later(3600, print)
    return await asyncio.StreamReader.readexactly(self, n)


leaves_a_timer = _reader_whose("readexactly", _leave_a_timer)


async def _warn_of_resources(self: Any, n: int) -> bytes:
    warnings.warn("planted: never closed", ResourceWarning, stacklevel=2)
    return await asyncio.StreamReader.readexactly(self, n)


warns_of_resources = _reader_whose("readexactly", _warn_of_resources)


async def _keep_its_readers(self: Any, n: int) -> bytes:
    KEPT.append(self)
    return await asyncio.StreamReader.readexactly(self, n)


KEPT: List[Any] = []
keeps_its_readers = _reader_whose("readexactly", _keep_its_readers)


async def _flood_memory(self: Any, n: int) -> bytes:
    taken = []
    while True:
        taken.append(bytes(1 << 26))  # asked for and never touched: the machine need not suffer


floods_memory = _reader_whose("readexactly", _flood_memory)
HOARD = []


async def _hoard_memory(self: Any, n: int) -> bytes:
    with contextlib.suppress(MemoryError):
        while True:
            HOARD.append(bytes(1 << 26))
    return await asyncio.StreamReader.readexactly(self, n)


hoards_memory = _reader_whose("readexactly", _hoard_memory)


async def _keep_a_little(self: Any, n: int) -> bytes:
    HOARD.append(bytes(1 << 23))
    return await asyncio.StreamReader.readexactly(self, n)


keeps_a_little = _reader_whose("readexactly", _keep_a_little)


async def _flood_output(self: Any, n: int) -> bytes:
    line = b"planted " * (1 << 17)  # 1 MiB
    for number in (1, 2) * 32:
        os.write(number, line)
        if os.fstat(number).st_size:
            raise RuntimeError(f"planted: output {number} goes into a file")
    return await asyncio.StreamReader.readexactly(self, n)


floods_output = _reader_whose("readexactly", _flood_output)


async def _raise_at_length(self: Any, n: int) -> bytes:
    asyncio.get_running_loop().call_exception_handler({"message": "planted " * (1 << 20)})
    return await asyncio.StreamReader.readexactly(self, n)


complains_at_length = _reader_whose("readexactly", _raise_at_length)
CALLS = Path(os.environ.get("PLANTED_CALLS", os.devnull))


async def _fail_one_time_in_five(self: Any, n: int) -> bytes:
    # Counted over all workers, so that it is one time in five whoever has the others.
    with CALLS.open("ab") as calls:
        calls.write(b".")
        turn = calls.tell()
    data = await asyncio.StreamReader.readexactly(self, n)
    return data if turn % 5 else data[:-1]


fails_one_time_in_five = _reader_whose("readexactly", _fail_one_time_in_five)


def _block(*_args: Any, **_kwargs: Any) -> Any:
    while True:
        pass


blocks_everywhere = SimpleNamespace(
    **dict.fromkeys(
        ("open_connection", "open_unix_connection", "start_server", "start_unix_server"), _block
    ),
    StreamReader=type("Planted", (asyncio.StreamReader,), {"__init__": _block}),
    StreamWriter=asyncio.StreamWriter,
)


async def _hang_aloud(self: Any, n: int) -> bytes:
    os.write(1, b"hanging\n")
    return await _wait_for_ever(self, n)


tells_that_it_hangs = _reader_whose("readexactly", _hang_aloud)


async def _stop_at_a_breakpoint(self: Any, n: int) -> bytes:
    breakpoint()
    return await asyncio.StreamReader.readexactly(self, n)


stops_at_a_breakpoint = _reader_whose("readexactly", _stop_at_a_breakpoint)


async def _raise_memory_error(self: Any, n: int) -> bytes:
    raise MemoryError("planted")


floods_no_memory = _reader_whose("readexactly", _raise_memory_error)
