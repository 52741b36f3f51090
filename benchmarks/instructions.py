"""Counts instructions where time tells little: what the loop and the kernel do most of.

python -m benchmarks.instructions                  # our streams beside asyncio's, as a table
python -m benchmarks.instructions --loop uvloop    # on another loop that the suite knows by name

It takes valgrind, and counts in user space: what the kernel does is not in it, nor is the other
end, which is in another process. A count hardly moves from run to run, whatever else the machine
does; what an instruction costs is another matter, and the subject of `streamgauge bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Iterator, List, Tuple

import streamgauge.streams
from streamgauge.conformance.loops import resolve_loop

MESSAGE = bytes(63) + b"\n"
LINES = 32  # of a writelines
WARMING = 10  # operations that are not counted: caches fill, methods are looked up
BATCH = 20  # connections at once
MARK = "getsid"  # a call of the C library that nobody else makes; the counts are split there
SUBJECTS = {"stdlib": asyncio, "streams": streamgauge.streams}

Address = Tuple[str, int]
Operation = Callable[[], Awaitable[Any]]


@contextlib.asynccontextmanager
async def connected(subject: Any, address: Address) -> AsyncIterator[Tuple[Any, Any]]:
    """Be connected."""
    reader, writer = await subject.open_connection(*address)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):  # where not all was read that came back
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def echoes(subject: Any, address: Address) -> AsyncIterator[Operation]:
    """Send a message and read it back."""
    async with connected(subject, address) as (reader, writer):

        async def once() -> None:
            writer.write(MESSAGE)
            await reader.readexactly(len(MESSAGE))

        yield once


@contextlib.asynccontextmanager
async def connections(subject: Any, address: Address) -> AsyncIterator[Operation]:
    """Connect and close."""

    async def once() -> None:
        _reader, writer = await subject.open_connection(*address)
        writer.close()
        await writer.wait_closed()

    yield once


@contextlib.asynccontextmanager
async def several_connections(subject: Any, address: Address) -> AsyncIterator[Operation]:
    """Connect many at once, with a line each, there and back."""

    async def one() -> None:
        reader, writer = await subject.open_connection(*address)
        writer.write(MESSAGE)
        await reader.readline()
        writer.close()
        await writer.wait_closed()

    async def once() -> None:
        await asyncio.gather(*(one() for _ in range(BATCH)))

    yield once


@contextlib.asynccontextmanager
async def small_writes(subject: Any, address: Address) -> AsyncIterator[Operation]:
    """Write a message and drain."""
    async with connected(subject, address) as (_reader, writer):

        async def once() -> None:
            writer.write(MESSAGE)
            await writer.drain()

        yield once


@contextlib.asynccontextmanager
async def lists_of_lines(subject: Any, address: Address) -> AsyncIterator[Operation]:
    """Write many messages at once and drain."""
    async with connected(subject, address) as (_reader, writer):

        async def once() -> None:
            writer.writelines([MESSAGE] * LINES)
            await writer.drain()

        yield once


WORKLOADS = {  # with how many operations are counted of each
    echoes: 300,
    connections: 100,
    several_connections: 10,
    small_writes: 300,
    lists_of_lines: 100,
}


class Echo(socketserver.BaseRequestHandler):
    """Sends everything back."""

    def handle(self) -> None:
        """Serve one connection; what is sent back need not be read."""
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(2**16):
                self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    """Listens on a port of the kernel's choice."""

    daemon_threads = True
    request_queue_size = 2 * BATCH


def play(loop_name: str, address: Address, share: float = 1.0) -> None:
    """Do all the work, with a mark before and behind each part; this is what is counted."""
    gc.disable()
    for work, operations in WORKLOADS.items():
        for subject in SUBJECTS.values():
            loop = resolve_loop(loop_name)()
            asyncio.set_event_loop(loop)
            gc.collect()
            loop.run_until_complete(
                _marked(work, subject, address, max(1, int(operations * share)))
            )
            loop.close()


async def _marked(work: Any, subject: Any, address: Address, operations: int) -> None:
    async with work(subject, address) as once:
        for _ in range(WARMING):
            await once()
        os.getsid(0)
        for _ in range(operations):
            await once()
        os.getsid(0)


def counted(loop_name: str) -> Iterator[Tuple[str, Dict[str, float]]]:
    """Count; gives each work's name, and instructions of one operation by subject."""
    with Server(("127.0.0.1", 0), Echo) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        command = ["valgrind", "--tool=callgrind", f"--dump-before={MARK}"]
        command += [f"--callgrind-out-file={folder}/counts", sys.executable, "-m", __spec__.name]
        command += ["--loop", loop_name, "--play", f"{host!s}:{port}"]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
        server.shutdown()
        totals = _totals(Path(folder))
    for work, operations in WORKLOADS.items():
        yield (
            work.__name__.replace("_", " "),
            {name: totals.pop(0) / operations for name in SUBJECTS},
        )


def _totals(folder: Path) -> List[int]:
    """Read what was counted between each two marks; there are two around each part."""
    files = sorted(folder.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    between = [path.read_text(encoding="utf-8") for path in files[1::2]]
    found = [re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE) for text in between]
    return [int(match[1]) for match in found if match]


def main() -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loop", default="asyncio", help="a name that the suite knows")
    parser.add_argument("--play", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.play:
        host, _, port = options.play.rpartition(":")
        play(options.loop, (host, int(port)))
        return 0
    if not shutil.which("valgrind"):
        print("valgrind counts the instructions, and is not installed", file=sys.stderr)  # noqa: T201
        return 2
    print("| instructions of | stdlib | streams | of stdlib's |\n| --- | ---: | ---: | ---: |")  # noqa: T201
    for name, counts in counted(options.loop):
        share = counts["streams"] / counts["stdlib"]
        cells = (name, *(f"{counts[subject]:,.0f}" for subject in SUBJECTS), f"{share:.3f}")
        print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
