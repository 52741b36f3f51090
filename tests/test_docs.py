"""The documents: what is made from data is up to date with it, and every example does its work."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

from streamgauge import fakes
from streamgauge.fakes.hands import Hands

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parent.parent


def test_the_benchmarks_are_made_from_the_runs() -> None:
    """`docs/benchmarks.md` and its pictures are what `make_benchmarks.py` makes of the runs."""
    script = ROOT / "docs" / "make_benchmarks.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), "--check"], capture_output=True, text=True
    )
    assert (0, "") == (done.returncode, done.stderr)


def test_the_findings_are_made_from_the_lists() -> None:
    """`docs/findings.md` is what `docs/make_findings.py` makes of the lists that ship."""
    script = ROOT / "docs" / "make_findings.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), "--check"], capture_output=True, text=True
    )
    assert (0, "") == (done.returncode, done.stderr)


PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_is_dead(page: Path) -> None:
    """What a page links to, or shows, is there."""
    links = re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
    assert [] == [x for x in links if "://" not in x and not (page.parent / x).exists()]


GUIDE = (ROOT / "docs" / "fakes.md").read_text(encoding="utf-8")
EXAMPLES: List[str] = re.findall(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
PICTURES: List[str] = re.findall(r"^```text\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run every example of the guide as the test file that it is; gives pytest's report."""
    folder = tmp_path_factory.mktemp("guide")
    for number, example in enumerate(EXAMPLES):
        (folder / f"test_{number}.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-rP", "-v", "-W", "error", "-p", "no:cacheprovider"]
    options = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_the_examples_of_the_guide_to_the_fakes_pass(played: str) -> None:
    """Each code block of docs/fakes.md is a test file of which every test passes."""
    expected = [
        f"test_{number}.py::{name}"
        for number, example in enumerate(EXAMPLES)
        for name in re.findall(r"^async def (test_\w+)", example, re.MULTILINE)
    ]
    assert {*range(len(EXAMPLES))} == {int(re.findall(r"\d+", name)[0]) for name in expected}
    passed = re.findall(r"^(test_\d+\.py::\w+)(?:\[\w+\])? PASSED", played, re.MULTILINE)
    assert sorted(expected) == sorted(passed), played


def test_the_pictures_in_the_guide_are_what_is_printed(played: str) -> None:
    """The table of netstat in docs/fakes.md is what its example prints, to the letter."""
    assert PICTURES
    for picture in PICTURES:
        assert picture in played


def test_the_guide_has_every_name_and_argument() -> None:
    """Every public name of the fakes, each policy, leak, hand and keyword is in docs/fakes.md."""
    makers = [getattr(fakes, name) for name in fakes.__all__ if name.endswith("_pair")]
    names = {*fakes.__all__, *fakes.LEAKS}
    names |= {f"Chunks.{name}" for name in vars(fakes.Chunks) if not name.startswith("_")}
    names |= {name for name in vars(Hands) if not name.startswith("_") and name.islower()}
    names |= {name for name in vars(fakes.MemoryNetwork) if name in VERBS}
    for maker in (*makers, fakes.MemoryNetwork, fakes.Wire):
        names |= {*inspect.signature(maker).parameters}
    words = {*re.findall(r"[\w-]+", GUIDE), *re.findall(r"Chunks\.\w+", GUIDE)}
    assert set() == names - words


#: What a test says to a network.
VERBS = (
    *("passthrough", "refuse", "blackhole", "latency", "partition", "heal"),
    *("netstat", "report", "connections"),
)


def test_the_page_on_others_is_made_from_what_was_kept() -> None:
    """docs/world.md is what docs/make_world.py makes of docs/world.json."""
    script = ROOT / "docs" / "make_world.py"
    assert 0 == subprocess.run([sys.executable, "-W", "ignore", str(script), "--check"]).returncode


def test_the_page_on_mutants_is_made_from_what_was_kept() -> None:
    """docs/mutation.md is what docs/make_mutation.py makes of docs/mutation.json."""
    script = ROOT / "docs" / "make_mutation.py"
    assert 0 == subprocess.run([sys.executable, "-W", "ignore", str(script), "--check"]).returncode
