"""`streamgauge repro`: one trial again, in this process, for a debugger or a bug report."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pdb
import signal
import sys
from typing import Any, Iterator, List, Optional

import click

from streamgauge.conformance import catalogue, deviation_files
from streamgauge.conformance.blame import cause_of, raised_in_suite, traceback_of
from streamgauge.conformance.catalogue import EDITIONS
from streamgauge.conformance.commands.words import EPILOG
from streamgauge.conformance.comparing import kind_is
from streamgauge.conformance.deliveries import named
from streamgauge.conformance.deviations import Here
from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.expectations import (
    AdapterError,
    CheckFailedError,
    PreconditionError,
)
from streamgauge.conformance.machine import need_unix
from streamgauge.conformance.plainly import script_for
from streamgauge.conformance.plan import LINKS, STOCK_LOOP, RunPlan
from streamgauge.conformance.replay import Replay, cut_to_check, stack_of
from streamgauge.conformance.runner import TrialSpec
from streamgauge.conformance.selection import Selection
from streamgauge.conformance.showing import said
from streamgauge.conformance.verdicts import EXIT_CODES, Outcome, Verdict
from streamgauge.conformance.vocabulary import NoScriptError
from streamgauge.conformance.witness import note

__all__ = ["repro"]


# Words of the suite about the subject, and what comes through the loop from one of its callbacks.
ALWAYS_THE_SUBJECTS = (CheckFailedError, SystemExit, KeyboardInterrupt, asyncio.CancelledError)


@click.command(epilog=EPILOG)
@click.argument("name", metavar="SUBJECT")
@click.argument("clause")
@click.option("--link", type=click.Choice(LINKS), metavar="LINK", help="On this link.")
@click.option("--loop", default=STOCK_LOOP, metavar="LOOP", help="On this event loop.")
@click.option("--check", metavar="NAME", help="This check of the clause; default: all, in turn.")
@click.option("--plan", default="whole", metavar="PLAN", help="Under this delivery plan.")
@click.option("--edition", type=click.Choice(EDITIONS), metavar="EDITION", help="Of this edition.")
@click.option("--script", is_flag=True, help="Run nothing; print a script in plain asyncio.")
@click.option("--pdb", "debug", is_flag=True, help="Open a debugger where the check fails.")
def repro(
    name: str,
    clause: str,
    link: Optional[str],
    loop: str,
    check: Optional[str],
    plan: str,
    edition: Optional[str],
    script: bool,
    debug: bool,
) -> int:
    """Run the trials of CLAUSE on SUBJECT in this process, without clocks, until one fails.

    `breakpoint()` works in the subject and in the check. A wait without end is ended by Ctrl-C,
    which says where it stood.
    """
    need_unix()
    asked = RunPlan(
        subjects=(name,),
        loops=(loop,),
        links=(link,) if link else (),
        clauses=(clause,),
        edition=edition,
        plans=(plan,),
        search_path=(os.getcwd(),),
    )
    selection = Selection(asked)
    trials = _trials(selection, check)
    if script:
        return _print_script(_departing_first(trials))
    for spec in trials:
        code = _replay(selection, spec, debug)
        if code:
            return code
    return EXIT_CODES[Outcome.AS_EXPECTED]


def _trials(selection: Selection, check: Optional[str]) -> List[TrialSpec]:
    """Give the trials in question; each clause's promise is what the user has in mind."""
    names = list(dict.fromkeys(spec.check.name for spec in selection.trials))
    if check is not None and check not in names:
        raise UsageError(f"no check {check!r} there; expected one of {', '.join(names)}")
    found = [s for s in selection.trials if check in (None, s.check.name)]
    applicable = [spec for spec in found if not spec.inapplicable]
    if not applicable:
        raise UsageError(f"{found[0].check.clause} is inapplicable: {found[0].inapplicable}")
    return applicable


def _departing_first(trials: List[TrialSpec]) -> List[TrialSpec]:
    """Put first the checks that are known to depart here: of several, theirs is the script."""
    spec = trials[0]
    listed = deviation_files.gather((spec.subject,), (), catalogue.load())
    known = [d for d in listed if d.clause == spec.check.clause and d.applies(Here())]
    return sorted(
        trials, key=lambda spec: not any(d.concerns(spec.result_of(Verdict.FAIL)) for d in known)
    )


def _print_script(trials: List[TrialSpec]) -> int:
    spec, reason = trials[0], ""
    for spec in trials:
        try:
            text = script_for(spec.check, spec.link, subject=spec.subject, loop=spec.loop)
        except NoScriptError as error:
            reason = reason or str(error)
        else:
            click.echo(text, nl=False)
            return EXIT_CODES[Outcome.AS_EXPECTED]
    raise UsageError(f"{spec.check.clause} has no short script: {reason}; leave --script out")


def _replay(selection: Selection, spec: TrialSpec, debug: bool) -> int:
    """Run one trial and say what came of it; gives the exit code."""
    (plan,) = selection.sweep.only
    under = "" if plan == "whole" else f" under {plan}"
    title = f"{spec.check.clause} ({spec.check.name}) on {spec.link}{under}"
    subject, loop = selection.subjects[spec.subject], selection.loops[spec.loop]
    note(title)
    replay = Replay(spec.check, subject, spec.link, loop, named(plan))
    with _interrupts() as interrupted:
        noise = replay.run()
    if interrupted:
        click.echo(f"{title}: interrupted; it waited in {replay.where}")
        return EXIT_CODES[Outcome.INCOMPLETE]
    if replay.fault is not None:
        return _told(replay.fault, title, debug)
    if replay.void:
        click.echo(f"{title}: not tried, it is no way to play this check: {replay.void}")
        return EXIT_CODES[Outcome.INCOMPLETE]
    if noise:
        click.echo(f"{title}: holds, and yet: {noise}")
        return EXIT_CODES[Outcome.DEPARTED]
    click.echo(f"{title}: holds")
    sys.stdout.flush()
    return EXIT_CODES[Outcome.AS_EXPECTED]


def _told(error: BaseException, title: str, debug: bool) -> int:
    """Say what a check has raised; gives the exit code."""
    ours = raised_in_suite(error) and not kind_is(error, ALWAYS_THE_SUBJECTS)
    if ours and isinstance(error, AdapterError):
        cause = cause_of(error)
        stack = f"{stack_of(cause)}\n" if cause else ""
        click.echo(f"{stack}{title}: the adapter is at fault: {said(error)}")
        return EXIT_CODES[Outcome.HARNESS]
    if ours and isinstance(error, PreconditionError):
        cut_to_check(error)
        click.echo(f"{stack_of(error)}\n{title}: not tried, {said(error)}")
        return EXIT_CODES[Outcome.INCOMPLETE]
    if not ours:
        cut_to_check(error)
    click.echo(f"{stack_of(error)}\n{title}: {'the suite is at fault' if ours else 'fails'}")
    if debug:
        pdb.post_mortem(traceback_of(error))
    return EXIT_CODES[Outcome.HARNESS if ours else Outcome.DEPARTED]


@contextlib.contextmanager
def _interrupts() -> Iterator[List[bool]]:
    """Note whether the user has interrupted: a subject may raise KeyboardInterrupt as well."""
    noted: List[bool] = []

    def interrupt(number: int, frame: Any) -> None:
        noted.append(True)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)
