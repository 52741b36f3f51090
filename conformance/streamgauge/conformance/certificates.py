"""TLS contexts for trials: a certificate authority made for this process, and verified.

Nothing here turns verification off. `stranger` is a client that trusts another authority.
"""

from __future__ import annotations

import ssl
from functools import lru_cache

import trustme

from streamgauge.conformance.speech import Speech

__all__ = [
    "HOSTNAME",
    "as_client",
    "as_server",
    "client_context",
    "server_context",
    "stranger_context",
]

HOSTNAME = "localhost"


@lru_cache(maxsize=None)
def _authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@lru_cache(maxsize=None)
def server_context() -> ssl.SSLContext:
    """Give a server's context with a certificate for localhost, 127.0.0.1 and ::1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = _authority().issue_cert(
        HOSTNAME, "127.0.0.1", "::1", key_type=trustme.KeyType.ECDSA
    )
    certificate.configure_cert(context)
    return context


@lru_cache(maxsize=None)
def client_context() -> ssl.SSLContext:
    """Give a client's context that trusts our authority alone and checks the host's name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _authority().configure_trust(context)
    return context


@lru_cache(maxsize=None)
def stranger_context() -> ssl.SSLContext:
    """Give a client's context that trusts another authority, so that verification fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trustme.CA(key_type=trustme.KeyType.ECDSA).configure_trust(context)
    return context


def as_server() -> Speech:
    """Give what a peer speaks that shows our certificate."""
    return Speech(server_context())


def as_client(ahead: bytes = b"") -> Speech:
    """Give what a peer speaks that verifies our certificate.

    Args:
        ahead: plain bytes that leave in one piece with its first record.
    """
    return Speech(client_context(), HOSTNAME, ahead)
