"""About bench/apart.py: a call in a process of its own, whose answer and failure come back."""

from __future__ import annotations

import os
import signal

import pytest

from streamgauge.conformance.bench.apart import apart


def test_the_answer_comes_from_another_process():
    """What is returned arrives, and nothing that the call changed is changed here."""
    seen = []

    def call():
        seen.append(1)
        return os.getpid(), len(seen)

    process, length = apart(call)
    assert process != os.getpid()
    assert (1, []) == (length, seen)


def test_a_failure_is_raised_here():
    """An exception of the call is the caller's, whatever its type."""
    with pytest.raises(KeyError, match="missing"):
        apart(lambda: {}["missing"])


def test_a_process_that_dies_is_told():
    """Ended by a signal, it leaves no answer, and that is an error that says how it ended."""
    with pytest.raises(ChildProcessError, match=f"status {int(signal.SIGKILL)}"):
        apart(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_what_cannot_be_sent_is_told():
    """An answer that can't be pickled is an error, not silence."""
    with pytest.raises(Exception, match=r"pickle|local object"):
        apart(lambda: lambda: None)


def test_nothing_is_left():
    """The process is gone and collected, and no descriptor stays open."""
    before = len(os.listdir("/proc/self/fd"))
    process = apart(os.getpid)
    assert before == len(os.listdir("/proc/self/fd"))
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
