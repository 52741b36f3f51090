"""Checking of arguments: what the caller gave becomes what the layers below work with, or an error.

Every check here happens before anything is read, sent or connected, so that a bad argument
never costs a byte. An error names the value that was got and says what to give instead. Nothing
here keeps state, and nothing here knows of loops, transports or buffers.
"""

from __future__ import annotations

from numbers import Real
from operator import index
from reprlib import repr as short_repr
from typing import Any, Iterable, Tuple, Union

DEFAULT_LIMIT = 65536  # bytes: the page's "64 KiB"

BytesLike = Union[bytes, bytearray, memoryview]
Separators = Union[BytesLike, Tuple[BytesLike, ...]]


def checked_limit(limit: Any) -> float:
    """Return the limit of a reader's buffer, in bytes.

    Args:
        limit: A positive number; None stands for the default of 64 KiB, as the page prints it.

    Raises:
        TypeError: ``limit`` is not a number.
        ValueError: ``limit`` is zero, negative or not a number in the floating-point sense.
    """
    if type(limit) is int and limit > 0:
        return limit
    if limit is None:
        return DEFAULT_LIMIT
    if not isinstance(limit, Real):
        raise TypeError(f"limit has to be a positive number of bytes or None, got {_named(limit)}")
    number: Any = limit
    if not number > 0:  # this way round, it catches NaN as well
        raise ValueError(f"Limit cannot be <= 0: expected a number of bytes, got {limit!r}")
    return number  # type: ignore[no-any-return]  # every Real compares and multiplies like a float


def checked_count(method: str, n: Any) -> int:
    """Return ``n``, a number of bytes given to ``method``, as an int.

    Raises:
        TypeError: ``n`` is not an integer.
    """
    try:
        return index(n)
    except TypeError:
        raise TypeError(f"{method}(n) takes a number of bytes as an int, got {_named(n)}") from None


def checked_separators(separator: Any) -> tuple[bytes, ...]:
    """Return the separators as bytes, shortest first.

    Args:
        separator: Bytes, a bytearray, a memoryview, or a tuple of these.

    Raises:
        TypeError: It is anything else, or an element is.
        ValueError: A separator, or the tuple, is empty.
    """
    several = separator if isinstance(separator, tuple) else (separator,)
    if not several:
        raise ValueError("Separator should contain at least one element, got an empty tuple")
    for each in several:
        if not isinstance(each, (bytes, bytearray, memoryview)):
            raise TypeError(
                "a separator has to be bytes, bytearray or memoryview, or a tuple of these, "
                f"got {_named(each)}"
            )
        if not each:
            raise ValueError(
                f"Separator should be at least one-byte string, got {short_repr(separator)}"
            )
    return tuple(sorted(map(bytes, several), key=len))


def checked_data(data: Any) -> bytes:
    """Return what is to be sent as bytes that nobody can change any more.

    A bytearray or a memoryview is copied, whatever the size of its items: what is sent is what
    it held now.

    Raises:
        TypeError: ``data`` is neither bytes nor bytearray nor memoryview.
    """
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise TypeError(
        f"data argument must be a bytes-like object, not {type(data).__name__!r}: expected bytes, "
        f"bytearray or memoryview, got {short_repr(data)}"
    )


def checked_lines(lines: Any) -> bytes:
    """Return the joined items of an iterable of bytes-like objects.

    Raises:
        TypeError: It is a single bytes-like object, not iterable, or an item is not bytes-like.
    """
    if type(lines) is not list:
        if isinstance(lines, (bytes, bytearray, memoryview, str)) or not isinstance(
            lines, Iterable
        ):
            raise TypeError(
                f"writelines() takes an iterable of bytes-like objects, got {_named(lines)}"
            )
        lines = list(lines)
    try:
        return b"".join(lines)  # a check of each item would take as long again
    except (TypeError, BufferError):  # not bytes-like, or a memoryview with gaps
        return b"".join([checked_data(line) for line in lines])


def checked_tls(sslcontext: Any, server_hostname: str | None, server_side: bool) -> None:
    """Check what a connection is to be upgraded to TLS with.

    Raises:
        TypeError: ``sslcontext`` is not an SSL context.
        ValueError: A client's context checks host names, and there is none to check; the
            handshake would go through with any host's certificate.
    """
    import ssl  # noqa: PLC0415  # only for those who use it: Python may be built without

    if not isinstance(sslcontext, ssl.SSLContext):
        raise TypeError(
            "sslcontext is expected to be an instance of ssl.SSLContext, got "
            f"{sslcontext!r} ({type(sslcontext).__name__})"
        )
    if sslcontext.check_hostname and not server_side and not server_hostname:
        raise ValueError(
            "sslcontext.check_hostname is set, so server_hostname has to name the host, "
            f"got {server_hostname!r}"
        )


def checked_callback(client_connected_cb: Any) -> Any:
    """Return a server's callback.

    Raises:
        TypeError: It can't be called, and is not None either; found out at the first connection,
            this would only drop that connection.
    """
    if client_connected_cb is not None and not callable(client_connected_cb):
        raise TypeError(
            "client_connected_cb has to be a callable that takes a reader and a writer, or None, "
            f"got {_named(client_connected_cb)}"
        )
    return client_connected_cb


def _named(value: object) -> str:
    return f"{short_repr(value)} ({type(value).__name__})"
