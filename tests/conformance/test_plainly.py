"""Scripts in plain asyncio: each holds on a right implementation and fails where asyncio departs.

All scripts of a test run in one process of their own, one after the other.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Dict, List, Tuple

import pytest

from streamgauge.conformance import catalogue, deviation_files, plainly, registry
from streamgauge.conformance.deviations import Here
from streamgauge.conformance.plainly import LINES_AT_MOST, script_for
from streamgauge.conformance.plan import RunPlan
from streamgauge.conformance.registry import Check
from streamgauge.conformance.selection import edition_of
from streamgauge.conformance.vocabulary import LINKS, NoScriptError

pytestmark = pytest.mark.any_python

KEEPS = "reader.readuntil.overrun-keeps-data"

# Reads scripts from stdin and says of each how it ended.
RUNNER = """
import json, sys, warnings
warnings.simplefilter("ignore")
told = {}
for name, script in json.load(sys.stdin).items():
    try:
        exec(compile(script, name, "exec"), {"__name__": "__main__"})
    except BaseException as error:
        told[name] = f"{type(error).__name__}: {error}"
    else:
        told[name] = ""
sys.stdout.flush()
print("\\n" + json.dumps(told))
"""
Scripts = Dict[str, str]


def run(scripts: Scripts) -> Dict[str, str]:
    """Run scripts; gives what each ended with, nothing for one that held."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told: Dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return told


def told(check: Check, links: Tuple[str, ...], subject: str) -> Scripts:
    """Give the script of a check on the first link on which it can be told."""
    for link in (link for link in LINKS if link in links):
        try:
            return {f"{check.clause} {check.name} {link}": script_for(check, link, subject=subject)}
        except NoScriptError:
            continue
    return {}


@lru_cache(maxsize=None)
def checks() -> List[Check]:
    """Give the checks of the running edition's clauses."""
    clauses = catalogue.load().for_edition(edition_of(RunPlan()))
    return [c for c in registry.all_checks() if c.clause in clauses]


def of_all(subject: str) -> Scripts:
    """Give every script there is about a subject, on a link of the checks' own."""
    scripts: Scripts = {}
    for check in checks():
        scripts.update(told(check, tuple(link for link in check.links if link != "own"), subject))
    return scripts


def test_every_script_holds_on_a_right_implementation() -> None:
    """No script cries wolf: whatever is promised and told about our streams ends in silence."""
    promised = {c for c, clause in catalogue.load().items() if clause.level != "behaviour"}
    scripts = {n: text for n, text in of_all("streams").items() if n.split()[0] in promised}
    assert {} == {name: end for name, end in run(scripts).items() if end}


def test_scripts_are_short_and_plain() -> None:
    """At most twenty lines, nothing of the suite in them, and as many as ever."""
    scripts = of_all("stdlib")
    assert [] == [n for n, text in scripts.items() if len(text.splitlines()) > LINES_AT_MOST]
    assert [] == [n for n, text in scripts.items() if "streamgauge" in text]
    assert len(scripts) > 0.5 * len(checks())


def test_nearly_every_check_by_feeding_is_told() -> None:
    """A few checks on `feed` are too much for a short script; histories bring theirs.

    So are those of what is built or shown by hand: behaviours, which no report has to show.
    """
    without = (".history.", ".built.", "protocol.", ".repr.", "writer.collected.after-its-loop")
    fed = [c for c in checks() if "feed" in c.links and not any(w in c.clause for w in without)]
    missing = {c.name for c in fed if not told(c, ("feed",), "stdlib")}
    assert missing <= {
        "every_result_is_bytes",
        "a_transport_set_by_hand_is_paused_above_twice_the_limit",
        "a_reader_has_one_transport",
        "exception_gives_what_was_set",
        "more_may_come_in_the_turn_in_which_an_error_is_set",
        "what_a_read_that_waited_long_leaves_is_counted",
        "what_cannot_be_paused_is_asked_once",
        "a_read_that_is_given_up_lets_nothing_in_any_more",
        "every_read_that_leaves_no_more_than_the_limit_resumes",
        "a_line_beyond_the_limit_that_is_dropped_resumes",
        "a_read_that_waits_resumes_and_a_full_buffer_pauses_again",
        "a_cancelled_readexactly_leaves_a_large_message_as_far_as_it_came",
        "a_readexactly_cancelled_at_the_end_leaves_all_of_a_large_message",
        "over_asyncios_protocol_a_cancelled_wait_leaves_the_others_waiting",
    }


def test_every_known_departure_shows_in_a_script() -> None:
    """What is listed for this Python's own streams fails in the script that a report prints.

    Of an entry about one check it is that check's script.

    Left out: what departs under TLS or in a loop other than the stock one alone, and the clauses
    whose fault a script has no lines for, which say so.
    """
    untold = {"handler.callable.pause-reading-honoured", "writer.writelines.drain-blocks"}
    scripts: Dict[Tuple[str, str], Scripts] = {}
    for entry in deviation_files.gather(("stdlib",), (), catalogue.load()):
        links = tuple(link for link in LINKS if link in (entry.when.links or LINKS))
        stock = fnmatchcase("asyncio", entry.when.loop)
        if not (entry.applies(Here()) and stock and links) or entry.clause in untold:
            continue
        for check in (c for c in checks() if c.clause == entry.clause):
            mine = tuple(link for link in check.links if link in links and link != "own")
            if entry.check in ("", check.name):
                of_entry = scripts.setdefault((entry.clause, entry.check), {})
                of_entry.update(told(check, mine, "stdlib"))
    ends = run({name: text for of_one in scripts.values() for name, text in of_one.items()})
    silent = [c for c, of_one in scripts.items() if of_one and not any(ends[n] for n in of_one)]
    assert [] == silent
    assert len(ends) > 5


def one(clause: str) -> Check:
    """Give the first check of a clause."""
    return registry.checks_for(clause)[0]


def test_a_script_reads_like_the_check() -> None:
    """The check's own lines, with plain asyncio in the place of the suite's verbs."""
    expected = """\
# reader.readuntil.overrun-keeps-data
import asyncio, unittest
from asyncio import LimitOverrunError
expect = unittest.TestCase()
async def idle():
    for _ in range(16): await asyncio.sleep(0)
async def main():
    reader = asyncio.StreamReader(limit=3)
    reader.feed_data(b"abcdSEPx")
    await idle()
    with expect.assertRaises(LimitOverrunError):
        await reader.readuntil(b"SEP")
    expect.assertEqual(await reader.readexactly(8), b"abcdSEPx")
asyncio.run(asyncio.wait_for(main(), 20))
"""
    check = one("reader.readuntil.overrun-keeps-data")
    assert expected == script_for(check, "feed", subject="stdlib")


@pytest.mark.parametrize(
    ("subject", "lines"),
    [
        ("stdlib", ["asyncio.StreamReader("]),
        ("streams", ["import streamgauge.streams as subject", "subject.StreamReader("]),
        ("mypkg.io", ["import mypkg.io as subject", "subject.StreamReader("]),
        ("mypkg.io:compat.old", ["from mypkg.io import compat as subject", "subject.old.StreamR"]),
    ],
)
def test_a_script_imports_its_subject_by_name(subject: str, lines: List[str]) -> None:
    """A subject is had as the command line has it, a module or an object in one."""
    text = script_for(one("reader.readuntil.overrun-keeps-data"), "feed", subject=subject)
    assert all(line in text for line in lines)


@pytest.mark.parametrize(
    "clause", ["reader.readuntil.overrun-keeps-data", "reader.shared.no-lost-wakeup"]
)
def test_a_script_runs_on_the_loop_it_is_about(clause: str) -> None:
    """Scripts made from a check and scripts written by hand make the loop that was asked for."""
    text = script_for(one(clause), "feed", subject="stdlib", loop="asyncio:new_event_loop")
    assert "import asyncio; asyncio.new_event_loop().run_until_complete(" in text.splitlines()[-1]
    assert "asyncio.run(" not in text


@pytest.mark.parametrize(
    ("loop", "line"),
    [
        ("uvloop", "import uvloop; uvloop.new_event_loop().run_until_complete("),
        ("talyn", "import talyn; talyn.Loop().run_until_complete("),
        ("asyncio-debug", "asyncio.run(asyncio.wait_for(main(), 20), debug=True)"),
    ],
)
def test_a_loop_by_name_is_made_in_a_line(loop: str, line: str) -> None:
    """Loops that the command line knows by name are made as their modules make them."""
    text = script_for(one(KEEPS), "feed", subject="stdlib", loop=loop)
    assert text.splitlines()[-1].startswith(line)


@pytest.mark.parametrize("loop", ["asyncio-eager", "aiofastnet+uvloop"])
def test_a_loop_that_takes_more_says_so(loop: str) -> None:
    """No script is better than one on another loop."""
    with pytest.raises(NoScriptError, match=re.escape(f"loop {loop} takes more than a line")):
        script_for(one(KEEPS), "feed", subject="stdlib", loop=loop)


def test_a_pair_of_its_own_is_made_by_its_method() -> None:
    """On link `own` the subject's pair() joins; what calls asyncio's functions is not told."""
    text = script_for(one("writer.drain.raises-after-close"), "own", subject="my.adapter:Mine")
    assert "_, writer, ours = await subject().pair(2**16)" in text
    assert "open_connection" not in text
    with pytest.raises(NoScriptError):
        script_for(one("writer.drain.several-waiters"), "own", subject="my.adapter:Mine")


@pytest.mark.parametrize(
    ("clause", "link", "reason"),
    [
        ("open_connection.ssl.context-encrypts", "tls", "link tls takes more than plain sockets"),
        ("open_connection.loop.accepted", "tcp", "t.warnings has no short equivalent"),
        ("handler.call.once-for-each-connection", "tcp", "it has several peers"),
        ("reader.lost.wakes-waiting-read", "socketpair", "nothing resets a connection on socket"),
        ("reader.result.is-bytes", "feed", "a line of it would be too long"),
    ],
)
def test_what_cannot_be_told_says_why(clause: str, link: str, reason: str) -> None:
    """A script that would be long or wrong is not made; the reason stands in its place."""
    with pytest.raises(NoScriptError, match=reason):
        script_for(one(clause), link, subject="stdlib")


def test_scripts_by_hand_belong_to_clauses_and_are_short() -> None:
    """Each names the subject, is within the bound with its two lines more, and has its clause."""
    names = {path.stem: path.read_text().splitlines() for path in plainly.WRITTEN.iterdir()}
    of_checks = {f"{c.clause}.{c.name}" for c in registry.all_checks()}
    alone = {c for c in catalogue.load() if len(registry.checks_for(c)) == 1}
    assert set(names) <= of_checks | alone
    assert [] == [name for name, lines in names.items() if len(lines) + 2 > LINES_AT_MOST]
    assert all(any("SUBJECT." in line for line in lines) for lines in names.values())
    assert inspect.iscoroutinefunction(registry.all_checks()[0].function)
