"""The results file: what is written validates, comes back the same, and shows when it was cut."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest

from streamgauge.conformance.plan import LINKS, Result, RunPlan
from streamgauge.conformance.results import (
    SCHEMA,
    ResultsFileError,
    ResultsLostError,
    ResultsWriter,
    footer_of,
    header_of,
    read,
)
from streamgauge.conformance.verdicts import Claim, Verdict

pytestmark = pytest.mark.any_python

RESULTS = [
    Result(
        subject="stdlib",
        loop="asyncio",
        link=link,
        clause="reader.read.up-to-n",
        check="reads_up_to_n",
        level=level,
        verdict=verdict,
        detail="expected b'\u00e4', got b'\ud800'\nsecond line",
        seconds=0.25,
    )
    for verdict in Verdict
    for link in (*LINKS, "-")
    for level in ("must", "should", "behaviour")
]


def lines_of(results=RESULTS, plan=None, claims=None):
    """Write a whole file and give its lines, parsed."""
    file = io.StringIO()
    writer = ResultsWriter(file)
    writer.write(header_of(plan or RunPlan(), catalogue="1.0", edition="3.11"))
    for result in results:
        writer.result(result)
    writer.write(footer_of(results, claims=claims or {"stdlib": "deviates"}, complete=True))
    return [json.loads(line) for line in file.getvalue().splitlines()]


def written(path, lines):
    """Put lines into a file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def validator():
    """Give a validator of one line, with formats checked."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    cls = jsonschema.validators.validator_for(schema)
    cls.check_schema(schema)
    return cls(schema, format_checker=cls.FORMAT_CHECKER)


def test_every_line_validates(validator):
    """Header, a result of every verdict, link and level, and the footer keep to the schema."""
    plan = RunPlan(links=("tcp",), clauses=("reader.*",), loops=("asyncio", "uvloop:new"))
    claims = {f"subject{n}": str(claim) for n, claim in enumerate(Claim)}
    for line in lines_of(plan=plan, claims=claims):
        validator.validate(line)


@pytest.mark.parametrize("at", [0, 1, -1])
def test_schema_refuses_a_line_with_a_key_more_or_less(validator, at):
    """The schema is strict: every key is mandatory and no other is allowed."""
    line = lines_of()[at]
    for key in line:
        assert not validator.is_valid({k: v for k, v in line.items() if k != key})
    assert not validator.is_valid({**line, "surprise": 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [("verdict", "passed"), ("link", "udp"), ("seconds", -1), ("level", "may"), ("clause", "x")],
)
def test_schema_refuses_foreign_values(validator, key, value):
    """A word that the suite does not know is no valid result."""
    assert not validator.is_valid({**lines_of()[1], key: value})


def test_result_lines_have_the_promised_keys_in_order():
    """A result line starts with its type, and its keys stand in the documented order."""
    expected = ["type", "subject", "loop", "link", "clause", "check", "level", "verdict", "detail"]
    assert [*expected, "seconds", "plan", "tried", "plays"] == list(lines_of()[1])


def test_a_file_comes_back_as_it_was_written(tmp_path):
    """Reading gives the very results that were written, and both ends of the file."""
    path = written(tmp_path / "results.jsonl", lines_of())
    report = read(path)
    assert list(report.results) == RESULTS
    assert report.header["catalogue"] == "1.0"
    assert report.footer["trials"] == len(RESULTS)
    assert report.footer["verdicts"]["hang"] == 3 * len((*LINKS, "-"))


def test_each_line_reaches_the_file_at_once(tmp_path):
    """A run that is killed leaves every result that it had."""
    with (tmp_path / "results.jsonl").open("w") as file:
        ResultsWriter(file).result(RESULTS[0])
        assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("kept", range(1, 6))
def test_a_file_cut_between_lines_is_refused(tmp_path, kept):
    """Without its footer a file is no report, however much of it is there."""
    path = written(tmp_path / "cut.jsonl", lines_of(RESULTS[:4])[:kept])
    with pytest.raises(ResultsFileError, match="no footer; the run that wrote it did not end"):
        read(path)


def test_a_file_cut_within_a_line_is_refused(tmp_path):
    """The broken line is named, for any place of the cut."""
    path = written(tmp_path / "cut.jsonl", lines_of(RESULTS[:1]))
    text = path.read_text()
    path.write_text(text[: len(text) - 10])
    with pytest.raises(ResultsFileError, match="line 3: no JSON"):
        read(path)


def test_a_file_that_lost_lines_is_refused(tmp_path):
    """The footer's count holds the results together."""
    lines = lines_of(RESULTS[:4])
    path = written(tmp_path / "lost.jsonl", lines[:2] + lines[3:])
    with pytest.raises(ResultsFileError, match="counts 4 trials, got 3"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header on line 1"),
        ('{"type": "result"}\n', "no header on line 1"),
        ("[]\n", "expected an object"),
        ('{"type": "header", "format": 2}\n', "format 2, expected 1"),
    ],
)
def test_what_is_no_results_file_is_refused(tmp_path, text, message):
    """Another file, or another format's, is told apart from a cut one."""
    path = tmp_path / "other.jsonl"
    path.write_text(text)
    with pytest.raises(ResultsFileError, match=message):
        read(path)


@pytest.mark.parametrize("change", [{"verdict": "passed"}, {"surprise": 1}])
def test_a_broken_result_is_refused(tmp_path, change):
    """A line that only looks like a result is named by its number."""
    lines = lines_of(RESULTS[:2])
    path = written(
        tmp_path / "broken.jsonl", [lines[0], lines[1], {**lines[2], **change}, lines[3]]
    )
    with pytest.raises(ResultsFileError, match="line 3: no result"):
        read(path)


def test_a_missing_file_is_one_line(tmp_path):
    """A file that is not there is the caller's mistake, told in one line."""
    with pytest.raises(ResultsFileError, match="give a file written by --jsonl"):
        read(tmp_path / "none.jsonl")


def test_a_full_disk_is_told():
    """Lines that could not be written are an error, not a silently short file."""

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    with pytest.raises(ResultsLostError, match="No space left") as caught:
        ResultsWriter(Full()).result(RESULTS[0])
    assert caught.value.exit_code == 4
