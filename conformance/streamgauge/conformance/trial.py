"""The trial: what a check holds in its hands, as `t`.

It looks on without waiting; how it delivers bytes and starts waits is in `delivering`, how it
comes by its streams and peers in `joining`. It judges only in the words of `Expectations`, and
touches nothing of the subject that the page does not document.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Optional,
    Tuple,
)

from streamgauge.conformance import certificates
from streamgauge.conformance.calls import called, outcome
from streamgauge.conformance.deliveries import WHOLE, Plan, Recording
from streamgauge.conformance.delivering import Delivering
from streamgauge.conformance.expectations import (
    CheckFailedError,
    Expectations,
    shown,
)
from streamgauge.conformance.kept import asyncio, os, socket
from streamgauge.conformance.loop_methods import keyword_defaults, recorded_calls
from streamgauge.conformance.machine import need_localhost
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.subjects import Subject
from streamgauge.conformance.wires import wait_acknowledged

__all__ = ["Trial"]

WRITE_CHUNK = bytes(64 * 1024)  # what fill_until_drain_blocks writes at a time
SEND_BUFFER = 64 * 1024  # bytes; the kernel doubles it. Much less makes it wait for ACKs
TIGHT = 32 * 1024  # bytes, doubled by Linux: so little that what is taken in shows
WRITE_AT_MOST = 16 * 1024 * 1024  # bytes; loopback with a peer that never reads takes 6 MiB at most


class Trial(Delivering, Expectations):
    """One check's world.

    Args:
        subject: what is judged; its documented names are attributes.
        link: name of the link.
        bench: where the peers stand.
        like: the kernel's link that `memory` is to be like; the link itself for any other.
        plan: in which way this play delivers.
        model: the recording of the play as written.

    Attributes:
        peer: the other end of the last connection made by `reader` or `pair`.
        loop_errors: contexts that reached the loop's exception handler. A check that looks at
            them has to say so first, by `expect_loop_errors`.
    """

    tls = certificates
    loop_calls = staticmethod(recorded_calls)
    loop_keywords = staticmethod(keyword_defaults)

    def __init__(
        self,
        subject: Subject,
        link: str,
        bench: Bench,
        like: str,
        plan: Plan = WHOLE,
        model: Optional[Recording] = None,
    ) -> None:
        super().__init__(subject, link, bench, like, plan, model)
        self.loop_errors: List[Dict[str, Any]] = []
        self.loop_errors_expected = False
        self.resource_warnings_expected = False

    # --- waiting, and looking on -----------------------------------------------------------

    async def still_waits(self, task: asyncio.Future[Any], what: str) -> None:
        """Expect `task` not to be done once the loop is idle; `what` names the call."""
        await self.idle()
        if task.done():
            raise CheckFailedError(f"expected {what} to wait, it ended with {_outcome(task)}")

    async def is_done(self, task: asyncio.Future[Any], what: str) -> Any:
        """Expect `task` to be done once the loop is idle; gives its result."""
        await self.idle()
        if not task.done():
            raise CheckFailedError(f"expected {what} to have ended, it still waits")
        return await outcome(task)

    async def cancel(self, task: asyncio.Task[Any], what: str) -> None:
        """Cancel a wait and expect CancelledError to come out of it."""
        task.cancel()
        await self.idle()
        if not (task.done() and task.cancelled()):
            state = _outcome(task) if task.done() else "a wait that goes on"
            raise CheckFailedError(f"expected {what} to be cancelled, got {state}")

    async def fill_until_drain_blocks(self, writer: Any) -> Tuple[asyncio.Task[None], int]:
        """Write zeros to a peer that does not read, until `drain()` waits.

        That it never does is a failed precondition.

        Returns:
            The task that waits in `drain()`, and the number of bytes written.
        """
        with self.setup("writer.drain.blocks-above-high-water"):
            return await self.try_to_fill(writer)

    async def try_to_fill(self, writer: Any) -> Tuple[asyncio.Task[None], int]:
        """Do as `fill_until_drain_blocks`, where that it does not block is the clause's failure."""
        self.narrow(writer)
        written = 0
        while written < WRITE_AT_MOST:
            called(lambda: writer.write(WRITE_CHUNK))
            written += len(WRITE_CHUNK)
            task = self.start(called(lambda: writer.drain()))
            await self.idle()
            if not task.done():
                await self.bench.settle()  # a kernel that is behind its time may take some more
                await self.acknowledged(writer)
            if not task.done():
                return task, written
            await outcome(task)
        raise CheckFailedError(
            f"expected drain() to wait at the high-water mark, it returned after {written:,} "
            "bytes were written to a peer that reads nothing"
        )

    async def acknowledged(self, writer: Any) -> None:
        """Wait until all that has left the writer's socket is acknowledged.

        What has not left then is held back by the peer: an acknowledgement that its kernel delays
        would make room for some more, and end a drain that is to wait. Without a socket to ask,
        nothing is waited for.
        """
        with contextlib.suppress(Exception):  # judged by writer.get_extra_info.socket
            number = os.dup(writer.get_extra_info("socket").fileno())
            with socket.socket(fileno=number) as same:
                await self.bench.run(wait_acknowledged, same)
        await self.idle()

    def need_localhost(self) -> None:
        """Require localhost to be resolved; a network in memory resolves it by itself.

        Raises:
            MissingError: it is not.
        """
        if self.link != "memory":
            need_localhost()

    @staticmethod
    def narrow(writer: Any) -> None:
        """Have the kernel hold few bytes for a peer that does not read, to be quick about it.

        Nothing depends on it: without a socket to ask, more bytes are needed.
        """
        with contextlib.suppress(Exception):  # judged by writer.get_extra_info.socket
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def tighten(self, writer: Any) -> None:
        """Have the kernel hold few bytes between a peer that sends and the subject."""
        self.peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TIGHT)
        if self.link != "memory":  # where there is nothing but a window, and that is small
            ours = called(lambda: writer.get_extra_info("socket"))
            with socket.fromfd(ours.fileno(), ours.family, socket.SOCK_STREAM) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TIGHT)

    def end_sending_unseen(self, writer: Any) -> None:
        """Send FIN behind the writer's back: what is not in the socket by now never gets there.

        To be called where the peer is to tell, by EOF, what had been sent before; it needs a
        connection with a socket.
        """
        with self.setup("writer.get_extra_info.socket"):
            number = called(lambda: writer.get_extra_info("socket").fileno())
            self.peer.end_subjects_sending(number)

    def expect_loop_errors(self) -> List[Dict[str, Any]]:
        """Say that the loop's exception handler will be called; gives the growing list."""
        self.loop_errors_expected = True
        return self.loop_errors

    def expect_resource_warnings(self) -> None:
        """Say that the check leaves something open on purpose."""
        self.resource_warnings_expected = True

    @contextlib.contextmanager
    def warnings(self) -> Iterator[List[warnings.WarningMessage]]:
        """Record every warning of the block, none of them shown."""
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            yield seen


def _outcome(task: asyncio.Future[Any]) -> str:
    if task.cancelled():
        return "its cancellation"
    error = task.exception()
    return shown(error) if error is not None else shown(task.result())
