"""About benchmarks/fakes: each workload does its work in every place, goals are judged as stated.

Nothing is timed here: a round of a few operations shows that the work is done, not how fast.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from streamgauge.conformance.bench import figures
from streamgauge.conformance.bench.measuring import Series

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parent.parent.parent
#: Of the floor's opcodes; it takes 1.40 to 1.44 on CPython 3.8 to 3.15.
STEPS_OF_CONNECTING = 1.45
WORKLOADS = ("echo", "connect", "bulk", "write")
LOOPS = [
    "asyncio",
    pytest.param(
        "uvloop",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("uvloop") is None, reason="uvloop has no wheel for this Python"
        ),
    ),
]


@pytest.fixture
def benchmark(monkeypatch):
    """Give modules of the benchmark by name, as `python -m` in the project's root has them."""
    monkeypatch.syspath_prepend(str(ROOT))
    yield lambda name: importlib.import_module(f"benchmarks.fakes.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def planted(workload, subject, cpu_s, count=1):
    """Give the series of a subject that took so long."""
    return Series(workload, "asyncio", subject, count, [cpu_s], [cpu_s])


def test_goals_and_workloads_belong_together(benchmark):
    """Each goal has its workload, and every workload a goal."""
    names = {each.name for each in benchmark("workloads").WORKLOADS}
    assert set(WORKLOADS) == names == {goal.workload for goal in benchmark("goals").GOALS}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs_in_every_place(benchmark, name, loop):
    """One small round has a figure for each place that is installed, and takes some time."""
    (workload,) = (each for each in benchmark("workloads").WORKLOADS if each.name == name)
    series = benchmark("rounds").measure(workload, loop, rounds=1, scale=1 / 32)
    installed = {name for name, place in benchmark("places").PLACES.items() if place.installed}
    floorless = {"floor"} if name in ("bulk", "write") else set()
    assert installed - floorless == {each.subject for each in series}
    assert {max(1, round(workload.count / 32))} == {each.count for each in series}
    assert all(each.wall_s[0] > 0 for each in series)


def test_a_goal_is_met_missed_or_out_of_reach(benchmark):
    """At or below the goal is met; above it is missed, unless the floor is above it as well."""
    goals = benchmark("goals")
    goal = goals.Goal("echo", "kernel", 0.5)

    def verdict(memory, floor):
        times = {"kernel": 8.0, "memory": memory, "floor": floor}
        taken = figures.figures([planted("echo", *each) for each in times.items()])
        return goals.outcome(goal, taken).verdict

    assert ["met", "missed", "out of reach"] == [verdict(4, 3), verdict(5, 3), verdict(6, 5)]


def test_a_goal_against_what_was_not_there_has_no_outcome(benchmark):
    """Without async-solipsism nothing is said of the goal that names it."""
    goals = benchmark("goals")
    goal = goals.Goal("bulk", "async-solipsism", 1.0)
    assert goals.outcome(goal, figures.figures([planted("bulk", "memory", 1.0)])) is None


def test_the_command_keeps_a_run_and_the_page_shows_it(benchmark, monkeypatch, tmp_path, capsys):
    """What ``--json`` has written, ``--page`` shows: the ratio, its goal, and a picture."""
    main = benchmark("__main__")
    words = ["--workload", "echo", "--rounds", "1", "--scale", "0.01"]
    assert main.main([*words, "--json", str(tmp_path / "run.json")]) == 0
    assert "at most 0.35 of kernel's time" in capsys.readouterr().out
    (tmp_path / "run.json").write_text(json.dumps(with_times(tmp_path / "run.json")))
    monkeypatch.setattr(main, "RUNS", tmp_path)
    assert main.main(["--page", str(tmp_path / "page.md")]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "0.25 (floor 0.20): **met** | not there |" in page
    assert "| echo of 1 KiB | memory | 250000.0 | 0.25 |" in page
    assert "an echo takes four, 2.00 of the kernel's echo" in page
    picture = ElementTree.parse(tmp_path / "page-asyncio.svg")
    assert "4.00" in [each.text for each in picture.iter()]


def opcodes_of_connecting(benchmark, place):
    """Count the opcodes of Python that each of ten connections takes, once all is warm."""
    (connect,) = (each for each in benchmark("workloads").WORKLOADS if each.name == "connect")
    taken = []

    def look(frame, event, argument):
        frame.f_trace_opcodes = True
        taken.append(event == "opcode")
        return look

    class Watch:
        def __enter__(self):
            self._before = sys.gettrace()
            sys.settrace(look)

        def __exit__(self, *how):
            sys.settrace(self._before)

    async def work(count):
        async with benchmark("places").PLACES[place].net() as where:
            await connect.work(where, count, Watch())

    asyncio.run(work(1))
    taken.clear()
    asyncio.run(work(10))
    return sum(taken) / 10


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="opcodes are CPython's")
def test_connecting_in_memory_takes_few_steps_beside_the_floor(benchmark):
    """The opcodes of connecting and closing are at most so many times the floor's.

    They are the same on every machine: a guard against becoming slow that needs no clock.
    """
    memory, floor = (opcodes_of_connecting(benchmark, place) for place in ("memory", "floor"))
    assert memory <= STEPS_OF_CONNECTING * floor, (memory, floor)


def with_times(path):
    """Give a kept run with times that are known: memory takes a quarter, the floor a fifth."""
    document = json.loads(path.read_text())
    for each in document["figures"]:
        each["ratio"] = {"memory": 4.0, "floor": 5.0}.get(each["subject"], 1.0)
        each["operation_s"] = 1 / each["ratio"]
    document["turn_s"] = 0.5
    return document


def test_the_page_is_that_of_the_kept_runs(benchmark, tmp_path):
    """`docs/fakes-speed.md` and its pictures are what the kept runs make."""
    benchmark("__main__").main(["--page", str(tmp_path / "fakes-speed.md")])
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (ROOT / "docs").glob("fakes-speed*")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--loop", "nowhere:loop"], "nowhere"),
        (["--workload", "unheard-of"], "unheard-of"),
        (["--json", "no/such/folder.json", "--workload", "echo", "--scale", "0.01"], "no/such"),
        (["--page", "page.md"], "--json"),
        (["--rounds", "0"], "1 or more"),
        (["--scale", "-1"], "above 0"),
    ],
)
def test_bad_words_are_told_in_a_line(benchmark, monkeypatch, tmp_path, capsys, words, message):
    """What can't be done ends with code 2 and one line that says what it was."""
    monkeypatch.setattr(benchmark("__main__"), "RUNS", tmp_path)
    with pytest.raises(SystemExit) as ended:
        benchmark("__main__").main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
