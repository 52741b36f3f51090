"""Saboteurs of `open_connection` and `open_unix_connection`: wrong results, wrong errors."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


@saboteur("open_connection.connect.establishes-connection", '"at the peer"')
def a_client_sends_to_nobody(s: Any) -> None:
    """open_connection connects, and its writer writes to another connection."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        reader, writer = await real(*args, **kwds)
        writer.write = lambda data: None
        return reader, writer


@saboteur("open_unix_connection.connect.establishes-connection", '"at the reader"')
def a_unix_client_hears_nobody(s: Any) -> None:
    """open_unix_connection returns a reader that is joined to nothing."""
    real = s.open_unix_connection

    @instead(s)
    async def open_unix_connection(*args: Any, **kwds: Any) -> Any:
        reader, writer = await real(*args, **kwds)
        writer.kept = reader
        return s.StreamReader(), writer


@saboteur("open_connection.connect.returns-pair", "the first object: expected an instance")
def open_connection_returns_the_writer_first(s: Any) -> None:
    """open_connection returns writer and reader."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        reader, writer = await real(*args, **kwds)
        return writer, reader


@saboteur("open_connection.connect.returns-pair", "the second object: expected an instance")
def open_connection_returns_asyncios_writer(s: Any) -> None:
    """open_connection's writer is asyncio's, not the implementation's."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        reader, writer = await real(*args, **kwds)
        loop = asyncio.get_running_loop()
        other: Any = asyncio.StreamWriter(writer.transport, writer._protocol, None, loop)
        other.kept = writer
        return reader, other


@saboteur("open_unix_connection.connect.returns-pair", "number of objects returned")
def open_unix_connection_returns_the_transport_too(s: Any) -> None:
    """open_unix_connection returns reader, writer and transport."""
    real = s.open_unix_connection

    @instead(s)
    async def open_unix_connection(*args: Any, **kwds: Any) -> Any:
        reader, writer = await real(*args, **kwds)
        return reader, writer, writer.transport


@saboteur("open_connection.connect.refused-raises", "expected ConnectionRefusedError, got")
def a_refused_connection_times_out(s: Any) -> None:
    """open_connection turns every error of connecting into a TimeoutError."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        try:
            return await real(*args, **kwds)
        except OSError as error:
            raise asyncio.TimeoutError from error


@saboteur("open_unix_connection.connect.absent-path-raises", "expected FileNotFoundError, got")
def an_absent_path_is_refused(s: Any) -> None:
    """open_unix_connection raises ConnectionRefusedError for a path with nothing there."""
    real = s.open_unix_connection

    @instead(s)
    async def open_unix_connection(*args: Any, **kwds: Any) -> Any:
        try:
            return await real(*args, **kwds)
        except FileNotFoundError as error:
            raise ConnectionRefusedError from error


@saboteur("open_connection.connect.cancel-closes-socket", "never ended")
def a_cancelled_client_goes_on_connecting(s: Any) -> None:
    """open_connection, cancelled, goes on with its handshake in the background."""
    real = s.open_connection
    begun = set()

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        task = asyncio.ensure_future(real(*args, **kwds))
        begun.add(task)
        task.add_done_callback(begun.discard)
        return await asyncio.shield(task)


@saboteur("open_connection.host.missing-rejected", "expected ValueError, got")
def a_missing_address_is_the_own_machine(s: Any) -> None:
    """open_connection without any address tries port 9 of this machine."""
    real = s.open_connection

    @instead(s)
    async def open_connection(host: Any = None, port: Any = None, **kwds: Any) -> Any:
        if "sock" not in kwds and host is None:
            host, port = "127.0.0.1", 9
        return await real(host, port, **kwds)


@saboteur("open_connection.ssl.untrusted-certificate-raises", "nothing was raised")
def any_certificate_will_do(s: Any) -> None:
    """open_connection encrypts, and verifies no certificate."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        if kwds.get("ssl"):
            credulous = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            credulous.check_hostname, credulous.verify_mode = False, ssl.CERT_NONE
            kwds = {**kwds, "ssl": credulous}
        return await real(*args, **kwds)


@saboteur("open_connection.ssl.context-encrypts", "never ended", links=("socketpair",))
def a_socket_handed_over_is_not_encrypted(s: Any) -> None:
    """ssl= is ignored where sock= is given."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        if "sock" in kwds:
            kwds = {k: v for k, v in kwds.items() if k not in ("ssl", "server_hostname")}
        return await real(*args, **kwds)


@saboteur("open_unix_connection.ssl.context-encrypts", "expected SSLCertVerificationError")
def a_unix_client_verifies_no_name(s: Any) -> None:
    """open_unix_connection verifies the certificate and not the name in it."""
    real = s.open_unix_connection

    @instead(s)
    async def open_unix_connection(*args: Any, **kwds: Any) -> Any:
        context = kwds.get("ssl")
        if context is None:
            return await real(*args, **kwds)
        checked, context.check_hostname = context.check_hostname, False
        try:
            return await real(*args, **kwds)
        finally:
            context.check_hostname = checked


@saboteur(
    "open_connection.local_addr.passed-on", "expected OSError, nothing was raised", links=("tcp",)
)
def a_taken_local_address_is_given_up(s: Any) -> None:
    """open_connection connects from anywhere when local_addr cannot be had."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        try:
            return await real(*args, **kwds)
        except OSError:
            if "local_addr" not in kwds:
                raise
            return await real(*args, **{k: v for k, v in kwds.items() if k != "local_addr"})


@saboteur("open_connection.sock.adopted", "the writer's own address", links=("tcp",))
def a_connected_socket_is_connected_again(s: Any) -> None:
    """open_connection makes a connection of its own to where the given socket leads."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        sock = kwds.get("sock")
        if sock is not None and sock.family == socket.AF_INET:
            there = sock.getpeername()
            sock.close()
            return await real(*there)
        return await real(*args, **kwds)


@saboteur("open_unix_connection.path.path-like", "raised TypeError")
def a_path_to_connect_to_has_to_be_a_string(s: Any) -> None:
    """open_unix_connection refuses a path object."""
    real = s.open_unix_connection

    @instead(s)
    async def open_unix_connection(path: Any = None, **kwds: Any) -> Any:
        if path is not None and not isinstance(path, str):
            raise TypeError("expected a string")
        return await real(path, **kwds)


@saboteur(
    "examples.tcp-echo-client", "never ended: `data = await reader.read(100)`", links=("tcp",)
)
def the_first_message_is_kept_back(s: Any) -> None:
    """What a client writes is sent together with what it writes next, or when it closes."""
    real = s.StreamWriter.write

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        kept, self._kept = getattr(self, "_kept", b""), bytes(data)
        real(self, kept)


@saboteur("examples.register-open-socket", "raised ValueError")
def a_blocking_socket_is_refused(s: Any) -> None:
    """open_connection refuses a socket that is in blocking mode, as the page's example's is."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        if "sock" in kwds and kwds["sock"].getblocking():
            raise ValueError("the socket has to be non-blocking")
        return await real(*args, **kwds)


# --- a host with several addresses -------------------------------------------------------------


@saboteur("open_connection.happy_eyeballs_delay.tries-next-address", "got RuntimeError")
def a_race_that_nobody_wins_is_an_error_of_its_own(s: Any) -> None:
    """If none of a host's addresses can be connected to, RuntimeError is raised, no OSError."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        try:
            return await real(*args, **kwds)
        except OSError as error:
            if "happy_eyeballs_delay" in kwds and "ssl" not in kwds:
                raise RuntimeError("nobody answered") from error
            raise


@saboteur(
    "open_connection.happy_eyeballs_delay.tries-next-address",
    "expected SSLCertVerificationError, nothing was raised",
    links=("tls",),
)
def whoever_answers_first_may_be_anybody(s: Any) -> None:
    """With happy_eyeballs_delay, server_hostname is ignored: the certificate is for the host."""
    real = s.open_connection

    @instead(s)
    async def open_connection(host: Any = None, port: Any = None, **kwds: Any) -> Any:
        if "happy_eyeballs_delay" in kwds and kwds.get("server_hostname") is not None:
            kwds["server_hostname"] = host
        return await real(host, port, **kwds)


@saboteur(
    "open_connection.happy_eyeballs_delay.tries-next-address", "got UnboundLocal", links=("tcp6",)
)
def a_local_address_of_another_family_breaks_it(s: Any) -> None:
    """A local address of a family in which no attempt is made is an error, and no OSError."""

    def _bind(sock: Any, addresses: Any) -> None:
        if not addresses:
            raise UnboundLocalError("refused")

    s.eyeballs._bind = _bind
    s.loops._knows = lambda method, keyword: False


@saboteur("open_connection.happy_eyeballs_delay.tries-next-address", "never ended", links=("tcp",))
def a_race_keeps_all_who_answer(s: Any) -> None:
    """Whoever has answered when another one was taken stays connected."""
    kept = []

    async def _withdraw(attempts: Any) -> None:
        kept.extend(attempts)

    s.eyeballs._withdraw = _withdraw
    s.loops._knows = lambda method, keyword: False


@saboteur(
    "open_connection.happy_eyeballs_delay.tries-next-address", "ValueError", links=("socketpair",)
)
def a_race_needs_a_host(s: Any) -> None:
    """happy_eyeballs_delay together with sock raises ValueError."""
    real = s.open_connection

    @instead(s)
    async def open_connection(host: Any = None, port: Any = None, **kwds: Any) -> Any:
        if "happy_eyeballs_delay" in kwds and host is None:
            raise ValueError("there is no host to try the addresses of")
        return await real(host, port, **kwds)


@saboteur("open_connection.interleave.orders-families", "with interleave=3")
def interleave_is_yes_or_no(s: Any) -> None:
    """Any interleave above 1 is taken for 1."""
    real = s.open_connection

    @instead(s)
    async def open_connection(*args: Any, **kwds: Any) -> Any:
        if kwds.get("interleave"):
            kwds["interleave"] = 1
        return await real(*args, **kwds)
