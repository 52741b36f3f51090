"""aiosmtpd, as it is installed, on a network in memory; a client of asyncio's streams mails it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from streamgauge.fakes import Chunks, MemoryNetwork
from streamgauge.fakes.certificates import tls_contexts

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


async def start(mailbox, **options):
    """Start the server in the network."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: smtp.SMTP(mailbox, hostname="mail.example", loop=loop, **options),
        "mail.example",
        25,
    )


async def say(reader, writer, *lines):
    """Say lines to the server, each after the answer to the one before; gives the codes."""
    codes = []
    for line in lines:
        if line is not None:
            writer.write(line + b"\r\n")
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
        codes.append(int(answer[:3]))
    return codes


async def converse(*lines):
    """Connect, and say lines to the server until it leaves; gives the codes."""
    reader, writer = await asyncio.open_connection("mail.example", 25)
    codes = await say(reader, writer, None, *lines)
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


@pytest.mark.skipif(sys.version_info < (3, 11), reason="StreamWriter.start_tls came with 3.11")
@pytest.mark.parametrize("chunks", [Chunks.WHOLE, Chunks.ONE_BYTE], ids=repr)
async def test_starttls_and_a_message(chunks):
    """After STARTTLS, certificate verified, the same connection takes a message."""
    mailbox = Mailbox()
    server_context, client_context = tls_contexts("mail.example")
    async with MemoryNetwork(hosts=HOSTS, chunks=chunks):
        server = await start(mailbox, tls_context=server_context, require_starttls=True)
        reader, writer = await asyncio.open_connection("mail.example", 25)
        assert [220, 250, 530, 220] == await say(
            reader, writer, None, b"EHLO me", b"MAIL FROM:<a@x>", b"STARTTLS"
        )
        await writer.start_tls(client_context, server_hostname="mail.example")
        assert [250, 250, 250, 354, 250, 221] == await say(
            reader,
            writer,
            *(b"EHLO me", b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>"),
            *(b"DATA", b"secret\r\n.", b"QUIT"),
        )
        writer.close()
        server.close()
    assert [b"secret\r\n"] == mailbox.bodies
