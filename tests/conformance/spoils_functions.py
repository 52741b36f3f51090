"""Spoils of the four functions: data, as told by `spoil`.

Most are an argument that does not arrive; the page promises each of them.
"""

from __future__ import annotations

from typing import Tuple

from .spoil import Spoil, spoil
from .surgery import argument, default, first, losing_keyword, result, without

__all__ = ["FUNCTIONS"]

OPEN = "open_connection"
SERVE = "start_server"
OPEN_UNIX = "open_unix_connection"
SERVE_UNIX = "start_unix_server"


def _lost(function: str, keyword: str, promise: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-loses-{keyword.replace('_', '-')}",
        f"{function}.{keyword}.{promise}",
        f"{keyword}= is accepted and has no effect.",
        (function, losing_keyword(keyword)),
    )


def _limits(function: str, inner: str) -> Tuple[Spoil, ...]:
    """Give the three faults that each function could have with `limit`."""
    name = function.replace("_", "-")
    return (
        spoil(
            f"{name}-loses-limit",
            f"{function}.limit.sets-reader-limit",
            "limit= is accepted and has no effect.",
            (inner, without("StreamReader", "limit")),
        ),
        spoil(
            f"{name}-default-limit-halved",
            f"{function}.limit.default-64-kib",
            "Records of more than 32 KiB are refused.",
            (function, default("limit", "it // 2")),
        ),
        spoil(
            f"{name}-limit-one-more",
            f"{function}.limit.default-64-kib",
            "The limit is a byte more than was asked for.",
            (inner, argument("StreamReader", "limit", "it + 1")),
        ),
    )


def _pair_turned(function: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-turns-the-pair",
        f"{function}.connect.returns-pair",
        "The writer comes first.",
        (function, result("it[::-1]")),
    )


def _loop_refused(function: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-refuses-loop",
        f"{function}.loop.accepted",
        "Programs that pass loop= fail.",
        (function, first("if loop is not None:\n    raise TypeError('loop')")),
        until="3.10",
    )


def _server_lost(function: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-returns-nothing",
        f"{function}.serve.returns-server",
        "The server cannot be closed.",
        (function, result("(it, None)[1]")),
    )


def _not_serving(function: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-does-not-serve",
        f"{function}.serve.accepts-connections",
        "Nobody can connect until start_serving() is called.",
        (function, first("kwds.setdefault('start_serving', False)")),
    )


def _strings_only(function: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-takes-strings-only",
        f"{function}.path.path-like",
        "A pathlib.Path is refused.",
        (function, first("if not isinstance(path, (str, type(None))):\n    raise TypeError(path)")),
    )


def _drops_unknown(function: str, clause: str, *known: str) -> Spoil:
    return spoil(
        f"{function.replace('_', '-')}-drops-unknown-keywords",
        f"{function}.rest.{clause}",
        "What the page does not name is silently dropped.",
        (function, first(f"kwds = {{k: v for k, v in kwds.items() if k in {known!r}}}")),
    )


FUNCTIONS: Tuple[Spoil, ...] = (
    # --- open_connection ---
    *_limits(OPEN, OPEN),
    _pair_turned(OPEN),
    _loop_refused(OPEN),
    _lost(OPEN, "ssl", "context-encrypts"),
    _lost(OPEN, "server_hostname", "verified"),
    _lost(OPEN, "ssl_handshake_timeout", "bounds-handshake"),
    _lost(OPEN, "family", "passed-on"),
    _lost(OPEN, "proto", "passed-on"),
    _lost(OPEN, "flags", "passed-on"),
    _lost(OPEN, "sock", "adopted"),
    _lost(OPEN, "local_addr", "passed-on"),
    _drops_unknown(
        OPEN,
        "passed-to-create-connection",
        *("ssl", "server_hostname", "ssl_handshake_timeout", "family", "proto", "flags", "sock"),
        "local_addr",
    ),
    spoil(
        "open-connection-ignores-unknown-keywords",
        "open_connection.rest.unknown-keyword-rejected",
        "A slip in a keyword's name goes unnoticed.",
        (
            OPEN,
            first(
                "from inspect import signature\n"
                "known = signature(events.AbstractEventLoop.create_connection).parameters\n"
                "kwds = {k: v for k, v in kwds.items() if k in known}"
            ),
        ),
    ),
    spoil(
        "open-connection-ignores-host",
        "open_connection.connect.establishes-connection",
        "Every connection goes to the own machine's 127.0.0.1.",
        (OPEN, argument("create_connection", 1, "it and '127.0.0.1'")),
    ),
    spoil(
        "open-connection-sock-wins",
        "open_connection.sock.with-host-rejected",
        "A host given together with a socket is ignored.",
        (OPEN, first("if kwds.get('sock'):\n    host = port = None")),
    ),
    spoil(
        "open-connection-guesses-host",
        "open_connection.host.missing-rejected",
        "Without an address it connects to some port of the own machine.",
        (OPEN, first("if host is None and not kwds.get('sock'):\n    host, port = '127.0.0.1', 9")),
    ),
    spoil(
        "open-connection-hides-server-hostname",
        "open_connection.server_hostname.without-ssl-rejected",
        "A connection that was meant to be encrypted is not.",
        (OPEN, first("if not kwds.get('ssl'):\n    kwds.pop('server_hostname', None)")),
    ),
    spoil(
        "open-connection-trusts-everybody",
        "open_connection.ssl.untrusted-certificate-raises",
        "Certificates are not verified.",
        (
            OPEN,
            first(
                "if kwds.get('ssl'):\n"
                "    kwds['ssl'].check_hostname = False\n"
                "    kwds['ssl'].verify_mode = 0"
            ),
        ),
    ),
    spoil(
        "open-connection-hides-refusal",
        "open_connection.connect.refused-raises",
        "A refused connection raises an error of another type.",
        (OPEN, argument("create_connection", 2, "it if kwds else await _reachable(host, it)")),
        (
            OPEN,
            first(
                "async def _reachable(host, port):\n"
                "    try:\n"
                "        socket.create_connection((host, port)).close()\n"
                "    except OSError as error:\n"
                "        raise ValueError('unreachable') from error\n"
                "    return port"
            ),
        ),
    ),
    # --- start_server ---
    *_limits(SERVE, f"{SERVE}.factory"),
    _loop_refused(SERVE),
    _server_lost(SERVE),
    _not_serving(SERVE),
    _lost(SERVE, "ssl", "context-encrypts"),
    _lost(SERVE, "ssl_handshake_timeout", "bounds-handshake"),
    _lost(SERVE, "family", "passed-on"),
    _lost(SERVE, "flags", "passed-on"),
    _lost(SERVE, "sock", "adopted"),
    _lost(SERVE, "backlog", "passed-on"),
    _lost(SERVE, "reuse_address", "passed-on"),
    _lost(SERVE, "reuse_port", "passed-on"),
    _lost(SERVE, "start_serving", "false-waits"),
    _drops_unknown(
        SERVE,
        "passed-to-create-server",
        *("ssl", "ssl_handshake_timeout", "family", "flags", "sock", "backlog"),
        *("reuse_address", "reuse_port", "start_serving"),
    ),
    spoil(
        "start-server-small-backlog",
        "start_server.backlog.default-100",
        "Clients that come in a burst are refused.",
        (SERVE, first("kwds.setdefault('backlog', 1)")),
    ),
    spoil(
        "start-server-shares-ports",
        "start_server.reuse_port.passed-on",
        "Two servers share a port unasked.",
        (SERVE, first("kwds.setdefault('reuse_port', None if kwds.get('sock') else True)")),
    ),
    spoil(
        "start-server-listens-everywhere",
        "start_server.host.listens-there",
        "A server meant for one address is open to all.",
        (SERVE, argument("create_server", 1, "None")),
    ),
    spoil(
        "start-server-listens-locally",
        "start_server.host.none-is-all-interfaces",
        "Without host nobody else can connect.",
        (SERVE, argument("create_server", 1, "it if it or kwds.get('sock') else '127.0.0.1'")),
    ),
    spoil(
        "start-server-shares-one-reader",
        "handler.call.once-for-each-connection",
        "All clients are served through the first one's streams.",
        (f"{SERVE}.factory", result("factory.__dict__.setdefault('one', it)")),
    ),
    spoil(
        "start-server-loses-callback",
        "start_server.serve.accepts-connections",
        "A server takes connections and serves none.",
        (f"{SERVE}.factory", argument("StreamReaderProtocol", 1, "None")),
    ),
    # --- open_unix_connection ---
    *_limits(OPEN_UNIX, OPEN_UNIX),
    _pair_turned(OPEN_UNIX),
    _loop_refused(OPEN_UNIX),
    _strings_only(OPEN_UNIX),
    _lost(OPEN_UNIX, "ssl", "context-encrypts"),
    _lost(OPEN_UNIX, "ssl_handshake_timeout", "bounds-handshake"),
    _lost(OPEN_UNIX, "sock", "adopted"),
    _drops_unknown(
        OPEN_UNIX,
        "passed-to-create-unix-connection",
        *("ssl", "ssl_handshake_timeout", "sock", "server_hostname"),
    ),
    # --- start_unix_server ---
    *_limits(SERVE_UNIX, f"{SERVE_UNIX}.factory"),
    _loop_refused(SERVE_UNIX),
    _server_lost(SERVE_UNIX),
    _not_serving(SERVE_UNIX),
    _strings_only(SERVE_UNIX),
    _lost(SERVE_UNIX, "ssl", "context-encrypts"),
    _lost(SERVE_UNIX, "ssl_handshake_timeout", "bounds-handshake"),
    _lost(SERVE_UNIX, "sock", "adopted"),
    _lost(SERVE_UNIX, "backlog", "passed-on"),
    _lost(SERVE_UNIX, "start_serving", "false-waits"),
    _drops_unknown(
        SERVE_UNIX,
        "passed-to-create-unix-server",
        *("ssl", "ssl_handshake_timeout", "sock", "backlog", "start_serving"),
    ),
    spoil(
        "start-unix-server-loses-callback",
        "start_unix_server.serve.accepts-connections",
        "A server takes connections and serves none.",
        (f"{SERVE_UNIX}.factory", argument("StreamReaderProtocol", 1, "None")),
    ),
)
