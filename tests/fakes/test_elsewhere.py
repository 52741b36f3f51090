"""About the fakes where a platform lacks something: Unix's modules and calls, unix sockets, TLS."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import streamgauge.fakes

ROOT = Path(streamgauge.fakes.__file__).parents[2]

#: Makes a loop, then hides what not every platform has, as if it had never been there.
HIDING = """
import asyncio, contextlib, os, signal, socket, sys
sys.path[:0] = [{root!r}]
loop = asyncio.SelectorEventLoop()
for name in ("fcntl", "termios", "resource", *{modules!r}):
    sys.modules[name] = None
for where, name in (
    (os, "fork"), (os, "set_blocking"), (os, "sysconf"), (os, "sendfile"),
    (socket, "AF_UNIX"), (socket, "SO_REUSEPORT"),
    (signal, "SIGALRM"), (signal, "setitimer"), (signal, "SIGUSR1"),
):
    with contextlib.suppress(AttributeError):
        delattr(where, name)
from streamgauge.fakes import *
import streamgauge.fakes.parity
"""
#: Uses a pair and a network, with all that needs no unix socket and no TLS.
USING = """
async def shout(reader, writer):
    async for line in reader:
        writer.write(line.upper())
    writer.close()

async def pair(**options):
    async with memory_stream_pair(**options) as (a, b):
        a.writer.writelines([b"one\\n", b"two\\n"])
        a.writer.write_eof()
        assert b"one\\ntwo\\n" == await b.reader.read()
        assert a.writer.get_extra_info("socket").proto in (0, socket.IPPROTO_TCP)
        for end in (a, b):
            end.writer.close()
            await end.writer.wait_closed()

async def network():
    async with MemoryNetwork(hosts={"db": "203.0.113.7"}) as net:
        server = await asyncio.start_server(shout, "db", 5432)
        reader, writer = await asyncio.open_connection("db", 5432)
        writer.write(b"hello\\n")
        assert b"HELLO\\n" == await reader.readline()
        assert "ESTABLISHED" in net.netstat()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

async def refused():
    loop = asyncio.get_running_loop()
    async with MemoryNetwork():
        for method in (loop.create_unix_connection, loop.create_unix_server):
            try:
                await method(asyncio.Protocol, "/tmp/s")
            except NotImplementedError as exc:
                assert "unix sockets are not available" in str(exc)
            else:
                raise AssertionError("a unix socket without AF_UNIX")
    try:
        async with unix_stream_pair():
            raise AssertionError("a unix pair without AF_UNIX")
    except NotImplementedError as exc:
        assert "unix sockets are not available" in str(exc)

for each in (pair(), pair(kind=UNIX), network(), refused()):
    loop.run_until_complete(each)
loop.close()
"""
#: What a pair over the kernel says of what was not read, by an ioctl.
REAL = """
async def real():
    async with tcp_stream_pair(ignore_leaks="all") as (a, b):
        a.writer.write(b"x")
        assert b"x" == await b.reader.read(1)

loop.run_until_complete(real())
loop.close()
"""


def run(*pieces, modules=()):
    """Run pieces of a program in a process of its own, with warnings as errors."""
    code = "".join(textwrap.dedent(piece) for piece in pieces)
    code = code.replace("{root!r}", repr(str(ROOT))).replace("{modules!r}", repr(modules))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_memory_needs_nothing_of_unix():
    """Pairs and a network work without fork, fcntl, unix sockets and the like, which says so."""
    run(HIDING, USING)


def test_a_real_pair_does_without_ioctl():
    """A pair over TCP works where nobody can tell what the kernel still has."""
    run(HIDING, REAL)


@pytest.mark.parametrize("modules", [("ssl", "_ssl")])
def test_memory_needs_no_tls(modules):
    """All but TLS works on a Python that was built without OpenSSL."""
    hidden = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
    run(hidden, HIDING, USING, modules=modules)


def test_tls_without_ssl_says_so():
    """A connection that asks for TLS where there is none is an ImportError, by its name."""
    hidden = "import sys; sys.modules.update(ssl=None, _ssl=None)\n"
    asking = """
    async def ask():
        async with MemoryNetwork():
            await asyncio.open_connection("127.0.0.1", 80, ssl=True)
    try:
        loop.run_until_complete(ask())
    except ImportError as exc:
        assert "ssl" in str(exc)
    else:
        raise AssertionError("TLS without ssl")
    loop.close()
    """
    run(hidden, HIDING, asking, modules=("ssl", "_ssl"))
