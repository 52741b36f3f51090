"""The documents: what is made from data is up to date with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_findings_are_made_from_the_lists() -> None:
    """`docs/findings.md` is what `docs/make_findings.py` makes of the lists that ship."""
    script = ROOT / "docs" / "make_findings.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr)
