"""About the streams where a platform lacks Unix's modules and sockets, and in many threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import streamgauge.streams

ROOT = Path(streamgauge.streams.__file__).parents[2]

#: Makes a loop, then hides what not every platform has, as if it had never been there.
HIDING = f"""
import asyncio, contextlib, os, signal, socket, sys
sys.path[:0] = [{str(ROOT)!r}]
loop = asyncio.SelectorEventLoop()
for name in ("fcntl", "termios", "resource"):
    sys.modules[name] = None
for where, name in (
    (os, "fork"), (os, "set_blocking"), (socket, "AF_UNIX"), (socket, "SO_REUSEPORT"),
    (signal, "SIGALRM"), (signal, "setitimer"), (signal, "SIGUSR1"),
):
    with contextlib.suppress(AttributeError):
        delattr(where, name)
from streamgauge.streams import *
"""
#: An echo over TCP, with each way of reading, and a reader that is fed by hand.
USING = """
async def echo(reader, writer):
    writer.writelines([await reader.readline(), await reader.readexactly(3)])
    writer.write(await reader.readuntil(b";"))
    await writer.drain()
    writer.close()

async def work():
    async with await start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\\nabcdef;")
        assert await reader.read() == b"line\\nabcdef;"
        writer.close()
        await writer.wait_closed()
    fed = StreamReader()
    fed.feed_data(b"x" * 10)
    fed.feed_eof()
    assert await fed.readexactly(10) == b"x" * 10 and fed.at_eof()

loop.run_until_complete(work())
loop.close()
"""
THREADS = """
import asyncio, sys, threading
from streamgauge.streams import open_connection, start_server

gate, problems = threading.Barrier(16), []

async def echo(reader, writer):
    async for line in reader:
        writer.write(line)
    writer.close()

async def ask(port, number):
    reader, writer = await open_connection("127.0.0.1", port)
    line = bytes([65 + number]) * 2000 + b"\\n"
    for _ in range(20):
        writer.write(line)
        assert await reader.readline() == line
    writer.close()
    await writer.wait_closed()

async def work(number):
    async with await start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(ask(port, number) for _ in range(4)))

def run(number):
    gate.wait()
    try:
        asyncio.run(work(number))
    except BaseException as error:
        problems.append((number, repr(error)))

threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not problems, problems
"""


def outcome(code: str) -> tuple[int, str]:
    """Run a program with warnings as errors; returns its exit code and what it complained of."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_they_work_where_unixs_modules_are_missing() -> None:
    """Importing and using them needs no fork, no unix socket, no fcntl, no signal of Unix's."""
    assert (0, "") == outcome(HIDING + USING)


def test_sixteen_threads_with_a_loop_each() -> None:
    """Nobody reads another's bytes and nothing is raised, with a GIL and without."""
    assert (0, "") == outcome(THREADS)
