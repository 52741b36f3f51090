"""A real pair and a memory pair in lock-step: random legal operations, and all that can be seen.

`lockstep_machine` makes a Hypothesis state machine. Each rule does one thing on both pairs, lets
the loops go round until all is quiet, and compares. What it does not compare is where the kernel
is free: the bounds of deliveries, and how much of a flood it holds. The real pair is on asyncio's
selector loop, whose transports the memory transport is to be taken for on every loop.

    python -m tests.fakes.lockstep --steps 10000 --loop uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import socket
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

from streamgauge.conformance.loops import resolve_loop
from streamgauge.fakes import (
    UNIX,
    memory_stream_pair,
    quirks,
    socketpair_stream_pair,
    tcp_stream_pair,
    unix_stream_pair,
)
from streamgauge.fakes.parity.streaming import DRAINS

from .lockstep_worlds import World

STEPS = 50  # in one example: a history that long is still read with ease
EXAMPLES = 50  # at a time, of as many as are needed for some thousand steps
FLOOD = b"x" * (8 * 1024 * 1024)  # more than any link takes from a sender whose peer doesn't read
#: How much longer than usual to wait until all is quiet, before a difference counts.
PATIENCE = (1, 10, 100, 1000)
NEVER = 1 << 30  # a high-water mark that no flood reaches
#: Some asyncios trip over an assertion when a drain comes while another waits (gh-74116).
MOST_DRAINS = min(DRAINS, 2)
LOOP = asyncio.SelectorEventLoop

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


def may_end(machine):
    """Say whether a side may end its connection: now and then, that a history isn't all ends."""
    return machine.endings < min(4, machine.done // 8)


def lockstep_machine(real, memory, loop_factory=LOOP, reference_loop=LOOP):
    """Make the state machine's class.

    Args:
        real: makes the pair that is the reference.
        memory: makes the pair that has to do the same.
        loop_factory: makes the loop that the memory pair is on.
        reference_loop: makes the loop that the real pair is on.
    """

    class Lockstep(RuleBasedStateMachine):
        steps = 0  # of all examples together

        def __init__(self):
            super().__init__()
            self.kernel = World(real, reference_loop)
            self.worlds = [self.kernel, World(memory, loop_factory)]
            self.differed = False
            self.done = self.endings = 0
            self.sent = [0, 0]  # bytes by each side
            self.flooded = False
            self.free = [False, False]  # the kernel may choose how much arrives here, and by when
            self.over = [False, False]  # nothing that the side sends arrives any more
            self.flushes = [False, False]  # the side was closed with something unsent
            self.stuck = [False, False]  # an empty piece was the last: asyncio tries it every turn

        @initialize()
        def connect(self):
            for world in self.worlds:
                world.connect()
            self._compare()

        # What is done

        def _do(self, side, verb, *args):
            """Do something on that side of both pairs, and compare what came of it."""
            if self.flushes[side] and self._lost(side):
                return  # a transport that closed by flushing trips over itself, in asyncio
            self.done += 1
            said = [
                (world.do(getattr(world.sides[side], verb), *args), world.logged)
                for world in self.worlds
            ]
            self._agree(said[0] == said[1], f"the kernel said {said[0]}, the fake {said[1]}")
            self._compare()

        def _on(self, side, path, *args):
            """Call a method of that side's writer, transport or reader."""
            for world in self.worlds:
                holder, _, verb = path.partition(".")
                world.sides[side].call = getattr(getattr(world.sides[side], holder), verb)
            self._do(side, "call", *args)

        @rule(side=SIDES, data=st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"\n")))
        def write(self, side, data):
            self._sends(side, len(data))
            self._on(side, "writer.write", data)

        @rule(side=SIDES, lines=st.lists(st.sampled_from([b"", b"ab\n", b"c"]), max_size=3))
        def writelines(self, side, lines):
            stuck = quirks.EMPTY_PIECES_STAY and lines[-1:] == [b""]
            if stuck and self.flushes[1 - side]:
                return  # the peer will close in mid-turn: what is seen first is epoll's choice
            self.stuck[side] |= stuck
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
            unsent = self.kernel.sides[side].transport.get_write_buffer_size() or self.stuck[side]
            if unsent and self.stuck[1 - side]:
                return  # see `writelines`
            self.endings += 1
            self._on(side, "writer.close")
            self.flushes[side] |= not self._lost(side)

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
            backlog = self.kernel.sides[side].transport.get_write_buffer_size()
            if backlog and high == NEVER:
                return  # a kernel that finds a little more room resumes, when it likes
            if backlog and self._lost(side):
                return  # what writelines left there, by an accident of asyncio's: see quirks
            self._on(side, "transport.set_write_buffer_limits", high)

        # What is awaited

        @rule(side=SIDES, n=st.integers(1, 50), verb=st.sampled_from(["read", "readexactly"]))
        def read(self, side, n, verb):
            if self.kernel.sides[side].read is None:
                self._do(side, "begin_read", verb, n)

        @rule(side=SIDES)
        def read_until(self, side):
            if self.kernel.sides[side].read is None:
                self._do(side, "begin_read", "readuntil", b"\n")

        @rule(side=SIDES)
        @precondition(lambda self: self.flooded)
        def read_the_flood(self, side):
            """Read all that may still come, and more: it ends by EOF, or is cancelled."""
            if self.kernel.sides[side].read is None:
                self._do(side, "begin_read", "readexactly", self.sent[1 - side] + NEVER)
                self._do(side, "cancel_read")

        @rule(side=SIDES)
        def cancel_read(self, side):
            if self.kernel.sides[side].read is not None:
                self._do(side, "cancel_read")

        @rule(side=SIDES)
        def drain(self, side):
            if len(self.kernel.sides[side].drains) < MOST_DRAINS:
                self._do(side, "begin_drain")

        @rule(side=SIDES)
        def cancel_drain(self, side):
            if self.kernel.sides[side].drains:
                self._do(side, "cancel_drain")

        # What is seen

        def _sends(self, side, size):
            """Note what is sent, if it is; say whether it is."""
            goes = not (self.over[side] or self._lost(side))  # a close that flushes takes more
            self.sent[side] += size if goes else 0
            return goes

        def _lost(self, side):
            return self.kernel.sides[side].transport.get_protocol() is None

        def _agree(self, same, text):
            self.differed |= not same
            assert same, text

        def _compare(self):
            type(self).steps += 1
            for patience in PATIENCE:  # a kernel that is busy takes its time
                for world in self.worlds:
                    world.settle(patience)
                exact = [self._is_exact(side) for side in (0, 1)]
                reports = [self._differences(side, exact[side]) for side in (0, 1)]
                if not any(reports):
                    break
            self.free = [not each for each in exact]
            self._agree(not any(reports), "\n".join(filter(None, reports)))
            for world in self.worlds:
                for each in world.sides:
                    each.forget_what_is_done()

        def _is_exact(self, side):
            """Say whether the kernel has no choice in how much has come to that side."""
            spy = self.kernel.sides[side].spy
            all_came = spy.received == self.sent[1 - side]
            return not self.free[side] or (all_came and not spy.failed)

        def _differences(self, side, exact):
            expected, actual = (world.sides[side].seen(exact) for world in self.worlds)
            lines = [
                f"  {key}: kernel {expected[key]!r}, fake {actual[key]!r}"
                for key in expected
                if expected[key] != actual[key]
            ]
            return "\n".join([f"side {side} is not the same on both:", *lines] if lines else [])

        def teardown(self):
            try:
                for world in self.worlds:
                    world.end()
                if not self.differed:
                    self._compare()
            finally:
                for world in self.worlds:
                    world.close()

    return Lockstep


def run(link, examples, *, shrink=True, derandomize=False, loop_factory=LOOP, reference_loop=LOOP):
    """Play histories on a link and its fake.

    Args:
        link: a key of `LINKS`.
        examples: how many histories.
        shrink: look for a shorter history that goes wrong too.
        derandomize: the same histories every time.
        loop_factory: makes the loop that the memory pair is on.
        reference_loop: makes the loop that the real pair is on.

    Returns:
        How many steps were compared.

    Raises:
        AssertionError: a step in which the two were not the same.
    """
    machine = lockstep_machine(*LINKS[link], loop_factory, reference_loop)
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


def replay(link, history, loop_factory=LOOP):
    """Play one history.

    Args:
        link: a key of `LINKS`.
        history: (rule, arguments) for each step.
        loop_factory: makes the loop that the memory pair is on.

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
    parser.add_argument("--steps", type=int, default=10_000, help="to be compared on each link")
    parser.add_argument("--link", choices=sorted(LINKS), action="append", help="all by default")
    parser.add_argument(
        "--loop", default="asyncio", help="the memory pair's, by streamgauge's name"
    )
    parser.add_argument("--reference-loop", default="asyncio", help="the real pair's")
    given = parser.parse_args()
    own, real = resolve_loop(given.loop), resolve_loop(given.reference_loop)
    for link in given.link or LINKS:
        steps = 0
        while steps < given.steps:
            steps += run(link, EXAMPLES, loop_factory=own, reference_loop=real)
        print(f"{link}: {steps} steps, no difference", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
