"""Deviations: what a file may say, to which results an entry applies, and what becomes stale."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from streamgauge.conformance import catalogue, subjects
from streamgauge.conformance.deviation_files import DeviationError, gather, load
from streamgauge.conformance.deviations import Deviation, Here, When, classify
from streamgauge.conformance.observed import base_of, running
from streamgauge.conformance.plan import Result
from streamgauge.conformance.results import suite_version
from streamgauge.conformance.verdicts import Verdict
from streamgauge.conformance.versions import version_of

CLAUSES = {
    "reader.a": SimpleNamespace(id="reader.a", level="must"),
    "reader.b": SimpleNamespace(id="reader.b", level="should"),
    "reader.fact": SimpleNamespace(id="reader.fact", level="behaviour"),
}
HERE = Here(python="3.11.7", platform="linux")
SOUND = {
    "clause": '"reader.a"',
    "verdict": '"fail"',
    "reason": '"it is so"',
    "issue": '"gh-1"',
}


def result(verdict="fail", **changes):
    """Make a result of reader.a on stdlib, the stock loop and tcp."""
    fields = {
        "subject": "stdlib",
        "loop": "asyncio",
        "link": "tcp",
        "clause": "reader.a",
        "check": "check",
        "level": "must",
        "detail": "expected 1, got 2",
    }
    return Result(**{**fields, **changes}, verdict=Verdict(verdict))


def entry(verdict="fail", clause="reader.a", match=None, subject="stdlib", **when):
    """Make an entry for reader.a on stdlib."""
    return Deviation(
        subject=subject,
        clause=clause,
        verdict=Verdict(verdict),
        when=When(**when),
        reason="it is so",
        issue="gh-1",
        where="stdlib.toml, deviation 1",
        match=match,
    )


def sort(results, entries, **options):
    """Classify on Python 3.11.7 on linux."""
    return classify(results, entries, here=HERE, **options)


def write(path, *entries, head=""):
    """Write a deviation file; an entry is a dict of key -> TOML text."""
    blocks = ["\n".join(f"{k} = {v}" for k, v in e.items()) for e in entries]
    path.write_text(head + "".join(f"[[deviation]]\n{block}\n" for block in blocks))
    return path


# --- comparing ---

DEPARTING = ["fail", "hang", "stall", "crash", "noise", "partial", "flaky"]


@pytest.mark.parametrize("verdict", [v.value for v in Verdict])
def test_unlisted_results_are_sorted_by_verdict(verdict):
    """Without any entry each verdict falls into its own group, passes into none."""
    found = sort([result(verdict)], [])
    groups = {name for name in ("listed", "new", "untried", "harness") if getattr(found, name)}
    words = {"precondition": "untried", "unverified": "untried", "harness": "harness"}
    expected = words.get(verdict)
    if verdict in DEPARTING:
        expected = "new"
    assert {expected} - {None} == groups


@pytest.mark.parametrize("verdict", [*DEPARTING, "precondition"])
def test_departing_as_listed_is_listed(verdict):
    """An entry takes up the result that departs as it says, and is not stale then."""
    listed = entry(verdict)
    found = sort([result(verdict)], [listed])
    assert ((result(verdict), listed),) == found.listed
    assert ((), (), ()) == (found.new, found.untried, found.stale)


@pytest.mark.parametrize("verdict", [v for v in DEPARTING if v != "hang"])
def test_departing_otherwise_is_new_and_stale(verdict):
    """A clause listed as hanging that fails instead is a new departure, and the entry is stale."""
    found = sort([result(verdict)], [entry("hang")])
    assert (result(verdict),) == found.new
    assert (entry("hang"),) == found.stale


def test_behaviour_is_never_a_departure():
    """A fact that nobody promised can't be departed from."""
    found = sort([result("fail", level="behaviour")], [])
    assert ((), (), ()) == (found.new, found.listed, found.stale)


def test_a_fault_of_the_suite_counts_in_behaviours_too():
    """The suite's own fault is told wherever it shows."""
    assert 1 == len(sort([result("harness", level="behaviour")], []).harness)


@pytest.mark.parametrize(
    ("change", "listed"),
    [
        ({}, True),
        ({"subject": "streams"}, False),
        ({"clause": "reader.b"}, False),
        ({"link": "tls"}, True),
        ({"link": "unix"}, False),
        ({"loop": "uvloop:new_event_loop"}, False),
        ({"detail": "expected 1, got 3"}, False),
    ],
)
def test_an_entry_lists_what_all_its_conditions_meet(change, listed):
    """Subject, clause, link, loop and detail all have to agree."""
    one = entry(links=("tcp", "tls"), loop="asyn*", match=r"got 2$")
    assert listed is bool(sort([result(**change)], [one]).listed)


@pytest.mark.parametrize(
    ("python", "version", "applies"),
    [
        ("", "3.11.7", True),
        (">=3.8,<3.13", "3.8.18", True),
        (">=3.8,<3.13", "3.12.1", True),
        (">=3.8,<3.13", "3.13.0", False),
        ("<3.11.7", "3.11.7", False),
        ("==3.11.*", "3.11.7", True),
        ("!=3.11.7", "3.11.7", False),
        ("<3.10.8 or >=3.11,<3.11.4", "3.10.9", False),
        ("<3.10.8 or >=3.11,<3.11.4", "3.11.2", True),
        (">=3.11.7", "3.11.7rc1", True),
        ("<=3.11.7", "3.11.7+debian", True),
        (">3.11.7", "3.11.7+debian", False),
    ],
)
def test_python_is_a_specifier_over_the_running_version(python, version, applies):
    """An entry for other Pythons neither lists a departure nor becomes stale."""
    one = entry(python=python)
    assert applies is bool(classify([result()], [one], here=Here(version, "linux")).listed)
    assert applies is bool(classify([result("pass")], [one], here=Here(version, "linux")).stale)


@pytest.mark.parametrize(("platform", "applies"), [("linux", True), ("win*", False), ("*", True)])
def test_platform_is_a_pattern(platform, applies):
    """An entry for another platform has no say."""
    assert applies is bool(sort([result()], [entry(platform=platform)]).listed)


def test_here_is_this_process_by_default():
    """Without being told, `classify` judges by the running Python, pre-releases as releases."""
    assert running() == Here().python
    assert classify([result()], [entry(python=f"=={base_of(running())}")]).listed


@pytest.mark.parametrize(
    ("results", "stale"),
    [
        ([], False),
        ([result("pass")], True),
        ([result("pass", link="unix")], False),
        ([result("pass", loop="uvloop:new")], False),
        ([result("pass", subject="streams")], False),
        ([result("pass", clause="reader.b")], False),
        ([result("inapplicable")], False),
        ([result("harness")], False),
        ([result("pass"), result("fail", link="tls")], False),
        ([result("pass"), result("pass", link="tls")], True),
        ([result("fail", link="unix")], False),
    ],
)
def test_stale_is_what_was_tried_and_nowhere_departed(results, stale):
    """An entry is stale only if its own trials ran and not one of them departed as listed."""
    one = entry(links=("tcp", "tls"), loop="asyncio")
    assert stale is bool(sort(results, [one]).stale)


def test_nothing_is_stale_after_a_cut():
    """The departing trial may be among those that never ran."""
    assert () == sort([result("pass")], [entry()], complete=False).stale


@pytest.mark.parametrize(
    ("clause", "stale"),
    [
        ("reader.readexactly.cancel-keeps-data", False),
        ("hygiene.no-task-left", False),
        ("reader.readexactly.returns-n", True),
    ],
)
def test_what_any_check_shows_is_stale_only_when_all_were_played(clause, stale):
    """A part of the clauses may be without the one whose plays depart as listed."""
    listed, seen = entry("hang", clause=clause), result("fail", clause=clause)
    assert stale is bool(sort([seen], [listed], whole=False).stale)
    assert (listed,) == sort([seen], [listed]).stale


def test_two_entries_share_a_clause_by_check():
    """Of a clause with two checks that fail alike each can be listed, and is stale, alone."""
    one, other = (replace(entry(), check=name) for name in ("check", "other"))
    assert not one.overlaps(other)
    assert one.overlaps(entry())
    found = sort([result(), result("pass", check="other")], [one, other])
    assert ((result(), one),) == found.listed
    assert (other,) == found.stale
    assert (result(check="third"),) == sort([result(check="third")], [one, other]).new


def test_a_check_of_the_clause_can_be_named(tmp_path):
    """By the name of its function, which a clause of the catalogue has."""
    clause = "handler.exception.plain-callable-closes"
    name = "a_plain_callback_that_crashes_has_its_connection_closed"
    fields = {**SOUND, "clause": f'"{clause}"', "check": f'"{name}"'}
    (one,) = load(write(tmp_path / "mine.toml", fields), catalogue.load(), "mine")
    assert name == one.check
    with pytest.raises(DeviationError, match=f"has no check crashes; it has {name}, "):
        load(write(tmp_path / "x.toml", {**fields, "check": '"crashes"'}), catalogue.load(), "mine")


def test_two_entries_share_a_clause_by_verdict():
    """A clause with two checks may fail in one and hang in the other; each entry takes its own."""
    both = [entry("fail"), entry("hang")]
    found = sort([result("fail"), result("hang", check="other")], both)
    assert both == [d for _, d in found.listed]
    assert () == found.stale


@pytest.mark.parametrize("verdict", DEPARTING)
def test_a_flaky_entry_lists_whatever_departs_now_and_then(verdict):
    """Without repeats a flaky trial ends in any way; none of them is new, and a pass not stale."""
    flaky = entry("flaky")
    assert flaky.overlaps(entry(verdict))
    assert ((result(verdict), flaky),) == sort([result(verdict)], [flaky]).listed
    assert ((), ()) == (sort([result("pass")], [flaky]).stale, sort([result("pass")], [flaky]).new)
    assert (result("precondition"),) == sort([result("precondition")], [flaky]).untried


# --- reading ---


def test_a_sound_file_is_read(tmp_path):
    """Every key comes through, a reason over several lines as one."""
    path = write(
        tmp_path / "mine.toml",
        {
            **SOUND,
            "reason": '"""it is\n   so"""',
            "when": '{ python = "<3.13", loop = "uv*", link = ["tls", "tcp"], platform = "linux" }',
            "match": '"got .2"',
        },
    )
    (one,) = load(path, CLAUSES, "stdlib")
    assert ("stdlib", "reader.a", Verdict.FAIL) == (one.subject, one.clause, one.verdict)
    assert When("<3.13", "uv*", ("tls", "tcp"), "linux") == one.when
    assert ("it is so", "gh-1", "got .2") == (one.reason, one.issue, one.match)
    assert one.where == "mine.toml, deviation 1"


BROKEN = [
    ({"clause": None}, "no clause; add clause"),
    ({"verdict": None}, "no verdict; add verdict"),
    ({"reason": None}, "no reason; add reason"),
    ({"issue": None}, "no issue; add issue"),
    ({"reason": '" "'}, "reason = ' '; expected a text"),
    ({"issue": '""'}, "issue = ''; expected a text, no TODO; \"no upstream issue known\""),
    ({"clause": '"reader.z"'}, "no such clause as reader.z; see `streamgauge list`"),
    ({"clause": '"reader.fact"'}, "a behaviour such as reader.fact is never scored"),
    ({"clause": '["reader.a"]'}, "clause = .'reader.a'.; expected a clause id"),
    ({"verdict": '"pass"'}, "verdict = 'pass'; expected one of fail, hang"),
    ({"verdict": '"inapplicable"'}, "expected one of fail"),
    ({"verdict": '["fail"]'}, "expected one of fail"),
    ({"because": '"x"'}, "unknown key 'because'; use clause, verdict"),
    ({"when": '"always"'}, "expected a table"),
    ({"when": '{ os = "1" }'}, "unknown key 'os'; use python, loop, link, platform, version"),
    (
        {"when": '{ platform = "linus" }'},
        "platform = 'linus'; expected a pattern over what sys.platform may be: aix, ",
    ),
    ({"when": '{ platform = "windows*" }'}, "platform = 'windows.'; expected"),
    ({"when": '{ loop = "uvlop" }'}, "loop = 'uvlop'; expected MODULE:FACTORY, or a pattern over"),
    ({"when": '{ loop = "mine:" }'}, "loop = 'mine:'; expected MODULE:FACTORY"),
    ({"when": '{ version = "1" }'}, "version = '1'; expected a version specifier over the subj"),
    ({"reason": '"TODO"'}, "reason = 'TODO'; expected a text that says why, no TODO"),
    ({"reason": '" todo: find out"'}, "expected a text that says why, no TODO"),
    ({"issue": '"TODO: where?"'}, "issue = 'TODO: where.'; expected a text, no TODO"),
    ({"when": '{ python = "3.8" }'}, "python = '3.8'; expected a version specifier"),
    ({"when": "{ python = 3.8 }"}, "python = 3.8; expected a version specifier"),
    ({"when": '{ link = "tls" }'}, "link = 'tls'; expected a list of links"),
    ({"when": '{ link = ["udp"] }'}, "expected a list of links out of feed"),
    ({"when": "{ link = [] }"}, "expected a list of links"),
    ({"match": '"("'}, r"match = '\('; expected a regular expression"),
    ({"when": '{ python = "<3.8 or 3.9" }'}, "python = '<3.8 or 3.9'; expected a version spec"),
    ({"check": '""'}, "check = ''; expected the name of a check"),
    ({"check": '"a_read_waits"'}, "reader.a has no check a_read_waits; it has none"),
    ({"seen": '["3.8.18"]'}, "unknown key 'seen'"),
]


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_a_broken_entry_is_named_with_its_remedy(tmp_path, change, message):
    """The error says which file, which entry, what is wrong and what to do; exit code 2."""
    broken = {k: v for k, v in {**SOUND, **change}.items() if v is not None}
    path = write(tmp_path / "mine.toml", {**SOUND, "clause": '"reader.b"'}, broken)
    with pytest.raises(DeviationError, match=message) as caught:
        load(path, CLAUSES, "stdlib")
    assert str(caught.value).startswith(f"{path}, deviation 2 (")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[deviation]\n", "not valid TOML"),
        ('[deviation]\nclause = "reader.a"\n', r"write \[\[deviation\]\]"),
        ("deviation = [1]\n", r"write \[\[deviation\]\]"),
        ("[[deviations]]\n", "unknown key 'deviations'"),
        ("subject = 3\n", "whose departures are these"),
        ("loop = 3\n", 'expected `loop = "PATTERN"` and no `subject`'),
        ('loop = "uvloop"\nsubject = "stdlib"\n', "an entry may name subjects, in a list"),
        ('loop = "uvlop*"\n', "loop = 'uvlop.'; expected MODULE:FACTORY, or a pattern over"),
        ("# \xff\n".encode("latin-1"), "not valid TOML"),
        (None, "give a readable file"),
    ],
)
def test_a_broken_file_is_named_with_its_remedy(tmp_path, text, message):
    """What is no deviation file at all is told in one line too."""
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DeviationError, match=message):
        load(path, CLAUSES, "stdlib")


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ({}, {}, True),
        ({"python": '"<3.12"'}, {"python": '">=3.11"'}, True),
        ({"python": '"<3.12"'}, {"python": '">=3.12"'}, False),
        ({"python": '"<3.11.5"'}, {"python": '">=3.11.5"'}, False),
        ({"link": '["tcp", "tls"]'}, {"link": '["tls"]'}, True),
        ({"link": '["tcp"]'}, {"link": '["tls"]'}, False),
        ({"link": '["tcp"]'}, {}, True),
        ({"loop": '"uv*"'}, {"loop": '"uvloop:new"'}, True),
        ({"loop": '"asyncio"'}, {"loop": '"uv*"'}, False),
        ({"platform": '"linux"'}, {"platform": '"darwin"'}, False),
    ],
)
def test_entries_that_overlap_are_refused(tmp_path, one, other, overlap):
    """Two entries for one result would leave open which of them is stale."""
    whens = ["{ " + ", ".join(f"{k} = {v}" for k, v in w.items()) + " }" for w in (one, other)]
    path = write(tmp_path / "mine.toml", *({**SOUND, "when": when} for when in whens))
    if overlap:
        with pytest.raises(DeviationError, match=r"deviation 2 .* overlaps .* deviation 1"):
            gather(["mine"], [path], CLAUSES)
    else:
        assert 2 == len(gather(["mine"], [path], CLAUSES))


@pytest.mark.parametrize(
    ("change", "overlap"),
    [
        ({"verdict": '"hang"'}, False),
        ({"clause": '"reader.b"'}, False),
        ({"match": '"got 3"'}, False),
        ({"match": '"got 2"'}, True),
        ({"reason": '"another"'}, True),
    ],
)
def test_entries_are_told_apart_by_verdict_clause_and_match(tmp_path, change, overlap):
    """Entries that can never list the same result stand side by side."""
    first = {**SOUND, "match": '"got 2"'}
    path = write(tmp_path / "mine.toml", first, {**first, **change})
    if overlap:
        with pytest.raises(DeviationError, match="keep one, or tell them apart"):
            gather(["mine"], [path], CLAUSES)
    else:
        assert 2 == len(gather(["mine"], [path], CLAUSES))


def test_known_files_are_found_by_the_subject_s_name(tmp_path):
    """What ships for a subject is loaded with it, and for no other one."""
    write(tmp_path / "stdlib.toml", SOUND)
    found = gather(["stdlib", "pkg.mod"], [], CLAUSES, known=tmp_path)
    assert ["stdlib"] == [d.subject for d in found]
    assert [] == gather(["streams"], [], CLAUSES, known=tmp_path)


def test_what_ships_of_a_loop_is_said_of_subjects_that_stand_on_it(tmp_path):
    """A loop's file is loaded for the standard library's streams and ours, and no others."""
    (tmp_path / "loops").mkdir()
    write(tmp_path / "loops" / "fast.toml", SOUND, head='loop = "aiofastnet*"\n')
    found = gather(["stdlib", "streams", "mine"], [], CLAUSES, known=tmp_path)
    assert [("stdlib", "aiofastnet*"), ("streams", "aiofastnet*")] == [
        (d.subject, d.when.loop) for d in found
    ]
    assert [] == gather(["mine"], [], CLAUSES, known=tmp_path)


def test_a_loop_s_file_may_name_subjects_and_narrower_loops(tmp_path):
    """An entry is of the subjects it names, or of all; its own `when.loop` goes before."""
    named = {**SOUND, "subject": '["mine"]', "when": '{ loop = "aiofastnet+uvloop" }'}
    other = {**SOUND, "clause": '"reader.b"'}
    path = write(tmp_path / "fast.toml", named, other, head='loop = "aiofastnet*"\n')
    found = gather(["mine", "yours"], [path], CLAUSES, known=tmp_path / "none")
    assert [
        ("mine", "reader.a", "aiofastnet+uvloop"),
        ("mine", "reader.b", "aiofastnet*"),
        ("yours", "reader.b", "aiofastnet*"),
    ] == [(d.subject, d.clause, d.when.loop) for d in found]
    with pytest.raises(DeviationError, match="unknown key 'subject'"):
        load(write(path, named), CLAUSES, "mine")


def test_an_entry_in_a_loop_s_file_may_name_several_clauses(tmp_path):
    """Each is listed, and stale, on its own; one that does not exist is told."""
    several = {**SOUND, "clause": '["reader.a", "reader.b"]'}
    path = write(tmp_path / "fast.toml", several, head='loop = "asyncio"\n')
    found = load(path, CLAUSES, "stdlib")
    assert ["reader.a", "reader.b"] == [d.clause for d in found]
    passed = result("pass", clause="reader.b")
    assert (found[1],) == sort([result("fail"), passed], found).stale
    for clauses, said in (
        ('["reader.a", "reader.z"]', "no such clause as reader.z"),
        ("[]", "a clause id, or a list of them"),
    ):
        write(path, {**several, "clause": clauses}, head='loop = "asyncio"\n')
        with pytest.raises(DeviationError, match=said):
            load(path, CLAUSES, "stdlib")


def test_the_version_in_a_loop_s_file_is_the_loop_s(tmp_path):
    """What is no package, or none that is installed, is told; asyncio's own have Python's."""
    entry = {**SOUND, "when": '{ version = ">=3" }'}
    path = write(tmp_path / "loop.toml", entry, head='loop = "asyncio-eager"\n')
    assert [running()] == [d.version for d in load(path, CLAUSES, "mine")]
    write(path, entry, head='loop = "nowhere:new_loop"\n')
    with pytest.raises(DeviationError, match="version of 'nowhere:new_loop', of which no package"):
        load(path, CLAUSES, "mine")


def test_files_of_the_user_come_on_top(tmp_path):
    """A file given by the user adds to what ships, and an overlap between them is refused."""
    known = tmp_path / "known"
    known.mkdir()
    write(known / "stdlib.toml", SOUND)
    added = write(tmp_path / "mine.toml", {**SOUND, "clause": '"reader.b"'})
    found = gather(["stdlib"], [added], CLAUSES, known=known)
    assert ["reader.a", "reader.b"] == [d.clause for d in found]
    with pytest.raises(DeviationError, match=r"mine.toml, deviation 1 .* overlaps stdlib.toml"):
        gather(["stdlib"], [write(added, SOUND)], CLAUSES, known=known)


def test_a_file_says_whose_it_is_when_there_are_several(tmp_path):
    """With several subjects a file names its own; with one there is nothing to ask."""
    path = write(tmp_path / "mine.toml", SOUND)
    assert ["mine"] == [
        d.subject for d in gather(["mine"], [path], CLAUSES, known=tmp_path / "none")
    ]
    with pytest.raises(DeviationError, match="whose departures are these"):
        gather(["mine", "other"], [path], CLAUSES, known=tmp_path / "none")
    path = write(tmp_path / "mine.toml", SOUND, head='subject = "other"\n')
    found = gather(["mine", "other"], [path], CLAUSES, known=tmp_path / "none")
    assert ["other"] == [d.subject for d in found]


def test_a_file_about_nobody_in_the_run_is_an_error(tmp_path):
    """A slip in `subject` would else leave every entry without a word; one that fits is enough."""
    path = write(tmp_path / "mine.toml", SOUND, head='subject = "mein"\n')
    with pytest.raises(DeviationError, match="departures of 'mein', and the run judges mine; name"):
        gather(["mine"], [path], CLAUSES)
    assert ["mein"] == [d.subject for d in gather(["mine", "mein"], [path], CLAUSES)]


@pytest.fixture
def versioned(tmp_path, monkeypatch):
    """Make a package of version 2.1 and one that tells none; give the folder."""
    text = "def open_connection(): ...\n"
    (tmp_path / "told_package.py").write_text(f"{text}__version__ = '2.1'\n")
    (tmp_path / "mute_package.py").write_text(f"{text}__version__ = 'unknown to man'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("told_package", "mute_package"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("version", "specifier", "applies"),
    [
        ("2.1rc1", ">=2.1", True),
        ("2.1rc1", "<2.1", False),
        ("2.1rc1", ">=2.1rc1", True),
        ("2.1+deb12u1", "==2.1", True),
        ("2.1+deb12u1", ">=2.2", False),
        ("2.1+", "==2.1", True),
    ],
)
def test_a_version_with_a_suffix_counts_as_its_release(versioned, version, specifier, applies):
    """A pre-release, a distribution's build and a snapshot each fall under one of two entries."""
    (versioned / "told_package.py").write_text(
        f"def open_connection(): ...\n__version__ = {version!r}\n"
    )
    path = write(versioned / "mine.toml", {**SOUND, "when": f'{{ version = "{specifier}" }}'})
    entries = gather(["told_package"], [path], CLAUSES)
    assert applies is bool(sort([result(subject="told_package")], entries).listed)


@pytest.mark.parametrize(
    ("specifier", "applies"), [("<2", False), (">=2,<3", True), ("==2.1", True), (">2.1", False)]
)
def test_version_is_a_specifier_over_the_subjects_own(versioned, specifier, applies):
    """An entry for other versions of the subject neither lists a departure nor becomes stale."""
    when = f'{{ version = "{specifier}" }}'
    path = write(versioned / "mine.toml", {**SOUND, "when": when})
    entries = gather(["told_package"], [path], CLAUSES)
    assert applies is bool(sort([result(subject="told_package")], entries).listed)
    assert applies is bool(sort([result("pass", subject="told_package")], entries).stale)


def test_entries_for_two_versions_stand_side_by_side(versioned):
    """Of two entries for one clause, each for a version of its own, one applies."""
    whens = ['{ version = "<2" }', '{ version = ">=2" }']
    path = write(versioned / "mine.toml", *({**SOUND, "when": when} for when in whens))
    assert 2 == len(gather(["told_package"], [path], CLAUSES))
    path = write(versioned / "mine.toml", *[{**SOUND, "when": whens[1]}] * 2)
    with pytest.raises(DeviationError, match="overlaps"):
        gather(["told_package"], [path], CLAUSES)


def test_a_version_that_nothing_tells_cannot_be_asked_for(versioned):
    """An entry that could never apply is an error, with what to do."""
    path = write(versioned / "mine.toml", {**SOUND, "when": '{ version = "<2" }'})
    with pytest.raises(DeviationError, match="version of 'mute_package', which nothing tells; giv"):
        gather(["mute_package"], [path], CLAUSES)


def test_the_standard_librarys_version_is_pythons():
    """`version` of stdlib is the running Python's, of our own streams this distribution's."""
    assert running() == version_of("stdlib")
    assert suite_version() == version_of("streams")


def test_a_shipped_list_names_releases_of_its_table(tmp_path):
    """Where it was seen, and seen gone, as ranges over those on which it was judged."""
    (tmp_path / "observed.toml").write_text(
        '[loop.asyncio]\npython = ["3.8.18", "3.9.18", "3.11.7", "3.12.1"]\n'
    )
    told = {**SOUND, "seen": '["3.8.18 to 3.11.7"]', "gone": '["3.12.1"]'}
    write(tmp_path / "stdlib.toml", told)
    (one,) = gather(["stdlib"], [], CLAUSES, known=tmp_path)
    assert (True, ("3.8.18", "3.9.18", "3.11.7"), ("3.12.1",)) == (one.shipped, one.seen, one.gone)
    write(tmp_path / "stdlib.toml", {**told, "gone": '["3.13.0"]'})
    said = r"stdlib.toml, deviation 1 \(reader.a\): 3.13.0 was not observed; observed.toml has, for"
    with pytest.raises(DeviationError, match=said):
        gather(["stdlib"], [], CLAUSES, known=tmp_path)
    mine = write(tmp_path / "mine.toml", {**SOUND, "clause": '"reader.b"'})
    write(tmp_path / "stdlib.toml", told)
    assert [True, False] == [d.shipped for d in gather(["stdlib"], [mine], CLAUSES, known=tmp_path)]


def test_what_ships_is_sound():
    """The files in the package name clauses of the catalogue and do not overlap."""
    for name in subjects.builtin():
        for deviation in gather([name], [], catalogue.load()):
            assert name == deviation.subject


@pytest.mark.parametrize(
    "when",
    [
        *(f'platform = "{name}"' for name in (sys.platform, "win*", "freebsd14", "*", "[dl]*")),
        *(f'loop = "{name}"' for name in ("uvloop", "*", "aiofastnet+uvloop", "asyncio-*")),
        *(f'loop = "{name}"' for name in ("mypkg.loops:new", "my*:*", "aiofastnet+my:new")),
    ],
)
def test_platforms_and_loops_that_there_may_be(tmp_path, when):
    """Whatever a run may meet can be named, by a pattern as well."""
    path = write(tmp_path / "list.toml", {**SOUND, "when": f"{{ {when} }}"})
    assert len(load(path, CLAUSES, "stdlib")) == 1
