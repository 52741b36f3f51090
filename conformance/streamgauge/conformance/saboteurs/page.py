"""The kill matrix as a page of the documentation, in Markdown."""

from __future__ import annotations

import platform
import sys
from typing import Dict, List

from streamgauge.conformance.saboteurs.making import Saboteur
from streamgauge.conformance.saboteurs.matrix import CLAUSE, EVERYTHING, OBJECT, Matrix

__all__ = ["page"]

HEAD = """\
# Who tests the tests: the saboteurs

Made by `streamgauge saboteurs --scope {option} --page docs/saboteurs.md`, on CPython {python}.

A saboteur is our own implementation with one fault put into it. Each has to be found by a check of
the clause that it breaks, with a certain piece of text in its message; each check has to find at
least one; and in the sound implementation nothing may be found. `tox -e saboteurs` holds that. Here
each was tried on {scope}, each check on the quickest link that it has.

{saboteurs} saboteurs, {missed} not found, {sole} found by one check alone; {checks} checks, {idle}
of which find nobody.
Each saboteur is a subject: `streamgauge run streamgauge.conformance.saboteurs:NAME`.
"""
SABOTEURS = """\

## {theme}

{about}

| saboteur | what is wrong | clause | found by | other clauses |
|---|---|---|---|---|
"""
CHECKS = """\

## The checks

How many saboteurs each check finds, and those that no other check finds.

| clause | check | finds | alone |
|---|---|---|---|
"""


TRIED_ON = {
    CLAUSE: "the clause that it breaks",
    OBJECT: "all clauses of the same object",
    EVERYTHING: "all clauses",
}


def page(matrix: Matrix, scope: str) -> str:
    """Write the page.

    Args:
        matrix: what came of it.
        scope: what each saboteur was tried on.
    """
    head = HEAD.format(
        option=scope,
        scope=TRIED_ON[scope],
        python=platform.python_version(),
        saboteurs=len(matrix.saboteurs),
        missed=len(matrix.survivors()),
        sole=len(matrix.sole_killers()),
        checks=len(matrix.due),
        idle=len(matrix.idle()),
    )
    return head + "".join(_themes(matrix)) + _checks(matrix)


def _themes(matrix: Matrix) -> List[str]:
    sections: Dict[str, str] = {}
    for one in matrix.saboteurs.values():
        if one.theme not in sections:
            about = (sys.modules[one.patch.__module__].__doc__ or one.theme).splitlines()[0]
            sections[one.theme] = SABOTEURS.format(theme=one.theme.capitalize(), about=about)
        sections[one.theme] += _row(one, matrix)
    return list(sections.values())


def _row(one: Saboteur, matrix: Matrix) -> str:
    kills = matrix.kills()[one.name]
    own = sorted({f"{r.verdict} on {r.link}" for r in kills if r.clause == one.clause})
    others = sorted({r.clause for r in kills} - {one.clause})
    shown = ", ".join(f"`{clause}`" for clause in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    missed = matrix.survivors().get(one.name)
    found = "**not found**" if missed else ", ".join(own) or "beside other clauses"
    cells = (f"`{one.name}`", one.fault, f"`{one.clause}`", found, shown + more)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _checks(matrix: Matrix) -> str:
    alone: Dict[object, List[str]] = {}
    for name, check in matrix.sole_killers().items():
        alone.setdefault(check, []).append(name)
    rows = []
    for check, names in matrix.victims().items():
        sole = ", ".join(f"`{name}`" for name in alone.get(check, ()))
        rows.append(f"| `{check[0]}` | {check[1].replace('_', ' ')} | {len(names)} | {sole} |\n")
    return CHECKS + "".join(rows)
