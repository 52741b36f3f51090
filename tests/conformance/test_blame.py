"""Whose fault an exception is: the suite's, or what it judges."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Type

import pytest

from streamgauge.conformance import blame
from streamgauge.conformance.loop_methods import recorded_calls
from streamgauge.conformance.results import read


class OldLoop(asyncio.SelectorEventLoop):
    """A loop whose method does not take what the page promises."""

    async def create_server(self, factory: Any, host: Any, port: Any) -> Any:
        """Serve nobody."""
        raise AssertionError("it was to be refused")


def refused_by_a_loop() -> None:
    """Hand a watched method of a loop a keyword that it does not take."""

    async def call() -> None:
        loop = asyncio.get_running_loop()
        with recorded_calls("create_server"):
            await loop.create_server(asyncio.Protocol, "", 0, backlog=1)

    loop = OldLoop()
    try:
        loop.run_until_complete(call())
    finally:
        loop.close()


def broken_by_us() -> None:
    """Call a function of the suite with what it has no use for."""
    read(object())  # type: ignore[arg-type]  # the fault


def reset_in_our_hands() -> None:
    """Raise what a peer meets whose connection a subject broke."""
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("call", "error", "suites"),
    [
        (refused_by_a_loop, TypeError, False),
        (broken_by_us, AttributeError, True),
        (reset_in_our_hands, ConnectionResetError, False),
    ],
)
def test_whose_fault_an_error_is(
    call: Callable[[], None], error: Type[Exception], suites: bool
) -> None:
    """Ours where our code raised it; not where it called what is judged, or was cut off by it."""
    with pytest.raises(error) as raised:
        call()
    assert blame.raised_in_suite(raised.value) is suites
