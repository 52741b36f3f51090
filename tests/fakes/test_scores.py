"""About docs/parity.md: the rows that it gives to our own fakes are what the cases say."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.fakes.parity import all_cases

PAGE = (Path(__file__).parents[2] / "docs" / "parity.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("title", "kind"), [("Stream pairs", "tcp"), ("Networks", "network")])
def test_our_own_row_is_true(title, kind):
    """Every case there is was played for the page, and ours agreed in all of them."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    row = next(line for line in section.splitlines() if line.startswith("| streamgauge.fakes |"))
    total = len(all_cases(kind))
    assert [f"{total} of {total}", "none"] == [cell.strip() for cell in row.split("|")[3:5]]
