"""About streamgauge/streams/transports.py: what transports do differently, levelled."""

from __future__ import annotations

import asyncio
import socket
import sys
from unittest import mock

import pytest

from streamgauge.streams import transports


@pytest.mark.parametrize("closing", [True, False])
def test_closing_is_what_the_transport_says(transport, closing):
    """A transport's own answer counts."""
    transport.closing = closing
    assert transports.is_closing(transport) is closing


def test_a_transport_that_breaks_when_asked_is_gone():
    """Asyncio's TLS transport up to 3.10 raises AttributeError once the connection is lost."""
    broken = mock.Mock()
    broken.is_closing.side_effect = AttributeError("'NoneType' object has no attribute ...")
    assert transports.is_closing(broken) is True


def test_stand_ins_are_not_closing():
    """An object without the method, or a mock that answers with a mock, is taken for open."""
    assert transports.is_closing(object()) is False
    assert transports.is_closing(mock.Mock()) is False


async def test_which_transports_deliver_once_a_turn(kit, transport):
    """Asyncio's socket transports do; uvloop's may go on, and of others nothing is known."""
    ours, theirs = socket.socketpair()
    real, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    assert transports.delivers_once_a_turn(real) is not kit.on_uvloop()
    assert transports.delivers_once_a_turn(transport) is False
    real.abort()
    theirs.close()


async def test_a_pause_in_connection_made_holds(kit):
    """Data that is there already is not delivered to a protocol that paused at once."""
    if kit.on_uvloop():
        pytest.skip("uvloop's transports ignore a pause in connection_made: the protocol waits")

    class Pausing(asyncio.Protocol):
        def __init__(self):
            self.data = b""

        def connection_made(self, transport):
            self.transport = transport
            transport.pause_reading()
            transports.keep_paused(asyncio.get_running_loop(), transport)

        def data_received(self, data):
            self.data += data

    ours, theirs = socket.socketpair()
    theirs.sendall(b"early")
    _, protocol = await asyncio.get_running_loop().create_connection(Pausing, sock=ours)
    await kit.turns(10)
    assert protocol.data == b""
    protocol.transport.resume_reading()
    await kit.until(lambda: protocol.data)
    assert protocol.data == b"early"
    protocol.transport.abort()
    theirs.close()
    await kit.turns()


async def test_a_pause_taken_back_is_not_put_again(transport, kit):
    """A protocol that resumes before the next turn keeps reading."""
    reading = [False]
    transport.is_reading = lambda: reading[0]
    transports.keep_paused(asyncio.get_running_loop(), transport)
    reading[0] = True
    await kit.turns()
    assert transport.log == []


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="asyncio bounds TLS shutdown since 3.11")
async def test_only_closing_tls_transports_of_asyncio_are_unbounded(transport):
    """Neither a plain transport nor an open one is."""
    transport.closing = True
    assert transports.closes_unbounded(transport) is False


class Layer(asyncio.Protocol):
    """A stand-in for the TLS layer that takes bytes."""

    # ruff: noqa: D102  # what its methods do is the protocol interface's to say

    def __init__(self):
        self.got = []

    def data_received(self, data):
        self.got.append(data)


class BufferedLayer(asyncio.BufferedProtocol):
    """A stand-in for the TLS layer that offers a small buffer."""

    def __init__(self):
        self.got = []
        self.room = bytearray(4)

    def get_buffer(self, hint):
        return memoryview(self.room)

    def buffer_updated(self, n):
        self.got.append(bytes(self.room[:n]))


@pytest.mark.parametrize(
    ("layer", "expected"), [(Layer, [b"abcdef"]), (BufferedLayer, [b"abcd", b"ef"])]
)
async def test_received_bytes_reach_either_kind_of_layer(transport, layer, expected):
    """All bytes are handed over in order, through whichever interface the layer has."""
    tls = layer()
    transport.get_protocol = lambda: tls
    handshake = asyncio.get_running_loop().create_future()
    transports._hand_over(handshake, transport, object(), lambda: b"abcdef")
    assert tls.got == expected


async def test_nothing_is_taken_when_there_is_no_layer(transport):
    """If the handshake never began, or is over, the bytes stay with the reader."""
    protocol = Layer()
    handshake = asyncio.get_running_loop().create_future()
    received = mock.Mock()
    transport.get_protocol = lambda: protocol
    transports._hand_over(handshake, transport, protocol, received)
    handshake.set_result(None)
    transports._hand_over(handshake, transport, object(), received)
    received.assert_not_called()
