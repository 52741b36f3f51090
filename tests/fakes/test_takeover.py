"""About streamgauge/fakes/takeover.py: methods of one loop, put and taken back in any order."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import sys

import pytest

from streamgauge.fakes.takeover import Layer, bearing


class Loop:
    """Stands for a loop: two methods that say who they are."""

    def name(self):
        """Say who answers."""
        return "loop"

    other = name


def layer(loop, name):
    """Make a layer that answers with its name and with what lies below."""
    made = Layer(loop, {"name": lambda: f"{name} over {made.below('name')()}"})
    return made


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_layers_can_be_taken_back_in_any_order(order):
    """Whoever goes first, the others go on answering in their order, and nothing is left."""
    loop = Loop()
    layers = {n: layer(loop, n) for n in range(3)}
    for one in layers.values():
        one.put()
    assert "2 over 1 over 0 over loop" == loop.name()
    for n in order:
        layers.pop(n).take_back()
        expected = " over ".join([*map(str, sorted(layers, reverse=True)), "loop"])
        assert expected == loop.name()
    assert {} == vars(loop)


def test_only_the_named_methods_of_one_instance_are_replaced():
    """Other methods, other loops and the class stay as they are."""
    loop, bystander = Loop(), Loop()
    layer(loop, "top").put()
    assert ("top over loop", "loop", "loop") == (loop.name(), loop.other(), bystander.name())


def test_what_was_put_on_the_instance_before_is_put_back():
    """A loop that was patched by others has their patch again afterwards."""
    loop = Loop()
    loop.name = lambda: "patch"
    top = layer(loop, "top")
    top.put()
    assert "top over patch" == loop.name()
    top.take_back()
    assert "patch" == loop.name()


def test_a_loop_without_attributes_is_refused():
    """An instance that takes no attributes is a TypeError that says what is needed."""

    class Slots:
        __slots__ = ()

    with pytest.raises(TypeError, match="Slots instances take no attributes"):
        layer(Slots(), "top").put()


def test_a_method_bears_what_the_loops_own_is():
    """Who asks finds the name, the parameters and a coroutine function, and a call is passed on."""

    class Own:
        async def connect(self, host, *, port=80):
            """The loop's own."""

    async def method(*args, **kwargs):
        return args, kwargs

    call = bearing(Own().connect, method)
    is_one = inspect if sys.version_info >= (3, 12) else asyncio
    assert ("connect", ["host", "port"], True) == (
        call.__name__,
        list(inspect.signature(call).parameters),
        is_one.iscoroutinefunction(call),
    )
    assert (("db",), {"port": 1}) == asyncio.run(call("db", port=1))
