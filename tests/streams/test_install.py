"""About streamgauge/streams/install.py: ours in asyncio's place, and programs that run on it."""

from __future__ import annotations

import asyncio
import asyncio.streams
import importlib
import smtplib
import socket
import sys

import pytest

from streamgauge import streams

NAMES = [
    "open_connection",
    "start_server",
    "open_unix_connection",
    "start_unix_server",
    "StreamReader",
    "StreamWriter",
    "StreamReaderProtocol",
]


LINES = (b"y" * 500 + b"\r\n") * 1000  # much more than a reader's limit


def standing():
    """Return what stands under the public names, on both modules."""
    return [getattr(module, name) for module in (asyncio, asyncio.streams) for name in NAMES]


ORIGINALS = standing()
OURS = [getattr(streams, name) for name in NAMES] * 2


def test_in_and_out():
    """Inside the block the names are ours on both modules, afterwards exactly asyncio's."""
    with streams.installed():
        assert standing() == OURS
        assert asyncio.IncompleteReadError is streams.IncompleteReadError
    assert standing() == ORIGINALS


def test_an_exception_takes_them_back():
    """Leaving the block by an exception restores as well."""
    with pytest.raises(KeyError), streams.installed():
        raise KeyError
    assert standing() == ORIGINALS


def test_installs_are_counted():
    """The last uninstall restores, and one too many is an error."""
    streams.install()
    with streams.installed():
        streams.install()
        streams.uninstall()
    assert standing() == OURS
    streams.uninstall()
    assert standing() == ORIGINALS
    with pytest.raises(RuntimeError, match=r"without install\(\)"):
        streams.uninstall()


async def test_subprocesses_run_on_it(kit):
    """asyncio.subprocess takes its readers and writer from the installed names."""
    kit.listen()
    program = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data[::-1])"
    data = bytes(range(256)) * 4000
    with streams.installed():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdin=-1, stdout=-1, stderr=-1
        )
        assert type(process.stdin) is streams.StreamWriter
        assert type(process.stdout) is streams.StreamReader
        assert await process.communicate(data) == (data[::-1], b"")
        assert await process.wait() == 0
        await process.stdin.wait_closed()


@pytest.fixture
def aiosmtpd_controller(monkeypatch):
    """aiosmtpd, imported while ours are installed: it subclasses the protocol at import."""
    pytest.importorskip("aiosmtpd")
    before = {name for name in sys.modules if name.split(".")[0] == "aiosmtpd"}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    with streams.installed():
        yield importlib.import_module("aiosmtpd.controller").Controller
    for name in [name for name in sys.modules if name.split(".")[0] == "aiosmtpd"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize("starttls", [False, True])
@pytest.mark.filterwarnings("default")  # aiosmtpd's own, on new Pythons
def test_aiosmtpd(aiosmtpd_controller, contexts, starttls):
    """A mail server on our streams takes mail, and goes over to TLS and on."""
    server_context, client_context = contexts
    mails = []

    class Handler:
        async def handle_DATA(self, server, session, envelope):  # noqa: N802  # aiosmtpd's name
            mails.append(bytes(envelope.content))
            return "250 OK"

    tls = {"tls_context": server_context} if starttls else {}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = aiosmtpd_controller(Handler(), hostname="127.0.0.1", port=port, **tls)
    try:
        controller.start()
        with smtplib.SMTP("localhost", port, timeout=10) as client:
            if starttls:
                client.starttls(context=client_context)
            client.sendmail("a@example.org", ["b@example.org"], b"Subject: x\r\n\r\n" + LINES)
        assert len(mails) == 1
        assert mails[0].endswith(b"\r\n\r\n" + LINES)
    finally:
        controller.stop()


async def test_a_protocol_of_before_works_with_a_reader_of_after():
    """A class that was made of asyncio's before `install()` is built with our reader."""
    late = asyncio.StreamReaderProtocol
    with streams.installed():
        reader = asyncio.StreamReader()
        protocol = late(reader, loop=asyncio.get_running_loop())
        protocol.data_received(b"fed")
        assert await reader.read(3) == b"fed"
