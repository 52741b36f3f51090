"""The account as JUnit XML, for the dashboards of CI systems: a suite a subject, a case a trial.

What is listed, or does not apply, is skipped with its reason; what could not be tried is an
error, so that it never reads as passed. Behaviour clauses are no tests and are left out.
"""

from __future__ import annotations

import re
from typing import Dict, List, Tuple
from xml.etree import ElementTree as ET

from streamgauge.conformance.deviations import Deviation
from streamgauge.conformance.plan import Result
from streamgauge.conformance.report.account import Account, Entry, Judged, Status
from streamgauge.conformance.report.notes import note_of
from streamgauge.conformance.verdicts import AGAINST, UNTRIED, Verdict

__all__ = ["junit"]

# XML 1.0 has no way to write these, not even escaped.
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(account: Account) -> str:
    """Give the report's text."""
    root = ET.Element("testsuites", name="streamgauge")
    listed = {id(result): deviation for result, deviation in account.sorted.listed}
    for judged in account.judged:
        root.append(_suite(account, judged, listed))
    _sum_up(root, list(root))
    _indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(account: Account, judged: Judged, listed: Dict[int, Deviation]) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(judged.label))
    properties = ET.SubElement(suite, "properties")
    facts = {
        "claim": account.claim(judged),
        "edition": account.edition,
        "catalogue": account.catalogue,
        "complete": str(account.complete).lower(),
        **{f"note.{number}": note for number, note in enumerate(account.notes, 1)},
    }
    entries = account.entries(judged)
    unseen = {id(result) for result in account.sorted.unseen}
    notes = {
        (entry.clause, entry.verdict): note_of(account, entry)
        for entry in entries
        if entry.status == Status.UNSEEN
    }
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=str(value))
    for result in account.results:
        if judged.owns(result) and (result.level != "behaviour" or _spoiled(result)):
            note = notes.get((result.clause, result.verdict), "") if id(result) in unseen else ""
            suite.append(_case(account, result, listed.get(id(result)), note))
    for entry in entries:
        if entry.status in (Status.STALE, Status.BETTER) and entry.deviation:
            case = ET.SubElement(suite, "testcase", classname="deviations", name=entry.clause)
            _told(case, account, entry)
    _sum_up(suite, suite.findall("testcase"))
    return suite


def _told(case: ET.Element, account: Account, entry: Entry) -> None:
    """Write of an entry that did not come true: the user's own is a failure, ours a note."""
    where = entry.deviation.where if entry.deviation else "?"
    if entry.status == Status.BETTER:
        _outcome(case, "skipped", "", note_of(account, entry), "")
        return
    text = f"listed as {entry.verdict}, and no trial of it ended so"
    _outcome(case, "failure", "stale", text, f"{where}: delete the entry, or narrow its `when`")


def _spoiled(result: Result) -> bool:
    return result.verdict is Verdict.HARNESS


def _case(account: Account, result: Result, listed: Deviation | None, note: str = "") -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=_clean(account.object_of(result.clause)),
        name=_clean(f"{result.clause}[{result.check}-{result.link}]"),
        time=f"{result.seconds:.6f}",
    )
    verdict, detail = result.verdict, result.detail
    if listed is not None:
        _outcome(case, "skipped", "", f"listed: {listed.reason} ({listed.issue})", detail)
    elif note:
        _outcome(case, "skipped", "", note, detail)
    elif verdict in AGAINST:
        _outcome(case, "failure", str(verdict), detail, detail)
    elif verdict in UNTRIED or _spoiled(result):
        _outcome(case, "error", str(verdict), detail, detail)
    elif verdict is Verdict.INAPPLICABLE:
        _outcome(case, "skipped", "", f"inapplicable: {detail}", "")
    return case


def _outcome(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    first = message.strip().partition("\n")[0]
    attributes = {"message": _clean(first), **({"type": kind} if kind else {})}
    ET.SubElement(case, tag, attributes).text = _clean(text) or None


def _sum_up(element: ET.Element, parts: List[ET.Element]) -> None:
    """Write the counts that readers of the format expect."""
    counted: Tuple[Tuple[str, str], ...] = (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    )
    suites = element.tag == "testsuites"
    cases = [c for p in parts for c in p.findall("testcase")] if suites else parts
    element.set("tests", str(len(cases)))
    for name, tag in counted:
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.6f}")


def _indent(element: ET.Element, level: int = 0) -> None:
    """Put each element on a line of its own; ElementTree does it itself from 3.9 on."""
    inner = "\n" + "  " * (level + 1)
    if len(element):
        element.text = inner
        for child in element:
            _indent(child, level + 1)
            child.tail = inner
        element[-1].tail = inner[:-2]


def _clean(text: str) -> str:
    return UNWRITABLE.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
