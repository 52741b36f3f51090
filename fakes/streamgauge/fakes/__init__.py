"""In-memory wires, stream pairs and networks for testing code that uses asyncio streams.

Nothing lives here yet: the fakes come with release 0.2. The package is shipped empty so
that the three-package layout, its arrows and its typing are held by tests from the start.
"""

from __future__ import annotations

__all__: list[str] = []
