"""About streamgauge/fakes/connections.py: what is open, and how it is shown."""

from __future__ import annotations

import asyncio

from streamgauge.fakes import MemoryNetwork


async def test_netstat_shows_states_and_bytes(shout):
    """Listeners, both ends of each connection, their states, and bytes both ways."""
    async with MemoryNetwork() as net:
        server = await asyncio.start_server(shout, "127.0.0.1", 80)
        reader, writer = await asyncio.open_connection("127.0.0.1", 80)
        writer.write(b"hello\n")
        await reader.readline()
        own = "{}:{}".format(*writer.get_extra_info("sockname"))
        rows = [line.split() for line in net.netstat().splitlines()]
        assert ["tcp", "0", "0", "127.0.0.1:80", "*", "LISTEN"] == rows[1]
        assert ["tcp", "0", "0", own, "127.0.0.1:80", "ESTABLISHED", "6", "6"] == rows[2]
        assert ["tcp", "0", "0", "127.0.0.1:80", own, "ESTABLISHED", "6", "6"] == rows[3]
        assert "6 bytes, last b'HELLO\\n'" in net.report()
        writer.close()
        server.close()
