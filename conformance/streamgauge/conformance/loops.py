"""Event loops by name: those that are known, `MODULE:FACTORY` for any other.

A loop is part of what is judged: streams stand on its transports. Nothing here imports a loop
but by the name that the user gave.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Callable, FrozenSet, List, Mapping, Optional, Tuple

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.importing import attribute_of, import_for
from streamgauge.conformance.plan import STOCK_LOOP

__all__ = [
    "KNOWN",
    "KnownLoop",
    "LoopFactory",
    "lacks_of",
    "module_of_loop",
    "names",
    "resolve_loop",
    "strangers_of",
]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

AROUND = "+"  # as in aiofastnet+uvloop: the one around the other


@dataclass(frozen=True)
class KnownLoop:
    """A loop that has a name of its own.

    Args:
        module: what has to be installed.
        factory: gives the loop's factory, from that module.
        line: what it is, for people.
        wraps: gives the factory of such a loop around another's, if it can be around one.
        lacks: what it never offered, and says so by NotImplementedError, in the catalogue's words.
    """

    module: str
    factory: Callable[[Any], LoopFactory]
    line: str
    wraps: Optional[Callable[[Any, LoopFactory], LoopFactory]] = None
    lacks: FrozenSet[str] = frozenset()


def _eager(module: Any) -> LoopFactory:
    task_factory = attribute_of(module, "eager_task_factory", "loop 'asyncio-eager'")

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(task_factory)
        return loop

    return new_loop


def _debug(module: Any) -> LoopFactory:
    def new_loop() -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = module.new_event_loop()
        loop.set_debug(True)
        return loop

    return new_loop


def _new_event_loop(module: Any) -> LoopFactory:
    return module.new_event_loop  # type: ignore[no-any-return]  # the module is any


KNOWN: Mapping[str, KnownLoop] = {
    STOCK_LOOP: KnownLoop("asyncio", _new_event_loop, "the running Python's own"),
    "asyncio-debug": KnownLoop("asyncio", _debug, "the same in debug mode"),
    "asyncio-eager": KnownLoop("asyncio", _eager, "the same with eager tasks (Python 3.12)"),
    "uvloop": KnownLoop("uvloop", _new_event_loop, "libuv's"),
    "rloop": KnownLoop(
        "rloop",
        _new_event_loop,
        "in Rust",
        lacks=frozenset(("open_unix_connection", "start_unix_server", "ssl", "start_tls")),
    ),
    "winloop": KnownLoop("winloop", _new_event_loop, "uvloop for Windows, runs on Linux too"),
    "zloop": KnownLoop(
        "zloop",
        _new_event_loop,
        "on io_uring",
        lacks=frozenset(("open_unix_connection", "start_tls")),
    ),
    "talyn": KnownLoop("talyn", lambda module: module.Loop, "in Zig"),
    "aiofastnet": KnownLoop(
        "aiofastnet",
        lambda module: module.loop_factory(),
        "fast transports for another loop; aiofastnet+uvloop puts them on that",
        wraps=lambda module, inner: module.loop_factory(inner),
    ),
}


def resolve_loop(name: str) -> LoopFactory:
    """Find the loop factory of that name.

    Args:
        name: a known one, `MODULE:FACTORY`, or, of a loop that can be around another,
            `NAME+OTHER`.

    Raises:
        UsageError: if it cannot be imported or cannot be called.
    """
    outer, around, inner = name.partition(AROUND)
    what = f"loop {name!r}"
    known = KNOWN.get(outer)
    if around:
        if known is None or known.wraps is None:
            able = ", ".join(n for n, loop in KNOWN.items() if loop.wraps)
            raise UsageError(f"{what}: {outer!r} goes around no other loop; {able} does")
        innermost = resolve_loop(inner)
        return known.wraps(import_for(known.module, what), innermost)
    if known is not None:
        return known.factory(import_for(known.module, what))
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise UsageError(f"{what}: expected one of {', '.join(KNOWN)}, or MODULE:FACTORY")
    factory = attribute_of(import_for(module_name, what), attribute, what)
    if not callable(factory):
        raise UsageError(f"{what}: expected a callable, got {factory!r}")
    return factory  # type: ignore[no-any-return]  # what it returns is the user's word


def lacks_of(name: str) -> FrozenSet[str]:
    """Give what a loop that is known by name never offered, in the catalogue's words."""
    return KNOWN[name].lacks if name in KNOWN else frozenset()


def names() -> List[str]:
    """Give the names that are known: each loop's own, and those of one around another."""
    around = [f"{n}{AROUND}{inner}" for n, loop in KNOWN.items() if loop.wraps for inner in KNOWN]
    return [*KNOWN, *around]


def module_of_loop(name: str) -> str:
    """Return the module that a loop's name leads to first."""
    innermost = name.rsplit(AROUND, maxsplit=1)[-1].partition(":")[0]
    return KNOWN[innermost].module if innermost in KNOWN else innermost


def strangers_of(name: str) -> Tuple[str, ...]:
    """Give the modules that a loop's name leads to, but for those of loops known by name."""
    parts = [part.partition(":") for part in name.split(AROUND)]
    return tuple(module for module, colon, _ in parts if colon)
