"""Reading the arguments of `create_connection` and `create_server` as the running loop does.

A keyword that this Python's loop does not know is refused here too; the rest is checked with the
errors that programs see from asyncio. Nothing is connected here.
"""

from __future__ import annotations

import functools
import inspect
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Optional

from .sockets import AF_UNIX

if TYPE_CHECKING:
    import ssl as ssl_module

__all__ = [
    "check_keywords",
    "client_options",
    "client_tls",
    "server_tls",
    "unix_family",
    "unix_path",
]


def check_keywords(original: Callable[..., Any], kwargs: Dict[str, Any]) -> None:
    """Refuse keywords that the loop's own method does not take.

    Args:
        original: the loop's own method.
        kwargs: the keywords.

    Raises:
        TypeError: one is unknown on this Python.
    """
    known = _keywords(getattr(original, "__func__", original)) if kwargs else None
    unknown = [name for name in kwargs if known is not None and name not in known]
    if unknown:
        what = getattr(original, "__name__", "the loop's method")
        raise TypeError(f"{what}() got an unexpected keyword argument {unknown[0]!r}")


@functools.lru_cache(maxsize=32)
def _keywords(function: Callable[..., Any]) -> Optional[FrozenSet[str]]:
    """Give the keywords that a function takes; None for any, or if it does not tell."""
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a compiled method may not tell
        return None
    open_ended = any(p.kind is p.VAR_KEYWORD for p in known.values())
    return None if open_ended else frozenset(known)


def client_tls(
    ssl: Any, server_hostname: Optional[str], kwargs: Dict[str, Any]
) -> Optional[Dict[str, Any]]:
    """Read the TLS arguments of a client that connects to a path.

    Args:
        ssl: a context, True for the default one, None or False for no TLS.
        server_hostname: the name to verify.
        kwargs: the rest of the keywords, of which the timeouts are read.

    Returns:
        What `tls.protocol_for` takes, or None for no TLS.

    Raises:
        ValueError: the name or a timeout is given without TLS, or TLS without any name.
        TypeError: ``ssl`` is something else.
    """
    if not ssl:
        if server_hostname is not None:
            raise ValueError("server_hostname is only meaningful with ssl")
        _no_timeouts(kwargs)
        return None
    if server_hostname is None:
        raise ValueError("You must set server_hostname when using ssl without a host")
    return client_options(ssl, server_hostname, kwargs)


def client_options(ssl: Any, server_hostname: str, kwargs: Dict[str, Any]) -> Dict[str, Any]:
    """Return the TLS options of a client, for `tls.protocol_for`.

    Args:
        ssl: a context, or True for the default one.
        server_hostname: the name to verify; empty to verify none.
        kwargs: the keywords of which the timeouts are read.

    Raises:
        TypeError: ``ssl`` is something else.
    """
    context = _default_context() if ssl is True else _context(ssl)
    return {
        "context": context,
        "server_side": False,
        "server_hostname": server_hostname,
        **_timeouts(kwargs),
    }


def server_tls(ssl: Any, kwargs: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    """Read a server's TLS arguments, see `client_tls`.

    Raises:
        ValueError: a timeout is given without TLS.
        TypeError: ``ssl`` is neither None nor a context; a server needs a certificate.
    """
    if isinstance(ssl, bool):
        raise TypeError(f"ssl got {ssl!r}, expected an SSLContext or None")
    if ssl is None:
        _no_timeouts(kwargs)
        return None
    return {"context": _context(ssl), "server_side": True, **_timeouts(kwargs)}


def unix_family() -> int:
    """Return `socket.AF_UNIX`.

    Raises:
        NotImplementedError: this platform has no unix sockets.
    """
    if AF_UNIX is None:
        raise NotImplementedError(
            "unix sockets are not available: this platform's socket module has no AF_UNIX"
        )
    return AF_UNIX


def unix_path(path: Any) -> Any:
    """Give a path, or an abstract name, as text, however it is given.

    Raises:
        NotImplementedError: this platform has no unix sockets.
        TypeError: it is not a path.
        OSError: it is longer than Linux's addresses have room for.
    """
    unix_family()
    text = os.fspath(path)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if len(os.fsencode(text)) > PATH_MAX_BYTES + text.startswith("\0"):  # else a zero ends it
        raise OSError("AF_UNIX path too long")  # the socket module's words
    return text


PATH_MAX_BYTES = 107
TIMEOUTS = ("ssl_handshake_timeout", "ssl_shutdown_timeout")


def _timeouts(kwargs: Dict[str, Any]) -> Dict[str, Any]:
    return {name: kwargs.get(name) for name in TIMEOUTS}


def _no_timeouts(kwargs: Dict[str, Any]) -> None:
    for name in TIMEOUTS:
        if kwargs.get(name) is not None:
            raise ValueError(f"{name} is only meaningful with ssl")


def _default_context() -> ssl_module.SSLContext:
    import ssl as ssl_module  # noqa: PLC0415  # see `_context`

    return ssl_module.create_default_context()


def _context(ssl: Any) -> ssl_module.SSLContext:
    import ssl as ssl_module  # noqa: PLC0415  # a Python without it can do all but TLS

    if not isinstance(ssl, ssl_module.SSLContext):
        raise TypeError(f"ssl got {ssl!r}, expected an SSLContext, True or None")
    return ssl
