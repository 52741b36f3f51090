"""A child as the supervisor has it: forked, spoken to over two lines, listened to, ended.

Nothing here waits: lines are non-blocking, and a dead child is collected when the kernel has it.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import sys
from array import array
from typing import Any, Callable, List, Optional, Tuple

from streamgauge.conformance import unix
from streamgauge.conformance.engine import frames
from streamgauge.conformance.engine.frames import Decoder, Frame
from streamgauge.conformance.engine.keeper import Role, keep
from streamgauge.conformance.showing import clean

__all__ = ["Child", "Line"]

TAIL = 4096  # bytes of what a child prints that are kept
GULP = 64  # chunks of it that are taken at a time, so that a flood holds nobody up
COLLECTIONS = 100  # looks for a child that has been ended, before it is left to the kernel
COLLECTION_S = 0.01
PATIENCE_S = 0.5  # for a child to end by itself; it has nothing to do but that
SHOWN_LINES = 40  # of that, in a detail


class Line:
    """The supervisor's end of a socket pair.

    Args:
        sock: connected to a child.

    Attributes:
        sock: what a selector watches.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._decoder = Decoder()

    def frames(self) -> List[Frame]:
        """Return the frames that have come.

        Raises:
            EOFError: the other end is closed.
            GarbageError: something else came.
        """
        try:
            data = self.sock.recv(frames.CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            raise EOFError from None
        if not data:
            raise EOFError
        return self._decoder.feed(data)

    def send(self, data: bytes, descriptor: Optional[int] = None) -> None:
        """Send a few bytes, and a descriptor with them.

        Raises:
            EOFError: nobody reads them.
        """
        rights = () if descriptor is None else (array("i", [descriptor]),)
        ancillary = [(socket.SOL_SOCKET, unix.socket.SCM_RIGHTS, each) for each in rights]
        try:
            untyped: Any = self.sock  # Windows' sockets have no sendmsg
            sent = untyped.sendmsg([data], ancillary)
        except OSError:
            raise EOFError from None
        if sent < len(data):
            raise EOFError


class Child:
    """A child process with its lines.

    Args:
        role: what it is for; its folder is made here, and removed at the end.

    Attributes:
        line: to the process that imports.
        trial: to the process that plays, while there is one.
        threads: how many threads importing the subject left.
        player: the number of the process that plays; 0 before it is known.
        ready: whether it has imported what it is for.
        stopped: whether somebody stopped that process, and nobody let it go on.
        talks: whether anything may still come out of what it prints to.

    Raises:
        OSError: the machine refuses a process, a descriptor or a folder.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self.trial: Optional[Line] = None
        self.threads = self.player = 0
        self.ready = self.stopped = False
        self.talks = True
        self._hired = self._ended = 0
        self._tail = b""
        self._status: Optional[int] = None
        os.makedirs(role.folder)
        ours, theirs = socket.socketpair()
        self.output, writing = os.pipe()
        sys.stdout.flush()
        self.pid = unix.os.fork()
        if self.pid == 0:
            keep(role, theirs, writing)
        theirs.close()
        os.close(writing)
        unix.os.set_blocking(self.output, False)
        self.line = Line(ours)

    # --- what it is told -------------------------------------------------------------------

    def hire(self) -> Line:
        """Ask for a process that plays; returns the line to it.

        Raises:
            EOFError: the child is gone.
        """
        ours, theirs = socket.socketpair()
        self.trial = Line(ours)
        self._hired += 1
        self.player, self.stopped = (self.pid, False) if self.threads else (0, False)
        try:
            self.line.send(b"h", theirs.fileno())
        finally:
            theirs.close()
        return self.trial

    def note(self, frame: Frame) -> bool:
        """Note what the child says of its processes; returns whether the one that plays ended."""
        current = self._ended + 1 == self._hired
        if frame.kind == "forked" and current and self._session(frame.data["pid"]) == self.pid:
            self.player = frame.data["pid"]
        elif frame.kind == "stopped" and current:
            self.stopped = not self.stopped
        elif frame.kind in ("ended", "unforked"):
            self._ended += 1
            return current
        return False

    def _session(self, pid: int) -> int:
        """Return the session of a process; 0 if there is none."""
        with contextlib.suppress(OSError, OverflowError):
            return unix.os.getsid(pid) if pid > 1 else 0
        return 0

    def _checked(self, pid: int) -> int:
        """Return the number of a process if it is still the child's, in its session or its own."""
        own = pid if self.status() is None else self.pid  # else its number may be another's
        return pid if pid and self._session(pid) in (self.pid, own) else 0

    # --- what it prints, and how it ends ---------------------------------------------------

    def listen(self) -> None:
        """Take what was printed."""
        data = b"?"
        for _ in range(GULP):
            try:
                data = os.read(self.output, frames.CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            self._tail = (self._tail + data)[-TAIL:]
            self.talks = bool(data)

    def forget(self) -> None:
        """Forget what was printed: the next trial begins."""
        self._tail = b""

    @property
    def words(self) -> str:
        """The last output, cleaned."""
        self.listen()
        lines = self._tail.decode("utf-8", "backslashreplace").strip().splitlines()
        return clean("\n".join(lines[-SHOWN_LINES:]))

    def abort(self) -> bool:
        """Have the process that plays print its stacks and end; returns whether it was told."""
        if self.stopped or not (self.player == self.pid or self._checked(self.player)):
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.player, signal.SIGABRT)
        return True

    def status(self) -> Optional[int]:
        """Return how the child ended, as `subprocess` does; None while it lives."""
        if self._status is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, unix.os.WNOHANG)
                if pid:
                    gone = unix.os.WIFSIGNALED(status)
                    self._status = (
                        -unix.os.WTERMSIG(status) if gone else unix.os.WEXITSTATUS(status)
                    )
        return self._status

    def collected(self, patience_s: float = 0.0) -> int:
        """Wait for the end of a child that is about to end, and return how it did.

        Args:
            patience_s: seconds after which it is killed.
        """
        for look in range(COLLECTIONS):
            status = self.status()
            if status is not None:
                return status
            if look * COLLECTION_S >= patience_s:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, unix.signal.SIGKILL)
            select.select([], [], [], COLLECTION_S if look else 0.0)
        return -int(unix.signal.SIGKILL)

    def let_go(self) -> None:
        """Hang up on the process that plays: it has nothing to play any more."""
        if self.trial is not None:
            self.trial.sock.close()
        self.trial, self.player = None, 0

    def retire(self) -> None:
        """Let the child end by itself, as it has nothing to do any more; kill it if it does not."""
        self.let_go()
        self.line.sock.close()
        self.collected(PATIENCE_S)
        self.kill()

    def kill(self) -> None:
        """End every process of the child's session that is known, and close all lines."""
        player = self._checked(self.player)
        here = self.pid if self.status() is None else 0  # else its number may be another's
        _kill((unix.os.killpg, player))
        self.let_go()
        self.line.sock.close()
        if here and self._ended < self._hired and not self.threads:
            self.collected(PATIENCE_S)  # it ends what it has forked and not told of yet
            here = self.pid if self.status() is None else 0
        _kill((unix.os.killpg, here), (os.kill, here))
        self.collected()
        with contextlib.suppress(OSError):
            os.close(self.output)
        self.output, self.talks = -1, False
        shutil.rmtree(self.role.folder, ignore_errors=True)


def _kill(*whom: Tuple[Callable[[int, int], None], int]) -> None:
    for kill, number in whom:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if number:
                kill(number, unix.signal.SIGKILL)
