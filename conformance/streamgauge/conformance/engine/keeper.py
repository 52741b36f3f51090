"""The child: a sealed process that imports one subject and one loop, and forks what plays.

It is forked by the supervisor, which imports neither. It plays nothing itself, so that a trial
that goes wrong costs the process forked for it and no import. Where an import leaves threads,
which no fork would have, it plays in its own process instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, NoReturn, Optional, TextIO, Tuple

from streamgauge.conformance import heap, loops, subjects, unix, versions
from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.engine import frames
from streamgauge.conformance.engine.player import Player
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.runner import Sweep, TrialSpec
from streamgauge.conformance.showing import clean

__all__ = ["Role", "keep"]

NAP_MS = 1000  # at most, between two looks at a process: a module may have blocked SIGCHLD
TASKS = Path("/proc/self/task")
HIGHEST = 4096  # descriptors are closed up to this number where the system lists none
LISTED = ("/proc/self/fd", "/dev/fd")


@dataclass(frozen=True, eq=False)
class Role:
    """The task of a child.

    Args:
        subject: name of the subject; empty where only the loop is asked for.
        loop: name of the loop; empty where only the subject is.
        search_path: folders appended to `sys.path`.
        folder: an empty folder of the child's own.
        trials: what may be asked for, by id.
        factor: what deadlines are multiplied by.
        sweep: how much to play of each check.
    """

    subject: str
    loop: str
    search_path: Tuple[str, ...]
    folder: str
    trials: Mapping[str, TrialSpec] = field(default_factory=dict)
    factor: float = 1.0
    sweep: Sweep = field(default_factory=Sweep)

    @property
    def name(self) -> str:
        """The beginning of messages about it."""
        return f"subject {self.subject!r}" if self.subject else f"loop {self.loop!r}"


def keep(role: Role, line: socket.socket, output: int) -> NoReturn:
    """Be the child, from the fork to the end of the process.

    Args:
        role: what it is for.
        line: to the supervisor.
        output: the descriptor that takes all that is printed.
    """
    try:
        _seal(role, line.fileno(), output)
        Keeper(role, line).run()
    except BaseException as error:  # ours; the subject's are refusals
        with contextlib.suppress(OSError):
            os.write(2, clean(f"{type(error).__name__}: {error}").encode())
    finally:
        os._exit(0)


def _seal(role: Role, line: int, output: int) -> None:
    """Cut this process off: session, signals, descriptors, streams and folder are its own."""
    unix.os.setsid()
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        unix.signal.SIGHUP,
        unix.signal.SIGCHLD,
        unix.signal.SIGALRM,
    ):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    unix.signal.pthread_sigmask(unix.signal.SIG_SETMASK, ())
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for theirs, ours in ((nowhere, 0), (output, 1), (output, 2)):
        os.dup2(theirs, ours)
    _close_all_but(line)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    sys.stdout, sys.stderr = _printing_to(1), _printing_to(2)
    os.chdir(role.folder)
    os.environ["TMPDIR"] = tempfile.tempdir = role.folder
    sys.path += [folder for folder in role.search_path if folder not in sys.path]


def _printing_to(number: int) -> TextIO:
    return open(number, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _close_all_but(line: int) -> None:
    listed = next((folder for folder in LISTED if os.path.isdir(folder)), "")
    every = map(int, os.listdir(listed)) if listed else range(HIGHEST)
    for number in every:
        if number > 2 and number != line:
            with contextlib.suppress(OSError):
                os.close(number)


class Keeper:
    """Imports, reports, and forks whenever it is asked to.

    Args:
        role: what it is for.
        line: to the supervisor.
    """

    def __init__(self, role: Role, line: socket.socket) -> None:
        self._role = role
        self._line = line
        self._pid = os.getpid()
        self._subject: Any = None
        self._loop_factory: Any = None
        self._forks = 0

    def run(self) -> None:
        """Serve until the supervisor hangs up."""
        threads = self._imported()
        if threads is None:
            return
        heap.freeze()
        while True:
            descriptor = _descriptor_from(self._line)
            if descriptor is None:
                return
            self._forks += 1
            folder = os.path.join(self._role.folder, str(self._forks))  # no trial meets another's
            if threads:
                with _ended_by_hang_up(self._line):
                    self._play(descriptor, folder)
            self._fork(descriptor, folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _imported(self) -> Optional[int]:
        """Import, and report what there is; returns the number of threads, None if it failed."""
        before = _threads()
        try:
            with _ended_by_hang_up(self._line):
                offer = self._offer()
            threads = max(0, _threads() - before)
            if os.getpid() != self._pid:  # the module has forked, and let both go on
                os._exit(0)
            # Written in one go with all that may fail: a subject may answer with anything.
            frame = frames.encoded("offer", **offer, threads=threads)
        except UsageError as error:
            self._tell("refusal", text=clean(str(error)))
            return None
        except BaseException as error:  # of a name that was asked for, or of its own classes
            self._tell("refusal", text=f"{self._role.name}: {_raised(error)}")
            return None
        frames.send(self._line.fileno(), frame)
        return threads

    def _offer(self) -> Dict[str, Any]:
        role = self._role
        name, version, lacks, links = role.name, "", [], []  # type: Any, Any, Any, Any
        if role.loop:
            self._loop_factory = loops.resolve_loop(role.loop)
        if role.subject:
            found = self._subject = subjects.resolve(role.subject)
            name, lacks, links = found.name, sorted(found.lacks), list(found.links)
            version = versions.version_of(role.subject, found)
        return {"name": name, "version": version, "lacks": lacks, "links": links}

    def _tell(self, kind: str, **data: Any) -> None:
        frames.send(self._line.fileno(), frames.encoded(kind, **data))

    def _fork(self, line: int, folder: str) -> None:
        """Have trials played in a process of their own, and report how that ends."""
        try:
            pid = unix.os.fork()
        except Exception:  # mostly the machine's, which has no room for another process
            os.close(line)
            self._tell("unforked", text=clean(f"no process was forked:\n{traceback.format_exc()}"))
            return
        if pid == 0:
            self._line.close()
            self._play(line, folder)
        os.close(line)
        with contextlib.suppress(OSError):  # the process has done so itself, or is gone
            unix.os.setpgid(pid, pid)
        self._tell("forked", pid=pid)
        self._tell("ended", pid=pid, status=self._status_of(pid))

    def _status_of(self, pid: int) -> int:
        """Wait for the end of the process, and end what it leaves in its group."""
        changes = unix.os.WNOHANG | unix.os.WUNTRACED | getattr(os, "WCONTINUED", 0)
        with Watch(self._line) as watch:
            while True:
                ended, status = os.waitpid(pid, changes)
                if not ended and watch.wait():
                    os.kill(
                        pid, unix.signal.SIGKILL
                    )  # nobody is left who would end what never ends
                    os.waitpid(pid, 0)
                    _kill_group(pid)
                    os._exit(0)
                elif not ended:
                    continue
                elif unix.os.WIFSTOPPED(status) or unix.os.WIFCONTINUED(status):
                    self._tell("stopped", pid=pid)
                else:
                    _kill_group(pid)
                    gone = unix.os.WIFSIGNALED(status)
                    return int(-unix.os.WTERMSIG(status) if gone else unix.os.WEXITSTATUS(status))

    def _play(self, line: int, folder: str) -> NoReturn:
        role = self._role
        try:
            if os.getpid() != self._pid:
                unix.os.setpgid(0, 0)
            os.makedirs(folder)
            os.chdir(folder)
            os.environ["TMPDIR"] = tempfile.tempdir = folder
            deadlines = Deadlines(role.factor)
            Player(
                line, self._subject, self._loop_factory, role.trials, deadlines, role.sweep
            ).serve()
        except BaseException:  # ours: no trial has begun, or its end could not be told
            frames.send(line, frames.encoded("refusal", text=clean(traceback.format_exc())))
        finally:
            os._exit(0)


class Watch:
    """Waits, in a block, for a change of a child process or for the supervisor to hang up.

    Args:
        line: to the supervisor; what comes there in the meantime is left there.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def __enter__(self) -> Watch:
        """Have changes of child processes noticed."""
        self._told, self._tells = socket.socketpair()
        for one in (self._told, self._tells):
            one.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._tells.fileno(), warn_on_full_buffer=False)
        self._handler = signal.signal(unix.signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave signals to what the import has set."""
        signal.signal(unix.signal.SIGCHLD, self._handler or signal.SIG_DFL)
        with contextlib.suppress(ValueError, OSError):  # it has closed that
            signal.set_wakeup_fd(-1)
            signal.set_wakeup_fd(self._wakeup)
        self._told.close()
        self._tells.close()

    def wait(self) -> bool:
        """Wait for either; returns whether the supervisor has hung up."""
        poll = unix.select.poll()
        poll.register(self._told, unix.select.POLLIN)
        poll.register(self._line, 0)  # the end alone is told unasked
        heard = dict(poll.poll(NAP_MS))
        if self._told.fileno() in heard:
            with contextlib.suppress(BlockingIOError):
                self._told.recv(frames.CHUNK)
        return self._line.fileno() in heard


@contextlib.contextmanager
def _ended_by_hang_up(line: socket.socket) -> Iterator[None]:
    """Have the kernel end this process, whatever it is at, when the supervisor hangs up.

    A signal does so that Linux sends when the other end of the line is closed; other systems ignore
    it. It is sent for whatever happens to the line, so nothing may be sent there, either way.
    """
    flags = unix.fcntl.fcntl(line, unix.fcntl.F_GETFL)
    unix.fcntl.fcntl(line, unix.fcntl.F_SETOWN, os.getpid())
    unix.fcntl.fcntl(line, unix.fcntl.F_SETFL, flags | unix.os.O_ASYNC)
    try:
        yield
    finally:
        unix.fcntl.fcntl(line, unix.fcntl.F_SETFL, flags)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        unix.os.killpg(pid, unix.signal.SIGKILL)


def _raised(error: BaseException) -> str:
    return clean(f"raised {type(error).__name__}: {error}")


def _threads() -> int:
    """Count this process's threads; where the system does not tell, those that Python knows."""
    try:
        return len(os.listdir(TASKS))
    except OSError:
        return threading.active_count()


def _descriptor_from(line: socket.socket) -> Optional[int]:
    """Wait for the descriptor of a new process's line; None once the supervisor has hung up."""
    received = array("i")
    try:
        untyped: Any = line  # Windows' sockets have no recvmsg
        data, ancillary, _, _ = untyped.recvmsg(1, unix.socket.CMSG_SPACE(received.itemsize))
    except ConnectionError:
        return None
    for _, _, given in ancillary:
        received.frombytes(given[: received.itemsize])
    return received[0] if data and received else None
