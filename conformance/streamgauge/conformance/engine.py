"""The engine: runs a plan in processes of its own and tells a listener what came of it.

`run` starts the host (`host.py`) in an empty folder with a cleaned environment, so that no
conftest, ini file, variable or third-party plugin of the user's reaches the trials, and reads
its events until it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, TextIO

from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.host import EVENTS, WENT_THROUGH
from streamgauge.conformance.machine import need_unix, short_folder
from streamgauge.conformance.plan import Listener, Result, RunPlan
from streamgauge.conformance.plugin import LOGS, PLAN
from streamgauge.conformance.rehearsal import ending, rehearse_strangers
from streamgauge.conformance.selection import Selection

__all__ = ["check_plan", "run"]

OURS = ("PYTEST_", "PY_COLORS", "STREAMGAUGE_", "COVERAGE_PROCESS_START")
ROOM_BYTES = 48  # of a unix socket's path: the run's folder, a trial's, and the socket
LAST_LINES = 15  # of the host's own output, for the message when it broke


def check_plan(plan: RunPlan) -> int:
    """Resolve a plan without running it.

    Args:
        plan: what is asked for.

    Returns:
        The number of trials.

    Raises:
        UsageError: for a subject, loop, link, edition or pattern that does not exist, and for a
            module that cannot be imported, or ends the process that imports it.
        NothingToRunError: if no trial is left.
    """
    need_unix()
    rehearse_strangers(plan.subjects, plan.loops, plan.search_path)
    return len(Selection(plan).trials)


def run(plan: RunPlan, listener: Listener) -> bool:
    """Run a plan.

    Args:
        plan: what to run; it should have passed `check_plan`.
        listener: told of the start, of each result, and asked whether to go on.

    Returns:
        True if the run ended by itself, False if the listener cut it short.

    Raises:
        HarnessError: if the engine's own process broke; no result of the run is to be trusted.
    """
    need_unix()
    with tempfile.TemporaryDirectory(prefix="streamgauge-", dir=short_folder(ROOM_BYTES)) as folder:
        reading, writing = os.pipe()
        output = Path(folder) / "host.out"
        with output.open("w") as out, os.fdopen(reading, encoding="utf-8") as events:
            host = subprocess.Popen(
                [sys.executable, "-m", "streamgauge.conformance.host"],
                cwd=folder,
                env=_environment(plan, folder, writing),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                start_new_session=True,  # a process group of its own, to be ended as one
            )
            os.close(writing)
            try:
                ended = _listen(events, listener, host)
            finally:
                _end(host)
        if not (ended or listener.wants_stop):
            raise HarnessError(f"the run broke off:\n{_tail(output)}")
        return ended


def _end(host: subprocess.Popen[bytes]) -> None:
    """End the host and its workers, which else would write into a folder that is being removed."""
    if host.returncode is None:  # its number is not anybody else's yet
        if sys.platform == "win32":
            raise NotImplementedError
        with contextlib.suppress(ProcessLookupError):
            os.killpg(host.pid, signal.SIGKILL)
        host.wait()


def _listen(events: TextIO, listener: Listener, host: subprocess.Popen[bytes]) -> bool:
    importing = ""
    for line in events:
        event = json.loads(line)
        if event["event"] == "importing":
            importing = event["what"]
        elif event["event"] == "started":
            importing = ""
            listener.started(event["total"])
        elif event["event"] == "result":
            listener.result(Result.from_dict(event["result"]))
        elif event["event"] == "broken":
            raise HarnessError(f"the trials could not be collected: {event['text']}")
        elif event["event"] == "ended":
            return event["code"] in WENT_THROUGH
        if listener.wants_stop:
            return False
    if importing:  # nothing more comes from it: it has ended, or is about to
        raise HarnessError(
            f"{importing}: importing it in the process that hosts the run ended that process "
            f"({ending(host.wait())}); it did not do so in two other processes"
        )
    return False


def _environment(plan: RunPlan, folder: str, events: int) -> Dict[str, str]:
    """Give the caller's environment without pytest's settings and with absolute paths."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    if kept.get("PYTHONPATH"):
        parts = kept["PYTHONPATH"].split(os.pathsep)
        kept["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in parts)
    return {
        **kept,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        PLAN: json.dumps(plan.to_dict()),
        LOGS: folder,
        "TMPDIR": folder,  # what a worker that dies leaves behind is gone with it
        EVENTS: str(events),
    }


def _tail(output: Path) -> str:
    lines = output.read_text(errors="replace").splitlines()
    return "\n".join(lines[-LAST_LINES:]) or "the engine's process left no word"
