"""Subjects: what is judged, and how a name given by the user becomes one.

Three ways, from no code to a little: a module shaped like asyncio, an object of that shape, or
a `Subject` with its own `pair()`. Nothing here imports an implementation but by that name.
"""

from __future__ import annotations

import inspect
import socket
from typing import Any, Dict, FrozenSet, Mapping, Tuple, Type

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.importing import attribute_of, import_for
from streamgauge.conformance.plan import LINKS

__all__ = [
    "BUILTIN",
    "ShapedSubject",
    "Subject",
    "answers_everything",
    "builtin",
    "module_of",
    "resolve",
    "strangers_of",
]

ADAPTERS = "streamgauge.conformance.adapters"
# name -> (module, one line for `streamgauge subjects`)
BUILTIN: Mapping[str, Tuple[str, str]] = {
    "stdlib": ("asyncio", "the running Python's own asyncio streams"),
    "streams": ("streamgauge.streams", "streamgauge's implementation, the reference subject"),
    "asyncssh": (f"{ADAPTERS}.asyncssh:Asyncssh", "a connection forwarded through SSH"),
    "telnetlib3": (f"{ADAPTERS}.telnetlib3:Telnetlib3", "a Telnet client's streams of bytes"),
    "aiohttp": (f"{ADAPTERS}.aiohttp:Aiohttp", "the reader of aiohttp's bodies, fed by hand"),
}


NO_NAME = "a_name_that_streamgauge_made_up"


class Subject:
    """What is judged. Subclass it to bring an implementation that is not shaped like asyncio.

    One method is mandatory: `pair`. What the implementation never offered is named in `lacks`
    and becomes inapplicable; anything else that is missing counts as a failure.

    Attributes:
        name: as it stands in reports.
        lacks: capabilities it does not have, in the words of the clauses' `needs`.
        links: the links it can be joined by; `own` means through its `pair`.
    """

    name: str = ""
    lacks: FrozenSet[str] = frozenset()
    links: Tuple[str, ...] = ("own",)

    async def pair(self, limit: int) -> Tuple[Any, Any, socket.socket]:
        """Make one connection and give reader, writer and a plain socket as the peer.

        Args:
            limit: the reader's limit in bytes.
        """
        raise NotImplementedError(f"{type(self).__name__}.pair(limit) has to be written")

    async def finish(self) -> None:
        """Close what `pair` needed beside the streams; called when a trial is over.

        Its writers are closed by then. A subject that needs nothing more leaves this as it is.
        """

    def __getattr__(self, name: str) -> Any:
        """Say that the subject does not offer `name`."""
        raise AttributeError(f"{self.name or type(self).__name__} offers no {name!r}")


class ShapedSubject(Subject):
    """A module or object with asyncio's names: `open_connection`, `StreamReader` and the rest.

    Args:
        namespace: the module or object.
        name: as it stands in reports.
    """

    links = tuple(link for link in LINKS if link != "own")

    def __init__(self, namespace: Any, name: str) -> None:
        self.namespace = namespace
        self.name = name
        self.lacks = getattr(namespace, "lacks", frozenset())
        reader = getattr(namespace, "StreamReader", None)
        if reader is not None and not hasattr(reader, "feed_data"):  # no page promises it
            self.links = tuple(link for link in self.links if link != "feed")

    def __getattr__(self, name: str) -> Any:
        """Give what the namespace offers under `name`."""
        if name == "namespace":  # while unpickling or half built
            raise AttributeError(name)
        try:
            return getattr(self.namespace, name)
        except AttributeError:
            raise AttributeError(f"{self.name} offers no {name!r}") from None


def builtin() -> Dict[str, str]:
    """Give the names of the subjects that need no adapter, each with a line about it."""
    return {name: line for name, (_, line) in BUILTIN.items()}


def resolve(name: str) -> Subject:
    """Find the subject of that name.

    Args:
        name: a built-in one, a module (`mypkg.streams`) or an object (`mypkg.adapter:Mine`).

    Raises:
        UsageError: if it cannot be imported, or is not a subject.
    """
    _, _, attribute = BUILTIN.get(name, (name, ""))[0].partition(":")
    found = import_for(module_of(name), f"subject {name!r}")
    if attribute:
        found = attribute_of(found, attribute, f"subject {name!r}")
    if inspect.isclass(found) and issubclass(found, Subject):
        found = _instance(found, name)
    if isinstance(found, Subject):
        found.name = name
        return _sound(found)
    return _shaped(found, name)


def module_of(name: str) -> str:
    """Return the module that a subject's name leads to."""
    return BUILTIN.get(name, (name, ""))[0].partition(":")[0]


def strangers_of(name: str) -> Tuple[str, ...]:
    """Give the module that a subject's name leads to, unless it is a built-in one."""
    return () if name in BUILTIN else (name.partition(":")[0],)


def _instance(cls: Type[Subject], name: str) -> Subject:
    try:
        return cls()
    except (Exception, SystemExit) as error:  # the adapter's own constructor
        raise UsageError(
            f"subject {name!r}: {cls.__name__}() raised {type(error).__name__}: {error}"
        ) from error


def answers_everything(thing: Any) -> bool:
    """Whether a thing answers to a name that nothing has."""
    return hasattr(thing, NO_NAME)


def _shaped(found: Any, name: str) -> Subject:
    if answers_everything(found):
        raise UsageError(
            f"subject {name!r}: it answers to any name ({NO_NAME!r} too), so what it offers cannot "
            "be told; let its __getattr__ raise AttributeError for what it does not have"
        )
    offered = [n for n in ("open_connection", "StreamReader", "start_server") if hasattr(found, n)]
    if not offered:
        raise UsageError(
            f"subject {name!r}: expected a module or object with asyncio's names "
            f"(open_connection, StreamReader, ...) or a Subject, got {found!r} with none of them"
        )
    return _sound(ShapedSubject(found, name))


def _sound(subject: Subject) -> Subject:
    """Check what an adapter says of itself, as a slip there would go unnoticed."""
    for attribute, known in (("lacks", None), ("links", LINKS)):
        said = getattr(subject, attribute)
        words = tuple(said) if isinstance(said, (set, frozenset, list, tuple)) else (None,)
        if not all(isinstance(w, str) and w in (known or words) for w in words):
            wanted = f"out of {', '.join(known)}" if known else "in the words of a clause's `needs`"
            raise UsageError(
                f"subject {subject.name!r}: {attribute} = {said!r}; "
                f"expected a set of names {wanted}"
            )
    subject.lacks = frozenset(subject.lacks)
    if "own" in subject.links and not _brings_a_pair(subject):
        raise UsageError(
            f"subject {subject.name!r}: its links are {', '.join(subject.links)}, and it has no "
            f"`async def pair(self, limit)`; {_REMEDY}"
        )
    return subject


_REMEDY = (
    "write that, to give reader, writer and the peer's socket, or take 'own' out of its `links` "
    "and offer asyncio's names"
)


def _brings_a_pair(subject: Subject) -> bool:
    pair = subject.pair
    return callable(pair) and getattr(pair, "__func__", None) is not Subject.pair
