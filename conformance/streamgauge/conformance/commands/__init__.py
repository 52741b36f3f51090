"""The commands: what may be written on the command line, one module for each family.

Thin fronts: options become plain data, the parts that do the work take it from there. No verdict
is reached here, and errors pass through to `cli.main`. A new command is a `click.command` in a
module of this package, and a name in `COMMANDS`.
"""

from __future__ import annotations

from typing import Sequence

import click

from streamgauge.conformance import results
from streamgauge.conformance.commands.benching import bench
from streamgauge.conformance.commands.listing import baseline
from streamgauge.conformance.commands.reading import explain, list_clauses, list_subjects
from streamgauge.conformance.commands.repeating import repro
from streamgauge.conformance.commands.running import run
from streamgauge.conformance.commands.sabotaging import saboteurs
from streamgauge.conformance.commands.scaffolding import new_subject
from streamgauge.conformance.commands.words import EPILOG
from streamgauge.conformance.errors import UsageError

__all__ = ["COMMANDS", "invoke", "streamgauge"]

COMMANDS: Sequence[click.Command] = (
    run,
    list_clauses,
    explain,
    list_subjects,
    repro,
    baseline,
    new_subject,
    bench,
    saboteurs,
)


def invoke(words: Sequence[str]) -> int:
    """Run a command line.

    Returns:
        The exit code of a command that came to its end.

    Raises:
        UsageError: the words make no command line; the message is one line.
    """
    try:
        code = streamgauge.main(list(words), prog_name="streamgauge", standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "streamgauge"
        text = error.format_message().rstrip(".")
        raise UsageError(f"{text}; see `{path} --help`") from error
    return code if isinstance(code, int) else 0


@click.group(
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(results.suite_version(), message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show all of an internal error; goes first.")
@click.pass_context
def streamgauge(context: click.Context, debug: bool) -> None:
    """Judge asyncio streams, clause by clause, by what the documentation promises."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in COMMANDS:
    streamgauge.add_command(command)
