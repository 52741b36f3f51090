"""Saboteurs of single parameters: each of the four functions, with one of them ignored.

Every line of `IGNORED` is a saboteur: the function takes the parameter and drops it, so that the
loop's method never hears of it. The loop, the limit and the rest go wrong in further ways.
"""

from __future__ import annotations

import asyncio
from typing import Any, Dict, Tuple

from streamgauge.conformance.saboteurs.making import instead, saboteur

NOTHING_RAISED = "nothing was raised"
CLIENTS = ("open_connection", "open_unix_connection")
SERVERS = ("start_server", "start_unix_server")

# function and parameter -> the clause's last word, a piece of the message
IGNORED: Dict[Tuple[str, str], Tuple[str, str]] = {
    ("open_connection", "limit"): ("sets-reader-limit", "expected LimitOverrunError"),
    ("open_connection", "ssl"): ("context-encrypts", "never ended"),
    ("open_connection", "family"): ("passed-on", "expected OSError, nothing was raised"),
    ("open_connection", "proto"): ("passed-on", "expected OSError, nothing was raised"),
    ("open_connection", "flags"): ("passed-on", "expected gaierror"),
    ("open_connection", "sock"): ("adopted", "raised ValueError"),
    ("open_connection", "local_addr"): ("passed-on", "expected OSError, nothing was raised"),
    ("open_connection", "server_hostname"): ("verified", "expected SSLCertVerificationError"),
    ("open_connection", "ssl_handshake_timeout"): ("bounds-handshake", "never ended"),
    ("open_unix_connection", "limit"): ("sets-reader-limit", "expected LimitOverrunError"),
    ("open_unix_connection", "ssl"): ("context-encrypts", "never ended"),
    ("open_unix_connection", "sock"): ("adopted", "raised ValueError"),
    ("open_unix_connection", "ssl_handshake_timeout"): ("bounds-handshake", "never ended"),
    ("start_server", "limit"): ("sets-reader-limit", "expected LimitOverrunError"),
    ("start_server", "family"): ("passed-on", "families of the listening sockets"),
    ("start_server", "flags"): ("passed-on", "expected gaierror"),
    ("start_server", "sock"): ("adopted", "raised ValueError"),
    ("start_server", "backlog"): ("passed-on", "expected 7"),
    ("start_server", "ssl"): ("context-encrypts", "never ended"),
    ("start_server", "reuse_address"): ("passed-on", "SO_REUSEADDR with reuse_address=False"),
    ("start_server", "reuse_port"): ("passed-on", "ddress already in use"),
    ("start_server", "ssl_handshake_timeout"): ("bounds-handshake", "never ended"),
    ("start_server", "start_serving"): ("false-waits", "clients served before"),
    ("start_unix_server", "limit"): ("sets-reader-limit", "expected LimitOverrunError"),
    ("start_unix_server", "sock"): ("adopted", "raised ValueError"),
    ("start_unix_server", "backlog"): ("passed-on", "expected [7], got [None]"),
    ("start_unix_server", "ssl"): ("context-encrypts", "never ended"),
    ("start_unix_server", "ssl_handshake_timeout"): ("bounds-handshake", "never ended"),
    ("start_unix_server", "start_serving"): ("false-waits", "clients served before"),
    ("open_connection", "ssl_shutdown_timeout"): ("bounds-closing", "never ended"),
    ("open_unix_connection", "ssl_shutdown_timeout"): ("bounds-closing", "never ended"),
    ("start_server", "ssl_shutdown_timeout"): ("bounds-closing", "never ended"),
    ("start_unix_server", "ssl_shutdown_timeout"): ("bounds-closing", "never ended"),
    ("open_connection", "happy_eyeballs_delay"): ("tries-next-address", "never ended"),
    ("open_connection", "interleave"): ("orders-families", "with interleave=1"),
    ("start_server", "keep_alive"): ("sets-option", "SO_KEEPALIVE with keep_alive=True"),
}

# What would be refused without the parameter, so that its absence would be noticed at once.
BESIDE = {"ssl": ("server_hostname", "ssl_handshake_timeout")}


def _changed(s: Any, function: str, change: Any) -> None:
    """Have a function change its keywords first: `change` is given them and returns them."""
    real = getattr(s, function)

    async def changed(*args: Any, **kwds: Any) -> Any:
        return await real(*args, **change(kwds))

    setattr(s, function, changed)


def _without(kwds: Dict[str, Any], *names: str) -> Dict[str, Any]:
    return {name: value for name, value in kwds.items() if name not in names}


def _ignoring(function: str, parameter: str) -> None:
    clause, message = IGNORED[function, parameter]

    @saboteur(
        f"{function}.{parameter}.{clause}",
        message,
        name=f"{function}_ignores_{parameter}",
        fault=f"{function} takes {parameter} and does not pass it on.",
    )
    def patch(s: Any) -> None:
        dropped = (parameter, *BESIDE.get(parameter, ()))
        _changed(s, function, lambda kwds: _without(kwds, *dropped))


for _function, _parameter in IGNORED:
    _ignoring(_function, _parameter)


def _on_each(
    functions: Tuple[str, ...], clause: str, message: str, name: str, fault: str, change: Any
) -> None:
    """Register the same fault for each of several functions, as each has a clause of its own."""
    for function in functions:

        def patch(s: Any, function: str = function) -> None:
            _changed(s, function, change)

        saboteur(
            f"{function}.{clause}", message, name=f"{function}_{name}", fault=f"{function} {fault}"
        )(patch)


def _half(kwds: Dict[str, Any]) -> Dict[str, Any]:
    return {"limit": 65536 // 2, **kwds}


def _one_more(kwds: Dict[str, Any]) -> Dict[str, Any]:
    return {"limit": 65537, **kwds}


def _none_refused(kwds: Dict[str, Any]) -> Dict[str, Any]:
    if kwds.get("limit", 1) is None:
        raise TypeError("limit has to be a number")
    return kwds


def _any_limit(kwds: Dict[str, Any]) -> Dict[str, Any]:
    return {**kwds, "limit": max(1, kwds.get("limit", 65536) or 65536)}


def _loop_refused(kwds: Dict[str, Any]) -> Dict[str, Any]:
    if "loop" in kwds:
        raise TypeError("unexpected keyword argument 'loop'")
    return kwds


BOTH = (*CLIENTS, *SERVERS)
_on_each(
    BOTH,
    "limit.default-64-kib",
    "LimitOverrunError",
    "has_half_the_default_limit",
    "gives readers a limit of 32 KiB unless told.",
    _half,
)
_on_each(
    BOTH,
    "limit.default-64-kib",
    "expected LimitOverrunError, nothing was raised",
    "has_one_byte_more_of_limit",
    "gives readers a limit of 65537 bytes unless told.",
    _one_more,
)
_on_each(
    BOTH,
    "limit.none-is-default",
    "TypeError",
    "refuses_limit_none",
    "raises TypeError for limit=None, the default that the page prints.",
    _none_refused,
)
_on_each(
    BOTH,
    "limit.not-positive-rejected",
    "expected ValueError, nothing was raised",
    "takes_any_limit",
    "takes a limit of zero or below for one byte.",
    _any_limit,
)
_on_each(
    BOTH,
    "loop.accepted",
    "TypeError",
    "refuses_a_loop",
    "raises TypeError for loop=.",
    _loop_refused,
)
_on_each(
    BOTH,
    "loop.deprecated",
    "a DeprecationWarning about loop",
    "says_nothing_of_a_loop",
    "takes loop= without a warning.",
    lambda kwds: _without(kwds, "loop"),
)

CONNECTING = (
    *("host", "port", "path", "loop", "limit", "ssl", "family", "proto", "flags", "sock"),
    *("local_addr", "server_hostname", "happy_eyeballs_delay", "interleave", "all_errors"),
)
LISTENING = (
    *("client_connected_cb", "backlog", "reuse_address", "reuse_port", "keep_alive"),
    *("start_serving", "cleanup_socket", "ssl_handshake_timeout", "ssl_shutdown_timeout"),
)
KNOWN = frozenset(CONNECTING + LISTENING)


def _known_only(kwds: Dict[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in kwds.items() if name in KNOWN}


def _ten_only(kwds: Dict[str, Any]) -> Dict[str, Any]:
    unknown = set(kwds) - KNOWN
    if unknown:
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}")
    return kwds


def _nothing_is_none(kwds: Dict[str, Any]) -> Dict[str, Any]:
    if None in kwds.values():
        raise TypeError("None is no value")
    return kwds


_on_each(
    ("open_connection", "start_server"),
    "rest.unknown-keyword-rejected",
    "expected TypeError, nothing was raised",
    "swallows_what_it_does_not_know",
    "drops keywords that it does not know without a word.",
    _known_only,
)
for _function, _method in zip(BOTH, ("connection", "unix-connection", "server", "unix-server")):
    _on_each(
        (_function,),
        f"rest.passed-to-create-{_method}",
        "TypeError",
        "knows_todays_keywords_only",
        "refuses keywords that the loop may learn later.",
        _ten_only,
    )
for _function, _method in zip(CLIENTS, ("connection", "unix-connection")):
    _on_each(
        (_function,),
        f"rest.passed-to-create-{_method}",
        "raised TypeError",
        "refuses_defaults",
        "refuses a parameter that is None, as most are by default.",
        _nothing_is_none,
    )


@saboteur("open_connection.loop.optional", "raised TypeError")
def open_connection_has_to_be_given_a_loop(s: Any) -> None:
    """open_connection raises TypeError unless it is given a loop."""
    _changed(s, "open_connection", _loop_needed)


@saboteur("start_server.loop.optional", "raised TypeError")
def start_server_has_to_be_given_a_loop(s: Any) -> None:
    """start_server raises TypeError unless it is given a loop."""
    _changed(s, "start_server", _loop_needed)


def _loop_needed(kwds: Dict[str, Any]) -> Dict[str, Any]:
    if "loop" not in kwds:
        raise TypeError("missing keyword argument 'loop'")
    return kwds


@saboteur("open_connection.loop.optional", "it ended with RuntimeError")
def streams_wait_on_another_loop(s: Any) -> None:
    """A read waits on a loop that the module made when it was imported."""

    @instead(s.StreamReader)
    def _expect(self: Any, *args: Any) -> Any:
        other = asyncio.new_event_loop()
        try:
            return other.create_future()
        finally:
            other.close()


@saboteur("open_connection.server_hostname.without-ssl-rejected", NOTHING_RAISED)
def a_name_to_verify_without_tls_is_ignored(s: Any) -> None:
    """server_hostname without ssl is ignored: the connection is neither encrypted nor verified."""
    _changed(
        s,
        "open_connection",
        lambda kwds: kwds if kwds.get("ssl") else _without(kwds, "server_hostname"),
    )


@saboteur("open_connection.sock.with-host-rejected", NOTHING_RAISED)
def a_socket_outdoes_the_address(s: Any) -> None:
    """sock= together with host and port is taken, and the address ignored."""
    _changed(
        s,
        "open_connection",
        lambda kwds: _without(kwds, "host", "port") if "sock" in kwds else kwds,
    )


@saboteur("open_connection.sock.open-after-bad-limit", "the socket to be open still")
def a_bad_limit_costs_the_callers_socket(s: Any) -> None:
    """A socket that was passed with a bad limit is closed."""
    real = s.open_connection

    async def open_connection(*args: Any, **kwds: Any) -> Any:
        try:
            return await real(*args, **kwds)
        except ValueError:
            if "sock" in kwds:
                kwds["sock"].close()
            raise

    s.open_connection = open_connection


@saboteur("start_server.backlog.default-100", "got 5")
def the_default_backlog_is_five(s: Any) -> None:
    """start_server asks for a backlog of 5 unless told."""
    _changed(s, "start_server", lambda kwds: {"backlog": 5, **kwds})


@saboteur("start_server.reuse_address.passed-on", "SO_REUSEADDR with reuse_address=True")
def reuse_address_is_turned_round(s: Any) -> None:
    """reuse_address=True clears the option, False sets it."""
    _changed(
        s,
        "start_server",
        lambda kwds: (
            {**kwds, "reuse_address": not kwds["reuse_address"]}
            if "reuse_address" in kwds
            else kwds
        ),
    )
