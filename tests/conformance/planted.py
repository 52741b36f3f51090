"""Planted subjects: each goes wrong in one known way, so that each verdict can be tried.

A planted subject is asyncio with one thing changed. They are named on the command line as
`planted:always_hangs` and so on.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
from types import SimpleNamespace
from typing import Any, Type

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


async def _raise_system_exit(self: Any, n: int) -> bytes:
    raise SystemExit(5)


raises_system_exit = _reader_whose("readexactly", _raise_system_exit)


async def _raise_keyboard_interrupt(self: Any, n: int) -> bytes:
    raise KeyboardInterrupt


raises_keyboard_interrupt = _reader_whose("readexactly", _raise_keyboard_interrupt)


async def _raise_base_exception(self: Any, n: int) -> bytes:
    raise BaseException("of no kind")


raises_base_exception = _reader_whose("readexactly", _raise_base_exception)


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


class LacksReadexactly(Subject):
    """A pair of its own that declares what it does not offer."""

    lacks = frozenset({"readexactly"})

    async def pair(self, limit: int) -> Any:
        """Give asyncio's pair over a socketpair."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs, limit=limit)
        return reader, writer, ours


class BrokenAdapter(Subject):
    """A subject whose adapter forgot its one method."""


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
