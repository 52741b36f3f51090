"""Accounts of runs that never took place, for the tests of the reports."""

from __future__ import annotations

from streamgauge.conformance.catalogue import Catalogue, Clause
from streamgauge.conformance.deviations import Deviation, When, classify
from streamgauge.conformance.plan import Result, RunPlan
from streamgauge.conformance.report.account import Account, Judged
from streamgauge.conformance.verdicts import Verdict

STDLIB, STREAMS = Judged("stdlib", "asyncio"), Judged("streams", "asyncio")
PROMISES = {
    "reader.a": ("must", "StreamReader", "Data stays in the buffer."),
    "reader.b": ("should", "StreamReader", "A read waits."),
    "reader.fact": ("behaviour", "StreamReader", "Drops the line."),
    "writer.c": ("must", "StreamWriter", "Close closes."),
}


def clause(name, level, documented, text):
    """Make a clause."""
    return Clause(
        id=name,
        level=level,
        text=text,
        source=("3.8 StreamReader",),
        since="3.8",
        until=None,
        needs=(),
        means="It breaks.",
        hints=(),
        object=documented,
        file="reader.toml",
    )


CLAUSES = Catalogue([clause(name, *line) for name, line in PROMISES.items()], "1.0")


def results(subject="stdlib", loop="asyncio", **departing):
    """Give a pass of every clause on tcp and tls, but for `reader_a="fail"` and the like.

    A value is a verdict, or link -> verdict; the detail is `DETAIL of VERDICT`.
    """
    found = []
    for name in CLAUSES:
        change = departing.get(name.replace(".", "_"), "pass")
        for link in ("tcp", "tls"):
            word = change.get(link, "pass") if isinstance(change, dict) else change
            detail = "" if word == "pass" else f"expected [bold]1[/bold], got {word}"
            level = CLAUSES[name].level
            found.append(
                Result(subject, loop, link, name, "check", level, Verdict(word), detail, 0.01)
            )
    return found


def listed(name="reader.a", verdict="fail", reason="It is so.", subject="stdlib", **when):
    """Make an entry of a deviation file."""
    issue, where = "gh-1", f"{subject}.toml, deviation 1"
    return Deviation(subject, name, Verdict(verdict), When(**when), reason, issue, where)


def account(found, entries=(), *, complete=True, due=(), **plan):
    """Give the account of a run of the subjects in the results."""
    subjects = tuple(dict.fromkeys(r.subject for r in found)) or ("stdlib",)
    loops = tuple(dict.fromkeys(r.loop for r in found)) or ("asyncio",)
    return Account(
        plan=RunPlan(**{"subjects": subjects, "loops": loops, "workers": 2, **plan}),
        clauses=CLAUSES,
        edition="3.11",
        catalogue="1.0",
        results=found,
        sorted=classify(found, entries, complete=complete),
        complete=complete,
        due=frozenset(due),
        seconds=2.0,
    )
