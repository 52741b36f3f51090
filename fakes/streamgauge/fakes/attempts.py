"""`Attempts`: stands in for the loop under asyncio's own `create_connection`, without sockets.

Which arguments go together, the order of a name's addresses, Happy Eyeballs and the error of many
attempts are the running Python's: its method is called on this object. Only resolving a name,
connecting to one address, and making the transport are the network's, see `dialing`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple

from .arguments import client_options
from .connections import Connection
from .names import family_of
from .sockets import Address
from .wire import WireEnd

if TYPE_CHECKING:
    from .dialing import Dialing

__all__ = ["Attempts"]

AddressInfo = Tuple[int, int, int, str, Address]
#: What is in the place of a connected socket: the wire's end, and what holds the connection.
Connected = Tuple[WireEnd, Connection]


class Attempts:
    """The attempts of one call of `create_connection`.

    Args:
        dialing: what connects, and makes transports.
        loop: the running loop; whatever else asyncio asks is asked of it.
    """

    def __init__(self, dialing: Dialing, loop: asyncio.AbstractEventLoop) -> None:
        self._dialing = dialing
        self._loop = loop
        self._debug = loop.get_debug()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def connect(
        self, factory: Callable[[], Any], host: Any, port: Any, **kwargs: Any
    ) -> Tuple[Any, Any]:
        """Connect as the running asyncio's method does.

        Args:
            factory: makes the protocol.
            host: the host; None with ``sock=``.
            port: the port; None with ``sock=``.
            kwargs: the rest of the method's arguments.

        Returns:
            The transport and the protocol.

        Raises:
            OSError: no attempt succeeded; the same error as asyncio's.
            ValueError: the arguments do not go together.
            ForbiddenConnectError: an address is not in the network.
        """
        create: Any = asyncio.BaseEventLoop.create_connection
        made: Tuple[Any, Any] = await create(self, factory, host, port, **kwargs)
        return made

    # What asyncio's method asks of its loop

    async def _ensure_resolved(
        self, where: Any, *, loop: Any = None, **hints: Any
    ) -> List[AddressInfo]:
        given = {name: hint for name, hint in hints.items() if hint and name != "type"}
        found = self._dialing.addresses(where[0], where[1], given)
        proto = hints.get("proto", 0)
        return [(family_of(to[0]), socket.SOCK_STREAM, proto, "", to) for to in found]

    async def _connect_sock(
        self,
        exceptions: List[List[OSError]],
        info: AddressInfo,
        local: Optional[List[AddressInfo]] = None,
    ) -> Connected:
        met: List[OSError] = []
        exceptions.append(met)
        try:
            source = self._dialing.source(info[0], [each[-1] for each in local or ()])
            return await self._dialing.connect(source, info[-1])
        except OSError as exc:
            met.append(exc)
            raise

    async def _create_connection_transport(
        self, sock: Any, factory: Any, ssl: Any, server_hostname: Any, **timeouts: Any
    ) -> Tuple[Any, Any]:
        options = client_options(ssl, server_hostname, timeouts) if ssl else None
        end, connection = sock if isinstance(sock, tuple) else self._dialing.claim(sock)
        return await self._dialing.finish(factory, end, connection, options)
