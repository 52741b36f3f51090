"""Write the picture of a run into `README.md`, from a run of the Python that runs this.

python docs/make_readme.py            # run the suite, and put the picture between its marks
python docs/make_readme.py --check    # run it, and exit 1 if the picture shows other figures

Times and numbers of trials differ from machine to machine, so `--check` passes over them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

PAGE = Path(__file__).parents[1] / "README.md"
PICTURE = re.compile(r"(?<=<!-- matrix -->\n```\n).*?(?=```)", re.DOTALL)
SHOWN = ("reader.lost.buffered-data-readable", "reader.shared.no-lost-wakeup")  # of what is listed
BEHAVIOURS = 2  # rows of them that are shown
WIDTH = "100"
CUT = "...\n"


def run() -> List[str]:
    """Run `streamgauge run` in an empty folder and return the lines that it prints."""
    settings = {**os.environ, "NO_COLOR": "1", "COLUMNS": WIDTH}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "streamgauge.conformance", "run"],
            cwd=folder,
            env=settings,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return [line.rstrip() + "\n" for line in done.stdout.splitlines()]


def picture(lines: List[str]) -> str:
    """Cut a run's output down to a picture: the matrix, and a few entries of each list."""
    blocks = "".join(lines).strip("\n").split("\n\n")
    matrix = next(block for block in blocks if block.startswith("clauses that hold"))
    differing = next(block for block in blocks if block.startswith("behaviours that differ"))
    counts = next(block for block in blocks if re.match(r"stdlib: ", block))
    claims = next(block for block in blocks if re.search(r"^edition ", block, re.MULTILINE))
    head, *rows, foot = differing.splitlines()
    return (
        f"{matrix}\n\n{head}\n{CUT}"
        + "".join(f"{row}\n" for row in rows[-BEHAVIOURS:])
        + f"{foot}\n\n{counts}\n\n{CUT}"
        + "".join(entry(lines, clause) for clause in SHOWN)
        + f"{CUT}\n{claims}\n"
    )


def entry(lines: List[str], clause: str) -> str:
    """Return one listed entry: its line, and the indented ones under it."""
    start = next(i for i, line in enumerate(lines) if re.match(rf"listed +{clause} ", line))
    end = start + 1
    while lines[end].startswith("  "):
        end += 1
    return "".join(lines[start:end])


def figures(text: str) -> str:
    """Return a picture without what differs from machine to machine."""
    return re.sub(r"^\d+ trials in .*\n", "", text, flags=re.MULTILINE)


def main() -> int:
    """Write the picture, or compare it with the one that is there."""
    page = PAGE.read_text(encoding="utf-8")
    made = picture(run())
    if sys.argv[1:] == ["--check"]:
        found = PICTURE.search(page)
        if found and figures(found[0]) == figures(made):
            return 0
        print(f"README.md shows another run than this one:\n{made}", file=sys.stderr)  # noqa: T201
        return 1
    PAGE.write_text(PICTURE.sub(lambda _: made, page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
