"""Surroundings: what lies in the folder, how the command was started, what a module does to it.

Each test runs the real command in a process of its own; none of these may bring a traceback, a
wrong code, or something left behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamgauge.conformance import engine
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import RunPlan

pytestmark = pytest.mark.any_python

COMMAND = [str(Path(sys.executable).with_name("streamgauge"))]  # `python -c` adds the folder
ONE_TRIAL = ["--clause", "reader.readexactly.returns-n", "--link", "feed", "--workers", "1"]
SHAPED = "from asyncio import StreamReader, open_connection\n"


def command(folder: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, text=True, timeout=60, stderr=subprocess.PIPE, **options
    )


@pytest.mark.parametrize("name", ["streamgauge", "asyncio", "json", "pytest", "click", "xdist"])
def test_a_module_in_the_folder_shadows_nothing(tmp_path: Path, name: str) -> None:
    """A file with the name of something that the suite imports is not what is imported."""
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('from the folder')\n")
    done = command(tmp_path, "run", "streams", *ONE_TRIAL)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("body", ["raise SystemExit(0)", "import sys\nsys.exit('gone')"])
def test_a_module_that_exits_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """A module that calls `sys.exit` while it is imported doesn't decide the exit code."""
    (tmp_path / "leaving.py").write_text(body)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(UsageError, match="cannot import 'leaving'"):
        engine.check_plan(RunPlan(subjects=("leaving",), search_path=(str(tmp_path),)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import os\nos._exit(0)", "with exit code 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ("run", "ending", *ONE_TRIAL),
        ("run", "streams", "--loop", "ending:loop", *ONE_TRIAL),
        ("run", "streams", "--loop", "aiofastnet+ending:loop", *ONE_TRIAL),
        ("baseline", "ending", *ONE_TRIAL),
        ("repro", "ending", "reader.readexactly.returns-n"),
        ("bench", "stdlib", "ending", "--quick"),
        ("bench", "--growth", "--loop", "ending:loop"),
    ],
    ids=" ".join,
)
def test_a_module_that_ends_its_process_ends_no_command(
    tmp_path: Path, words: tuple[str, ...], body: str, says: str
) -> None:
    """Importing it is tried in a process of its own: code 2 and a line, never a run that passed."""
    (tmp_path / "ending.py").write_text(body)
    done = command(tmp_path, *words)
    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert f"importing 'ending' ended the process ({says})" in done.stderr


def test_a_list_does_not_import_the_subject_it_names(tmp_path: Path) -> None:
    """A file about a subject that the run does not judge is refused before it is asked anything."""
    (tmp_path / "ending.py").write_text("import os\nos._exit(0)")
    (tmp_path / "list.toml").write_text(
        'subject = "ending"\n[[deviation]]\nclause = "reader.readexactly.returns-n"\n'
        'verdict = "fail"\nreason = "so"\nissue = "none"\nwhen = { version = "<2" }\n'
    )
    done = command(tmp_path, "run", "streams", *ONE_TRIAL, "--deviations", "list.toml")
    assert 2 == done.returncode
    assert "lists departures of 'ending', and the run judges streams" in done.stderr


ASKS = """
import sys
from streamgauge.conformance.engine import asking
from streamgauge.conformance.engine.keeper import Role
from streamgauge.conformance.errors import UsageError

asking.LONGEST_IMPORT_S = 0.5
try:
    asking.ask([Role(sys.argv[1], "", (sys.argv[2],), sys.argv[2] + "/asked")])
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "body",
    ["while True: pass", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"],
    ids=["busy", "stopped"],
)
def test_an_import_without_end_is_given_up(tmp_path: Path, body: str) -> None:
    """A module that never comes to the end of its import is told so."""
    (tmp_path / "endless.py").write_text(body)
    words = [sys.executable, "-c", ASKS, "endless", str(tmp_path)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=60)
    assert "subject 'endless': importing 'endless' did not end in " in done.stdout


def test_what_a_module_prints_is_not_among_the_results(tmp_path: Path) -> None:
    """A module that prints at import leaves the JSON lines on stdout whole, and stderr alone."""
    (tmp_path / "talking.py").write_text(f"{SHAPED}print('hello')\n")
    done = command(tmp_path, "run", "talking", *ONE_TRIAL, "--jsonl", "-", stdout=subprocess.PIPE)
    assert {"{"} == {line[0] for line in done.stdout.splitlines()}
    assert "hello" not in done.stderr


def test_a_thread_of_a_module_does_not_keep_the_command(tmp_path: Path) -> None:
    """The command ends though a subject's module started a thread that never does."""
    (tmp_path / "threaded.py").write_text(
        f"{SHAPED}import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    )
    words = ["run", "threaded", "--clause", "writer.close.*", "--link", "feed"]
    assert 4 == command(tmp_path, *words).returncode  # nothing to run: the module was imported


def test_a_slash_in_a_name_is_told_how_to_write_it(tmp_path: Path) -> None:
    """A path where a module's name belongs is answered with the name."""
    done = command(tmp_path, "run", "./mypkg/streams.py")
    assert "give the module's name, mypkg.streams" in done.stderr


@pytest.mark.parametrize(("attribute", "value"), [("lacks", "'abc'"), ("links", "('smoke',)")])
def test_a_slip_of_an_adapter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str, value: str
) -> None:
    """What an adapter says wrongly of itself is one line, not an internal error."""
    name = f"slip_{attribute}"
    (tmp_path / f"{name}.py").write_text(
        "from streamgauge.conformance import Subject\n"
        f"class Mine(Subject):\n    {attribute} = {value}\n    async def pair(self, limit): ...\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(UsageError, match=f"{attribute} = .*expected a set of names"):
        engine.check_plan(RunPlan(subjects=(f"{name}:Mine",), search_path=(str(tmp_path),)))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(tmp_path: Path, closed: str) -> None:
    """Whatever of stdin, stdout and stderr the caller closed, the run comes to the same."""
    words = [*COMMAND, "run", "streams", *ONE_TRIAL]
    script = ["sh", "-c", f'"$@" {closed}', "sh", *words]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["list"], "cannot write: No space left"),
        (["run", "streams", *ONE_TRIAL], "cannot write: No space left"),
        (["run", "streams", *ONE_TRIAL, "--jsonl", "/dev/full"], "/dev/full: No space left"),
    ],
)
def test_a_full_disk_is_no_internal_error(tmp_path: Path, words: list[str], says: str) -> None:
    """A report or a results file that can't be written is a line that says so, and code 4."""
    with open("/dev/full", "w") as full:
        done = command(tmp_path, *words, stdout=full)
    assert (4, 1) == (done.returncode, done.stderr.count("\n"))
    assert says in done.stderr


@pytest.mark.usefixtures("signals_heeded", "deadline")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_told_to_end_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """After SIGTERM or SIGHUP there is neither the run's folder nor one of its processes."""
    process = subprocess.Popen(
        [*COMMAND, "run", "streams", "--workers", "1", "--jsonl", "-"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert '"header"' in process.stdout.readline()
    assert '"result"' in process.stdout.readline()
    process.send_signal(number)
    out, err = process.communicate()
    last = err.splitlines()[-1]
    assert (4, "streamgauge: interrupted; nothing is claimed") == (process.returncode, last)
    assert {"footer"} == {json.loads(line)["type"] for line in out.splitlines()[-1:]}
    assert [] == os.listdir(tmp_path)


LINKED = ["--link", "feed", "--link", "unix", "--clause", "reader.readexactly.returns-n"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PYTHONOPTIMIZE", "2"),
        ("PYTHONOPTIMIZE", "1"),
        ("PYTHONWARNINGS", "error"),
        ("PYTHONDEVMODE", "1"),
        ("PYTHONPATH", os.fsdecode(b"/no/such/\xff")),
        ("TMPDIR", "long " * 16),
        ("TMPDIR", os.fsdecode(b"\xff")),
    ],
)
def test_no_surroundings_make_a_departure(tmp_path: Path, name: str, value: str) -> None:
    """Flags of the interpreter, and folders with long or strange names, change no verdict."""
    if name == "TMPDIR":
        value = os.path.join(tmp_path, value)
        os.mkdir(value)
    done = command(tmp_path, "run", "streams", *LINKED, env={**os.environ, name: value})
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    "body",
    [
        "import atexit, time\natexit.register(time.sleep, 1000)",
        "import atexit, os\natexit.register(os._exit, 9)",
        "import os\nos.fork()",
        "import os\nos.closerange(5, 64) if os.fork() == 0 else None",
        "import sys\nsys.stdout.close()",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)",
    ],
)
def test_what_a_module_does_at_import_is_its_own_affair(tmp_path: Path, body: str) -> None:
    """The run ends, with the code that its verdicts make."""
    (tmp_path / "busybody.py").write_text(f"from asyncio import *\n{body}\n")
    done = command(tmp_path, "run", "busybody", *ONE_TRIAL)
    assert (0, "") == (done.returncode, done.stderr)


def test_a_module_harms_no_other_subject(tmp_path: Path) -> None:
    """One that patches asyncio as it is imported is judged by itself."""
    (tmp_path / "patching.py").write_text(
        "import asyncio\nfrom asyncio import *\n"
        "asyncio.StreamReader.readexactly = StreamReader.read\n"
    )
    words = ["run", "stdlib", "patching", *ONE_TRIAL, "--jsonl", "-"]
    done = command(tmp_path, *words, stdout=subprocess.PIPE)
    results = [json.loads(line) for line in done.stdout.splitlines()[1:-1]]
    assert {"pass"} == {r["verdict"] for r in results if r["subject"] == "stdlib"}
    assert {"pass"} != {r["verdict"] for r in results if r["subject"] == "patching"}


@pytest.mark.parametrize("deed", ["raise SystemExit(0)", "import os; os._exit(0)"])
@pytest.mark.parametrize(
    "words", [("run", "leaving", *ONE_TRIAL), ("repro", "leaving", "reader.readexactly.returns-n")]
)
def test_a_module_that_leaves_when_it_is_asked_for_a_name(
    tmp_path: Path, words: tuple[str, ...], deed: str
) -> None:
    """It is a usage error, in one line, and never a run that passed."""
    (tmp_path / "leaving.py").write_text(f"{SHAPED}def __getattr__(name):\n    {deed}\n")
    done = command(tmp_path, *words)
    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert "subject 'leaving': " in done.stderr


@pytest.mark.parametrize(
    ("deed", "says"), [("os._exit(0)", "(with exit code 0)"), ("os.abort()", "(by SIGABRT)")]
)
def test_a_subject_that_ends_repro_says_so(tmp_path: Path, deed: str, says: str) -> None:
    """The line names the trial that was played, and the code is that of a departure."""
    (tmp_path / "ending.py").write_text(
        "import os\nfrom asyncio import *\n"
        "class StreamReader(StreamReader):\n"
        f"    async def readexactly(self, n):\n        {deed}\n"
    )
    clause = "reader.readexactly.returns-n"
    done = command(tmp_path, "repro", "ending", clause, "--link", "feed")
    assert (1, 1) == (done.returncode, done.stderr.count("\n"))
    assert clause in done.stderr
    assert says in done.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "1e308"])
def test_a_deadline_that_never_comes_is_refused(tmp_path: Path, value: str) -> None:
    """A factor that is no finite number is exit 2, not a run in which all seems to fail."""
    done = command(tmp_path, "run", *ONE_TRIAL, "--timeout-factor", value)
    assert 2 == done.returncode
    assert "give one such as 2.5" in done.stderr


# What a module does when it is imported a second time: where its trials are played.
AGAIN = """
import os, sys
from pathlib import Path
from asyncio import new_event_loop as new
seen = Path(__file__).with_name("seen")
if seen.exists():
    {deed}
seen.touch()
"""


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("os._exit(7)", "importing it ended the process (with exit code 7)"),
        ("os.kill(os.getpid(), 11)", "importing it ended the process (by SIGSEGV)"),
        ("sys.exit('no')", "cannot import 'deadly' (SystemExit: no)"),
        ("1 / 0", "cannot import 'deadly' (ZeroDivisionError: "),
    ],
)
@pytest.mark.parametrize(
    "words", [("run", "deadly"), ("run", "streams", "--loop", "deadly:new")], ids=" ".join
)
def test_an_import_that_fails_where_the_trials_are_played_is_told(
    tmp_path: Path, words: tuple[str, ...], deed: str, says: str
) -> None:
    """Each of its trials says how it was not imported, and that it had been; the code is 3."""
    (tmp_path / "deadly.py").write_text(f"{SHAPED}{AGAIN.format(deed=deed)}")
    done = command(tmp_path, *words, *ONE_TRIAL, stdout=subprocess.PIPE)
    assert (3, "") == (done.returncode, done.stderr)
    told = " ".join(done.stdout.split())
    assert says in told
    assert "another process had imported it without that" in told


def test_a_run_that_breaks_off_leaves_no_process(tmp_path: Path) -> None:
    """Whoever kills the supervisor gets an account of what was found, code 3, and no process."""
    (tmp_path / "killing.py").write_text(
        f"{SHAPED}import os, signal\n"
        "class StreamReader(StreamReader):\n"
        "    async def readexactly(self, n):\n"
        "        with open(f'{__file__}.{os.getpid()}', 'w'): pass\n"
        "        keeper = os.getppid()\n"
        "        supervisor = int(open(f'/proc/{keeper}/stat').read().split()[3])\n"
        "        os.kill(supervisor, signal.SIGKILL)\n"
        "        signal.pause()\n"
    )
    words = ["run", "killing", *ONE_TRIAL, "--jsonl", "-"]
    done = command(tmp_path, *words, stdout=subprocess.PIPE)
    assert 3 == done.returncode
    assert done.stderr.splitlines()[-1].startswith("streamgauge: the run broke off")
    assert not json.loads(done.stdout.splitlines()[-1])["complete"]
    started = [int(path.suffix[1:]) for path in tmp_path.glob("killing.py.*")]
    assert started
    assert [] == [pid for pid in started if _runs(pid)]


# What kills the command and the supervisor from below, and would then go on for ever.
ORPHAN = """
import os, select, signal, threading

def above(pid):
    return int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])

def orphan(levels, forks=False):
    held = os.open(__file__ + '.pipe', os.O_WRONLY)
    os.write(held, b'%d\\n' % os.getpid())
    supervisor = os.getpid()
    for _ in range(levels):
        supervisor = above(supervisor)
    above_it = above(supervisor)
    if not (forks and os.fork() == 0):
        for pid in (above_it, supervisor):
            os.kill(pid, signal.SIGKILL)
    while True:
        select.select([], [], [])
"""
READING = """
class StreamReader(StreamReader):
    async def readexactly(self, n):
        {deed}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc, and a signal that others ignore")
@pytest.mark.parametrize(
    "body",
    [
        READING.format(deed="orphan(2)"),
        READING.format(deed="orphan(2, forks=True)"),
        "threading.Thread(target=signal.pause, daemon=True).start()"
        + READING.format(deed="orphan(1)"),
        "orphan(1)",
    ],
    ids=["in a trial", "with a process of its own", "beside a thread", "in an import"],
)
def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path, body: str) -> None:
    """Nor the command that has started it: what hangs ends with them, with nobody to end it."""
    (tmp_path / "orphan.py").write_text(f"{SHAPED}{ORPHAN}\n{body}")
    held = tmp_path / "orphan.py.pipe"
    os.mkfifo(held)
    reading = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    done = command(tmp_path, "run", "orphan", *ONE_TRIAL)
    pids = os.read(reading, 1000).split()
    try:
        assert -signal.SIGKILL == done.returncode, done.stderr
        assert pids
        assert select.select([reading], [], [], 20)[0], "the pipe is held"
        assert os.read(reading, 1000) == b""
    finally:
        os.close(reading)
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


GREEDY = """
import asyncio, socket
from asyncio import *

taken = []

def take(sock, address):
    try:
        sock.bind(address)
        sock.listen()
        taken.append(sock)
    except OSError:
        sock.close()

async def start_server(*args, **kwargs):
    server = await asyncio.start_server(*args, **kwargs)
    close, held = server.close, [(s.family, s.getsockname()) for s in server.sockets]
    def close_and_be_followed():
        server.close = close
        close()
        for family, address in held:
            take(socket.socket(family), address)
    server.close = close_and_be_followed
    return server
"""
KNOCKING = (
    "server.close.stops-listening",
    "server.async-with.closes",
    "server.serve_forever.serves-until-cancelled",
    "server.serve_forever.second-cancel-ends",
    "server.start_serving.cancel-leaves-usable",
    "start_server.sock.closed-by-server",
)


def test_a_port_is_taken_by_nobody_before_it_was_knocked_at(tmp_path: Path) -> None:
    """Another process that wants a port at once, whichever, gets none of which a check speaks."""
    (tmp_path / "greedy.py").write_text(GREEDY)
    words = [word for clause in KNOCKING for word in ("--clause", clause)]
    words += ["--link", "tcp", "--link", "tcp6", "--link", "tls"]
    done = command(tmp_path, "run", "greedy", *words, stdout=subprocess.PIPE)
    assert 0 == done.returncode, done.stdout


def _runs(pid: int) -> bool:
    """Whether a process is there and is not merely waiting for somebody to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
