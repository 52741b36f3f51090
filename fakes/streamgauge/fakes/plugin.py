"""The pytest plugin: fixtures that work with any way of running coroutines, and a report.

`stream_pair`, `memory_network` and `no_real_network` are plain fixtures, which give what the test
enters itself, so they serve pytest-asyncio, anyio's plugin, `IsolatedAsyncioTestCase` (through
`pytest.mark.usefixtures`) and `asyncio.run` alike. A test that asks for none is left alone.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Generator, Iterator, List

import pytest

from . import pairs
from .network import MemoryNetwork
from .outside import ForbiddenConnectError

__all__: List[str] = []

#: `--streams` name to the maker of such a pair.
PAIRS: Dict[str, Callable[..., Any]] = {
    "memory": pairs.memory_stream_pair,
    "tcp": pairs.tcp_stream_pair,
    "unix": pairs.unix_stream_pair,
    "socketpair": pairs.socketpair_stream_pair,
    "tls": pairs.tls_stream_pair,
}
#: What a program does, as Python's audit events name it, when it leaves the machine by itself.
WATCHED = ("socket.connect", "socket.sendto", "socket.sendmsg")
PYTEST_SHOWS_NOTES = sys.version_info >= (3, 11)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--streams``."""
    parser.getgroup("streamgauge").addoption(
        "--streams",
        default="memory",
        metavar="KINDS",
        help=f"what `stream_pair` is made of, one or more of {','.join(PAIRS)}, or 'all'",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of `stream_pair` once for each kind that was asked for."""
    if "stream_pair" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption("--streams")
    kinds = [*PAIRS] if option == "all" else option.split(",")
    unknown = [kind for kind in kinds if kind not in PAIRS]
    if unknown:
        raise pytest.UsageError(
            f"--streams got {','.join(unknown)}, expected one or more of {','.join(PAIRS)}, or all"
        )
    metafunc.parametrize("stream_pair", kinds, indirect=True)


@pytest.fixture
def stream_pair(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give the maker of a pair, to be entered: ``async with`` its call ``as (client, server):``.

    ``--streams`` says over what: memory by default, or the kernel, or both in turn. It takes what
    all makers take: ``limit``, ``streams``, ``ignore_leaks``.
    """
    return PAIRS[getattr(request, "param", "memory")]


@pytest.fixture
def memory_network(request: pytest.FixtureRequest) -> Callable[..., MemoryNetwork]:
    """Give the maker of a `MemoryNetwork`, to be entered: ``async with`` its call ``as net:``.

    It takes what `MemoryNetwork` takes. What is open when the test fails is in the report.
    """
    made: List[MemoryNetwork] = []
    request.node._streamgauge_networks = made

    def make(**options: Any) -> MemoryNetwork:
        made.append(MemoryNetwork(**options))
        return made[-1]

    return make


class _Watch:
    """The audit hook, which can't be taken away and so is told when to look."""

    put = False
    active = 0

    @classmethod
    def hook(cls, event: str, args: Any) -> None:
        if cls.active and event in WATCHED and not isinstance(args[-1], (str, bytes)):
            raise ForbiddenConnectError(args[-1])


@pytest.fixture
def no_real_network() -> Iterator[None]:
    """Make it an error to connect a socket, or to send a datagram, from Python code.

    It is seen by Python's audit events, nothing is patched; unix sockets are left alone. uvloop
    connects without Python, so there only a memory network's own refusal holds.

    Raises:
        ForbiddenConnectError: in the test, when it tries; it names the address.
    """
    if not _Watch.put:
        sys.addaudithook(_Watch.hook)
        _Watch.put = True
    _Watch.active += 1
    try:
        yield
    finally:
        _Watch.active -= 1


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Add the state of the fakes to the report of a failure."""
    outcome = yield
    if call.when != "call" or call.excinfo is None:
        return
    report = outcome.get_result()
    for text in _state(item, call.excinfo.value):
        report.sections.append(("streamgauge: connections and last bytes", text))


def _state(item: pytest.Item, exc: BaseException) -> Iterator[str]:
    for network in getattr(item, "_streamgauge_networks", ()):
        if network.entered:
            yield network.report()
    if not PYTEST_SHOWS_NOTES:
        yield from getattr(exc, "__notes__", ())
