"""Adapters: other projects' streams are joined as they are, and nothing of them is left behind."""

from __future__ import annotations

from importlib.util import find_spec
from typing import List, Tuple

import pytest

from streamgauge.conformance import adapters, engine, subjects
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.verdicts import Verdict

NAMES = ("asyncssh", "telnetlib3", "aiohttp")
HELD = ("reader.readexactly.returns-n", "reader.readline.returns-one-line")


class Collected(Listener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.results: List[Result] = []

    def result(self, result: Result) -> None:
        """Keep it."""
        self.results.append(result)


def resolved(name: str) -> subjects.Subject:
    """Give the subject, or skip where its project is not installed."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return subjects.resolve(name)


@pytest.mark.parametrize("name", NAMES)
def test_an_adapter_is_a_known_subject(name: str) -> None:
    """It has a name, a line about it, a version, and no function that it never offered."""
    subject = resolved(name)
    assert name in subjects.builtin()
    assert subject.version[0].isdigit()
    assert subject.lacks >= adapters.FUNCTIONS


@pytest.mark.parametrize("name", NAMES)
def test_what_it_does_as_documented_is_seen(name: str) -> None:
    """Clauses that the project keeps pass, on every link that it has, and leave nothing open."""
    resolved(name)
    heard = Collected()
    assert engine.run(RunPlan(subjects=(name,), clauses=HELD, workers=1), heard)
    seen: Tuple[Tuple[str, Verdict], ...] = tuple((r.clause, r.verdict) for r in heard.results)
    assert set(HELD) == {clause for clause, verdict in seen if verdict is Verdict.PASS}
    others = {verdict for _, verdict in seen} - {Verdict.PASS}
    assert others <= {Verdict.INAPPLICABLE}, heard.results
