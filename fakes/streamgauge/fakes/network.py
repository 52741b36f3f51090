"""`MemoryNetwork`: while it is entered, the running loop's connections touch no socket.

Here are the network's own verbs, and its entering and leaving. The loop's methods that it puts
in place are in `dialing` (clients), `serving` (servers, names) and `fences` (what stays out); how
they are put there in `takeover`; what stays real is in `outside`. Nothing global is changed:
another loop, and this one afterwards, is as it was.
"""

from __future__ import annotations

import asyncio
import math
import weakref
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Type, Union

from . import tls
from .acceptor import HANDLED_BY
from .chunks import ChunksLike
from .connections import Connection, Unread, netstat
from .dialing import Dialing
from .fences import Fences
from .leaks import Leak, add_note, check, ignored
from .listeners import Listeners
from .names import AddressLike, Hosts, Names
from .outside import Outside
from .parking import Parking
from .rules import Rule, Verdict, verdict
from .sending import knows_sendfile, sendfile
from .server import MemoryServer
from .serving import Serving
from .sockets import Address
from .takeover import Layer, bearing
from .wire import UNIX, Wire, WireEnd

__all__ = ["MemoryNetwork"]

#: Turns of the loop that handlers get to notice that their clients have gone.
SETTLING_TURNS = 100
#: Methods that programs ask for their parameters, to see what a loop knows.
TOLD = frozenset(
    {"create_connection", "create_server", "create_unix_connection", "create_unix_server"}
)


class MemoryNetwork:
    """A network in memory, in place of the running loop's.

    Args:
        hosts: name to numeric address, or to several; each is a machine of the network.
        window: bytes in flight on a connection, each way, before a sender is held; by default 2
            MiB, and 208 KiB on a path, as Linux does.
        chunks: how arrivals are cut into deliveries on every connection, see `Chunks`.
        ignore_leaks: names of leaks that are no error, or ``"all"``; see `LEAKS`.

    ``async with MemoryNetwork() as net:`` enters it. Leaving ends every connection and server,
    cancels handler tasks that are left, and gives the loop its methods back, whatever happens.
    Networks nest: the inner one answers, and what it passes through goes to the outer one. One
    that was left can be entered again, and is as new but for what it passes through. What
    happens to traffic can be said before entering as well: it holds from then until leaving.

    Raises:
        LeakError: on leaving, if a server, a client's writer or a handler's task is left, or
            bytes that nobody read; not if the body raised.
        ValueError: an address in ``hosts`` is not numeric, a window below one byte, an unknown
            leak.
        TypeError: ``hosts`` is no mapping, the window no whole number, ``chunks`` neither a policy
            nor callable.
    """

    def __init__(
        self,
        *,
        hosts: Optional[Hosts] = None,
        window: Optional[int] = None,
        chunks: Optional[ChunksLike] = None,
        ignore_leaks: Union[str, Iterable[str]] = (),
    ) -> None:
        self.names = Names(hosts or {})
        self.listeners = Listeners(self.names)
        self.outside = Outside(self.names)
        self.passes = self.outside.passes
        Wire(window=window, chunks=chunks)  # refuses nonsense now, not at the first connection
        self.window = window
        self.chunks = chunks
        self.servers: List[MemoryServer] = []
        self.loop: asyncio.AbstractEventLoop = None  # type: ignore[assignment]  # until entered
        self._ignore = ignored(ignore_leaks)
        self._connections: Dict[Connection, None] = {}  # in the order in which they were made
        self._unread: List[Unread] = []  # of ends that were closed
        self.rules: List[Rule] = []  # what is done to traffic
        self._held_up: Set[asyncio.Future[None]] = set()
        self._tasks: Set[weakref.ref[asyncio.Task[Any]]] = set()
        self.parking = Parking()
        self._dialing = Dialing(self)
        self._serving = Serving(self)
        self._fences = Fences(self)
        self._layer: Optional[Layer] = None

    # Entering and leaving

    async def __aenter__(self) -> MemoryNetwork:
        if self._layer is not None:
            raise RuntimeError("this memory network is entered already, expected a fresh one")
        self.loop = asyncio.get_running_loop()
        parts = self._dialing, self._serving, self._fences
        methods = {name: method for part in parts for name, method in part.methods().items()}
        methods.update(create_task=self._create_task)
        if not tls.takes_memory(self.loop):
            methods.update(start_tls=self._start_tls)
        if knows_sendfile(self.loop):
            methods.update(sendfile=self._sendfile)
        here = {name: method for name, method in methods.items() if hasattr(self.loop, name)}
        for name in TOLD.intersection(here):
            here[name] = bearing(getattr(self.loop, name), here[name])
        self._layer = Layer(self.loop, here)
        self._layer.put()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], exc: Optional[BaseException], trace: object
    ) -> None:
        leaks: List[Leak] = []
        try:
            if exc is None:
                leaks = await self._settled()
            else:
                add_note(exc, self.report())
            await self._end()
        finally:
            layer, self._layer = self._layer, None
            if layer is not None:
                layer.take_back()
        check("the memory network", leaks, self._ignore)

    @property
    def entered(self) -> bool:
        """Whether the loop's methods are this network's now."""
        return self._layer is not None

    # What the world outside is

    def passthrough(self, *addresses: AddressLike) -> None:
        """Let some real destinations be reached.

        Args:
            addresses: ``"127.0.0.1:5432"``, ``"[::1]:80"``, ``"db.example:*"`` or a path, as the
                program names them or as numbers; without a port, all of them. Servers there are
                real as well.

        Raises:
            ValueError: the port is not a number.
            TypeError: it is no address at all.
        """
        self.outside.passthrough(*addresses)

    # What happens to traffic

    def refuse(self, where: AddressLike) -> None:
        """Refuse connections to an address, and reset those that are open.

        Args:
            where: ``"host:port"``, ``"host"`` for all its ports, or a path.

        Raises:
            socket.gaierror: the host is unknown.
            ValueError: the port is not a number, or none that a port can have.
            TypeError: it is no address at all.
        """
        self._rule(Verdict(refused=True), where)

    def blackhole(self, where: AddressLike) -> None:
        """Lose everything to and from an address: connects hang, open connections stall.

        Args:
            where: see `refuse`.
        """
        self._rule(Verdict(lost=True), where)

    def latency(self, where: AddressLike, seconds: float) -> None:
        """Delay everything to and from an address, connects (by a round trip) included.

        Args:
            where: see `refuse`.
            seconds: each way, of the loop's own clock; nothing overtakes anything.

        Raises:
            ValueError: a negative time, or one without end, or none.
        """
        if not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
            raise ValueError(
                f"latency got {seconds!r} seconds, expected 0 or more; blackhole() is for ever"
            )
        self._rule(Verdict(delay_s=seconds), where)

    def partition(self, a: AddressLike, b: AddressLike) -> None:
        """Lose everything between two sides, as `blackhole` does.

        Args:
            a: one side; a client is at 127.0.0.1, or ::1, unless it gives ``local_addr``.
            b: the other.
        """
        self._rule(Verdict(lost=True), a, b)

    def heal(self) -> None:
        """Take all rules back: what was held arrives, and connects that hang go on."""
        self.rules.clear()
        self._apply()

    # Bare wires

    async def connect(self, to: Address) -> Tuple[WireEnd, Connection]:
        """Connect to an address of the network, and leave the client's end in your own hands.

        Args:
            to: as a socket's `getsockname` gives it: a tuple, or a path.

        Returns:
            The client's end of the wire, and what the network knows of the connection.

        Raises:
            ForbiddenConnectError: the address is not in the network.
            ConnectionRefusedError: nobody listens there.
            FileNotFoundError: the path is not there.
            RuntimeError: the network is not entered.
        """
        if self._layer is None:
            raise RuntimeError(f"connect() to {to!r}, but this network is not entered")
        if isinstance(to, tuple):
            return await self._dialing.connect(None, to)
        return await self._dialing.connect("", to, UNIX)

    # What can be seen

    @property
    def connections(self) -> Tuple[Connection, ...]:
        """The connections of which an end is open, in the order in which they were made."""
        return tuple(self._connections)

    def netstat(self) -> str:
        """Give a table of the listeners, and of each open end with its state and bytes."""
        return netstat(self.listeners.addresses(), self._connections)

    def report(self) -> str:
        """Give `netstat`, and the last bytes of each connection, for a failure."""
        last = [line for connection in self._connections for line in connection.last_bytes()]
        return "\n".join([self.netstat(), *last])

    # What `dialing` and `serving` need

    def below(self, name: str) -> Callable[..., Any]:
        """Give the loop's method as it is without this network."""
        assert self._layer is not None
        return self._layer.below(name)

    def verdict(self, a: Address, b: Address) -> Verdict:
        """Give what the rules say about two addresses."""
        return verdict(self.rules, a, b)

    def heard(self, where: Address) -> bool:
        """Whether somebody listens at an address, or it is not for this network to say."""
        owner = self.listeners.find(where) if self.names.is_ours(where[0]) else None
        return owner is not None and bool(owner.is_serving())

    async def way(self, source: Address, to: Address) -> bool:
        """Wait until a connect can get through and its answer back; false if that is a refusal."""
        while self.verdict(source, to).lost:
            await self._rules_change()
        delay = self.verdict(source, to).delay_s
        if delay:
            arrived: asyncio.Future[None] = self.loop.create_future()
            timer = self.loop.call_later(2 * delay, _resolve, arrived)
            try:
                await arrived
            finally:
                timer.cancel()
        return not self.verdict(source, to).refused

    def opened(self, wire: Wire, client: Address, server: Address) -> Connection:
        """Take note of a new connection."""
        open_ones, unread = self._connections, self._unread
        connection = Connection(self.loop, wire, client, server, open_ones, unread)
        if self.rules:
            connection.apply(self.verdict(client, server))
        return connection

    # The rest

    def _rule(self, does: Verdict, where: AddressLike, other: Optional[AddressLike] = None) -> None:
        place = self.names.place(where)
        self.rules.append(Rule(does, place, None if other is None else self.names.place(other)))
        self._apply()

    def _apply(self) -> None:
        for connection in self.connections:
            connection.apply(self.verdict(connection.client, connection.server))
        held_up, self._held_up = self._held_up, set()
        for waiter in held_up:
            _resolve(waiter)

    async def _rules_change(self) -> None:
        waiter: asyncio.Future[None] = self.loop.create_future()
        self._held_up.add(waiter)
        try:
            await waiter
        finally:
            self._held_up.discard(waiter)

    async def _start_tls(self, transport: Any, *args: Any, **kwargs: Any) -> Any:
        if tls.over_memory(transport):
            return await tls.start_tls(self.loop, transport, *args, **kwargs)
        return await self.below("start_tls")(transport, *args, **kwargs)

    async def _sendfile(self, transport: Any, *args: Any, **kwargs: Any) -> int:
        if tls.over_memory(transport):
            return await sendfile(self.loop, transport, *args, **kwargs)
        return await self.below("sendfile")(transport, *args, **kwargs)  # type: ignore[no-any-return]

    def _create_task(self, *args: Any, **kwargs: Any) -> asyncio.Task[Any]:
        assert self._layer is not None
        task: asyncio.Task[Any] = self._layer.below("create_task")(*args, **kwargs)
        if HANDLED_BY.get() is not None:
            self._tasks.add(weakref.ref(task, self._tasks.discard))
        return task

    def _alive(self) -> List[asyncio.Task[Any]]:
        current = asyncio.current_task()
        tasks = [ref() for ref in [*self._tasks]]
        return [task for task in tasks if task and not task.done() and task is not current]

    def _leaks(self) -> List[Leak]:
        self.parking.drop_closed()
        leaks = [Leak("server-not-closed", repr(server)) for server in self.servers]
        leaks += [Leak("handler-task-alive", repr(task)) for task in self._alive()]
        for connection in self._connections:
            leaks += connection.leaks()
        for unread in self._unread:
            leaks += unread.leaks()
        return leaks

    async def _settled(self) -> List[Leak]:
        """Give the leaks that are left once handlers had time to see their clients go.

        What rules or hands have held arrives first: a handler that waits for it does no wrong.
        """
        for connection in self.connections:
            connection.wire.resume()
        leaks = self._leaks()
        for _ in range(SETTLING_TURNS):
            if not leaks:
                break
            await asyncio.sleep(0)
            leaks = self._leaks()
        return leaks

    async def _end(self) -> None:
        self.rules.clear()
        for server in [*self.servers]:
            server.close()
        self.parking.drop_all()
        for connection in self.connections:
            for transport in [*connection.transports]:
                transport.abort()
        await self._end_tasks()
        while any(connection.transports for connection in self._connections):  # noqa: ASYNC110
            await asyncio.sleep(0)
        self._connections.clear()
        self._unread.clear()

    async def _end_tasks(self) -> None:
        for _ in range(SETTLING_TURNS):  # to see their connections go; else they are cancelled
            if not self._alive():
                return
            await asyncio.sleep(0)
        alive = self._alive()
        for task in alive:
            task.cancel()
        done, _ = await asyncio.wait(alive)  # unlike gather, a cancellation ends it at once
        for task in done:
            task.cancelled() or task.exception()  # it is told of, if at all, as a leak


def _resolve(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
