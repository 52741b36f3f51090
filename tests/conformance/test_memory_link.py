"""The link `memory`: as the kernel's, on every loop, without a thread, and idle when it says so."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any, Callable, Dict, List, Set, Tuple
from unittest import mock

import pytest

from streamgauge.conformance import clocks
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.idleness import Watch
from streamgauge.conformance.loop_methods import keyword_defaults, recorded_calls
from streamgauge.conformance.peer import Bench
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.registry import MEMORY_LIKE, Check, all_checks, check
from streamgauge.conformance.runner import run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.subjects import ShapedSubject
from streamgauge.conformance.verdicts import Verdict
from streamgauge.fakes import MemoryNetwork

pytestmark = pytest.mark.oldest_and_newest

SOCK = "a socket handed over by sock="
QUEUE = "the queue of connections that are not accepted yet"
FILES = "a path in the file system"

SEVERAL = "a host with several addresses, each of which is tried"

#: What runs on the kernel's links and not on `memory`: the reason, and clause and check.
KERNEL_ONLY = {
    "a socket handed over by sock=": {
        ("open_connection.sock.adopted", "a_connected_socket_is_used_as_it_is"),
        ("open_connection.sock.adopted", "one_end_of_a_socket_pair_is_used_as_it_is"),
        ("open_connection.sock.closed-by-writer", "the_writer_closes_the_socket_it_was_given"),
        (
            "open_connection.sock.open-after-bad-limit",
            "a_socket_given_with_a_bad_limit_stays_the_callers",
        ),
        ("open_connection.sock.with-host-rejected", "two_addresses_contradict_each_other"),
        ("open_connection.ssl.context-encrypts", "a_socket_handed_over_is_encrypted_as_well"),
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "where_there_is_no_host_a_socket_has_to_be_given",
        ),
        ("open_unix_connection.sock.adopted", "a_connected_socket_is_used_as_it_is"),
        ("open_unix_connection.sock.closed-by-writer", "the_writer_closes_the_socket_it_was_given"),
        ("start_server.sock.adopted", "it_listens_on_the_given_socket_and_no_other"),
        ("start_server.sock.closed-by-server", "the_server_closes_the_socket_it_was_given"),
        ("start_unix_server.sock.adopted", "it_listens_on_the_given_socket_and_no_other"),
        ("start_unix_server.sock.closed-by-server", "the_server_closes_the_socket_it_was_given"),
    },
    "an end below TLS": {
        ("reader.at_eof.not-warned-of-under-tls", "an_end_below_tls_leaves_no_word_in_the_log"),
    },
    "an open socket": {
        ("examples.register-open-socket", "one_end_of_a_pair_is_read_with_streams_and_closed"),
    },
    "a host with several addresses, each of which is tried": {
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "a_dead_address_holds_up_the_next_no_longer_than_the_delay",
        ),
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "the_next_address_is_tried_from_the_local_address_asked_for",
        ),
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "with_no_address_left_to_try_it_is_refused",
        ),
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "of_two_that_answer_in_one_turn_one_is_kept",
        ),
        (
            "open_connection.happy_eyeballs_delay.tries-next-address",
            "an_address_cannot_be_tried_from_one_of_another_family",
        ),
        (
            "open_connection.interleave.orders-families",
            "interleave_is_the_number_of_the_first_family_before_the_other",
        ),
        (
            "open_connection.interleave.orders-families",
            "interleaved_the_other_family_comes_second_else_as_looked_up",
        ),
    },
    "the queue of connections that are not accepted yet": {
        ("start_server.backlog.default-100", "by_default_the_kernel_queues_100_connections"),
        ("start_server.backlog.passed-on", "the_kernel_queues_backlog_connections"),
        ("start_unix_server.backlog.passed-on", "the_kernel_queues_backlog_connections"),
    },
    "a path in the file system": {
        (
            "start_unix_server.cleanup_socket.false-keeps-path",
            "closing_leaves_the_path_where_that_was_asked_for",
        ),
        (
            "start_unix_server.cleanup_socket.removes-path",
            "closing_removes_the_path_unless_told_otherwise",
        ),
        (
            "start_unix_server.cleanup_socket.replaced-path-kept",
            "closing_leaves_a_path_that_is_somebody_elses_by_now",
        ),
        (
            "start_unix_server.path.listening-path-refused",
            "a_path_where_somebody_listens_is_refused_and_stays_theirs",
        ),
        (
            "start_unix_server.path.listening-path-refused",
            "whoever_listens_has_no_client_left_of_a_server_that_was_refused",
        ),
        ("start_unix_server.path.removed-on-close", "the_path_is_gone_once_the_server_is_closed"),
    },
    "TLS over a socket itself": {
        (
            "handler.exception.after-upgrade-ends-tls",
            "the_client_of_a_handler_that_upgraded_and_crashed_is_told_the_end",
        ),
    },
    "a file descriptor": {
        ("writer.close.closes-socket", "the_descriptor_is_closed_after_close_and_wait_closed"),
    },
    "a name that is looked up in a thread": {
        (
            "open_connection.connect.cancel-leaves-nothing",
            "a_name_that_was_being_looked_up_is_connected_to",
        ),
    },
}
UVLOOP = "uvloop:new_event_loop"
DEADLINES = clocks.Deadlines(clocks.unit())


def _debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Give the factory of a loop's name; uvloop is not everywhere."""
    if name == "asyncio":
        return asyncio.new_event_loop
    return pytest.importorskip("uvloop").new_event_loop  # type: ignore[no-any-return]


def results(
    subject: str, links: Tuple[str, ...], factory: Callable[[], asyncio.AbstractEventLoop]
) -> List[Result]:
    """Run every trial of the links in this process, and give what is scored."""
    plan = Selection(RunPlan(subjects=(subject,), links=links))
    gc.collect()
    gc.freeze()  # as a worker does: a trial collects its own garbage, and not pytest's
    try:
        found = [run_trial(t, plan.subjects[subject], factory, DEADLINES) for t in plan.trials]
    finally:
        gc.unfreeze()
    return [result for of_one in found for result in of_one if result.scored]


def one(namespace: Any, clause: str, factory: Any = asyncio.new_event_loop) -> List[Result]:
    """Run one clause on `memory`."""
    trials = Selection(RunPlan(subjects=("streams",), links=("memory",), clauses=(clause,))).trials
    subject = ShapedSubject(namespace, "planted")
    return [r for t in trials for r in run_trial(t, subject, factory, DEADLINES)]


# --- which checks ------------------------------------------------------------------------------


def test_every_check_of_a_real_connection_runs_on_memory_or_says_why_not() -> None:
    """What is tried by the kernel is tried in memory too, but for a list of reasons."""
    real = [c for c in all_checks() if set(c.links) - {"feed", "own", "memory"}]
    left_out: Dict[str, Set[Tuple[str, str]]] = {}
    for c in real:
        if "memory" not in c.links:
            left_out.setdefault(c.kernel, set()).add((c.clause, c.name))
    assert left_out == KERNEL_ONLY


def test_memory_is_among_the_links_of_a_plain_run() -> None:
    """A run that names no link has trials on memory."""
    assert "memory" in {trial.link for trial in Selection(RunPlan()).trials}


def test_each_check_is_like_a_link_of_its_own() -> None:
    """On memory a check is tried as on a link of the kernel's that it names itself."""
    on_memory = [c for c in all_checks() if "memory" in c.links]
    alone = ("feed", "memory")  # what only memory's own window can show is like no other
    real = [c for c in on_memory if not set(c.links) <= set(alone)]
    assert [c.name for c in real if c.like("memory") not in c.links] == []
    assert {c.like("memory") for c in on_memory} == set(MEMORY_LIKE)
    assert {c.like("tcp6") for c in on_memory} == {"tcp6"}


def test_a_check_that_memory_can_not_try_has_to_say_why() -> None:
    """Links that memory has nothing like need the word on what only a kernel has."""
    with pytest.raises(HarnessError, match=r"expected one of the links .* or kernel="):

        @check("reader.read.up-to-n", links=("socketpair",))
        async def unexplained(_t: Any) -> None:
            """Never run."""


# --- the verdicts ------------------------------------------------------------------------------


def verdicts(found: List[Result]) -> Dict[Tuple[str, str, str], Verdict]:
    """Give each trial's verdict by clause, check and link."""
    return {(r.clause, r.check, r.link): r.verdict for r in found if not r.aside}


def test_the_standard_library_gets_the_verdicts_that_it_gets_by_the_kernel() -> None:
    """On memory each check of the standard library ends as on the link that it is like there."""
    checks: Dict[Tuple[str, str], Check] = {(c.clause, c.name): c for c in all_checks()}
    found = verdicts(results("stdlib", ("memory", *MEMORY_LIKE), asyncio.new_event_loop))
    memory = {
        key: verdict
        for key, verdict in found.items()
        if key[2] == "memory" and ".history." not in key[0]
    }
    kernel = {
        (clause, name, link): found[clause, name, checks[clause, name].like(link)]
        for clause, name, link in memory
    }
    assert len(memory) > 200
    assert memory == kernel


@pytest.mark.parametrize("loop", ["asyncio", UVLOOP, "debug"])
def test_our_streams_are_clean_on_memory(loop: str) -> None:
    """Every check on memory passes on the reference subject, whatever the loop."""
    factory = _debugging if loop == "debug" else loop_factory(loop)
    found = results("streams", ("memory",), factory)
    assert [(r.clause, r.check, r.detail) for r in found if r.verdict is not Verdict.PASS] == []


def test_a_trial_on_memory_uses_no_thread_and_no_socket_of_its_own() -> None:
    """The peer is in the check's own hands: nothing runs beside the loop, nothing is a socket."""
    made: Set[str] = set()

    class Counted(socket.socket):
        def connect(self, address: Any) -> None:
            made.add(f"connected to {address}")

        def listen(self, *_: Any) -> None:
            made.add("listened")

    with mock.patch.object(Bench, "run", side_effect=AssertionError("an errand in a thread")):
        with mock.patch.object(socket, "socket", Counted):
            found = results("streams", ("memory",), asyncio.new_event_loop)
    assert [r.detail for r in found if r.verdict is not Verdict.PASS] == []
    assert made == set()


# --- what goes wrong on it ---------------------------------------------------------------------


async def _open_and_forget(*args: Any, **kwargs: Any) -> Any:
    loop = asyncio.get_running_loop()
    streams = await asyncio.open_connection(*args, **kwargs)
    transport, _ = await loop.create_connection(asyncio.Protocol, *args[:2])
    transport.pause_reading()  # so that it never learns that its peer has gone
    return streams


async def _never(*_args: Any, **_kwargs: Any) -> Any:
    await asyncio.get_running_loop().create_future()


async def _late(*args: Any, **kwargs: Any) -> Any:
    loop = asyncio.get_running_loop()
    due = loop.create_future()
    loop.call_later(10 * DEADLINES.tick_s, due.set_result, None)
    await due
    return await asyncio.open_connection(*args, **kwargs)


class Shaped:
    """Asyncio with another `open_connection`."""

    def __init__(self, open_connection: Any) -> None:
        self.open_connection = open_connection

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def test_a_transport_that_nobody_closed_is_noise() -> None:
    """A connection beside the one asked for, left open, breaks the hygiene clause alone."""
    own, noise = one(Shaped(_open_and_forget), "open_connection.loop.optional")
    assert own.verdict is Verdict.PASS
    assert (noise.verdict, noise.clause) == (Verdict.NOISE, "hygiene.no-transport-left")
    assert "unclosed transport" in noise.detail


def test_a_wait_without_end_is_a_hang() -> None:
    """Where nothing can happen any more, the wait ends as a hang that names the call."""
    (found,) = one(Shaped(_never), "open_connection.loop.optional")
    assert found.verdict is Verdict.HANG


def test_a_wait_for_a_timer_is_no_hang() -> None:
    """A subject that waits for a timer of its own is given the time of the other links."""
    (found,) = one(Shaped(_late), "open_connection.loop.optional")
    assert (found.verdict, found.detail) == (Verdict.PASS, "")


def test_a_loop_that_takes_no_attributes_is_told_apart() -> None:
    """On a loop that no network can be put on, a trial is inapplicable, with a word why."""

    class Refusing:
        """Stands for a loop of a compiled type."""

        __slots__ = ("loop",)

        def __init__(self) -> None:
            self.loop = asyncio.new_event_loop()

        def __getattr__(self, name: str) -> Any:
            if name == "__dict__":
                raise AttributeError(name)
            return getattr(self.loop, name)

    (found,) = one(asyncio, "open_connection.loop.optional", Refusing)
    assert found.verdict is Verdict.INAPPLICABLE
    assert "Refusing instances take no attributes" in found.detail


# --- idleness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", ["asyncio", UVLOOP])
@pytest.mark.parametrize("length", [0, 1, 50])
def test_idle_returns_right_after_the_last_call(loop: str, length: int) -> None:
    """However long the chain of calls, idle comes when it has ended, and no later."""

    async def chained() -> Tuple[int, int]:
        running = asyncio.get_running_loop()
        watch, left = Watch(running), [length]

        def go_on() -> None:
            if left[0]:
                left[0] -= 1
                running.call_soon(go_on)

        watch.put()
        running.call_soon(go_on)
        await watch.idle()
        calls = watch.calls
        watch.take_back()
        return left[0], calls

    made = loop_factory(loop)()
    try:
        left, calls = made.run_until_complete(chained())
    finally:
        made.close()
    assert left == 0
    assert calls <= 2 * (length + 2)  # its own turn for each of theirs, and a quiet one


def test_idle_comes_to_an_end_on_a_loop_that_never_rests() -> None:
    """What schedules itself for ever does not hold up the check for ever."""

    async def restless() -> bool:
        loop = asyncio.get_running_loop()
        watch = Watch(loop)

        def again() -> None:
            loop.call_soon(again)

        watch.put()
        again()
        await watch.idle()
        watch.take_back()
        return True

    assert asyncio.run(restless())


def test_the_watch_leaves_the_loop_as_it_was() -> None:
    """The loop's own methods are back when the watch is taken back."""

    async def watched() -> Tuple[Set[str], Set[str]]:
        loop = asyncio.get_running_loop()
        before, watch = set(vars(loop)), Watch(loop)
        watch.put()
        loop.call_later(0, print)
        watch.take_back()
        assert watch.outside > 0
        return before, set(vars(loop))

    before, after = asyncio.run(watched())
    assert before == after


# --- the loop's methods under it ---------------------------------------------------------------


def test_recorded_calls_put_back_what_the_network_had_put() -> None:
    """A method that was watched is the network's again, not the loop's own."""

    async def watched() -> bool:
        async with MemoryNetwork():
            loop = asyncio.get_running_loop()
            networks = vars(loop)["create_connection"]
            with recorded_calls("create_connection") as calls:
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", 7)
            assert len(calls) == 1
            return vars(loop)["create_connection"] is networks

    assert asyncio.run(watched())


@pytest.mark.parametrize("method", ["create_connection", "create_server"])
def test_the_networks_methods_tell_the_loops_keywords(method: str) -> None:
    """Whoever asks what a method knows is told what the loop's own knows."""

    async def asked() -> Tuple[Dict[str, Any], Dict[str, Any]]:
        own = keyword_defaults(method)
        async with MemoryNetwork():
            return own, keyword_defaults(method)

    own, told = asyncio.run(asked())
    assert "ssl" in own
    assert own == told
