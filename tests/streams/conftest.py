"""What the tests of the streams share: loops to run on, peers, certificates, a deadline.

A peer is a plain socket, never a stream. Every async test of this folder runs on the selector
loop and on uvloop.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
import sys
import warnings
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio
from hypothesis import settings

from streamgauge import streams

LOOPS = {"asyncio": asyncio.SelectorEventLoop}
try:
    import uvloop
except ImportError:  # no wheel for this Python: the selector loop alone
    pass
else:
    LOOPS["uvloop"] = uvloop.new_event_loop

# Hypothesis would fail an example that a busy machine takes 200 ms for.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

DEADLINE_S = 20  # for a test that hangs; those that pass take a hundredth of it


if hasattr(pytest_asyncio.plugin, "PytestAsyncioSpecs"):

    def pytest_asyncio_loop_factories(config, item):
        """Run every async test on every loop (pytest-asyncio 1.4 and later)."""
        return LOOPS

else:

    @pytest.fixture(params=sorted(LOOPS))
    def event_loop_policy(request):
        """Run every async test on every loop (pytest-asyncio before 1.4)."""
        if request.param == "uvloop":
            return uvloop.EventLoopPolicy()
        return asyncio.DefaultEventLoopPolicy()


@pytest.fixture
def deadline_s():
    """Less than other folders have."""
    return DEADLINE_S


@pytest.fixture(autouse=True)
def _deadline(deadline):
    """End every test of this folder that hangs."""


class Peer:
    """The other end of a connection: a blocking socket, whose waits happen in a thread."""

    def __init__(self, sock):
        sock.settimeout(DEADLINE_S / 2)
        self.sock = sock

    def send(self, data):
        """Send all of it; blocks if that is more than the kernel buffers."""
        self.sock.sendall(data)

    async def receive(self, n):
        """Receive exactly ``n`` bytes, or fewer if EOF comes first."""
        return await asyncio.get_running_loop().run_in_executor(None, self._receive, n)

    async def receive_all(self):
        """Receive until EOF."""
        return await self.receive(float("inf"))

    def _receive(self, n):
        data = bytearray()
        while len(data) < n:
            part = self.sock.recv(int(min(65536, n - len(data))))
            if not part:
                break
            data += part
        return bytes(data)

    async def do(self, function, *args):
        """Run something that blocks in a thread."""
        return await asyncio.get_running_loop().run_in_executor(None, function, *args)

    def reset(self):
        """Close so that the other side sees a reset (TCP)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Kit:
    """The helpers of this folder's tests, as one fixture."""

    Peer = Peer

    def __init__(self, noise):
        self.noise = noise  # what reached the loop's exception handler
        self.peers = []

    @staticmethod
    async def turns(n=3):
        """Let the loop go round ``n`` times."""
        for _ in range(n):
            await asyncio.sleep(0)

    @staticmethod
    async def until(condition):
        """Let the loop go round until something in it has happened; the deadline ends it."""
        while not condition():
            await asyncio.sleep(0)

    @staticmethod
    def on_uvloop():
        """Return whether the running loop is uvloop's."""
        return type(asyncio.get_running_loop()).__module__.startswith("uvloop")

    def listen(self):
        """Collect what the running loop's exception handler is told; checked at the end."""
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: self.noise.append(context)
        )

    @asynccontextmanager
    async def pair(self, **kwds):
        """A connection over a socketpair: reader, writer, peer."""
        self.listen()
        ours, theirs = socket.socketpair()
        peer = Peer(theirs)
        reader, writer = await streams.open_connection(sock=ours, **kwds)
        try:
            yield reader, writer, peer
        finally:
            theirs.close()
            await self.end(writer)

    @asynccontextmanager
    async def tcp(self, **kwds):
        """A connection over TCP, which can be reset: reader, writer, peer."""
        self.listen()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            reader, writer = await streams.open_connection(*listener.getsockname(), **kwds)
            peer = Peer(listener.accept()[0])
        try:
            yield reader, writer, peer
        finally:
            peer.sock.close()
            await self.end(writer)

    @asynccontextmanager
    async def server(self, callback, start=None, **kwds):
        """A server on a free port of 127.0.0.1, and the address."""
        self.listen()
        start = start or streams.start_server
        server = await start(callback, "127.0.0.1", 0, **kwds)
        try:
            yield server.sockets[0].getsockname()[:2]
        finally:
            server.close()

    def connect(self, address):
        """Connect a peer to a server; it is closed when the test is over."""
        self.peers.append(Peer(socket.create_connection(address)))
        return self.peers[-1]

    @staticmethod
    async def end(writer):
        """Close a writer and wait for it, whatever became of its connection."""
        if not writer.is_closing():  # asyncio breaks on abort() of a lost transport
            writer.transport.abort()
        writer.close()  # asyncio's TLS transports up to 3.10 want to hear it even when lost
        with suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
def kit():
    """The helpers; at the end nothing may have reached the loop's exception handler."""
    noise = []
    helpers = Kit(noise)
    yield helpers
    for peer in helpers.peers:
        peer.sock.close()
    gc.collect(1)  # what this test left; the older generations cost a third of a second
    assert noise == []


class FakeTransport(asyncio.Transport):
    """A transport that only notes what it is told."""

    # ruff: noqa: D102  # what its methods do is the transport interface's to say

    def __init__(self, extra=None):
        super().__init__(extra)
        self.log = []
        self.kept = []
        self.closing = False

    def pause_reading(self):
        self.log.append("pause")

    def resume_reading(self):
        self.log.append("resume")

    def is_reading(self):
        return True

    def write(self, data):
        self.log.append(data)

    def is_closing(self):
        return self.closing

    def close(self):
        self.closing = True

    abort = close


@pytest.fixture
def prompt(transport):
    """The same, of a kind that delivers once a turn, as asyncio's own socket transports."""
    kind = type("Prompt", (FakeTransport,), {"__module__": "asyncio.selector_events"})
    transport.__class__ = kind
    return transport


@pytest.fixture
def transport():
    """A transport that only notes what it is told."""
    fake = FakeTransport()
    yield fake
    fake.closing = True  # so that a writer left over does not complain


@pytest.fixture
def contexts(authority):
    """TLS contexts for a server called localhost and for a client that verifies it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.fixture(scope="session")
def authority():
    """A certificate authority for this run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's notice that it leaves 3.8 behind
        import trustme  # noqa: PLC0415  # because of that notice

    return trustme.CA()


@pytest.fixture
def unraisable(monkeypatch):
    """What Python could not raise, in __del__ for instance."""
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: seen.append(repr(args.exc_value)))
    return seen
