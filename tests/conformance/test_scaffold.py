"""`streamgauge new-subject`: files that run as they are, and what is refused."""

from __future__ import annotations

import sys

import pytest

from streamgauge.conformance import catalogue, cli, deviation_files
from streamgauge.conformance.scaffold import KINDS, subject_of
from streamgauge.conformance.subjects import resolve

pytestmark = pytest.mark.any_python


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    """Run `streamgauge new-subject` in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with pytest.raises(SystemExit) as caught:
            cli.main(["new-subject", *words])
        return (caught.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "cls"), [("tried_here", "TriedHere"), ("x", "X")])
def test_what_is_written_can_be_judged_as_it_is(command, monkeypatch, tmp_path, kind, name, cls):
    """An adapter that is a subject, a deviation file about it, a test file that collects it."""
    code, out, err = command(name, "--kind", kind)
    files = [f"{name}_subject.py", f"{name}_deviations.toml", f"test_{name}.py"]
    subject = f"{name}_subject" + f":{cls}" * (kind == "pair")
    assert (0, "") == (code, err)
    assert [
        *(f"wrote {f}" for f in files),
        f"next: streamgauge run {subject} --deviations {files[1]}",
    ] == (out.splitlines())
    assert subject == subject_of(name, kind)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, f"{name}_subject", raising=False)  # another test's
    assert (("own",) if kind == "pair" else True) == (
        resolve(subject).links if kind == "pair" else "tcp" in resolve(subject).links
    )
    path = tmp_path / files[1]
    assert [] == deviation_files.gather([subject], [path], catalogue.load())
    assert f'subject = "{subject}"' in path.read_text()
    namespace = {"__file__": str(tmp_path / files[2]), "__name__": f"test_{name}"}
    exec(compile((tmp_path / files[2]).read_text(), files[2], "exec"), namespace)
    assert callable(namespace[f"test_{name}"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("my-streams",), "'my-streams' is no Python name; give one such as my_streams"),
        (("class",), "'class' is no Python name"),
        (("mine", "--folder", "absent"), "absent: there is no such folder; make it first"),
        (("mine", "--kind", "reader"), "'reader' is not one of"),
        ((), "Missing argument 'NAME'"),
    ],
)
def test_what_cannot_be_written_is_one_line(command, tmp_path, words, says):
    """No file is left behind by a slip."""
    code, out, err = command(*words)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert says in err
    assert [] == list(tmp_path.iterdir())


def test_nothing_is_overwritten(command, tmp_path):
    """A file that is there stays as it is, and none is written beside it."""
    (tmp_path / "test_mine.py").write_text("mine")
    code, _, err = command("mine")
    assert (2, "streamgauge: test_mine.py is there already; give another name or --folder\n") == (
        *(code,),
        err,
    )
    assert "mine" == (tmp_path / "test_mine.py").read_text()
    assert ["test_mine.py"] == [path.name for path in tmp_path.iterdir()]


def test_another_folder_may_be_given(command, tmp_path):
    """--folder says where the files go."""
    (tmp_path / "there").mkdir()
    assert 0 == command("mine", "--folder", "there")[0]
    assert 3 == len(list((tmp_path / "there").iterdir()))
