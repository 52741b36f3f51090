"""TLS contexts for tests: a certificate authority of this process, made when first asked for.

Needs trustme, which is imported here and nowhere else, and only when called.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Tuple

if TYPE_CHECKING:
    import ssl

__all__ = ["tls_contexts"]


@functools.lru_cache(maxsize=None)
def _authority() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's notices about old Pythons
        try:
            import trustme  # noqa: PLC0415  # only those who ask for certificates need it
        except ImportError as exc:
            raise ImportError(
                "TLS without contexts of your own needs trustme: `pip install trustme`, or give"
                " server_context= and client_context="
            ) from exc
        return trustme.CA()


@functools.lru_cache(maxsize=None)
def tls_contexts(hostname: str = "localhost") -> Tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a context for a server of that name, and one for clients that verify it.

    Args:
        hostname: the name or IP address in the server's certificate.

    Returns:
        The server's context and the clients'.

    Raises:
        ImportError: trustme is not installed, or this Python has no `ssl`.
    """
    import ssl  # noqa: PLC0415  # the fakes work without it as long as nobody speaks TLS

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.create_default_context()
    authority = _authority()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        authority.issue_cert(hostname).configure_cert(server)
    authority.configure_trust(client)
    return server, client
