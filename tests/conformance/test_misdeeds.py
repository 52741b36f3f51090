"""Misdeeds: what subjects do to the judge is told as theirs, and as nothing else."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import pytest

from streamgauge.conformance.clocks import Deadlines
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.runner import run_trial
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.verdicts import Verdict

pytestmark = pytest.mark.oldest_and_newest

HERE = Path(__file__).parent
EXACTLY = "reader.readexactly.returns-n:feed"
SHORT = "reader.readexactly.short-raises:feed"
CONNECTS = "open_connection.connect.returns-pair:tcp"
FULL = "writer.drain.blocks-above-high-water:socketpair"
FLOW = "writer.history.flow-control:memory"
READS = "reader.history.reads:feed"
AT_EOF = "reader.at_eof.false-before-eof:feed"

# subject, where it is tried → the verdict, and a pattern of the detail.
TOLD: Mapping[Tuple[str, str], Tuple[str, str]] = {
    # a call into C was under way, from a check or from the suite
    ("c_reads", EXACTLY): ("fail", "raised ValueError.*'planted'"),
    ("c_feeds", EXACTLY): ("fail", "raised TypeError.* from `await t.deliver"),
    ("c_ends", "reader.at_eof.true-once-empty:feed"): ("fail", "raised ValueError.*'planted'"),
    ("c_looks_up", EXACTLY): ("fail", "not subscriptable"),
    ("c_awaits", EXACTLY): ("fail", r"raised LookupError\('planted'\)"),
    ("c_is_built", EXACTLY): ("precondition", "see open_connection.connect.reader-instance"),
    ("c_says_at_eof", READS): ("fail", "raised ValueError.*'planted'"),
    ("c_takes_an_error", "reader.history.failed-reads:feed"): ("fail", "raised TypeError"),
    ("c_connects", CONNECTS): ("fail", "raised TypeError"),
    ("c_gives_no_pair", CONNECTS): ("fail", "raised TypeError"),
    ("gives_a_strange_pair", CONNECTS): ("fail", "planted: no pair"),
    ("c_serves", "start_server.serve.accepts-connections:tcp"): ("fail", "raised TypeError"),
    ("c_writes", FULL): ("fail", "raised TypeError"),
    ("c_writes", FLOW): ("fail", "raised TypeError"),
    ("c_writes_lines", FLOW): ("fail", "raised TypeError"),
    ("c_drains", FULL): ("fail", "raised ValueError.*'planted'"),
    ("c_drains", FLOW): ("fail", "raised ValueError.*'planted'"),
    ("c_ends_writing", FLOW): ("fail", "raised ValueError.*'planted'"),
    ("c_tells_no_socket", FULL): ("pass", ""),
    ("misuses_the_loop", EXACTLY): ("fail", "raised TypeError"),
    # the loop, and errors that cannot be shown
    ("stops_the_loop", EXACTLY): ("fail", "the loop was stopped from within the subject"),
    ("stops_the_loop_when_closed", "writer.is_closing.false-after-peer-eof:tcp"): (
        "fail",
        "the loop was stopped from within the subject",
    ),
    ("cancels_everything", EXACTLY): ("fail", "all tasks of the loop were cancelled"),
    ("cancels_itself", EXACTLY): ("partial", "the check was cancelled from within the subject"),
    ("exits_in_a_callback", EXACTLY): ("fail", r"raised SystemExit\(0\)"),
    ("raises_the_unshowable", EXACTLY): (
        "fail",
        r"<_Unshowable whose repr\(\) raised LookupError>",
    ),
    ("raises_what_exits", EXACTLY): ("fail", r"whose repr\(\) raised SystemExit>"),
    ("raises_an_error_of_itself", EXACTLY): ("fail", r"ValueError\(ValueError\(.*\.\.\."),
    ("raises_the_mute", EXACTLY): ("fail", r"raised _MuteError\(\)"),
    ("raises_the_sealed", EXACTLY): ("fail", r"raised _SealedError\(\)"),
    ("raises_half_a_character", EXACTLY): ("fail", r"planted \\udce4 \\ud83d"),
    ("raises_control_characters", EXACTLY): ("fail", r"planted \\x1b\[31m \\u202e \\x00 \\x9b"),
    ("raises_at_length", EXACTLY): ("fail", r"planted\.\.\. \(1,048,576 characters\)"),
    ("raises_an_address", EXACTLY): ("fail", r"at 0x\.\.\.'"),
    ("raises_generator_exit", EXACTLY): ("fail", "raised GeneratorExit"),
    ("raises_an_adapter_error", EXACTLY): ("fail", "planted: not my fault"),
    ("raises_a_precondition", EXACTLY): ("fail", "a step before it failed"),
    ("raises_a_failed_check", EXACTLY): ("fail", "planted: our own word"),
    # liars, and what only looks like one
    ("equals_everything", EXACTLY): ("fail", "expected .*b'abcd'.*, got .*b'other bytes'"),
    ("equals_everything", READS): ("fail", "expected "),
    ("equals_everything_truly", EXACTLY): ("fail", r"b'abcd' \(bytes\), got b'abcd' \(Liar\)"),
    ("gives_anything", EXACTLY): ("fail", "got .*<ANY>"),
    ("gives_a_subclass", EXACTLY): ("fail", r"b'abcd' \(bytes\), got b'abcd' \(Honest\)"),
    ("gives_a_subclass", READS): ("fail", "got returned b"),
    ("gives_a_bytearray", EXACTLY): ("fail", "got .*bytearray"),
    ("gives_a_view", EXACTLY): ("fail", "got .*<memory at 0x...>"),
    ("says_at_eof_by_number", AT_EOF): ("fail", "expected False, got 0"),
    ("says_at_eof_by_chance", AT_EOF): ("fail", "expected False, got <"),
    ("says_at_eof_by_chance", READS): ("fail", "expected "),
    ("says_closing_by_chance", "writer.is_closing.false-while-open:socketpair"): ("fail", "_Undec"),
    ("raises_a_subclass", SHORT): ("pass", ""),
    ("raises_a_subclass", READS): ("pass", ""),
    ("raises_a_namesake", SHORT): ("fail", "expected IncompleteReadError, got Incomplete"),
    ("raises_a_namesake", READS): ("fail", r"got misdeeds\.IncompleteReadError"),
    ("raises_a_pretender", SHORT): ("fail", "got _PretenderError"),
    ("raises_a_lying_partial", "reader.readexactly.partial-has-data:feed"): (
        "fail",
        r"partial: expected b'.*', got b'other'",
    ),
    ("raises_a_lying_partial", READS): ("fail", "expected "),
    ("pretends_to_be_a_reader", CONNECTS): ("fail", "an instance of StreamReader, got <"),
    # the process is another one afterwards, and yet the suite judged as before
    ("patches_sockets", EXACTLY): (
        "partial",
        "socket.socketpair is another; then the suite raised",
    ),
    ("filters_warnings", EXACTLY): ("pass", ""),
    ("has_a_pool", EXACTLY): ("pass", ""),
    ("starts_a_short_thread", EXACTLY): ("pass", ""),
    ("patches_the_reader", EXACTLY): ("fail", "no attribute 'readexactly'"),
    ("patches_a_method", EXACTLY): ("partial", "planted: what the suite must not call"),
}
# subject → the clause of hygiene that it breaks while its trial holds, and what is told of it.
UNCLEAN: Mapping[str, Tuple[str, str]] = {
    "lowers_the_recursion_limit": ("process-unchanged", "the recursion limit was 1000, is 200"),
    "lowers_the_number_of_files": ("process-unchanged", "the limits: RLIMIT_NOFILE was "),
    "patches_wait": ("process-unchanged", "asyncio.wait is another"),
    "patches_the_clock": ("process-unchanged", "time.perf_counter is another"),
    "patches_fstat": ("process-unchanged", "os.fstat is another"),
    "patches_len": ("process-unchanged", "builtins.len is another"),
    "changes_the_folder": ("process-unchanged", "the folder was "),
    "removes_the_folder": ("process-unchanged", "the folder for temporary files was "),
    "changes_the_umask": ("process-unchanged", "the masks: Umask was "),
    "sets_a_variable": ("process-unchanged", "the environment: PLANTED"),
    "handles_a_signal": ("process-unchanged", "the handlers of signals: "),
    "ignores_a_signal": ("process-unchanged", "the handlers of signals: 14"),
    "blocks_a_signal": ("process-unchanged", "the masks: SigBlk was 0, is 4000"),
    "sets_a_timer": ("process-unchanged", "the timers: ITIMER_VIRTUAL was off"),
    "sets_a_default_timeout": ("process-unchanged", "the default time-out of sockets was None"),
    "unblocks_its_output": ("process-unchanged", "descriptor 2 is another, or has another flag"),
    "silences_logging": ("process-unchanged", "the loggers was "),
    "hooks_exceptions": ("process-unchanged", "the hook for exceptions is another"),
    "leaves_a_thread": ("no-thread-left", "left a thread: planted"),
    "leaves_a_child": ("no-process-left", "left a process: "),
    "goes_on_twice": ("no-process-left", "left a process: "),
    "complains_without_a_dict": ("exception-handler-silent", "'planted'"),
}


@lru_cache(maxsize=None)
def answers() -> Dict[str, Any]:
    """Play every case, each in a process of its own."""
    cases = [":".join(case) for case in TOLD] + [f"{name}:{EXACTLY}" for name in UNCLEAN]
    return {answer["case"]: answer for answer in played(*cases)}


def played(*cases: str) -> List[Any]:
    """Have `apart.py` play some cases."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "apart.py"), *cases],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("case", TOLD, ids=lambda case: f"{case[0]}-{case[1].partition(':')[0]}")
def test_a_misdeed_is_told_as_the_subjects(case: Tuple[str, str]) -> None:
    """Its verdict is never `harness`, and its detail says what was done."""
    verdict, pattern = TOLD[case]
    own = answers()[":".join(case)]["results"][0]
    assert (verdict, True) == (own["verdict"], bool(re.search(pattern, own["detail"]))), own


@pytest.mark.parametrize("subject", UNCLEAN)
def test_what_is_left_changed_is_told_under_hygiene(subject: str) -> None:
    """The trial holds, one clause of hygiene is broken, and the process is used no more."""
    clause, words = UNCLEAN[subject]
    answer = answers()[f"{subject}:{EXACTLY}"]
    own, *aside = answer["results"]
    assert "pass" == own["verdict"], own
    assert [f"hygiene.{clause}"] == [each["clause"] for each in aside], aside
    assert aside[0]["detail"].startswith(words)
    assert answer["clean"] is (clause == "exception-handler-silent")


@pytest.mark.parametrize("subject", ["has_a_pool", "starts_a_short_thread", "filters_warnings"])
def test_what_serves_a_whole_process_is_no_departure(subject: str) -> None:
    """A pool's worker stays, a thread on its way out goes, a filter is put back: all is clean."""
    answer = answers()[f"{subject}:{EXACTLY}"]
    assert (1, True) == (len(answer["results"]), answer["clean"]), answer


def test_every_detail_can_be_shown() -> None:
    """No detail has a character that a terminal, a file or an encoding would not take."""
    details = [r["detail"] for answer in answers().values() for r in answer["results"]]
    assert len(details) > len(TOLD)
    for detail in details:
        detail.encode("utf-8")
        assert re.fullmatch(r"[\n\t -~\u00a1-\ud7ff]*", detail), detail
        assert not re.search(r"0x[0-9a-f]{6}", detail)


@pytest.mark.parametrize("subject", ["equals_everything", "equals_everything_truly"])
def test_no_trial_of_a_reader_passes_for_a_liar(
    subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all trials of a reader fed by hand none holds that was handed a liar to judge by."""
    monkeypatch.syspath_prepend(str(HERE))
    misdeeds = importlib.import_module("misdeeds")
    plan = RunPlan(
        (f"misdeeds:{subject}",), links=("feed",), clauses=("reader.*",), plans=("whole",)
    )
    selection = Selection(plan)
    passed, met = [], 0
    for spec in selection.trials:
        misdeeds.Liar.count = 0
        judged, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
        own = run_trial(spec, judged, loop, Deadlines(0.5), selection.sweep)[0]
        met += misdeeds.Liar.count > 0
        if misdeeds.Liar.count and own.verdict is Verdict.PASS:
            passed.append((spec.id, misdeeds.Liar.count))
    assert met > 60
    assert [] == passed


EXTENSION = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>

typedef struct { PyObject_HEAD } Step;

static PyObject *step_await(PyObject *self) { Py_INCREF(self); return self; }
static PyObject *step_next(PyObject *self) {
    PyErr_SetString(PyExc_LookupError, "planted: out of C");
    return NULL;
}
static PyObject *step_send(PyObject *self, PyObject *value) { return step_next(self); }
static PyAsyncMethods step_async = { .am_await = step_await };
static PyMethodDef step_methods[] = {
    {"send", step_send, METH_O, NULL}, {"throw", step_send, METH_VARARGS, NULL},
    {"close", step_send, METH_NOARGS, NULL}, {NULL} };
static PyTypeObject StepType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "compiled.Step", .tp_basicsize = sizeof(Step), .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew, .tp_as_async = &step_async, .tp_iter = PyObject_SelfIter,
    .tp_iternext = step_next, .tp_methods = step_methods };
static PyObject *step(PyObject *m, PyObject *args) {
    return PyObject_CallObject((PyObject *)&StepType, NULL);
}
static PyObject *fail(PyObject *m, PyObject *args) { return step_next(m); }
static PyMethodDef methods[] = {
    {"step", step, METH_VARARGS, NULL}, {"fail", fail, METH_VARARGS, NULL}, {NULL} };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "compiled", NULL, -1, methods };
PyMODINIT_FUNC PyInit_compiled(void) {
    return PyType_Ready(&StepType) < 0 ? NULL : PyModule_Create(&module);
}
"""
MODULE = """
import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
import compiled

Coroutine.register(type(compiled.step()))

def reader(**methods):
    methods = {k: staticmethod(v) for k, v in methods.items()}
    made = type("Planted", (asyncio.StreamReader,), methods)
    return SimpleNamespace(**{**vars(asyncio), "StreamReader": made})

feeds = reader(feed_data=compiled.fail)
reads = reader(readexactly=compiled.step, read=compiled.step, readline=compiled.step)
says_at_eof = reader(at_eof=compiled.fail)
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a subject that is written in C."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    include = sysconfig.get_paths()["include"]
    if compiler is None or not Path(include, "Python.h").exists():
        pytest.skip("no C compiler, or no Python.h")
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "compiled.c").write_text(EXTENSION)
    (folder / "in_c.py").write_text(MODULE)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    flags = ["-shared", "-fPIC", "-w", f"-I{include}"]
    output = ["-o", str(folder / f"compiled{suffix}")]
    subprocess.run([compiler, *flags, str(folder / "compiled.c"), *output], check=True)
    return folder


@pytest.mark.parametrize(
    ("subject", "clause"),
    [
        ("feeds", "reader.readexactly.returns-n"),
        ("reads", "reader.readexactly.returns-n"),
        ("reads", "reader.readexactly.waits-for-n"),  # awaited in a task, and by the suite
        ("reads", "reader.history.reads"),
        ("says_at_eof", "reader.history.reads"),
    ],
)
def test_an_error_out_of_c_is_the_subjects(compiled: Path, subject: str, clause: str) -> None:
    """Neither a function nor a coroutine in C has a frame; what they raise is theirs."""
    command = ["run", f"in_c:{subject}", "--clause", clause, "--link", "feed", "--jsonl", "-"]
    file = compiled / f"{subject}-{clause}.jsonl"
    command[-1] = str(file)
    done = subprocess.run(
        [sys.executable, "-m", "streamgauge.conformance", *command],
        cwd=compiled,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert 1 == done.returncode, done.stdout
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    found = [line for line in lines if line["type"] == "result" and line["clause"] == clause]
    assert {"fail"} == {line["verdict"] for line in found}
    assert all("LookupError" in line["detail"] for line in found), found
