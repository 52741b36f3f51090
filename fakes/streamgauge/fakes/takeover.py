"""Putting methods in place of a running loop's own, on that one instance, and taking them back.

Layers lie on one another: the topmost answers a call and may pass it to what lies below, at the
bottom of which is the loop itself. They can be taken away in any order. Nothing of `asyncio` and
no other loop is touched. What the methods do is not known here.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Callable, Dict, List, Tuple

__all__ = ["Layer", "bearing"]

Method = Callable[..., Any]
STATE = "_streamgauge_layers"  # on the loop: its layers, and each name's (own attribute, method)


class Layer:
    """Methods in place of a loop's own, from `put` to `take_back`.

    Args:
        loop: the loop, of any make, as long as its instances take attributes.
        methods: what is called instead, by the name of the loop's method.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, methods: Dict[str, Method]) -> None:
        self._loop = loop
        self._methods = methods
        self._below: Dict[str, Method] = {}

    def put(self) -> None:
        """Put the methods on top of what is there.

        Raises:
            TypeError: the loop's instances take no attributes.
        """
        if not hasattr(self._loop, "__dict__"):
            raise TypeError(
                f"{type(self._loop).__qualname__} instances take no attributes: a memory network"
                " needs a loop of a Python class, such as asyncio's or uvloop's"
            )
        layers, before = _state(self._loop)
        for name in self._methods:
            if name not in before:
                before[name] = vars(self._loop).get(name), getattr(self._loop, name)
        layers.append(self)
        _arrange(self._loop)

    def take_back(self) -> None:
        """Take the methods away; a method that no layer replaces is the loop's own again."""
        layers, _ = _state(self._loop)
        layers.remove(self)
        _arrange(self._loop)
        if not layers:
            delattr(self._loop, STATE)

    def below(self, name: str) -> Method:
        """Give the method that lies under this layer: another layer's, or the loop's own."""
        return self._below[name]


def bearing(own: Method, method: Method) -> Method:
    """Make a coroutine method tell the name and the parameters of the one it stands in for.

    Args:
        own: what a program believes to call, and asks about by `inspect.signature`.
        method: what is called.

    It is a coroutine function to who asks, and costs next to nothing.
    """
    return functools.update_wrapper(functools.partial(method), own)


def _state(
    loop: asyncio.AbstractEventLoop,
) -> Tuple[List[Layer], Dict[str, Tuple[Any, Method]]]:
    state: Any = vars(loop).setdefault(STATE, ([], {}))
    return state  # type: ignore[no-any-return]


def _arrange(loop: asyncio.AbstractEventLoop) -> None:
    """Tell each layer what lies below it, and put on the loop what lies on top."""
    layers, before = _state(loop)
    answers = {name: method for name, (_, method) in before.items()}
    for layer in layers:
        layer._below = {**answers}
        answers.update(layer._methods)
    replaced = {name for layer in layers for name in layer._methods}
    for name in replaced:
        setattr(loop, name, answers[name])
    for name in {*before} - replaced:
        own, _ = before.pop(name)
        delattr(loop, name) if own is None else setattr(loop, name, own)
