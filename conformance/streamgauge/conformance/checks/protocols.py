"""Checks of the protocol between a transport and a pair of streams, which programs subclass.

No page has it. Libraries of servers and of proxies put their own ahead of it all the same.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Callable, ClassVar, List, Tuple

from streamgauge.conformance.checks.reader_large import MESSAGE, PART, READING, SIZE
from streamgauge.conformance.registry import FEED, check
from streamgauge.conformance.trial import Trial

ONCE = {"*": "nothing is delivered"}
TURNS = 1_000  # of drain


async def _joined(t: Trial, make: Callable[[Any], Any]) -> Tuple[Any, Any, socket.socket]:
    """Join a reader to a socket by a protocol that is made for it; gives it, reader and peer."""
    own, peer = socket.socketpair()
    t.bench.on_exit(peer.close)
    reader = t.subject.StreamReader()
    transport, protocol = await asyncio.get_running_loop().create_connection(
        lambda: make(reader), sock=own
    )
    loop = asyncio.get_running_loop()
    writer = t.subject.StreamWriter(transport, protocol, reader, loop)
    t.writers.append(writer)
    return protocol, reader, peer


@check("protocol.subclass.sees-all-data", links=FEED, spares=ONCE)
async def a_hook_on_what_is_received_sees_all_of_it(t: Trial) -> None:
    class Seeing(t.subject.StreamReaderProtocol):  # type: ignore[misc, name-defined]  # the subject's
        def data_received(self, data: bytes) -> None:
            seen.extend(data)
            super().data_received(data)

    seen = bytearray()
    _protocol, reader, peer = await _joined(t, Seeing)
    await t.bench.run(peer.sendall, MESSAGE[:PART])
    t.equal(await reader.readexactly(PART), MESSAGE[:PART])
    reading = t.start(reader.readexactly(SIZE))
    await t.still_waits(reading, READING)
    await t.bench.run(peer.sendall, MESSAGE)
    t.equal(await reading, MESSAGE)
    t.equal(bytes(seen), MESSAGE[:PART] + MESSAGE, "what the hook saw")


@check("protocol.subclass.abort-noticed", links=FEED, spares=ONCE)
async def drain_learns_of_an_abort_by_a_subclass(t: Trial) -> None:
    class Aborting(t.subject.StreamReaderProtocol):  # type: ignore[misc, name-defined]  # the subject's
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.mine = transport

    protocol, _reader, peer = await _joined(t, Aborting)
    writer = t.writers[-1]
    writer.write(b"hello")
    for _ in range(2):
        await writer.drain()
    protocol.mine.abort()
    with t.raises(ConnectionError):
        for _ in range(TURNS):
            await writer.drain()
    t.equal(peer.recv(10), b"hello")


@check("protocol.subclass.keywords-passed-on", links=FEED, spares=ONCE)
async def a_subclass_may_take_keywords(t: Trial) -> None:
    class Named:
        named: ClassVar[List[str]] = []

        def __init_subclass__(cls, name: str, **kwds: Any) -> None:
            super().__init_subclass__(**kwds)
            Named.named.append(name)

    class Mine(t.subject.StreamReaderProtocol, Named, name="mine"):  # type: ignore[misc, name-defined]  # the subject's
        pass

    t.equal(Named.named, ["mine"], "what the other base was told")


@check("protocol.built.before-its-loop", links=FEED, spares=ONCE)
async def a_protocol_made_where_no_loop_runs_serves_one(t: Trial) -> None:
    arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def handle(reader: Any, writer: Any) -> None:
        t.writers.append(writer)
        writer.write(b"<" + await reader.readexactly(4) + b">")
        await writer.drain()
        arrived.put_nowait(writer)

    def make() -> Any:
        return t.subject.StreamReaderProtocol(t.subject.StreamReader(), handle)

    protocol = await t.bench.run(make)  # in a thread
    own, peer = socket.socketpair()
    t.bench.on_exit(peer.close)
    await asyncio.get_running_loop().create_connection(lambda: protocol, sock=own)
    peer.sendall(b"ping")
    writer = await arrived.get()
    t.equal(await t.bench.run(peer.recv, 10), b"<ping>")
    closing = t.start(writer.wait_closed())
    await t.still_waits(closing, "wait_closed() of an open connection")
    writer.close()
    await t.is_done(closing, "wait_closed()")
