"""What is known of the terminal: colour, width, and signs that its encoding can show.

No result is touched here. Styles are named for what they mean, so the colours stand in one table.
"""

from __future__ import annotations

import io
import os
import re
from typing import IO, Any, Mapping, cast

from rich.console import Console
from rich.theme import Theme

__all__ = ["STYLES", "make_console", "sign"]

STYLES: Mapping[str, str] = {
    "good": "green",
    "listed": "yellow",
    "bad": "bold red",
    "quiet": "dim",
    "name": "bold",
    "command": "cyan",
}

# name -> (for encodings of Unicode, for all others)
SIGNS: Mapping[str, tuple[str, str]] = {
    "new": ("✗", "x"),
    "listed": ("~", "~"),
    "untried": ("?", "?"),
    "unseen": ("!", "!"),
    "none": ("-", "-"),
    "dot": ("·", "-"),
    "bullet": ("•", "*"),
}

# Wide enough for a line of a check's text, narrow enough for a mail, where no terminal tells.
PLAIN_WIDTH = 100


class _Trimmed:
    """A stream without blanks at the ends of lines: columns are for eyes, pipes for tools."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(re.sub(r" +$", "", text, flags=re.MULTILINE))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, as rich would exit with a code that means a departure."""
        raise BrokenPipeError


def make_console(stream: IO[str], width: int | None = None) -> Console:
    """Make a console that writes to a stream and never fails on a character.

    Args:
        stream: stdout, stderr or any text file; colour only if it is a terminal (and `NO_COLOR`
            is not set, which rich sees to).
        width: columns; None for the terminal's own, or `COLUMNS`.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a detail may hold any character
    console = _Console(
        file=stream if stream.isatty() else cast("IO[str]", _Trimmed(stream)),
        width=width,
        theme=Theme(dict(STYLES)),
        markup=False,  # details hold brackets of their own
        emoji=False,
        highlight=False,
    )
    if width is None and not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = PLAIN_WIDTH
    return console


def sign(console: Console, name: str) -> str:
    """Give a sign in a form that the console's encoding has."""
    return SIGNS[name][not console.encoding.lower().startswith("utf")]
