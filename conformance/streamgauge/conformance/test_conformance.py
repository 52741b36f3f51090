"""The trials as tests, without a file of one's own: `pytest --pyargs streamgauge.conformance`.

`STREAMGAUGE_SUBJECTS` names the subjects, separated by spaces; default: stdlib and streams.
"""

from __future__ import annotations

import os

from streamgauge.conformance.in_pytest import conformance_tests
from streamgauge.conformance.plan import RunPlan

test_conformance = conformance_tests(
    *(os.environ.get("STREAMGAUGE_SUBJECTS", "").split() or RunPlan.subjects)
)
