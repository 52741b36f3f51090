"""Saboteurs of `StreamWriter.start_tls`: an upgrade that is none, or that half of it misses."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


def _start_tls(s: Any, change: Any) -> None:
    """Change the arguments of start_tls: `change` is given the context and the keywords."""
    real = s.StreamWriter.start_tls

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        sslcontext, kwds = change(sslcontext, kwds)
        await real(self, sslcontext, **kwds)


def _credulous(checks_trust: bool, context: Any) -> Any:
    """Make a client's context that verifies less."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made if context.check_hostname and not checks_trust else context


@saboteur("writer.start_tls.upgrades", "never ended")
def start_tls_does_nothing(s: Any) -> None:
    """start_tls returns and leaves the connection as it is."""

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        """Do nothing."""


@saboteur("writer.start_tls.server-side", "raised ")
def a_handler_upgrades_as_a_client(s: Any) -> None:
    """start_tls is the client's on a server, too."""
    real = s.writer.start_tls

    async def as_client(loop: Any, transport: Any, *args: Any, **kwds: Any) -> Any:
        return await real(loop, transport, *args, **{**kwds, "server_side": False})

    s.writer.start_tls = as_client


@saboteur("writer.start_tls.earlier-writes-sent-plain", "what the peer read in the clear")
def what_was_written_before_start_tls_is_kept_back(s: Any) -> None:
    """What was written before start_tls is sent after the handshake."""
    real_write, real = s.StreamWriter.write, s.StreamWriter.start_tls

    @instead(s.StreamWriter)
    def write(self: Any, data: Any) -> None:
        self._kept = getattr(self, "_kept", b"") + data
        if getattr(self, "_upgraded", False):
            data, self._kept = self._kept, b""
            real_write(self, data)

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        await real(self, sslcontext, **kwds)
        self._upgraded = True


@saboteur("writer.start_tls.early-hello-used", "never ended")
def a_handshake_that_began_early_is_lost(s: Any) -> None:
    """What the reader has buffered when start_tls is called stays there (gh-142352)."""

    @instead(s.StreamWriter)
    def _take_received(self: Any) -> bytes:
        return b""


@saboteur("writer.start_tls.transport-tells", "sslcontext")
def the_writer_tells_of_the_plain_transport(s: Any) -> None:
    """After start_tls, get_extra_info still answers for the plain connection."""
    real, told = s.StreamWriter.start_tls, s.StreamWriter.get_extra_info

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        self._plain = self._transport
        await real(self, sslcontext, **kwds)

    @instead(s.StreamWriter)
    def get_extra_info(self: Any, name: str, default: Any = None) -> Any:
        plain = getattr(self, "_plain", None)
        if plain is not None and name in ("sslcontext", "cipher"):
            return plain.get_extra_info(name, default)
        return told(self, name, default)


@saboteur("writer.start_tls.reading-is-bounded", "held back before")
def after_start_tls_the_reader_takes_in_everything(s: Any) -> None:
    """After start_tls nothing pauses the transport any more."""

    @instead(s.StreamReader)
    def _replace_transport(self: Any, transport: Any) -> None:
        self._transport = None


@saboteur("writer.start_tls.earlier-bytes-readable", "never ended: `line")
def what_comes_first_after_the_handshake_is_dropped(s: Any) -> None:
    """What was buffered before start_tls takes along what comes first after it."""
    real = s.StreamReaderProtocol._replace_transport

    @instead(s.StreamReaderProtocol)
    def _replace_transport(self: Any, transport: Any) -> None:
        real(self, transport)
        fed = self._stream_reader.feed_data
        self._stream_reader.feed_data = lambda data: fed(data[10:])


@saboteur("writer.start_tls.untrusted-certificate-raises", "expected SSLCertVerificationError")
def start_tls_trusts_everybody(s: Any) -> None:
    """start_tls encrypts, and verifies no certificate."""
    _start_tls(s, lambda context, kwds: (_credulous(False, context), kwds))


@saboteur("writer.start_tls.certificate-name-verified", "expected SSLCertVerificationError")
def start_tls_verifies_the_name_it_likes(s: Any) -> None:
    """start_tls verifies the name of the host that it is connected to, not the one given."""
    _start_tls(s, lambda context, kwds: (_credulous(False, context), kwds))


@saboteur("writer.start_tls.hostname-required", "expected ValueError")
def start_tls_without_a_name_verifies_none(s: Any) -> None:
    """start_tls without server_hostname goes on, and verifies no name (gh-156793)."""

    def change(context: Any, kwds: Any) -> Any:
        return (context if kwds.get("server_hostname") else _credulous(False, context)), kwds

    _start_tls(s, change)


@saboteur("writer.start_tls.handshake-timeout-bounds-handshake", "never ended")
def start_tls_ignores_its_handshake_timeout(s: Any) -> None:
    """start_tls takes ssl_handshake_timeout and does not pass it on."""
    _start_tls(s, lambda context, kwds: (context, {**kwds, "ssl_handshake_timeout": None}))


@saboteur("writer.start_tls.shutdown-timeout-bounds-closing", "never ended")
def start_tls_ignores_its_shutdown_timeout(s: Any) -> None:
    """start_tls takes ssl_shutdown_timeout and does not pass it on."""
    _start_tls(s, lambda context, kwds: (context, {**kwds, "ssl_shutdown_timeout": None}))


@saboteur("writer.start_tls.failure-closes", "to have ended")
def a_failed_handshake_is_told_to_nobody(s: Any) -> None:
    """After a handshake that failed, those who wait for the connection go on waiting."""
    real = s.StreamWriter.start_tls

    @instead(s.StreamWriter)
    async def start_tls(self: Any, *arguments: Any, **options: Any) -> None:
        self._protocol.connection_lost = lambda exc: None  # by which the TLS layer would tell it
        await real(self, *arguments, **options)
        del self._protocol.connection_lost

    @instead(s.StreamWriter)
    def _lose(self: Any, transport: Any, error: BaseException) -> None:
        transport.close()


@saboteur("writer.start_tls.reading-stays-bounded", "to be held back")
def a_pause_before_the_upgrade_counts_after_it(s: Any) -> None:
    """A reader that was paused before the upgrade takes itself for paused after it."""

    @instead(s.StreamReader)
    def _replace_transport(self: Any, transport: Any) -> None:
        self._transport = transport


@saboteur("writer.start_tls.lost-connection-raises", "nothing was raised")
def drain_does_not_know_of_the_upgrade(s: Any) -> None:
    """After start_tls, drain takes the connection for one that tells of its end by itself."""
    real = s.StreamReaderProtocol._replace_transport

    @instead(s.StreamReaderProtocol)
    def _replace_transport(self: Any, transport: Any) -> None:
        real(self, transport)
        self._over_ssl = False


@saboteur("writer.start_tls.refused-leaves-connection", "expected ValueError, got Connection")
def an_upgrade_that_is_refused_ends_the_connection(s: Any) -> None:
    """Whatever start_tls raises, the connection is closed."""
    real = s.StreamWriter.start_tls

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        try:
            await real(self, sslcontext, **kwds)
        except BaseException:
            self._transport.close()
            raise


@saboteur("writer.start_tls.refused-leaves-connection", "expected TypeError, got AttributeError")
def start_tls_takes_anything_for_a_context(s: Any) -> None:
    """What is given as a context is used as one, whatever it is."""

    def checked_tls(sslcontext: Any, server_hostname: Any, server_side: bool) -> None:
        if sslcontext.check_hostname and not (server_side or server_hostname):
            raise ValueError("no name")

    s.writer.checked_tls = checked_tls


@saboteur("writer.start_tls.earlier-writes-sent-plain", "never ended")
def an_upgrade_waits_for_no_full_buffer(s: Any) -> None:
    """start_tls shakes hands behind whatever is queued, and whoever drains is forgotten."""
    real, drain = s.StreamWriter.start_tls, s.StreamWriter.drain

    @instead(s.StreamWriter)
    async def start_tls(self: Any, sslcontext: Any, **kwds: Any) -> None:
        self.drain = lambda: asyncio.sleep(0)
        try:
            await real(self, sslcontext, **kwds)
        finally:
            self.drain = partial(drain, self)


@saboteur("writer.start_tls.end-not-warned-of", "what was logged")
def an_upgraded_connection_is_to_stay_half_open(s: Any) -> None:
    """After start_tls, the protocol answers EOF as that of a plain connection."""
    real = s.StreamReaderProtocol._replace_transport

    @instead(s.StreamReaderProtocol)
    def _replace_transport(self: Any, transport: Any) -> None:
        real(self, transport)
        self._over_ssl = False
