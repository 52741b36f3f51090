"""A reader as a set of possible states: from events to all outcomes that the page allows.

Pure: no asyncio, no subject. Where the page leaves something open, each way is a state of its
own, and an observation keeps those that it fits. When none is left, the subject has departed.

Bytes that came before an error may be read or not, and a line beyond the limit may stay or go:
clauses of their own say what is better. No byte is ever lost by a cancellation, in any state.
"""

from __future__ import annotations

from typing import FrozenSet, Iterable, Iterator, NamedTuple, Optional, Set, Tuple, Union

__all__ = ["CANCELLED", "RAISED", "WAITS", "DepartureError", "Outcome", "Read", "ReaderModel"]

Argument = Union[int, bytes, Tuple[bytes, ...], None]


class Read(NamedTuple):
    """One call.

    Attributes:
        method: `read`, `readline`, `readexactly`, `readuntil` or `__anext__`.
        argument: a number of bytes, a separator, several of them, or None for none.
    """

    method: str
    argument: Argument = None


class Outcome(NamedTuple):
    """How a call ended.

    Attributes:
        how: `returned`, the name of the exception's class, or `waits`.
        data: what it returned, or an `IncompleteReadError` holds.
    """

    how: str
    data: bytes = b""

    def __str__(self) -> str:
        return f"{self.how} {self.data!r}" if self.how in HAS_DATA else self.how


HAS_DATA = ("returned", "IncompleteReadError")
WAITS = Outcome("waits")
CANCELLED = Outcome("CancelledError")
RAISED = Outcome("HistoryError")  # what a history sets by `set_exception`


class DepartureError(Exception):
    """What was seen is none of what is allowed.

    Args:
        allowed: all that is allowed, in words.
        seen: what was seen.
        of: what that was seen of, as Python: `call`, or `reader.at_eof()`.

    Attributes:
        at: how many events of the history had come; one more than there are at its very end.
    """

    def __init__(self, allowed: Iterable[str], seen: str, of: str = "call") -> None:
        self.allowed, self.seen, self.of = tuple(sorted(allowed)), seen, of
        self.at = 0
        super().__init__(f"expected {' or '.join(self.allowed)}, got {seen}")


class State(NamedTuple):
    """One way in which the reader can be.

    Attributes:
        buffer: bytes that came and were not read.
        eof: whether the end has come.
        error: whether an error was set.
        read: the call under way.
        answer: how that call will end, where it is settled already.
        cancelled: whether that call was cancelled.
        dropping: whether what comes, through a newline, is the rest of a line that was too long
            and that readline drops; it may also hand that out as a line, the page is silent.
    """

    buffer: bytes = b""
    eof: bool = False
    error: bool = False
    read: Optional[Read] = None
    answer: Optional[Outcome] = None
    cancelled: bool = False
    dropping: bool = False


Ends = Iterator[Tuple[Outcome, bytes]]  # an outcome, and what it leaves in the buffer
LINES = ("readline", "__anext__")


class ReaderModel:
    """What a reader may be, after the events so far.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.states: FrozenSet[State] = frozenset([State()])

    @property
    def waiting(self) -> bool:
        """Whether a call is under way."""
        return any(state.read is not None for state in self.states)

    def begin(self, read: Read) -> None:
        """A call begins."""
        self._become(state._replace(read=read) for state in self.states)

    def feed(self, data: bytes) -> None:
        """Bytes come."""
        self._become(s._replace(buffer=s.buffer + data) for s in self._perhaps_answered())

    def end(self) -> None:
        """EOF comes."""
        self._become(state._replace(eof=True) for state in self._perhaps_answered())

    def fail(self) -> None:
        """An error is set."""
        self._become(state._replace(error=True) for state in self._perhaps_answered())

    def cancel(self) -> None:
        """The call under way is cancelled."""
        self._become(state._replace(cancelled=True) for state in self._perhaps_answered())

    def settle(self, seen: Outcome) -> None:
        """The loop is idle, and this was seen of the call under way.

        Raises:
            DepartureError: it is none of what is allowed.
        """
        settled = {pair for state in self.states for pair in self._settled(state)}
        self._keep(seen, settled)

    def look_at_eof(self, seen: bool) -> None:
        """`at_eof` said this, while no call was under way; only True and False are answers.

        Raises:
            DepartureError: it should have said the other.
        """
        told = {(Outcome(str(s.eof and not s.buffer)), s) for s in self.states}
        plain = seen if type(seen) is bool else None
        self._keep(Outcome(str(plain)), told, "reader.at_eof()")

    def _become(self, states: Iterable[State]) -> None:
        self.states = frozenset(states)

    def _keep(self, seen: Outcome, allowed: Set[Tuple[Outcome, State]], of: str = "call") -> None:
        left = frozenset(state for outcome, state in allowed if outcome == seen)
        if not left:
            raise DepartureError({str(outcome) for outcome, _ in allowed}, str(seen), of)
        self.states = left

    def _perhaps_answered(self) -> Iterator[State]:
        """Give each state, and those in which the call has been answered before what comes."""
        for state in self.states:
            yield state
            yield from self._answered(state)

    def _answered(self, state: State) -> Iterator[State]:
        if state.read is not None and state.answer is None:
            for outcome, left in self._ends(state, state.read):
                yield left._replace(answer=outcome)

    def _settled(self, state: State) -> Iterator[Tuple[Outcome, State]]:
        over = state._replace(read=None, answer=None, cancelled=False)
        if state.read is None:
            yield WAITS, state
        elif state.answer is not None:
            yield state.answer, over
        else:
            ends = [*self._ends(state, state.read)]
            for outcome, left in ends:
                yield outcome, left._replace(read=None, answer=None, cancelled=False)
            rest = self._without_rest(state).buffer if state.read.method in LINES else state.buffer
            for buffer in {state.buffer, rest}:  # it drops while it waits, or in the end
                if state.cancelled:
                    yield CANCELLED, over._replace(buffer=buffer)
                elif not ends:
                    yield WAITS, state._replace(buffer=buffer)

    def _ends(self, state: State, read: Read) -> Iterator[Tuple[Outcome, State]]:
        """Give each way in which a call may end now; none where it has to wait."""
        before = self._without_rest(state) if read.method in LINES else state
        for outcome, buffer in getattr(self, f"_{read.method.strip('_')}")(before, read.argument):
            gone = before.buffer[: len(before.buffer) - len(buffer)]
            left = before._replace(buffer=buffer)
            yield outcome, left._replace(dropping=before.dropping and b"\n" not in gone)
            if outcome.how == "ValueError" and read.method in LINES and b"\n" not in before.buffer:
                yield outcome, left._replace(dropping=not buffer)
        if state.error:
            yield from ((RAISED, each) for each in (state, before))

    @staticmethod
    def _without_rest(state: State) -> State:
        """Give a state as a readline finds it that drops the rest of a line that was too long."""
        if not state.dropping:
            return state
        newline = state.buffer.find(b"\n")
        if newline < 0:
            return state._replace(buffer=b"")
        return state._replace(buffer=state.buffer[newline + 1 :], dropping=False)

    def _read(self, state: State, n: Argument) -> Ends:
        buffer = state.buffer
        if n == 0:
            yield Outcome("returned"), buffer
        elif n is None or (isinstance(n, int) and n < 0):
            if state.eof:
                yield Outcome("returned", buffer), b""
        elif buffer:
            assert isinstance(n, int)
            for size in range(1, min(n, len(buffer)) + 1):
                yield Outcome("returned", buffer[:size]), buffer[size:]
        elif state.eof:
            yield Outcome("returned"), b""

    def _readexactly(self, state: State, n: Argument) -> Ends:
        assert isinstance(n, int)
        if n < 0:
            yield Outcome("ValueError"), state.buffer
        elif len(state.buffer) >= n:
            yield Outcome("returned", state.buffer[:n]), state.buffer[n:]
        elif state.eof:
            yield Outcome("IncompleteReadError", state.buffer), b""

    def _readline(self, state: State, _: Argument) -> Ends:
        for outcome, buffer in self._readuntil(state, b"\n"):
            if outcome.how == "LimitOverrunError":
                line = state.buffer.find(b"\n") + 1
                for left in {state.buffer, b"", state.buffer[line:]}:  # the page leaves it open
                    yield Outcome("ValueError"), left
            else:
                yield outcome._replace(how="returned"), buffer

    def _anext(self, state: State, _: Argument) -> Ends:
        for outcome, buffer in self._readline(state, None):
            end = outcome == Outcome("returned")
            yield Outcome("StopAsyncIteration") if end else outcome, buffer

    def _readuntil(self, state: State, separators: Argument) -> Ends:
        several = separators if isinstance(separators, tuple) else (separators,)
        found = [self._place(state.buffer, s) for s in several if isinstance(s, bytes)]
        matches = [place for place in found if place is not None]
        longest = max(len(s) for s in several if isinstance(s, bytes))
        if matches:
            end, start = min(matches, key=lambda match: (match[0], -match[1]))  # the shortest
            if start <= self.limit:
                yield Outcome("returned", state.buffer[:end]), state.buffer[end:]
            else:
                yield Outcome("LimitOverrunError"), state.buffer
            return
        if len(state.buffer) + 1 - longest > self.limit:
            yield Outcome("LimitOverrunError"), state.buffer
        if state.eof:
            yield Outcome("IncompleteReadError", state.buffer), b""

    @staticmethod
    def _place(buffer: bytes, separator: bytes) -> Optional[Tuple[int, int]]:
        start = buffer.find(separator)
        return None if start < 0 else (start + len(separator), start)
