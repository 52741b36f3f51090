"""Delivering: how bytes and EOF come to the subject's reader, under the plan of the play.

A check says what is delivered and where; the plan (`deliveries`) says in which pieces, whether
they are held back until a call of the subject's waits, or come before it. What a plan cannot do
to this check makes the play `void`: it then says nothing of the subject.
"""

from __future__ import annotations

import contextlib
import weakref
from typing import Any, Awaitable, Coroutine, List, Optional, Tuple, TypeVar

from streamgauge.conformance.calls import called, into_subject, outcome
from streamgauge.conformance.deliveries import WHOLE, Plan, Recording
from streamgauge.conformance.interruptions import (
    CANCELLED,
    Interruption,
    Watched,
    unless_cancelled,
)
from streamgauge.conformance.joining import CONNECT_CLAUSE, Joining
from streamgauge.conformance.kept import asyncio
from streamgauge.conformance.links import AnyPeer
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.subjects import Subject

__all__ = ["Delivering"]

T = TypeVar("T")

EOF = None  # among what is held back, stands for the end
TURNS_TO_TAKE = 4  # of the loop, in which a call that waits has looked at what was fed
TURNS_TO_WAIT = 3  # of the loop, in which a call that was started has come to its first wait


class Delivering(Joining):
    """The part of a trial that delivers.

    Args:
        subject: what is judged.
        link: name of the link.
        bench: where the peers stand.
        like: the kernel's link that `memory` is to be like; the link itself for any other.
        plan: of this play.
        model: the recording of the play as written, which `early` looks ahead in.

    Attributes:
        recording: of this play.
        void: why the plan cannot be carried out with this check; empty while it can.
        given: the subject's streams that the check was given.
        tasks: waits that were started, to be cancelled when the play ends.
    """

    CANCELLED = CANCELLED

    def __init__(
        self,
        subject: Subject,
        link: str,
        bench: Bench,
        like: str,
        plan: Plan = WHOLE,
        model: Optional[Recording] = None,
    ) -> None:
        super().__init__(subject, link, bench, like)
        self.plan = plan
        self.recording = Recording()
        self.void = ""
        self.given: List[weakref.ref[Any]] = []
        self.tasks: List[asyncio.Future[Any]] = []
        self._model = model or Recording()
        self._held: List[Tuple[Any, Optional[bytes]]] = []  # where to, and what
        self._waiting: List[str] = []  # the kinds of the calls that wait
        self._delivered = 0  # bytes, whether they have come or are held
        self._releasing: Optional[asyncio.Future[None]] = None
        self._ahead: Optional[asyncio.Future[None]] = None
        self._eof_came = False  # with the bytes before it
        self._closed: Optional[AnyPeer] = None  # for its EOF

    # --- what a check calls ----------------------------------------------------------------

    @property
    def peer(self) -> AnyPeer:
        """The other end of the last connection."""
        self.recording.note("peer")
        self._not_while_held("the peer acts by itself")
        return self._peer[-1]

    async def deliver(self, data: bytes) -> None:
        """Bring bytes to the reader; returns once it had every chance to take them."""
        place = self.recording.note("deliver", data)
        if self._ahead is not None:  # it was brought before the wait that it was to end
            await self._ahead
            self._ahead = None
        else:
            with_eof = self.plan.eof == "at-once" and self._model.follows(place, "eof")
            await self._bring(data, with_eof=with_eof)
        if not self._held:
            await self._settled()

    def deliver_now(self, data: bytes, *, eof: bool = False) -> None:
        """Bring a few bytes within this turn of the loop, and EOF right behind them if told to.

        Fed bytes are in the reader at once; on a link its transport finds them at the next poll,
        bytes and EOF together.
        """
        self.recording.note("deliver now", data)
        self._not_while_held("bytes are to come in a certain turn of the loop")
        pieces = self.plan.split(data, self._delivered)
        self._delivered += len(data)
        for piece in pieces[:-1]:
            self._send_now(piece)
        self._send_now(pieces[-1], eof=eof)

    async def deliver_eof(self) -> None:
        """Bring EOF to the reader: `feed_eof`, FIN, or close_notify under TLS."""
        self.recording.note("eof")
        if self._eof_came:
            self._eof_came = False
        elif self._busy or (self.plan.eof == "late" and not self._waiting):
            self._held.append((self._target, EOF))
            return
        else:
            await self._send(self._target, EOF)
        await self._settled()

    async def deliver_reset(self) -> None:
        """Reset the connection under the subject's hands; needs a pair.

        A unix socket is reset by closing it with bytes unread, so one is written first.
        """
        self.recording.note("reset")
        await self._settled()
        if self.like in ("unix", "socketpair", "own"):
            with self.setup(CONNECT_CLAUSE[self.like]):  # what is no writer is not ours to blame
                called(lambda: self.writers[-1].write(b"!"))
            await self._peer[-1].readable()
        await self._peer[-1].reset()
        await self.bench.idle()

    async def idle(self) -> None:
        """Turn the loop until whatever has arrived has been dealt with."""
        self.recording.note("look")
        await self._settled()

    def start(self, awaitable: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a wait and go on; what is still waiting when the trial ends is cancelled."""
        place = self.recording.note("start")
        loop = asyncio.get_running_loop()
        if self.plan.when == "early" and self._model.follows(place, "deliver"):
            self._ahead = loop.create_future()
            data = self._model.steps[place + 1].data
            awaitable = self._after_delivery(data, self._ahead, awaitable)
        task = called(lambda: loop.create_task(awaitable))
        self.tasks.append(task)
        return task

    async def unless_cancelled(self, call: str, awaitable: Awaitable[T]) -> Any:
        """Await a call of the subject's, which plans cancel at each of its waits.

        Args:
            call: what kind of call, a key of `interruptions.ASKED`.
            awaitable: the call.

        Returns:
            What the call gives, or `CANCELLED`: then the check goes on from there.
        """
        return await unless_cancelled(call, lambda: awaitable, self)

    # --- what the watched streams tell -----------------------------------------------------

    @property
    def interruption(self) -> Optional[Interruption]:
        """Which call the plan cancels."""
        return self.plan.interruption

    def called(self, call: str) -> None:
        """Take note of a call."""
        self.recording.note_call(call, 0)

    def suspended(self, call: str, number: int) -> None:
        """Take note that the subject waits: what was held back for that comes now."""
        self.recording.note_call(call, number)
        self._waiting.append(call)
        self._begin_to_send()

    def resumed(self, call: str) -> None:
        """Take note that a call that waited runs again."""
        self._waiting.remove(call)

    def touched(self, name: str) -> None:
        """Take note that the check asks a stream for something that could show what is held."""
        self._not_while_held(f"{name} is asked for before a call waits")
        if self._closed and self._closed is self._peer[-1] and name in ("write", "writelines"):
            self.void = self.void or "the peer is written to after it has closed"

    def handed(self, stream: Any) -> Any:
        """Give the check a stream of the subject's, watched if the plan has to see its waits."""
        with contextlib.suppress(TypeError):  # some objects cannot be referred to weakly
            self.given.append(weakref.ref(stream))
        return Watched(stream, self) if self.plan.watches else stream

    # --- bringing --------------------------------------------------------------------------

    @property
    def _target(self) -> Any:
        """What bytes are brought to now: the reader that is fed, or the peer that sends them."""
        return self._fed[-1] if self.link == "feed" else self._peer[-1]

    @property
    def _busy(self) -> bool:
        """Whether something is still to come that would be overtaken."""
        return bool(self._held) or self._releasing is not None

    async def _bring(self, data: bytes, *, with_eof: bool = False) -> None:
        """Send pieces, each taken before the next leaves, or hold them back for a call."""
        pieces = self.plan.split(data, self._delivered)
        self._delivered += len(data)
        for number, piece in enumerate(pieces, 1):
            behind = self.plan.pieces != "cut" or number == 2
            if self._busy or (self.plan.when == "late" and behind and not self._waiting):
                self._held.append((self._target, piece))
            elif with_eof and number == len(pieces):
                self._send_now(piece, eof=True)
                self._eof_came = True
            else:
                await self._send(self._target, piece)
                await self._taken()

    async def _after_delivery(
        self, data: bytes, over: asyncio.Future[None], awaitable: Awaitable[T]
    ) -> T:
        """Bring what is to come during a wait, and only then begin to wait."""
        try:
            await self._bring(data)
        finally:
            over.set_result(None)
        return await outcome(awaitable)

    async def _settled(self) -> None:
        """Bring what is held back, to a call that has had its chance to wait; then be idle."""
        if self._held:
            for _ in range(TURNS_TO_WAIT):
                await asyncio.sleep(0)
        self._begin_to_send()
        if self._releasing is not None:
            await self._releasing
        await self.bench.idle()

    def _begin_to_send(self) -> None:
        if self._held and self._releasing is None:
            self._releasing = asyncio.get_running_loop().create_task(self._send_held())
            self.tasks.append(self._releasing)  # the check may end before it does

    async def _send_held(self) -> None:
        while self._held:
            target, data = self._held.pop(0)
            if "read" in self._waiting:  # it takes what there is: pieces would change its meaning
                while data is not EOF and self._held and self._held[0][1] is not EOF:
                    data += self._held.pop(0)[1] or b""
            await self._send(target, data)
            await self._taken()
        self._releasing = None

    async def _taken(self) -> None:
        """Give a waiting call its turn with the piece that came."""
        if self.link != "feed":
            await self.bench.idle()
            return
        for _ in range(TURNS_TO_TAKE):
            await asyncio.sleep(0)

    def _not_while_held(self, reason: str) -> None:
        """Deal with what is held back where the check goes on without a wait."""
        if self._busy and self.link != "feed":
            self.void = self.void or reason
        while self._held and self.link == "feed":
            _feed(*self._held.pop(0))

    async def _send(self, target: Any, data: Optional[bytes]) -> None:
        if self.link == "feed":
            _feed(target, data)
        elif data is not EOF:
            await target.send(data)
        elif self.plan.eof == "close":
            self._closed = target
            await target.close()
        else:
            await target.send_eof()

    def _send_now(self, data: bytes, *, eof: bool = False) -> None:
        if self.link != "feed":
            self._target.send_now(data, eof=eof)
            return
        _feed(self._target, data)
        if eof:
            _feed(self._target, EOF)


@into_subject
def _feed(reader: Any, data: Optional[bytes]) -> None:
    if data is EOF:
        reader.feed_eof()
    else:
        reader.feed_data(data)
