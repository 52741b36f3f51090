"""`python -m streamgauge.conformance`: the command `streamgauge`, for a Python of one's choice."""

from __future__ import annotations

from streamgauge.conformance.cli import main

if __name__ == "__main__":
    main()
