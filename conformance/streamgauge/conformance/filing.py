"""Writing files whole: beside their place first, then renamed into it.

Whoever reads one meanwhile, or whatever ends us, there is the old text or the new one.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8; half a surrogate pair becomes an escape.

    Args:
        path: a link is followed; what is no regular file (a device, a pipe) is written to as it is.
        text: all of it.

    Raises:
        OSError: it cannot be written; the file that was there is as it was.
    """
    place = Path(os.path.realpath(path))
    data = text.encode("utf-8", "backslashreplace")
    if place.exists() and not place.is_file():
        place.write_bytes(data)
        return
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        if place.exists():
            beside.chmod(place.stat().st_mode & 0o777)
        os.replace(beside, place)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
