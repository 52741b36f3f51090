"""`streamgauge new-subject`: files to start from, and the command to run next."""

from __future__ import annotations

from pathlib import Path

import click

from streamgauge.conformance import scaffold

__all__ = ["new_subject"]


@click.command("new-subject")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(scaffold.KINDS),
    default=scaffold.KINDS[0],
    metavar="KIND",
    help="pair (the default): a method that makes one connection; module: asyncio's names.",
)
@click.option(
    "--folder",
    type=Path,
    default=Path(),
    metavar="FOLDER",
    help="Where the files go; default: the current folder.",
)
def new_subject(name: str, kind: str, folder: Path) -> None:
    """Write an adapter, a deviation file and a test file for a subject called NAME."""
    files = scaffold.new_subject(name, kind, folder)
    for path in files:
        click.echo(f"wrote {path}")
    subject = scaffold.subject_of(name, kind)
    click.echo(f"next: streamgauge run {subject} --deviations {files[1]}")
