"""What `streamgauge new-subject` writes: an adapter, a deviation file, a test file to start from.

The texts are in `templates/`. They run as they are, on asyncio's streams, so that whoever changes
them can see at every step what a change did.
"""

from __future__ import annotations

import keyword
from pathlib import Path
from string import Template
from typing import Dict, List

from streamgauge.conformance.errors import UsageError

__all__ = ["KINDS", "new_subject", "subject_of"]

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("pair", "module")


def new_subject(name: str, kind: str, folder: Path) -> List[Path]:
    """Write the files of a new subject.

    Args:
        name: of the subject, a Python name such as `mine`.
        kind: `pair` for one method that makes a connection, `module` for asyncio's names.
        folder: where the files go.

    Returns:
        The files, the adapter first.

    Raises:
        UsageError: the name is none, the folder is not there, or one of the files is.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is no Python name; give one such as my_streams")
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; make it first")
    texts = {folder / file: text for file, text in _texts(name, kind).items()}
    for path in texts:
        if path.exists():
            raise UsageError(f"{path} is there already; give another name or --folder")
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; give another --folder") from error
    return [*texts]


def subject_of(name: str, kind: str) -> str:
    """Give the subject's name on the command line."""
    return f"{name}_subject" + (f":{_class_of(name)}" if kind == "pair" else "")


def _class_of(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name


def _texts(name: str, kind: str) -> Dict[str, str]:
    """Give file name -> text, the adapter first."""
    words = {
        "name": name,
        "title": f"`{name}`",
        "module": f"{name}_subject",
        "class": _class_of(name),
        "subject": subject_of(name, kind),
    }
    files = {
        f"{name}_subject.py": f"{kind}.py.txt",
        f"{name}_deviations.toml": "deviations.toml.txt",
        f"test_{name}.py": "test.py.txt",
    }
    return {
        file: Template((TEMPLATES / source).read_text(encoding="utf-8")).substitute(words)
        for file, source in files.items()
    }
