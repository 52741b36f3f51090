"""Tries the project on the Pythons that people have, in Debian roots of their own; needs root.

python -m tests.pythons set-up [--free-threaded]  # every release of the archive, some minutes
python -m tests.pythons install [EXTRAS]        # the checkout's last commit, in each of them
python -m tests.pythons names                   # the releases that have the project
python -m tests.pythons try WHAT... [--on NAME] # run, parity, tests, bench; exit 1 if one fails
python -m tests.pythons readme [SUITE...]       # README's two commands in fresh roots
python -m tests.pythons in NAME COMMAND...      # a command of that release, in the checkout
python -m tests.pythons ci                      # all that CI tries

Roots stand below $STREAMGAUGE_ROOTS, /var/tmp/streamgauge-pythons unless set, and are kept.
`--record docs/pythons.json` keeps outcomes for `docs/make_pythons.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Dict, List

from . import releases, trying
from .debian import Root, RootError, why_not
from .trying import FRESH, TRIES, Outcome

CHECKOUT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("STREAMGAUGE_ROOTS", "/var/tmp/streamgauge-pythons"))
IN_CI = ("run", "parity")
COMMANDS_OF_README = ("run", "test")
FRESH_IN_CI = ("bookworm", "trixie")


def main() -> int:
    """Run the command line and return its exit code."""
    options = _options()
    reason = why_not()
    if reason and options.command != "names":
        print(f"other Pythons were not tried: {reason}")  # noqa: T201
        return 0 if options.command == "ci" else 2
    root = releases.root(FOLDER)
    try:
        return COMMANDS[options.command](root, options)
    except RootError as error:
        print(f"tests.pythons: {error}", file=sys.stderr)  # noqa: T201
        return 3


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.pythons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("words", nargs="*")
    parser.add_argument("--on", action="append", metavar="NAME", help="only this release")
    parser.add_argument("--only", choices=COMMANDS_OF_README, help="only this command of README's")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the outcomes in FILE")
    parser.add_argument("--free-threaded", action="store_true", help="build one, too")
    known, rest = parser.parse_known_args()
    known.words += rest
    return known


def set_up(root: Root, options: argparse.Namespace) -> int:
    """Make the root and all its Pythons."""
    releases.system(root)
    releases.patches(root)
    if options.free_threaded:
        releases.free_threaded(root)
    return 0


def install(root: Root, options: argparse.Namespace) -> int:
    """Install the project in each release and print which extras could be had."""
    extras = options.words[:1] + [e for e in releases.EXTRAS if e not in options.words[:1]]
    for release in releases.install(root, CHECKOUT, extras):
        print(f"{release.name}: [{release.extras}]", flush=True)  # noqa: T201
    return 0


def names(root: Root, options: argparse.Namespace) -> int:
    """Print the releases that have the project installed."""
    print(*(release.name for release in releases.installed(root)), sep="\n")  # noqa: T201
    return 0


def try_each(root: Root, options: argparse.Namespace) -> int:
    """Try each of the named things on each release."""
    unknown = [word for word in options.words if word not in TRIES]
    if unknown or not options.words:
        print(f"try got {unknown or 'nothing'}, expected some of {', '.join(TRIES)}")  # noqa: T201
        return 2
    code = 0
    for release in releases.installed(root):
        if options.on and release.name not in options.on:
            continue
        for what in options.words:
            if "uvloop" in what and release.extras != "test":
                continue
            if options.command == "ci" and what == "parity" and release.name.startswith("pypy"):
                continue  # one case of a network differs there
            code |= _tell(release.name, trying.try_on(root, release, what), options.record)
    return code


def readme(root: Root, options: argparse.Namespace) -> int:
    """Run README's commands in fresh roots."""
    commands = (options.only,) if options.only else COMMANDS_OF_README
    code = 0
    for fresh in FRESH:
        if not options.words or fresh.suite in options.words:
            for outcome in trying.readme(FOLDER, fresh, CHECKOUT, commands):
                code |= _tell(fresh.name, outcome, options.record)
    return code


def run_in(root: Root, options: argparse.Namespace) -> int:
    """Run a command of one release in the checkout that is installed there."""
    name, *command = options.words
    path = f"/opt/v-{name}/bin:/usr/local/bin:/usr/bin:/bin"
    done = root.run(command, folder=releases.PROJECT, environment={"PATH": path})
    print(done.stdout, end="")  # noqa: T201
    return done.returncode


def ci(root: Root, options: argparse.Namespace) -> int:
    """Set up, install, and try in some twenty minutes what has to hold on every release.

    The project's own tests take too long for that: `try tests` and `readme` run them.
    """
    options.words, options.only = list(FRESH_IN_CI), "run"
    code = readme(root, options)
    set_up(root, options)
    releases.install(root, CHECKOUT, ("conformance", ""))
    options.words = list(IN_CI)
    return code | try_each(root, options)


def _tell(name: str, outcome: Outcome, record: Path) -> int:
    """Print an outcome and keep it; return 1 if the try failed."""
    print(f"== {name}: {outcome.what}: exit {outcome.code} in {outcome.seconds:.0f} s")  # noqa: T201
    print(*(f"   {line}" for line in outcome.told), sep="\n", flush=True)  # noqa: T201
    if record:
        kept: Dict[str, Dict[str, List[object]]] = (
            json.loads(record.read_text()) if record.exists() else {}
        )
        kept.setdefault(name, {})[outcome.what] = [outcome.code, outcome.told]
        record.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return int(outcome.code != 0)


COMMANDS = {
    "set-up": set_up,
    "install": install,
    "names": names,
    "try": try_each,
    "readme": readme,
    "in": run_in,
    "ci": ci,
}

if __name__ == "__main__":
    sys.exit(main())
