"""All spoils by part: the tables put together, and nothing else."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from .spoil import Spoil
from .spoils_functions import FUNCTIONS
from .spoils_protocol import PROTOCOL
from .spoils_reader import READER
from .spoils_reads import READS
from .spoils_writer import WRITER

__all__ = ["PARTS", "SPOILS"]

PARTS: Mapping[str, Tuple[Spoil, ...]] = {
    "reader": (*READS, *READER),
    "writer": WRITER,
    "protocol": PROTOCOL,
    "functions": FUNCTIONS,
}
SPOILS: Dict[str, Spoil] = {one.name: one for spoils in PARTS.values() for one in spoils}
