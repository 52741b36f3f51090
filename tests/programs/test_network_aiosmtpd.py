"""aiosmtpd, as it is installed, on a network in memory; a client of asyncio's streams mails it."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork

smtp = pytest.importorskip("aiosmtpd.smtp", reason="aiosmtpd is not installed")

HOSTS = {"mail.example": "10.0.0.7"}


class Mailbox:
    """Keeps every message that is delivered."""

    def __init__(self):
        self.bodies = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        """Take one message."""
        self.bodies.append(envelope.content)
        return "250 kept"


async def start(mailbox):
    """Start the server in the network."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: smtp.SMTP(mailbox, hostname="mail.example", loop=loop), "mail.example", 25
    )


async def converse(*lines):
    """Say lines to the server, each after the answer to the one before; gives the codes."""
    reader, writer = await asyncio.open_connection("mail.example", 25)
    codes = []
    for line in (None, *lines):
        if line is not None:
            writer.write(line + b"\r\n")
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
        codes.append(int(answer[:3]))
    assert b"" == await reader.read()
    writer.close()
    return codes


@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE, Chunks.RANDOM(1)], ids=repr)
async def test_a_message_is_delivered(chunks):
    """A message arrives as it was sent, however the bytes are cut."""
    mailbox = Mailbox()
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks):
        server = await start(mailbox)
        codes = await converse(
            b"EHLO me",
            b"MAIL FROM:<a@x>",
            b"RCPT TO:<b@x>",
            b"DATA",
            b"Hello\r\n\r\n..\r\n.",
            b"QUIT",
        )
        server.close()
    assert ([220, 250, 250, 250, 354, 250, 221], [b"Hello\r\n\r\n.\r\n"]) == (
        codes,
        mailbox.bodies,
    )


async def test_an_over_long_line_is_refused():
    """A command line over SMTP's limit is answered with an error, and the server lives on."""
    async with MemoryNetwork(hosts=HOSTS):
        server = await start(Mailbox())
        assert [220, 500, 221] == await converse(b"EHLO " + b"x" * 2_000, b"QUIT")
        server.close()
