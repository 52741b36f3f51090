"""The account of one subject as a badge: a small SVG picture that needs no font and no server."""

from __future__ import annotations

from typing import Mapping, Tuple
from xml.sax.saxutils import escape

from streamgauge.conformance.errors import UsageError
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.report.account import Account
from streamgauge.conformance.verdicts import Claim

__all__ = ["badge", "check_one_subject"]

LABEL = "asyncio streams"
CHARACTER = 6.2  # pixels, of a letter of 11 px; textLength makes it so in any font
PADDING = 7  # pixels
HEIGHT = 20  # pixels

# Each has a contrast of 4.5 or more with white.
COLOURS: Mapping[Claim, str] = {
    Claim.CONFORMANT: "#2a7a36",
    Claim.DEVIATES: "#9a6200",
    Claim.INCOMPLETE: "#5c6670",
    Claim.INVALID: "#b3261e",
}
NEW = "#b3261e"

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" \
aria-label="{title}">
  <title>{title}</title>
  <clipPath id="round"><rect width="{width}" height="{height}" rx="4"/></clipPath>
  <g clip-path="url(#round)">
    <rect width="{left}" height="{height}" fill="#3b434b"/>
    <rect x="{left}" width="{right}" height="{height}" fill="{colour}"/>
  </g>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" \
lengthAdjust="spacingAndGlyphs">
    <text x="{pad}" y="14" textLength="{left_text}">{label}</text>
    <text x="{at}" y="14" textLength="{right_text}">{value}</text>
  </g>
</svg>
"""


def check_one_subject(plan: RunPlan) -> None:
    """Refuse a badge of several subjects before they are run.

    Raises:
        UsageError: the plan has more than one subject, or more than one loop.
    """
    if len(plan.subjects) * len(plan.loops) != 1:
        raise UsageError(
            f"--badge shows one subject on one loop, the run has {', '.join(plan.subjects)} on "
            f"{', '.join(plan.loops)}; name one"
        )


def badge(account: Account) -> str:
    """Give the picture's text."""
    (judged,) = account.judged
    claim, tally = account.claim(judged), account.tally(judged)
    value = f"{claim} {tally.held}/{tally.tried}"
    colour = NEW if tally.new else COLOURS[claim]
    (left, left_text), (right, right_text) = _widths(LABEL), _widths(value)
    title = f"{LABEL}: {value}, edition {account.edition}, {judged.label}"
    return SVG.format(
        width=left + right, height=HEIGHT, left=left, right=right, pad=PADDING, at=left + PADDING,
        left_text=left_text, right_text=right_text, label=LABEL, value=escape(value),
        title=escape(title, {'"': "&quot;"}), colour=colour,
    )  # fmt: skip


def _widths(text: str) -> Tuple[int, int]:
    """Give the width of a field and of the text in it, in pixels."""
    inner = round(len(text) * CHARACTER)
    return inner + 2 * PADDING, inner
