"""Judges other people's loops and streams, and writes `world.md` beside it from what came of it.

python docs/make_world.py run [NAME ...]   # judge what this Python has, keep it in world.json
python docs/make_world.py                  # write the page from world.json
python docs/make_world.py --check          # exit 1 if the page is not what world.json makes

What a loop does otherwise is told beside what the standard library's streams do on the stock loop
of the same Python: `run` judges that first.
"""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple

PAGE = Path(__file__).with_name("world.md")
KEPT = Path(__file__).with_name("world.json")
AGAINST = ("fail", "hang", "stall", "crash", "noise", "partial", "flaky")
SHOWN = 160  # characters of what came
HEAD = """\
# What other loops and streams do otherwise than documented

Made by `python docs/make_world.py` from runs of the suite, each by the edition of the Python it ran
on, on Linux. Of a loop, under the standard library's streams, only what it does otherwise than the
stock loop is told; that is on [the page of the standard library](findings.md). The command below a
finding shows it again, once the package is installed: it runs the one trial without clocks, so a
hang waits until Ctrl-C, which says where. Nothing here is a grade: a project may have its reasons,
and what it never offered is not counted. All of it is listed in deviation files that ship, so that
a run ends with 0 as long as nothing changes.
"""


class Row(NamedTuple):
    """What is judged.

    Attributes:
        name: for people, and for `run`.
        subject: as on the command line.
        loop: as on the command line.
        package: whose version is told; empty for Python's own.
    """

    name: str
    subject: str
    loop: str
    package: str


LOOPS = ("uvloop", "aiofastnet", "winloop", "zloop", "talyn", "rloop")
ROWS = [
    *(Row(name, "stdlib", name, name) for name in LOOPS),
    Row("aiofastnet on uvloop", "stdlib", "aiofastnet+uvloop", "aiofastnet"),
    Row("eager tasks", "stdlib", "asyncio-eager", ""),
    Row("debug mode", "stdlib", "asyncio-debug", ""),
    *(Row(name, name, "asyncio", name) for name in ("asyncssh", "telnetlib3", "aiohttp")),
]


def judge(subject: str, loop: str) -> List[Dict[str, Any]]:
    """Run the suite and give its lines."""
    command = [sys.executable, "-m", "streamgauge.conformance", "run", subject, "--loop", loop]
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as lines:
        subprocess.run([*command, "--quiet", "--jsonl", lines.name], check=False)
        return [json.loads(line) for line in lines]


def departures(lines: Iterable[Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """Give, by clause, the first departure, with all links that it was seen on."""
    found: Dict[str, Dict[str, Any]] = {}
    for line in lines:
        if line["type"] != "result" or line["level"] == "behaviour":
            continue
        if line["verdict"] in AGAINST:
            entry = found.setdefault(line["clause"], {**line, "links": []})
            if line["link"] not in entry["links"]:
                entry["links"].append(line["link"])
    return found


def command(line: Dict[str, Any]) -> str:
    """Give the command that shows a departure again."""
    words = ["streamgauge", "repro", line["subject"], line["tried"] or line["clause"]]
    for option, value, usual in (
        ("--check", line["check"], ""),
        ("--plan", line["plan"], ""),
        ("--link", line["link"], "-"),
        ("--loop", line["loop"], "asyncio"),
    ):
        words += [option, value] if value != usual else []
    return shlex.join(words)


def summary(row: Row, stock: Dict[str, Any]) -> Dict[str, Any]:
    """Judge a row and reduce it to what the page tells."""
    version = metadata.version(row.package) if row.package else platform.python_version()
    lines = judge(row.subject, row.loop)
    header, footer = lines[0], lines[-1]
    if footer["type"] != "footer":
        raise SystemExit(f"{row.name}: the run broke off")
    scored = [r for r in lines if r["type"] == "result" and r["level"] != "behaviour"]
    tried = {r["clause"] for r in scored if r["verdict"] != "inapplicable"}
    found = departures(lines)
    own = {k: v for k, v in found.items() if row.subject != "stdlib" or k not in stock}
    return {
        "name": row.name,
        "subject": row.subject,
        "loop": row.loop,
        "version": version,
        "python": header["python"],
        "edition": header["edition"],
        "catalogue": header["catalogue"],
        "claim": next(iter(footer["claims"].values())),
        "clauses": len(tried),
        "hold": len(tried - set(found)),
        "departures": [
            {
                "clause": name,
                "verdict": v["verdict"],
                "links": v["links"],
                "command": command(v),
                "detail": " ".join(v["detail"].split())[:SHOWN],
            }
            for name, v in sorted(own.items())
        ],
    }


def run(names: List[str]) -> None:
    """Judge the rows whose package is here, and keep what came of them."""
    kept = {row["name"]: row for row in load()}
    stock = departures(judge("stdlib", "asyncio"))
    for row in ROWS:
        if names and row.name not in names:
            continue
        try:
            kept[row.name] = summary(row, stock)
        except metadata.PackageNotFoundError:
            sys.stderr.write(f"{row.name}: not installed here, left as it was\n")
            continue
        rows = [kept[each.name] for each in ROWS if each.name in kept]
        KEPT.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def load() -> List[Dict[str, Any]]:
    """Read what was kept."""
    rows: List[Dict[str, Any]] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else []
    return rows


def page() -> str:
    """Make the page."""
    rows = load()
    overview = [
        "| what | version | Python, edition | claim | clauses that hold | told below |",
        "|---|---|---|---|---|---|",
        *(
            f"| [{r['name']}](#{r['name'].replace(' ', '-')}) | {r['version']} "
            f"| {r['python']}, {r['edition']} | {r['claim']} | {r['hold']} of {r['clauses']} "
            f"| {len(r['departures'])} |"
            for r in rows
        ),
    ]
    return "\n".join([HEAD, *overview, "", *(line for row in rows for line in section(row))])


def section(row: Dict[str, Any]) -> List[str]:
    """Give a row's departures, each with what came and the command that shows it."""
    lines = [f"## {row['name']}", ""]
    if not row["departures"]:
        return [*lines, "Nothing else than the standard library's own.", ""]
    for entry in row["departures"]:
        detail = entry["detail"].replace("`", "'")
        lines += [
            f"**`{entry['clause']}`**: {entry['verdict']} on {', '.join(entry['links'])}",
            "",
            "```",
            detail,
            f"$ {entry.get('command') or _by_hand(row, entry)}",
            "```",
            "",
        ]
    return lines


def _by_hand(row: Dict[str, Any], entry: Dict[str, Any]) -> str:
    """Give the command for what was kept without one."""
    words = ["streamgauge", "run", row["subject"], "--loop", row["loop"]]
    return shlex.join([*words, "--clause", entry["clause"], "--link", entry["links"][0]])


def main(words: List[str]) -> int:
    """Do what the command line says."""
    if words[:1] == ["run"]:
        run(words[1:])
    if words == ["--check"]:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
