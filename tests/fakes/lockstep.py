"""A real pair and a memory pair in lock-step: random legal operations, and all that can be seen.

`lockstep_machine` makes a Hypothesis state machine. Each rule does one thing on both pairs, lets
the loop go round until all is quiet, and compares. What it does not compare is where the kernel
is free: the bounds of deliveries, and how much of a flood it holds.

    python -m tests.fakes.lockstep --examples 200      # some 10,000 steps a link
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import socket
import struct
import sys
import types
from functools import partial

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streamgauge.fakes import (
    UNIX,
    memory_stream_pair,
    socketpair_stream_pair,
    tcp_stream_pair,
    unix_stream_pair,
)
from streamgauge.fakes.parity.seen import raised, standing

STEPS = 50  # in one example: a history that long is still read with ease
FLOOD = b"x" * (8 * 1024 * 1024)  # more than any link takes from a sender whose peer doesn't read
QUIET_TURNS = 12
LINGER_ZERO = struct.pack("ii", 1, 0)
NEVER = 1 << 30  # a high-water mark that no flood reaches
#: A drain while another is waiting trips over an assertion of asyncio's before 3.10.6 (gh-74116).
MOST_DRAINS = 2 if sys.version_info >= (3, 11) else 1

SIDES = st.sampled_from([0, 1])
LINKS = {
    "tcp4": (tcp_stream_pair, memory_stream_pair),
    "tcp6": (
        partial(tcp_stream_pair, family=socket.AF_INET6),
        partial(memory_stream_pair, family=socket.AF_INET6),
    ),
    "unix": (unix_stream_pair, partial(memory_stream_pair, kind=UNIX)),
    "socketpair": (socketpair_stream_pair, partial(memory_stream_pair, kind=UNIX)),
}


class Spy(asyncio.StreamReaderProtocol):
    """The stream protocol, noting what it is told."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log, self.received = [], 0

    def connection_made(self, transport):  # noqa: D102
        self.log.append("made")
        super().connection_made(transport)

    def data_received(self, data):  # noqa: D102
        self.received += len(data)
        super().data_received(data)

    def eof_received(self):  # noqa: D102
        self.log.append("eof")
        return super().eof_received()

    def connection_lost(self, exc):  # noqa: D102
        self.log.append(("lost", None if exc is None else raised(exc)))
        super().connection_lost(exc)

    def pause_writing(self):  # noqa: D102
        self.log.append("pause")
        super().pause_writing()

    def resume_writing(self):  # noqa: D102
        self.log.append("resume")
        super().resume_writing()


STREAMS = types.SimpleNamespace(
    StreamReader=asyncio.StreamReader, StreamReaderProtocol=Spy, StreamWriter=asyncio.StreamWriter
)


class Side:
    """One side of one of the two pairs, with what is under way on it."""

    def __init__(self, end):
        self.reader, self.writer, self.transport = end.reader, end.writer, end.transport
        self.spy = self.transport.get_protocol()
        self.socket = self.writer.get_extra_info("socket")
        self.read = None
        self.drains = []

    def reset(self):
        """End by RST, where the link has one."""
        if not self.transport.is_closing() and self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.transport.abort()

    def begin_read(self, verb, *args):
        """Begin a read."""
        self.read = asyncio.ensure_future(getattr(self.reader, verb)(*args))

    def begin_drain(self):
        """Begin a drain."""
        self.drains.append(asyncio.ensure_future(self.writer.drain()))

    def cancel_read(self):
        """Cancel the read."""
        self.read.cancel()

    def cancel_drain(self):
        """Cancel the oldest drain."""
        self.drains[0].cancel()

    def progress(self):
        """Give a number that changes while anything happens here."""
        done = [task.done() for task in (*self.drains, self.read) if task is not None]
        return len(self.spy.log), self.spy.received, done, self.transport.get_write_buffer_size()

    def seen(self, exact):
        """Give all that can be seen.

        Args:
            exact: whether the kernel had no choice in how much of the bytes came this way.
        """
        tasks = [standing(task) for task in (self.read, *self.drains) if task is not None]
        return {
            "told": [*self.spy.log],
            "closing": self.transport.is_closing(),
            "backlog": self.transport.get_write_buffer_size() > 0,
            "limits": self.transport.get_write_buffer_limits(),
            "awaited": [_told(task, exact) for task in tasks],
            "error": type(self.reader.exception()).__name__,
            "eof": self.reader.at_eof() if exact else None,
            "reading": self.transport.is_reading() if exact else None,
            "received": self.spy.received if exact else None,
        }

    def forget_what_is_done(self):
        """Let go of reads and drains that have ended."""
        self.read = None if self.read is None or self.read.done() else self.read
        self.drains = [task for task in self.drains if not task.done()]


def _told(outcome, exact):
    return outcome if exact or not isinstance(outcome, bytes) else "bytes"


class Levels(logging.Handler):
    """Collects what asyncio's logger is told."""

    def __init__(self):
        super().__init__()
        self.levels = []

    def emit(self, record):  # noqa: D102
        self.levels.append(record.levelname)


def may_end(machine):
    """Say whether a side may end its connection: now and then, that a history isn't all ends."""
    return machine.endings < min(4, machine.done // 8)


def lockstep_machine(real, memory, loop_factory=asyncio.SelectorEventLoop):
    """Make the state machine's class.

    Args:
        real: makes the pair that is the reference.
        memory: makes the pair that has to do the same.
        loop_factory: makes the loop that both are on.
    """

    class Lockstep(RuleBasedStateMachine):
        steps = 0  # of all examples together

        def __init__(self):
            super().__init__()
            self.loop = loop_factory()
            self.loop.set_exception_handler(lambda _, context: self.handled.append(context))
            self.handled, self.makers, self.pairs = [], [], []
            self.differed = False
            self.done = self.endings = 0
            self.sent = [0, 0]  # bytes by each side
            self.flooded = False
            self.free = [False, False]  # the kernel may choose how much of it arrives here
            self.over = [False, False]  # the side sends no more
            self.flushes = [False, False]  # the side was closed with a backlog
            self.logger, self.levels = logging.getLogger("asyncio"), Levels()
            self.logger.addHandler(self.levels)
            self.propagated, self.logger.propagate = self.logger.propagate, False

        @initialize()
        def connect(self):
            self.pairs = [self.loop.run_until_complete(self._enter(m)) for m in (real, memory)]
            self._compare()

        async def _enter(self, maker):
            context = maker(streams=STREAMS, ignore_leaks="all")
            ends = await context.__aenter__()
            self.makers.append(context)
            return [Side(end) for end in ends]

        # What is done

        def _do(self, side, verb, *args):
            """Do something on that side of both pairs, and compare what came of it."""
            if self.flushes[side] and self.pairs[0][side].transport.get_protocol() is None:
                return  # a transport that closed by flushing trips over itself, in asyncio
            self.done += 1
            said = []
            for pair in self.pairs:
                self.levels.levels = []
                outcome = self.loop.run_until_complete(_in_loop(getattr(pair[side], verb), *args))
                said.append((outcome, self.levels.levels))
            self._agree(said[0] == said[1], f"the kernel said {said[0]}, the fake {said[1]}")
            self._compare()

        def _on(self, side, path, *args):
            """Call a method of that side's writer, transport or reader."""
            for pair in self.pairs:
                holder, _, verb = path.partition(".")
                pair[side].call = getattr(getattr(pair[side], holder), verb)
            self._do(side, "call", *args)

        @rule(side=SIDES, data=st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"\n")))
        def write(self, side, data):
            self._sends(side, len(data))
            self._on(side, "writer.write", data)

        @rule(side=SIDES, lines=st.lists(st.sampled_from([b"", b"ab\n", b"c"]), max_size=3))
        def writelines(self, side, lines):
            if self.pairs[0][side].transport.is_closing():
                return  # an accident of asyncio's on some Pythons, see quirks
            self._sends(side, sum(map(len, lines)))
            self._on(side, "writer.writelines", lines)

        @rule(side=SIDES)
        @precondition(lambda self: sum(self.sent) < 3 * len(FLOOD))
        def flood(self, side):
            self.flooded = True
            if self._sends(side, len(FLOOD)):
                self.free[1 - side] = True
            self._on(side, "writer.write", FLOOD)

        @rule(side=SIDES)
        def write_eof(self, side):
            self.over[side] = True
            self._on(side, "writer.write_eof")

        @rule(side=SIDES)
        @precondition(may_end)
        def close(self, side):
            self.endings += 1
            self.over[side] = True
            self.flushes[side] |= self.pairs[0][side].transport.get_write_buffer_size() > 0
            self._on(side, "writer.close")

        @rule(side=SIDES)
        @precondition(may_end)
        def abort(self, side):
            self.endings += 1
            self.over = [True, True]
            self._on(side, "transport.abort")

        @rule(side=SIDES)
        @precondition(may_end)
        def reset(self, side):
            self.endings += 1
            self.over = [True, True]
            self._do(side, "reset")

        @rule(side=SIDES, verb=st.sampled_from(["pause_reading", "resume_reading"]))
        def read_or_not(self, side, verb):
            self._on(side, f"transport.{verb}")

        @rule(side=SIDES, high=st.sampled_from([0, 1, 64 * 1024, NEVER]))
        def limits(self, side, high):
            if high == NEVER and self.pairs[0][side].transport.get_write_buffer_size():
                return  # a kernel that finds a little more room resumes, when it likes
            self._on(side, "transport.set_write_buffer_limits", high)

        # What is awaited

        @rule(side=SIDES, n=st.integers(1, 50), verb=st.sampled_from(["read", "readexactly"]))
        def read(self, side, n, verb):
            if self.pairs[0][side].read is None:
                self._do(side, "begin_read", verb, n)

        @rule(side=SIDES)
        def read_until(self, side):
            if self.pairs[0][side].read is None:
                self._do(side, "begin_read", "readuntil", b"\n")

        @rule(side=SIDES)
        @precondition(lambda self: self.flooded)
        def read_the_flood(self, side):
            """Read all that may still come, and more: it ends by EOF, or is cancelled."""
            if self.pairs[0][side].read is None:
                self._do(side, "begin_read", "readexactly", self.sent[1 - side] + NEVER)
                self._do(side, "cancel_read")

        @rule(side=SIDES)
        def cancel_read(self, side):
            if self.pairs[0][side].read is not None:
                self._do(side, "cancel_read")

        @rule(side=SIDES)
        def drain(self, side):
            if len(self.pairs[0][side].drains) < MOST_DRAINS:
                self._do(side, "begin_drain")

        @rule(side=SIDES)
        def cancel_drain(self, side):
            if self.pairs[0][side].drains:
                self._do(side, "cancel_drain")

        # What is seen

        def _sends(self, side, size):
            """Note what is sent, if it is; say whether it is."""
            goes = not (self.over[side] or self.pairs[0][side].transport.is_closing())
            self.sent[side] += size if goes else 0
            return goes

        def _agree(self, same, text):
            self.differed |= not same
            assert same, text

        def _compare(self):
            type(self).steps += 1
            self.loop.run_until_complete(self._settle())
            for side, reference in enumerate(self.pairs[0]):
                all_came = reference.spy.received == self.sent[1 - side]
                exact = all_came or not self.free[side]
                self.free[side] = not exact
                expected, actual = (pair[side].seen(exact) for pair in self.pairs)
                differs = [key for key in expected if expected[key] != actual[key]]
                self._agree(not differs, _report(side, expected, actual, differs))
            for pair in self.pairs:
                for each in pair:
                    each.forget_what_is_done()

        async def _settle(self):
            before, quiet = None, 0
            while quiet < QUIET_TURNS:
                await asyncio.sleep(0)
                now = [each.progress() for pair in self.pairs for each in pair]
                quiet = quiet + 1 if now == before else 0
                before = now

        def teardown(self):
            try:
                for pair in self.pairs:
                    self.loop.run_until_complete(_in_loop(_end, pair))
                if not self.differed:
                    self._compare()
            finally:
                for context in self.makers:
                    self.loop.run_until_complete(context.__aexit__(None, None, None))
                self.loop.close()
                self.logger.removeHandler(self.levels)
                self.logger.propagate = self.propagated

    return Lockstep


def _report(side, expected, actual, differs):
    lines = [f"  {key}: kernel {expected[key]!r}, fake {actual[key]!r}" for key in differs]
    return "\n".join([f"side {side} is not the same on both:", *lines])


def _end(pair):
    for side in pair:
        for task in (*side.drains, side.read):
            if task is not None:
                task.cancel()
        with contextlib.suppress(AttributeError):  # asyncio's, once a close has flushed
            side.transport.abort()


async def _in_loop(call, *args):
    try:
        call(*args)
    except Exception as exc:
        return raised(exc)
    return None


def run(link, examples, *, shrink=True, derandomize=False, loop_factory=asyncio.SelectorEventLoop):
    """Play histories on a link and its fake.

    Args:
        link: a key of `LINKS`.
        examples: how many histories.
        shrink: look for a shorter history that goes wrong too.
        derandomize: the same histories every time.
        loop_factory: makes the loop.

    Returns:
        How many steps were compared.

    Raises:
        AssertionError: a step in which the two were not the same.
    """
    real, fake = LINKS[link]
    machine = lockstep_machine(real, fake, loop_factory)
    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )
    run_state_machine_as_test(machine, settings=options)
    return machine.steps


def replay(link, history, loop_factory=asyncio.SelectorEventLoop):
    """Play one history.

    Args:
        link: a key of `LINKS`.
        history: (rule, arguments) for each step.
        loop_factory: makes the loop.

    Raises:
        AssertionError: a step in which the two were not the same.
    """
    machine = lockstep_machine(*LINKS[link], loop_factory)()
    try:
        machine.connect()
        for verb, *args in history:
            getattr(machine, verb)(*args)
    finally:
        machine.teardown()


def main():
    """Play, and print how many steps were compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=200, help="histories for each link")
    parser.add_argument("--link", choices=sorted(LINKS), action="append", help="all by default")
    given = parser.parse_args()
    for link in given.link or LINKS:
        print(f"{link}: {run(link, given.examples)} steps, no difference", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
