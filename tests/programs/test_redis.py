"""A real client on our streams: redis-py's asyncio client against a real redis-server."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import AsyncIterator, Iterator

import pytest
import redis.asyncio

import streamgauge.streams
from streamgauge.streams import installed

SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(SERVER is None, reason="no redis-server on this machine")


@pytest.fixture(scope="module")
def socket_path() -> Iterator[str]:
    """The unix socket of a redis-server that is ready."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "redis")
        command = [str(SERVER), "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert any("eady to accept" in line for line in server.stdout), "it ended at once"
            yield path
            server.terminate()
            server.stdout.read()


@pytest.fixture
async def client(socket_path: str) -> AsyncIterator[redis.asyncio.Redis]:
    """redis-py's client, connected by our streams."""
    with installed():
        connected = redis.asyncio.Redis(unix_socket_path=socket_path)
        yield connected
        await connected.aclose()


async def test_its_reader_is_ours(client: redis.asyncio.Redis) -> None:
    """The connection that the client holds reads from our StreamReader."""
    connection = await client.connection_pool.get_connection()
    try:
        assert isinstance(connection._reader, streamgauge.streams.StreamReader)
    finally:
        await client.connection_pool.release(connection)


async def test_large_values_and_pipelines(client: redis.asyncio.Redis) -> None:
    """Values far over the limit and a thousand pipelined commands come back as they went."""
    big = bytes(range(256)) * 4_096
    await client.set("big", big)
    async with client.pipeline(transaction=False) as pipeline:
        for n in range(1_000):
            pipeline.set(f"key{n}", n)
        await pipeline.execute()
    assert (big, b"999") == (await client.get("big"), await client.get("key999"))


async def test_publish_and_subscribe(client: redis.asyncio.Redis) -> None:
    """A waiting subscriber is woken by what another connection publishes."""
    async with client.pubsub() as channel:
        await channel.subscribe("news")
        assert "subscribe" == (await channel.get_message(timeout=None))["type"]
        waiting = asyncio.ensure_future(channel.get_message(timeout=None))
        await client.publish("news", b"hello")
        assert b"hello" == (await waiting)["data"]
