"""About the fakes as a whole in many threads, each with a loop and a network of its own."""

from __future__ import annotations

import subprocess
import sys

#: Sixteen threads that begin at once, so that even the first look at a fact is a race.
PROGRAM = """
import asyncio, sys, threading
from streamgauge.fakes import MemoryNetwork, memory_stream_pair

THREADS, ROUNDS, CLIENTS = 16, {rounds}, 4
gate, problems, names = threading.Barrier(THREADS), [], []

async def echo(reader, writer):
    writer.writelines([await reader.readexactly(2000), b"."])
    writer.close()

async def ask(number):
    reader, writer = await asyncio.open_connection("db", 5432)
    writer.write(bytes([number]) * 2000)
    assert bytes([number]) * 2000 + b"." == await reader.read()
    writer.close()
    await writer.wait_closed()

async def work(number):
    for _ in range(ROUNDS):
        async with MemoryNetwork(hosts={{"db": "10.0.0.%d" % number}}):
            server = await asyncio.start_server(echo, "db", 5432)
            await asyncio.gather(*(ask(number) for _ in range(CLIENTS)))
            server.close()
            await server.wait_closed()
        async with memory_stream_pair() as (a, b):
            names.append(a.writer.get_extra_info("sockname"))
            a.writer.write(b"x" * number)
            a.writer.close()
            assert b"x" * number == await b.reader.read()
            b.writer.close()

def run(number):
    gate.wait()
    try:
        asyncio.run(work(number))
    except BaseException as exc:
        problems.append((number, repr(exc)))

threads = [threading.Thread(target=run, args=(n,)) for n in range(1, THREADS + 1)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not problems, problems
assert len(names) == len(set(names)) == THREADS * ROUNDS, "two pairs had the same name"
"""


def test_sixteen_threads_with_a_loop_and_a_network_each():
    """Nobody meets another's bytes, names or errors, with a GIL and without."""
    code = PROGRAM.format(rounds=10)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert (0, "") == (done.returncode, done.stderr)
