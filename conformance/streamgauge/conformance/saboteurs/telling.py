"""Saboteurs of `StreamWriter.transport` and `get_extra_info`: wrong answers."""

from __future__ import annotations

from typing import Any

from streamgauge.conformance.saboteurs.making import instead, saboteur


def _answering(s: Any, answers: Any) -> None:
    """Answer some names otherwise: `answers` maps a name to what is told instead."""
    real = s.StreamWriter.get_extra_info

    @instead(s.StreamWriter)
    def get_extra_info(self: Any, name: str, default: Any = None) -> Any:
        return answers[name](self) if name in answers else real(self, name, default)


@saboteur("writer.transport.underlying-transport", "by the transport")
def transport_is_another_ones(s: Any) -> None:
    """Transport is an object that takes everything and sends nothing."""

    class Sink:
        def __getattr__(self, name: str) -> Any:
            return lambda *args: None

    s.StreamWriter.transport = property(lambda self: Sink())


@saboteur("writer.transport.underlying-transport", "is_closing() after transport.abort()")
def the_writer_does_not_see_its_transport_close(s: Any) -> None:
    """is_closing() is false when the transport was closed behind the writer's back."""
    real = s.StreamWriter.close

    @instead(s.StreamWriter)
    def close(self: Any) -> None:
        self._closed = True
        real(self)

    @instead(s.StreamWriter)
    def is_closing(self: Any) -> bool:
        return getattr(self, "_closed", False) or self._flow._connection_lost


@saboteur("writer.get_extra_info.peername", "expected", links=("tcp",))
def peername_is_the_own_address(s: Any) -> None:
    """get_extra_info("peername") gives the connection's own address."""
    _answering(s, {"peername": lambda self: self._transport.get_extra_info("sockname")})


@saboteur("writer.get_extra_info.peername", "expected", links=("tcp",))
def peername_is_unknown_in_handlers(s: Any) -> None:
    """A handler's writer does not tell who its client is."""
    told = "peername"
    _answering(
        s,
        {
            told: lambda self: (
                None
                if self._protocol._client_connected_cb
                else self._transport.get_extra_info(told)
            )
        },
    )


@saboteur("writer.get_extra_info.sockname", "expected", links=("tcp",))
def sockname_is_the_peers_address(s: Any) -> None:
    """get_extra_info("sockname") gives the peer's address."""
    _answering(s, {"sockname": lambda self: self._transport.get_extra_info("peername")})


@saboteur("writer.get_extra_info.sockname", "expected", links=("tcp",))
def sockname_is_unknown_in_handlers(s: Any) -> None:
    """A handler's writer does not tell which address its client chose."""
    told = "sockname"
    _answering(
        s,
        {
            told: lambda self: (
                None
                if self._protocol._client_connected_cb
                else self._transport.get_extra_info(told)
            )
        },
    )


@saboteur("writer.get_extra_info.socket", "NoneType")
def the_socket_is_not_told(s: Any) -> None:
    """get_extra_info("socket") gives None."""
    _answering(s, {"socket": lambda self: None})


@saboteur("writer.get_extra_info.tls-details", "sslcontext to be the one passed")
def tls_details_are_not_told(s: Any) -> None:
    """get_extra_info gives None for everything about TLS."""
    names = ("sslcontext", "ssl_object", "cipher", "peercert")
    _answering(s, dict.fromkeys(names, lambda self: None))


@saboteur("writer.get_extra_info.tls-details", "cipher: expected None")
def a_plain_connection_tells_of_a_cipher(s: Any) -> None:
    """get_extra_info("cipher") gives a made-up cipher on a plain connection."""
    made_up = ("NULL", "none", 0)
    _answering(s, {"cipher": lambda self: self._transport.get_extra_info("cipher") or made_up})


@saboteur("writer.get_extra_info.unknown-is-none", "KeyError")
def an_unknown_name_raises(s: Any) -> None:
    """get_extra_info raises KeyError for a name that the transport does not know."""
    real = s.StreamWriter.get_extra_info

    @instead(s.StreamWriter)
    def get_extra_info(self: Any, name: str, default: Any = None) -> Any:
        found = real(self, name, default)
        if found is None:
            raise KeyError(name)
        return found


@saboteur("writer.get_extra_info.default-returned", "expected 'by position', got None")
def the_default_is_ignored(s: Any) -> None:
    """get_extra_info returns None for an unknown name, whatever the default."""
    real = s.StreamWriter.get_extra_info

    @instead(s.StreamWriter)
    def get_extra_info(self: Any, name: str, default: Any = None) -> Any:
        return real(self, name)


@saboteur("writer.get_extra_info.default-returned", "expected 0, got None")
def a_false_default_is_ignored(s: Any) -> None:
    """get_extra_info returns None for an unknown name if the default is false."""
    real = s.StreamWriter.get_extra_info

    @instead(s.StreamWriter)
    def get_extra_info(self: Any, name: str, default: Any = None) -> Any:
        return real(self, name, default or None)
