"""Runaways: planted subjects that go for the process that plays them, or for what it talks to.

Each is asyncio with one `readexactly` that misbehaves first; `runaways:stops_itself` names one.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import faulthandler
import json
import os
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from types import SimpleNamespace
from typing import Any, Callable

LINES = range(3, 64)  # descriptors, those of the suite among them


def _reading(act: Callable[[], Any]) -> SimpleNamespace:
    async def readexactly(self: Any, n: int) -> bytes:
        act()
        return await asyncio.StreamReader.readexactly(self, n)

    reader = type("Planted", (asyncio.StreamReader,), {"readexactly": readexactly})
    return SimpleNamespace(**{**vars(asyncio), "StreamReader": reader})


def _hold() -> None:
    while True:
        pass


def _then_hold(*acts: Callable[[], Any]) -> SimpleNamespace:
    def act() -> None:
        for each in acts:
            each()
        _hold()

    return _reading(act)


# --- runs that would never end -----------------------------------------------------------------


def _time_out_of_its_own() -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 5)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _block_everything() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _ignore(number: signal.Signals) -> Callable[[], Any]:
    return lambda: signal.signal(number, signal.SIG_IGN)


def _handle(number: signal.Signals) -> Callable[[], Any]:
    return lambda: signal.signal(number, lambda *_: None)


holds = _then_hold()
holds_after_a_time_out = _then_hold(_time_out_of_its_own)
holds_without_an_alarm = _then_hold(lambda: signal.alarm(0))
holds_and_ignores_alarms = _then_hold(_ignore(signal.SIGALRM))
holds_and_handles_alarms = _then_hold(_handle(signal.SIGALRM))
holds_and_blocks_everything = _then_hold(_block_everything)
holds_and_ignores_aborts = _then_hold(_ignore(signal.SIGABRT))
holds_and_handles_aborts = _then_hold(_handle(signal.SIGABRT))
holds_without_a_fault_handler = _then_hold(faulthandler.disable)
holds_in_its_parents_group = _then_hold(lambda: os.setpgid(0, os.getppid()))
holds_without_output = _then_hold(lambda: os.close(2))
holds_in_c = _reading(lambda: ctypes.pythonapi.sleep(3600))
stops_itself = _reading(lambda: os.kill(os.getpid(), signal.SIGSTOP))
stops_its_group = _reading(lambda: os.killpg(0, signal.SIGSTOP))
waits_for_a_process = _reading(lambda: subprocess.call(["sleep", "3600"]))
waits_for_a_thread = _reading(lambda: threading.Event().wait())

# --- deaths ------------------------------------------------------------------------------------


def _use_up_its_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
    _hold()


def _leave_to_a_copy() -> None:
    if os.fork():
        os._exit(0)


exits_with_success = _reading(lambda: os._exit(0))
exits_as_the_suite_does = _reading(lambda: os._exit(70))
aborts = _reading(os.abort)
kills_itself = _reading(lambda: os.kill(os.getpid(), signal.SIGKILL))
terminates_itself = _reading(lambda: os.kill(os.getpid(), signal.SIGTERM))
kills_its_group = _reading(lambda: os.killpg(0, signal.SIGKILL))
terminates_its_group = _reading(lambda: os.killpg(0, signal.SIGTERM))
hangs_its_group_up = _reading(lambda: os.killpg(0, signal.SIGHUP))
kills_its_parent = _reading(lambda: os.kill(os.getppid(), signal.SIGKILL))
reads_nowhere = _reading(lambda: ctypes.string_at(0))
uses_up_its_time = _reading(_use_up_its_time)
leaves_to_a_copy = _reading(_leave_to_a_copy)
dies_in_colour = _reading(lambda: (os.write(2, b"\x1b[31mred \xff\xe2\x80\xae"), os._exit(9)))
dies_at_length = _reading(lambda: (os.write(2, b"planted " * 100_000), os._exit(9)))

# --- what it talks to --------------------------------------------------------------------------


def _to_each(act: Callable[[socket.socket], Any]) -> SimpleNamespace:
    def on_all() -> None:
        for number in LINES:
            with contextlib.suppress(OSError):  # nothing there, or no socket
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    with socket.socket(fileno=os.dup(number)) as sock:
                        act(sock)

    return _reading(on_all)


def _sending(data: bytes) -> SimpleNamespace:
    return _to_each(lambda sock: sock.send(data, socket.MSG_DONTWAIT))


def _put_nothing_in_their_place() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in LINES:
        with contextlib.suppress(OSError):
            os.dup2(nothing, number)


babbles = _sending(b"planted " * 50)
announces_gigabytes = _sending(struct.pack(">BcI", 0xA7, b"A", 2**31 - 1))
announces_with_a_sign = _sending(struct.pack(">i", -1))
sends_another_kind_of_frame = _sending(struct.pack(">BcI", 0xA7, b"?", 2) + b"{}")
sends_half_a_frame = _sending(struct.pack(">BcI", 0xA7, b"A", 100) + b"{")
answers_by_itself = _sending(struct.pack(">BcI", 0xA7, b"A", 2) + b"{}")
ends_its_lines = _to_each(lambda sock: sock.shutdown(socket.SHUT_RDWR))
closes_its_lines = _reading(lambda: os.closerange(3, 64))
puts_nothing_in_their_place = _reading(_put_nothing_in_their_place)

# --- what does no harm to any verdict ----------------------------------------------------------


def _patch(owner: Any, *names: str) -> Callable[[], Any]:
    def never(*_: Any, **__: Any) -> Any:
        raise RuntimeError("planted: patched")

    return lambda: [setattr(owner, name, never) for name in names]


unblocks_its_lines = _to_each(lambda sock: sock.setblocking(False))
exits_at_the_end = _reading(lambda: atexit.register(os._exit, 0))
sleeps_at_the_end = _reading(lambda: atexit.register(time.sleep, 1000))
closes_its_output = _reading(lambda: (sys.stdout.close(), sys.stderr.close()))
patches_json = _reading(_patch(json, "dumps", "loads"))
patches_writing = _reading(_patch(os, "write", "read", "getpid", "_exit"))
patches_select = _reading(_patch(sys.modules["select"], "select"))
removes_all_folders = _reading(
    lambda: shutil.rmtree(os.path.dirname(os.path.dirname(tempfile.gettempdir())), True)
)
stops_its_parent = _reading(lambda: os.kill(os.getppid(), signal.SIGSTOP))
is_told_to_go_on = _reading(lambda: os.kill(os.getpid(), signal.SIGCONT))
allows_no_process = _reading(lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)))
allows_no_files = _reading(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
allows_no_core = _reading(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))


def _fork_and_let_both_go_on() -> None:
    os.fork()


def _leave_a_daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)


forks_and_lets_both_go_on = _reading(_fork_and_let_both_go_on)
leaves_a_daemon = _reading(_leave_a_daemon)
leaves_a_shell = _reading(lambda: subprocess.Popen(["sh", "-c", "yes; exec sleep 3600"]))


def _complain(message: str) -> Callable[[], Any]:
    return lambda: asyncio.get_running_loop().call_exception_handler({"message": message})


complains_in_half_a_character = _reading(_complain("planted \ud83d"))
complains_in_bytes = _reading(_complain(os.fsdecode(b"planted \xff")))
complains_in_colour = _reading(_complain("planted \x1b[31m\x00\u202e\x9b"))
complains_of_an_address = _reading(_complain("planted <x at 0x7f00deadbeef>"))
