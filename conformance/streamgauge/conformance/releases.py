"""Releases of the catalogue: what each demanded, kept for good in `clauses/releases.toml`.

A release is a number and a list of clauses, each with a digest of all that makes it a demand. A
clause that has been released is never changed or taken back: `--catalogue 1.1` asks the same of
everybody, whenever it is run. `python -m streamgauge.conformance.releases` writes the newest.
"""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping, Optional

from streamgauge.conformance.catalogue import FOLDER, RELEASES, Catalogue, Clause, load
from streamgauge.conformance.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["digest", "frozen", "in_release", "releases"]

HEAD = """\
# What each release of the catalogue demands: its clauses, each with a digest of its words, level,
# editions and needs. Older releases stay as they are; the newest is written by
# `python -m streamgauge.conformance.releases`, and tests/conformance/test_releases.py holds both.
"""


def digest(clause: Clause) -> str:
    """Give 12 hex digits of the SHA-256 of what makes a clause a demand."""
    parts = (clause.level, clause.text, clause.since, clause.until or "", *clause.needs)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@lru_cache(maxsize=None)
def releases(path: Path = FOLDER / RELEASES) -> Mapping[str, Mapping[str, str]]:
    """Read the releases: version → clause id → digest, oldest first."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    found: Dict[str, Mapping[str, str]] = data["release"]
    return found


def in_release(catalogue: Catalogue, version: Optional[str]) -> Catalogue:
    """Give the clauses that a release demands.

    Args:
        catalogue: the whole, of today.
        version: of the release; None for the newest, which is the catalogue itself.

    Raises:
        UsageError: there is no such release.
    """
    if version is None:
        return catalogue
    if version not in releases():
        raise UsageError(
            f"catalogue {version!r}: expected one of the releases {', '.join(releases())}"
        )
    wanted = releases()[version]
    return Catalogue(
        (clause for clause in catalogue.values() if clause.id in wanted),
        version,
        catalogue.complete_for,
        catalogue.capabilities,
    )


def frozen(catalogue: Catalogue) -> str:
    """Give the file's text with the catalogue as its newest release, older ones as they are."""
    older = {v: demands for v, demands in releases().items() if v != catalogue.version}
    newest = {clause.id: digest(clause) for clause in catalogue.values()}
    tables = [
        "\n".join([f'[release."{version}"]', *(f'"{k}" = "{v}"' for k, v in demands.items())])
        for version, demands in {**older, catalogue.version: newest}.items()
    ]
    return "\n\n".join([HEAD.rstrip(), *tables]) + "\n"


if __name__ == "__main__":
    (FOLDER / RELEASES).write_text(frozen(load()), encoding="utf-8")
