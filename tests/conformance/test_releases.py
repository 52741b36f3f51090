"""Releases of the catalogue: what one demanded, it demands for good."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.conformance.catalogue import FOLDER, RELEASES, Catalogue, load
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.releases import digest, frozen, in_release, releases
from streamgauge.conformance.selection import Selection

pytestmark = pytest.mark.any_python


@pytest.mark.parametrize("version", releases())
def test_what_was_released_is_demanded_still(version: str) -> None:
    """Each clause of each release is there, and says, word for word, what it said."""
    today = load()
    changed = [
        name
        for name, known in releases()[version].items()
        if name not in today or digest(today[name]) != known
    ]
    assert [] == changed


def test_the_newest_release_is_the_catalogue() -> None:
    """The file is what freezing today's catalogue writes, so that nothing is left out of it."""
    assert load().version == [*releases()][-1]
    assert (FOLDER / RELEASES).read_text(encoding="utf-8") == frozen(load())


@pytest.mark.parametrize("field", ["level", "text", "since", "until"])
def test_a_digest_tells_every_demand(field: str) -> None:
    """Another level, other words or other editions make another digest."""
    clause = load()["reader.readexactly.returns-n"]
    assert digest(clause) != digest(replace(clause, **{field: "3.9"}))
    assert digest(clause) != digest(replace(clause, needs=("limit",)))


def test_a_change_makes_a_new_release_beside_the_old() -> None:
    """Freezing under a new number keeps the older releases as they are."""
    later = Catalogue([load()["reader.readexactly.returns-n"]], "99.0")
    old, _, new = frozen(later).partition('[release."99.0"]')
    assert old.rstrip() == (FOLDER / RELEASES).read_text(encoding="utf-8").rstrip()
    assert 1 == new.count("returns-n")


def test_a_release_has_its_own_clauses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came later is not demanded under an older number."""
    name = "reader.readexactly.returns-n"
    older = {"0.9": {name: digest(load()[name])}, **releases()}
    monkeypatch.setattr("streamgauge.conformance.releases.releases", lambda: older)
    found = in_release(load(), "0.9")
    assert ([name], "0.9") == ([*found], found.version)


def test_a_run_may_ask_for_a_release() -> None:
    """The plan's trials are of that release's clauses alone, and it bears that number."""
    version = next(iter(releases()))
    plan = RunPlan(subjects=("streams",), links=("feed",), catalogue=version)
    assert {spec.check.clause for spec in Selection(plan).trials} <= set(releases()[version])
    assert version == in_release(load(), version).version
    with pytest.raises(UsageError, match=r"catalogue '0\.7': expected one of the releases"):
        Selection(replace(plan, catalogue="0.7"))
