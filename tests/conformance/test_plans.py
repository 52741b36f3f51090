"""Plans: which follow from a play, what a check comes to under them, and that they find faults."""

from __future__ import annotations

import asyncio
import contextlib
import re
from types import SimpleNamespace
from typing import Any, List, Tuple

import pytest

from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.deliveries import Plan, Recording, Step, named, plans_for
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import Result
from streamgauge.conformance.registry import all_checks, checks_for
from streamgauge.conformance.runner import Sweep, TrialSpec, run_trial
from streamgauge.conformance.subjects import ShapedSubject
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.any_python

# Checks that are about one way of delivering; each says why in its own `spares`.
SPARING = {
    "a_blocked_drain_returns_when_the_transport_is_aborted": {"cancel-drain+waking"},
    "a_hook_on_what_is_received_sees_all_of_it": {"*"},
    "a_peer_is_held_back_if_reading_was_paused_before": {"pieces"},
    "a_protocol_made_where_no_loop_runs_serves_one": {"*"},
    "a_read_that_waits_resumes_and_a_full_buffer_pauses_again": {"cancel-readexactly"},
    "a_readexactly_cancelled_at_the_end_leaves_all_of_a_large_message": {"*"},
    "a_second_read_that_would_wait_is_refused": {"pieces"},
    "a_subclass_may_take_keywords": {"*"},
    "a_writer_whose_loop_is_closed_warns_and_closes_nothing": {"*"},
    "bytes_buffered_behind_a_pause_can_be_read_after_abort": {"pieces"},
    "drain_learns_of_an_abort_by_a_subclass": {"*"},
    "drain_waits_until_a_full_pipe_is_read": {"*"},
    "goes_on_behind_a_complete_line_that_was_too_long": {"pieces"},
    "it_is_upgraded_over_asyncios_protocol": {"*"},
    "it_sends_drains_and_closes_over_asyncios_protocol": {"*"},
    "its_drain_raises_what_asyncios_reader_has": {"*"},
    "its_repr_has_that_of_transport_and_reader": {"*"},
    "its_wait_closed_raises_what_ended_the_connection": {"*"},
    "no_other_byte_ends_a_line": {"*"},
    "over_asyncios_protocol_a_cancelled_wait_leaves_the_others_waiting": {"*"},
    "returns_more_than_the_limit_when_more_is_buffered": {"pieces"},
    "drops_what_has_come_of_a_line_that_was_too_long": {"pieces+late"},
    "the_read_after_a_cancelled_one_waits_in_its_place": {"pieces"},
    "wait_closed_of_a_pipe_raises_what_ended_it": {"*"},
    "wait_closed_of_a_pipe_returns_once_it_is_closed": {"*"},
    "wait_closed_of_a_pipe_that_broke_long_ago_returns": {"*"},
    "waits_for_a_number_of_bytes_of_a_class_of_its_own": {"pieces"},
    "waits_while_nothing_has_arrived": {"pieces"},
    "what_broke_a_pipe_after_close_is_raised_later": {"*"},
    "what_is_no_reader_is_refused": {"*"},
    "what_is_written_to_a_pipe_arrives_and_ends": {"*"},
}


class MissesSplitSeparators(asyncio.StreamReader):
    """Finds a separator only where it came in one piece."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pieces: List[bytes] = []

    def feed_data(self, data: bytes) -> None:
        """Note the piece."""
        self.pieces.append(data)
        super().feed_data(data)

    async def readuntil(self, separator: Any = b"\n") -> bytes:
        """Fail where no piece holds the separator."""
        record = await super().readuntil(separator)
        if not any(separator in piece for piece in self.pieces):
            raise LookupError("planted: no piece holds the separator")
        return record


class LosesWhenCancelled(asyncio.StreamReader):
    """Gathers what it reads exactly in a variable that dies with the call."""

    async def readexactly(self, n: int) -> bytes:
        """Read piece by piece."""
        gathered = b""
        while len(gathered) < n:
            piece = await self.read(n - len(gathered))
            if not piece:
                raise asyncio.IncompleteReadError(gathered, n)
            gathered += piece
        return gathered


def tried(reader: Any, clause: str, check: str) -> List[Result]:
    """Run one check on asyncio with another reader, fed by hand."""
    subject = ShapedSubject(SimpleNamespace(**{**vars(asyncio), "StreamReader": reader}), "planted")
    (found,) = [c for c in checks_for(clause) if c.name == check]
    spec = TrialSpec(found, "must", "planted", "asyncio", "feed")
    return run_trial(spec, subject, asyncio.new_event_loop, Deadlines())


def test_what_holds_in_one_piece_only_is_partial() -> None:
    """A separator that is missed when it is split: `partial`, the plans named, with what came."""
    check = "gives_the_data_up_to_and_with_the_first_separator"
    (own,) = tried(MissesSplitSeparators, "reader.readuntil.includes-separator", check)
    assert (own.verdict, own.plan) == (Verdict.PARTIAL, "bytes")
    assert own.detail.startswith("under bytes, bytes+late, not under")
    assert "planted: no piece holds the separator" in own.detail


def test_what_breaks_by_a_cancelled_call_is_told_under_its_clause() -> None:
    """A read that loses bytes when cancelled breaks the clause on that, and the one tried holds."""
    clause = "reader.readexactly.waits-for-n"
    own, lost = tried(LosesWhenCancelled, clause, "waits_for_the_last_of_n_bytes")
    assert (own.verdict, own.clause, own.tried) == (Verdict.PASS, clause, "")
    assert (lost.verdict, lost.clause) == (Verdict.HANG, "reader.readexactly.cancel-keeps-data")
    assert (lost.tried, lost.plan) == (clause, "cancel-readexactly-1")
    assert "readexactly() cancelled in its wait number 1, and called again" in lost.detail
    assert "never ended: `t.equal(await reading" in lost.detail  # for the bytes that were lost


class Leaks:
    """asyncio's functions, of which one leaves what it made where it is cancelled."""

    start_server = staticmethod(asyncio.start_server)

    async def open_connection(self, *args: Any, **kwargs: Any) -> Any:
        """Take no notice of a cancellation."""
        connecting = asyncio.ensure_future(asyncio.open_connection(*args, **kwargs))
        while not connecting.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(connecting)
        return await connecting


def handed_over(clause: str, link: str) -> List[Result]:
    """Run the first check of a clause of cancellation on `Leaks`."""
    spec = TrialSpec(checks_for(clause)[0], "should", "planted", "asyncio", link)
    return run_trial(spec, ShapedSubject(Leaks(), "planted"), asyncio.new_event_loop, Deadlines())


@pytest.mark.parametrize("link", ["memory", "tcp"])
def test_a_call_that_a_check_hands_over_is_cancelled_at_each_wait(link: str) -> None:
    """It goes through as written, and where it is cancelled the check's own clause answers."""
    clause = "start_server.serve.cancel-leaves-nothing"
    own, broken = handed_over(clause, link)
    assert (own.verdict, own.plan) == (Verdict.PASS, "")
    assert (broken.verdict, broken.clause, broken.tried) == (Verdict.FAIL, clause, clause)
    assert re.fullmatch(r"cancel-serve-[1-9](-waking)?", broken.plan)
    assert "its wait number" in broken.detail
    assert "expected nobody to listen, got True" in broken.detail


def test_a_call_that_takes_no_notice_of_its_cancellation_is_told() -> None:
    """A call that returns although it was cancelled is a failure, not a check that goes on."""
    _, broken = handed_over("open_connection.connect.cancel-leaves-nothing", "tcp")
    assert "expected CancelledError, it returned" in broken.detail


def test_a_sound_reader_holds_under_every_plan() -> None:
    """The same checks pass on the standard library's own reader, in more than one play."""
    (own,) = tried(
        asyncio.StreamReader, "reader.readexactly.waits-for-n", "waits_for_the_last_of_n_bytes"
    )
    assert own.verdict is Verdict.PASS
    assert own.plays > 5


def test_the_plans_that_follow_from_a_play() -> None:
    """Two bytes, then EOF: each way to bring them, and none that differs in nothing."""
    recording = Recording([Step("start"), Step("deliver", b"ab"), Step("eof")])
    names = [plan.name for plan in plans_for(recording, "feed", thorough=False)]
    wanted = ["bytes", "bytes+late", "cut-1", "late", "early", "eof-at-once", "eof-late"]
    assert wanted == names
    assert [] == plans_for(Recording(), "feed", thorough=True)


@pytest.mark.parametrize(
    "name",
    [
        "whole",
        "bytes+late",
        "cut-3",
        "cut-3+late",
        "eof-close",
        "cancel-read-all-2-waking",
        "cancel-connect-1",
    ],
)
def test_a_plan_is_found_by_its_name(name: str) -> None:
    """What a report names can be asked for."""
    assert name == named(name).name


@pytest.mark.parametrize("name", ["sideways", "cut", "cancel-write-1", "whole+late", ""])
def test_a_plan_that_does_not_exist_is_a_usage_error(name: str) -> None:
    """A wrong name is told at once, with what was expected."""
    with pytest.raises(UsageError, match="expected"):
        named(name)


@pytest.mark.parametrize("size", [1, 2, 48, 49, 65536])
def test_pieces_make_up_the_whole(size: int) -> None:
    """Byte by byte or cut anywhere, no byte is lost, and a bulk comes in a bounded number."""
    data = bytes(n % 251 for n in range(size))
    pieces = Plan("bytes").split(data, 0)
    assert data == b"".join(pieces)
    assert len(pieces) <= 50
    assert [data[:1], data[1:]][: min(size, 2)] == Plan("cut", 8).split(data, 7)


def test_checks_that_leave_plans_out_are_listed() -> None:
    """A check is played under every plan unless it is listed here, and says why it is not."""
    sparing = [c for c in all_checks() if c.spares and ".history." not in c.clause]  # none fits
    assert {check.name: set(check.spares) for check in sparing} == SPARING
    assert all(reason for check in sparing for reason in check.spares.values())


@pytest.mark.parametrize(
    ("plans", "verdict", "detail"),
    [
        (("bytes",), "pass", ""),
        (("cut-99999999999",), "unverified", "none has byte 99,999,999,999 inside"),
        (("eof-close",), "unverified", "eof-close is no way to play this check: no EOF"),
        (("cancel-drain-1",), "unverified", "0 waits of drain(), no wait number 1"),
        (("cancel-readexactly-7",), "unverified", "waits of readexactly(), no wait number 7"),
        (("cut-99999999999", "bytes"), "pass", ""),  # one of them is a way to play it
        (("whole",), "pass", ""),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_never_held(
    plans: Tuple[str, ...], verdict: str, detail: str
) -> None:
    """Where no plan that was asked for is a way to play the check, the trial is unverified."""
    clause, name = "reader.readexactly.waits-for-n", "waits_for_the_last_of_n_bytes"
    (found,) = [c for c in checks_for(clause) if c.name == name]
    spec = TrialSpec(found, "must", "planted", "asyncio", "feed")
    subject = ShapedSubject(asyncio, "planted")
    sweep = Sweep(only=plans)
    (own,) = run_trial(spec, subject, asyncio.new_event_loop, Deadlines(), sweep)
    assert verdict == str(own.verdict), own
    assert detail in own.detail


def test_a_check_that_is_not_about_a_plan_is_not_tried_under_it() -> None:
    """What a check leaves out, with its reason, is left out when somebody asks for it."""
    sparing = next(c for c in all_checks() if c.spares and "feed" in c.links)
    spec = TrialSpec(sparing, "must", "planted", "asyncio", "feed")
    plan = next(iter(sparing.spares)).replace("pieces", "bytes").replace("*", "late")
    subject = ShapedSubject(asyncio, "planted")
    own, *_ = run_trial(spec, subject, asyncio.new_event_loop, Deadlines(), Sweep(only=(plan,)))
    assert Verdict.UNVERIFIED is own.verdict, own


def test_a_broken_check_is_told_as_broken_whatever_the_plan() -> None:
    """What fails as written has not come to what the plan is about."""
    found = checks_for("reader.readuntil.includes-separator")[0]
    spec = TrialSpec(found, "must", "planted", "asyncio", "feed")
    broken = SimpleNamespace(**{**vars(asyncio), "StreamReader": Broken})
    own, *_ = run_trial(
        spec,
        ShapedSubject(broken, "planted"),
        asyncio.new_event_loop,
        Deadlines(),
        Sweep(only=("cut-99999999999",)),
    )
    assert Verdict.FAIL is own.verdict, own


class Broken(asyncio.StreamReader):
    """Reads nothing."""

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """Fail."""
        raise LookupError("planted")
