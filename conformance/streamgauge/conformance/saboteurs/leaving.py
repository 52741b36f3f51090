"""Saboteurs that leave something behind: in the loop, in the process, and with the system."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import warnings
from typing import Any, List

from streamgauge.conformance import unix
from streamgauge.conformance.saboteurs.making import instead, saboteur

TRUE = shutil.which("true") or "true"
FORGOTTEN: List[Any] = []  # what a saboteur never lets go of, to the end of the process


@saboteur("hygiene.no-task-left", "left a task")
def every_read_leaves_a_task(s: Any) -> None:
    """A read starts a task that never ends."""
    real = s.StreamReader.read

    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        self._left = asyncio.get_running_loop().create_task(for_ever())
        return await real(self, n)


@saboteur("hygiene.nothing-never-retrieved", "never retrieved")
def an_error_is_left_in_a_future(s: Any) -> None:
    """A connection that is lost leaves its error in a future that nobody asks."""
    real = s.flow.FlowControlMixin.connection_lost

    @instead(s.flow.FlowControlMixin)
    def connection_lost(self: Any, exc: Any) -> None:
        real(self, exc)
        if exc is not None:
            asyncio.get_running_loop().create_future().set_exception(exc)


@saboteur("hygiene.nothing-never-retrieved", "loop is closed")
def a_late_writer_breaks_in_its_finalizer(s: Any) -> None:
    """A writer that is collected after its loop was closed raises in its finalizer (gh-109538)."""

    @instead(s.StreamReader)
    def __del__(self: Any) -> None:
        if self._eof and self._loop is not None and self._transport is None:
            raise RuntimeError("Event loop is closed")


@saboteur("hygiene.exception-handler-silent", "invalid literal for int()")
def eof_breaks_in_a_callback(s: Any) -> None:
    """feed_eof schedules a callback that fails."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        real(self)
        asyncio.get_running_loop().call_soon(int, "no number")


@saboteur("hygiene.no-transport-left", "unclosed")
def a_reader_keeps_a_socket_open(s: Any) -> None:
    """Each reader that is fed opens a socket and forgets it."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        self._left = socket.socket()
        real(self, data)


@saboteur("hygiene.no-timer-left", "left a timer: int")
def a_read_leaves_its_timer_running(s: Any) -> None:
    """A read sets a timer of an hour and does not cancel it."""
    real = s.StreamReader.read

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        asyncio.get_running_loop().call_later(3600, int)
        return await real(self, n)


@saboteur("hygiene.no-descriptor-left", "left descriptor")
def feed_eof_leaves_a_descriptor_open(s: Any) -> None:
    """feed_eof duplicates a descriptor and closes neither."""
    real = s.StreamReader.feed_eof

    @instead(s.StreamReader)
    def feed_eof(self: Any) -> None:
        FORGOTTEN.append(os.open(os.devnull, os.O_RDONLY))
        real(self)


@saboteur("hygiene.no-resource-warning", "never read to its end")
def a_reader_warns_of_what_is_no_leak(s: Any) -> None:
    """A reader that is collected warns, whether anything is open or not."""

    @instead(s.StreamReader)
    def __del__(self: Any) -> None:
        warnings.warn("a stream was never read to its end", ResourceWarning, stacklevel=1)


@saboteur("hygiene.streams-collected", "StreamReader kept alive by")
def every_reader_is_remembered(s: Any) -> None:
    """A list holds every reader that has ever been fed."""
    real = s.StreamReader.feed_data

    @instead(s.StreamReader)
    def feed_data(self: Any, data: Any) -> None:
        FORGOTTEN.append(self)
        real(self, data)


@saboteur("hygiene.no-thread-left", "left a thread: watcher")
def an_error_starts_a_thread_that_stays(s: Any) -> None:
    """set_exception starts a thread that nothing ever ends."""
    real = s.StreamReader.set_exception

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        threading.Thread(target=threading.Event().wait, name="watcher", daemon=True).start()
        real(self, exc)


@saboteur("hygiene.no-process-left", "left a process")
def an_error_starts_a_process_that_nobody_waits_for(s: Any) -> None:
    """set_exception starts a process, and nobody asks how it has ended."""
    real = s.StreamReader.set_exception

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        unix.os.posix_spawn(TRUE, [TRUE], {})
        real(self, exc)


@saboteur("hygiene.process-unchanged", "the default time-out of sockets was None, is 60.0")
def an_error_bounds_every_socket(s: Any) -> None:
    """set_exception sets a time-out for every socket that anybody makes from then on."""
    real = s.StreamReader.set_exception

    @instead(s.StreamReader)
    def set_exception(self: Any, exc: Any) -> None:
        socket.setdefaulttimeout(60.0)
        real(self, exc)


@saboteur("hygiene.every-call-ends", "never ended")
def a_read_after_a_short_one_never_ends(s: Any) -> None:
    """After an IncompleteReadError, which the page leaves alone, a further read never returns."""
    exactly, read_some = s.StreamReader.readexactly, s.StreamReader.read

    @instead(s.StreamReader)
    async def readexactly(self: Any, n: int) -> Any:
        try:
            return await exactly(self, n)
        except asyncio.IncompleteReadError:
            self._short = True
            raise

    @instead(s.StreamReader)
    async def read(self: Any, n: int = -1) -> Any:
        if getattr(self, "_short", False):
            await asyncio.get_running_loop().create_future()
        return await read_some(self, n)
