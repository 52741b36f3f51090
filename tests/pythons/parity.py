"""Count the parity cases in which the fakes do what the kernel does, on the Python that runs this.

python tests/pythons/parity.py [LOOP]    # asyncio, or uvloop; exit 1 if a case differs
"""

from __future__ import annotations

import asyncio
import socket
import sys
from functools import partial
from typing import Callable, List

from streamgauge.fakes import UNIX, MemoryNetwork, memory_stream_pair
from streamgauge.fakes.parity import Score, check_network, check_stream_pair


def scores(loop: Callable[[], asyncio.AbstractEventLoop]) -> List[Score]:
    """Play the cases of each kind of pair, and of a network."""
    of_unix = partial(memory_stream_pair, kind=UNIX)
    of_tcp6 = partial(memory_stream_pair, family=socket.AF_INET6)
    return [
        check_stream_pair(memory_stream_pair, reference="tcp4", loop=loop),
        check_stream_pair(of_tcp6, reference="tcp6", loop=loop),
        check_stream_pair(of_unix, reference="unix", loop=loop),
        check_stream_pair(of_unix, reference="socketpair", loop=loop),
        check_network(partial(MemoryNetwork, ignore_leaks="all"), loop=loop),
    ]


def main() -> int:
    """Print the differences, and the count as the last line."""
    loop = asyncio.SelectorEventLoop
    if sys.argv[1:] == ["uvloop"]:
        import uvloop  # noqa: PLC0415  # not there for every Python

        loop = uvloop.new_event_loop
    found = scores(loop)
    for score in found:
        print(score)  # noqa: T201
    print(f"{sum(len(s.agreed) for s in found)} of {sum(s.total for s in found)}")  # noqa: T201
    return 1 if any(score.differences for score in found) else 0


if __name__ == "__main__":
    sys.exit(main())
