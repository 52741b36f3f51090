"""About streamgauge/fakes/arguments.py: what the loop's methods are given, read as they read it."""

from __future__ import annotations

import pathlib
import ssl

import pytest

from streamgauge.fakes.arguments import check_keywords, client_tls, server_tls, unix_path
from streamgauge.fakes.certificates import tls_contexts

SERVER, CLIENT = tls_contexts()


def strict(host, *, known=None):
    """Stand for a loop's method that takes one keyword."""


def open_ended(host, **anything):
    """Stand for a loop's method that takes any."""


class Loop:
    """Has a method, bound as a loop's is."""

    def method(self, *, known=None):
        """Take one keyword."""


@pytest.mark.parametrize(
    ("method", "keywords"),
    [
        (strict, {}),
        (strict, {"known": 1}),
        (open_ended, {"whatever": 1}),
        (Loop().method, {"known": 1}),
        (iter, {"untold": 1}),  # a compiled function that does not tell what it takes
    ],
)
def test_what_the_method_takes_is_accepted(method, keywords):
    """Known keywords pass, and any at all where the method takes any or does not tell."""
    assert check_keywords(method, keywords) is None


@pytest.mark.parametrize("method", [strict, Loop().method])
def test_what_the_method_does_not_take_is_a_type_error(method):
    """An unknown keyword is refused in Python's own words, with the method's name."""
    words = rf"{method.__name__}\(\) got an unexpected keyword argument 'bogus'"
    with pytest.raises(TypeError, match=words):
        check_keywords(method, {"known": 1, "bogus": 2})


@pytest.mark.parametrize("off", [None, False])
def test_no_tls(off):
    """Without ``ssl`` there is no TLS, and nothing is asked for."""
    assert (None, None) == (client_tls(off, None, {}), server_tls(None, {}))


@pytest.mark.parametrize("name", ["db", ""])
def test_a_client_verifies_the_name(name):
    """``server_hostname`` is verified; an empty one verifies none."""
    options = client_tls(CLIENT, name, {"ssl_handshake_timeout": 3})
    assert (CLIENT, False) == (options["context"], options["server_side"])
    assert (name, 3) == (options["server_hostname"], options["ssl_handshake_timeout"])


def test_true_is_the_default_context():
    """``ssl=True`` verifies as `ssl.create_default_context` does."""
    context = client_tls(True, "db", {})["context"]
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None, "other", {}), ValueError, "server_hostname is only meaningful with ssl"),
        ((None, None, {"ssl_handshake_timeout": 1}), ValueError, "ssl_handshake_timeout is"),
        ((None, None, {"ssl_shutdown_timeout": 1}), ValueError, "ssl_shutdown_timeout is"),
        ((CLIENT, None, {}), ValueError, "set server_hostname when using ssl without a host"),
        (("yes", "db", {}), TypeError, "ssl got 'yes', expected an SSLContext"),
    ],
)
def test_a_clients_nonsense(arguments, error, message):
    """TLS's arguments without TLS, TLS without a name, and what is no context are refused."""
    with pytest.raises(error, match=message):
        client_tls(*arguments)


@pytest.mark.parametrize("wrong", [True, False, "yes"])
def test_a_server_needs_a_context(wrong):
    """A server's ``ssl`` is a context with a certificate, or None."""
    with pytest.raises(TypeError, match=rf"ssl got {wrong!r}, expected an SSLContext"):
        server_tls(wrong, {})


def test_a_servers_tls():
    """Context and timeouts are read; a timeout without TLS is refused."""
    options = server_tls(SERVER, {"ssl_shutdown_timeout": 2})
    assert (SERVER, True, 2) == (
        options["context"],
        options["server_side"],
        options["ssl_shutdown_timeout"],
    )
    with pytest.raises(ValueError, match="ssl_handshake_timeout is only meaningful with ssl"):
        server_tls(None, {"ssl_handshake_timeout": 1})


@pytest.mark.parametrize("path", ["/run/a", b"/run/a", pathlib.PurePosixPath("/run/a")])
def test_a_path_is_shown_as_a_string(path):
    """Strings, bytes and path objects are one path."""
    assert "/run/a" == unix_path(path)


def test_what_is_no_path_is_a_type_error():
    """A number is refused as `os.fspath` does."""
    with pytest.raises(TypeError):
        unix_path(7)
