"""What a run is asked to do, and what it tells while it goes: plain data between the parts.

The command line makes a `RunPlan`, the engine runs it and hands each `Result` to a listener.
Nothing here imports pytest, asyncio or the reports.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from streamgauge.conformance.verdicts import Verdict

__all__ = [
    "EVERY_TRIAL",
    "LINKS",
    "LOOPLESS",
    "STOCK_LOOP",
    "Listener",
    "Result",
    "RunPlan",
    "trial_count",
]

# The links of this catalogue, in the order of the reports; `own` is for subjects that bring
# their own pair (Subject.pair).
LINKS: Tuple[str, ...] = ("feed", "memory", "socketpair", "tcp", "tcp6", "unix", "tls", "own")
LOOPLESS = ("feed", "memory")  # links that no socket of the loop's is needed for
STOCK_LOOP = "asyncio"
EVERY_TRIAL = "every_trial"  # in a result's check: what all trials together came to


@dataclass(frozen=True)
class RunPlan:
    """One run.

    Args:
        subjects: their names, as `streamgauge.conformance.subjects.resolve` takes them.
        loops: `asyncio` for the stock loop, else `module:factory`.
        links: link names; empty for all.
        clauses: patterns over clause ids (fnmatch); empty for all.
        edition: one of `catalogue.EDITIONS`; None for the running Python's.
        catalogue: release of the catalogue; None for the newest.
        workers: worker processes, 1 or more.
        fail_fast: stop after the first departure that is not listed; the listener's to decide.
        timeout_factor: multiplies every deadline, for slow machines.
        thorough: play every check under every plan, on every link.
        plans: names of the plans under which to play, and no others; empty for all.
        repeat: how often each trial is run; runs that differ make it flaky.
        search_path: folders appended to `sys.path` to import subjects from.
        one_link: try each check on one link only, the first of `links` on which it can be tried.
        scopes: a subject and a pattern of clauses, each: it is tried on no others; a subject
            without a scope is tried on all.
    """

    subjects: Tuple[str, ...] = ("stdlib", "streams")
    loops: Tuple[str, ...] = (STOCK_LOOP,)
    links: Tuple[str, ...] = ()
    clauses: Tuple[str, ...] = ()
    edition: Optional[str] = None
    catalogue: Optional[str] = None
    workers: int = 1
    fail_fast: bool = False
    timeout_factor: float = 1.0
    thorough: bool = False
    plans: Tuple[str, ...] = ()
    search_path: Tuple[str, ...] = ()
    one_link: bool = False
    scopes: Tuple[Tuple[str, str], ...] = ()
    repeat: int = 1

    def to_dict(self) -> Dict[str, Any]:
        """Give plain data that `from_dict` takes back, for another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunPlan:
        """Rebuild a plan from `to_dict`'s data (JSON turns tuples into lists)."""
        fields: Dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        return cls(**fields)


@dataclass(frozen=True)
class Result:
    """One trial's result: a line of the JSON report.

    Args:
        subject: what was judged.
        loop: the event loop it ran on.
        link: how it was joined to the peer; `-` where the trial needed none.
        clause: the clause that it is about.
        check: the check's function name.
        level: `must`, `should` or `behaviour`.
        verdict: what came of it.
        detail: what was expected and what came; empty for a plain pass.
        seconds: wall time of the trial.
        plan: the plan under which it came to that; empty for the check as written.
        tried: the clause whose check was played, where the plays showed something of another:
            of cancellation or of hygiene; else empty.
        plays: how many times the check was played.
    """

    subject: str
    loop: str
    link: str
    clause: str
    check: str
    level: str
    verdict: Verdict
    detail: str = ""
    seconds: float = 0.0
    plan: str = ""
    tried: str = ""
    plays: int = 0

    @property
    def aside(self) -> bool:
        """Whether it came besides the result that each trial has."""
        return bool(self.tried) or self.check == EVERY_TRIAL

    @property
    def scored(self) -> bool:
        """Whether it counts for or against the subject."""
        return self.level != "behaviour" and self.verdict is not Verdict.INAPPLICABLE

    def to_dict(self) -> Dict[str, Any]:
        """Give the fields in the report's order, with `type` in front."""
        return {"type": "result", **asdict(self), "verdict": str(self.verdict)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Rebuild a result from `to_dict`'s data."""
        fields = {k: v for k, v in data.items() if k != "type"}
        return cls(**{**fields, "verdict": Verdict(fields["verdict"])})


class Listener:
    """What a run tells while it goes; the default says nothing.

    Attributes:
        wants_stop: set it, and the run is cut short before the next result.
    """

    wants_stop: bool = False

    def started(self, total: int) -> None:
        """Say how many trials were collected, before the first one runs."""

    def result(self, result: Result) -> None:
        """Take the result of one trial, in the order in which they end."""

    def warning(self, text: str) -> None:
        """Take a line about the run itself (a worker was replaced, a loop is missing)."""


def trial_count(results: Iterable[Result]) -> Dict[str, int]:
    """Count results by verdict, in the order of `Verdict`; verdicts that none has are left out."""
    counts = Counter(result.verdict for result in results)
    return {str(verdict): counts[verdict] for verdict in Verdict if counts[verdict]}
