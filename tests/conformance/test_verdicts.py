"""Verdicts, claims and exit codes: every input there is, against tables of what must come out."""

from __future__ import annotations

from itertools import combinations, permutations, product

import pytest

from streamgauge.conformance.verdicts import (
    EXIT_CODES,
    Claim,
    Ended,
    Observation,
    Outcome,
    Verdict,
    claim_of,
    exit_code,
    judge,
    over_plans,
    over_repeats,
    over_trials,
)

# How a trial ended -> (verdict of a clean one, verdict when a hygiene clause broke).
EXPECTED = {
    Ended.RETURNED: ("pass", "noise"),
    Ended.ASSERTION: ("fail", "fail"),
    Ended.RAISED: ("fail", "fail"),
    Ended.SETUP: ("precondition", "precondition"),
    Ended.DEADLINE: ("hang", "hang"),
    Ended.BLOCKED: ("stall", "stall"),
    Ended.DIED: ("crash", "crash"),
    Ended.SUITE: ("harness", "harness"),
    Ended.ADAPTER: ("harness", "harness"),
    Ended.NOT_TRIED: ("inapplicable", "inapplicable"),
    Ended.VOID: ("unverified", "unverified"),
    Ended.UNREACHED: ("unverified", "unverified"),
}
AGAINST = set(map(Verdict, ("fail", "hang", "stall", "crash", "noise", "partial", "flaky")))
SUBSETS = [set(s) for n in range(len(Verdict) + 1) for s in combinations(Verdict, n)]


@pytest.mark.parametrize("ended", list(Ended))
@pytest.mark.parametrize("breaches", [(), ("hygiene.no-task-left",), ("a", "b")])
def test_every_ending_has_its_verdict(ended, breaches):
    """Each way to end, with and without broken hygiene, earns the verdict of the table."""
    assert EXPECTED[ended][bool(breaches)] == str(judge(Observation(ended, breaches)))


def test_only_a_clean_return_passes():
    """No other ending may ever read as passed."""
    passing = [
        (ended, breaches)
        for ended, breaches in product(Ended, [(), ("hygiene.no-task-left",)])
        if judge(Observation(ended, breaches)) is Verdict.PASS
    ]
    assert [(Ended.RETURNED, ())] == passing


def test_every_verdict_can_be_earned():
    """A verdict that no observation leads to would be a dead row of the reports."""
    single = {judge(Observation(e, b)) for e in Ended for b in [(), ("x",)]}
    assert set(Verdict) == single | {Verdict.PARTIAL, Verdict.FLAKY}
    assert {Verdict.PARTIAL} == {over_plans([Verdict.PASS, Verdict.FAIL])}
    assert {Verdict.FLAKY} == {over_repeats([Verdict.PASS, Verdict.FAIL])}


@pytest.mark.parametrize(
    ("words", "plans", "repeats", "trials"),
    [
        ("", "unverified", "unverified", "unverified"),
        ("pass", "pass", "pass", "pass"),
        ("fail", "fail", "fail", "fail"),
        ("inapplicable", "inapplicable", "inapplicable", "inapplicable"),
        ("precondition", "precondition", "precondition", "unverified"),
        ("unverified", "unverified", "unverified", "unverified"),
        ("harness", "harness", "harness", "harness"),
        ("pass fail", "partial", "flaky", "fail"),
        ("pass hang", "partial", "flaky", "hang"),
        ("pass stall", "partial", "flaky", "stall"),
        ("pass crash", "partial", "flaky", "crash"),
        ("noise fail", "partial", "flaky", "fail"),
        ("pass noise", "noise", "flaky", "noise"),
        ("fail hang", "hang", "flaky", "hang"),
        ("hang stall crash", "crash", "flaky", "crash"),
        ("fail precondition", "fail", "flaky", "fail"),
        ("pass precondition", "precondition", "flaky", "unverified"),
        ("pass unverified", "unverified", "unverified", "unverified"),
        ("pass fail unverified", "partial", "flaky", "fail"),
        ("pass inapplicable", "pass", "flaky", "pass"),
        ("pass fail harness", "harness", "harness", "harness"),
        ("pass partial", "partial", "flaky", "partial"),
        ("pass flaky", "partial", "flaky", "flaky"),
    ],
)
def test_what_several_runs_come_to(words, plans, repeats, trials):
    """Plans that disagree are partial, repeats that disagree flaky; a clause is as its worst."""
    several = [Verdict(word) for word in words.split()]
    for order in permutations(several):
        assert (plans, repeats, trials) == (
            *(str(over_plans(order)), str(over_repeats(order))),
            str(over_trials(order)),
        )


def test_a_mixture_reads_as_passed_only_beside_what_is_inapplicable():
    """Of all 4096 sets of verdicts: none with anything else in it passes by being merged."""
    for several in SUBSETS:
        clean = Verdict.PASS in several and several <= {Verdict.PASS, Verdict.INAPPLICABLE}
        assert clean is (over_plans(several) is Verdict.PASS)
        assert clean is (over_trials(several) is Verdict.PASS)
        assert (several == {Verdict.PASS}) is (over_repeats(several) is Verdict.PASS)


def expected_claim(seen, complete):
    """Say by the words of the design what may be claimed."""
    if Verdict.HARNESS in seen:
        return Claim.INVALID
    if seen & AGAINST:
        return Claim.DEVIATES
    untried = {Verdict.PRECONDITION, Verdict.UNVERIFIED}
    unverified = bool(seen & untried) or Verdict.PASS not in seen or not complete
    return Claim.INCOMPLETE if unverified else Claim.CONFORMANT


@pytest.mark.parametrize("complete", [True, False])
def test_claims_over_every_set_of_verdicts(complete):
    """For all 4096 sets of verdicts: invalid, deviates, incomplete, conformant, in this order."""
    wrong = [s for s in SUBSETS if expected_claim(s, complete) is not claim_of(s, complete)]
    assert [] == wrong


def test_what_did_not_run_is_never_conformant():
    """No verdict, only inapplicable ones, or a part of the catalogue: incomplete."""
    assert Claim.INCOMPLETE is claim_of([], complete=True)
    assert Claim.INCOMPLETE is claim_of([Verdict.INAPPLICABLE], complete=True)
    assert Claim.INCOMPLETE is claim_of([Verdict.PASS], complete=False)


@pytest.mark.parametrize(
    ("harness", "departed", "incomplete", "code"),
    [
        (False, False, False, 0),
        (False, False, True, 4),
        (False, True, False, 1),
        (False, True, True, 1),
        (True, False, False, 3),
        (True, False, True, 3),
        (True, True, False, 3),
        (True, True, True, 3),
    ],
)
def test_exit_codes(harness, departed, incomplete, code):
    """A fault of the suite outranks departures, they outrank gaps."""
    assert code == exit_code(harness=harness, departed=departed, incomplete=incomplete)


def test_exit_codes_are_those_of_the_design():
    """The numbers are a promise to scripts."""
    assert {
        Outcome.AS_EXPECTED: 0,
        Outcome.DEPARTED: 1,
        Outcome.USAGE: 2,
        Outcome.HARNESS: 3,
        Outcome.INCOMPLETE: 4,
    } == EXIT_CODES


@pytest.mark.parametrize("word", [*Verdict, *Claim])
def test_words_print_as_themselves(word):
    """Reports and files show `pass`, never `Verdict.PASS`, on every Python."""
    assert word.value == f"{word!s}"
