"""Plays planted subjects, each in a fork of one process: `python apart.py CASE...`.

A case is `subject:clause:link` and perhaps `:plan`; a line of JSON comes back for each. The process
that forks has loaded everything and played nothing, so no subject meets what another has done.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from typing import Any, Dict

from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.runner import run_trial_and_look
from streamgauge.conformance.selection import Selection

FACTOR = 0.5


def played(case: str) -> Dict[str, Any]:
    """Play the first trial of a case in this process."""
    subject, clause, link, *plans = case.split(":")
    selection = Selection(
        RunPlan(
            subjects=(f"misdeeds:{subject}",),
            links=(link,),
            clauses=(clause,),
            plans=tuple(plans),
            edition="3.8",
            search_path=(os.path.dirname(os.path.abspath(__file__)),),
        )
    )
    spec = selection.trials[0]
    judged, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
    trialed = run_trial_and_look(spec, judged, loop, Deadlines(FACTOR), selection.sweep)
    return {"results": [r.to_dict() for r in trialed.results], "clean": trialed.clean}


def apart(case: str) -> str:
    """Play a case in a child; gives its line, or what it died of."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        line = json.dumps({"case": case, "died": True})
        try:
            line = json.dumps({"case": case, **played(case)})
        finally:
            os.write(writing, line.encode() + b"\n")
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        line = answers.readline()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and what it has left
    os.waitpid(child, 0)
    return line.strip() or json.dumps({"case": case, "died": True})


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import misdeeds  # noqa: F401 - so that no child has to import it

    Selection(RunPlan(subjects=("stdlib",)))  # nor the checks
    for each in sys.argv[1:]:
        print(apart(each), flush=True)  # noqa: T201 - its answer
