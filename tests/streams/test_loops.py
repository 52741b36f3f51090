"""About streamgauge/streams/loops.py: parameters that the page has and a loop may not know."""

from __future__ import annotations

import asyncio
import socket
import ssl
from unittest import mock

import pytest

from streamgauge import streams
from streamgauge.streams import loops


async def served(**options):
    """Give a server, its address, and a list of the writers of its clients."""
    writers = []
    server = await streams.start_server(
        lambda reader, writer: writers.append(writer), "127.0.0.1", 0, **options
    )
    return server, server.sockets[0].getsockname(), writers


@pytest.mark.parametrize("wanted", [True, False, None])
async def test_keep_alive_works_on_every_loop(wanted):
    """A client's connection has SO_KEEPALIVE as asked for, whatever the loop knows."""
    server, (host, port), writers = await served(keep_alive=wanted)
    _, writer = await streams.open_connection(host, port)
    while not writers:
        await asyncio.sleep(0)
    option = writers[0].get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert bool(wanted) == bool(option)
    for each in (writer, *writers):
        each.close()
    server.close()


async def test_keep_alive_leaves_start_serving_alone():
    """A server that is not to serve yet does not."""
    server, _, _ = await served(keep_alive=True, start_serving=False)
    assert not server.is_serving()
    await server.start_serving()
    assert server.is_serving()
    server.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"happy_eyeballs_delay": 0.25}, (0.25, 1)),
        ({"happy_eyeballs_delay": 0.25, "interleave": 0}, (0.25, 0)),
        ({"interleave": 2}, (None, 2)),
        ({"interleave": None, "happy_eyeballs_delay": None}, (None, 0)),
    ],
)
async def test_a_loop_that_has_no_eyeballs_is_given_a_socket(options, expected):
    """The race has the documented defaults, the loop a socket, and TLS the host's name."""
    sock, given = mock.Mock(), []

    class Loop:
        async def create_connection(self, factory, *, sock=None, ssl=None, server_hostname=None):
            given.append((sock, ssl, server_hostname))
            return "transport", "protocol"

    race = mock.AsyncMock(return_value=sock)
    with mock.patch.object(loops, "connected_socket", race):
        made = await loops.create_connection(
            Loop(), None, "host", 1, ssl="context", family=7, **options
        )
    assert ("transport", "protocol") == made
    assert [(sock, "context", "host")] == given
    (_, host, port), keywords = race.await_args
    assert ("host", 1, 7) == (host, port, keywords["family"])
    assert expected == (keywords["delay_s"], keywords["interleave"])


async def test_a_socket_is_closed_if_the_loop_refuses():
    """What the race opened is not left behind when no connection comes of it."""

    class Loop:
        async def create_connection(self, factory, *, sock=None, ssl=None, server_hostname=None):
            raise ValueError("server_hostname is only meaningful with ssl")

    sock = mock.Mock()
    race = mock.AsyncMock(return_value=sock)
    with mock.patch.object(loops, "connected_socket", race), pytest.raises(ValueError, match="ssl"):
        await loops.create_connection(
            Loop(), None, "host", 1, server_hostname="x", happy_eyeballs_delay=1
        )
    sock.close.assert_called_once_with()


async def test_a_loop_that_knows_is_left_to_it():
    """A keyword that the loop's method has, or hides, is passed on as it is."""
    server = mock.Mock(start_serving=mock.AsyncMock())

    class Knows:
        async def create_connection(self, factory, host, port, **kwds):
            return kwds

        create_server = mock.AsyncMock(return_value=server)

    asked = {"happy_eyeballs_delay": 0.25, "interleave": 1}
    assert asked == await loops.create_connection(Knows(), None, "host", 1, **asked)
    assert server is await loops.create_server(Knows(), None, "host", 1, keep_alive=True)
    asked = {"keep_alive": True, "start_serving": False}  # it is told to serve once we have it
    Knows.create_server.assert_awaited_once_with(None, "host", 1, **asked)
    server.start_serving.assert_awaited_once_with()


class Bare:
    """The running loop, without what later editions have."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name):
        return getattr(self._loop, name)

    async def create_connection(self, factory, *, sock=None, ssl=None, server_hostname=None):
        """Know what every loop knows."""
        return await self._loop.create_connection(
            factory, sock=sock, ssl=ssl, server_hostname=server_hostname
        )


async def test_tls_checks_the_hosts_name_after_a_race(kit, contexts):
    """The certificate has to bear the name of the host that was raced for."""
    for_server, for_client = contexts  # the certificate is localhost's
    async with kit.server(lambda reader, writer: writer.close(), ssl=for_server) as (host, port):

        async def connect(name):
            return await loops.create_connection(
                Bare(), asyncio.Protocol, name, port, ssl=for_client, interleave=1
            )

        transport, _ = await connect("localhost")
        transport.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(host)
