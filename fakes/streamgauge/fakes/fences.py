"""What a memory network does not model, refused by name instead of done for real in silence.

Datagrams, and reading or writing by hand on a socket whose connection is in memory. What is
passed through, and every socket of the program's own, is left to the loop.
"""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional

from .outside import STREAMS_ONLY, ForbiddenConnectError
from .sockets import Address

if TYPE_CHECKING:
    from .network import MemoryNetwork

__all__ = ["Fences"]

#: The loop's methods that read or write on a socket.
BY_HAND = ("sock_recv", "sock_recv_into", "sock_sendall", "sock_sendfile")
#: Where a datagram socket that names no address is bound.
ANYWHERE = {socket.AF_INET: ("0.0.0.0", 0), socket.AF_INET6: ("::", 0)}


class Fences:
    """The loop's methods that stop at the border of a network.

    Args:
        network: the network that they belong to.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        self._net = network

    def methods(self) -> Dict[str, Callable[..., Any]]:
        """Give what is put in place of the loop's methods."""
        by_hand = {name: functools.partial(self._by_hand, name) for name in BY_HAND}
        return {
            "create_datagram_endpoint": self.create_datagram_endpoint,
            "sock_sendto": self.sock_sendto,
            **by_hand,
        }

    async def create_datagram_endpoint(
        self,
        protocol_factory: Callable[[], Any],
        local_addr: Optional[Address] = None,
        remote_addr: Optional[Address] = None,
        **kwargs: Any,
    ) -> Any:
        """Refuse, but for what is passed through and for a socket of the program's own.

        Raises:
            ForbiddenConnectError: neither is so.
        """
        if kwargs.get("sock") is None:
            family = kwargs.get("family") or socket.AF_INET
            where = remote_addr or local_addr or ANYWHERE.get(family, "")
            self.check(where, "a datagram socket at")
        below = self._net.below("create_datagram_endpoint")
        return await below(protocol_factory, local_addr, remote_addr, **kwargs)

    async def sock_sendto(self, sock: Any, data: Any, where: Address) -> int:
        """Refuse, but for what is passed through.

        Raises:
            ForbiddenConnectError: it is not.
        """
        self.check(where, "a datagram to")
        sent: int = await self._net.below("sock_sendto")(sock, data, where)
        return sent

    def check(self, where: Address, did: str) -> None:
        """Let datagrams go to, or come from, what is passed through.

        Args:
            where: the address.
            did: what was tried, for the message.

        Raises:
            ForbiddenConnectError: it is not passed through.
        """
        if not self._net.passes(*(where[:2] if isinstance(where, tuple) else (where, None))):
            raise ForbiddenConnectError(where, did=did, why=STREAMS_ONLY)

    async def _by_hand(self, name: str, sock: Any, *args: Any, **kwargs: Any) -> Any:
        if self._net.parking.holds(sock):
            raise NotImplementedError(
                f"{name}() got a socket whose connection is in the memory network: it can only be"
                " handed on, with create_connection(..., sock=sock)"
            )
        return await self._net.below(name)(sock, *args, **kwargs)
