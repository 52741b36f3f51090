"""TLS contexts for trials: a certificate authority made for this process, and verified.

Nothing here turns verification off. `stranger` is a client that trusts another authority. Only who
asks for a context needs trustme; a machine on which no handshake of our own ends well (its clock
is wrong, its OpenSSL refuses our keys) is told before a subject is blamed.
"""

from __future__ import annotations

import contextlib
import ssl
from functools import lru_cache
from typing import Any, Optional

from streamgauge.conformance.machine import MissingError
from streamgauge.conformance.speech import Records, Speech

# Here and not where it is used: processes that play trials are forked with it loaded.
trustme: Optional[Any]
try:
    import trustme
except ImportError:  # no wheel of cryptography's, which it needs, for this Python
    trustme = None

__all__ = [
    "HOSTNAME",
    "as_client",
    "as_server",
    "client_context",
    "server_context",
    "stranger_context",
]

HOSTNAME = "localhost"
FLIGHTS = 4  # more than a handshake takes: each side speaks twice at most
UNTRIED = "tls: not tried, "


def _new_authority() -> Any:
    if trustme is None:
        raise MissingError(f"{UNTRIED}install trustme")
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@lru_cache(maxsize=None)
def _authority() -> Any:
    """Return the authority, once the contexts that it makes have shaken hands."""
    authority = _new_authority()
    try:
        _shake_hands(_serving(authority), _trusting(authority))
    except OSError as error:
        why = getattr(error, "verify_message", "") or error
        raise MissingError(
            f"{UNTRIED}the suite's own handshake fails here ({why}); is the clock right?"
        ) from error
    return authority


def _serving(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert(
        HOSTNAME, "127.0.0.1", "::1", key_type=trustme and trustme.KeyType.ECDSA
    )
    certificate.configure_cert(context)
    return context


def _trusting(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Have two contexts shake hands in memory; raise OSError if they do not come to an end."""
    ends = Records(Speech(client, HOSTNAME)), Records(Speech(server))
    for number in range(2 * FLIGHTS):
        one, other = ends[number % 2], ends[1 - number % 2]
        with contextlib.suppress(ssl.SSLWantReadError):
            one.shake_hands()
        if one.pending:
            other.take_in(one.made())
    for end in ends:
        end.shake_hands()


@lru_cache(maxsize=None)
def server_context() -> ssl.SSLContext:
    """Return a server's context with a certificate for localhost, 127.0.0.1 and ::1.

    Raises:
        MissingError: TLS cannot be tried here.
    """
    return _serving(_authority())


@lru_cache(maxsize=None)
def client_context() -> ssl.SSLContext:
    """Return a client's context that trusts our authority alone and checks the host's name.

    Raises:
        MissingError: TLS cannot be tried here.
    """
    return _trusting(_authority())


@lru_cache(maxsize=None)
def stranger_context() -> ssl.SSLContext:
    """Return a client's context that trusts another authority, so that verification fails.

    Raises:
        MissingError: TLS cannot be tried here.
    """
    return _trusting(_new_authority())


def as_server() -> Speech:
    """Return what a peer speaks that shows our certificate."""
    return Speech(server_context())


def as_client(ahead: bytes = b"") -> Speech:
    """Return what a peer speaks that verifies our certificate.

    Args:
        ahead: plain bytes that leave in one piece with its first record.
    """
    return Speech(client_context(), HOSTNAME, ahead)
