"""Landing: a call that never ends breaks a clause that counts, whatever clause was tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.landing import landed
from streamgauge.conformance.plan import Result
from streamgauge.conformance.registry import checks_for
from streamgauge.conformance.runner import Sweep, TrialSpec, run_trial
from streamgauge.conformance.subjects import ShapedSubject
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.oldest_and_newest

MILD = Result("mine", "asyncio", "tcp", "writer.a", "check", "behaviour", Verdict.PASS)
ENDS = "hygiene.every-call-ends"


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("level", ["must", "should", "behaviour"])
def test_what_hurts_every_program_is_scored(verdict: Verdict, level: str) -> None:
    """A crash, a stall and a hang of a behaviour are told under a clause that counts as well."""
    own = replace(MILD, verdict=verdict, level=level, detail="never ended", plan="bytes")
    hurts = level == "behaviour" and str(verdict) in ("crash", "stall", "hang")
    first, *aside = landed([own])
    assert own == first
    assert [(ENDS, "should", verdict, "writer.a", "never ended", "bytes")] * hurts == [
        (r.clause, r.level, r.verdict, r.tried, r.detail, r.plan) for r in aside
    ]


def test_a_wait_that_a_verdict_does_not_show_lands_too() -> None:
    """Under some plans only it is `partial`, which of a behaviour nobody would see."""
    own = replace(MILD, verdict=Verdict.PARTIAL)
    _, aside = landed([own], "never ended: `await x`", "late")
    assert (ENDS, Verdict.HANG, "late") == (aside.clause, aside.verdict, aside.plan)
    scored = replace(own, level="must")
    assert [scored] == landed([scored], "never ended", "late")


def _never_told(reader: Any, writer: Any) -> Any:
    """Return streams whose wait_closed() never ends, once the writer has ended its sending."""

    async def for_ever() -> None:
        await asyncio.get_running_loop().create_future()

    end = writer.write_eof

    def write_eof() -> None:
        end()
        writer.close, writer.wait_closed = lambda: None, for_ever

    writer.write_eof = write_eof
    return reader, writer


async def _open_connection(*args: Any, **kwargs: Any) -> Any:
    return _never_told(*await asyncio.open_connection(*args, **kwargs))


def test_a_close_after_eof_that_never_ends_is_seen() -> None:
    """The behaviour that was tried hangs, and so does the clause that every call ends."""
    subject = ShapedSubject(
        SimpleNamespace(**{**vars(asyncio), "open_connection": _open_connection}), "planted"
    )
    clause = "writer.write_eof.again-allowed"
    (check,) = checks_for(clause)
    spec = TrialSpec(check, "behaviour", "planted", "asyncio", "tcp")
    own, *aside = run_trial(spec, subject, asyncio.new_event_loop, Deadlines(0.5), Sweep())
    assert Verdict.HANG is own.verdict
    assert (ENDS, Verdict.HANG, clause) in [(r.clause, r.verdict, r.tried) for r in aside]
