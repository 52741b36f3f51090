"""The other end of a trial's connections, and what it says of strangers' futures."""

from __future__ import annotations

import fcntl
import resource
import socket
from typing import Any, Iterator

import pytest

from streamgauge.conformance import peer, trial

BEYOND = 1100  # above the 1,024 descriptors that select() knows


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Allow this process that many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= BEYOND:
        pytest.skip("this machine allows fewer")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * BEYOND), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_a_peer_waits_on_any_descriptor() -> None:
    """Where a loop has leaked a thousand, the next ones are as good."""
    one, other = socket.socketpair()
    high = socket.socket(fileno=fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, BEYOND))
    with one, other, high:
        other.send(b"x")
        peer._wait_readable(high)
        assert high.recv(1) == b"x"


class StrangersFuture:
    """A future as a loop in another language makes it: no subclass of asyncio's."""

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome

    def cancelled(self) -> bool:
        """Whether it was."""
        return self._outcome is None

    def exception(self) -> Any:
        """Give what it ended with."""
        return self._outcome if isinstance(self._outcome, Exception) else None

    def result(self) -> Any:
        """Give what it has."""
        return self._outcome


@pytest.mark.parametrize(
    ("outcome", "said"),
    [(None, "its cancellation"), (OSError(5), "OSError(5)"), (b"abc", "b'abc'")],
)
def test_how_a_strangers_task_ended_can_be_told(outcome: Any, said: str) -> None:
    """Tasks of loops that are not asyncio's have its methods, not its class."""
    task: Any = StrangersFuture(outcome)
    assert trial._outcome(task) == said
