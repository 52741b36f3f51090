"""A real mail server on our streams: aiosmtpd, with the standard library's smtplib as client."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import sys
from functools import partial
from types import ModuleType
from typing import Any, Awaitable, Callable, Iterator, List

import pytest
import trustme

import streamgauge.streams
from streamgauge.streams import installed

Talk = Callable[[smtplib.SMTP], None]


def _forget_aiosmtpd() -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "aiosmtpd"]:
        del sys.modules[name]


@pytest.fixture
def smtp() -> Iterator[ModuleType]:
    """The module of aiosmtpd, imported after our streams were put in asyncio's place."""
    _forget_aiosmtpd()  # its protocol's base class is chosen when it is imported
    with installed():
        import aiosmtpd.smtp  # noqa: PLC0415 - only now

        yield aiosmtpd.smtp
    _forget_aiosmtpd()


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority of the test's own."""
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """The server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


class Mailbox:
    """Keeps every message that is delivered."""

    def __init__(self) -> None:
        self.bodies: List[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one message."""
        self.bodies.append(envelope.content)
        return "250 kept"


@pytest.fixture
def serve(smtp: ModuleType) -> Callable[..., Awaitable[None]]:
    """Run a server, and a conversation with it in a thread, to their ends."""
    return partial(_talked, smtp)


async def _talked(smtp: ModuleType, mailbox: Mailbox, talk: Talk, **arguments: Any) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: smtp.SMTP(mailbox, hostname="gauge", loop=loop, **arguments), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]

    def converse() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            talk(client)

    await loop.run_in_executor(None, converse)
    server.close()
    await server.wait_closed()


def test_its_protocol_is_ours(smtp: ModuleType) -> None:
    """The server protocol of aiosmtpd derives from our StreamReaderProtocol."""
    assert issubclass(smtp.SMTP, streamgauge.streams.StreamReaderProtocol)


async def test_a_large_message_arrives(serve: Callable[..., Awaitable[None]]) -> None:
    """A message of many lines and more bytes than the limit is received as it was sent."""
    mailbox = Mailbox()
    body = b"".join(b"line %d\r\n" % n for n in range(20_000))
    await serve(mailbox, lambda client: client.sendmail("a@x", ["b@x"], body) and None)
    assert [body] == mailbox.bodies


async def test_starttls_and_a_message(
    serve: Callable[..., Awaitable[None]], authority: trustme.CA, server_context: ssl.SSLContext
) -> None:
    """After STARTTLS, certificate verified, the same connection takes a message."""
    mailbox = Mailbox()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusting)

    def talk(client: smtplib.SMTP) -> None:
        client._host = "localhost"  # type: ignore[attr-defined]  # the name on the certificate
        client.starttls(context=trusting)
        client.sendmail("a@x", ["b@x"], b"secret\r\n")

    await serve(mailbox, talk, tls_context=server_context, require_starttls=True)
    assert [b"secret\r\n"] == mailbox.bodies


async def test_an_over_long_line_is_refused(serve: Callable[..., Awaitable[None]]) -> None:
    """A command line over SMTP's limit is answered with an error, and the server lives on."""
    mailbox = Mailbox()
    codes: List[int] = []

    def talk(client: smtplib.SMTP) -> None:
        codes.append(client.docmd("EHLO", "x" * 2_000)[0])
        client.sendmail("a@x", ["b@x"], b"still here\r\n")

    await serve(mailbox, talk)
    assert ([500], [b"still here\r\n"]) == (codes, mailbox.bodies)


def _send_early(client: smtplib.SMTP) -> None:
    client.sendmail("a@x", ["b@x"], b"early\r\n")


async def test_it_may_be_imported_before() -> None:
    """Its protocol is asyncio's then, its readers and writers are ours, and mail arrives."""
    import aiosmtpd.smtp  # noqa: PLC0415 - before our streams are put in asyncio's place

    mailbox = Mailbox()
    with installed():
        await _talked(aiosmtpd.smtp, mailbox, _send_early)
    assert [b"early\r\n"] == mailbox.bodies
