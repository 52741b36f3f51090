"""What the tests of the fakes share: both loops, a deadline, and a silent exception handler.

Every async test of this folder runs on the selector loop and on uvloop.
"""

# ruff: noqa: D102  # the doubles' methods are asyncio's and the socket's

from __future__ import annotations

import asyncio
import inspect
import socket

import pytest
import pytest_asyncio

LOOPS = {"asyncio": asyncio.SelectorEventLoop}
try:
    import uvloop
except ImportError:  # no wheel for this Python: the selector loop alone
    pass
else:
    LOOPS["uvloop"] = uvloop.new_event_loop


if hasattr(pytest_asyncio.plugin, "PytestAsyncioSpecs"):

    def pytest_asyncio_loop_factories(config, item):
        """Run every async test on every loop (pytest-asyncio 1.4 and later)."""
        return LOOPS

else:

    def pytest_generate_tests(metafunc):
        """Run every async test on every loop (pytest-asyncio before 1.4), any other once."""
        if inspect.iscoroutinefunction(metafunc.function):
            metafunc.parametrize("event_loop_policy", sorted(LOOPS), indirect=True)

    @pytest.fixture
    def event_loop_policy(request):
        """The policy of the loop that the test is run on."""
        if getattr(request, "param", "asyncio") == "uvloop":
            return uvloop.EventLoopPolicy()
        return asyncio.DefaultEventLoopPolicy()


@pytest.fixture(autouse=True)
def _every_test_ends(deadline):
    """Each test of this folder has the deadline."""


class Recorder(asyncio.Protocol):
    """A protocol that notes what it is told, and does what `reactions` say."""

    def __init__(self, keep_open=True, **reactions):
        self.log = []
        self.keep_open = keep_open
        self.reactions = reactions

    def _note(self, what, *args):
        self.log.append((what, *args))
        if what in self.reactions:
            self.reactions[what](self)

    def connection_made(self, transport):
        self.transport = transport
        self._note("made")

    def data_received(self, data):
        self._note("data", data)

    def eof_received(self):
        self._note("eof")
        return self.keep_open

    def connection_lost(self, exc):
        self._note("lost", exc if exc is None else type(exc))

    def pause_writing(self):
        self._note("pause")

    def resume_writing(self):
        self._note("resume")

    @property
    def data(self):
        return [entry[1] for entry in self.log if entry[0] == "data"]


@pytest.fixture
def recorder():
    """The protocol class that notes what it is told."""
    return Recorder


@pytest.fixture
def turns():
    """Let the loop go round a number of times."""

    async def go_round(n=4):
        for _ in range(n):
            await asyncio.sleep(0)

    return go_round


@pytest.fixture
def shout():
    """A handler that answers each line in capitals, until the client leaves."""

    async def handle(reader, writer):
        async for line in reader:
            writer.write(line.upper())
        writer.close()

    return handle


@pytest.fixture
def ask():
    """Connect by asyncio's function, say hello, close; gives the answer."""

    async def hello(*address, **options):
        reader, writer = await asyncio.open_connection(*address, **options)
        writer.write(b"hello\n")
        answer = await reader.readline()
        writer.close()
        return answer

    return hello


@pytest.fixture
def real():
    """A real listener of this machine's, on IPv4's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener
