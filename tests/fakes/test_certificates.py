"""About streamgauge/fakes/certificates.py: a server's context, and a client's that trusts it."""

from __future__ import annotations

import ssl
import sys

import pytest

from streamgauge.fakes import certificates
from streamgauge.fakes.certificates import tls_contexts


def shake(client, server, name):
    """Do a handshake in memory; gives what the client knows of the server's certificate."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(3):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ours.getpeercert()


@pytest.mark.parametrize("name", ["localhost", "shop.example", "127.0.0.1"])
def test_the_client_verifies_the_servers_name(name):
    """The handshake works for the name or address in the certificate."""
    server, client = tls_contexts(name)
    assert name == shake(client, server, name)["subjectAltName"][0][1]


def test_another_name_and_another_trust_fail():
    """A wrong name, and a client that trusts only the world's authorities, end in an error."""
    server, client = tls_contexts("shop.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(client, server, "elsewhere.example")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(ssl.create_default_context(), server, "shop.example")


def test_one_authority_for_the_process():
    """A client's context trusts the servers of other names, and the same name is made once."""
    server, _ = tls_contexts("one.example")
    _, client = tls_contexts("two.example")
    assert shake(client, server, "one.example")
    assert tls_contexts("one.example")[0] is server


def test_without_trustme_the_error_says_what_to_do(monkeypatch):
    """Where trustme is missing it is an ImportError that names it and the way around."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    certificates._authority.cache_clear()
    with pytest.raises(ImportError, match=r"pip install trustme`, or give server_context="):
        tls_contexts("never.made.example")
    certificates._authority.cache_clear()
    certificates.tls_contexts.cache_clear()
