"""Writes `parity.md` beside it: how the fakes that people use compare with the kernel.

python docs/make_scores.py    # with `pip install -e ".[scores]"`

Every subject is played case by case beside real TCP sockets, in this process and this run; the
cases are `streamgauge.fakes.parity`'s. `tests/fakes/test_scores.py` holds our own rows true.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional
from unittest import mock

from streamgauge.fakes import MemoryNetwork, memory_stream_pair
from streamgauge.fakes.parity import Score, all_cases, check_network, check_stream_pair

PAGE = Path(__file__).with_name("parity.md")
SIMULATED_HOST, SIMULATED_PORT = "driver", 8000  # simloop's own machine; its ports are named
LINES = {
    0: "streams as documented",
    1: "pausing and resuming",
    2: "order and end of callbacks",
    3: "EOF",
    4: "what may be written, and when",
    5: "close, abort, reset",
    6: "a dead peer",
    7: "watermarks",
    8: "size and rate of deliveries",
    9: "protocols and TLS",
    10: "names, socket",
    11: "servers",
    12: "unknown, refused, passed through",
    13: "cancellation",
}


class Subject(NamedTuple):
    """Something that is scored.

    Attributes:
        name: what it is, as a row says it.
        package: the distribution whose version counts; empty for what comes with Python.
        score: plays it.
    """

    name: str
    package: str
    score: Callable[[], Score]


class FakeTransport(asyncio.Transport):
    """A transport as test suites write it by hand: each write is the peer's next callback."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.peer: Optional[FakeTransport] = None
        self.protocol: Any = None
        self.closed = False

    def write(self, data: Any) -> None:  # noqa: D102
        self._tell("data_received", bytes(data))

    def write_eof(self) -> None:  # noqa: D102
        self._tell("eof_received")

    def can_write_eof(self) -> bool:  # noqa: D102
        return True

    def close(self) -> None:  # noqa: D102
        if not self.closed:
            self.closed = True
            self._tell("eof_received")
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:  # noqa: D102
        self.close()

    def is_closing(self) -> bool:  # noqa: D102
        return self.closed

    def pause_reading(self) -> None:  # noqa: D102
        pass

    def resume_reading(self) -> None:  # noqa: D102
        pass

    def set_write_buffer_limits(self, high: Any = None, low: Any = None) -> None:  # noqa: D102
        pass

    def get_write_buffer_size(self) -> int:  # noqa: D102
        return 0

    def get_protocol(self) -> Any:  # noqa: D102
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:  # noqa: D102
        self.protocol = protocol

    def _tell(self, method: str, *args: Any) -> None:
        other = self.peer
        assert other is not None

        def call() -> None:
            if not other.closed:
                getattr(other.protocol, method)(*args)

        asyncio.get_running_loop().call_soon(call)


@contextlib.asynccontextmanager
async def hand_written_pair() -> Any:
    """Real streams over two hand-written transports."""
    loop = asyncio.get_running_loop()
    transports = FakeTransport(), FakeTransport()
    ends = []
    for own, other in (transports, transports[::-1]):
        reader = asyncio.StreamReader(loop=loop)
        own.peer, own.protocol = other, asyncio.StreamReaderProtocol(reader, loop=loop)
        own.protocol.connection_made(own)
        ends.append((reader, asyncio.StreamWriter(own, own.protocol, reader, loop)))
    yield ends


@contextlib.asynccontextmanager
async def mocked_pair() -> Any:
    """A reader that is fed by hand, and a mock that has a writer's names."""
    make = partial(mock.MagicMock, spec=asyncio.StreamWriter)
    yield [(asyncio.StreamReader(), make()) for _ in range(2)]


@contextlib.asynccontextmanager
async def solipsist_pair() -> Any:
    """async-solipsism's own pair."""
    import async_solipsism  # noqa: PLC0415  # only who makes the page has it

    yield await async_solipsism.stream_pairs()


@contextlib.asynccontextmanager
async def simulated_pair() -> Any:
    """A connection on simloop's network, which has one machine to begin with."""
    accepted = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(
        lambda *streams: accepted.set_result(streams), SIMULATED_HOST, SIMULATED_PORT
    )
    client = await asyncio.open_connection(SIMULATED_HOST, SIMULATED_PORT)
    yield client, await accepted
    server.close()


@contextlib.asynccontextmanager
async def nothing() -> Any:
    """For a loop that is a network already."""
    yield None


def solipsist_loop() -> Any:
    """Make async-solipsism's loop."""
    import async_solipsism  # noqa: PLC0415

    return async_solipsism.EventLoop()


def simulated_loop() -> Any:
    """Make simloop's loop, with its flow control on: without, no write ever waits there."""
    import simloop  # noqa: PLC0415

    loop = simloop.SimLoop(seed=0)  # seeds 1 and 2 gave the same score
    loop.net.set_flow_control()
    return loop


network = partial(MemoryNetwork, ignore_leaks="all")
ours = partial(check_stream_pair, memory_stream_pair)
PAIRS = [
    Subject("streamgauge.fakes", "streamgauge", ours),
    Subject(
        "async-solipsism",
        "async-solipsism",
        partial(check_stream_pair, solipsist_pair, loop=solipsist_loop),
    ),
    Subject("simloop", "simloop", partial(check_stream_pair, simulated_pair, loop=simulated_loop)),
    Subject("hand-written `FakeTransport`", "", partial(check_stream_pair, hand_written_pair)),
    Subject("`MagicMock(spec=StreamWriter)`", "", partial(check_stream_pair, mocked_pair)),
]
NETWORKS = [
    Subject("streamgauge.fakes", "streamgauge", partial(check_network, network)),
    Subject(
        "async-solipsism", "async-solipsism", partial(check_network, nothing, loop=solipsist_loop)
    ),
]


def row(subject: Subject, score: Score) -> str:
    """Give a subject's row."""
    version = metadata.version(subject.package) if subject.package else "-"
    wrong = sorted({difference.case.line for difference in score.differences})
    share = f"{len(score.agreed)} of {score.total}"
    return f"| {subject.name} | {version} | {share} | {', '.join(map(str, wrong)) or 'none'} |"


def by_line(subjects: List[Subject], scores: Dict[str, Score], kind: str) -> List[str]:
    """Give the table of agreement line by line."""
    names = [subject.name for subject in subjects]
    lines = [f"| line | about | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for number, about in LINES.items():
        cases = [each.name for each in all_cases(kind) if each.line == number]
        if cases:
            cells = [f"{len({*cases} & {*scores[name].agreed})}/{len(cases)}" for name in names]
            lines.append(f"| {number} | {about} | {' | '.join(cells)} |")
    return lines


def section(title: str, subjects: List[Subject], kind: str) -> List[str]:
    """Score subjects and write what came of it."""
    scores = {subject.name: subject.score() for subject in subjects}
    table = ["| subject | version | as the kernel in | departs in lines |", "|---|---|---|---|"]
    table += [row(subject, scores[subject.name]) for subject in subjects]
    return [f"## {title}", "", *table, "", *by_line(subjects, scores, kind), ""]


HEAD = """\
# How fakes compare with the kernel

Made by `python docs/make_scores.py`. Each subject was put through the cases of
`streamgauge.fakes.parity`, and real TCP sockets on asyncio's selector loop went through the same
cases in the same run. A case does something with a connection and notes what is seen: values,
types of exceptions and their errno, the order of callbacks, bytes. It holds no expectation; what
the kernel did is right. Python {python}, {system}.

Score a fake of your own in one line, in a plain test function:

```python
from streamgauge.fakes.parity import check_stream_pair

score = check_stream_pair(my_pair)  # an async context manager of (reader, writer) twice
assert not score.differences, str(score)
```

A low score is no verdict on a tool: async-solipsism and simloop are event loops with a time of
their own, made for other ends than this comparison. It says what a test on them can't show.
simloop was scored with its flow control on, and is not among the networks: its servers have no
sockets on purpose, and nearly all of those cases look there for the port, so that one departure
would be counted some fifty times.
The lines are those of the transport contract; 0 is the documented behaviour of streams.
"""


def main() -> int:
    """Play all and write the page."""
    head = HEAD.format(
        python=platform.python_version(), system=f"{platform.system()} {platform.machine()}"
    )
    parts = section("Stream pairs", PAIRS, "tcp") + section("Networks", NETWORKS, "network")
    PAGE.write_text("\n".join([head, *parts]).rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
