"""The fingerprint of a process: what a trial may not change for those that come after it.

Taken before and after a trial, in well under a millisecond; what differs is told in words. It holds
plain values and nothing of a subject's, so nothing is kept alive or asked by comparing.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple

from streamgauge.conformance import kept, unix
from streamgauge.conformance.kept import (
    asyncio,
    os,
    selectors,
    socket,
    ssl,
    threading,
    time,
)
from streamgauge.conformance.showing import clean

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = [
    "PROCESSES",
    "STATE",
    "THREADS",
    "Change",
    "Fingerprint",
    "differences",
    "exempt_this_thread",
    "taken",
]

PROCESSES, STATE, THREADS = "process", "state", "thread"  # kinds of changes
SECRET = ("the environment", "the handlers of signals")  # of which the names alone are told
STATUS = "/proc/self/status"
TASKS = Path("/proc/self/task")
OPEN = "/dev/fd"
# Modules whose names the suite and every loop call, and classes whose methods they call.
MODULES = tuple(map(import_module, (*kept.__all__, "builtins", "signal")))
THREADING = MODULES[kept.__all__.index("threading")]
CLASSES = (
    asyncio.BaseEventLoop,
    asyncio.Future,
    asyncio.StreamReader,
    asyncio.StreamReaderProtocol,
    asyncio.StreamWriter,
    asyncio.Task,
    selectors.DefaultSelector,
    socket.socket,
    ssl.SSLContext,
    ssl.SSLObject,
    threading.Thread,
)
OF_THE_C_LIBRARY = 0b11 << 31  # two signals that it handles as soon as there are threads
OF_STATUS = (b"SigBlk", b"SigIgn", b"SigCgt", b"Umask")  # fields that the system tells
# The bound on data is the suite's own, which it sets anew as trials come and go.
LIMITS = [
    (name, getattr(resource, name))
    for name in dir(resource)
    if name.startswith("RLIMIT_") and name not in ("RLIMIT_DATA", "RLIMIT_OFILE")
]
TIMERS = [
    (name, getattr(signal, name))
    for name in ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
    if hasattr(signal, name)
]
# Those that the C library keeps to itself have no handler of Python's.
SIGNALS = [int(n) for n in sorted(signal.valid_signals()) if not 32 <= n <= 33]
# Without the names that the module makes of numbers, one by one.
_HANDLER_OF: Callable[[int], Any] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)
Names = Tuple[Tuple[str, ...], Tuple[int, ...]]


def _title(owner: Any) -> str:
    name: str = owner.__name__
    return f"{owner.__module__.partition('.')[0]}.{name}" if isinstance(owner, type) else name


NAMESPACES: Mapping[str, Mapping[str, Any]] = {
    _title(owner): vars(owner) for owner in (*MODULES, *CLASSES)
}


class Change(NamedTuple):
    """One difference.

    Attributes:
        kind: `process`, `thread`, or `state` for all else.
        text: what it is, in words.
    """

    kind: str
    text: str


class Fingerprint(NamedTuple):
    """A process at one moment.

    Attributes:
        state: what it is about, in words → its value, plain.
        names: module or class → its names, and the numbers of the objects behind them.
        threads: number of a thread → its name.
        processes: numbers of the children, ended ones that nobody has waited for included.
        descriptors: number of a descriptor → device, inode, and whether it blocks.
    """

    state: Mapping[str, Any]
    names: Mapping[str, Names]
    threads: Mapping[int, str]
    processes: Sequence[int]
    descriptors: Mapping[int, Tuple[int, ...]]


def taken() -> Fingerprint:
    """Take the fingerprint of this process."""
    threads = _threads()
    return Fingerprint(_state(), _names(), threads, _processes(threads), _descriptors())


def differences(before: Fingerprint, after: Fingerprint) -> List[Change]:
    """Say what has changed for the worse between two moments.

    A thread, a child or a descriptor that is gone, and a name that is new, are no change that
    anything suffers from; that a descriptor is new is for `hygiene` to tell, play by play.
    """
    changes = [Change(STATE, text) for text in _state_changed(before.state, after.state)]
    changes += [Change(STATE, text) for text in _renamed(before.names, after.names)]
    changes += [
        Change(THREADS, f"left a thread: {name}")
        for number, name in after.threads.items()
        if number not in before.threads
    ]
    changes += [
        Change(PROCESSES, f"left a process: {number}")
        for number in after.processes
        if number not in before.processes
    ]
    changes += [
        Change(STATE, f"descriptor {number} is another, or has another flag")
        for number, what in before.descriptors.items()
        if after.descriptors.get(number) != what
    ]
    return [change._replace(text=clean(change.text)) for change in changes]


def _state_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for what, was in before.items():
        now = after[what]
        if was == now:
            continue
        if what in IDENTITIES:
            yield f"{what} is another"
        elif isinstance(was, dict) and isinstance(now, dict):
            for name in sorted({*was, *now}):
                if was.get(name) != now.get(name):
                    values = f" was {was.get(name)}, is {now.get(name)}"
                    yield f"{what}: {name}{values * (what not in SECRET)}"
        else:
            yield f"{what} was {was}, is {now}"


def _renamed(before: Mapping[str, Names], after: Mapping[str, Names]) -> Iterator[str]:
    for owner, names in before.items():
        if names != after[owner]:
            now = dict(zip(*after[owner]))
            for name, number in zip(*names):
                if now.get(name) != number:
                    yield f"{owner}.{name} is {'another' if name in now else 'gone'}"


# --- state ---------------------------------------------------------------------------------------


def _state() -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for what, ask in ASKED.items():
        try:
            found[what] = ask()
        except (OSError, AttributeError, ValueError):
            found[what] = None
    return found


def _limits() -> Dict[str, Tuple[int, int]]:
    return {name: unix.resource.getrlimit(number) for name, number in LIMITS}


def _timers() -> Dict[str, str]:
    # How long a timer still runs differs at each look, and the suite's own is set anew.
    told = ((name, unix.signal.getitimer(number)) for name, number in TIMERS)
    return {name: f"{'on' if left else 'off'}, every {each} s" for name, (left, each) in told}


def _handlers() -> Dict[int, int]:
    return dict(zip(SIGNALS, map(id, map(_HANDLER_OF, SIGNALS))))


def _of_status() -> Dict[str, str]:
    """Give what the system tells of masks, and of the umask, which else cannot be read."""
    number = os.open(STATUS, os.O_RDONLY)
    try:
        text = os.read(number, 1 << 16)
    finally:
        os.close(number)
    lines = (line.split(b"\t") for line in text.split(b"\n") if line.startswith(OF_STATUS))
    return {name[:-1].decode(): f"{int(value, 16) & ~OF_THE_C_LIBRARY:x}" for name, value in lines}


def _policy() -> int:
    """Give the number of the policy that somebody has set; the default one comes by itself."""
    policy = getattr(asyncio.events, "_event_loop_policy", None)
    return 0 if policy is None or type(policy).__module__.startswith("asyncio.") else id(policy)


def _folder() -> str:
    where = os.stat(tempfile.gettempdir())
    return f"{where.st_dev}:{where.st_ino}"


def _loggers() -> Tuple[Any, ...]:
    root, loop = logging.getLogger(), logging.getLogger("asyncio")
    each = [(one.level, one.disabled, len(one.handlers)) for one in (root, loop)]
    return (*each, root.manager.disable)


ASKED: Mapping[str, Callable[[], Any]] = {
    "the environment": lambda: dict(os.environ),
    "the handlers of signals": _handlers,
    "the masks": _of_status,
    "the limits": _limits,
    "the timers": _timers,
    "the folder": os.getcwd,
    "the folder for temporary files": _folder,
    "the recursion limit": sys.getrecursionlimit,
    "the switch interval": sys.getswitchinterval,
    "the default time-out of sockets": socket.getdefaulttimeout,
    "the event loop policy": _policy,
    "the collector": lambda: (gc.get_threshold(), gc.get_debug()),
    "the trace function": lambda: id(sys.gettrace()),
    "the profile function": lambda: id(sys.getprofile()),
    "the hook for unraisable errors": lambda: id(sys.unraisablehook),
    "the hook for exceptions": lambda: id(sys.excepthook),
    "the hook for threads' exceptions": lambda: id(THREADING.excepthook),
    "the origin tracking of coroutines": sys.get_coroutine_origin_tracking_depth,
    "the standard streams": lambda: (id(sys.stdin), id(sys.stdout), id(sys.stderr)),
    "the filters of warnings": lambda: (id(warnings.filters), len(warnings.filters)),
    "the loggers": _loggers,
    "the priority": lambda: unix.os.getpriority(unix.os.PRIO_PROCESS, 0),
    "the zone of time": lambda: time.tzname,
}


IDENTITIES = (
    "the event loop policy",
    "the trace function",
    "the profile function",
    "the hook for unraisable errors",
    "the hook for exceptions",
    "the hook for threads' exceptions",
    "the standard streams",
    "the filters of warnings",
)


# --- names, threads, processes, descriptors ----------------------------------------------------


def _names() -> Dict[str, Names]:
    return {
        title: (tuple(names), tuple(map(id, names.values()))) for title, names in NAMESPACES.items()
    }


_EXEMPT: Set[int] = set()


def exempt_this_thread() -> None:
    """Say that the calling thread is the suite's own: it is in no fingerprint."""
    _EXEMPT.add(threading.get_native_id())


def _threads() -> Dict[int, str]:
    """Give all threads but the suite's own, those that only the system knows included."""
    known = {t.native_id: t.name for t in threading.enumerate() if t.native_id is not None}
    try:
        numbers = [int(name) for name in os.listdir(TASKS)]
    except OSError:
        numbers = list(known)
    return {n: known.get(n, "of no Python name") for n in numbers if n not in _EXEMPT}


def _processes(threads: Mapping[int, str]) -> List[int]:
    waitid: Any = getattr(os, "waitid", None)  # macOS has none before Python 3.13
    if waitid is None:
        return []
    try:
        waitid(unix.os.P_ALL, 0, unix.os.WEXITED | unix.os.WNOHANG | unix.os.WNOWAIT)
    except (ChildProcessError, OSError):  # there are none, or nobody tells
        return []
    found: List[int] = []
    for number in threads:
        with contextlib.suppress(OSError, ValueError):
            found += map(int, (TASKS / str(number) / "children").read_text().split())
    return found or [-1]  # some that the system does not name


def _descriptors() -> Dict[int, Tuple[int, ...]]:
    found: Dict[int, Tuple[int, ...]] = {}
    try:
        numbers = [int(name) for name in os.listdir(OPEN)]
    except OSError:
        return found
    for number in numbers:
        try:
            status = os.fstat(number)
            found[number] = (status.st_dev, status.st_ino, unix.os.get_blocking(number))
        except OSError:  # the listing's own
            continue
    return found
