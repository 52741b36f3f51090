"""Plans: in which way a check's bytes and EOF are brought to it, and which ways are worth trying.

Pure. A first play of the check, `whole`, is recorded; from the recording follow the plans under
which the same check has to hold as well. A plan is a few small faults put together, and its name
says which: `bytes`, `cut-3+late`, `eof-at-once`. What carries a plan out is `delivering`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Container, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.interruptions import Interruption

__all__ = [
    "QUICK",
    "WATCHED",
    "WHOLE",
    "Plan",
    "Recording",
    "Step",
    "interruptions_for",
    "misfit",
    "named",
    "plans_for",
    "quickest",
    "summary",
]

BYTE_BY_BYTE = 48  # bytes at most; of a longer delivery that many come in pieces of about a byte
FEW_BYTES = 4096  # as many fit into any kernel's buffer, so sending them never blocks
CUTS_OF_A_BULK = 3  # bytes at either end of a long delivery at which it is cut
CUTS_ON_KERNEL = 4  # where a play costs milliseconds, cuts are spread over the message
SUSPENSIONS = 8  # of a call, that are interrupted; one that reads a bulk has any number of them

# The links on which a play costs less than the others' connecting alone.
QUICK = ("feed", "memory")


@dataclass(frozen=True)
class Plan:
    """One way to deliver.

    Args:
        pieces: `` as the check has it, `bytes` for byte by byte, `cut` for two pieces.
        cut: where `pieces` is `cut`, after how many of all the bytes of the play.
        when: `` as the check has it; `late`: what comes before a call comes while it waits
            (with a cut: what lies behind it); `early`: what comes during a wait comes before it.
        eof: `` as the check has it; `at-once`: in the same turn as the bytes before it; `late`:
            while a call waits; `close`: the peer closes both directions.
        interruption: which call is cancelled, and where; None for none.
        watched: whether calls are observed, for the interruptions that follow from it.
    """

    pieces: str = ""
    cut: int = 0
    when: str = ""
    eof: str = ""
    interruption: Interruption | None = None
    watched: bool = False

    @property
    def name(self) -> str:
        """Its name, which `named` takes back."""
        words = (
            f"cut-{self.cut}" if self.pieces == "cut" else self.pieces,
            self.when,
            f"eof-{self.eof}" if self.eof else "",
            self.interruption.name if self.interruption else "",
            "watched" if self.watched else "",
        )
        return "+".join(word for word in words if word) or "whole"

    @property
    def words(self) -> Set[str]:
        """What it does, in the words by which a check leaves plans out."""
        pieces = {"pieces", self.pieces} if self.pieces else set()
        eof = {f"eof-{self.eof}"} if self.eof else set()
        cancels = self.interruption.words_of_name if self.interruption else set()
        return {*pieces, *eof, *cancels, self.when} - {""}

    @property
    def watches(self) -> bool:
        """Whether it has to see where the subject's calls begin to wait."""
        late = "late" in (self.when, self.eof) or self.eof == "close"
        return self.watched or late or (self.interruption is not None and self.interruption.watches)

    def split(self, data: bytes, offset: int) -> List[bytes]:
        """Cut one delivery into the pieces in which it comes.

        Args:
            data: what is delivered.
            offset: how many bytes the play has delivered before.
        """
        if self.pieces == "bytes":
            return list(_nearly_single(data))
        at = self.cut - offset if self.pieces == "cut" else 0
        return [data[:at], data[at:]] if 0 < at < len(data) else [data]


WHOLE = Plan()
WATCHED = Plan(watched=True)


def _nearly_single(data: bytes) -> Iterator[bytes]:
    """Give single bytes; of a long delivery single ones at its ends and large ones between."""
    edge = len(data) if len(data) <= BYTE_BY_BYTE else BYTE_BY_BYTE // 4
    head, body, tail = data[:edge], data[edge : len(data) - edge], data[len(data) - edge :]
    size = max(1, -(-len(body) * 2 // BYTE_BY_BYTE))
    yield from (head[n : n + 1] for n in range(len(head)))
    yield from (body[n : n + size] for n in range(0, len(body), size))
    if edge < len(data):
        yield from (tail[n : n + 1] for n in range(len(tail)))


def named(name: str) -> Plan:
    """Give the plan of that name.

    Raises:
        UsageError: no plan is called so.
    """
    values: Dict[str, object] = {}
    for word in name.split("+"):
        if word == "bytes":
            values["pieces"] = word
        elif re.fullmatch(r"cut-\d+", word):
            values.update(pieces="cut", cut=int(word[4:]))
        elif word in ("late", "early"):
            values["when"] = word
        elif word in ("eof-at-once", "eof-late", "eof-close"):
            values["eof"] = word[4:]
        elif word.startswith("cancel-"):
            values["interruption"] = Interruption.named(word)
        elif word == "watched":
            values["watched"] = True
        elif word != "whole" or name != "whole":
            raise UsageError(
                f"no plan is called {name!r}; expected whole, bytes, cut-N, early, late, "
                "eof-at-once, eof-late, eof-close or cancel-CALL-N, or some of them joined by +"
            )
    return Plan(**values)  # type: ignore[arg-type]  # each word was looked at above


@dataclass(frozen=True)
class Step:
    """One thing that a check did, in the order of the play.

    Args:
        what: `start`, `deliver`, `deliver now`, `eof`, `reset`, `look` or `peer`.
        data: what was delivered.
    """

    what: str
    data: bytes = b""


@dataclass
class Recording:
    """What a check did in a play, as far as plans follow from it."""

    steps: List[Step] = field(default_factory=list)
    calls: Dict[str, int] = field(default_factory=dict)  # kind -> most suspensions of one call

    def note(self, what: str, data: bytes = b"") -> int:
        """Note a step; gives its place."""
        self.steps.append(Step(what, data))
        return len(self.steps) - 1

    def note_call(self, call: str, number: int) -> None:
        """Note that a call of that kind was made, and suspended for the `number`-th time."""
        self.calls[call] = max(number, self.calls.get(call, 0))

    def follows(self, place: int, what: str) -> bool:
        """Whether the step right behind `place` is of that kind."""
        return self.steps[place + 1 : place + 2] != [] and self.steps[place + 1].what == what

    @property
    def deliveries(self) -> List[bytes]:
        """What was delivered, in order."""
        return [step.data for step in self.steps if step.what in ("deliver", "deliver now")]


def plans_for(
    recording: Recording, link: str, *, thorough: bool, calls: Container[str] = ()
) -> List[Plan]:
    """Say under which plans besides `whole` a check has to hold.

    Args:
        recording: of its play as written.
        link: what it was played on.
        thorough: give all; else those that find most for their time.
        calls: the kinds of calls that the check makes.

    Returns:
        The plans, each of which differs from the play as written.
    """
    # Where a part has come, a read(n) takes it: what it gives then is no longer the check's.
    cut_late = thorough and "read" not in calls
    return [*_of_pieces(recording, link, cut_late), *_of_time(recording), *_of_eof(recording, link)]


def misfit(plan: Plan, recording: Recording, calls: Mapping[str, int], link: str) -> str:
    """Say why a plan is no way to play a check; empty if it is one.

    Args:
        plan: any.
        recording: of the check's play as written.
        calls: those of the play under the plan, with the most suspensions of one.
        link: what it was played on.
    """
    sizes = [len(data) for data in recording.deliveries]
    if plan.pieces == "bytes" and max(sizes, default=0) < 2:
        return "nothing of two bytes or more is delivered"
    if plan.pieces == "cut" and not any(len(plan.split(*at)) > 1 for at in _placed(recording)):
        return f"of the {sum(sizes):,} bytes delivered none has byte {plan.cut:,} inside"
    possible = [*_of_time(recording), *_of_eof(recording, link)]
    if plan.when and not any(other.when == plan.when for other in possible):
        return f"nothing is delivered that could come {plan.when}"
    if plan.eof and not any(other.eof == plan.eof for other in possible):
        return f"no EOF is delivered that could come as {plan.eof}"
    wanted = plan.interruption
    if wanted is not None and calls.get(wanted.call, 0) < wanted.at:
        return f"{calls.get(wanted.call, 0)} waits of {wanted.title}, no wait number {wanted.at}"
    return ""


def _placed(recording: Recording) -> Iterator[Tuple[bytes, int]]:
    """Give each delivery, with the number of bytes before it."""
    offset = 0
    for data in recording.deliveries:
        yield data, offset
        offset += len(data)


def interruptions_for(calls: Mapping[str, int]) -> List[List[Plan]]:
    """Say under which cancellations a check has to hold, a list for each kind of call.

    Args:
        calls: the calls of a play that was watched, with the most suspensions of one.
    """
    return [
        [
            Plan(interruption=Interruption(call, at, waking))
            for at in range(1, min(most, SUSPENSIONS) + 1)
            for waking in (False, True)
        ]
        for call, most in calls.items()
    ]


def quickest(links: Sequence[str]) -> Optional[str]:
    """Say on which of a check's links every run plays it in many ways; None if on none.

    What does not take a kernel is cheap enough; what can be fed by hand is played so there alone.
    """
    return next((link for link in QUICK if link in links), None)


def _of_pieces(recording: Recording, link: str, cut_late: bool) -> Iterator[Plan]:
    several = any(len(data) > 1 for data in recording.deliveries)
    held = any(step.what == "deliver" for step in recording.steps)
    if several:
        yield Plan("bytes")
    if several and held:
        yield Plan("bytes", when="late")
    for cut in _cuts(recording, link):
        yield Plan("cut", cut)
        if cut_late and held:
            yield Plan("cut", cut, when="late")


def _cuts(recording: Recording, link: str) -> List[int]:
    """Give the places inside deliveries at which to cut, counted over the whole play."""
    found: List[int] = []
    offset = 0
    for data in recording.deliveries:
        size = len(data)
        inside = range(1, size)
        if size > BYTE_BY_BYTE:
            inside_ends = [*inside[:CUTS_OF_A_BULK], *inside[-CUTS_OF_A_BULK:]]
            found += [offset + at for at in inside_ends]
        else:
            found += [offset + at for at in inside]
        offset += size
    if link in QUICK or len(found) <= CUTS_ON_KERNEL:
        return found
    stride = (len(found) - 1) / (CUTS_ON_KERNEL - 1)
    return [found[round(stride * number)] for number in range(CUTS_ON_KERNEL)]


def _of_time(recording: Recording) -> Iterator[Plan]:
    if any(step.what == "deliver" for step in recording.steps):
        yield Plan(when="late")
    if any(
        step.what == "start" and recording.follows(place, "deliver")
        for place, step in enumerate(recording.steps)
    ):
        yield Plan(when="early")


def _of_eof(recording: Recording, link: str) -> Iterator[Plan]:
    places = [place for place, step in enumerate(recording.steps) if step.what == "eof"]
    if not places:
        return
    if any(_can_join(recording, place) for place in places):
        yield Plan(eof="at-once")
    yield Plan(eof="late")
    later = {step.what for step in recording.steps[places[0] + 1 :]}
    if link != "feed" and not later & {"peer", "deliver", "deliver now", "eof", "reset"}:
        yield Plan(eof="close")


def _can_join(recording: Recording, place: int) -> bool:
    before = recording.steps[place - 1] if place else None
    return before is not None and before.what == "deliver" and 0 < len(before.data) <= FEW_BYTES


def summary(names: List[str], shown: int = 4) -> str:
    """Join plans' names for a message: the first few, and how many more."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
