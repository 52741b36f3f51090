"""About the bench: every workload does its work, and figures come out as what was measured."""

from __future__ import annotations

import asyncio
import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
from rich.console import Console

from streamgauge.conformance import cli, subjects
from streamgauge.conformance.bench import figures, measuring, memory, plots, table
from streamgauge.conformance.bench.measuring import Series
from streamgauge.conformance.bench.peer import Peer
from streamgauge.conformance.bench.scene import FLOOR, Scene, Workload
from streamgauge.conformance.errors import UsageError

pytestmark = pytest.mark.any_python

WORKLOADS = {workload.name: workload for workload in measuring.WORKLOADS}


@pytest.fixture(scope="module")
def peer():
    """Give one peer process to all tests."""
    with Peer() as running:
        yield running


def planted(subject, cpu_s, wall_s=(1.0,)):
    """Return a series as it would come from rounds."""
    return Series("bulk", "asyncio", subject, 10, list(wall_s), list(cpu_s))


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs_for_streams_and_floor(peer, name):
    """Each workload comes to its end, for both built-in subjects and the bare protocol."""
    named = {each: subjects.resolve(each) for each in ("stdlib", "streams")}
    loop = ("asyncio", asyncio.new_event_loop)
    workload = WORKLOADS[name]
    series = measuring.measure(
        workload, loop, {**named, FLOOR: None}, peer, rounds=1, scale=1 / 1000
    )
    assert ["stdlib", "streams", FLOOR] == [each.subject for each in series]
    assert [workload.batch * max(1, round(workload.count / workload.batch / 1000))] * 3 == [
        each.count for each in series
    ]
    assert all(len(each.wall_s) == 1 and each.wall_s[0] > 0 for each in series)


def test_rounds_take_turns():
    """Every round has every subject once, there and back again."""
    assert [["b", "a"], ["a", "b"], ["b", "a"]] == list(measuring.orders(["a", "b"], 3))


def test_a_ratio_is_of_medians_to_the_first():
    """Twice as fast as the first subject is a ratio of 2, whatever one stray round says."""
    first = planted("stdlib", [4.0, 4.0, 400.0])
    ours = planted("streams", [2.0, 2.0, 2.0])
    floor = planted(FLOOR, [1.0, 1.0, 1.0])
    taken = figures.figures([first, ours, floor])
    assert [1.0, 2.0, 4.0] == [figure.ratio for figure in taken]
    assert [0.25, 0.5, 1.0] == [figure.of_floor for figure in taken]
    assert 0.2 == taken[1].operation_s
    assert (2.0, 200.0) == (taken[1].low, taken[1].high)


def test_the_mean_of_ratios_is_geometric():
    """Half as fast and twice as fast make as fast."""
    assert 1.0 == pytest.approx(figures.geometric_mean([0.5, 2.0]))


def test_figures_survive_a_file(tmp_path):
    """What was stored is loaded again, with what is said about the run."""
    taken = figures.figures([planted("stdlib", [2.0]), planted("streams", [1.0])])
    figures.store(tmp_path / "figures.json", taken, {"machine": {"python": "3"}})
    assert ({"machine": {"python": "3"}}, taken) == figures.load(tmp_path / "figures.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0, "figures": []}'])
def test_another_file_is_refused(tmp_path, text):
    """A file that is none of the bench's is named in one line."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=re.escape(str(path))):
        figures.load(path)


def test_changes_are_told_beyond_noise():
    """A comparison shows the ratio that moved and none that did not."""
    old = figures.figures([planted("stdlib", [2.0]), planted("streams", [1.0])])
    new = figures.figures([planted("stdlib", [2.0]), planted("streams", [2.0])])
    text = io.StringIO()
    table.print_changes(Console(file=text, width=100), figures.changes(old, new), "old.json")
    rows = [line.split() for line in text.getvalue().splitlines()]
    assert [["bulk", "asyncio", "streams", "2.00", "1.00", "-50%"]] == [
        row for row in rows if row[:1] == ["bulk"]
    ]


def test_a_picture_shows_each_ratio():
    """The SVG is well-formed and has the workload's title and every subject's number but 1."""
    taken = figures.figures([planted("stdlib", [3.0]), planted("streams", [2.0])])
    svg = plots.picture(taken, measuring.WORKLOADS)
    texts = [each.text for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")]
    assert {"bulk read", "streams", "1.50"} <= set(texts)


def test_what_a_process_allocates_once_is_not_in_the_peak(peer):
    """A subject is not charged for what its first use in a process leaves there."""
    left = []

    async def work(scene):
        if not left:
            left.append(bytes(2**20))

    workload = Workload("", "", "", 1, 1, work, work)
    series = measuring.measure(
        workload, ("asyncio", asyncio.new_event_loop), {"": None}, peer, rounds=1, with_memory=True
    )
    assert series[0].peak_bytes < 2**20


def test_copies_and_peaks_are_seen(peer):
    """Three times a MiB, of which two are held at once, count as three and peak at two."""

    async def work(scene):
        first = bytes(2**20)
        for _ in range(2):
            bytes(bytearray(0)).join((first, b"."))

    scene = Scene(None, peer, 1, 1)
    arguments = (measuring.run_once, work, scene, asyncio.new_event_loop)
    assert 3 == pytest.approx(memory.bytes_copied(*arguments) / 2**20, abs=0.1)
    assert 2 == pytest.approx(memory.peak_bytes(*arguments) / 2**20, abs=0.1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--workload", "drain-idle", "--quick", "--rounds", "1"], 0),
        (["--workload", "unheard-of"], 4),
        (["--loop", "nowhere:loop"], 2),
        (["nowhere.streams"], 2),
        (["--compare", "nowhere.json"], 2),
    ],
)
def test_the_command_ends_as_it_says(words, code, capfd):
    """The exit code is the command line's usual one, and a table comes only with 0."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", *words])
    assert code == ended.value.code
    assert (code == 0) == ("idle drain" in capfd.readouterr().out)
