"""The running loop's own methods, as a check may look at them: what they know, what they got.

A streams function is a thin layer over one method of the loop. Here stands how that method is
watched for a while, on the loop's instance and never on its class, and put back.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import Any, Dict, Iterator, List
from unittest import mock

from streamgauge.conformance.calls import awaited
from streamgauge.conformance.kept import asyncio

__all__ = ["keyword_defaults", "recorded_calls"]


def keyword_defaults(method: str) -> Dict[str, Any]:
    """Give the keywords that the running loop's `method` knows, each with its default.

    Args:
        method: `create_connection` for instance.

    Returns:
        Keyword-only parameters; none where a compiled loop does not tell them.
    """
    try:
        signature = inspect.signature(getattr(type(asyncio.get_running_loop()), method))
    except ValueError:
        return {}
    return {n: p.default for n, p in signature.parameters.items() if p.kind is p.KEYWORD_ONLY}


@contextlib.contextmanager
def recorded_calls(method: str, *novelties: str) -> Iterator[List[Dict[str, Any]]]:
    """Record the keywords that the running loop's `method` is called with; it works on.

    Args:
        method: a coroutine method, `create_connection` for instance.
        novelties: keywords that are recorded and not handed on: for the block the loop is one
            that knows more than today's.
    """
    loop: Any = asyncio.get_running_loop()
    real = getattr(loop, method)
    calls: List[Dict[str, Any]] = []

    @functools.wraps(real)
    async def recording(*arguments: Any, **keywords: Any) -> Any:
        calls.append(keywords)
        known = {k: v for k, v in keywords.items() if k not in novelties}
        return await awaited(lambda: real(*arguments, **known))

    with mock.patch.object(loop, method, recording):
        yield calls
