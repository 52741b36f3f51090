"""redis-py's asyncio client, as it is installed, against a server of asyncio's streams in memory.

The server speaks RESP, in version 2 and, if it is asked to by HELLO, in version 3.
"""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork

redis = pytest.importorskip("redis.asyncio", reason="redis is not installed")
backoff = pytest.importorskip("redis.backoff", reason="redis is not installed")
retries = pytest.importorskip("redis.asyncio.retry", reason="redis is not installed")

HOSTS = {"cache.example": "10.0.0.7"}


def encoded(value, version):
    """Write a value as RESP does."""
    if value is None:
        return b"_\r\n" if version == 3 else b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%s\r\n" % (len(value), value)
    if isinstance(value, dict):
        mark, n = (b"%", len(value)) if version == 3 else (b"*", 2 * len(value))
        items = [item for pair in value.items() for item in pair]
    else:
        mark, n = (b">", len(value)) if version == 3 else (b"*", len(value))
        items = [*value]
    return b"%s%d\r\n" % (mark, n) + b"".join(encoded(item, version) for item in items)


async def commands(reader):
    """Read commands, each an array of bulk strings, until the client leaves."""
    while True:
        head = await reader.readline()
        if not head:
            return
        assert head[:1] == b"*", f"got {head!r}, expected an array"
        words = []
        for _ in range(int(head[1:])):
            size = await reader.readline()
            assert size[:1] == b"$", f"got {size!r}, expected a bulk string"
            words.append((await reader.readexactly(int(size[1:]) + 2))[:-2])
        yield words


class Cache:
    """Keeps values, and tells subscribers what is published."""

    def __init__(self):
        self.values = {}
        self.listening = {}

    async def serve(self, reader, writer):
        """Answer each command of one connection, in order."""
        writer.version = 2
        async for name, *words in commands(reader):
            method = getattr(self, f"do_{name.decode().lower()}", None)
            if method is None:
                writer.write(b"-ERR unknown command '%s'\r\n" % name)
            else:
                writer.write(method(writer, *words))
            await writer.drain()
        for channel in self.listening.values():
            channel.discard(writer)
        writer.close()

    def do_hello(self, writer, version=b"2", *rest):
        """Agree on a version."""
        writer.version = int(version)
        return encoded({b"server": b"cache", b"proto": writer.version}, writer.version)

    def do_client(self, writer, *words):
        """Take note of what the client says of itself."""
        return b"+OK\r\n"

    def do_set(self, writer, key, value):
        """Keep a value."""
        self.values[key] = value
        return b"+OK\r\n"

    def do_get(self, writer, key):
        """Give a value."""
        return encoded(self.values.get(key), writer.version)

    def do_incrby(self, writer, key, amount):
        """Add to a number."""
        self.values[key] = b"%d" % (int(self.values.get(key, 0)) + int(amount))
        return encoded(int(self.values[key]), writer.version)

    def do_subscribe(self, writer, name):
        """Tell this connection what is published from now on."""
        self.listening.setdefault(name, set()).add(writer)
        return encoded((b"subscribe", name, 1), writer.version)

    def do_unsubscribe(self, writer, name):
        """Stop telling it."""
        self.listening[name].discard(writer)
        return encoded((b"unsubscribe", name, 0), writer.version)

    def do_publish(self, writer, name, data):
        """Tell all subscribers."""
        listening = self.listening.get(name, ())
        for other in listening:
            other.write(encoded((b"message", name, data), other.version))
        return encoded(len(listening), writer.version)


async def start():
    """Start a server in the network; what is given has to be closed."""
    return await asyncio.start_server(Cache().serve, "cache.example", 6379)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_values_and_pipelines(chunks, protocol):
    """Values and pipelined commands come back as they went, however the bytes are cut."""
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks):
        server = await start()
        client = redis.Redis(host="cache.example", protocol=protocol)
        big = bytes(range(256)) * 8
        await client.set("big", big)
        assert (big, None) == (await client.get("big"), await client.get("nothing"))
        async with client.pipeline(transaction=False) as pipeline:
            for _ in range(20):
                pipeline.incr("count")
            assert [*range(1, 21)] == await pipeline.execute()
        await client.aclose()
        server.close()


@pytest.mark.parametrize("protocol", [2, 3])
async def test_publish_and_subscribe(protocol):
    """A waiting subscriber is woken by what another connection publishes."""
    async with MemoryNetwork(hosts=HOSTS) as net:
        server = await start()
        client = redis.Redis(host="cache.example", protocol=protocol)
        async with client.pubsub() as channel:
            await channel.subscribe("news")
            assert "subscribe" == (await channel.get_message(timeout=None))["type"]
            waiting = asyncio.ensure_future(channel.get_message(timeout=None))
            assert 1 == await client.publish("news", b"hello")
            assert b"hello" == (await waiting)["data"]
            assert 2 == len(net.connections)
        await client.aclose()
        server.close()


async def test_an_unknown_command_and_nobody_there():
    """An error of the server's and a refused connection are the errors that redis-py has."""
    async with MemoryNetwork(hosts=HOSTS):
        server = await start()
        client = redis.Redis(host="cache.example")
        with pytest.raises(redis.ResponseError, match="unknown command"):
            await client.execute_command("BREW")
        await client.aclose()
        server.close()
        at_once = retries.Retry(backoff.NoBackoff(), 0)
        nobody = redis.Redis(host="cache.example", port=6380, retry=at_once)
        with pytest.raises(redis.ConnectionError):
            await nobody.get("x")
        await nobody.aclose()
