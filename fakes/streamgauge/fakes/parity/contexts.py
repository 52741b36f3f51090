"""Cases about contexts (line 2): in which of them the callbacks of a connection run."""

from __future__ import annotations

import asyncio
import contextvars
from functools import partial
from typing import Any, List, Tuple

from .cases import NETWORK, PLAIN, case
from .connecting import HOST, dial, turns
from .seen import Pair, Tap
from .writing import FLOOD

WHERE: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")
CALLBACKS = ("made", "data", "pause", "resume", "eof", "lost")

Noted = List[Tuple[str, str]]


def noting(noted: Noted) -> Any:
    """Make the reactions of a tap that note the context of each of its callbacks."""
    return {what: partial(_note, noted, what) for what in CALLBACKS}


def _note(noted: Noted, what: str, _: Any) -> None:
    noted.append((what, WHERE.get()))


@case(2, PLAIN)
async def contexts_on_a_pair(pair: Pair) -> Any:
    """Whose context callbacks run in: of who resumed, wrote or closed, or the connection's."""
    ours: Noted = []
    theirs: Noted = []
    WHERE.set("tapper")
    tap, other = pair.client.tap(**noting(ours)), pair.server.tap(**noting(theirs))
    other.keep_open = tap.keep_open = False
    other.transport.pause_reading()
    await pair.settle()
    WHERE.set("writer")
    tap.transport.write(FLOOD)
    await pair.settle()
    WHERE.set("resumer")
    other.transport.resume_reading()
    await pair.settle()
    WHERE.set("closer")
    tap.transport.close()
    await pair.settle()
    return ours, [*dict.fromkeys(theirs)]  # each once: deliveries are as many as they come


@case(2, NETWORK)
async def contexts_on_a_network(patience: int) -> Any:
    """Whose context the callbacks of clients and of a server's connections run in."""
    ours: Noted = []
    theirs: Noted = []

    def factory() -> Tap:
        theirs.append(("factory", WHERE.get()))
        WHERE.set("one connection of the " + WHERE.get())
        return Tap(None, keep_open=False, **noting(theirs))

    loop = asyncio.get_running_loop()
    WHERE.set("server")
    server = await loop.create_server(factory, HOST, 0)
    for name in ("client", "another"):
        WHERE.set(name)
        client = await dial(server.sockets[0].getsockname()[1], **noting(ours))
        await turns(patience)
        WHERE.set("later")
        client.transport.write(b"x")
        await turns(patience)
        client.transport.close()
        await turns(patience)
    server.close()
    return ours, theirs


@case(2, NETWORK)
async def contexts_of_a_server_that_starts_later(patience: int) -> Any:
    """Whether a factory runs in the context of who made the server, or of who started it."""
    theirs: Noted = []

    def factory() -> Tap:
        theirs.append(("factory", WHERE.get()))
        return Tap(None, keep_open=False, **noting(theirs))

    WHERE.set("maker")
    made: Any = asyncio.get_running_loop().create_server(factory, HOST, 0, start_serving=False)
    server = await made
    WHERE.set("starter")
    await server.start_serving()
    WHERE.set("client")
    client = await dial(server.sockets[0].getsockname()[1])
    await turns(patience)
    client.transport.abort()
    await turns(patience)
    server.close()
    return theirs
