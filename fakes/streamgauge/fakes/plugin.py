"""The pytest plugin: fixtures that work with any way of running coroutines, and a report.

`stream_pair`, `memory_network` and `no_real_network` are plain fixtures, which give what the test
enters itself, so they serve pytest-asyncio, anyio's plugin, `IsolatedAsyncioTestCase` and
`asyncio.run` alike. A test that asks for none is left alone.
"""

from __future__ import annotations

import functools
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Callable, Generator, Iterator, List

import pytest

from . import pairs
from .guard import Guard
from .network import MemoryNetwork

__all__: List[str] = []

KINDS = ("memory", "tcp", "unix", "socketpair", "tls")
PYTEST_SHOWS_NOTES = hasattr(BaseException, "add_note")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--streams``."""
    parser.getgroup("streamgauge").addoption(
        "--streams",
        default="memory",
        metavar="KINDS",
        help=f"what `stream_pair` is made of, one or more of {','.join(KINDS)}, or 'all'",
    )


def _kinds(config: pytest.Config) -> List[str]:
    option = config.getoption("--streams")
    kinds = [*KINDS] if option == "all" else option.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise pytest.UsageError(
            f"--streams got {','.join(unknown)}, expected one or more of {','.join(KINDS)}, or all"
        )
    return kinds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of `stream_pair` once for each kind that was asked for."""
    if "stream_pair" in metafunc.fixturenames:
        metafunc.parametrize("stream_pair", _kinds(metafunc.config), indirect=True)


@pytest.fixture
def stream_pair(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Give the maker of a pair, to be entered: ``async with`` its call ``as (client, server):``.

    ``--streams`` says over what: memory by default, or the kernel, or both in turn. In a
    `unittest.TestCase`, which pytest cannot run in turn, the first kind counts. It takes what
    all makers take: ``limit``, ``streams``, ``ignore_leaks``.
    """
    kind = getattr(request, "param", None) or _kinds(request.config)[0]
    return _shown_while_open(request.node, getattr(pairs, f"{kind}_stream_pair"))


@pytest.fixture
def memory_network(request: pytest.FixtureRequest) -> Callable[..., MemoryNetwork]:
    """Give the maker of a `MemoryNetwork`, to be entered: ``async with`` its call ``as net:``.

    It takes what `MemoryNetwork` takes. What is open when the test fails is in the report.
    """

    def make(**options: Any) -> MemoryNetwork:
        network = MemoryNetwork(**options)
        _open(request.node).append(lambda: network.report() if network.entered else "")
        return network

    return make


@pytest.fixture
def no_real_network() -> Iterator[Guard]:
    """Make it an error to connect a socket, send a datagram or look a name up, from Python code.

    It is seen by Python's audit events, nothing is patched; unix sockets are left alone. Its
    ``passthrough("127.0.0.1:5432")`` lets a destination be reached. uvloop connects without
    Python, so there only a memory network's own refusal holds.

    Raises:
        ForbiddenConnectError: in the test, when it tries; it names the address.
    """
    guard = Guard()
    guard.up()
    try:
        yield guard
    finally:
        guard.down()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Add the state of the fakes to the report of a failure."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed or call.excinfo is None:
        return
    texts = [describe() for describe in _open(item)]
    if not PYTEST_SHOWS_NOTES:
        texts += _notes(call.excinfo.value)
    for text in filter(None, texts):
        report.sections.append(("streamgauge: connections and last bytes", text))


def _open(node: Any) -> List[Callable[[], str]]:
    """Give what describes the fakes that a test has open."""
    found: List[Callable[[], str]] = node.__dict__.setdefault("_streamgauge_open", [])
    return found


def _shown_while_open(node: Any, maker: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(maker)
    @asynccontextmanager
    async def make(**options: Any) -> AsyncIterator[Any]:
        async with maker(**options) as ends:

            def describe() -> str:
                return "\n".join(end.report() for end in ends)

            _open(node).append(describe)
            try:
                yield ends
            finally:
                _open(node).remove(describe)

    return make


def _notes(exc: Any) -> Iterator[str]:
    """Give the notes of an exception and of those that it came from."""
    while exc is not None:
        yield from getattr(exc, "__notes__", ())
        exc = exc.__cause__ or exc.__context__
