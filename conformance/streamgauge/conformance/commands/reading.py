"""The commands that run nothing: `list`, `explain`, `subjects`."""

from __future__ import annotations

import difflib
import sys
from typing import Optional, Tuple

import click

from streamgauge.conformance import catalogue as catalogues
from streamgauge.conformance import deviation_files, subjects
from streamgauge.conformance.catalogue import EDITIONS, LEVELS, Catalogue
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.report import pages
from streamgauge.conformance.report.console import make_console

__all__ = ["explain", "list_clauses", "list_subjects"]


@click.command("list")
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    metavar="LEVEL",
    help=f"Only this level: {', '.join(LEVELS)}.",
)
@click.option(
    "--clause",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Only clauses whose id matches, as in reader.read*. Repeatable.",
)
@click.option(
    "--edition",
    type=click.Choice(EDITIONS),
    metavar="EDITION",
    help=f"Only what this edition of the page promises, {EDITIONS[0]} to {EDITIONS[-1]}.",
)
def list_clauses(level: Optional[str], patterns: Tuple[str, ...], edition: Optional[str]) -> None:
    """List the clauses: id, level, documented object, links on which each is checked."""
    every = catalogues.load()
    within = every.for_edition(edition) if edition else every
    matching = set().union(*(within.matching(p) for p in patterns or ("*",)))
    chosen = [c for c in within.values() if c.id in matching and level in (None, c.level)]
    if not chosen:
        raise UsageError("no clause is like that; `streamgauge list` shows them all")
    pages.print_clauses(make_console(sys.stdout), chosen)


@click.command()
@click.argument("clause")
def explain(clause: str) -> None:
    """Explain a CLAUSE: promise, source, what failing means, hints, and its checks' own text."""
    every = catalogues.load()
    if clause not in every:
        raise UsageError(f"no clause {clause!r}; {_nearest(clause, every)}")
    listed = deviation_files.gather(tuple(subjects.builtin()), (), every)
    pages.print_clause(
        make_console(sys.stdout), every[clause], [d for d in listed if d.clause == clause]
    )


def _nearest(name: str, every: Catalogue) -> str:
    beginning = [known for known in every if known.startswith(f"{name}.")][:3]
    near = beginning or difflib.get_close_matches(name, list(every), n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "`streamgauge list` shows them all"


@click.command("subjects")
def list_subjects() -> None:
    """List the built-in subjects and loops, and say how to name your own."""
    pages.print_subjects(make_console(sys.stdout))
